//! Pushes: sessions that are lost, layers that another replica does not know, content that changed on the way.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::registry::{Role, reference::short_digest};

use super::super::case::Case;
use super::super::details::UploadStep;
use super::super::episode::Member;
use super::super::evidence::{Evidence, Place};
use super::super::facts::Method;
use super::super::finding::Parameters;
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};

const BODY: &[Need] = &[Need::ResponseBody];
const WRITES: &[Role] = &[Role::Upload, Role::Mount, Role::Manifest];

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("push.other-replica", "geo-replicated-push")
        .on(WRITES)
        .needs(BODY)
        .supersedes(&["push.layer-unknown", "push.session-unknown", "push.session-state-lost"])
        .likely(&[OrIf("layer-not-uploaded", is_layer_unknown), OrIf("session-too-old", is_session_unknown)])
        .logic(other_replica),
    Rule::error("push.layer-unknown", "geo-replicated-push")
        .on(&[Role::Manifest])
        .needs(BODY)
        .likely(&[Or("replica-behind")])
        .logic(layer_unknown),
    Rule::error("push.session-state-lost", "upload-session-lost")
        .on(&[Role::Upload])
        .needs(BODY)
        .supersedes(&["push.session-unknown"])
        .possible(&[Or("client-built-address")])
        .logic(session_state_lost),
    Rule::error("push.session-unknown", "upload-session-lost")
        .on(&[Role::Upload])
        .needs(BODY)
        .possible(&[Or("other-server")])
        .logic(session_unknown),
    Rule::error("registry.tag-immutable", "tag-immutable")
        .on(&[Role::Manifest])
        .needs(BODY)
        .supersedes(&["auth.denied"])
        .logic(tag_immutable),
    Rule::error("push.content-refused", "digest-mismatch")
        .on(WRITES)
        .needs(BODY)
        .possible(&[OrIf("client-sent-wrong", |case| !was_right_when_it_passed(case))])
        .logic(content_refused),
    Rule::error("push.content-wrong-already", "digest-mismatch")
        .on(WRITES)
        .needs(BODY)
        .supersedes(&["push.content-refused"])
        .likely(&[Or("changed-before-pulltap")])
        .logic(content_wrong_already),
];

fn upload<'a>(member: &Member<'a>) -> Option<&'a UploadStep> {
    member.facts.details.as_ref()?.upload.as_deref()
}

fn is_session_unknown(case: &Case<'_>) -> bool {
    let has_code =
        ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "RANGE_INVALID"].iter().any(|code| case.has_code(code));
    case.facts.status.is_some_and(|status| status >= 400) && has_code
}

/// distribution's `BLOB_UPLOAD_UNKNOWN` and its relatives (registry/api/errcode/register.go).
fn session_unknown(case: &Case<'_>) -> Option<Match> {
    is_session_unknown(case).then(|| Match::on(case.status_evidence().into_iter().chain(case.body_evidence())))
}

/// The registry puts the state of an upload into the address that it gives for the next request, and wants it back
/// unchanged: something on the way changed the address, or the client made it up.
fn session_state_lost(case: &Case<'_>) -> Option<Match> {
    if !is_session_unknown(case) {
        return None;
    }
    let brought = upload(case.member)?.brought;
    let mut given = case.shortly_before().filter_map(|earlier| Some((earlier, upload(earlier)?.given?)));
    let (last, newest) = given.next()?;
    if Some(newest) == brought || given.any(|(_, given)| Some(given) == brought) {
        return None;
    }
    let value = if brought.is_some() { "another _state than was given" } else { "without the _state that was given" };
    let gave = Evidence { exchange: last.facts.id, place: Place::ResponseStatus, value: "gave a _state".to_owned() };
    let evidence = [Some(case.evidence(Place::RequestLine, value)), case.body_evidence(), Some(gave)];
    Some(Match::on(evidence.into_iter().flatten()))
}

fn is_layer_unknown(case: &Case<'_>) -> bool {
    let has_code = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"].iter().any(|code| case.has_code(code));
    case.role == Role::Manifest && case.facts.method == Method::Put && has_code
}

/// `MANIFEST_BLOB_UNKNOWN`: a layer was not uploaded, or the manifest came to a replica that does not have it yet
/// (Azure/acr#588, Azure/azure-sdk-for-net#28053).
fn layer_unknown(case: &Case<'_>) -> Option<Match> {
    is_layer_unknown(case).then(|| Match::on(case.status_evidence().into_iter().chain(case.body_evidence())))
}

/// The same, and the requests of this push went to different addresses: the registry's name leads to several replicas.
fn other_replica(case: &Case<'_>) -> Option<Match> {
    if !is_layer_unknown(case) && !is_session_unknown(case) {
        return None;
    }
    let mut servers = BTreeMap::new();
    for member in [case.member].into_iter().chain(case.shortly_before()) {
        if let Some(server) = upload(member).and_then(|step| step.server) {
            servers.entry(server).or_insert(member.facts.id);
        }
    }
    if servers.len() < 2 {
        return None;
    }
    let at = |(server, exchange): (&IpAddr, &_)| Evidence {
        exchange: *exchange,
        place: Place::Address,
        value: format!("{} is {server}", case.facts.host),
    };
    let different: Vec<_> = servers.iter().take(3).map(at).collect();
    Some(Match::on(case.body_evidence().into_iter().chain(different)))
}

/// Amazon's and Harbor's words for a tag that may not be moved: `TAG_INVALID` with 400 (GoogleContainerTools/jib),
/// `PRECONDITION` with 412 (goharbor/harbor).
fn tag_immutable(case: &Case<'_>) -> Option<Match> {
    const WORDS: [&str; 3] = ["repository is immutable", "tag is immutable", "configured as immutable"];
    let is_refused = case.facts.method == Method::Put && case.facts.status.is_some_and(|status| status >= 400);
    if !is_refused || !WORDS.iter().any(|words| case.says(words)) {
        return None;
    }
    let reference = case.facts.endpoint.reference().unwrap_or("?");
    let evidence = case.status_evidence().into_iter().chain(case.body_evidence());
    Some(Match::on(evidence).with(Parameters::new().with("reference", reference)))
}

/// `DIGEST_INVALID`: what arrived is not what the client announced. Where the content came in one piece, pulltap knows
/// whether it was right when it passed.
fn content_refused(case: &Case<'_>) -> Option<Match> {
    let is_refused = case.has_code("DIGEST_INVALID") || case.has_code("SIZE_INVALID");
    if !is_refused || case.facts.status.is_none_or(|status| status < 400) {
        return None;
    }
    let named = upload(case.member).and_then(|step| step.named.as_deref()).or(case.facts.endpoint.reference());
    let parameters = Parameters::new().with("reference", named.map_or("?", short_digest));
    Some(Match::on(case.status_evidence().into_iter().chain(case.body_evidence())).with(parameters))
}

fn content_wrong_already(case: &Case<'_>) -> Option<Match> {
    let mut found = content_refused(case)?;
    if upload(case.member)?.is_as_named != Some(false) {
        return None;
    }
    found.evidence.push(case.evidence(Place::RequestBody, "another SHA-256 than the request names"));
    Some(found)
}

fn was_right_when_it_passed(case: &Case<'_>) -> bool {
    upload(case.member).and_then(|step| step.is_as_named) == Some(true)
}
