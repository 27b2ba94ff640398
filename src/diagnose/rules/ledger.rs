//! The token ledger: what follows from who got which token, what for and for how long, and who carried it when.
//!
//! A token is known by its key, which is the same before and after redaction. What a JWT says about itself is believed;
//! of an opaque token only the answer that granted it tells.

use crate::registry::{Authorization, Claims, Client, ClientKind, Role, Vendor, scope};

use super::super::case::Case;
use super::super::episode::Member;
use super::super::evidence::{Evidence, Place};
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::may_hide;
use super::OF_REGISTRY;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("token.expired", "token-expired")
        .on(OF_REGISTRY)
        .supersedes(&["auth.token-invalid", "auth.insufficient-scope"])
        .logic(expired),
    Rule::error("token.wrong-registry", "token-wrong-registry")
        .on(OF_REGISTRY)
        .supersedes(&["auth.token-invalid", "auth.insufficient-scope"])
        .logic(wrong_registry),
    Rule::error("token.refused-though-valid", "token-expired")
        .on(OF_REGISTRY)
        .supersedes(&["auth.token-invalid"])
        .possible(&[Or("key-not-known"), Or("token-damaged")])
        .logic(refused_though_valid),
    Rule::error("token.anonymous", "token-anonymous")
        .on(OF_REGISTRY)
        .supersedes(&["auth.insufficient-scope", "token.scope-reduced"])
        .likely(&[Or("login-not-found"), OrIf("repository-hidden", may_hide)])
        .logic(anonymous),
    Rule::error("token.refresh-loop", "token-refresh-loop")
        .of_severity(Severity::Warning)
        .on(&[Role::Token])
        .possible(&[Or("authorization-stripped"), Or("role-missing")])
        .logic(refresh_loop),
    Rule::error("token.unused", "token-unused")
        .of_severity(Severity::Notice)
        .on(&[Role::Token])
        .likely(&[Or("client-failed-itself"), Or("went-around")])
        .logic(unused),
    Rule::error("clock.skew", "clock-skew").of_severity(Severity::Notice).logic(clock_skew),
];

/// A clock that is off by this much makes tokens and signed URLs fail: distribution allows 60 s, Azure Storage and
/// Microsoft Entra ID some minutes.
const WORTH_TELLING_SECONDS: u64 = 300;
/// So many tokens for the same, one after the other, and none was any good.
const LOOP: usize = 5;

/// Refused with a token whose time was over when the request was sent, by our clock and by the server's, as far as it
/// tells; and what was asked for did not come later.
fn expired(case: &Case<'_>) -> Option<Match> {
    let claims = claims_of_refused(case);
    let expires = claims.and_then(|claims| claims.expires).or_else(|| granted(case).and_then(expiry_of))?;
    let ahead = case.facts.clock_ahead().map_or(0, |(_, seconds)| seconds);
    let asked = case.facts.opened.micros() / 1_000_000;
    let late = asked.min(asked.saturating_add(ahead)).saturating_sub(expires);
    if !is_refused_with_token(case) || late <= 0 {
        return None;
    }
    let found = bearer_evidence(case, &format!("expired {late} s before"));
    let issued = granted(case).map(|member| member.facts.id);
    let evidence = case.challenge_evidence().into_iter().chain(found);
    Some(Match { also: issued.into_iter().collect(), ..Match::on(evidence) })
}

/// `aud` is the service that the challenge names (distribution docs/content/spec/auth/jwt.md); Azure Container Registry
/// has the login server there.
fn wrong_registry(case: &Case<'_>) -> Option<Match> {
    let claims = claims_of_refused(case)?;
    let service = case.bearer_challenge()?.1.service()?;
    let is_it = |audience: &String| {
        audience.eq_ignore_ascii_case(service) || audience.eq_ignore_ascii_case(case.member.registry)
    };
    if !is_refused_with_token(case) || claims.audience.is_empty() || claims.audience.iter().any(is_it) {
        return None;
    }
    let audience = claims.audience.join(", ");
    let evidence = case.challenge_evidence().into_iter().chain(bearer_evidence(case, &format!("made for {audience}")));
    Some(Match::on(evidence).with(Parameters::new().with("audience", audience).with("service", service)))
}

/// `error="invalid_token"`, and by what stands in the token it is for this registry and holds now: whoever refuses it reads
/// another time or knows another key (docker/hub-feedback#647: two clocks, a second apart).
fn refused_though_valid(case: &Case<'_>) -> Option<Match> {
    let claims = claims_of_refused(case)?;
    let asked = case.facts.opened.micros() / 1_000_000;
    let left = claims.expires?.saturating_sub(asked);
    let is_invalid = is_refused_with_token(case) && case.challenge_error() == Some("invalid_token");
    if !is_invalid || left <= 0 || expired(case).is_some() || wrong_registry(case).is_some() {
        return None;
    }
    let early = claims.not_before.map(|from| from.saturating_sub(asked)).filter(|seconds| *seconds > 0);
    let found = match early {
        Some(seconds) => bearer_evidence(case, &format!("valid in {seconds} s from then")),
        None => bearer_evidence(case, &format!("valid for {left} s more")),
    };
    Some(Match::on(case.challenge_evidence().into_iter().chain(found)))
}

/// The token was granted to nobody in particular, and does not allow what was asked for. Of Docker Hub another rule tells:
/// it refuses so what does not exist.
fn anonymous(case: &Case<'_>) -> Option<Match> {
    if !is_refused_with_token(case) || case.vendor() == Vendor::DockerHub {
        return None;
    }
    let issued = granted(case)?;
    let request = &issued.facts.token.as_deref()?.request;
    if !request.is_anonymous() || case.challenge_error().is_some_and(|error| error != "insufficient_scope") {
        return None;
    }
    let scopes = scope::listed(&request.scopes);
    let asked = Evidence {
        exchange: issued.facts.id,
        place: Place::RequestLine,
        value: format!("no credentials, scope {scopes}"),
    };
    let evidence = [asked].into_iter().chain(case.challenge_evidence());
    let parameters = Parameters::new().with("scope", scopes);
    Some(Match { also: vec![issued.facts.id], ..Match::on(evidence).with(parameters) })
}

/// Token after token for the same scopes, and every request with any of them refused. Told of the first.
fn refresh_loop(case: &Case<'_>) -> Option<Match> {
    let scopes = &case.token()?.request.scopes;
    let is_alike = |member: &&Member<'_>| {
        let token = member.facts.token.as_deref();
        token.is_some_and(|token| token.answer.is_some() && token.request.scopes == *scopes)
    };
    if case.token()?.answer.is_none() || case.episode.granted_tokens().find(is_alike)?.facts.id != case.facts.id {
        return None;
    }
    let tokens: Vec<_> = case.episode.granted_tokens().filter(is_alike).collect();
    let keys: Vec<_> = tokens.iter().filter_map(|token| key_of(token)).collect();
    let mut carried = case.episode.members().iter().filter(|member| member.facts.bearer.is_some());
    let is_one = |member: &&Member<'_>| member.facts.bearer.is_some_and(|key| keys.contains(&key));
    let uses: Vec<_> = carried.by_ref().filter(is_one).collect();
    let refused = uses.iter().filter(|member| member.facts.status == Some(401)).count();
    if tokens.len() < LOOP || refused < LOOP || uses.iter().any(|member| member.facts.succeeded()) {
        return None;
    }
    let count = format!("{} tokens for {}, {refused} requests refused", tokens.len(), scope::listed(scopes));
    let parameters = Parameters::new().with("count", tokens.len().to_string()).with("scope", scope::listed(scopes));
    let found = Match::on([case.evidence(Place::RequestLine, &count)]).with(parameters);
    Some(Match { also: tokens.iter().skip(1).map(|token| token.facts.id).collect(), ..found })
}

/// A container client fetches a token for the request that it is about to send: where none comes, it gave up, or went
/// another way. (A token for several repositories is for mounting a blob, and used in one of them only.)
fn unused(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    let is_granted = token.answer.as_ref().is_some_and(|answer| !answer.is_refresh_token);
    let mut repositories = token.request.scopes.iter().filter_map(|scope| scope.repository());
    if !is_granted || repositories.next().is_none() || repositories.next().is_some() {
        return None;
    }
    let is_about_it = |member: &Member<'_>| {
        let is_content = member.role.is_registry() && member.role != Role::Ping;
        is_content && (member.facts.opened >= case.facts.opened || is_more_than_a_challenge(member))
    };
    let is_refused = |member: &Member<'_>| member.role == Role::Token && !member.facts.succeeded();
    let is_last = !case.later().iter().any(|member| member.role == Role::Token);
    let granted = token.answer.as_ref().and_then(|answer| answer.granted());
    let is_less = granted.is_some_and(|all| token.request.scopes.iter().any(|scope| scope.missing_from(all).is_some()));
    if !is_last || is_less || case.episode.members().iter().any(is_refused) {
        return None;
    }
    if case.episode.members().iter().any(is_about_it) || !is_container_client(&case.facts.agent) {
        return None;
    }
    let scopes = scope::listed(&token.request.scopes);
    let evidence = case.evidence(Place::RequestLine, &format!("scope {scopes}; no request followed"));
    Some(Match::on([evidence]).with(Parameters::new().with("scope", scopes)))
}

fn is_more_than_a_challenge(member: &Member<'_>) -> bool {
    member.facts.status != Some(401) || member.facts.authorization.is_some()
}

fn is_container_client(agent: &str) -> bool {
    let kind = Client::of(agent).kind;
    matches!(
        kind,
        ClientKind::Docker | ClientKind::Containerd | ClientKind::BuildKit | ClientKind::Podman | ClientKind::Skopeo
    )
}

/// Told of the first answer that shows it; it weighs more where something was refused for it.
fn clock_skew(case: &Case<'_>) -> Option<Match> {
    let (at, ahead) = case.facts.clock_ahead()?;
    let is_off = |member: &Member<'_>| {
        member.facts.clock_ahead().is_some_and(|(_, seconds)| seconds.unsigned_abs() >= WORTH_TELLING_SECONDS)
    };
    if !is_off(case.member) || case.earlier().iter().any(is_off) {
        return None;
    }
    let suffers = |member: &Member<'_>| {
        let is_refused = member.facts.status == Some(401) && member.facts.bearer.is_some();
        is_refused
            || member.facts.tls.verdict.is_some()
            || (member.role == Role::Storage && member.facts.status == Some(403))
    };
    let severity = if case.episode.members().iter().any(suffers) { Severity::Warning } else { Severity::Notice };
    let seconds = ahead.unsigned_abs().to_string();
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let evidence = case.evidence(Place::ResponseHeader(at), &format!("date: {seconds} s {side} this machine's clock"));
    Some(Match::on([evidence]).with(Parameters::new().with("seconds", seconds)).of_severity(severity))
}

/// With 401; Amazon's public gallery answers 400 to a token that has expired (aws/containers-roadmap#2835).
fn is_refused_with_token(case: &Case<'_>) -> bool {
    let is_refused = case.facts.status == Some(401)
        || (case.facts.status == Some(400) && Vendor::of(case.member.registry) == Vendor::EcrPublic);
    is_refused && case.facts.bearer.is_some() && !case.succeeded_later()
}

fn claims_of_refused<'a>(case: &Case<'a>) -> Option<&'a Claims> {
    match case.authorization() {
        Some(Authorization::Bearer { claims }) => claims.as_deref(),
        _ => None,
    }
}

/// The token request that granted the token which this request carries.
fn granted<'a>(case: &Case<'a>) -> Option<&'a Member<'a>> {
    let bearer = case.facts.bearer?;
    let before = |member: &&Member<'_>| member.facts.opened <= case.facts.opened;
    case.episode.granted_tokens().rev().filter(before).find(|member| key_of(member) == Some(bearer))
}

fn key_of(member: &Member<'_>) -> Option<crate::registry::TokenKey> {
    member.facts.token.as_deref()?.answer.as_ref()?.key
}

/// When a token ends, by the answer that granted it.
fn expiry_of(member: &Member<'_>) -> Option<i64> {
    let lifetime = member.facts.token.as_deref()?.answer.as_ref()?.expires_in?;
    (member.facts.ended.micros() / 1_000_000).checked_add(lifetime)
}

fn bearer_evidence(case: &Case<'_>, what: &str) -> Option<Evidence> {
    let (at, _) = case.facts.authorization.as_ref()?;
    Some(case.evidence(Place::RequestHeader(*at), &format!("authorization: Bearer, {what}")))
}
