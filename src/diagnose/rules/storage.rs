//! The host that keeps the blobs refuses.

use crate::registry::Role;

use super::super::case::Case;
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::OrIf;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("storage.credentials-forwarded", "rest-auth-format")
        .on(&[Role::Storage])
        .needs(&[Need::ResponseBody])
        .logic(credentials_forwarded),
    Rule::error("storage.signature-expired", "sas-expired")
        .on(&[Role::Storage])
        .needs(&[Need::ResponseBody])
        .supersedes(&["storage.signature-invalid"])
        .likely(&[OrIf("clock-wrong", |case| case.facts.clock_ahead().is_some())])
        .logic(signature_expired),
];

/// Azure Storage's `InvalidAuthenticationInfo` (Azure/acr#217), and S3's complaint about a signed URL with credentials:
/// the client sent the registry's `Authorization` along the redirect.
fn credentials_forwarded(case: &Case<'_>) -> Option<Match> {
    let is_azure = case.has_code("InvalidAuthenticationInfo");
    let is_s3 = case.has_code("InvalidArgument") && case.says("Only one auth mechanism allowed");
    if case.facts.status != Some(400) || !(is_azure || is_s3) {
        return None;
    }
    Some(Match::on(case.authorization_evidence().into_iter().chain(case.body_evidence())))
}

/// A SAS of Azure Container Registry holds for 20 minutes (recording of azure-sdk-for-js).
fn signature_expired(case: &Case<'_>) -> Option<Match> {
    if case.facts.status != Some(403) {
        return None;
    }
    let says_so = case.says("not valid in the specified time frame") || case.says("Request has expired");
    let asked_at = case.facts.opened.micros() / 1_000_000;
    let is_late =
        || case.facts.rare.as_deref().and_then(|rare| rare.signature_expires).is_some_and(|expires| expires < asked_at);
    let is_late = says_so || (case.has_code("AuthenticationFailed") && is_late());
    is_late.then(|| Match::on(case.status_evidence().into_iter().chain(case.body_evidence())))
}
