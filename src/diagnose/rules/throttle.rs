//! Throttling: limits that are reached, limits that are near, and cache rules whose own source refuses.

use super::super::case::Case;
use super::super::evidence::{Evidence, Place};
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::Or;
use super::OF_REGISTRY_OR_TOKEN;

const BODY: &[Need] = &[Need::ResponseBody];

/// Rules that see the status of a cache rule's answer only.
const BY_STATUS: &[&str] = &[
    "auth.basic-refused",
    "auth.denied",
    "auth.insufficient-scope",
    "auth.token-invalid",
    "blob.unknown",
    "manifest.unknown",
    "registry.repository-unknown",
    "server.gateway-error",
    "throttle.hub",
    "throttle.registry",
];

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("throttle.registry", "throttled").logic(throttled),
    Rule::error("throttle.near", "rate-limit-near").of_severity(Severity::Notice).on(OF_REGISTRY_OR_TOKEN).logic(near),
    Rule::error("acr.cache-upstream-failed", "cache-rule-failed")
        .on(OF_REGISTRY_OR_TOKEN)
        .needs(BODY)
        .supersedes(BY_STATUS)
        .likely(&[Or("cache-source-down"), Or("cache-source-misspelt")])
        .logic(|case| cache_rule(case, |status| !matches!(status, 401 | 429))),
    Rule::error("acr.cache-credentials", "cache-rule-failed")
        .on(OF_REGISTRY_OR_TOKEN)
        .needs(BODY)
        .supersedes(BY_STATUS)
        .possible(&[Or("cache-secrets-wrong")])
        .logic(|case| cache_rule(case, |status| status == 401)),
    Rule::error("acr.cache-throttled", "cache-rule-failed")
        .on(OF_REGISTRY_OR_TOKEN)
        .needs(BODY)
        .supersedes(BY_STATUS)
        .logic(|case| cache_rule(case, |status| status == 429)),
];

fn throttled(case: &Case<'_>) -> Option<Match> {
    if case.facts.status != Some(429) {
        return None;
    }
    let own = [
        case.status_evidence(),
        case.body_evidence().filter(|body| matches!(body.place, Place::ResponseBody(_))),
        case.header_evidence("retry-after"),
        allowance_evidence(case),
    ];
    Some(Match::on(own.into_iter().flatten()))
}

/// What is left of an allowance, before nothing is left.
fn near(case: &Case<'_>) -> Option<Match> {
    let allowance = case.facts.details.as_ref()?.allowance.as_ref()?;
    if !allowance.is_low() || !case.facts.succeeded() {
        return None;
    }
    let source = allowance
        .source
        .as_ref()
        .map(|(at, source)| case.evidence(Place::ResponseHeader(*at), &format!("docker-ratelimit-source: {source}")));
    Some(Match::on(allowance_evidence(case).into_iter().chain(source)))
}

fn allowance_evidence(case: &Case<'_>) -> Option<Evidence> {
    let allowance = case.facts.details.as_ref()?.allowance.as_ref()?;
    Some(case.evidence(Place::ResponseHeader(allowance.at), &allowance.field))
}

/// Azure Container Registry fetches for a cache rule from another registry, and says so where that fails: 424 (Azure/acr#891),
/// 401 for its credentials (#599), 429 for that registry's limits (#754).
fn cache_rule(case: &Case<'_>, is_such: fn(u16) -> bool) -> Option<Match> {
    const NAMED: &str = "for cache rule";
    let status = case.facts.status.filter(|status| *status >= 400 && is_such(*status))?;
    let text = case.error()?.body.texts().find(|text| text.contains(NAMED))?;
    let name = text.split_once(NAMED).and_then(|(_, rest)| rest.split(['\'', '"']).nth(1)).unwrap_or("?");
    let parameters = Parameters::new().with("rule", name).with("status", status.to_string());
    Some(Match::on(case.status_evidence().into_iter().chain(case.body_evidence())).with(parameters))
}
