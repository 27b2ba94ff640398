//! Compares bytes and shows, readably, where they part.

/// Bytes shown before and after the first difference.
const AROUND: usize = 48;

/// Panics with [`difference`] when the bytes are not the same.
#[track_caller]
pub fn assert_same_bytes(what: &str, actual: &[u8], expected: &[u8]) {
    assert!(actual == expected, "{}", difference(what, actual, expected));
}

/// Both byte strings around their first difference, escaped, one above the other, the place marked.
pub fn difference(what: &str, actual: &[u8], expected: &[u8]) -> String {
    let at = actual.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let (wanted, column) = window(expected, at);
    let (found, _) = window(actual, at);
    format!(
        "{what}: differs at byte {at} (expected {} bytes, got {})\n  expected: {wanted}\n  got:      {found}\n            {:column$}^",
        expected.len(),
        actual.len(),
        "",
    )
}

/// The bytes around `at`, escaped, and the column at which `at` stands.
fn window(bytes: &[u8], at: usize) -> (String, usize) {
    let start = at.saturating_sub(AROUND);
    let before = bytes[start..at].escape_ascii().to_string();
    let after = bytes[at..bytes.len().min(at + AROUND)].escape_ascii().to_string();
    let column = before.len();
    (before + &after, column)
}

#[test]
fn marks_the_first_difference() {
    let shown = difference("head", b"GET /a\r\nHost: x", b"GET /a\r\nhost: x");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], "head: differs at byte 8 (expected 15 bytes, got 15)");
    assert_eq!(lines[1], r"  expected: GET /a\r\nhost: x");
    assert_eq!(lines[2], r"  got:      GET /a\r\nHost: x");
    assert_eq!(lines[3].find('^'), lines[2].find("Host"));
}
