//! The encodings that secrets hide in, undone and done: percent, base64, JSON escapes.
//!
//! All of them take cut and damaged input: what cannot be decoded stays as it is, or is left off at the end.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Takes any padding and stray last bits, because a body may be cut anywhere.
const TOLERANT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, TOLERANT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, TOLERANT);
const URL_SAFE_BARE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, TOLERANT.with_encode_padding(false));
const STANDARD_BARE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, TOLERANT.with_encode_padding(false));

/// What a plus sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// Itself.
    Plus,
    /// A space, as in forms.
    Space,
}

/// Undoes percent-encoding; `None` when there is none.
pub(super) fn percent_decode(text: &[u8], plus: Plus) -> Option<Vec<u8>> {
    let is_coded = text.iter().any(|byte| *byte == b'%' || (*byte == b'+' && plus == Plus::Space));
    if !is_coded {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex_digit(*high) << 4 | hex_digit(*low));
                rest = tail;
            }
            (b'+', _) if plus == Plus::Space => out.push(b' '),
            _ => out.push(first),
        }
    }
    (out != text).then_some(out)
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
pub(super) fn percent_encode(text: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    let digit = |value: u8| HEX.get(usize::from(value & 15)).copied().unwrap_or(b'0');
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(*byte)]);
        }
    }
    out
}

/// How a base64 text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base64 {
    is_url_safe: bool,
    is_padded: bool,
}

impl Base64 {
    /// URL-safe without padding, as JWT has it.
    pub(super) const JWT: Self = Self { is_url_safe: true, is_padded: false };

    /// Writes bytes the same way.
    pub(super) fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let engine = match (self.is_url_safe, self.is_padded) {
            (true, true) => &URL_SAFE,
            (true, false) => &URL_SAFE_BARE,
            (false, true) => &STANDARD,
            (false, false) => &STANDARD_BARE,
        };
        engine.encode(bytes).into_bytes()
    }
}

/// The letters of base64 without padding and without a last one that makes no byte, and whether their alphabet is the
/// URL-safe one.
fn letters_of(text: &[u8]) -> (&[u8], bool) {
    let is_url_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let bare = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let whole = if bare % 4 == 1 { bare - 1 } else { bare };
    (text.get(..whole).unwrap_or(&[]), is_url_safe)
}

fn reader(is_url_safe: bool) -> &'static GeneralPurpose {
    if is_url_safe { &URL_SAFE } else { &STANDARD }
}

/// Undoes base64 of either alphabet, padded or not; a last letter that makes no byte is left off.
pub(super) fn base64_decode(text: &[u8]) -> Option<(Vec<u8>, Base64)> {
    let (letters, is_url_safe) = letters_of(text);
    let bytes = reader(is_url_safe).decode(letters).ok()?;
    // A length that needs no padding does not tell; encoders of the standard alphabet pad.
    let is_padded = text.last() == Some(&b'=') || (!is_url_safe && text.len().is_multiple_of(4));
    Some((bytes, Base64 { is_url_safe, is_padded }))
}

/// Whether the beginning of a word could be that of base64 of text. Digests, ids and words of a language are asked by the
/// dozen for each exchange: none of them is decoded as a whole for that.
pub(super) fn may_be_base64_of_text(beginning: &[u8]) -> bool {
    let (letters, is_url_safe) = letters_of(beginning);
    let mut decoded = [0; 48];
    let length = reader(is_url_safe).decode_slice(letters, &mut decoded);
    length.is_ok_and(|length| decoded.get(..length).is_some_and(is_readable))
}

/// Undoes the escapes of a JSON string; `None` when there are none.
pub(super) fn json_unescape(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'\\', text)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut high_surrogate = None;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let (b'\\', Some((&escape, tail))) = (first, after.split_first()) else {
            out.push(first);
            high_surrogate = None;
            continue;
        };
        rest = tail;
        if escape != b'u' {
            out.push(unescaped(escape));
            high_surrogate = None;
            continue;
        }
        let Some(unit) = tail.get(..4).and_then(hex_unit) else {
            out.extend_from_slice(b"\\u");
            continue;
        };
        rest = tail.get(4..).unwrap_or(&[]);
        high_surrogate = push_unit(&mut out, unit, high_surrogate);
    }
    Some(out)
}

fn unescaped(escape: u8) -> u8 {
    match escape {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        other => other,
    }
}

fn hex_unit(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .all(u8::is_ascii_hexdigit)
        .then(|| digits.iter().fold(0, |number, digit| number << 4 | u32::from(hex_digit(*digit))))
}

/// Adds one UTF-16 unit, and gives it back if it is the first half of a pair.
fn push_unit(out: &mut Vec<u8>, unit: u32, high: Option<u32>) -> Option<u32> {
    if (0xd800..0xdc00).contains(&unit) {
        return Some(unit);
    }
    let code = match high {
        Some(high) if (0xdc00..0xe000).contains(&unit) => 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
        _ => unit,
    };
    let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    None
}

/// Escapes text for the inside of a JSON string.
pub(super) fn json_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}

/// Writes text so that no sign in it means anything around it: all but letters, digits and `-._~/` as `\u0041`.
pub(super) fn unicode_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for byte in text {
        if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"-._~/".contains(byte) {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}

/// Whether bytes are text, so that a secret could be read in them.
pub(super) fn is_readable(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let is_utf8 = match str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !bytes.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoes_percent_and_leaves_what_is_none() {
        assert_eq!(percent_decode(b"a%2Fb%zz%4", Plus::Plus).unwrap(), b"a/b%zz%4");
        assert_eq!(percent_decode(b"a+b", Plus::Space).unwrap(), b"a b");
        assert_eq!(percent_decode(b"a+b", Plus::Plus), None);
        assert_eq!(percent_encode(b"a/b c~"), b"a%2Fb%20c~");
    }

    #[test]
    fn undoes_json_escapes_of_every_sort() {
        assert_eq!(json_unescape(br#"a\u0026b\/\"\n\ud83d\ude00"#).unwrap(), "a&b/\"\n😀".as_bytes());
        assert_eq!(json_unescape(br"cut \u00").unwrap(), br"cut \u00");
        assert_eq!(json_unescape(b"plain"), None);
    }

    #[test]
    fn base64_is_read_in_both_alphabets_and_written_as_it_was() {
        for text in ["aGVsbG8/", "aGVsbG8_", "aGVsbG8=", "aGVsbG8"] {
            let (bytes, form) = base64_decode(text.as_bytes()).unwrap();
            assert_eq!(form.encode(&bytes), text.as_bytes(), "{text}");
        }
        assert_eq!(base64_decode(b"aGVsbG8A9").unwrap().0, b"hello\0");
    }
}
