//! What a credential looks like, and how to mask each: in header fields, URLs, forms, JSON, XML and plain text.
//!
//! Everything is read lexically, so that text which was cut in the middle of a token is masked like a whole one,
//! and encodings (percent, base64, JSON escapes) are undone as deep as they are nested. A mask keeps the shape of
//! what it hides: a JWT keeps header and claims, Basic the user name, a signed URL all but its signature. An
//! existing mask is kept, so masking twice changes nothing.
//!
//! Every method gives `None` when there was nothing to mask; the text then stays as it was, byte for byte.

pub mod field;
pub mod mask;

mod authorization;
mod cookie;
mod encoding;
mod json;
mod jwt;
mod names;
mod pairs;
mod recent;
mod rewrite;
mod text;
mod url;

use std::borrow::Cow;
use std::cell::Cell;
use std::net::IpAddr;

pub use authorization::user_of_basic;
use encoding::Plus;
use field::{Class, Place};
pub use mask::{FingerprintKey, Kind};
pub use names::Names;
use pairs::Written;
use recent::{Harmless, Recent};

/// How deep encodings may be nested before what is inside is masked unseen.
const DEEPEST: u8 = 8;

/// How often a text is read before it is masked as a whole.
const MOST_PASSES: u8 = 6;

/// Masks secrets, with the fingerprints of one installation.
#[derive(Debug, Clone)]
pub struct Masker {
    key: FingerprintKey,
    names: Names,
    credentials: Recent,
    contents: Recent,
    harmless: Harmless,
}

/// What a body is, as far as it matters for finding secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `name=value&name=value`.
    Form,
    /// Whatever it looks like: JSON, a form, or text.
    Any,
}

impl Masker {
    /// A masker with this installation's key.
    pub fn new(key: FingerprintKey) -> Self {
        let (credentials, contents) = (Recent::default(), Recent::default());
        Self { key, names: Names::default(), credentials, contents, harmless: Harmless::default() }
    }

    /// The same, which also replaces these names wherever they stand.
    #[must_use]
    pub fn with_names(&self, names: Names) -> Self {
        Self { names, ..self.clone() }
    }

    /// The key of the fingerprints.
    pub fn key(&self) -> &FingerprintKey {
        &self.key
    }

    /// Masks what is secret in the values of header fields; gives those that are others then, each with the field's number.
    pub fn headers<'a>(&self, fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<(usize, Vec<u8>)> {
        let mut harmless = self.harmless.fields();
        let masked = fields.map(|(name, value)| harmless.masked(name, value, || self.header(name, value)));
        masked.enumerate().filter_map(|(at, masked)| Some((at, masked?))).collect()
    }

    /// Masks what is secret in the value of a header field.
    pub fn header(&self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        let class = field::classify(name.as_bytes(), Place::Header);
        let mask = || self.settled(value, |walk, value| walk.masked(class, value));
        if class == Class::Authorization { self.credentials.masked(value, mask) } else { mask() }
    }

    /// Masks what is secret in a body.
    pub fn body(&self, shape: Shape, bytes: &[u8]) -> Option<Vec<u8>> {
        let mask = |walk: Walk<'_>, bytes: &[u8]| {
            if shape == Shape::Form || pairs::looks_like_a_form(bytes) {
                return walk.pairs(bytes, Written::Form);
            }
            walk.any(bytes)
        };
        match shape {
            Shape::Form => self.settled(bytes, mask),
            Shape::Any => self.contents.masked(bytes, || self.settled(bytes, mask)),
        }
    }

    /// Masks what is secret in text of any sort: a log line, an error message.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let masked = self.settled(text.as_bytes(), |walk, bytes| walk.masked(Class::Unknown, bytes));
        as_text(text, masked)
    }

    /// Masks what is secret in a URL or request target.
    pub fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        let masked = self.settled(url.as_bytes(), |walk, bytes| walk.masked(Class::Url, bytes));
        as_text(url, masked)
    }

    /// Replaces names and masks nothing else.
    pub fn name<'a>(&self, text: &'a str) -> Cow<'a, str> {
        as_text(text, self.names.replace(text.as_bytes()))
    }

    /// The address that stands in for a client's.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        names::address_pseudonym(&self.key, address)
    }

    /// Masks until nothing changes any more. Real traffic settles at once; in a jumble of quotation marks and
    /// encodings a mask may let its surroundings be read anew.
    fn settled(&self, text: &[u8], once: impl Fn(Walk<'_>, &[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let masks = Cell::new(0);
        let walk = Walk { masker: self, depth: 0, masks: &masks };
        let mut masked = once(walk, text)?;
        for _ in 0..MOST_PASSES {
            match once(walk, &masked) {
                Some(more) => masked = more,
                None => return Some(masked),
            }
        }
        Some(walk.mask(Kind::Nested, text))
    }
}

/// One masking of one text, and how many encodings deep it is.
#[derive(Clone, Copy)]
struct Walk<'a> {
    masker: &'a Masker,
    depth: u8,
    /// Masks that were put or found.
    masks: &'a Cell<usize>,
}

impl Walk<'_> {
    /// Masks what is secret in text of any sort.
    fn any(self, bytes: &[u8]) -> Option<Vec<u8>> {
        let start = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii_start();
        match start.first() {
            Some(b'{' | b'[' | b'"') if json::is_json(start) => self.json(bytes),
            _ => self.text(bytes),
        }
    }

    /// Masks a value of a known class.
    fn masked(self, class: Class, value: &[u8]) -> Option<Vec<u8>> {
        match class {
            Class::Keep | Class::Unknown => self.any(value),
            Class::Secret(kind) => self.secret(kind, value),
            Class::Authorization => self.authorization(value),
            Class::Cookie => self.cookie(value),
            Class::SetCookie => self.set_cookie(value),
            Class::UserAndPassword => self.user_and_password(value),
            Class::EncodedJson => self.encoded_json(value),
            Class::ScopedCredential => self.scoped_credential(value),
            Class::SignedUntil => self.signed_until(value),
            Class::Url => self.url(value),
        }
    }

    /// Like [`masked`](Self::masked), for a value that may be percent-encoded.
    fn masked_coded(self, class: Class, value: &[u8], plus: Plus) -> Option<Vec<u8>> {
        match encoding::percent_decode(value, plus) {
            None => self.masked(class, value),
            Some(decoded) => self.inside(value, |walk| Some(encoding::percent_encode(&walk.masked(class, &decoded)?))),
        }
    }

    /// Masks a value that is a secret as a whole; a JWT keeps its shape.
    fn secret(self, kind: Kind, value: &[u8]) -> Option<Vec<u8>> {
        if is_no_secret(value) || self.is_masked(value) {
            return None;
        }
        match self.jwt(value) {
            Some(jwt) => jwt.masked,
            None => Some(self.mask(kind, value)),
        }
    }

    fn mask(self, kind: Kind, value: &[u8]) -> Vec<u8> {
        self.masks.update(|masks| masks + 1);
        mask::mask(&self.masker.key, kind, value)
    }

    /// The length of the mask with which the text begins, if it begins with one.
    fn length_of_mask(self, text: &[u8]) -> Option<usize> {
        let length = mask::length_of_mask(text);
        self.masks.update(|masks| masks + usize::from(length.is_some()));
        length
    }

    /// Whether the text is a mask, or a mask and signs of the text around it. A first masking may have taken those
    /// for a part of the value, and a second one must not.
    fn is_masked(self, text: &[u8]) -> bool {
        let length = self.length_of_mask(text);
        length.is_some_and(|length| !text.get(length).is_some_and(|next| jwt::is_url_safe(*next)))
    }

    /// Does something with what `encoded` is when decoded; too deep, it is masked unseen.
    fn inside(self, encoded: &[u8], work: impl FnOnce(Self) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        if self.depth < DEEPEST {
            return work(Self { depth: self.depth + 1, ..self });
        }
        (!self.is_masked(encoded)).then(|| self.mask(Kind::Nested, encoded))
    }
}

/// Words that stand where a secret would, and are worth seeing.
fn is_no_secret(value: &[u8]) -> bool {
    matches!(value, b"" | b"true" | b"false" | b"null" | b"undefined" | b"None")
}

fn as_text(old: &str, new: Option<Vec<u8>>) -> Cow<'_, str> {
    match new {
        None => Cow::Borrowed(old),
        Some(new) => Cow::Owned(
            String::from_utf8(new).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
    }
}
