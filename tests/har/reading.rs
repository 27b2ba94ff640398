//! Files that are no HAR, no whole one, or not as they should be.

use proptest::prelude::*;
use pulltap::exchange::{FailureKind, Kept, Origin, Stage, State, Target, Version, WhyNotKept};
use pulltap::har::{self, HarError, Repair};
use serde_json::{Value, json};

use super::{examples, unmasked, written};

fn examples_as_json() -> Value {
    let exchanges: Vec<_> = examples::all().into_iter().map(unmasked).collect();
    serde_json::from_slice(&written(&exchanges)).unwrap()
}

fn read(file: &Value) -> har::HarFile {
    har::read(file.to_string().as_bytes()).unwrap()
}

#[test]
fn says_what_is_wrong_with_a_file() {
    for (bytes, expected) in [
        (&b""[..], HarError::Empty),
        (b" \n", HarError::Empty),
        (b"PK\x03\x04", HarError::NotJson { line: 1, column: 1 }),
        (b"\x1f\x8b\x08", HarError::NotText { at: 1 }),
        (b"[]", HarError::NotHar),
        (b"{}", HarError::NotHar),
        (b"{\"log\":{\"version\":\"1.2\"}}", HarError::NotHar),
        (b"{\"log\":{\"entries\":[{\"time\"", HarError::Truncated { line: 1, column: 26 }),
        (b"{\"log\":\n;", HarError::NotJson { line: 2, column: 1 }),
    ] {
        assert_eq!(har::read(bytes).unwrap_err(), expected, "{}", bytes.escape_ascii());
    }
    let error = har::read(br#"{"log":{"entries":[{"time":"soon"}]}}"#).unwrap_err().to_string();
    assert!(error.contains("invalid type: string \"soon\"") && error.contains("line 1, column 33"), "{error}");
}

#[test]
fn a_file_that_was_cut_anywhere_is_an_error_and_never_a_shorter_capture() {
    let exchanges: Vec<_> = examples::all().into_iter().take(3).map(unmasked).collect();
    let bytes = written(&exchanges);
    let whole = bytes.trim_ascii_end().len();
    for cut in (0..whole).step_by(7) {
        assert!(har::read(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = examples_as_json().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = har::read(&bytes);
    }
}

#[test]
fn accepts_a_byte_order_mark() {
    let bytes = [b"\xef\xbb\xbf", &examples_as_json().to_string().into_bytes()[..]].concat();
    assert_eq!(har::read(&bytes).unwrap(), read(&examples_as_json()));
}

#[test]
fn numbers_entries_whose_ids_are_not_their_own() {
    let mut file = examples_as_json();
    file["log"]["entries"][1]["_id"] = json!(1);
    let read = read(&file);
    assert_eq!(read.repairs, [Repair::Renumbered]);
    let ids: Vec<_> = read.exchanges.iter().map(|exchange| exchange.id.number()).collect();
    assert_eq!(ids, (1..=11).collect::<Vec<_>>());
}

#[test]
fn says_which_entry_misses_its_certificates() {
    let mut file = examples_as_json();
    file["log"]["_pulltap"]["certificates"].as_array_mut().unwrap().truncate(2);
    let repairs = read(&file).repairs;
    assert!(repairs.contains(&Repair::NoCertificate { entry: 1 }), "{repairs:?}");
}

/// What is left when another program has saved our file.
#[test]
fn reads_the_plain_fields_where_ours_are_gone() {
    let mut file = examples_as_json();
    file["log"].as_object_mut().unwrap().remove("_pulltap");
    for entry in file["log"]["entries"].as_array_mut().unwrap() {
        without_ours(entry);
    }
    let read = read(&file);
    assert_eq!(read.repairs, []);
    let originals = examples::all();
    for (restored, original) in read.exchanges.iter().zip(&originals).take(5) {
        assert_eq!(restored.target, original.target);
        assert_eq!(restored.path(), original.path());
        let (restored_head, head) = (restored.response.as_ref().unwrap(), original.response.as_ref().unwrap());
        assert_eq!((restored_head.status, &restored_head.reason), (head.status, &head.reason));
        assert_eq!(examples::pairs(&restored_head.headers), examples::pairs(&head.headers));
        assert_eq!(restored_head.version, Version::Http11);
        assert_eq!(restored.upstream_tls, None);
        assert_eq!(restored.timings.opened.micros() / 1000, original.timings.opened.micros() / 1000);
    }
    assert_eq!(read.exchanges[2].response_body.bytes, originals[2].response_body.bytes);
    assert_eq!(read.exchanges[2].response_body.decoded_from, ["gzip"]);
    assert_eq!(read.exchanges[3].response_body.kept, Kept::None(WhyNotKept::NotInFile));
    assert_eq!(read.exchanges[5].target, Target::https("nowhere.test", 443));
}

fn without_ours(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|name, _| !name.starts_with('_'));
            object.values_mut().for_each(without_ours);
        }
        Value::Array(list) => list.iter_mut().for_each(without_ours),
        _ => {}
    }
}

/// Chrome and mitmproxy write a response of status 0 whose `_error` has the reason.
#[test]
fn a_browsers_reason_becomes_a_failure() {
    let file = |error: Value| {
        let request = json!({"method": "GET", "url": "https://registry.test/v2/", "headers": []});
        let response = json!({"status": 0, "headers": [], "content": {}, "_error": error});
        let date = "2026-01-15T12:00:00Z";
        read(
            &json!({"log": {"entries": [{"startedDateTime": date, "time": 4, "request": request, "response": response}]}}),
        )
    };
    let exchange = file("net::ERR_CONNECTION_REFUSED".into()).exchanges.remove(0);
    let failure = exchange.failure.unwrap();
    assert_eq!((failure.stage, failure.kind), (Stage::Connect, FailureKind::Refused));
    assert_eq!((exchange.origin, exchange.state), (Origin::File, State::Failed));
    for error in [Value::Null, json!(7), json!({"code": 7}), "net::ERR_ABORTED".into()] {
        assert_eq!(file(error).exchanges[0].failure, None);
    }
}
