//! What the importers of Chrome and Firefox demand (`HARFormat.ts`, `har-importer.js`): they run in browsers only, so
//! their conditions are written down here.

use proptest::prelude::*;
use serde_json::Value;

use super::{examples, generated, masked, unmasked, written};

proptest! {
    #[test]
    fn browsers_can_import_any_exchange(exchanges in generated::exchanges()) {
        let exchanges: Vec<_> = exchanges.into_iter().map(unmasked).collect();
        imports(&written(&exchanges));
    }
}

#[test]
fn browsers_can_import_the_examples() {
    let exchanges: Vec<_> = examples::all().into_iter().map(masked).collect();
    imports(&written(&exchanges));
}

#[test]
fn the_file_is_in_order_and_one_entry_a_line() {
    let exchanges: Vec<_> = examples::all().into_iter().map(masked).collect();
    let text = String::from_utf8(written(&exchanges)).unwrap();
    assert_eq!(text.lines().count(), exchanges.len() + 2);
    let file: Value = serde_json::from_str(&text).unwrap();
    let starts: Vec<_> = entries(&file).iter().map(|entry| entry["startedDateTime"].as_str().unwrap()).collect();
    assert!(starts.is_sorted(), "{starts:?}");
}

#[test]
fn only_the_first_entry_of_a_connection_has_its_times() {
    let exchanges: Vec<_> = (1..=2)
        .map(|id| {
            let mut exchange = examples::answered(id, "GET", "/v2/");
            exchange.connection = pulltap::exchange::ConnectionId::new(1);
            unmasked(exchange)
        })
        .collect();
    let file: Value = serde_json::from_slice(&written(&exchanges)).unwrap();
    let first = &entries(&file)[0]["timings"];
    assert_eq!(
        first.to_string(),
        r#"{"blocked":-1,"connect":23.821,"dns":10.0,"receive":0.85,"send":0.15,"ssl":4.321,"wait":20.0}"#
    );
    assert_eq!(entries(&file)[0]["time"].as_f64(), Some(54.821));
    let second = &entries(&file)[1]["timings"];
    assert_eq!(
        second.to_string(),
        r#"{"blocked":-1,"connect":-1,"dns":-1,"receive":0.85,"send":0.15,"ssl":-1,"wait":20.0}"#
    );
}

fn entries(file: &Value) -> &Vec<Value> {
    file["log"]["entries"].as_array().unwrap()
}

/// Fails where one of the two would refuse the file.
fn imports(bytes: &[u8]) {
    let file: Value = serde_json::from_slice(bytes).unwrap();
    let log = &file["log"];
    assert_eq!(log["version"], "1.2");
    assert!(log["creator"]["name"].is_string() && log["creator"]["version"].is_string());
    assert!(log["pages"].is_array(), "Firefox walks through pages unasked");
    for entry in entries(&file) {
        imports_entry(entry);
    }
}

fn imports_entry(entry: &Value) {
    is_date(&entry["startedDateTime"]);
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("no number: {value} in {entry}"));
    assert!(entry["cache"].is_object(), "Firefox looks into the cache unasked");
    for size in ["headersSize", "bodySize"] {
        assert!(entry["request"][size].is_i64() && entry["response"][size].is_i64());
    }
    assert!(entry["response"]["status"].is_u64() && entry["response"]["content"]["size"].is_u64());
    assert!(entry["response"]["content"]["mimeType"].is_string() && entry["response"]["redirectURL"].is_string());
    assert!(entry["serverIPAddress"] != "", "an empty address is none");
    for message in ["request", "response"] {
        for cookie in entry[message]["cookies"].as_array().unwrap() {
            if !cookie["expires"].is_null() {
                is_date(&cookie["expires"]);
            }
        }
    }
    let timings = &entry["timings"];
    for phase in ["send", "wait", "receive"] {
        assert!(number(&timings[phase]) >= 0.0, "{timings}");
    }
    let optional = |phase: &str| Some(number(&timings[phase])).filter(|took| *took >= 0.0);
    if let Some(ssl) = optional("ssl") {
        assert!(optional("connect").is_some_and(|connect| connect >= ssl), "TLS is a part of connecting: {timings}");
    }
    let sum: f64 = ["blocked", "dns", "connect", "send", "wait", "receive"].into_iter().filter_map(optional).sum();
    let time = number(&entry["time"]);
    assert!((sum - time).abs() <= 0.001 + time * 1e-9, "{time} is not the sum of {timings}");
    let url = entry["request"]["url"].as_str().unwrap();
    let parsed = url::Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    assert!(parsed.fragment().is_none() && parsed.host_str().is_some() && url.is_ascii());
}

/// What JavaScript's `Date.parse` and the npm schema both take.
fn is_date(value: &Value) {
    let text = value.as_str().unwrap();
    assert_eq!(text.len(), "2026-01-02T03:04:05.678Z".len(), "{text}");
    assert!(text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'), "{text}");
}
