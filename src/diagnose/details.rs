//! Details: what only few exchanges have, kept apart so that the facts of the others stay small.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::ops::Range;

use crate::exchange::{Exchange, Headers, Moment};
use crate::registry::manifest::is_schema1_type;
use crate::registry::{Address, Digest, Manifest, ManifestKind, Role, error_body, parameters};

/// What only few exchanges have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// The host that a redirect leads to, where it is another one.
    pub leads_to: Option<Box<str>>,
    /// The number of the header field that says so.
    pub leads_to_at: usize,
    /// The manifest that was read or written, where it is more than a plain image.
    pub manifest: Option<Box<ReadManifest>>,
    /// What is left of an allowance of requests.
    pub allowance: Option<Box<Allowance>>,
    /// The number of the `Link` field that says where the list goes on.
    pub next_page: Option<usize>,
    /// What Azure Container Registry's own API tells: a lock, or what was asked for and is not there.
    pub attributes: Option<Box<Attributes>>,
    /// What an upload carries from one request to the next.
    pub upload: Option<Box<UploadStep>>,
    /// From which byte on a content was asked for, and the number of the header field that says so.
    pub resumed: Option<(usize, u64)>,
    /// How many bytes went each way, and in what time.
    pub transfer: Option<Transfer>,
    /// The digest that the answer names, where the content has another.
    pub other_digest: Option<Box<str>>,
}

/// A manifest, as it was read or written.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadManifest {
    /// What stands in it.
    pub manifest: Manifest,
    /// Whether the client asked for nothing newer than what it got.
    pub was_asked_for: bool,
    /// Where in the content stands what makes it more than a plain image.
    pub at: Range<usize>,
    /// The number of the header field that names its type.
    pub type_at: Option<usize>,
    /// The number of the request's `User-Agent` field.
    pub agent_at: Option<usize>,
}

/// What is left of an allowance of requests, as the answer says.
#[derive(Debug, Clone, PartialEq)]
pub struct Allowance {
    /// The number of the header field.
    pub at: usize,
    /// Its name and value.
    pub field: Box<str>,
    /// What is left.
    pub left: f64,
    /// Out of how many, where told.
    pub limit: Option<f64>,
    /// To whom it is counted: an address, or an account.
    pub source: Option<(usize, Box<str>)>,
}

/// What Azure Container Registry's own API tells about a tag or a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributes {
    /// The tag or digest that was asked for.
    pub reference: Box<str>,
    /// The attribute that keeps it from being changed, deleted or pulled, as it stands there, and where.
    pub lock: Option<(&'static str, Range<usize>)>,
}

/// What an upload carries from one request to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct UploadStep {
    /// The `_state` that the answer gives for the next request, as a number.
    pub given: Option<u64>,
    /// The `_state` that the request brought, as a number.
    pub brought: Option<u64>,
    /// The address of the server, where it was reached directly.
    pub server: Option<IpAddr>,
    /// The digest that the request names for the content.
    pub named: Option<Box<str>>,
    /// Whether the content sent has the digest that the request names, where both are known.
    pub is_as_named: Option<bool>,
}

/// How many bytes went each way, and in what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Bytes of content sent.
    pub sent: u64,
    /// Bytes of content received.
    pub received: u64,
    /// From the beginning to the end of the request's head.
    pub sending_after_micros: i64,
    /// From there to the end of its content.
    pub sending_micros: i64,
    /// From the end of the request to the answer's head.
    pub waiting_micros: i64,
    /// From the beginning to the answer's head.
    pub receiving_after_micros: i64,
    /// From there to the end of its content.
    pub receiving_micros: i64,
}

impl Details {
    /// The details of this exchange, if it has any; `manifest` is the one that it reads or writes.
    pub fn of(exchange: &Exchange, role: Role, manifest: Option<Manifest>) -> Option<Box<Self>> {
        let leads_to = leads_to(exchange, role);
        let details = Self {
            leads_to_at: leads_to.as_ref().map_or(0, |(at, _)| *at),
            leads_to: leads_to.map(|(_, host)| host),
            manifest: ReadManifest::of(exchange, role, manifest).map(Box::new),
            allowance: Allowance::of(exchange).map(Box::new),
            next_page: next_page(exchange, role),
            attributes: Attributes::of(exchange, role).map(Box::new),
            upload: UploadStep::of(exchange, role).map(Box::new),
            resumed: resumed(exchange),
            transfer: Transfer::of(exchange),
            other_digest: other_digest(exchange, role),
        };
        (details != Self::default()).then(|| Box::new(details))
    }
}

fn leads_to(exchange: &Exchange, role: Role) -> Option<(usize, Box<str>)> {
    let response = exchange.response.as_ref().filter(|_| role == Role::Redirect)?;
    let (at, location) = field_of(&response.headers, &["location"])?;
    let host = Address::of(&location.text()).host?.to_ascii_lowercase();
    (!host.eq_ignore_ascii_case(&exchange.target.host)).then(|| (at, host.into_boxed_str()))
}

impl ReadManifest {
    /// Plain images are by far the most, and no rule asks for them.
    fn of(exchange: &Exchange, role: Role, manifest: Option<Manifest>) -> Option<Self> {
        if role != Role::Manifest {
            return None;
        }
        let (request, response) = (exchange.request.as_ref()?, exchange.response.as_ref()?);
        let is_put = request.method == "PUT";
        if !(200..300).contains(&response.status) {
            return None;
        }
        let (headers, body) = if is_put {
            (&request.headers, &exchange.request_body)
        } else {
            (&response.headers, &exchange.response_body)
        };
        let content_type = headers.text("content-type");
        let is_old = content_type.as_deref().is_some_and(is_schema1_type);
        let text = String::from_utf8_lossy(&body.bytes);
        let parts = ["\"manifests\"", ".foreign.", ".nondistributable."];
        let telling = parts.into_iter().find(|part| text.contains(part));
        let manifest = match manifest {
            Some(manifest) if is_old || telling.is_some() => manifest,
            None if is_old => Manifest::without_content(ManifestKind::Schema1, content_type.as_deref()?),
            _ => return None,
        };
        let accepts_newer = |value: &[u8]| {
            let accepted = String::from_utf8_lossy(value);
            accepted.contains("manifest.v2") || accepted.contains("vnd.oci.image.")
        };
        Some(Self {
            manifest,
            was_asked_for: !request.headers.all("accept").any(accepts_newer),
            at: error_body::range_of(&body.bytes, telling.unwrap_or("")),
            type_at: field_of(headers, &["content-type"]).map(|(at, _)| at),
            agent_at: field_of(&request.headers, &["user-agent"]).map(|(at, _)| at),
        })
    }
}

impl Allowance {
    /// Docker Hub counts pulls in `ratelimit-remaining: 76;w=21600`, Azure Container Registry calls in
    /// `x-ms-ratelimit-remaining-calls-per-second: 166.65` (docker/docs#13499; recordings of azure-sdk-for-js).
    fn of(exchange: &Exchange) -> Option<Self> {
        const NAMES: [&str; 2] = ["ratelimit-remaining", "x-ms-ratelimit-remaining-calls-per-second"];
        let headers = &exchange.response.as_ref()?.headers;
        let (at, field) = field_of(headers, &NAMES)?;
        let source = field_of(headers, &["docker-ratelimit-source"]);
        Some(Self {
            at,
            field: format!("{}: {}", field.name.to_ascii_lowercase(), field.text()).into(),
            left: number(&field.text())?,
            limit: headers.text("ratelimit-limit").and_then(|limit| number(&limit)),
            source: source.map(|(at, field)| (at, short(&field.text()))),
        })
    }

    /// Whether there is little left: a tenth of the pulls that Docker Hub allows in six hours, or less than one more
    /// call in this second. (A healthy recording of Azure Container Registry has 8 left.)
    pub fn is_low(&self) -> bool {
        match self.limit {
            Some(limit) => self.left <= limit / 10.0,
            None => self.left < 1.0,
        }
    }
}

fn field_of<'a>(headers: &'a Headers, names: &[&str]) -> Option<(usize, crate::exchange::Header<'a>)> {
    headers.iter().enumerate().find(|(_, field)| names.iter().any(|name| field.name.eq_ignore_ascii_case(name)))
}

/// The number that a value such as `76;w=21600` begins with. Values may be empty (`;w=21600`).
fn number(value: &str) -> Option<f64> {
    value.split([';', ',']).next()?.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// RFC 8288; the distribution specification's "Listing Tags".
fn next_page(exchange: &Exchange, role: Role) -> Option<usize> {
    let is_list = matches!(role, Role::Tags | Role::Catalog);
    let headers = &exchange.response.as_ref().filter(|response| is_list && response.status == 200)?.headers;
    let (at, field) = field_of(headers, &["link"])?;
    let value = field.text().replace(' ', "");
    (value.contains("rel=\"next\"") || value.ends_with("rel=next")).then_some(at)
}

impl Attributes {
    /// `changeableAttributes` and `quarantineState` (Azure/acr, docs/preview/quarantine; learn.microsoft.com, "Lock a
    /// container image").
    fn of(exchange: &Exchange, role: Role) -> Option<Self> {
        const LOCKS: [&str; 4] = [
            "\"writeEnabled\":false",
            "\"deleteEnabled\":false",
            "\"readEnabled\":false",
            "\"quarantineState\":\"Quarantined\"",
        ];
        if role != Role::Attributes {
            return None;
        }
        let path = exchange.path();
        let (_, reference) =
            path.rsplit_once("/_tags/").or_else(|| path.rsplit_once("/_manifests/")).unwrap_or(("", ""));
        let content = String::from_utf8_lossy(&exchange.response_body.bytes);
        let is_told = exchange.status() == Some(200);
        let lock = LOCKS.iter().find_map(|lock| Some((*lock, content.find(lock).filter(|_| is_told)?)));
        let lock = lock.map(|(lock, at)| (lock, at..at.saturating_add(lock.len())));
        (lock.is_some() || exchange.status() == Some(404))
            .then(|| Self { reference: short(&parameters::decoded(reference)), lock })
    }
}

impl UploadStep {
    fn of(exchange: &Exchange, role: Role) -> Option<Self> {
        let is_manifest = role == Role::Manifest && exchange.method() == Some("PUT");
        if !role.is_upload() && !is_manifest {
            return None;
        }
        let location = exchange.response.as_ref().and_then(|response| response.headers.text("location"));
        let next = location.as_deref().and_then(|location| Address::of(location).query.map(str::to_owned));
        let upstream = exchange.upstream.as_deref().filter(|upstream| upstream.parent_proxy.is_none());
        Some(Self {
            server: upstream.and_then(|upstream| upstream.address).map(|address| address.ip()),
            given: next.as_deref().and_then(state),
            brought: exchange.query().and_then(state),
            named: exchange.query().and_then(|query| parameters::first(query, "digest")).map(|digest| short(&digest)),
            is_as_named: is_as_named(exchange),
        })
    }
}

/// What Azure Container Registry and distribution put into upload URLs, and want back.
fn state(query: &str) -> Option<u64> {
    let state = parameters::first(query, "_state")?;
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    Some(hasher.finish())
}

/// Where the content comes with the last request; parts sent before it are not known together.
fn is_as_named(exchange: &Exchange) -> Option<bool> {
    let named = parameters::first(exchange.query()?, "digest")?;
    let sent = exchange.request_body.sha256.filter(|_| exchange.request_body.length > 0)?;
    let is_whole =
        exchange.method() == Some("POST") || exchange.request.as_ref()?.headers.text("content-range").is_none();
    (is_whole && named.starts_with("sha256:")).then(|| Digest::of_sha256(&sent).as_str() == named)
}

/// `Range: bytes=100-`: docker goes on so after a cut (distribution registry/client/transport/http_reader.go).
fn resumed(exchange: &Exchange) -> Option<(usize, u64)> {
    let (at, range) = field_of(&exchange.request.as_ref()?.headers, &["range"])?;
    let start: u64 = range.text().trim().strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?;
    (start > 0).then_some((at, start))
}

impl Transfer {
    /// What is small and took no time tells nothing about speed.
    const WORTH_KEEPING_MICROS: i64 = 500_000;
    const WORTH_KEEPING_BYTES: u64 = 64 * 1024;

    fn of(exchange: &Exchange) -> Option<Self> {
        let timings = &exchange.timings;
        let between = |from: Option<Moment>, to: Option<Moment>| Some(to?.micros_since(from?).max(0));
        let since_opened = |moment: Option<Moment>| between(Some(timings.opened), moment).unwrap_or(0);
        let transfer = Self {
            sent: exchange.request_body.length,
            received: exchange.response_body.length,
            sending_after_micros: since_opened(timings.request_head),
            sending_micros: between(timings.request_head, timings.request_end).unwrap_or(0),
            waiting_micros: between(timings.request_end, timings.response_head).unwrap_or(0),
            receiving_after_micros: since_opened(timings.response_head),
            receiving_micros: between(timings.response_head, timings.response_end).unwrap_or(0),
        };
        let took = transfer.sending_micros.max(transfer.waiting_micros).max(transfer.receiving_micros);
        let is_large = transfer.sent.max(transfer.received) >= Self::WORTH_KEEPING_BYTES;
        (is_large || took >= Self::WORTH_KEEPING_MICROS).then_some(transfer)
    }
}

/// The digest of a tag's manifest, which docker does not verify.
fn other_digest(exchange: &Exchange, role: Role) -> Option<Box<str>> {
    let told = exchange.response.as_ref().filter(|_| role == Role::Manifest)?.headers.text("docker-content-digest")?;
    let is_whole = exchange.method() == Some("GET") && exchange.status() == Some(200);
    let found = exchange.response_body.sha256.filter(|_| is_whole && exchange.response_body.is_complete)?;
    let differs = told.starts_with("sha256:") && Digest::of_sha256(&found).as_str() != told;
    differs.then(|| short(&told))
}

fn short(text: &str) -> Box<str> {
    text.chars().take(160).collect::<String>().into()
}
