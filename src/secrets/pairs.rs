//! `name=value&name=value`: queries and forms.

use super::encoding::{Plus, base64_decode, is_readable, percent_decode};
use super::field::{self, Class, Place};
use super::mask::PREFIX;
use super::rewrite::Rewrite;
use super::{Kind, Walk};

/// Where pairs stand, which says what a plus sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// In a URL.
    Query,
    /// In a body.
    Form,
}

/// Whether bytes of no stated type are a form.
pub(super) fn looks_like_a_form(bytes: &[u8]) -> bool {
    let beginning = bytes.get(..256).unwrap_or(bytes);
    let Some(equals) = memchr::memchr(b'=', beginning) else { return false };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.%+[]".contains(byte);
    let name = beginning.get(..equals).unwrap_or(&[]);
    let is_one_word = !beginning.iter().any(|byte| byte.is_ascii_whitespace() || b"<>{}\"'".contains(byte));
    let is_known = || field::classify(name, Place::Pair) != Class::Unknown || memchr::memchr(b'&', beginning).is_some();
    !name.is_empty() && name.iter().all(is_name) && is_one_word && is_known()
}

impl Walk<'_> {
    /// Masks what is secret in a query or form.
    pub(super) fn pairs(self, bytes: &[u8], written: Written) -> Option<Vec<u8>> {
        let plus = if written == Written::Form { Plus::Space } else { Plus::Plus };
        let mut rewrite = Rewrite::new(bytes);
        let mut at = 0;
        for pair in bytes.split(|byte| *byte == b'&') {
            let end = at + pair.len();
            match memchr::memchr(b'=', pair) {
                Some(equals) => {
                    let (name, value) = (pair.get(..equals).unwrap_or(&[]), pair.get(equals + 1..).unwrap_or(&[]));
                    rewrite.replace_some(at..at + equals, self.masked_coded(Class::Unknown, name, plus));
                    rewrite.replace_some(at + equals + 1..end, self.pair(name, value, plus));
                }
                None => rewrite.replace_some(at..end, self.masked_coded(Class::Unknown, pair, plus)),
            }
            at = end + 1;
        }
        rewrite.finish()
    }

    /// The value of one pair.
    pub(super) fn pair(self, name: &[u8], value: &[u8], plus: Plus) -> Option<Vec<u8>> {
        let decoded_name = percent_decode(name, plus);
        let name = decoded_name.as_deref().unwrap_or(name);
        let class = match field::classify(name, Place::Pair) {
            // `&amp;sig=` of HTML, `x?sig=` of a URL in a form.
            Class::Unknown => field::classify(last_part(name), Place::Pair),
            class => class,
        };
        let masked = self.masked_coded(class, value, plus);
        if masked.is_none() && class == Class::Unknown {
            let decoded = percent_decode(value, plus);
            let value = decoded.as_deref().unwrap_or(value);
            return looks_random(value).then(|| self.mask(Kind::Opaque, value));
        }
        masked
    }
}

/// The end of a name that has signs of another structure in it.
pub(super) fn last_part(name: &[u8]) -> &[u8] {
    let is_separator = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_-.$".contains(byte);
    let start = name.iter().rposition(is_separator).map_or(0, |at| at + 1);
    name.get(start..).unwrap_or(name)
}

/// Whether a value under a name that says nothing is made like a key: long, without words, letters and digits mixed.
pub(super) fn looks_random(value: &[u8]) -> bool {
    if value.len() < 20 || is_uuid(value) || !value.iter().all(|byte| is_key_letter(*byte)) {
        return false;
    }
    // What could be read was looked into already.
    let is_text = base64_decode(value).is_some_and(|(decoded, _)| is_readable(&decoded));
    if is_text || value.windows(PREFIX.len()).any(|place| place == PREFIX.as_bytes()) {
        return false;
    }
    let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let (digits, upper, lower) =
        (count(u8::is_ascii_digit), count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let is_hex = value.len() >= 32 && value.iter().all(u8::is_ascii_hexdigit);
    (digits >= 2 && upper >= 2 && lower >= 2) || (is_hex && digits >= 4)
}

fn is_key_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/_-=".contains(&byte)
}

/// How much of the text could be such a value, percent-encoded or not.
pub(super) fn random_length(text: &[u8]) -> usize {
    text.iter().position(|byte| !is_key_letter(*byte) && *byte != b'%').unwrap_or(text.len())
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{FingerprintKey, Masker, Shape};

    fn form(text: &str) -> String {
        let masked = Masker::new(FingerprintKey::new([1; 32])).body(Shape::Form, text.as_bytes());
        String::from_utf8(masked.unwrap_or(text.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn masks_the_password_and_keeps_the_rest() {
        let text = "grant_type=password&service=r.test&scope=repository%3Aa%3Apull&username=bob&password=";
        assert_eq!(form(&format!("{text}a\"b+%3Cc")), format!("{text}pulltap-masked-password"));
        assert_eq!(form(text), text);
    }

    #[test]
    fn names_may_be_encoded_and_values_nested() {
        assert_eq!(form("p%61ssword=x"), "p%61ssword=pulltap-masked-password");
        let nested = form("next=https%3A%2F%2Fh.test%2Fx%3Fsig%3Dabc%252Fdef%26se%3D1");
        assert!(nested.starts_with("next=https%3A%2F%2Fh.test%2Fx%3Fsig%3Dpulltap-masked-signature-"), "{nested}");
        assert!(nested.ends_with("%26se%3D1"), "{nested}");
    }

    #[test]
    fn a_random_value_is_masked_under_any_name() {
        assert!(form("zzz=aB3dE5gH7jK9mN1pQ3sT5").starts_with("zzz=pulltap-masked-opaque-"));
        for kept in ["zzz=6b6ea6b6-0de0-4a71-99e2-aa7f83f8bb1a", "zzz=some-long-hyphenated-name-of-a-thing"] {
            assert_eq!(form(kept), kept);
        }
    }

    #[test]
    fn a_form_is_recognised() {
        assert!(looks_like_a_form(b"grant_type=password&password=x"));
        assert!(looks_like_a_form(b"password=x"));
        assert!(!looks_like_a_form(b"a = b"));
        assert!(!looks_like_a_form(b"<a href=\"x?y=1&z=2\">"));
    }
}
