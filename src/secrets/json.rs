//! Secrets in JSON, read token by token: cut, concatenated and nested JSON is as good as a whole document, and
//! what is not masked keeps its bytes.

use std::ops::Range;

use super::encoding::{json_escape, json_unescape};
use super::field::{self, Class, Place};
use super::rewrite::Rewrite;
use super::{Walk, is_no_secret};

/// Whether nothing but JSON's own signs stands outside of strings.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at + 1),
            // Signs, numbers, and the letters of true, false and null.
            b'{'
            | b'}'
            | b'['
            | b']'
            | b':'
            | b','
            | b' '
            | b'\t'
            | b'\r'
            | b'\n'
            | b'0'..=b'9'
            | b'+'
            | b'-'
            | b'.'
            | b'E'
            | 0x1e
            | b't'
            | b'r'
            | b'u'
            | b'e'
            | b'f'
            | b'a'
            | b'l'
            | b's'
            | b'n' => {}
            _ => return false,
        }
        at += 1;
    }
    true
}

/// Where the string that begins at `at` ends: at its quotation mark, or at the end of the text.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// An object or array that is being read.
#[derive(Clone, Copy)]
struct Container {
    /// What its own key said of everything in it.
    inherited: Class,
    /// What the key of the value that comes next says.
    key: Class,
    /// What `"name": "…"` says of a `"value"` beside it.
    named: Class,
    /// Which of the two the value that comes next is.
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Name,
    Value,
}

impl Container {
    fn new(inherited: Class) -> Self {
        Self { inherited, key: Class::Unknown, named: Class::Unknown, role: Role::Plain }
    }

    fn after_key(&mut self, key: &[u8]) {
        self.key = field::classify(key, Place::Json);
        self.role = match key {
            b"name" | b"Name" | b"key" | b"Key" => Role::Name,
            b"value" | b"Value" => Role::Value,
            _ => Role::Plain,
        };
    }

    /// What is known of the value that comes next.
    fn class(self) -> Class {
        match (self.key, self.role) {
            (Class::Unknown, Role::Value) if self.named != Class::Unknown => self.named,
            (Class::Unknown, _) => self.inherited,
            (key, _) => key,
        }
    }

    fn after_value(&mut self) {
        self.key = Class::Unknown;
        self.role = Role::Plain;
    }
}

impl Walk<'_> {
    /// Masks what is secret in JSON.
    pub(super) fn json(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut rewrite = Rewrite::new(bytes);
        let mut open = Vec::new();
        let mut current = Container::new(Class::Unknown);
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let content = at + 1..string_end(bytes, at + 1);
                    at = content.end;
                    self.json_string(bytes, content, (&mut current, &mut rewrite));
                }
                b'{' | b'[' => {
                    let inherited = current.class();
                    open.push(current);
                    current = Container::new(if is_whole_secret(inherited) { inherited } else { Class::Unknown });
                }
                b'}' | b']' => {
                    current = open.pop().unwrap_or(Container::new(Class::Unknown));
                    current.after_value();
                }
                b',' => current.after_value(),
                b'0'..=b'9' | b'-' | b't' | b'f' | b'n' => {
                    let end = at + scalar_length(bytes.get(at..).unwrap_or(&[]));
                    self.json_scalar(bytes, at..end, (&current, &mut rewrite));
                    at = end.saturating_sub(1);
                }
                _ => {}
            }
            at += 1;
        }
        rewrite.finish()
    }

    fn json_string(self, bytes: &[u8], content: Range<usize>, state: (&mut Container, &mut Rewrite)) {
        let (current, rewrite) = state;
        let raw = bytes.get(content.clone()).unwrap_or(&[]);
        let unescaped = json_unescape(raw);
        let decoded = unescaped.as_deref().unwrap_or(raw);
        let is_key = bytes.get(content.end + 1..).is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b':'));
        if is_key {
            current.after_key(decoded);
            rewrite.replace_some(content, self.string(Class::Unknown, decoded));
            return;
        }
        if current.role == Role::Name {
            current.named = field::classify(decoded, Place::Header);
        }
        let masked = self.string(current.class(), decoded);
        rewrite.replace_some(content, masked);
    }

    fn string(self, class: Class, decoded: &[u8]) -> Option<Vec<u8>> {
        self.inside(decoded, |walk| Some(json_escape(&walk.masked(class, decoded)?)))
    }

    /// A number under a secret's key is a secret too, and its mask a string.
    fn json_scalar(self, bytes: &[u8], range: Range<usize>, state: (&Container, &mut Rewrite)) {
        let (current, rewrite) = state;
        let Some(scalar) = bytes.get(range.clone()) else { return };
        if let Class::Secret(kind) = current.class()
            && !is_no_secret(scalar)
        {
            rewrite.replace(range, &[b"\"", self.mask(kind, scalar).as_slice(), b"\""].concat());
        }
    }
}

fn is_whole_secret(class: Class) -> bool {
    matches!(class, Class::Secret(_))
}

fn scalar_length(text: &[u8]) -> usize {
    text.iter().position(|byte| b",]}\":[{ \t\r\n".contains(byte)).unwrap_or(text.len()).max(1)
}

#[cfg(test)]
mod tests {
    use crate::secrets::{FingerprintKey, Masker};

    fn masked(text: &str) -> String {
        Masker::new(FingerprintKey::new([1; 32])).text(text).into_owned()
    }

    #[test]
    fn masks_by_key_in_every_spelling_and_keeps_the_rest() {
        let text = r#"{ "token_type":"Bearer", "acc\u0065ss_token" : "a\/b\u0022c", "expires_in":300, "n":{"password":1234567}}"#;
        let masked = masked(text);
        assert!(
            masked.starts_with(r#"{ "token_type":"Bearer", "acc\u0065ss_token" : "pulltap-masked-token-"#),
            "{masked}"
        );
        assert!(masked.ends_with(r#"", "expires_in":300, "n":{"password":"pulltap-masked-password"}}"#), "{masked}");
    }

    #[test]
    fn what_a_secret_key_holds_is_secret_throughout() {
        let masked = masked(r#"{"token":{"value":"abcdef","list":["ghijkl"]},"after":"kept"}"#);
        assert!(!masked.contains("abcdef") && !masked.contains("ghijkl") && masked.contains("kept"), "{masked}");
    }

    #[test]
    fn reads_json_inside_strings() {
        let masked = masked(r#"{"body":"{\"refresh_token\":\"abcdef\",\"n\":\"{\\\"password\\\":\\\"xyzxyz\\\"}\"}"}"#);
        assert!(!masked.contains("abcdef") && !masked.contains("xyzxyz"), "{masked}");
        assert!(masked.contains(r#"{\\\"password\\\":\\\"pulltap-masked-password\\\"}"#), "{masked}");
    }

    #[test]
    fn reads_names_beside_values() {
        let masked = masked(r#"[{"name":"Cookie","value":"a=secret1"},{"name":"Accept","value":"b"}]"#);
        assert!(masked.contains("a=pulltap-masked-cookie-") && masked.contains(r#""value":"b""#), "{masked}");
    }

    #[test]
    fn error_codes_stay() {
        let text = r#"{"errors":[{"code":"UNAUTHORIZED","message":"token: signature expired","detail":[{"Type":"repository"}]}]}"#;
        assert_eq!(masked(text), text);
    }
}
