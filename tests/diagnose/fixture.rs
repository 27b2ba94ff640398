//! Fixtures of exchanges as readable TOML.
//!
//! ```toml
//! [[exchange]]
//! at = 0.2                        # seconds after the first; default: 0.1 after the one before
//! took = 0.05                     # seconds
//! host = "myregistry.azurecr.io"  # the default
//! request = "GET /v2/app/manifests/v1\nAccept: */*"
//! response = "401 Unauthorized\nWWW-Authenticate: Bearer …"
//! body = '{"errors":[]}'
//! ```
//!
//! Besides these: `form` (a request's content), `user` (Basic), `bearer` and `token` (claims of a JWT that the request
//! carries, or the answer), `scheme`, `failure`, `client_tls`, `upstream_tls`, `tunnel`, `connect`, `server` (its
//! address), `parent` (the parent proxy's), `sent` and `received` (bytes; what is not here are zeros), `sending` and
//! `waited` (seconds), `sha256` (of a content that is not here), `file`, `not_kept`.
//!
//! It has to be as it is on a wire: `live` plays it.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pulltap::exchange::tls::{Alert, AlertSender};
use pulltap::exchange::*;
use serde::Deserialize;

/// The `User-Agent` of docker 20.10, as captured.
pub const DOCKER: &str = r"docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0 os/linux arch/amd64 UpstreamClient(Docker-Client/20.10.24+dfsg1 \(linux\))";

/// 2026-01-15T12:00:00Z, when every fixture begins.
pub const START: i64 = 1_768_478_400;

/// A fixture file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// What is to be found above normal; default in `fires.toml`: the rule of the folder.
    pub expect: Option<Vec<String>>,
    /// Evidence that must be there: `<exchange> <place>: <part of the value>`.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// Parameters that the finding must have.
    #[serde(default)]
    pub parameters: std::collections::BTreeMap<String, String>,
    /// How sure the finding must be, if that is looked at here.
    pub sureness: Option<String>,
    /// What else it may be, in order, if that is looked at here.
    pub alternatives: Option<Vec<String>>,
    /// The severity that the finding must have, where it is not the rule's own.
    pub severity: Option<String>,
    /// The `User-Agent` of all requests, where it is not docker's.
    agent: Option<String>,
    /// The host of all requests, where it is not the usual one.
    host: Option<String>,
    /// What a foreign file would have: no TLS facts, no failures.
    #[serde(default)]
    file: bool,
    #[serde(default)]
    exchange: Vec<Described>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Described {
    at: Option<f64>,
    took: Option<f64>,
    host: Option<String>,
    port: Option<u16>,
    scheme: Option<String>,
    client: Option<String>,
    agent: Option<String>,
    request: Option<String>,
    form: Option<String>,
    user: Option<String>,
    bearer: Option<String>,
    response: Option<String>,
    body: Option<String>,
    token: Option<String>,
    sha256: Option<String>,
    sent: Option<u64>,
    received: Option<u64>,
    sending: f64,
    waited: Option<f64>,
    server: Option<String>,
    parent: Option<String>,
    not_kept: bool,
    by_us: bool,
    connect: Option<u64>,
    tunnel: bool,
    failure: Option<DescribedFailure>,
    client_tls: Option<DescribedTls>,
    upstream_tls: Option<DescribedTls>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedFailure {
    stage: String,
    side: String,
    kind: String,
    #[serde(default)]
    number: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DescribedTls {
    offers: Vec<u16>,
    done: bool,
    alert: Option<u8>,
    verdict: Option<String>,
}

/// The folder of fixtures.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/diagnose")
}

/// Reads a fixture below the folder.
pub fn read(path: &str) -> Fixture {
    let file = folder().join(path);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Reads a fixture with something changed in it.
pub fn read_changed(path: &str, from: &str, to: &str) -> Fixture {
    let text = std::fs::read_to_string(folder().join(path)).unwrap();
    assert!(text.contains(from), "{path} has no {from:?}");
    toml::from_str(&text.replace(from, to)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl Fixture {
    /// The fixture with only its first exchanges; says how many were cut off.
    pub fn split_off(&mut self, at: usize) -> usize {
        self.exchange.split_off(at).len()
    }

    /// The fixture with another host where it names none.
    pub fn at_host(self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self }
    }

    /// The fixture with another `User-Agent`.
    pub fn of_agent(self, agent: &str) -> Self {
        Self { agent: Some(agent.to_owned()), ..self }
    }

    /// The exchanges, in order of their beginning as far as the file has it.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let mut at = 0.0;
        let mut exchanges = Vec::new();
        for (number, described) in (1..).zip(&self.exchange) {
            at = described.at.unwrap_or(if number == 1 { 0.0 } else { at + 0.1 });
            exchanges.push(described.exchange(number, at, self));
        }
        exchanges
    }
}

fn moment(seconds: f64) -> Moment {
    Moment::from_micros(START * 1_000_000).plus_micros(micros(seconds))
}

fn micros(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "fixtures are short")]
    let micros = (seconds * 1e6).round() as i64;
    micros
}

fn jwt(claims: &str) -> String {
    format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), URL_SAFE_NO_PAD.encode(claims))
}

impl Described {
    fn exchange(&self, number: u64, at: f64, fixture: &Fixture) -> Exchange {
        let id = ExchangeId::new(number).unwrap();
        let origin = if fixture.file { Origin::File } else { Origin::Live };
        let host = self.host.as_deref().or(fixture.host.as_deref()).unwrap_or("myregistry.azurecr.io");
        let is_plain = self.scheme.as_deref() == Some("http");
        let target = if is_plain { Target::http } else { Target::https };
        let target = target(host, self.port.unwrap_or(if is_plain { 80 } else { 443 }));
        let mut exchange = Exchange::new(id, origin, target, moment(at));
        exchange.client =
            Some(format!("{}:5{number:04}", self.client.as_deref().unwrap_or("127.0.0.1")).parse().unwrap());
        exchange.connect = self.connect.map(|number| ExchangeId::new(number).unwrap());
        self.add_request(&mut exchange, fixture);
        let ended = moment(at + self.took.unwrap_or(0.05));
        self.add_response(&mut exchange, ended);
        exchange.upstream = self.upstream().map(Arc::new);
        exchange.answered_by_us = self.by_us;
        exchange.failure = self.failure.as_ref().map(|failure| failure.failure(ended));
        exchange.client_tls = self.client_tls.as_ref().map(|tls| Arc::new(tls.facts(moment(at), host)));
        exchange.upstream_tls = self.upstream_tls.as_ref().map(|tls| Arc::new(tls.facts(moment(at), host)));
        exchange.tunnel = self.tunnel.then_some(Tunnel { why: WhyOpaque::Ignored, sent: 1, received: 1 });
        exchange.timings.closed = Some(ended);
        exchange.state = if exchange.failure.is_some() { State::Failed } else { State::Complete };
        exchange
    }

    fn upstream(&self) -> Option<Upstream> {
        let server = self.server.as_ref().map(|server| format!("{server}:443"));
        let address = self.parent.as_ref().or(server.as_ref())?.parse().unwrap();
        let parent_proxy = self.parent.clone();
        Some(Upstream { addresses: vec![address], address: Some(address), parent_proxy, ..Upstream::default() })
    }

    fn add_request(&self, exchange: &mut Exchange, fixture: &Fixture) {
        let Some(request) = &self.request else { return };
        let mut lines = request.trim().lines();
        let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
        let mut head = RequestHead::new(method, target);
        let agent = self.agent.as_deref().or(fixture.agent.as_deref()).unwrap_or(DOCKER);
        let lines: Vec<_> = lines.collect();
        if !lines.iter().any(|line| line.starts_with("Host:")) {
            head.headers.push("Host", exchange.target.host.as_bytes());
        }
        head.headers.push("User-Agent", agent.as_bytes());
        if let Some(user) = &self.user {
            head.headers
                .push("Authorization", format!("Basic {}", STANDARD.encode(format!("{user}:secret"))).as_bytes());
        }
        if let Some(claims) = &self.bearer {
            head.headers.push("Authorization", format!("Bearer {}", jwt(claims)).as_bytes());
        }
        add_fields(&mut head.headers, lines.into_iter());
        exchange.request = Some(head);
        exchange.request_body = body(self.form.as_deref().unwrap_or("").as_bytes());
        exchange.timings.request_head = Some(exchange.timings.opened);
        exchange.timings.request_end = Some(exchange.timings.opened.plus_micros(micros(self.sending)));
        exchange.request_body.sha256 = self.form.as_ref().map(|form| sha256(form.as_bytes()));
        exchange.request_body.length = self.sent.unwrap_or(exchange.request_body.length);
    }

    fn add_response(&self, exchange: &mut Exchange, at: Moment) {
        let Some(response) = &self.response else { return };
        let mut lines = response.trim().lines();
        let status_line = lines.next().unwrap();
        let (status, reason) = status_line.split_once(' ').unwrap_or((status_line, ""));
        let mut head = ResponseHead::new(status.parse().unwrap(), reason);
        let token = self.token.as_ref().map(|claims| format!(r#"{{"access_token":"{}"}}"#, jwt(claims)));
        let content = token.or(self.body.clone()).unwrap_or_default();
        add_fields(&mut head.headers, lines);
        if content.starts_with('{') && !head.headers.contains("content-type") {
            head.headers.push("Content-Type", b"application/json; charset=utf-8");
        }
        exchange.response = Some(head);
        exchange.response_body = body(content.as_bytes());
        let is_whole = exchange.response.as_ref().is_some_and(|head| head.status == 200);
        let is_whole = is_whole && self.received.is_none() && self.failure.is_none();
        exchange.response_body.sha256 = is_whole.then(|| sha256(content.as_bytes()));
        if self.not_kept {
            exchange.response_body.bytes.clear();
            exchange.response_body.length = 1234;
            exchange.response_body.kept = Kept::None(WhyNotKept::NotInFile);
        }
        if let Some(sha256) = &self.sha256 {
            exchange.response_body.sha256 = Some(hash(sha256));
        }
        exchange.response_body.length = self.received.unwrap_or(exchange.response_body.length);
        let sent = exchange.timings.request_end.unwrap_or(at);
        exchange.timings.response_head = Some(self.waited.map_or(at, |waited| sent.plus_micros(micros(waited))));
        exchange.timings.response_end = Some(at);
    }
}

fn add_fields<'a>(headers: &mut Headers, lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        headers.push(name, value.trim().as_bytes());
    }
}

fn body(content: &[u8]) -> Body {
    Body { length: content.len() as u64, is_complete: true, bytes: content.to_vec(), ..Body::default() }
}

fn sha256(content: &[u8]) -> [u8; 32] {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content).as_ref().try_into().unwrap()
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    hash
}

impl DescribedFailure {
    fn failure(&self, at: Moment) -> Failure {
        use Stage::*;
        let stages =
            [Accept, ClientTls, Resolve, Connect, ParentProxy, UpstreamTls, Send, AwaitHead, ReadBody, WriteClient];
        let sides = [Side::Client, Side::Us, Side::ParentProxy, Side::Origin];
        let kinds = [
            FailureKind::Certificate(Verdict::Expired),
            FailureKind::Certificate(Verdict::NotYetValid),
            FailureKind::Certificate(Verdict::WrongName),
            FailureKind::Certificate(Verdict::UnknownIssuer),
            FailureKind::ClientCertificateWanted,
            FailureKind::GaveUp,
            FailureKind::HeadTooLarge,
            FailureKind::NameNotFound,
            FailureKind::NotTls,
            FailureKind::ParentProxyRefused(self.number),
            FailureKind::Refused,
            FailureKind::Reset,
            FailureKind::ResolverFailed,
            FailureKind::TlsAlert(u8::try_from(self.number).unwrap_or(0)),
            FailureKind::TlsFailed,
            FailureKind::TlsNothingInCommon,
            FailureKind::TimedOut,
            FailureKind::Truncated,
            FailureKind::Unreachable,
            FailureKind::Unsupported,
        ];
        Failure {
            stage: stages.into_iter().find(|stage| stage.as_str() == self.stage).expect("a stage"),
            side: sides.into_iter().find(|side| side.as_str() == self.side).expect("a side"),
            kind: kinds.into_iter().find(|kind| kind.as_str() == self.kind).expect("a kind"),
            chain: Vec::new(),
            os_code: None,
            at,
        }
    }
}

impl DescribedTls {
    fn facts(&self, at: Moment, name: &str) -> TlsFacts {
        let mut facts = TlsFacts::starting(at, name);
        facts.end = self.done.then_some(at);
        facts.hello = Some(ClientHello { versions: self.offers.clone(), ..ClientHello::default() });
        facts.alert = self.alert.map(|code| Alert { code, sender: AlertSender::Peer });
        facts.verdict = match self.verdict.as_deref() {
            None => Verdict::Trusted,
            Some("expired") => Verdict::Expired,
            Some("wrong-name") => Verdict::WrongName,
            Some("unknown-issuer") => Verdict::UnknownIssuer,
            Some(other) => Verdict::Refused(other.to_owned()),
        };
        facts
    }
}
