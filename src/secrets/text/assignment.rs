//! `name=value` and `name: value` in text.

use super::value::{bare_end, line_end, name_before, quote_at, quote_before, quoted_end};
use crate::secrets::Walk;
use crate::secrets::encoding::{Plus, percent_decode};
use crate::secrets::field::{self, Class, Place};
use crate::secrets::rewrite::Rewrite;

impl Walk<'_> {
    /// What an equals sign gives a value to.
    pub(super) fn after_equals(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        let name = Name::before(text, at)?;
        let class = field::classify(&name.text, name.place);
        let (start, end) = match quote_at(text, at + 1) {
            Some((quote, length)) => (at + 1 + length, quoted_end(text, at + 1 + length, quote)),
            None if takes_the_line(class) => (at + 1, line_end(text, at + 1)),
            None if name.is_variable => (at + 1, text.len()),
            None => (at + 1, bare_end(text, at + 1)),
        };
        let value = text.get(start..end)?;
        let masked = match class {
            Class::Keep => return None,
            Class::Unknown if name.place == Place::Pair => self.pair(&name.text, value, Plus::Plus),
            Class::Unknown => return None,
            class => self.masked_coded(class, value, Plus::Plus),
        };
        if class == Class::Unknown && masked.is_none() {
            return None;
        }
        rewrite.replace_some(start..end, masked);
        Some(end)
    }

    /// What a colon gives a value to: a member of an object, a header field, a line of YAML; or a URL's authority.
    pub(super) fn after_colon(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        if text.get(at + 1..)?.starts_with(b"//") {
            return self.user_information(text, at + 3, rewrite);
        }
        let blank = text.get(at.saturating_sub(4)..at)?.iter().rev().take_while(|byte| **byte == b' ').count();
        let name_end = at - blank;
        let (name, place) = match quote_before(text, name_end) {
            Some((_, end)) => (text.get(name_before(text, end))?, Place::Json),
            None => {
                let name = name_before(text, name_end);
                let place = if begins_line(text, name.start) { Place::Header } else { Place::Text };
                (text.get(name)?, place)
            }
        };
        let class = field::classify(name, place);
        if matches!(class, Class::Keep | Class::Unknown) {
            return None;
        }
        let start = at + 1 + text.get(at + 1..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.member(text, start, (class, place), rewrite)
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
        rewrite.replace_some(start..end, self.masked_coded(class, value, Plus::Plus));
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
    fn before(text: &[u8], end: usize) -> Option<Self> {
        let blank = text.get(end.saturating_sub(4)..end)?.iter().rev().take_while(|byte| **byte == b' ').count();
        let end = quote_before(text, end - blank).map_or(end - blank, |(_, start)| start);
        let range = name_before(text, end);
        let raw = text.get(range.clone())?;
        let decoded = percent_decode(raw, Plus::Plus);
        let (name, is_inner) = last_part(decoded.as_deref().unwrap_or(raw));
        if name.is_empty() {
            return None;
        }
        let before = text.get(..range.start)?;
        let is_pair = is_inner
            || before.last().is_some_and(|byte| matches!(byte, b'?' | b'&' | b'#'))
            || before.ends_with(b"&amp;");
        let is_variable = range.start == 0 && name.iter().all(|byte| !byte.is_ascii_lowercase());
        let place = if is_pair { Place::Pair } else { Place::Text };
        Some(Self { text: without_escape(before, name).to_vec(), place, is_variable })
    }
}

/// The end of a decoded name: `x?sig` is the name `sig` in a URL.
fn last_part(name: &[u8]) -> (&[u8], bool) {
    let is_separator = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"_-.$".contains(byte);
    match name.iter().rposition(is_separator) {
        Some(at) => (name.get(at + 1..).unwrap_or(&[]), true),
        None => (name, false),
    }
}

/// `\u0026sig=`: the letters before the name are the rest of an escape.
fn without_escape<'a>(before: &[u8], name: &'a [u8]) -> &'a [u8] {
    if before.last() != Some(&b'\\') {
        return name;
    }
    match name {
        [b'u', a, b, c, d, rest @ ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => rest,
        [b'n' | b't' | b'r', rest @ ..] => rest,
        _ => name,
    }
}

/// Classes whose values have spaces in them.
fn takes_the_line(class: Class) -> bool {
    matches!(class, Class::Authorization | Class::Cookie | Class::SetCookie | Class::Url)
}

/// Whether nothing but blanks (or a list's hyphen) stands before `start` on its line.
fn begins_line(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(64)..start).unwrap_or(&[]);
    let last = before.iter().rfind(|byte| !matches!(byte, b' ' | b'\t' | b'-'));
    last.is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b'>' | b'<'))
}

/// Whether a value is no more than the next word of a sentence.
fn is_a_word(value: &[u8]) -> bool {
    value.len() < 16 && value.iter().all(|byte| byte.is_ascii_lowercase())
}
