//! Bytes of a content as JSON can hold them, so that they come back exactly: text where they are text, else base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::content::is_binary;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How the bytes of a content are written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// As text.
    Text(Text<'a>),
    /// In base64: they are no text, or text in a charset other than UTF-8.
    Base64,
}

/// Text, and what of the bytes is not in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    /// The text, without a byte order mark: readers hand it to parsers of JSON and XML, which would stumble.
    pub(super) characters: &'a str,
    /// Whether a byte order mark stood before it.
    pub(super) has_mark: bool,
    /// The first bytes of a character that was cut at the end.
    pub(super) tail: &'a [u8],
}

/// The form for these bytes under this `Content-Type`.
///
/// Without a charset UTF-8 is tried: that is right for JSON and XML, and for whatever else happens to be UTF-8.
pub(super) fn form<'a>(bytes: &'a [u8], content_type: &str) -> Form<'a> {
    let (text, tail) = match str::from_utf8(bytes) {
        Ok(text) => (text, &[][..]),
        // Cut within a character.
        Err(error) if error.error_len().is_none() => {
            let (valid, tail) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
            match str::from_utf8(valid) {
                Ok(text) => (text, tail),
                Err(_) => return Form::Base64,
            }
        }
        Err(_) => return Form::Base64,
    };
    if text.bytes().any(is_binary) || !is_utf8(charset(content_type), text) {
        return Form::Base64;
    }
    let unmarked = text.strip_prefix(BYTE_ORDER_MARK);
    Form::Text(Text { characters: unmarked.unwrap_or(text), has_mark: unmarked.is_some(), tail })
}

/// Whether text that looks like UTF-8 is what its charset says.
fn is_utf8(charset: Option<&str>, text: &str) -> bool {
    let Some(charset) = charset else { return true };
    let named = |name: &str| charset.eq_ignore_ascii_case(name);
    let begins = |name: &str| charset.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    named("utf-8") || named("utf8") || (text.is_ascii() && !begins("utf-") && !begins("iso-2022") && !begins("hz"))
}

/// The `charset` parameter of a `Content-Type`.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

/// Bytes in base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of base64, as other programs write it too: with line ends, in the URL alphabet or without padding.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return Some(bytes);
    }
    let plain: String = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(plain).ok()
}

/// The bytes that a [`Text`] was made of.
pub(super) fn join(text: &Text<'_>) -> Vec<u8> {
    let mark = if text.has_mark { BYTE_ORDER_MARK } else { "" };
    [mark.as_bytes(), text.characters.as_bytes(), text.tail].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_text_as_text_and_brings_every_byte_back() {
        for (bytes, content_type, text) in [
            (&b"{\"a\":1}"[..], "application/octet-stream", Some("{\"a\":1}")),
            (b"\xef\xbb\xbf<?xml version=\"1.0\"?>", "application/xml", Some("<?xml version=\"1.0\"?>")),
            ("grüß".as_bytes(), "", Some("grüß")),
            (b"gr\xc3\xbc\xc3", "text/plain", Some("grü")),
            (b"gr\xfc\xdf", "text/plain; charset=iso-8859-1", None),
            (b"plain", "text/plain; charset=iso-8859-1", Some("plain")),
            ("ü".as_bytes(), "text/plain; charset=\"ISO-8859-1\"", None),
            ("ü".as_bytes(), "text/plain; Charset=UTF-8", Some("ü")),
            (b"\x1f\x8b\x08\x00", "application/gzip", None),
            (b"a\0b", "text/plain", None),
        ] {
            match form(bytes, content_type) {
                Form::Text(found) => {
                    assert_eq!(Some(found.characters), text);
                    assert_eq!(join(&found), bytes);
                }
                Form::Base64 => {
                    assert_eq!(text, None, "{content_type}");
                    assert_eq!(from_base64(&base64(bytes)).unwrap(), bytes);
                }
            }
        }
    }

    #[test]
    fn reads_base64_as_others_write_it() {
        for text in ["+/+/YQ==", "-_-_YQ", "+/+/\r\nYQ==\n"] {
            assert_eq!(from_base64(text).unwrap(), b"\xfb\xff\xbfa");
        }
        assert_eq!(from_base64("no base64!"), None);
    }
}
