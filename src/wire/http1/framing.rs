//! Where a message's content ends (RFC 9112, section 6).

use crate::exchange::{Headers, RequestHead, ResponseHead, Version};
use crate::wire::Trouble;

/// How the end of a message's content is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Nothing,
    /// After this many bytes, at least one.
    Length(u64),
    /// It is chunked.
    Chunked,
    /// It ends with the connection.
    UntilClose,
}

/// What matters of a request's method for the framing of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// The request's head has not arrived whole.
    Unknown,
    /// HEAD: its responses have no content.
    Head,
    /// CONNECT: a 2xx response ends HTTP on the connection.
    Connect,
    /// Any other.
    Other,
}

impl Method {
    /// What matters of the method of this name; names are case-sensitive.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "HEAD" => Self::Head,
            "CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// The framing of a request.
pub(super) fn of_request(head: &RequestHead) -> Result<Framing, Trouble> {
    match (coding(head.version, &head.headers)?, length(&head.headers)?) {
        (None, None) => Ok(Framing::Nothing),
        (None, Some(length)) => Ok(of_length(length)),
        (Some(Coding::Chunked), None) => Ok(Framing::Chunked),
        // A server cannot find the end of it either.
        (Some(Coding::Unchunked), _) | (Some(_), Some(_)) => Err(Trouble::ContradictoryLength),
    }
}

/// The framing of a final response.
pub(super) fn of_response(method: Method, head: &ResponseHead) -> Result<Framing, Trouble> {
    if method == Method::Head || matches!(head.status, 100..=199 | 204 | 304) {
        return Ok(Framing::Nothing);
    }
    match (coding(head.version, &head.headers)?, length(&head.headers)?) {
        (None | Some(Coding::Unchunked), None) => Ok(Framing::UntilClose),
        (None, Some(length)) => Ok(of_length(length)),
        (Some(Coding::Chunked), None) => Ok(Framing::Chunked),
        (Some(_), Some(_)) => Err(Trouble::ContradictoryLength),
    }
}

fn of_length(length: u64) -> Framing {
    if length == 0 { Framing::Nothing } else { Framing::Length(length) }
}

enum Coding {
    /// The last transfer coding is chunked, and no other is.
    Chunked,
    /// There are transfer codings, and chunked is not among them.
    Unchunked,
}

fn coding(version: Version, headers: &Headers) -> Result<Option<Coding>, Trouble> {
    if !headers.contains("transfer-encoding") {
        return Ok(None);
    }
    // RFC 9112, section 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing.
    if version == Version::Http10 {
        return Err(Trouble::ContradictoryLength);
    }
    let codings: Vec<&[u8]> = members(headers, "transfer-encoding").collect();
    let chunked = codings.iter().filter(|coding| coding.eq_ignore_ascii_case(b"chunked")).count();
    let last_is_chunked = codings.last().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    match (chunked, last_is_chunked) {
        (1, true) => Ok(Some(Coding::Chunked)),
        (0, _) if !codings.is_empty() => Ok(Some(Coding::Unchunked)),
        _ => Err(Trouble::ContradictoryLength),
    }
}

fn length(headers: &Headers) -> Result<Option<u64>, Trouble> {
    let mut length = None;
    for value in headers.all("content-length").flat_map(|value| value.split(|byte| *byte == b',')) {
        let this = decimal(value.trim_ascii()).ok_or(Trouble::ContradictoryLength)?;
        if length.is_some_and(|length| length != this) {
            return Err(Trouble::ContradictoryLength);
        }
        length = Some(this);
    }
    Ok(length)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok()
}

/// The members of a list that may be spread over several fields; empty ones are left out.
fn members<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers
        .all(name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> Headers {
        text.lines().map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name, value.as_bytes())).collect()
    }

    #[test]
    fn frames_requests_as_the_rfc_says() {
        let contradictory = Err(Trouble::ContradictoryLength);
        let cases = [
            ("", Ok(Framing::Nothing)),
            ("Content-Length: 0", Ok(Framing::Nothing)),
            ("Content-Length: 007", Ok(Framing::Length(7))),
            ("Content-Length: 7\ncontent-length: 7", Ok(Framing::Length(7))),
            ("Content-Length: 7\nContent-Length: 8", contradictory),
            ("Content-Length: 7,", contradictory),
            ("Content-Length: 7 7", contradictory),
            ("Content-Length: 0x7", contradictory),
            ("Transfer-Encoding: chunked", Ok(Framing::Chunked)),
            ("Transfer-Encoding: gzip, ChunKed", Ok(Framing::Chunked)),
            ("Transfer-Encoding: xchunked", contradictory),
            ("Transfer-Encoding: chunked;q=1", contradictory),
            ("Transfer-Encoding: identity", contradictory),
            ("Transfer-Encoding: chunked\nContent-Length: 7", contradictory),
        ];
        for (fields, expected) in cases {
            let head = RequestHead { headers: headers(fields), ..RequestHead::new("POST", "/") };
            assert_eq!(of_request(&head), expected, "{fields:?}");
        }
    }

    #[test]
    fn frames_responses_as_the_rfc_says() {
        let contradictory = Err(Trouble::ContradictoryLength);
        let cases = [
            (Method::Other, 200, "", Ok(Framing::UntilClose)),
            (Method::Unknown, 408, "Content-Length: 5", Ok(Framing::Length(5))),
            (Method::Head, 200, "Content-Length: 5", Ok(Framing::Nothing)),
            (Method::Head, 200, "Content-Length: x", Ok(Framing::Nothing)),
            (Method::Other, 304, "Content-Length: 5", Ok(Framing::Nothing)),
            (Method::Other, 205, "Content-Length: 5", Ok(Framing::Length(5))),
            (Method::Other, 200, "Transfer-Encoding: deflate", Ok(Framing::UntilClose)),
            (Method::Other, 200, "Transfer-Encoding: deflate\nContent-Length: 5", contradictory),
        ];
        for (method, status, fields, expected) in cases {
            let head = ResponseHead { headers: headers(fields), ..ResponseHead::new(status, "") };
            assert_eq!(of_response(method, &head), expected, "{status} {fields:?}");
        }
    }
}
