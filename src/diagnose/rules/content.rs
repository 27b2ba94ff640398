//! What is asked for is not there, or not what it should be.

use crate::registry::{Digest, Role, reference::short_digest};

use super::super::case::Case;
use super::super::evidence::{Evidence, Place};
use super::super::facts::Method;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::{is_acr, may_hide};
use super::image::foreign_layer;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("manifest.unknown", "manifest-unknown")
        .on(&[Role::Manifest])
        .likely(&[
            Or("manifest-deleted"),
            OrIf("quarantined", |case| is_acr(case) && names_tag(case)),
            OrIf("repository-missing", says_nothing),
        ])
        .logic(manifest_unknown),
    Rule::error("registry.repository-unknown", "repository-unknown")
        .on(&[Role::Manifest, Role::Blob, Role::Tags, Role::Referrers, Role::Delete])
        .needs(&[Need::ResponseBody])
        .supersedes(&["manifest.unknown"])
        .likely(&[OrIf("repository-emptied", is_acr), OrIf("repository-hidden", may_hide)])
        .logic(repository_unknown),
    Rule::error("blob.unknown", "blob-unknown")
        .on(&[Role::Blob, Role::Storage])
        .likely(&[Or("blob-deleted"), OrIf("replica-behind", |case| is_acr(case) && case.role == Role::Blob)])
        .logic(blob_unknown),
    Rule::error("content.digest-mismatch", "digest-mismatch")
        .on(&[Role::Manifest, Role::Blob, Role::Storage])
        .needs(&[Need::Digest])
        .likely(&[Or("stored-damaged")])
        .logic(digest_mismatch),
    Rule::error("content.range-ignored", "truncated-body")
        .of_severity(Severity::Warning)
        .on(&[Role::Blob, Role::Storage])
        .likely(&[Or("server-without-ranges")])
        .logic(range_ignored),
];

fn manifest_unknown(case: &Case<'_>) -> Option<Match> {
    let reference = case.facts.endpoint.reference()?;
    let is_read = matches!(case.facts.method, Method::Get | Method::Head);
    let is_other = case.has_code("NAME_UNKNOWN") || case.says("404 page not found");
    if !is_read || case.facts.status != Some(404) || is_other || is_asked_just_in_case(case, reference) {
        return None;
    }
    Some(Match::on(evidence(case)).with(Parameters::new().with("reference", reference)))
}

/// A 404 to be expected: a push looks whether the tag is there, and tools look for signatures and referrers under tags
/// such as `sha256-….sig` (OCI distribution specification, "Referrers Tag Schema").
fn is_asked_just_in_case(case: &Case<'_>, reference: &str) -> bool {
    let is_attached = reference.strip_prefix("sha256-").is_some_and(|hash| hash.len() >= 64);
    let is_written = || {
        case.later().iter().any(|later| {
            later.role == Role::Manifest && later.facts.method == Method::Put && later.facts.place == case.facts.place
        })
    };
    is_attached || (case.episode.is_push() && (case.facts.method == Method::Head || is_written()))
}

fn repository_unknown(case: &Case<'_>) -> Option<Match> {
    case.has_code("NAME_UNKNOWN").then(|| Match::on(evidence(case)))
}

fn blob_unknown(case: &Case<'_>) -> Option<Match> {
    let is_other = case.has_code("NAME_UNKNOWN") || case.says("404 page not found");
    let is_asked_before_upload = case.facts.method == Method::Head && case.episode.is_push();
    // What registries do not keep has a rule of its own.
    if case.facts.status != Some(404) || is_other || is_asked_before_upload || foreign_layer(case).is_some() {
        return None;
    }
    let reference = case.member.digest.map(short_digest);
    Some(Match::on(evidence(case)).with(Parameters::new().with_some("reference", reference)))
}

fn evidence(case: &Case<'_>) -> impl Iterator<Item = Evidence> {
    let status = case.status_evidence();
    let body = case.body_evidence().filter(|body| Some(body) != status.as_ref());
    status.into_iter().chain(body)
}

/// The content is complete and yet another than its digest says: something on the way changed it, or the registry has it
/// wrong. It was so when it came to pulltap. A tag has no digest of its own; docker does not look at the one in the answer.
fn digest_mismatch(case: &Case<'_>) -> Option<Match> {
    let of_tag = || case.facts.details.as_ref()?.other_digest.as_deref();
    let expected = case.member.digest.or_else(of_tag).filter(|digest| digest.starts_with("sha256:"))?;
    let found = Digest::of_sha256(case.facts.sha256.as_deref()?);
    if found.as_str() == expected || case.facts.method != Method::Get {
        return None;
    }
    let value = format!("expected {expected}, is {found}");
    let parameters = Parameters::new().with("reference", short_digest(expected)).with("digest", found.short());
    Some(Match::on([case.evidence(Place::ResponseBody(0..0), &value)]).with(parameters))
}

/// docker goes on after a cut with `Range`, and takes only 206 for an answer (distribution
/// registry/client/transport/http_reader.go): a cache or proxy that ignores the field makes it begin anew.
fn range_ignored(case: &Case<'_>) -> Option<Match> {
    let (at, from) = case.facts.details.as_ref()?.resumed?;
    if case.facts.status != Some(200) || case.facts.method != Method::Get {
        return None;
    }
    let asked = case.evidence(Place::RequestHeader(at), &format!("range: bytes={from}-"));
    let evidence = case.status_evidence().into_iter().chain([asked]);
    Some(Match::on(evidence))
}

/// A digest is never new: quarantine hides tags.
fn names_tag(case: &Case<'_>) -> bool {
    case.facts.endpoint.reference().is_some_and(|reference| !reference.contains(':'))
}

/// Whether the answer does not say what is missing, as that to a HEAD.
fn says_nothing(case: &Case<'_>) -> bool {
    case.error().is_none_or(|error| error.body.summary().is_none())
}
