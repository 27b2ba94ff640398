//! What a single exchange means, as it happens: notes in one line each, keys of the catalogue with their parameters.

use crate::exchange::{Exchange, Failure, FailureKind, Moment, Stage};
use crate::registry::{
    Address, Asked, Authorization, Challenge, Context, Endpoint, ErrorBody, Role, TokenAnswer, TokenRequest,
    reference::short_digest, scope,
};

use super::catalogue::Catalogue;
use super::finding::{Parameters, Severity};
use crate::language::Language;

/// An open exchange is worth a word after this long.
const WORTH_A_WORD_MICROS: i64 = 3_000_000;

/// One line about an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Its key in the catalogue.
    pub key: &'static str,
    /// How much it matters by itself; what it comes to, only the engine says.
    pub severity: Severity,
    /// What fills its placeholders. Network text: outputs make the result printable.
    pub parameters: Parameters,
}

impl Note {
    fn normal(key: &'static str, parameters: Parameters) -> Self {
        Self { key, severity: Severity::Normal, parameters }
    }

    fn error(key: &'static str, parameters: Parameters) -> Self {
        Self { key, severity: Severity::Error, parameters }
    }

    /// The line in a language.
    pub fn text(&self, catalogue: &Catalogue, language: Language) -> String {
        catalogue.note(self.key, &self.parameters, language)
    }
}

/// What an exchange means: usually one note, none where the status says it all.
pub fn meaning(exchange: &Exchange, context: &Context) -> Vec<Note> {
    let role = context.role(exchange);
    let mut notes = Vec::new();
    // A tunnel that stood was opened by pulltap, as it has to be.
    let is_open_tunnel = exchange.is_connect() && exchange.status() == Some(200);
    // Lists show the first note alone: what happened comes before who said so.
    notes.extend(exchange.failure.as_ref().map(|failure| failed(exchange, failure)));
    if exchange.answered_by_us && !is_open_tunnel {
        notes.push(Note::error("answered-by-us", Parameters::new()));
        return notes;
    }
    let Some(status) = exchange.status() else { return notes };
    let note = match (role, status) {
        (Role::Connect, _) => tunnel(exchange),
        (_, 401) => challenge(exchange, role),
        (Role::Token, 200) => Some(token(exchange)),
        (Role::Blob, 404) if exchange.method() == Some("HEAD") => Some(blob("blob-absent", exchange)),
        (_, 400..) => Some(error(exchange)),
        (Role::Redirect, _) => Some(redirect(exchange)),
        (_, 300..) => None,
        _ => well(exchange, role, context),
    };
    notes.extend(note);
    notes
}

fn well(exchange: &Exchange, role: Role, context: &Context) -> Option<Note> {
    let is_head = exchange.method() == Some("HEAD");
    match role {
        Role::Ping => Some(Note::normal("ping-ok", Parameters::new())),
        Role::Manifest => Some(manifest(exchange)),
        Role::Blob if is_head => Some(blob("blob-present", exchange)),
        Role::Blob => Some(blob("blob-content", exchange)),
        Role::Storage => Some(stored_blob(exchange, context)),
        Role::Upload => upload(exchange),
        Role::Mount if exchange.status() == Some(201) => Some(Note::normal("blob-mounted", Parameters::new())),
        Role::Mount => Some(Note::normal("mount-declined", Parameters::new())),
        Role::Delete => Some(Note::normal("deleted", Parameters::new())),
        _ => None,
    }
}

fn challenge(exchange: &Exchange, role: Role) -> Option<Note> {
    let response = exchange.response.as_ref()?;
    let challenges = Challenge::all(&response.headers);
    let authorization = exchange.request.as_ref().and_then(Authorization::in_request);
    let Some((_, challenge)) = challenges.first().filter(|_| role != Role::Token) else { return Some(error(exchange)) };
    let scopes = challenge.scopes();
    let parameters = Parameters::new()
        .with("scope", scope::listed(&scopes))
        .with_some("realm", challenge.realm())
        .with_some("error", challenge.error());
    let note = match (authorization.is_some(), challenge.error()) {
        (true, Some("insufficient_scope")) => Note::error("challenge-insufficient-scope", parameters),
        (true, Some("invalid_token")) => Note::error("challenge-invalid-token", parameters),
        (true, _) => Note::error("challenge-credentials-refused", parameters),
        (false, _) if !challenge.is_bearer() => Note::normal("challenge-basic", parameters),
        (false, _) if scopes.is_empty() => Note::normal("challenge-login", parameters),
        (false, _) => Note::normal("challenge-scope", parameters),
    };
    Some(note)
}

fn token(exchange: &Exchange) -> Note {
    let request = TokenRequest::of(exchange);
    let Some(answer) = TokenAnswer::of(&exchange.response_body.bytes) else {
        return Note::normal("token-unread", Parameters::new());
    };
    let seconds = answer.lifetime().map(|seconds| seconds.to_string());
    let parameters = Parameters::new()
        .with_some("user", request.user.as_deref())
        .with("scope", scope::listed(&request.scopes))
        .with("seconds", seconds.as_deref().unwrap_or("?"));
    let missing: Vec<_> = answer
        .granted()
        .filter(|_| !answer.is_refresh_token)
        .map(|granted| request.scopes.iter().filter_map(|scope| scope.missing_from(granted)).collect())
        .unwrap_or_default();
    if !missing.is_empty() {
        let parameters = parameters.with("missing", scope::listed(&missing));
        return Note { key: "token-reduced", severity: Severity::Warning, parameters };
    }
    let key = match (answer.is_refresh_token, request.scopes.is_empty(), request.user.is_some()) {
        (true, ..) => "token-refresh",
        (false, true, _) => "token-login",
        (false, false, _) if request.is_anonymous() => "token-anonymous",
        (false, false, true) => "token-user",
        (false, false, false) => "token-granted",
    };
    Note::normal(key, parameters)
}

fn redirect(exchange: &Exchange) -> Note {
    let location = exchange.response.as_ref().and_then(|response| response.headers.text("location"));
    let host = location.as_deref().and_then(|location| Address::of(location).host.map(str::to_owned));
    Note::normal("redirect", Parameters::new().with("host", host.unwrap_or_else(|| exchange.target.host.clone())))
}

/// Media types: OCI image specification, media-types.md; Docker image manifest version 2, schemas 1 and 2.
fn manifest(exchange: &Exchange) -> Note {
    let Endpoint::Manifest { repository, reference } = Endpoint::of(exchange.path(), None) else {
        return Note::normal("manifest", Parameters::new());
    };
    let separator = if reference.contains(':') { '@' } else { ':' };
    let name = format!("{repository}{separator}{}", short_digest(&reference));
    let parameters = Parameters::new().with("name", name);
    if exchange.method() == Some("PUT") {
        return Note::normal("manifest-pushed", parameters);
    }
    let kind = exchange.response.as_ref().and_then(|response| response.headers.text("content-type"));
    let kind = kind.as_deref().and_then(|kind| kind.split(';').next()).unwrap_or("").trim();
    let key = match kind {
        "application/vnd.oci.image.index.v1+json" => "manifest-oci-index",
        "application/vnd.docker.distribution.manifest.list.v2+json" => "manifest-docker-list",
        "application/vnd.oci.image.manifest.v1+json" => "manifest-oci",
        "application/vnd.docker.distribution.manifest.v2+json" => "manifest-docker",
        _ if kind.starts_with("application/vnd.docker.distribution.manifest.v1") => "manifest-schema1",
        _ => "manifest",
    };
    Note::normal(key, parameters)
}

fn blob(key: &'static str, exchange: &Exchange) -> Note {
    let digest = match Endpoint::of(exchange.path(), None) {
        Endpoint::Blob { digest, .. } => short_digest(&digest).to_owned(),
        _ => String::new(),
    };
    let bytes = exchange.response_body.length.to_string();
    Note::normal(key, Parameters::new().with("digest", digest).with("bytes", bytes))
}

fn stored_blob(exchange: &Exchange, context: &Context) -> Note {
    let redirect = context.redirect(Asked::by(exchange));
    let parameters = Parameters::new().with("bytes", exchange.response_body.length.to_string());
    match redirect {
        Some(redirect) => Note::normal("blob-content", parameters.with("digest", short_digest(&redirect.digest))),
        None => Note::normal("stored-content", parameters),
    }
}

fn upload(exchange: &Exchange) -> Option<Note> {
    let bytes = exchange.request_body.length.to_string();
    let key = match exchange.method()? {
        "POST" => "upload-begun",
        "PATCH" => "upload-part",
        "PUT" => "upload-done",
        _ => return None,
    };
    Some(Note::normal(key, Parameters::new().with("bytes", bytes)))
}

fn error(exchange: &Exchange) -> Note {
    let summary = ErrorBody::of(&exchange.response_body.bytes).summary();
    match summary.as_deref().map(super::evidence::shortened) {
        Some(text) => Note::error("error", Parameters::new().with("text", text)),
        None => Note::error("error-without-text", Parameters::new()),
    }
}

fn tunnel(exchange: &Exchange) -> Option<Note> {
    use crate::exchange::WhyOpaque;
    let key = match exchange.tunnel?.why {
        WhyOpaque::Ignored => "opaque-ignored",
        WhyOpaque::ServerFirst => "opaque-server-first",
        WhyOpaque::NotHttp => "opaque-not-http",
        WhyOpaque::Upgraded => "opaque-upgraded",
        WhyOpaque::Unparsable => "opaque-unparsable",
    };
    Some(Note::normal(key, Parameters::new()))
}

fn failed(exchange: &Exchange, failure: &Failure) -> Note {
    let (stage, kind) = (failure.stage, &failure.kind);
    let why = failure.chain.first().cloned();
    let parameters = Parameters::new().with("host", exchange.target.host.clone());
    let parameters = match kind {
        FailureKind::ClientNotAllowed => parameters.with("client", why.unwrap_or_default()),
        _ => parameters.with("why", why.unwrap_or_else(|| format!("{} ({})", kind.as_str(), stage.as_str()))),
    };
    let key = match kind {
        FailureKind::Certificate(_) => "failed-certificate",
        FailureKind::ClientCertificateWanted => "failed-client-certificate",
        FailureKind::GaveUp => "failed-gave-up",
        FailureKind::NameNotFound => "failed-name",
        FailureKind::ResolverFailed => "failed-resolver",
        FailureKind::TimedOut if stage == Stage::Resolve => "failed-resolver",
        FailureKind::NotTls => "failed-not-tls",
        FailureKind::ParentProxyRefused(_) => "failed-parent-proxy",
        FailureKind::Refused => "failed-refused",
        FailureKind::Reset => "failed-reset",
        FailureKind::TimedOut => "failed-timed-out",
        FailureKind::Truncated => "failed-truncated",
        FailureKind::Unreachable => "failed-unreachable",
        FailureKind::TlsAlert(_) if stage == Stage::ClientTls => "failed-client-alert",
        FailureKind::TlsAlert(_) | FailureKind::TlsFailed | FailureKind::TlsNothingInCommon => "failed-tls",
        FailureKind::ClientNotAllowed => "failed-not-allowed",
        FailureKind::HeadTooLarge
        | FailureKind::Loop
        | FailureKind::Malformed
        | FailureKind::Stopped
        | FailureKind::Unsupported => "failed",
    };
    Note::error(key, parameters.with("kind", kind.as_str()).with("stage", stage.as_str()))
}

/// What a still-open exchange is waiting for, once that has taken a while.
pub fn waiting(exchange: &Exchange, now: Moment) -> Option<Note> {
    if exchange.is_over() || exchange.tunnel.is_some() {
        return None;
    }
    let timings = &exchange.timings;
    let upstream = exchange.upstream.as_deref();
    let (key, since) = if timings.response_head.is_some() {
        return None;
    } else if exchange.is_connect() && exchange.client_tls.as_ref().is_some_and(|facts| facts.end.is_none()) {
        ("waiting-client-tls", timings.opened)
    } else if let Some(start) =
        exchange.upstream_tls.as_ref().filter(|facts| facts.end.is_none()).map(|facts| facts.start)
    {
        ("waiting-upstream-tls", start)
    } else if let Some(connecting) = upstream.filter(|upstream| upstream.address.is_none()) {
        let key = if connecting.resolve_end.is_none() { "waiting-resolve" } else { "waiting-connect" };
        (key, connecting.connect_start.or(connecting.resolve_start).unwrap_or(timings.opened))
    } else {
        ("waiting-answer", timings.request_end.or(timings.request_head)?)
    };
    let micros = now.micros_since(since);
    let parameters =
        Parameters::new().with("host", exchange.target.host.clone()).with("seconds", (micros / 1_000_000).to_string());
    (micros >= WORTH_A_WORD_MICROS).then_some(Note { key, severity: Severity::Notice, parameters })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{ExchangeId, Origin, RequestHead, ResponseHead, Side, Target, Tunnel, WhyOpaque};

    fn answered_by_us(status: u16, reason: &str) -> Exchange {
        let target = Target::http("10.0.75.1", 8888);
        let mut exchange = Exchange::new(ExchangeId::new(1).unwrap(), Origin::Live, target, Moment::EPOCH);
        exchange.answered_by_us = true;
        exchange.response = Some(ResponseHead::new(status, reason));
        exchange
    }

    fn lines(exchange: &Exchange) -> Vec<String> {
        let catalogue = Catalogue::built_in();
        meaning(exchange, &Context::default()).iter().map(|note| note.text(&catalogue, Language::En)).collect()
    }

    #[test]
    fn a_client_that_is_not_let_in_is_told_why_and_nothing_else() {
        let mut outsider = answered_by_us(403, "pulltap: 10.0.76.2 is neither on the proxy's machine");
        let (side, kind) = (Side::Client, FailureKind::ClientNotAllowed);
        let chain = vec!["10.0.76.2".to_owned()];
        outsider.failure = Some(Failure { stage: Stage::Accept, side, kind, chain, os_code: None, at: Moment::EPOCH });
        let told = "not let in: 10.0.76.2 is neither on this machine nor in the listener's subnet (to let it in: --allow \
                    10.0.76.2)";
        assert_eq!(lines(&outsider), [told, "pulltap answered this itself"]);
    }

    #[test]
    fn a_tunnel_that_is_passed_through_says_why() {
        let mut tunnel = answered_by_us(200, "Connection established");
        tunnel.request = Some(RequestHead::new("CONNECT", "registry.test:443"));
        assert_eq!(lines(&tunnel), [""; 0]);
        tunnel.tunnel = Some(Tunnel { why: WhyOpaque::Ignored, sent: 1, received: 1 });
        assert_eq!(lines(&tunnel), ["passed through, as --ignore or --only says"]);
    }
}
