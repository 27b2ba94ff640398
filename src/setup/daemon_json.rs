//! The proxy entry of `daemon.json`, put in without touching anything else in the file.

use serde_json::{Value, json};
use thiserror::Error;

/// The key of the entry.
const KEY: &str = "proxies";

/// Why a `daemon.json` is left alone.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// It is not JSON; dockerd would not start with it either.
    #[error("it is not valid JSON ({0}): dockerd does not start with it either; mend it first")]
    NotJson(String),
    /// It is JSON, but no object.
    #[error("it is not a JSON object, as dockerd asks for; mend it first")]
    NotAnObject,
    /// A key stands in it twice, or something else that a careful edit cannot keep.
    #[error("it cannot be edited without touching more than the proxy entry; put the entry in by hand")]
    NotEditable,
}

/// The file with this proxy in it. Order, layout and every other key stay as they are.
///
/// # Errors
/// When the file is not what dockerd reads.
pub fn with_proxy(text: &str, proxy: &str) -> Result<String, Refused> {
    // dockerd takes an empty file for an empty object.
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = text.len() - json.len();
    let before: Value = serde_json::from_str(json).map_err(|error| Refused::NotJson(error.to_string()))?;
    let Value::Object(mut wanted) = before else { return Err(Refused::NotAnObject) };
    // An empty `no-proxy` would leave the environment's in force.
    let entry = json!({"http-proxy": proxy, "https-proxy": proxy, "no-proxy": "127.0.0.0/8"});
    let line = format!("\"{KEY}\": {entry}");
    let edited = if let Some(entry) = entries(json).iter().find(|entry| entry.key == KEY) {
        replaced(text, start + entry.from, start + entry.to, &line)
    } else {
        let brace = start + json.find('{').ok_or(Refused::NotAnObject)? + 1;
        let rest = if wanted.is_empty() { "\n" } else { "," };
        replaced(text, brace, brace, &format!("\n  {line}{rest}"))
    };
    let edited = edited.ok_or(Refused::NotEditable)?;
    wanted.insert(KEY.to_owned(), entry);
    let after: Option<Value> = serde_json::from_str(edited.trim_start_matches('\u{feff}')).ok();
    if after == Some(Value::Object(wanted)) { Ok(edited) } else { Err(Refused::NotEditable) }
}

/// The proxy that the file names now.
pub fn proxy_in(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let proxies = value.get(KEY)?;
    let named = proxies.get("https-proxy").or_else(|| proxies.get("http-proxy"))?;
    named.as_str().filter(|proxy| !proxy.is_empty()).map(str::to_owned)
}

fn replaced(text: &str, from: usize, to: usize, with: &str) -> Option<String> {
    Some([text.get(..from)?, with, text.get(to..)?].concat())
}

/// A key of the outermost object, and where it and its value stand.
struct Entry {
    key: String,
    from: usize,
    to: usize,
}

/// The entries of the outermost object of a text that is known to be JSON.
fn entries(json: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<(usize, String)> = None;
    let mut end = 0;
    let mut characters = json.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let rest = json.get(at..).unwrap_or("");
                let length = string_length(rest);
                if depth == 1 && open.is_none() {
                    let key = rest.get(..length).and_then(|text| serde_json::from_str(text).ok());
                    open = Some((at, key.unwrap_or_default()));
                }
                end = at + length;
                // The quote itself is read already.
                for _ in rest.get(1..length).unwrap_or("").chars() {
                    characters.next();
                }
            }
            '{' | '[' => depth += 1,
            ',' | '}' if depth == 1 => {
                if let Some((from, key)) = open.take() {
                    found.push(Entry { key, from, to: end });
                }
                if character == '}' {
                    depth = 0;
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                end = at + 1;
            }
            _ if !character.is_whitespace() => end = at + character.len_utf8(),
            _ => {}
        }
    }
    found
}

/// How long the string is that the text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROXY: &str = "http://127.0.0.1:8888";
    const LINE: &str = r#""proxies": {"http-proxy":"http://127.0.0.1:8888","https-proxy":"http://127.0.0.1:8888","no-proxy":"127.0.0.0/8"}"#;

    #[test]
    fn puts_the_entry_in_and_leaves_the_rest_as_it_is_written() {
        for (before, after) in [
            ("", format!("{{\n  {LINE}\n}}\n")),
            ("{}", format!("{{\n  {LINE}\n}}")),
            ("{ \"b\": 1,\n\t\"a\" : [ ] }\n", format!("{{\n  {LINE}, \"b\": 1,\n\t\"a\" : [ ] }}\n")),
            ("\u{feff}{\"debug\":true}", format!("\u{feff}{{\n  {LINE},\"debug\":true}}")),
            (
                "{\"x\": \"}\\\"{,\", \"proxies\" : {\"https-proxy\": \"http://corp:3128\"} , \"y\": {\"proxies\": 1}}",
                format!("{{\"x\": \"}}\\\"{{,\", {LINE} , \"y\": {{\"proxies\": 1}}}}"),
            ),
            ("{\"proxies\": null}", format!("{{{LINE}}}")),
        ] {
            assert_eq!(with_proxy(before, PROXY).as_deref(), Ok(after.as_str()), "{before}");
            assert_eq!(proxy_in(&after).as_deref(), Some(PROXY));
        }
        assert_eq!(
            proxy_in("{\"proxies\": {\"http-proxy\": \"http://corp:3128\"}}").as_deref(),
            Some("http://corp:3128")
        );
        assert_eq!(proxy_in("{\"proxies\": {\"https-proxy\": \"\"}}"), None);
    }

    #[test]
    fn refuses_what_dockerd_would_refuse() {
        assert!(matches!(with_proxy("{\"debug\": true,}", PROXY), Err(Refused::NotJson(_))));
        assert_eq!(with_proxy("[]", PROXY), Err(Refused::NotAnObject));
        assert_eq!(with_proxy("{\"proxies\": 1, \"proxies\": 2}", PROXY), Err(Refused::NotEditable));
    }

    proptest! {
        #[test]
        fn any_object_keeps_every_other_key(
            keys in proptest::collection::btree_map("[a-c\"\\\\{},é]{0,3}|proxies", "[\"\\\\{}\\[\\],: ]{0,4}", 0..5),
            is_pretty: bool,
        ) {
            let value: Value = keys.iter().map(|(key, text)| (key.clone(), json!({"k": [text]}))).collect();
            let text = if is_pretty { format!("{value:#}") } else { value.to_string() };
            let edited: Value = serde_json::from_str(&with_proxy(&text, PROXY).unwrap()).unwrap();
            for key in keys.keys().filter(|key| *key != KEY) {
                prop_assert_eq!(&edited[key], &value[key]);
            }
            prop_assert_eq!(edited[KEY]["https-proxy"].as_str(), Some(PROXY));
        }
    }
}
