//! The content of a message: how long it was, its digest, and how much of it was kept.

use super::message::Headers;

/// The content of a request or response, as far as it was seen and kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Bytes of content that passed, after transfer coding was undone and before content coding is.
    pub length: u64,
    /// Whether the end of the content was seen where HTTP's framing says it is.
    pub is_complete: bool,
    /// SHA-256 of the content as it passed, when it was computed.
    pub sha256: Option<[u8; 32]>,
    /// How much of the content is in `bytes`.
    pub kept: Kept,
    /// What was kept, from the first byte on.
    pub bytes: Vec<u8>,
    /// The content codings that were undone to get `bytes`, outermost first; empty while `bytes` is as it passed.
    pub decoded_from: Vec<String>,
    /// Trailer fields after a chunked body, when there were any.
    pub trailers: Option<Headers>,
}

/// How much of a content was kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kept {
    /// All of what passed.
    #[default]
    All,
    /// Only the first bytes, up to this limit.
    Prefix(u64),
    /// Only the first bytes, up to this limit, and those only if they are text: its type says nothing, so what comes in
    /// last before anything is written looks at them.
    IfText(u64),
    /// Nothing but length and digest.
    None(WhyNotKept),
}

/// Why a content was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNotKept {
    /// Layers and other binary content do not belong in a trace unless asked for.
    Binary,
    /// The recorder was behind, and traffic never waits for it.
    RecorderBehind,
    /// The file it was read from does not have it.
    NotInFile,
}
