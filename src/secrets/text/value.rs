//! Where words, names, pieces and values begin and end in text.

use std::ops::Range;

use crate::secrets::jwt::is_url_safe;

/// How far back a name, a scheme or a quotation mark is looked for.
const LOOK_BACK: usize = 96;

/// What sort of credentials follow a scheme's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// base64 of `user:password`.
    Basic,
    /// A token.
    Token,
}

/// The authentication scheme whose name ends at `at`.
pub(super) fn scheme_before(text: &[u8], at: usize) -> Option<Scheme> {
    let before = text.get(at.saturating_sub(10)..at)?;
    let start = before.iter().rposition(|byte| !byte.is_ascii_alphabetic()).map_or(0, |last| last + 1);
    let word = before.get(start..)?;
    match word.len() {
        5 if word.eq_ignore_ascii_case(b"basic") => Some(Scheme::Basic),
        6 if word.eq_ignore_ascii_case(b"bearer") => Some(Scheme::Token),
        4 if word.eq_ignore_ascii_case(b"ntlm") => Some(Scheme::Token),
        9 if word.eq_ignore_ascii_case(b"negotiate") => Some(Scheme::Token),
        _ => None,
    }
}

/// The end of the word that begins at `start`.
pub(super) fn word_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or(&[]);
    start + rest.iter().position(|byte| !is_url_safe(*byte)).unwrap_or(rest.len())
}

/// The name that ends at `end`: letters, digits and what joins them, from `floor` on.
pub(super) fn name_before(text: &[u8], end: usize, floor: usize) -> Range<usize> {
    let floor = end.saturating_sub(LOOK_BACK).max(floor).min(end);
    let before = text.get(floor..end).unwrap_or(&[]);
    let is_of_name = |byte: &u8| is_url_safe(*byte) || matches!(byte, b'.' | b'%' | b'$');
    let start = before.iter().rposition(|byte| !is_of_name(byte)).map_or(0, |last| last + 1);
    floor + start..end
}

/// A quotation mark as it is written: so many backslashes and a sign, or an HTML entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// `"`, `'` or `` ` `` after this many backslashes.
    Sign(u8, usize),
    /// `&quot;`, `&#34;`, `&#39;`.
    Entity,
}

const ENTITIES: &[&[u8]] = &[b"&quot;", b"&#34;", b"&#39;", b"&#x22;", b"&#x27;", b"&apos;"];

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// The quotation mark that begins at `at`, and its length.
pub(super) fn quote_at(text: &[u8], at: usize) -> Option<(Quote, usize)> {
    let rest = text.get(at..)?;
    if let Some(entity) = ENTITIES.iter().find(|entity| rest.starts_with(entity)) {
        return Some((Quote::Entity, entity.len()));
    }
    let backslashes = rest.iter().take(32).take_while(|byte| **byte == b'\\').count();
    let sign = *rest.get(backslashes)?;
    is_quote(sign).then_some((Quote::Sign(sign, backslashes), backslashes + 1))
}

/// The quotation mark that ends at `end`, and where it begins.
pub(super) fn quote_before(text: &[u8], end: usize) -> Option<(Quote, usize)> {
    let before = text.get(end.saturating_sub(32)..end)?;
    if let Some(entity) = ENTITIES.iter().find(|entity| before.ends_with(entity)) {
        return Some((Quote::Entity, end - entity.len()));
    }
    let (sign, before) = before.split_last()?;
    if !is_quote(*sign) {
        return None;
    }
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    Some((Quote::Sign(*sign, backslashes), end - 1 - backslashes))
}

/// Where the text that a quotation mark opened at `start` ends: at its like, or at a mark of an outer text.
pub(super) fn quoted_end(text: &[u8], start: usize, quote: Quote) -> usize {
    let rest = text.get(start..).unwrap_or(&[]);
    match quote {
        Quote::Entity => {
            let end = memchr::memchr_iter(b'&', rest)
                .find(|at| rest.get(*at..).is_some_and(|from| ENTITIES.iter().any(|entity| from.starts_with(entity))));
            start + end.unwrap_or(rest.len())
        }
        Quote::Sign(sign, level) => {
            let mut backslashes = 0;
            for (at, byte) in rest.iter().enumerate() {
                if *byte == sign && backslashes <= level {
                    return start + at - backslashes;
                }
                backslashes = if *byte == b'\\' { backslashes + 1 } else { 0 };
            }
            text.len()
        }
    }
}

/// Where a value without quotation marks ends.
pub(super) fn bare_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or(&[]);
    let is_end = |at: usize, byte: u8| {
        let next = rest.get(at + 1).copied();
        match byte {
            b'"' | b'\'' | b'`' | b'<' | b'>' => true,
            // An escape for a sign within the value goes on; `\u0026` is the next parameter.
            b'\\' => rest.get(at..at + 6).is_none_or(is_border),
            // An entity likewise.
            b'&' => next != Some(b'#') || quote_at(rest, at).is_some(),
            // Punctuation of the sentence around it.
            b',' | b';' | b')' | b']' | b'}' => next.is_none_or(|next| next.is_ascii_whitespace() || is_quote(next)),
            _ => byte.is_ascii_whitespace(),
        }
    };
    let end = rest.iter().enumerate().position(|(at, byte)| is_end(at, *byte));
    start + end.unwrap_or(rest.len())
}

/// Whether six bytes are no `\u` escape, or one of a sign that ends a value.
fn is_border(escape: &[u8]) -> bool {
    let [b'\\', b'u', digits @ ..] = escape else { return true };
    let is_unit = digits.iter().all(u8::is_ascii_hexdigit);
    let signs: [&[u8]; 6] = [b"0026", b"0022", b"0027", b"003c", b"003e", b"0020"];
    !is_unit || signs.iter().any(|sign| digits.eq_ignore_ascii_case(sign))
}

/// Where the line, or the quoted text, that goes on at `start` ends.
pub(super) fn line_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or(&[]);
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'"' | b'\'' | b'`' | b'<' | b'\\');
    start + rest.iter().position(is_end).unwrap_or(rest.len())
}

/// The piece between separators that a percent sign stands in; it begins at `floor` or later.
pub(super) fn piece_around(text: &[u8], at: usize, floor: usize) -> Range<usize> {
    around(text, at, floor, |byte| byte.is_ascii_whitespace() || b"\"'`<>&?=;,#()\\{}|".contains(&byte))
}

/// The piece that a `\u` stands in, from the name before it on; it begins at `floor` or later.
pub(super) fn escaped_piece_around(text: &[u8], at: usize, floor: usize) -> Range<usize> {
    let start = name_before(text, at, floor).start;
    around(text, at, start, |byte| byte.is_ascii_whitespace() || b"\"'`<>".contains(&byte))
}

fn around(text: &[u8], at: usize, floor: usize, is_end: impl Fn(u8) -> bool) -> Range<usize> {
    let floor = at.saturating_sub(LOOK_BACK).max(floor).min(at);
    let before = text.get(floor..at).unwrap_or(&[]);
    let start = floor + before.iter().rposition(|byte| is_end(*byte)).map_or(0, |last| last + 1);
    let rest = text.get(at..).unwrap_or(&[]);
    start..at + rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len())
}
