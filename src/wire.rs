//! What crossed a connection: bytes in, events out.
//!
//! An observer reads along while the proxy relays; it never changes, delays or answers anything. It knows no socket,
//! clock or task: the caller hands it the bytes in the order in which they passed, split anyhow, and adds the time to
//! what comes back. Traffic that it cannot interpret without doubt becomes opaque, for good.

use crate::exchange::{Headers, RequestHead, ResponseHead, Stage, WhyOpaque};

pub mod hpack;
pub mod http1;
pub mod http2;
pub mod observer;
pub mod sniff;
pub mod tls;

pub use http1::Http1Observer;
pub use http2::Http2Observer;
pub use observer::HttpObserver;
pub use sniff::{Speaks, sniff};
pub use tls::{HelloParse, client_hello};

use hpack::HpackError;

/// Who sent the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The client, which asks.
    Client,
    /// The server, which answers.
    Server,
}

/// How a side ended what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As its protocol wants it: TLS close_notify, or FIN where there is no TLS.
    Clean,
    /// TLS without close_notify: what came last may not be the end.
    Cut,
    /// The connection was reset, which ends both directions.
    Reset,
}

/// How one exchange ended before its time on a connection that carries others too (HTTP/2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// By RST_STREAM with this error code.
    Reset(u32),
    /// The side said by GOAWAY with this error code that it looks at nothing further.
    GoneAway(u32),
    /// The server ended the response before its head, or with another length than it had announced.
    Short,
}

/// Something that an observer saw. `n` is the number of the request on its connection, from 0.
///
/// For every `n`: `Started` comes first and `Over` last, each once; `Request` comes before `RequestBody`, those before
/// `RequestEnd`; the same holds for responses; `Interim` comes before `Response`. What comes once comes at most once: an
/// exchange that is cut has only a part of them. A head is always followed by its end before `Over`. In HTTP/1 requests
/// come one after the other, and so do responses; in HTTP/2 exchanges are interleaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed<'a> {
    /// The first byte of a request arrived.
    Started {
        /// The request's number.
        n: u64,
    },
    /// A request's head is complete.
    Request {
        /// The request's number.
        n: u64,
        /// The head.
        head: RequestHead,
    },
    /// The next bytes of a request's content, chunking undone.
    RequestBody {
        /// The request's number.
        n: u64,
        /// The bytes, never empty.
        bytes: &'a [u8],
    },
    /// A request's content ended.
    RequestEnd {
        /// The request's number.
        n: u64,
        /// How the content ended.
        end: ContentEnd,
    },
    /// A 1xx response other than 101.
    Interim {
        /// The request's number.
        n: u64,
        /// The head.
        head: ResponseHead,
    },
    /// The head of the final response (101 included) is complete.
    Response {
        /// The request's number.
        n: u64,
        /// The head.
        head: ResponseHead,
    },
    /// The next bytes of a response's content, chunking undone.
    ResponseBody {
        /// The request's number.
        n: u64,
        /// The bytes, never empty.
        bytes: &'a [u8],
    },
    /// A response's content ended.
    ResponseEnd {
        /// The request's number.
        n: u64,
        /// How the content ended.
        end: ContentEnd,
    },
    /// Nothing more will happen to this exchange.
    Over {
        /// The request's number.
        n: u64,
        /// What became of it.
        outcome: Outcome,
    },
    /// The server spoke when nothing was asked, as with a 408 before it closes an idle connection. Its content is left
    /// out, and what comes after it is paired as if it had not been.
    Unasked {
        /// The head.
        head: ResponseHead,
    },
    /// From here on nothing is interpreted, for good. Every exchange but `n` is over at once, `n` is over when the
    /// connection is.
    Opaque {
        /// The exchange that led to it.
        n: Option<u64>,
        /// Why, as an exchange records it.
        why: WhyOpaque,
        /// What was wrong, when something was.
        trouble: Option<Trouble>,
    },
}

/// How a content ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContentEnd {
    /// Bytes of content, chunking undone.
    pub length: u64,
    /// Whether the end was where the framing says it is.
    pub is_complete: bool,
    /// The trailer fields after a chunked content, when there were any.
    pub trailers: Option<Headers>,
}

/// What became of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The final response came whole. The request need not have: a server may answer early and close.
    Complete,
    /// The connection ended before the final response did.
    Cut {
        /// How far it had come: `Accept` within the request's head, `Send` within its content, `AwaitHead`, `ReadBody`.
        stage: Stage,
        /// Who ended the connection first.
        by: Sender,
        /// How.
        end: End,
    },
    /// The exchange ended before the final response did, while the connection went on, or could have.
    CutAlone {
        /// How far it had come.
        stage: Stage,
        /// Who ended it.
        by: Sender,
        /// How.
        how: StreamEnd,
    },
    /// A head could not be read, which in HTTP/2 hurts nobody else. What else there is of the exchange is left out.
    Unreadable {
        /// How far it had come.
        stage: Stage,
        /// Who sent the head.
        by: Sender,
        /// What was wrong with it.
        trouble: Trouble,
    },
    /// The connection became opaque before the final response ended.
    Opaque,
}

/// What kept an observer from interpreting further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A request's head is not one.
    BadRequestHead,
    /// A response's head is not one.
    BadResponseHead,
    /// A head or trailer section is larger than [`http1::HEAD_LIMIT`] or [`http2::BLOCK_LIMIT`].
    HeadTooLarge,
    /// A head or trailer section has more fields than [`http1::FIELD_LIMIT`].
    TooManyFields,
    /// Content-Length and Transfer-Encoding contradict each other or themselves.
    ContradictoryLength,
    /// A chunk's size, its end or the trailer section is malformed.
    BadChunk,
    /// More requests wait for their responses than [`http1::OPEN_LIMIT`] or [`http2::OPEN_LIMIT`].
    TooManyWaiting,
    /// What should be HTTP/2 does not begin so.
    NotHttp2,
    /// A frame stands where none of its kind may, or its padding does not fit.
    BadFrame,
    /// A header block is not HPACK, and what follows it cannot be decoded.
    BadHeaderBlock(HpackError),
}

impl Trouble {
    /// The trouble in plain words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequestHead => "malformed request head",
            Self::BadResponseHead => "malformed response head",
            Self::HeadTooLarge => "head too large",
            Self::TooManyFields => "too many header fields",
            Self::ContradictoryLength => "contradictory message length",
            Self::BadChunk => "malformed chunk",
            Self::TooManyWaiting => "too many requests waiting for a response",
            Self::NotHttp2 => "no HTTP/2 preface",
            Self::BadFrame => "malformed or misplaced frame",
            Self::BadHeaderBlock(_) => "malformed header block",
        }
    }
}
