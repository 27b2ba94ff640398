//! A scripted client: asks for tunnels and speaks TLS as it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, ClientConnection, SupportedProtocolVersion};

use super::authority::roots;
use super::wire::Wire;

/// How a client speaks TLS.
#[derive(Clone)]
pub struct ClientTls {
    /// The name it sends and checks.
    pub name: String,
    /// Whether it sends that name (SNI).
    pub sends_name: bool,
    /// What it offers by ALPN.
    pub alpn: Vec<&'static str>,
    /// The versions it offers.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// The roots it trusts.
    pub trusted: Vec<CertificateDer<'static>>,
    /// The longest TLS record it sends.
    pub longest_record: Option<usize>,
    /// The time by its clock, in seconds since 1970; `None` for the machine's clock.
    pub time: Option<u64>,
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped(UnixTime);

impl TimeProvider for Stopped {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

impl ClientTls {
    /// A client as Go's: the name sent, no ALPN, all versions.
    pub fn new(name: &str, trusted: &[CertificateDer<'static>]) -> Self {
        Self {
            name: name.to_owned(),
            sends_name: true,
            alpn: Vec::new(),
            versions: rustls::ALL_VERSIONS.to_vec(),
            trusted: trusted.to_vec(),
            longest_record: None,
            time: None,
        }
    }

    /// A connection that has said nothing yet.
    pub fn connection(&self) -> ClientConnection {
        let stopped = |seconds| Arc::new(Stopped(UnixTime::since_unix_epoch(Duration::from_secs(seconds))));
        let clock: Arc<dyn TimeProvider> = match self.time {
            Some(seconds) => stopped(seconds),
            None => Arc::new(DefaultTimeProvider),
        };
        let mut config = ClientConfig::builder_with_details(Arc::new(aws_lc_rs::default_provider()), clock)
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots(&self.trusted))
            .with_no_client_auth();
        config.max_fragment_size = self.longest_record;
        config.enable_sni = self.sends_name;
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(self.name.clone()).expect("a server name");
        ClientConnection::new(Arc::new(config), name).unwrap()
    }
}

/// Sends a CONNECT for this authority as Go does.
pub fn connect_head(authority: &str) -> String {
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: scripted/1.0\r\n\r\n")
}

/// Asks the proxy for a tunnel, and gives its answer's head.
#[track_caller]
pub fn ask(proxy: SocketAddr, authority: &str) -> (Wire, String) {
    let mut wire = Wire::connect(proxy);
    wire.send(connect_head(authority));
    let answer = wire.receive_head();
    (wire, answer)
}

/// Asks the proxy for a tunnel and gets it.
#[track_caller]
pub fn tunnel(proxy: SocketAddr, authority: &str) -> Wire {
    let (wire, answer) = ask(proxy, authority);
    assert!(answer.starts_with("HTTP/1.1 200 "), "the proxy said: {answer}");
    wire
}

/// Asks the proxy for a tunnel and speaks TLS in it.
#[track_caller]
pub fn tls_tunnel(proxy: SocketAddr, authority: &str, tls: &ClientTls) -> Wire {
    let mut wire = tunnel(proxy, authority);
    wire.start_tls(tls.connection()).expect("TLS in the tunnel");
    wire
}

/// A response that pulltap or a server gave: its head, and a body of the length that the head says.
pub struct Response {
    /// Status line and header fields.
    pub head: String,
    /// The content.
    pub body: String,
}

impl Response {
    /// Receives a response with a `Content-Length`.
    #[track_caller]
    pub fn receive(wire: &mut Wire) -> Self {
        let head = wire.receive_head();
        let length = header(&head, "content-length").map_or(0, |value| value.parse().expect("a length"));
        let body = String::from_utf8(wire.receive(length)).expect("a body in UTF-8");
        Self { head, body }
    }

    /// The status line.
    pub fn status_line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }
}

/// The value of a header field in a head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
