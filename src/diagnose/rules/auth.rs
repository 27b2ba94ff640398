//! Refusals by the registry itself: 401 with credentials, 403.

use crate::registry::{Authorization, Role, Vendor, scope};

use super::super::case::{Case, whole_seconds};
use super::super::evidence::{Evidence, Place};
use super::super::facts::Method;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::{is_not_acr, is_read, names_admin_user, names_application, names_repository};
use super::OF_REGISTRY;
use super::token::entra_token_refused;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("auth.insufficient-scope", "pull-push-permissions")
        .on(OF_REGISTRY)
        .supersedes(&["token.scope-reduced"])
        .likely(&[
            Or("role-just-assigned"),
            OrIf("repository-hidden", names_repository),
            OrIf("token-not-accepted", |case| case.challenge_error().is_none()),
            OrIf("authorization-stripped", |case| case.challenge_error().is_none()),
        ])
        .logic(insufficient_scope),
    Rule::error("auth.role-just-assigned", "permissions-delay")
        .supersedes(&["auth.entra-token-refused", "auth.insufficient-scope", "token.scope-reduced"])
        .likely(&[Or("role-of-another")])
        .logic(role_just_assigned),
    Rule::error("hub.denied", "hub-denied")
        .on(OF_REGISTRY)
        .supersedes(&["auth.insufficient-scope", "token.scope-reduced"])
        .possible(&[OrIf("private-repository", is_read), OrIf("token-read-only", |case| !is_read(case))])
        .logic(hub_denied),
    Rule::error("auth.token-invalid", "token-expired")
        .on(OF_REGISTRY)
        .likely(&[Or("token-for-another"), Or("clock-wrong"), Or("token-damaged")])
        .logic(token_invalid),
    Rule::error("auth.basic-refused", "wrong-credentials")
        .on(OF_REGISTRY)
        .likely(&[
            OrIf("admin-user-off", names_admin_user),
            OrIf("service-principal-secret-expired", names_application),
            OrIf("tokens-only", is_not_acr),
        ])
        .logic(basic_refused),
    Rule::error("auth.denied", "pull-push-permissions")
        .on(OF_REGISTRY)
        .needs(&[Need::ResponseBody])
        .likely(&[OrIf("repository-hidden", names_repository), Or("registry-policy")])
        .logic(denied),
];

/// 401 to a request with a token, and no later success: the token does not allow it. The registry says
/// `error="insufficient_scope"` (distribution registry/auth/token/accesscontroller.go), or nothing at all.
fn insufficient_scope(case: &Case<'_>) -> Option<Match> {
    if !is_refused_with_token(case) || case.challenge_error().is_some_and(|error| error != "insufficient_scope") {
        return None;
    }
    let parameters = Parameters::new().with("scope", asked_scope(case));
    let evidence = case.challenge_evidence().into_iter().chain(case.body_evidence());
    let severity = if case.token_before().is_some() { Severity::Error } else { Severity::Warning };
    Some(Match::on(evidence).with(parameters).of_severity(severity))
}

/// Refused for want of a permission, minutes after a role was assigned that holds for this registry: it needs up to ten.
/// For whom it was assigned, an id tells that does not stand in the registry's traffic.
fn role_just_assigned(case: &Case<'_>) -> Option<Match> {
    const EFFECTIVE_MICROS: i64 = 600_000_000;
    let assigned = case.member.role_assigned?;
    let age = case.facts.opened.micros_since(assigned.opened);
    let refused = match case.role {
        Role::Token => entra_token_refused(case),
        role if OF_REGISTRY.contains(&role) => insufficient_scope(case),
        _ => None,
    };
    let mut found = refused.filter(|_| age <= EFFECTIVE_MICROS)?;
    // All that an episode asked since then was asked so long after it: it makes one finding.
    let members = case.episode.members();
    let first = members.partition_point(|member| member.facts.opened < assigned.opened);
    let waited = members.get(first).map_or(age, |member| member.facts.opened.micros_since(assigned.opened));
    let seconds = whole_seconds(waited).to_string();
    let value = format!("a role for this registry was assigned {seconds} s before");
    found.evidence.push(Evidence { exchange: assigned.exchange, place: Place::RequestLine, value });
    found.parameters = Parameters::new().with("seconds", seconds);
    Some(found)
}

/// What was asked for: by the challenge, else by path and method.
fn asked_scope(case: &Case<'_>) -> String {
    let asked = case.bearer_challenge().map(|(_, challenge)| challenge.scopes()).unwrap_or_default();
    if !asked.is_empty() {
        return scope::listed(&asked);
    }
    let action = match case.facts.method {
        Method::Delete => "delete",
        Method::Post | Method::Put | Method::Patch => "push",
        _ => "pull",
    };
    match case.member.repository {
        Some(repository) => format!("repository:{repository}:{action}"),
        None => "registry:catalog:*".to_owned(),
    }
}

/// Docker Hub answers so for a repository that does not exist, too.
fn hub_denied(case: &Case<'_>) -> Option<Match> {
    (case.vendor() == Vendor::DockerHub).then(|| insufficient_scope(case))?
}

/// `error="invalid_token"`: malformed, expired, or not for this registry (the same file); where the token itself tells
/// which, a rule of the ledger says so.
fn token_invalid(case: &Case<'_>) -> Option<Match> {
    let is_invalid = is_refused_with_token(case) && case.challenge_error() == Some("invalid_token");
    is_invalid.then(|| Match::on(case.challenge_evidence()))
}

fn is_refused_with_token(case: &Case<'_>) -> bool {
    let has_token = matches!(case.authorization(), Some(Authorization::Bearer { .. }));
    case.facts.status == Some(401) && has_token && !case.succeeded_later()
}

fn basic_refused(case: &Case<'_>) -> Option<Match> {
    let Some(Authorization::Basic { user }) = case.authorization() else { return None };
    if case.facts.status != Some(401) || case.succeeded_later() {
        return None;
    }
    let parameters = Parameters::new().with_some("user", user.as_deref());
    let evidence = case.status_evidence().into_iter().chain(case.authorization_evidence());
    Some(Match::on(evidence).with(parameters))
}

/// 403: distribution's `DENIED` (registry/api/errcode/register.go), Harbor's `FORBIDDEN`. Azure Container Registry says
/// 401 for missing permissions; its 403 is the firewall.
fn denied(case: &Case<'_>) -> Option<Match> {
    let is_denied = case.facts.status == Some(403) && (case.has_code("DENIED") || case.has_code("FORBIDDEN"));
    let parameters = || Parameters::new().with("scope", asked_scope(case));
    is_denied.then(|| Match::on(case.body_evidence()).with(parameters()))
}
