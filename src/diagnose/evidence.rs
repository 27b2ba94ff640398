//! Evidence: where in an exchange the reason for a finding stands, so that a screen can jump there.

use std::fmt;
use std::ops::Range;

use crate::exchange::ExchangeId;

/// A place in an exchange and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The exchange.
    pub exchange: ExchangeId,
    /// Where in it.
    pub place: Place,
    /// What stands there, shortened and without secrets. It is network text: outputs make it printable.
    pub value: String,
}

/// A place in an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The request line.
    RequestLine,
    /// The request header field of this number, from 0.
    RequestHeader(usize),
    /// The request's content.
    RequestBody,
    /// The status line.
    ResponseStatus,
    /// The response header field of this number, from 0.
    ResponseHeader(usize),
    /// These bytes of the response's kept content.
    ResponseBody(Range<usize>),
    /// How long a phase took.
    Timing(Phase),
    /// The failure that ended it.
    Failure,
    /// TLS between client and pulltap.
    ClientTls,
    /// TLS between pulltap and server.
    UpstreamTls,
    /// The host that was asked for, as the client wrote it.
    Target,
    /// The address that the host's name resolved to.
    Address,
}

/// A phase of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// From beginning to end.
    Whole,
    /// Waiting for the response's head.
    AwaitHead,
    /// Sending the request's content.
    Send,
    /// Receiving the response's content.
    Receive,
}

impl fmt::Display for Place {
    /// The name that JSON and text outputs use.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestLine => "request.line",
            Self::RequestHeader(at) => return write!(f, "request.header.{at}"),
            Self::RequestBody => "request.body",
            Self::ResponseStatus => "response.status",
            Self::ResponseHeader(at) => return write!(f, "response.header.{at}"),
            Self::ResponseBody(_) => "response.body",
            Self::Timing(Phase::Whole) => "timing",
            Self::Timing(Phase::AwaitHead) => "timing.await-head",
            Self::Timing(Phase::Send) => "timing.send",
            Self::Timing(Phase::Receive) => "timing.receive",
            Self::Failure => "failure",
            Self::ClientTls => "client-tls",
            Self::UpstreamTls => "upstream-tls",
            Self::Target => "target",
            Self::Address => "address",
        })
    }
}

/// A value short enough for one line of evidence.
pub fn shortened(value: &str) -> String {
    const LONGEST: usize = 300;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or("")),
        None => value.to_owned(),
    }
}
