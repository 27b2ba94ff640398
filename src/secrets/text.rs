//! Secrets in text of any sort: logs, HTML, XML, shell commands, error messages, whatever a document holds.
//!
//! One pass from the front. A word of base64 is looked into, `=` and `:` ask what name stands before them, `%` and
//! `\u` undo their encoding for the piece that they stand in.

use std::ops::Range;

use super::encoding::{self, Plus, is_readable};
use super::field::{self, Class, Place};
use super::jwt::{self, is_url_safe};
use super::rewrite::Rewrite;
use super::{Kind, Walk};

mod assignment;
mod value;

use value::{piece_around, word_end};

/// Tokens that are known by how they begin: GitHub, GitLab, Docker Hub, Azure, npm.
const TOKEN_BEGINNINGS: &[&[u8]] = &[
    b"ghp_",
    b"gho_",
    b"ghu_",
    b"ghs_",
    b"ghr_",
    b"github_pat_",
    b"glpat-",
    b"gldt-",
    b"glcbt-",
    b"dckr_pat_",
    b"dckr_oat_",
    b"npm_",
];

/// A word shorter than this is none of them, and no mask.
const SHORTEST_TOKEN: usize = 12;

/// A base64 word shorter than this holds no credential worth a name.
const SHORTEST_ENCODED: usize = 16;

/// The most signs of padding behind base64.
const MOST_PADDING: usize = 2;

/// Where reading goes on.
enum Next {
    /// Behind something that was masked, or is a mask.
    Decided(usize),
    /// Behind something without secrets, which may belong to what follows.
    Passed(usize),
}

impl Walk<'_> {
    /// Masks what is secret in text.
    pub(super) fn text(self, text: &[u8]) -> Option<Vec<u8>> {
        let masked = self.secrets_in_text(text);
        if self.masker.names.is_empty() {
            return masked;
        }
        let named = self.masker.names.replace(masked.as_deref().unwrap_or(text));
        named.or(masked)
    }

    fn secrets_in_text(self, text: &[u8]) -> Option<Vec<u8>> {
        let mut rewrite = Rewrite::new(text);
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            let next = match byte {
                b'=' => self.after_equals(text, at, &mut rewrite).map(Next::Decided),
                b':' => self.after_colon(text, at, &mut rewrite).map(Next::Decided),
                b'%' if is_hex(text, at + 1, 2) => self.percent_encoded(text, at, &mut rewrite),
                b'\\' if text.get(at + 1) == Some(&b'u') && is_hex(text, at + 2, 4) => {
                    self.escaped(text, at, &mut rewrite)
                }
                b'<' => self.element(text, at, &mut rewrite).map(Next::Decided),
                b'\'' => self.quoted_signature(text, at, &mut rewrite).map(Next::Decided),
                b' ' => self.after_scheme(text, at, &mut rewrite).map(Next::Decided),
                byte if is_url_safe(*byte) => Some(self.word(text, at, &mut rewrite)),
                _ => None,
            };
            at = match next {
                Some(Next::Decided(end)) => {
                    rewrite.decide(end);
                    end.max(at + 1)
                }
                Some(Next::Passed(end)) => end.max(at + 1),
                None => at + 1,
            };
        }
        rewrite.finish()
    }

    /// Behind something encoded. Whether a mask is in it is the same before and after masking.
    fn behind(self, end: usize, masks_before: usize) -> Next {
        if self.masks.get() > masks_before { Next::Decided(end) } else { Next::Passed(end) }
    }

    /// A word of letters, digits, hyphens and underscores: a mask, a token, a JWT, or something encoded.
    fn word(self, text: &[u8], start: usize, rewrite: &mut Rewrite) -> Next {
        let end = word_end(text, start);
        let word = text.get(start..end).unwrap_or(&[]);
        // By far the most words are short, and stand for themselves.
        let may_begin_jwt = || word.windows(2).any(|pair| matches!(pair, b"ey" | b"ew"));
        let is_plain = match text.get(end) {
            Some(b'.') => !may_begin_jwt(),
            Some(b'+' | b'/') => false,
            _ => true,
        };
        if word.len() < SHORTEST_TOKEN && is_plain {
            return Next::Passed(end);
        }
        if let Some(length) = self.length_of_mask(word) {
            return Next::Decided(start + length);
        }
        if word.len() >= SHORTEST_TOKEN && TOKEN_BEGINNINGS.iter().any(|beginning| word.starts_with(beginning)) {
            rewrite.replace(start..end, &self.mask(Kind::Token, word));
            return Next::Decided(end);
        }
        if text.get(end) == Some(&b'.')
            && let Some(end) = self.jwt_in_text(text, start..end, rewrite)
        {
            return Next::Decided(end);
        }
        self.encoded_word(text, start..end, rewrite).unwrap_or(Next::Passed(end))
    }

    /// A JWT that begins in this word; gives its end.
    fn jwt_in_text(self, text: &[u8], word: Range<usize>, rewrite: &mut Rewrite) -> Option<usize> {
        let header = text.get(word.clone())?;
        // `{"`, `{ ` and `{` with a line end, of which the first that is an object counts. Words are short and many: to
        // look at each place costs less than to prepare a search.
        let begins = header
            .windows(3)
            .enumerate()
            .filter(|(_, begin)| matches!(begin, [b'e', b'y', b'J' | b'A'] | [b'e', b'w', b'o' | b'0']));
        let mut candidates = begins.map(|(at, _)| at).take(16);
        let start = candidates.find(|at| header.get(*at..).and_then(jwt::object).is_some());
        let start = word.start + start?;
        let rest = text.get(start..)?;
        let length = rest.iter().position(|byte| !is_url_safe(*byte) && *byte != b'.').unwrap_or(rest.len());
        // The full stop of the sentence around it.
        let length = rest.get(..length)?.iter().rposition(|byte| *byte != b'.')? + 1;
        let run = rest.get(..length)?;
        let jwt = self.jwt_like(run)?;
        rewrite.replace_some(start..start + length, jwt.masked);
        Some(start + length)
    }

    /// A word that is base64 of text.
    fn encoded_word(self, text: &[u8], word: Range<usize>, rewrite: &mut Rewrite) -> Option<Next> {
        // Base64 of the standard alphabet is looked at once, from its beginning.
        let is_inner = word.start.checked_sub(1).is_some_and(|before| is_joint(text.get(before)));
        let goes_on = !is_inner && is_joint(text.get(word.end));
        let end = if goes_on { standard_end(text, word.start) } else { word.end };
        if end - word.start + MOST_PADDING < SHORTEST_ENCODED {
            return None;
        }
        self.encoded(text, word.start..padding_end(text, end), rewrite)
            .or_else(|| (end != word.end).then(|| self.encoded(text, word, rewrite)).flatten())
    }

    fn encoded(self, text: &[u8], range: Range<usize>, rewrite: &mut Rewrite) -> Option<Next> {
        let run = text.get(range.clone())?;
        if !encoding::may_be_base64_of_text(run.get(..SHORTEST_ENCODED)?) {
            return None;
        }
        let (decoded, form) = encoding::base64_decode(run)?;
        if !is_readable(&decoded) {
            return None;
        }
        let masks = self.masks.get();
        let masked = self.inside(run, |walk| Some(form.encode(&walk.any(&decoded)?)));
        rewrite.replace_some(range.clone(), masked);
        Some(self.behind(range.end, masks))
    }

    /// The piece around a `%41`, decoded.
    fn percent_encoded(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<Next> {
        let piece = piece_around(text, at, rewrite.decided());
        let raw = text.get(piece.clone())?;
        let decoded = encoding::percent_decode(raw, Plus::Plus)?;
        let masks = self.masks.get();
        let masked = self.inside(raw, |walk| Some(encoding::percent_encode(&walk.any(&decoded)?)));
        rewrite.replace_some(piece.clone(), masked);
        Some(self.behind(piece.end, masks))
    }

    /// The piece around a `\u0041`, decoded.
    fn escaped(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<Next> {
        let piece = value::escaped_piece_around(text, at, rewrite.decided());
        let raw = text.get(piece.clone())?;
        let decoded = encoding::json_unescape(raw)?;
        let masks = self.masks.get();
        let masked = self.inside(raw, |walk| Some(encoding::unicode_escape(&walk.text(&decoded)?)));
        rewrite.replace_some(piece.clone(), masked);
        Some(self.behind(piece.end, masks))
    }

    /// `<Name>value`, when the name is that of a secret.
    fn element(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        let name_end = word_end(text, at + 1);
        let class = field::classify(text.get(at + 1..name_end)?, Place::Xml);
        if matches!(class, Class::Keep | Class::Unknown) {
            return None;
        }
        let head = text.get(name_end..)?;
        let open = name_end + head.iter().take(256).position(|byte| *byte == b'>')? + 1;
        let length = memchr::memchr(b'<', text.get(open..)?).unwrap_or(text.len() - open);
        rewrite.replace_some(open..open + length, self.masked(class, text.get(open..open + length)?));
        Some(open + length)
    }

    /// Azure Storage: `The MAC signature found in the HTTP request '…' is not the same as any computed signature`.
    fn quoted_signature(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        text.get(..at)?.strip_suffix(b"signature found in the HTTP request ")?;
        let length = memchr::memchr(b'\'', text.get(at + 1..)?).unwrap_or(text.len() - at - 1);
        let range = at + 1..at + 1 + length;
        rewrite.replace_some(range.clone(), self.secret(Kind::Signature, text.get(range.clone())?));
        Some(range.end + 1)
    }

    /// `Bearer TOKEN`, `Basic CREDENTIALS` and the like.
    fn after_scheme(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        let scheme = value::scheme_before(text, at)?;
        let start = at + text.get(at..)?.iter().position(|byte| *byte != b' ')?;
        let rest = text.get(start..)?;
        let length = rest.iter().position(|byte| !is_credential_letter(*byte)).unwrap_or(rest.len());
        let padding = rest.get(length..)?.iter().take_while(|byte| **byte == b'=').count();
        let is_parameter = padding > 0 && rest.get(length + padding).is_some_and(|byte| !is_after_credential(*byte));
        let credentials = rest.get(..length + padding)?;
        if self.is_masked(credentials) {
            return self.length_of_mask(credentials).map(|length| start + length);
        }
        if is_parameter || !looks_like_credentials(rest.get(..length)?) {
            return None;
        }
        let masked = match scheme {
            value::Scheme::Basic => self.user_and_password(credentials),
            value::Scheme::Token => self.secret(Kind::Token, credentials),
        };
        rewrite.replace_some(start..start + credentials.len(), masked);
        Some(start + credentials.len())
    }
}

fn is_hex(text: &[u8], start: usize, length: usize) -> bool {
    text.get(start..start + length).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

fn is_credential_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

fn is_after_credential(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'`<>,;)]}\\&".contains(&byte)
}

/// Whether a word after `Bearer` or `Basic` is more than the next word of a sentence.
fn looks_like_credentials(word: &[u8]) -> bool {
    let is_plain = word.iter().all(|byte| byte.is_ascii_lowercase() || b".-_".contains(byte));
    let is_capitalised = word.split_first().is_some_and(|(first, rest)| {
        first.is_ascii_uppercase() && rest.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'.')
    });
    word.len() >= 6 && (word.len() >= 20 || !(is_plain || is_capitalised))
}

fn is_joint(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'+' | b'/'))
}

fn standard_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or(&[]);
    let is_standard = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    start + rest.iter().position(|byte| !is_standard(byte)).unwrap_or(rest.len())
}

/// The end of the padding; an equals sign with a value behind it is none.
fn padding_end(text: &[u8], end: usize) -> usize {
    let rest = text.get(end..).unwrap_or(&[]);
    let padding = rest.iter().take(MOST_PADDING).take_while(|byte| **byte == b'=').count();
    let is_padding = rest.get(padding).is_none_or(|byte| is_after_credential(*byte));
    if is_padding { end + padding } else { end }
}
