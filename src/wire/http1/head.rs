//! HTTP/1 heads: from the bytes of a header section to what an exchange records.
//!
//! Accepted beyond the letter of RFC 9112, because real servers send it and nothing is lost by it: lines that end in a
//! bare LF, several spaces between the parts of the first line, a missing reason phrase, bytes above 127 in values and
//! reason phrases; in responses white space before the colon and folded lines (a fold becomes one space). All else that
//! cannot be recorded as it was sent is refused.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use super::FIELD_LIMIT;
use super::section::{Section, Taken};
use crate::exchange::{Headers, RequestHead, ResponseHead, Version};
use crate::wire::Trouble;

/// Most heads have fewer fields than this; their fields are parsed without an allocation.
const USUAL_FIELDS: usize = 64;

/// What there is of a head in some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadParse<T> {
    /// The end of the head has not arrived.
    Partial,
    /// The head, and how many bytes it took.
    Complete(T, usize),
    /// It is no head.
    Bad(Trouble),
}

/// How to read one kind of head.
pub(super) struct Kind<T> {
    parse: fn(&[u8]) -> Result<T, Trouble>,
    is_bad_first_line: fn(&[u8]) -> bool,
    bad: Trouble,
}

/// How to read a request's head.
pub(super) const REQUEST: Kind<RequestHead> =
    Kind { parse: request, is_bad_first_line: is_bad_request_line, bad: Trouble::BadRequestHead };

/// How to read a response's head.
pub(super) const RESPONSE: Kind<ResponseHead> =
    Kind { parse: response, is_bad_first_line: is_bad_status_line, bad: Trouble::BadResponseHead };

impl<T> Kind<T> {
    /// Takes the next piece of a head off the beginning of `input`; `None` while the head is not whole.
    ///
    /// Whatever the pieces, the answer is the same: a bad first line is found before anything else.
    pub(super) fn read(&self, section: &mut Section, input: &mut &[u8]) -> Option<Result<T, Trouble>> {
        let taken = match section.take(input) {
            Taken::Whole(whole, used) => {
                let head = (self.parse)(whole);
                *input = input.get(used..).unwrap_or(&[]);
                *section = Section::default();
                return Some(head);
            }
            Taken::Part => None,
            Taken::TooLarge => Some(Err(Trouble::HeadTooLarge)),
        };
        *input = &[];
        if section.new_first_line().is_some_and(self.is_bad_first_line) { Some(Err(self.bad)) } else { taken }
    }
}

/// Reads a request head from the beginning of `bytes`, after any empty lines.
pub fn read_request_head(bytes: &[u8]) -> HeadParse<RequestHead> {
    read(bytes, &REQUEST)
}

/// Reads a response head from the beginning of `bytes`, after any empty lines.
pub fn read_response_head(bytes: &[u8]) -> HeadParse<ResponseHead> {
    read(bytes, &RESPONSE)
}

fn read<T>(bytes: &[u8], kind: &Kind<T>) -> HeadParse<T> {
    let mut rest = without_blank_lines(bytes);
    match kind.read(&mut Section::default(), &mut rest) {
        None => HeadParse::Partial,
        Some(Ok(head)) => HeadParse::Complete(head, bytes.len() - rest.len()),
        Some(Err(trouble)) => HeadParse::Bad(trouble),
    }
}

/// The bytes after any CR and LF at their beginning (RFC 9112, section 2.2; like nginx, in any order).
pub(in crate::wire) fn without_blank_lines(bytes: &[u8]) -> &[u8] {
    let text = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    bytes.get(text..).unwrap_or(&[])
}

/// Whether this first line of a request can be refused without waiting for the rest of the head.
fn is_bad_request_line(line: &[u8]) -> bool {
    !line.ends_with(b"\n") || config().parse_request(&mut httparse::Request::new(&mut []), line).is_err()
}

/// Whether this first line of a response can be refused without waiting for the rest of the head.
fn is_bad_status_line(line: &[u8]) -> bool {
    !line.ends_with(b"\n") || config().parse_response(&mut httparse::Response::new(&mut []), line).is_err()
}

/// The request head that this section holds.
fn request(section: &[u8]) -> Result<RequestHead, Trouble> {
    let bad = Trouble::BadRequestHead;
    with_slots(bad, |slots| {
        let mut request = httparse::Request::new(&mut []);
        let used = config().parse_request_with_uninit_headers(&mut request, section, slots)?;
        let whole = used == httparse::Status::Complete(section.len());
        Ok(match (request.method, request.path, version(request.version)) {
            (Some(method), Some(target), Some(version)) if whole => Some(RequestHead {
                method: method.to_owned(),
                target: target.to_owned(),
                version,
                headers: collect(request.headers),
            }),
            _ => None,
        })
    })
}

/// The response head that this section holds.
fn response(section: &[u8]) -> Result<ResponseHead, Trouble> {
    let bad = Trouble::BadResponseHead;
    with_slots(bad, |slots| {
        let mut response = httparse::Response::new(&mut []);
        let used = config().parse_response_with_uninit_headers(&mut response, section, slots)?;
        let whole = used == httparse::Status::Complete(section.len());
        Ok(match (response.code, version(response.version)) {
            (Some(status @ 100..), Some(version)) if whole => Some(ResponseHead {
                status,
                reason: match response.reason {
                    Some(reason) if !reason.is_empty() => reason.to_owned(),
                    _ => reason_beyond_ascii(section),
                },
                version,
                headers: collect(response.headers),
            }),
            _ => None,
        })
    })
}

/// The fields of this trailer section.
pub(super) fn trailers(section: &[u8]) -> Result<Headers, Trouble> {
    for slots in [USUAL_FIELDS, FIELD_LIMIT] {
        match httparse::parse_headers(section, &mut vec![httparse::EMPTY_HEADER; slots]) {
            Ok(httparse::Status::Complete((used, fields))) if used == section.len() => return Ok(collect(fields)),
            Err(httparse::Error::TooManyHeaders) => {}
            Ok(_) | Err(_) => return Err(Trouble::BadChunk),
        }
    }
    Err(Trouble::TooManyFields)
}

type Slots<'a, 'b> = &'a mut [MaybeUninit<httparse::Header<'b>>];

/// Parses with the usual number of slots for fields, and again with the largest if they do not suffice.
fn with_slots<'b, T>(
    bad: Trouble,
    parse: impl Fn(Slots<'_, 'b>) -> Result<Option<T>, httparse::Error>,
) -> Result<T, Trouble> {
    let mut parsed = parse(&mut [const { MaybeUninit::uninit() }; USUAL_FIELDS]);
    if parsed.as_ref().is_err_and(|error| *error == httparse::Error::TooManyHeaders) {
        parsed = parse(&mut vec![const { MaybeUninit::uninit() }; FIELD_LIMIT]);
    }
    match parsed {
        Ok(Some(head)) => Ok(head),
        Err(httparse::Error::TooManyHeaders) => Err(Trouble::TooManyFields),
        Ok(None) | Err(_) => Err(bad),
    }
}

fn config() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_multiple_spaces_in_request_line_delimiters(true)
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true);
    config
}

fn version(minor: Option<u8>) -> Option<Version> {
    match minor {
        Some(0) => Some(Version::Http10),
        Some(1) => Some(Version::Http11),
        _ => None,
    }
}

fn collect(fields: &[httparse::Header<'_>]) -> Headers {
    let bytes = fields.iter().map(|field| field.name.len() + field.value.len()).sum();
    let mut headers = Headers::with_capacity(fields.len(), bytes);
    for field in fields {
        headers.push(field.name, &unfolded(field.value));
    }
    headers
}

/// The value with each fold (a line end and the white space around it) made one space (RFC 9112, section 5.2).
fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    Cow::Owned(lines.collect::<Vec<_>>().join(&b' '))
}

/// The reason phrase of a status line, which httparse leaves empty when it is not ASCII.
fn reason_beyond_ascii(section: &[u8]) -> String {
    let line = section.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let after_version = line.splitn(2, |byte| *byte == b' ').nth(1).unwrap_or(&[]).trim_ascii_start();
    let reason = after_version.get(3..).unwrap_or(&[]).trim_ascii_start();
    String::from_utf8_lossy(reason).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_many_bytes_a_head_took() {
        let bytes = b"\r\nCONNECT registry.test:443 HTTP/1.1\r\nHost: registry.test\r\n\r\n\x16\x03";
        let HeadParse::Complete(head, used) = read_request_head(bytes) else { panic!() };
        assert_eq!((head.method.as_str(), head.target.as_str()), ("CONNECT", "registry.test:443"));
        assert_eq!(&bytes[used..], b"\x16\x03");
        assert_eq!(read_request_head(&bytes[..used - 1]), HeadParse::Partial);
    }

    #[test]
    fn refuses_a_first_line_before_the_head_has_ended() {
        assert_eq!(read_response_head(b"SSH-2.0-x\r\n"), HeadParse::Bad(Trouble::BadResponseHead));
        assert_eq!(read_request_head(b"\x16\x03\x01"), HeadParse::Bad(Trouble::BadRequestHead));
        assert_eq!(read_response_head(b"SSH-2.0-x"), HeadParse::Partial);
    }

    #[test]
    fn folds_become_one_space() {
        for (value, expected) in [("a\r\n b", "a b"), ("a \r\n\t\r\n  b\n c", "a b c"), ("a  b", "a  b")] {
            assert_eq!(unfolded(value.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn finds_reasons_that_are_not_ascii() {
        for (line, expected) in [
            ("HTTP/1.1 404 Größe\r\n", "Größe"),
            ("HTTP/1.1  404  Größe\n", "Größe"),
            ("HTTP/1.1 200\r\n", ""),
            ("HTTP/1.1 200 \r\n", ""),
        ] {
            assert_eq!(reason_beyond_ascii(line.as_bytes()), expected, "{line:?}");
        }
    }
}
