//! The exchange: one request and what came of it. Everything that comes in becomes exchanges, everything that
//! goes out is made from exchanges.
//!
//! Every part is optional, because captures and HAR files are partial: absent is not empty is not zero. Nothing
//! here does I/O or reads a clock; time comes in as [`Moment`]s.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

pub mod body;
pub mod connection;
pub mod event;
pub mod failure;
pub mod message;
pub mod moment;
pub mod timings;
pub mod tls;
pub mod tls_names;

pub use body::{Body, Kept, WhyNotKept};
pub use connection::{ConnectionId, Scheme, Target, Tunnel, Upstream, WhyOpaque};
pub use failure::{Failure, FailureKind, Side, Stage};
pub use message::{Header, Headers, RequestHead, ResponseHead, Version};
pub use moment::Moment;
pub use timings::Timings;
pub use tls::{ClientHello, TlsFacts, Verdict};

/// The number of an exchange within its capture, from 1, in the order in which exchanges began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(u64);

impl ExchangeId {
    /// The id with this number; 0 is no exchange and gives `None`.
    pub fn new(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number itself.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an exchange comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It passed through the proxy.
    Live,
    /// It was read from a saved file.
    File,
}

/// How far an exchange has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Still running: more events will come.
    Open,
    /// Ended as HTTP says, or closed without anything going wrong.
    Complete,
    /// Ended by its [`Failure`].
    Failed,
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Its number within the capture.
    pub id: ExchangeId,
    /// Whether it was seen live or read from a file.
    pub origin: Origin,
    /// The client's connection that carried it.
    pub connection: Option<ConnectionId>,
    /// The CONNECT exchange whose tunnel carried it.
    pub connect: Option<ExchangeId>,
    /// The address of the client.
    pub client: Option<SocketAddr>,
    /// Scheme, host and port that the request was meant for.
    pub target: Target,
    /// The request line and header fields.
    pub request: Option<RequestHead>,
    /// The request's content.
    pub request_body: Body,
    /// 1xx responses that came before the final one.
    pub interim: Vec<ResponseHead>,
    /// The final response's status line and header fields.
    pub response: Option<ResponseHead>,
    /// The response's content.
    pub response_body: Body,
    /// When each phase began and ended.
    pub timings: Timings,
    /// The connection to the server, when there is one.
    pub upstream: Option<Arc<Upstream>>,
    /// TLS between the client and pulltap.
    pub client_tls: Option<Arc<TlsFacts>>,
    /// TLS between pulltap and the server.
    pub upstream_tls: Option<Arc<TlsFacts>>,
    /// What passed uninterpreted, for a CONNECT that stayed opaque or an exchange that was upgraded.
    pub tunnel: Option<Tunnel>,
    /// Whether the response is pulltap's own, not the server's.
    pub answered_by_us: bool,
    /// What ended the exchange before its time.
    pub failure: Option<Failure>,
    /// How far it has come.
    pub state: State,
}

impl Exchange {
    /// An exchange of which only its number and target are known yet.
    pub fn new(id: ExchangeId, origin: Origin, target: Target, opened: Moment) -> Self {
        Self {
            id,
            origin,
            connection: None,
            connect: None,
            client: None,
            target,
            request: None,
            request_body: Body::default(),
            interim: Vec::new(),
            response: None,
            response_body: Body::default(),
            timings: Timings::starting(opened),
            upstream: None,
            client_tls: None,
            upstream_tls: None,
            tunnel: None,
            answered_by_us: false,
            failure: None,
            state: State::Open,
        }
    }

    /// The request's method, when a request was read.
    pub fn method(&self) -> Option<&str> {
        self.request.as_ref().map(|head| head.method.as_str())
    }

    /// The final response's status code, when there is one.
    pub fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|head| head.status)
    }

    /// Whether this is the CONNECT request that opens a tunnel.
    pub fn is_connect(&self) -> bool {
        self.method() == Some("CONNECT")
    }

    /// The request target as it stands on the wire (`/v2/app/manifests/v1?x=y`), when a request was read.
    pub fn request_target(&self) -> Option<&str> {
        self.request.as_ref().map(|head| head.target.as_str())
    }

    /// The path of the request without its query, as it stands on the wire.
    pub fn path(&self) -> &str {
        let target = self.request_target().unwrap_or("");
        let target = path_of_absolute_form(target);
        target.split(['?', '#']).next().unwrap_or("")
    }

    /// The query of the request, without the question mark, as it stands on the wire.
    pub fn query(&self) -> Option<&str> {
        let target = self.request_target()?;
        target.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or(query))
    }

    /// The address of what was asked for. A CONNECT has `https://host:port/`.
    pub fn url(&self) -> String {
        if self.is_connect() {
            return format!("https://{}:{}/", self.target.host_for_url(), self.target.port);
        }
        let target = self.request_target().unwrap_or("");
        if !target.starts_with('/') && target.contains("://") {
            return target.to_owned();
        }
        self.target.origin() + if target == "*" { "/*" } else { target }
    }

    /// Whether lists show it: a CONNECT only if it failed or stayed opaque, since docker makes one per request.
    pub fn is_listed(&self) -> bool {
        !self.is_connect() || self.failure.is_some() || self.tunnel.is_some()
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        self.state != State::Open
    }
}

fn path_of_absolute_form(target: &str) -> &str {
    if target.starts_with('/') {
        return target;
    }
    let Some((_, rest)) = target.split_once("://") else {
        return target;
    };
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(target: &str) -> Exchange {
        let id = ExchangeId::new(1).unwrap();
        let mut exchange = Exchange::new(id, Origin::Live, Target::https("registry.test", 443), Moment::EPOCH);
        exchange.request = Some(RequestHead::new("GET", target));
        exchange
    }

    #[test]
    fn keeps_double_slashes_and_encoding_in_the_url() {
        let exchange = asking("/a//b/%41?x=%2F#z");
        assert_eq!(exchange.url(), "https://registry.test/a//b/%41?x=%2F#z");
        assert_eq!(exchange.path(), "/a//b/%41");
        assert_eq!(exchange.query(), Some("x=%2F"));
    }

    #[test]
    fn reads_the_path_of_an_absolute_form_target() {
        assert_eq!(asking("http://registry.test:5000/v2/?n=1").path(), "/v2/");
        assert_eq!(asking("http://registry.test").path(), "/");
    }
}
