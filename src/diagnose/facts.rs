//! What the engine keeps of an exchange: the facts that rules ask for, and nothing else. A healthy exchange takes a few
//! hundred bytes.

use std::net::IpAddr;
use std::sync::Arc;

use crate::exchange::tls::AlertSender;
use crate::exchange::{Body, Exchange, ExchangeId, Failure, Kept, Moment, Origin, Scheme, Verdict, WhyOpaque};
pub use crate::registry::Method;
use crate::registry::{
    Authorization, Challenge, Endpoint, Links, Management, Manifest, PlaceKey, Role, TokenAnswer, TokenKey,
    TokenRequest, parameters,
};

use super::details::Details;
use super::error_facts::ErrorFacts;
use super::rule::{Need, Needs};

/// The facts of one exchange.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The exchange.
    pub id: ExchangeId,
    /// Live or from a file.
    pub origin: Origin,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The client's `User-Agent`; empty when it sent none.
    pub agent: Arc<str>,
    /// The scheme of what was asked for.
    pub scheme: Scheme,
    /// The host that was asked for, in the client's own case.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// Host and path, as a key.
    pub place: PlaceKey,
    /// The method.
    pub method: Method,
    /// What the path names.
    pub endpoint: Endpoint,
    /// The role that request and status alone tell; the context may know better.
    pub role: Role,
    /// When it began.
    pub opened: Moment,
    /// When the last thing happened to it.
    pub ended: Moment,
    /// The final status.
    pub status: Option<u16>,
    /// Whether the answer is pulltap's own.
    pub answered_by_us: bool,
    /// The CONNECT whose tunnel carried it.
    pub connect: Option<ExchangeId>,
    /// Why it stayed uninterpreted, if so.
    pub tunnel: Option<WhyOpaque>,
    /// What the request offers, and the number of its header field.
    pub authorization: Option<(usize, Box<Authorization>)>,
    /// The challenges of a 401, each with the number of its header field.
    pub challenges: Box<[(usize, Challenge)]>,
    /// What it asks a token endpoint for, if it looks like that, and what it got.
    pub token: Option<Box<TokenFacts>>,
    /// The token that it carries.
    pub bearer: Option<TokenKey>,
    /// What it names for others to ask for.
    pub links: Option<Box<Links>>,
    /// Bytes of content that the client sent.
    pub sent: u64,
    /// Bytes of content that the server sent.
    pub received: u64,
    /// Whether nothing more will happen to it.
    pub is_over: bool,
    /// What an error answer says, or a page where data was due.
    pub error: Option<Box<ErrorFacts>>,
    /// What only few exchanges tell.
    pub rare: Option<Box<Rare>>,
    /// What ended it before its time.
    pub failure: Option<Box<Failure>>,
    /// What TLS tells.
    pub tls: TlsSummary,
    /// SHA-256 of a complete 200 answer without content coding.
    pub sha256: Option<Box<[u8; 32]>>,
    /// What only few exchanges have.
    pub details: Option<Box<Details>>,
    /// What rules would want to know and this exchange does not tell.
    pub lacks: Needs,
}

/// What only few exchanges tell, kept apart so that the others stay small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rare {
    /// Until when a signed URL holds: of this request, in seconds since the epoch.
    pub signature_expires: Option<i64>,
    /// What it asks Azure Resource Manager, when it does.
    pub management: Option<Management>,
    /// Where it was refused or failed: the address of the server that was connected to, or, when none was, that was tried
    /// first. `None` with a parent proxy, whose address says nothing about the server.
    pub address: Option<IpAddr>,
    /// By how many seconds the server's clock is ahead of ours, where it is off by more than a minute, and the number of
    /// the `Date` field.
    pub clock_ahead: Option<(usize, i64)>,
}

/// A token request and its answer.
#[derive(Debug, Clone)]
pub struct TokenFacts {
    /// What was asked.
    pub request: TokenRequest,
    /// What was granted.
    pub answer: Option<TokenAnswer>,
}

/// What TLS tells about an exchange.
#[derive(Debug, Clone, Default)]
pub struct TlsSummary {
    /// The highest version that the client offered.
    pub client_offers: Option<u16>,
    /// Whether the handshake with the client was complete.
    pub client_is_done: bool,
    /// The alert by which the client refused the handshake.
    pub client_alert: Option<u8>,
    /// What the verification of the server's certificate said, unless it was fine.
    pub verdict: Option<Box<Verdict>>,
}

impl Facts {
    /// The facts of this exchange. `shared` gives the one copy of a text that many exchanges have.
    pub fn of(exchange: &Exchange, mut shared: impl FnMut(&str) -> Arc<str>) -> Self {
        let endpoint = Endpoint::of(exchange.path(), exchange.query());
        let method = exchange.method().unwrap_or("");
        let agent = exchange.request.as_ref().and_then(|request| request.headers.text("user-agent"));
        let role = Role::of(method, &endpoint, exchange.status());
        let method = Method::of(method);
        let manifest = Manifest::of_exchange(exchange, &endpoint, method);
        let mut facts = Self {
            id: exchange.id,
            origin: exchange.origin,
            client: exchange.client.map(|client| client.ip()),
            agent: shared(agent.as_deref().unwrap_or("")),
            scheme: exchange.target.scheme,
            host: shared(&exchange.target.host),
            port: exchange.target.port,
            place: PlaceKey::of_exchange(exchange),
            links: Links::of(exchange, &endpoint, method, manifest.as_ref()).map(Box::new),
            method,
            role,
            details: Details::of(exchange, role, manifest),
            endpoint,
            sent: exchange.request_body.length,
            received: if exchange.answered_by_us { 0 } else { exchange.response_body.length },
            is_over: exchange.is_over(),
            bearer: exchange.request.as_ref().and_then(TokenKey::of_bearer),
            opened: exchange.timings.opened,
            ended: last_moment(exchange),
            status: exchange.status(),
            answered_by_us: exchange.answered_by_us,
            connect: exchange.connect,
            tunnel: exchange.tunnel.map(|tunnel| tunnel.why),
            authorization: authorization(exchange),
            challenges: challenges(exchange),
            token: token(exchange, role),
            error: ErrorFacts::of(exchange).map(Box::new),
            rare: Rare::of(exchange),
            failure: exchange.failure.clone().map(Box::new),
            tls: TlsSummary::of(exchange),
            sha256: comparable_digest(exchange).map(Box::new),
            lacks: Needs::default(),
        };
        facts.lacks = facts.missing(exchange);
        facts
    }

    fn missing(&self, exchange: &Exchange) -> Needs {
        let mut lacks = Needs::default();
        let is_error = self.status.is_some_and(|status| status >= 400);
        let body = &exchange.response_body;
        let wants_body = is_error || (self.token.is_some() && self.status == Some(200));
        if wants_body && self.method != Method::Head && !is_all_kept(body) {
            lacks.add(Need::ResponseBody);
        }
        if self.token.is_some() && self.method == Method::Post && !is_all_kept(&exchange.request_body) {
            lacks.add(Need::RequestBody);
        }
        let has_digest = self.endpoint == Endpoint::Other
            || self.endpoint.reference().is_some_and(|reference| reference.contains(':'));
        let carries_content = self.status == Some(200) && self.method == Method::Get && has_digest;
        if carries_content && self.sha256.is_none() && !body_is_coded(exchange) {
            lacks.add(Need::Digest);
        }
        if self.origin == Origin::File && self.scheme == Scheme::Https {
            if exchange.client_tls.is_none() {
                lacks.add(Need::ClientTls);
            }
            if exchange.upstream_tls.is_none() {
                lacks.add(Need::UpstreamTls);
            }
        }
        if self.origin == Origin::File && self.status.is_none() && self.failure.is_none() {
            lacks.add(Need::Failure);
        }
        lacks
    }

    /// What it asks Azure Resource Manager, when it does.
    pub fn management(&self) -> Option<&Management> {
        self.rare.as_deref()?.management.as_ref()
    }

    /// The address of the server, where it was refused or failed.
    pub fn address(&self) -> Option<IpAddr> {
        self.rare.as_deref()?.address
    }

    /// By how many seconds the server's clock is ahead of ours, where it is off by more than a minute, and the number of
    /// the `Date` field.
    pub fn clock_ahead(&self) -> Option<(usize, i64)> {
        self.rare.as_deref()?.clock_ahead
    }

    /// Whether it was answered, and well.
    pub fn succeeded(&self) -> bool {
        self.failure.is_none() && self.status.is_some_and(|status| (200..400).contains(&status))
    }

    /// How long it took, in microseconds.
    pub fn duration_micros(&self) -> i64 {
        self.ended.micros_since(self.opened)
    }
}

impl Rare {
    fn of(exchange: &Exchange) -> Option<Box<Self>> {
        let rare = Self {
            signature_expires: exchange.query().and_then(signature_expiry),
            management: Management::of(exchange),
            address: server_address(exchange),
            clock_ahead: clock_ahead(exchange),
        };
        (rare != Self::default()).then(|| Box::new(rare))
    }
}

impl TlsSummary {
    fn of(exchange: &Exchange) -> Self {
        let client = exchange.client_tls.as_deref();
        let hello = client.and_then(|facts| facts.hello.as_ref());
        // GREASE values (RFC 8701) are no versions.
        let versions = hello.map(|hello| hello.versions.iter().filter(|version| (0x0300..=0x0304).contains(*version)));
        let alert = client.and_then(|facts| facts.alert).filter(|alert| alert.sender == AlertSender::Peer);
        let verdict = exchange.upstream_tls.as_deref().map(|facts| &facts.verdict);
        let verdict = verdict.filter(|verdict| !matches!(verdict, Verdict::NotChecked | Verdict::Trusted));
        Self {
            client_offers: versions.and_then(|versions| versions.max().copied()),
            client_is_done: client.is_some_and(|facts| facts.end.is_some()),
            client_alert: alert.map(|alert| alert.code),
            verdict: verdict.cloned().map(Box::new),
        }
    }
}

/// What stands in a token only matters where it is refused.
fn authorization(exchange: &Exchange) -> Option<(usize, Box<Authorization>)> {
    let request = exchange.request.as_ref()?;
    let read = if exchange.status() == Some(401) { Authorization::in_request } else { Authorization::kind_in_request };
    let (at, authorization) = read(request)?;
    Some((at, Box::new(authorization)))
}

/// `Date` tells when the answer was made; what a cache keeps was made long before.
fn clock_ahead(exchange: &Exchange) -> Option<(usize, i64)> {
    const ROUGHLY_SECONDS: u64 = 60;
    let headers = &exchange.response.as_ref().filter(|_| !exchange.answered_by_us)?.headers;
    let answered = exchange.timings.response_head?.micros() / 1_000_000;
    let (at, date) = headers.iter().enumerate().find(|(_, field)| field.name.eq_ignore_ascii_case("date"))?;
    if headers.contains("age") || headers.contains("x-cache") {
        return None;
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&*date.text()).ok()?;
    let ahead = date.as_second().checked_sub(answered)?;
    (ahead.unsigned_abs() >= ROUGHLY_SECONDS).then_some((at, ahead))
}

fn server_address(exchange: &Exchange) -> Option<IpAddr> {
    let is_wanted = exchange.failure.is_some() || exchange.status() == Some(403);
    let upstream = exchange.upstream.as_deref().filter(|upstream| is_wanted && upstream.parent_proxy.is_none())?;
    let address = upstream.address.or_else(|| upstream.addresses.first().copied())?;
    Some(address.ip())
}

fn last_moment(exchange: &Exchange) -> Moment {
    let timings = &exchange.timings;
    let failed = exchange.failure.as_ref().map(|failure| failure.at);
    [timings.closed, timings.response_end, timings.response_head, timings.request_end, timings.request_head, failed]
        .into_iter()
        .flatten()
        .fold(timings.opened, Moment::max)
}

fn challenges(exchange: &Exchange) -> Box<[(usize, Challenge)]> {
    match &exchange.response {
        Some(response) if response.status == 401 => Challenge::all(&response.headers).into(),
        _ => Box::default(),
    }
}

/// Any request that asks like a token request counts, whether or not its challenge was seen yet.
fn token(exchange: &Exchange, role: Role) -> Option<Box<TokenFacts>> {
    let asks_in_query = || {
        let query = exchange.query().unwrap_or("");
        parameters::pairs(query).any(|(name, _)| name == "service" || name == "scope")
    };
    let asks_in_form = || {
        exchange.method() == Some("POST") && exchange.request_body.bytes.starts_with(b"grant_type=")
            || has_form_field(&exchange.request_body, "grant_type")
    };
    let is_upload = role.is_upload();
    if role != Role::Token && (is_upload || !(asks_in_query() || asks_in_form())) {
        return None;
    }
    let is_granted = exchange.status() == Some(200);
    let answer = is_granted.then(|| TokenAnswer::of(&exchange.response_body.bytes)).flatten();
    Some(Box::new(TokenFacts { request: TokenRequest::of(exchange), answer }))
}

fn has_form_field(body: &Body, name: &str) -> bool {
    let start = body.bytes.get(..4096).unwrap_or(&body.bytes);
    let Ok(form) = str::from_utf8(start) else { return false };
    !form.starts_with(['{', '<', '[']) && parameters::pairs(form).any(|(candidate, _)| candidate == name)
}

/// `se` of an Azure SAS, RFC 3339.
fn signature_expiry(query: &str) -> Option<i64> {
    let expiry = parameters::first(query, "se")?;
    let timestamp: jiff::Timestamp = expiry.parse().ok()?;
    Some(timestamp.as_second())
}

fn is_all_kept(body: &Body) -> bool {
    matches!(body.kept, Kept::All) && (body.length == 0 || !body.bytes.is_empty())
}

fn body_is_coded(exchange: &Exchange) -> bool {
    let coding = exchange.response.as_ref().and_then(|response| response.headers.text("content-encoding"));
    coding.is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

fn comparable_digest(exchange: &Exchange) -> Option<[u8; 32]> {
    let is_whole = exchange.status() == Some(200) && exchange.response_body.is_complete;
    exchange.response_body.sha256.filter(|_| is_whole && !body_is_coded(exchange))
}
