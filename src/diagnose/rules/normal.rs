//! What looks like trouble and is not: the challenge that starts every session, tokens, redirects, retries.

use crate::registry::{Endpoint, Proof, Role};

use super::super::case::Case;
use super::super::facts::Method;
use super::super::finding::Severity;
use super::super::rule::{Match, Rule};

/// What asks for a token where it has none.
pub(super) const REGISTRY: &[Role] = &[
    Role::Ping,
    Role::Manifest,
    Role::Blob,
    Role::Upload,
    Role::Mount,
    Role::Tags,
    Role::Catalog,
    Role::Referrers,
    Role::Delete,
    Role::Attributes,
    Role::Trust,
];

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    normal("auth.challenge").on(REGISTRY).logic(challenge),
    normal("auth.insufficient-scope-retried").on(REGISTRY).logic(scope_retried),
    normal("token.fetched").on(&[Role::Token]).logic(token_fetched),
    normal("token.refreshed").on(&[Role::Token]).logic(token_refreshed),
    normal("token.post-fallback").on(&[Role::Token]).logic(post_fallback),
    normal("blob.redirect").on(&[Role::Redirect]).when(&[]),
    normal("connection.plain-http-instead").of_connections().logic(plain_http_instead),
    normal("push.blob-not-there-yet").on(&[Role::Blob]).logic(blob_not_there_yet),
];

const fn normal(name: &'static str) -> Rule {
    Rule::error(name, "registry-http-api").of_severity(Severity::Normal)
}

/// A 401 to a request without credentials: the registry says where to get a token (RFC 9110, section 11.6.1).
fn challenge(case: &Case<'_>) -> Option<Match> {
    let is_first = case.facts.status == Some(401) && case.authorization().is_none();
    (is_first && !case.facts.challenges.is_empty()).then(|| Match::on(case.challenge_evidence()))
}

/// A token for another scope was tried first. Azure SDKs and containers/image do so on purpose
/// (recording of azure-sdk-for-js; containers/image `docker/docker_client.go`).
fn scope_retried(case: &Case<'_>) -> Option<Match> {
    let is_refused = case.facts.status == Some(401) && case.authorization().is_some();
    (is_refused && case.succeeded_later()).then(|| Match::on(case.challenge_evidence()))
}

fn token_fetched(case: &Case<'_>) -> Option<Match> {
    (is_granted(case) && !was_granted_before(case)).then(Match::default)
}

/// docker assumes 60 s where the answer does not say how long a token is valid, and asks again every minute
/// (distribution registry/client/auth/session.go).
fn token_refreshed(case: &Case<'_>) -> Option<Match> {
    (is_granted(case) && was_granted_before(case)).then(Match::default)
}

fn is_granted(case: &Case<'_>) -> bool {
    case.facts.status == Some(200) && case.token().is_some()
}

fn was_granted_before(case: &Case<'_>) -> bool {
    /// Enough for any client that asks again for the same scope, and a bound for one that asks for very many.
    const LOOKED_AT: usize = 64;
    let Some(token) = case.token() else { return false };
    let earlier = case.episode.granted_tokens().rev().filter(|other| other.facts.opened < case.facts.opened);
    earlier
        .take(LOOKED_AT)
        .filter_map(|other| other.facts.token.as_deref())
        .any(|other| other.request.scopes == token.request.scopes && other.request.service == token.request.service)
}

/// containerd posts first and asks again with GET when that fails: "ACR is known to return 400"
/// (containerd core/remotes/docker/authorizer.go).
fn post_fallback(case: &Case<'_>) -> Option<Match> {
    is_repeated_as_get(case).then(|| Match::on(case.status_evidence()))
}

/// Whether this is a refused POST to a token endpoint that the client repeats as a GET.
pub(super) fn is_repeated_as_get(case: &Case<'_>) -> bool {
    let is_refused_post = case.facts.method == Method::Post && matches!(case.facts.status, Some(400 | 401 | 404 | 405));
    let Some(token) = case.token().filter(|_| is_refused_post && case.facts.endpoint != Endpoint::TokenExchange) else {
        return false;
    };
    case.later().iter().take(64).any(|later| {
        later.facts.method == Method::Get
            && later.facts.place == case.facts.place
            && later.facts.token.as_deref().is_some_and(|other| {
                other.request.proof == Proof::Header && other.request.scopes == token.request.scopes
            })
    })
}

/// Before an upload the client asks whether the blob is there already.
fn blob_not_there_yet(case: &Case<'_>) -> Option<Match> {
    let is_absent = case.facts.status == Some(404) && case.facts.method == Method::Head;
    (is_absent && case.episode.is_push()).then(|| Match::on(case.status_evidence()))
}

/// HTTPS did not work, and plain HTTP did: so docker does with registries of `insecure-registries`.
fn plain_http_instead(case: &Case<'_>) -> Option<Match> {
    (case.role == Role::Connect && case.member.went_on).then(|| Match::on(case.failure_evidence()))
}
