//! Cookies as HAR lists them beside the header fields that they stand in.

use jiff::fmt::rfc2822::DateTimeParser;
use serde::Serialize;

use crate::exchange::Headers;

/// A cookie that was sent or set.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cookie {
    name: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secure: Option<bool>,
}

/// The cookies of a request.
pub(super) fn sent(headers: &Headers) -> Vec<Cookie> {
    let mut cookies = Vec::new();
    for value in headers.all("cookie") {
        let value = String::from_utf8_lossy(value);
        cookies.extend(value.split(';').filter(|pair| !pair.trim().is_empty()).map(named));
    }
    cookies
}

/// The cookies that a response sets.
pub(super) fn set(headers: &Headers) -> Vec<Cookie> {
    headers.all("set-cookie").map(|value| one_set(&String::from_utf8_lossy(value))).collect()
}

fn one_set(value: &str) -> Cookie {
    let mut parts = value.split(';');
    let mut cookie = named(parts.next().unwrap_or(""));
    cookie.http_only = Some(false);
    cookie.secure = Some(false);
    for part in parts {
        let (name, value) = pair(part);
        match name.to_ascii_lowercase().as_str() {
            "path" => cookie.path = Some(value.to_owned()),
            "domain" => cookie.domain = Some(value.to_owned()),
            "expires" => cookie.expires = date(value),
            "httponly" => cookie.http_only = Some(true),
            "secure" => cookie.secure = Some(true),
            _ => {}
        }
    }
    cookie
}

fn named(text: &str) -> Cookie {
    let (name, value) = pair(text);
    Cookie { name: name.to_owned(), value: value.to_owned(), ..Cookie::default() }
}

fn pair(text: &str) -> (&str, &str) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.trim(), value.trim())
}

/// A date of HTTP in ISO 8601; one that cannot be read is left out, as importers refuse a file for it.
fn date(text: &str) -> Option<String> {
    // `21-Oct-2026` is how Netscape's first cookies wrote it, and some servers still do.
    let text = text.replace('-', " ");
    let moment = DateTimeParser::new().parse_timestamp(&text).ok()?;
    Some(format!("{moment:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_what_was_sent_and_set() {
        let mut headers = Headers::default();
        headers.push("Cookie", b"a=1; b=x=y;; c");
        headers.push("Set-Cookie", b"s=v; Path=/; Expires=Wed, 21-Oct-2026 07:28:00 GMT; HttpOnly");
        headers.push("set-cookie", b"t=; Secure; Domain=r.test; Expires=soon");
        let pairs: Vec<_> = sent(&headers).into_iter().map(|cookie| (cookie.name, cookie.value)).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "x=y"), ("c", "")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let set = set(&headers);
        assert_eq!(set[0].expires.as_deref(), Some("2026-10-21T07:28:00.000Z"));
        assert_eq!((set[0].path.as_deref(), set[0].http_only, set[0].secure), (Some("/"), Some(true), Some(false)));
        assert_eq!((set[1].expires.as_deref(), set[1].secure), (None, Some(true)));
    }
}
