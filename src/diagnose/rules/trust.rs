//! Content trust: signed tags (Notary), whose client is the Docker command line itself.

use crate::registry::{Authorization, Endpoint, Role};

use super::super::case::Case;
use super::super::facts::{Facts, Method};
use super::super::finding::Severity;
use super::super::rule::{Match, Rule};
use super::super::sureness::Alternative::OrIf;
use super::super::sureness::is_acr;

const TRUST: &[Role] = &[Role::Trust];

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("trust.not-signed", "content-trust").of_severity(Severity::Warning).on(TRUST).logic(not_signed),
    Rule::error("trust.refused", "content-trust").on(TRUST).likely(&[OrIf("trust-not-enabled", is_acr)]).logic(refused),
];

/// There is no trust data for this name. A first signature begins so, too: it is written afterwards. A client that only
/// looks who signed (`docker trust inspect`) is answered the same; hence a warning.
fn not_signed(case: &Case<'_>) -> Option<Match> {
    let is_signed_later = || {
        let is_written = |facts: &Facts| facts.method == Method::Post && facts.succeeded();
        case.later().iter().take(256).any(|later| later.role == Role::Trust && is_written(later.facts))
    };
    let is_root = matches!(&case.facts.endpoint, Endpoint::ContentTrust { file, .. } if &**file == "root.json");
    let is_absent = is_root && case.facts.status == Some(404) && case.facts.method == Method::Get;
    (is_absent && !is_signed_later()).then(|| Match::on(case.status_evidence().into_iter().chain(case.body_evidence())))
}

/// To sign takes a role of its own, AcrImageSigner, besides AcrPush (Azure/acr#278).
fn refused(case: &Case<'_>) -> Option<Match> {
    let has_token = matches!(case.authorization(), Some(Authorization::Bearer { .. }));
    let is_refused = matches!(case.facts.status, Some(401 | 403)) && has_token && !case.succeeded_later();
    is_refused.then(|| Match::on(case.status_evidence().into_iter().chain(case.challenge_evidence())))
}
