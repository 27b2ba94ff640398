//! Reads what pulltap printed: exchanges and their failures.

use serde_json::Value;

/// The exchanges among what pulltap printed, without those that ask whether it is well.
pub fn exchanges(printed: &[Value]) -> Vec<&Value> {
    let is_well = |line: &Value| line["url"].as_str().is_some_and(|url| url.contains("well.test"));
    printed.iter().filter(|line| line["type"] == "exchange" && !is_well(line)).collect()
}

/// Holds that an exchange failed at this stage, by this side's doing, in this way.
#[track_caller]
pub fn assert_failure(exchange: &Value, expected: (&str, &str, &str)) {
    let failure = &exchange["failure"];
    let text = |key: &str| failure[key].as_str().unwrap_or("nothing");
    assert_eq!((text("stage"), text("side"), text("kind")), expected, "{exchange}");
}
