//! `name=value` and `name: value` in text.

use super::value::{bare_end, line_end, name_before, quote_at, quote_before, quoted_end};
use crate::secrets::encoding::{Plus, json_unescape, percent_decode, unicode_escape};
use crate::secrets::field::{self, Class, Place};
use crate::secrets::pairs::{last_part, looks_random, random_length};
use crate::secrets::rewrite::Rewrite;
use crate::secrets::{Kind, Walk};

impl Walk<'_> {
    /// What an equals sign gives a value to.
    pub(super) fn after_equals(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        let name = Name::before(text, at, rewrite.decided())?;
        if name.text == b"name" {
            return self.form_part(text, at + 1, rewrite);
        }
        let class = field::classify(&name.text, name.place);
        match class {
            Class::Unknown if name.place == Place::Pair => return self.random_value(text, at + 1, rewrite),
            Class::Unknown | Class::Keep => return None,
            _ => {}
        }
        let (start, end) = match quote_at(text, at + 1) {
            Some((quote, length)) => (at + 1 + length, quoted_end(text, at + 1 + length, quote)),
            None if takes_the_line(class) => (at + 1, line_end(text, at + 1)),
            None if name.is_variable => (at + 1, variable_end(text, at + 1)),
            None => (at + 1, bare_end(text, at + 1)),
        };
        rewrite.replace_some(start..end, self.value(class, text.get(start..end)?));
        Some(end)
    }

    /// A value of known class. One that takes the line may hold another such line, so it counts as a level.
    fn value(self, class: Class, value: &[u8]) -> Option<Vec<u8>> {
        if takes_the_line(class) {
            return self.inside(value, |walk| walk.masked_coded(class, value, Plus::Plus));
        }
        if memchr::memmem::find(value, b"\\u").is_some()
            && let Some(unescaped) = json_unescape(value)
        {
            return self.masked(class, &unescaped).map(|masked| unicode_escape(&masked));
        }
        self.masked_coded(class, value, Plus::Plus)
    }

    /// A query's value whose name says nothing.
    fn random_value(self, text: &[u8], start: usize, rewrite: &mut Rewrite) -> Option<usize> {
        let end = start + random_length(text.get(start..)?);
        let value = text.get(start..end)?;
        let decoded = percent_decode(value, Plus::Plus);
        let decoded = decoded.as_deref().unwrap_or(value);
        if !looks_random(decoded) {
            return None;
        }
        rewrite.replace(start..end, &self.mask(Kind::Opaque, decoded));
        Some(end)
    }

    /// multipart/form-data: `name="password"`, an empty line, and the value up to the next boundary.
    fn form_part(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        let name = text.get(at..)?.strip_prefix(b"\"")?;
        let name = name.get(..name.iter().take(96).position(|byte| *byte == b'"')?)?;
        let class = field::classify(name, Place::Pair);
        if matches!(class, Class::Keep | Class::Unknown) {
            return None;
        }
        let head = text.get(at..)?;
        let start = at + memchr::memmem::find(head.get(..512).unwrap_or(head), b"\r\n\r\n")? + 4;
        let rest = text.get(start..)?;
        let end = start + memchr::memmem::find(rest, b"\r\n--").unwrap_or(rest.len());
        rewrite.replace_some(start..end, self.value(class, text.get(start..end)?));
        Some(end)
    }

    /// What a colon gives a value to: a member of an object, a header field, a line of YAML; or a URL's authority.
    pub(super) fn after_colon(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        if text.get(at + 1..)?.starts_with(b"//") {
            return self.user_information(text, at + 3, rewrite);
        }
        let blank = text.get(at.saturating_sub(4)..at)?.iter().rev().take_while(|byte| **byte == b' ').count();
        let name_end = at - blank;
        let quote = quote_before(text, name_end);
        let range = name_before(text, quote.map_or(name_end, |(_, start)| start), rewrite.decided());
        let place = match quote {
            Some(_) => Place::Json,
            None if self.begins_line(text, range.start) => Place::Header,
            None => Place::Text,
        };
        let name = text.get(range)?;
        let class = field::classify(name, place);
        if matches!(class, Class::Keep | Class::Unknown) {
            return None;
        }
        let start = at + 1 + text.get(at + 1..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.member(text, start, (class, place), rewrite)
    }

    /// Whether nothing but blanks (or a list's hyphen) stands before `start` on its line. The beginning of a string
    /// in a document is no line: error messages begin there.
    fn begins_line(self, text: &[u8], start: usize) -> bool {
        let before = text.get(start.saturating_sub(64)..start).unwrap_or(&[]);
        match before.iter().rfind(|byte| !matches!(byte, b' ' | b'\t' | b'-')) {
            Some(last) => matches!(last, b'\n' | b'\r' | b'"' | b'\'' | b'>' | b'<'),
            None => self.depth == 0,
        }
    }

    fn member(self, text: &[u8], start: usize, of: (Class, Place), rewrite: &mut Rewrite) -> Option<usize> {
        let (class, place) = of;
        let (start, end) = match quote_at(text, start) {
            Some((quote, length)) => (start + length, quoted_end(text, start + length, quote)),
            None if takes_the_line(class) || place == Place::Header => (start, line_end(text, start)),
            None => (start, bare_end(text, start)),
        };
        let value = text.get(start..end)?;
        // "invalid token: signature expired" is a sentence.
        if place == Place::Text && quote_before(text, start).is_none() && !takes_the_line(class) && is_a_word(value) {
            return None;
        }
        rewrite.replace_some(start..end, self.value(class, value));
        Some(end)
    }
}

/// The name before an equals sign.
struct Name {
    text: Vec<u8>,
    place: Place,
    /// `NAME=` with nothing before it, inside of a document: the entry of a list of environment variables.
    is_variable: bool,
}

impl Name {
    fn before(text: &[u8], end: usize, floor: usize) -> Option<Self> {
        let blank = text.get(end.saturating_sub(4)..end)?.iter().rev().take_while(|byte| **byte == b' ').count();
        let end = quote_before(text, end - blank).map_or(end - blank, |(_, start)| start);
        let range = name_before(text, end, floor);
        let raw = text.get(range.clone())?;
        let decoded = percent_decode(raw, Plus::Plus);
        let whole = decoded.as_deref().unwrap_or(raw);
        let name = last_part(whole);
        let is_inner = name.len() < whole.len();
        if name.is_empty() {
            return None;
        }
        let before = text.get(floor.min(range.start)..range.start)?;
        let is_pair = is_inner
            || before.last().is_some_and(|byte| matches!(byte, b'?' | b'&' | b'#'))
            || before.ends_with(b"&amp;");
        let is_variable = range.start == 0 && name.iter().all(|byte| !byte.is_ascii_lowercase());
        let place = if is_pair { Place::Pair } else { Place::Text };
        Some(Self { text: without_escape(before, name).to_vec(), place, is_variable })
    }
}

/// `\u0026sig=`: the letters before the name are the rest of an escape.
fn without_escape<'a>(before: &[u8], name: &'a [u8]) -> &'a [u8] {
    if before.last() != Some(&b'\\') {
        return name;
    }
    match name {
        [b'u', a, b, c, d, rest @ ..] if [*a, *b, *c, *d].iter().all(u8::is_ascii_hexdigit) => rest,
        [b'n' | b't' | b'r', rest @ ..] => rest,
        _ => name,
    }
}

/// Where the value of an environment variable ends.
fn variable_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or(&[]);
    start + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
}

/// Classes whose values have spaces in them.
fn takes_the_line(class: Class) -> bool {
    matches!(class, Class::Authorization | Class::Cookie | Class::SetCookie | Class::Url)
}

/// Whether a value is no more than the next word of a sentence.
fn is_a_word(value: &[u8]) -> bool {
    value.len() < 16 && value.iter().all(u8::is_ascii_lowercase)
}
