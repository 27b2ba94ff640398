//! Microsoft Entra ID and Azure Resource Manager: who asks, and what they may do with the registry as a resource.
//!
//! Not here: an error of the metadata service (it is link-local, and clients do not ask a proxy for it), and the customer's
//! key of an encrypted registry (`CMK_ERROR` of `az acr check-health`), of which nothing is public but the text. The checks
//! `DOCKER_…`, `HELM_…` and `NOTARY_…` are about tools of the client's own machine.

use crate::registry::{AcrCall, Endpoint, ManagementCall, Role, Service, azure};

use super::super::case::Case;
use super::super::episode::Member;
use super::super::evidence::{Evidence, Place};
use super::super::facts::{Facts, Method};
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};

const IDENTITY: &[Role] = &[Role::Identity];
const MANAGEMENT: &[Role] = &[Role::Management];
const BODY: &[Need] = &[Need::ResponseBody];

/// The rules of this family. Entra's numbers: learn.microsoft.com/entra/identity-platform/reference-error-codes.
pub(super) const RULES: &[Rule] = &[
    entra("entra.client-secret", "service-principal-expired")
        .likely(&[OrIf("secret-id-sent", |case| has_number(case, &[7_000_215]))])
        .logic(|case| refused_as(case, &[7_000_215, 7_000_222])),
    entra("entra.wrong-tenant", "entra-error")
        .likely(&[
            OrIf("application-missing", |case| has_number(case, &[500_011, 700_016])),
            OrIf("tenant-misspelt", |case| has_number(case, &[90_002])),
        ])
        .logic(|case| refused_as(case, &[50_020, 90_002, 500_011, 700_016])),
    entra("entra.interaction-needed", "entra-error").logic(|case| refused_as(case, &[50_074, 50_076, 50_079, 50_158])),
    entra("entra.conditional-access", "entra-error").logic(|case| refused_as(case, &[53_000, 53_001, 53_002, 53_003])),
    entra("entra.login-expired", "entra-error").logic(|case| refused_as(case, &[50_173, 70_008, 70_043, 700_082])),
    entra("entra.assertion-expired", "entra-error")
        .likely(&[Or("clock-wrong")])
        .logic(|case| refused_as(case, &[700_024])),
    Rule::error("entra.refused", "entra-error").on(IDENTITY).needs(BODY).logic(refused),
    Rule::error("arm.forbidden", "pull-push-permissions")
        .on(MANAGEMENT)
        .needs(BODY)
        .likely(&[Or("role-just-assigned")])
        .logic(forbidden),
    Rule::error("arm.build-forbidden", "pull-push-permissions")
        .on(MANAGEMENT)
        .needs(BODY)
        .supersedes(&["arm.forbidden"])
        .likely(&[Or("role-just-assigned")])
        .logic(build_forbidden),
    Rule::error("arm.replication-forbidden", "replication-delete-forbidden")
        .on(MANAGEMENT)
        .needs(BODY)
        .supersedes(&["arm.forbidden"])
        .logic(replication_forbidden),
    Rule::error("arm.registry-not-found", "check-health")
        .of_severity(Severity::Warning)
        .on(MANAGEMENT)
        .needs(BODY)
        .likely(&[Or("other-subscription")])
        .logic(registry_not_found),
    Rule::error("arm.no-subscriptions", "run-error-no-subscriptions")
        .of_severity(Severity::Warning)
        .on(MANAGEMENT)
        .likely(&[Or("role-just-assigned")])
        .logic(no_subscriptions),
    Rule::error("arm.credentials-read", "admin-credentials")
        .of_severity(Severity::Normal)
        .on(MANAGEMENT)
        .logic(|case| read(case, ManagementCall::Credentials)),
    Rule::error("arm.usages-read", "verify-storage-quota")
        .of_severity(Severity::Normal)
        .on(MANAGEMENT)
        .logic(|case| read(case, ManagementCall::Usages)),
    Rule::error("acr.manifests-listed", "delete-untagged-manifests")
        .of_severity(Severity::Normal)
        .on(&[Role::Attributes])
        .logic(manifests_listed),
    Rule::error("acr.manifest-deleted", "quota-not-reduced")
        .of_severity(Severity::Normal)
        .on(&[Role::Delete])
        .logic(manifest_deleted),
];

const fn entra(name: &'static str, slug: &'static str) -> Rule {
    Rule::error(name, slug).on(IDENTITY).needs(BODY).supersedes(&["entra.refused"])
}

/// The number and the text of an error of Entra ID.
fn entra_error<'a>(case: &Case<'a>) -> Option<(u32, &'a str)> {
    let is_error = case.facts.status.is_some_and(|status| status >= 400);
    if !is_error || Service::of(&case.facts.host) != Some(Service::Entra) {
        return None;
    }
    case.error()?.body.texts().find_map(|text| Some((azure::entra_error(text)?, text)))
}

fn has_number(case: &Case<'_>, numbers: &[u32]) -> bool {
    entra_error(case).is_some_and(|(number, _)| numbers.contains(&number))
}

fn refused_as(case: &Case<'_>, numbers: &[u32]) -> Option<Match> {
    let (number, text) = entra_error(case).filter(|(number, _)| numbers.contains(number))?;
    let user = case.facts.token.as_deref().and_then(|token| token.request.client.as_deref());
    let parameters = Parameters::new().with("code", number.to_string()).with_some("user", user);
    Some(Match::on(entra_evidence(case, text)).with(parameters))
}

/// Any other number. A program that logs in with a code on another device asks until the user has typed it, and is told
/// `authorization_pending` all the while (RFC 8628, section 3.5).
fn refused(case: &Case<'_>) -> Option<Match> {
    let (number, text) = entra_error(case)?;
    if case.has_code("authorization_pending") || case.has_code("slow_down") {
        return None;
    }
    let found = Match::on(entra_evidence(case, text)).with(Parameters::new().with("code", number.to_string()));
    // MSAL tries refresh tokens of other programs first, and goes on when that does not work.
    Some(if case.succeeded_later() { found.of_severity(Severity::Notice) } else { found })
}

/// The error, and the number that Microsoft's support asks for.
fn entra_evidence(case: &Case<'_>, text: &str) -> Vec<Evidence> {
    let mut evidence: Vec<_> = case.status_evidence().into_iter().chain(case.body_evidence()).collect();
    let range = case.error().map_or(0..0, |error| error.range.clone());
    let is_id = |line: &&str| line.starts_with("Correlation ID:");
    evidence.extend(text.lines().find(is_id).map(|line| case.evidence(Place::ResponseBody(range), line)));
    evidence
}

fn is_forbidden(case: &Case<'_>) -> bool {
    case.facts.status == Some(403)
        && (case.has_code("AuthorizationFailed") || case.has_code("LinkedAuthorizationFailed"))
}

/// The action that the text of an `AuthorizationFailed` names.
fn action<'a>(case: &Case<'a>) -> Option<&'a str> {
    let text = case.error()?.body.texts().find(|text| text.contains("perform action"))?;
    text.split_once("perform action '").and_then(|(_, after)| after.split('\'').next())
}

fn forbidden(case: &Case<'_>) -> Option<Match> {
    let management = case.facts.management()?;
    let action = action(case).unwrap_or("");
    let is_ours = management.registry.is_some() || action.contains("Microsoft.ContainerRegistry");
    let parameters =
        Parameters::new().with("action", action).with_some("registry_name", management.registry.as_deref());
    (is_forbidden(case) && is_ours && !action.is_empty())
        .then(|| Match::on(case.status_evidence().into_iter().chain(case.body_evidence())).with(parameters))
}

fn build_forbidden(case: &Case<'_>) -> Option<Match> {
    let management = case.facts.management()?;
    if !is_forbidden(case) || management.call != ManagementCall::BuildUpload {
        return None;
    }
    let parameters = Parameters::new().with_some("registry_name", management.registry.as_deref());
    Some(Match::on(case.status_evidence().into_iter().chain(case.body_evidence())).with(parameters))
}

/// The replication is deleted, and then the client may not read what became of the operation.
fn replication_forbidden(case: &Case<'_>) -> Option<Match> {
    let management = case.facts.management()?;
    let is_reading = matches!(management.call, ManagementCall::OperationStatus | ManagementCall::Replication)
        && case.facts.method == Method::Get;
    if !is_forbidden(case) || !is_reading {
        return None;
    }
    let deleted = case.earlier().iter().rev().take(256).find(|earlier| {
        let call = earlier.facts.management().map(|management| management.call);
        call == Some(ManagementCall::Replication) && earlier.facts.method == Method::Delete && earlier.facts.succeeded()
    })?;
    let name = deleted.facts.management().and_then(|management| management.registry.as_deref());
    let evidence = case.status_evidence().into_iter().chain(case.body_evidence());
    let mut found = Match::on(evidence).with(Parameters::new().with_some("registry_name", name));
    found.also.push(deleted.facts.id);
    Some(found)
}

/// `LOGIN_SERVER_ERROR` of the Azure CLI; it goes on with the name alone (azure-cli acr, `_docker_utils.py`).
fn registry_not_found(case: &Case<'_>) -> Option<Match> {
    let management = case.facts.management()?;
    let is_missing =
        case.facts.status == Some(404) && (case.has_code("ResourceNotFound") || case.has_code("ResourceGroupNotFound"));
    if !is_missing || management.call != ManagementCall::Registry || case.facts.method != Method::Get {
        return None;
    }
    let parameters = Parameters::new().with_some("registry_name", management.registry.as_deref());
    Some(Match::on(case.status_evidence().into_iter().chain(case.body_evidence())).with(parameters))
}

/// The answer to "which subscriptions?" is an empty list: `az login --identity` says so before the roles of the identity
/// are effective (azure-cli core, `_profile.py`).
fn no_subscriptions(case: &Case<'_>) -> Option<Match> {
    let is_empty = |facts: &Facts| facts.management().is_some_and(|management| management.is_empty_list);
    // An account of several tenants is asked in each, and may have none in some.
    let is_other = |member: &Member<'_>| {
        member.facts.place == case.facts.place && member.facts.succeeded() && !is_empty(member.facts)
    };
    if !is_empty(case.facts) || case.episode.members().iter().any(is_other) {
        return None;
    }
    Some(Match::on([case.evidence(Place::ResponseBody(0..0), r#""value":[]"#)]))
}

fn read(case: &Case<'_>, call: ManagementCall) -> Option<Match> {
    let management = case.facts.management()?;
    let parameters = Parameters::new().with_some("registry_name", management.registry.as_deref());
    (management.call == call && case.facts.succeeded()).then(|| Match::on(case.status_evidence()).with(parameters))
}

fn manifests_listed(case: &Case<'_>) -> Option<Match> {
    let is_list = matches!(case.facts.endpoint, Endpoint::AcrApi { call: AcrCall::Manifests, .. });
    (is_list && case.facts.succeeded()).then(|| Match::on(case.status_evidence()))
}

fn manifest_deleted(case: &Case<'_>) -> Option<Match> {
    let is_manifest = matches!(case.facts.endpoint, Endpoint::Manifest { .. });
    (is_manifest && case.facts.status == Some(202)).then(|| Match::on(case.status_evidence()))
}
