//! The small messages that a capture is made of, and the fold of them into an [`Exchange`].
//!
//! The proxy emits them, the recorder folds them; a saved file is replayed as the same messages.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{
    ConnectionId, Exchange, ExchangeId, Failure, Headers, Kept, Moment, Origin, RequestHead, ResponseHead, State,
    Target, TlsFacts, Tunnel, Upstream,
};

/// Something that happened to one exchange.
#[derive(Debug, Clone)]
pub struct CaptureEvent {
    /// The exchange.
    pub exchange: ExchangeId,
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub what: Happening,
}

/// What can happen to an exchange.
#[derive(Debug, Clone)]
pub enum Happening {
    /// It began.
    Opened(Box<Opened>),
    /// How the server was reached, or was not.
    Upstream(Arc<Upstream>),
    /// TLS with the client.
    ClientTls(Arc<TlsFacts>),
    /// TLS with the server.
    UpstreamTls(Arc<TlsFacts>),
    /// The request's head is complete; how much of its content will be kept.
    Request(RequestHead, Kept),
    /// The next bytes of the request's content, of those that are kept.
    RequestBody(Vec<u8>),
    /// The request's content ended, or was cut.
    RequestEnd(BodyEnd),
    /// A 1xx response.
    Interim(ResponseHead),
    /// The final response's head is complete; how much of its content will be kept.
    Response(ResponseHead, Kept),
    /// The next bytes of the response's content, of those that are kept.
    ResponseBody(Vec<u8>),
    /// The response's content ended, or was cut.
    ResponseEnd(BodyEnd),
    /// The response is pulltap's own.
    AnsweredByUs,
    /// From here on bytes pass uninterpreted; sent again with the final counts.
    Tunnel(Tunnel),
    /// It failed. The first failure counts.
    Failed(Failure),
    /// Nothing more will happen to it.
    Closed,
}

/// What is known when an exchange begins.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Whether it is live or replayed from a file.
    pub origin: Origin,
    /// The client's connection.
    pub connection: Option<ConnectionId>,
    /// The CONNECT exchange whose tunnel carries it.
    pub connect: Option<ExchangeId>,
    /// The client's address.
    pub client: Option<SocketAddr>,
    /// What the request is meant for.
    pub target: Target,
    /// How the server was reached, when it was before.
    pub upstream: Option<Arc<Upstream>>,
    /// TLS with the client, when it was agreed on before.
    pub client_tls: Option<Arc<TlsFacts>>,
    /// TLS with the server, when it was agreed on before.
    pub upstream_tls: Option<Arc<TlsFacts>>,
}

impl Opened {
    /// Nothing but what is asked of whom.
    pub fn new(origin: Origin, target: Target) -> Self {
        Self {
            origin,
            connection: None,
            connect: None,
            client: None,
            target,
            upstream: None,
            client_tls: None,
            upstream_tls: None,
        }
    }
}

/// The end of a content.
#[derive(Debug, Clone, Default)]
pub struct BodyEnd {
    /// Bytes of content that passed.
    pub length: u64,
    /// Whether the end was where the framing says it is.
    pub is_complete: bool,
    /// SHA-256 of the content, when computed.
    pub sha256: Option<[u8; 32]>,
    /// Trailer fields.
    pub trailers: Option<Headers>,
}

impl Exchange {
    /// The exchange that an `Opened` event begins.
    pub fn opened(id: ExchangeId, at: Moment, opened: Opened) -> Self {
        let mut exchange = Self::new(id, opened.origin, opened.target, at);
        exchange.connection = opened.connection;
        exchange.connect = opened.connect;
        exchange.client = opened.client;
        exchange.upstream = opened.upstream;
        exchange.client_tls = opened.client_tls;
        exchange.upstream_tls = opened.upstream_tls;
        exchange
    }

    /// Folds the next event into the exchange.
    pub fn apply(&mut self, at: Moment, what: Happening) {
        match what {
            Happening::Opened(_) => {}
            Happening::Upstream(upstream) => self.upstream = Some(upstream),
            Happening::ClientTls(facts) => self.client_tls = Some(facts),
            Happening::UpstreamTls(facts) => self.upstream_tls = Some(facts),
            Happening::Request(head, kept) => {
                self.request = Some(head);
                self.request_body.kept = kept;
                self.timings.request_head = Some(at);
            }
            Happening::RequestBody(bytes) => self.request_body.extend(bytes),
            Happening::RequestEnd(end) => {
                self.request_body.end(end);
                self.timings.request_end = Some(at);
            }
            Happening::Interim(head) => {
                self.interim.push(head);
                self.timings.first_byte.get_or_insert(at);
            }
            Happening::Response(head, kept) => {
                self.response = Some(head);
                self.response_body.kept = kept;
                self.timings.first_byte.get_or_insert(at);
                self.timings.response_head = Some(at);
            }
            Happening::ResponseBody(bytes) => self.response_body.extend(bytes),
            Happening::ResponseEnd(end) => {
                self.response_body.end(end);
                self.timings.response_end = Some(at);
            }
            Happening::AnsweredByUs => self.answered_by_us = true,
            Happening::Tunnel(tunnel) => self.tunnel = Some(tunnel),
            Happening::Failed(failure) => {
                self.failure.get_or_insert(failure);
            }
            Happening::Closed => {
                self.timings.closed = Some(at);
                self.state = if self.failure.is_some() { State::Failed } else { State::Complete };
            }
        }
    }
}

impl super::Body {
    fn extend(&mut self, bytes: Vec<u8>) {
        if self.bytes.is_empty() {
            self.bytes = bytes;
        } else {
            self.bytes.extend_from_slice(&bytes);
        }
        self.length = self.length.max(self.bytes.len() as u64);
    }

    fn end(&mut self, end: BodyEnd) {
        self.length = end.length;
        self.is_complete = end.is_complete;
        self.sha256 = end.sha256;
        self.trailers = end.trailers;
        if let Kept::Prefix(limit) = self.kept
            && end.length <= limit
            && self.bytes.len() as u64 == end.length
        {
            self.kept = Kept::All;
        }
    }
}
