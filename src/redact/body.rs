//! Bodies: decoded first, then masked by what they are. What may be kept only if it is text, and is none, is dropped
//! here: no byte of it is masked, so none goes further.

use crate::content::{self, End};
use crate::exchange::{Body, Headers, Kept, WhyNotKept};
use crate::secrets::{Masker, Shape};

/// The most that is kept of a decoded body; a body that unfolds into more is a bomb, not a document.
const LIMIT: usize = 16 * 1024 * 1024;

/// Undoes the content codings of a body, and looks at what comes out where it is to be kept only if it is text.
pub(super) fn read(body: &mut Body, headers: Option<&Headers>) {
    let Kept::IfText(limit) = body.kept else { return decode(body, headers) };
    body.kept = if body.bytes.len() as u64 == body.length { Kept::All } else { Kept::Prefix(limit) };
    decode(body, headers);
    if !content::is_text(&body.bytes) {
        drop_binary(body);
    }
}

fn drop_binary(body: &mut Body) {
    body.kept = Kept::None(WhyNotKept::Binary);
    body.bytes = Vec::new();
    body.decoded_from = Vec::new();
}

/// Undoes the content codings of a body, once. What stays unreadable is left as it is.
fn decode(body: &mut Body, headers: Option<&Headers>) {
    let codings = headers.map(content::codings).unwrap_or_default();
    if codings.is_empty() || body.bytes.is_empty() || !body.decoded_from.is_empty() {
        return;
    }
    let decoded = content::decode(&body.bytes, &codings, LIMIT);
    if decoded.end == End::LimitReached {
        body.kept = Kept::Prefix(LIMIT as u64);
    }
    body.bytes = decoded.bytes;
    body.decoded_from = decoded.undone;
}

/// Whether a content coding is still on the body: it is unknown, or the body was damaged from its first byte.
fn is_coded(body: &Body, headers: Option<&Headers>) -> bool {
    let codings = headers.map(content::codings).unwrap_or_default();
    body.decoded_from.len() < codings.len() && !content::is_text(&body.bytes)
}

/// Masks what is secret in a body and its trailers.
pub(super) fn mask(masker: &Masker, body: &mut Body, headers: Option<&Headers>) {
    if let Some(trailers) = &mut body.trailers {
        super::mask_headers(masker, trailers);
    }
    if body.bytes.is_empty() {
        return;
    }
    // What cannot be read cannot be masked.
    if is_coded(body, headers) {
        return drop_binary(body);
    }
    let shape = shape(headers);
    let Some(masked) = masker.body(shape, &body.bytes) else { return };
    body.bytes = masked;
    if shape == Shape::Form {
        // All but the password is known, so the digest would say whether a guess is right.
        body.sha256 = None;
    }
}

fn shape(headers: Option<&Headers>) -> Shape {
    let media_type = headers.and_then(|headers| headers.text("content-type")).unwrap_or_default();
    if media_type.to_ascii_lowercase().contains("x-www-form-urlencoded") { Shape::Form } else { Shape::Any }
}
