//! The parts that requests and responses share, as they are written: header fields, and what is known of a content.

use std::borrow::Cow;

use serde::Serialize;

use super::content::base64;
use super::record::KeptFacts;
use crate::exchange::{Body, Headers, Kept, ResponseHead, WhyNotKept};

/// A header field. A value that is no UTF-8 stands in `value` for readers and in `_bytes` for us.
#[derive(Serialize)]
pub(super) struct HeaderField<'a> {
    name: &'a str,
    value: Cow<'a, str>,
    #[serde(rename = "_bytes", skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

/// Header fields, in their order on the wire.
pub(super) fn fields(headers: &Headers) -> Vec<HeaderField<'_>> {
    headers
        .iter()
        .map(|field| {
            let bytes = str::from_utf8(field.value).is_err().then(|| base64(field.value));
            HeaderField { name: field.name, value: field.text(), bytes }
        })
        .collect()
}

/// `_body`: what is known of a content besides what is written of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BodyFacts<'a> {
    length: u64,
    is_complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    kept: KeptFacts,
    #[serde(skip_serializing_if = "no_codings")]
    decoded_from: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    trailers: Option<Vec<HeaderField<'a>>>,
}

fn no_codings(codings: &&[String]) -> bool {
    codings.is_empty()
}

impl<'a> BodyFacts<'a> {
    /// What is known of this content.
    pub(super) fn of(body: &'a Body) -> Self {
        let Body { length, is_complete, sha256, kept, bytes: _, decoded_from, trailers } = body;
        Self {
            length: *length,
            is_complete: *is_complete,
            sha256: sha256.map(|digest| hex(&digest)),
            kept: KeptFacts(*kept),
            decoded_from,
            trailers: trailers.as_ref().map(fields),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `_interim`: a 1xx response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InterimResponse<'a> {
    status: u16,
    status_text: &'a str,
    http_version: String,
    headers: Vec<HeaderField<'a>>,
}

impl<'a> InterimResponse<'a> {
    /// The 1xx response with this head.
    pub(super) fn of(head: &'a ResponseHead) -> Self {
        Self {
            status: head.status,
            status_text: &head.reason,
            http_version: head.version.to_string(),
            headers: fields(&head.headers),
        }
    }
}

/// A comment for a content of which not everything is in the file.
pub(super) fn not_kept(body: &Body) -> Option<&'static str> {
    match body.kept {
        Kept::All => None,
        Kept::Prefix(_) | Kept::IfText(_) => Some("only the beginning was kept: length and digest are in _body"),
        Kept::None(WhyNotKept::Binary) => Some("binary content, not kept: length and digest are in _body"),
        Kept::None(WhyNotKept::RecorderBehind) => Some("not kept: the recorder was behind"),
        Kept::None(WhyNotKept::NotInFile) => Some("not in the file that this was read from"),
    }
}
