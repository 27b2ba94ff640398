//! What an image is: for which platforms, in which format, with layers that registries do not distribute.
//!
//! Not here: a reference that the client itself refuses ("must be lowercase"), which makes no traffic; a Windows image of
//! another build than the host's, for the request does not name the host's build; a layer whose digest only the client
//! finds wrong, for it left pulltap as it should be.

use crate::registry::{Client, ClientKind, Layer, ManifestKind, Role, Vendor, reference::short_digest};

use super::super::case::Case;
use super::super::details::{Attributes, ReadManifest};
use super::super::episode::Member;
use super::super::evidence::{Evidence, Place};
use super::super::facts::Method;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};

/// The most manifests that are asked whether a layer of them is foreign: a pull reads a handful.
const MOST_MANIFESTS: usize = 16;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("image.platform-missing", "platform-mismatch")
        .on(&[Role::Manifest])
        .needs(&[Need::ResponseBody])
        .possible(&[OrIf("client-stopped", |case| Client::of(&case.facts.agent).platform.is_none())])
        .logic(platform_missing),
    Rule::error("image.schema1", "schema1-manifest").on(&[Role::Manifest]).logic(schema1),
    Rule::error("image.foreign-layer-missing", "non-distributable-layers")
        .on(&[Role::Blob, Role::Storage])
        .logic(foreign_layer_missing),
    Rule::error("image.foreign-host-unreachable", "non-distributable-layers")
        .of_connections()
        .needs(&[Need::Failure])
        .logic(foreign_host_unreachable),
    Rule::error("image.foreign-layers", "non-distributable-layers")
        .of_severity(Severity::Normal)
        .on(&[Role::Manifest])
        .logic(foreign_layers),
    Rule::error("acr.quarantined", "image-quarantine")
        .on(&[Role::Manifest])
        .supersedes(&["manifest.unknown"])
        .likely(&[Or("manifest-deleted")])
        .logic(quarantined),
    Rule::error("acr.tag-unknown", "manifest-unknown")
        .on(&[Role::Attributes])
        .needs(&[Need::ResponseBody])
        .likely(&[Or("manifest-deleted"), Or("quarantined")])
        .logic(tag_unknown),
    Rule::error("acr.locked", "disallowed-operation")
        .needs(&[Need::ResponseBody])
        .supersedes(&["acr.disallowed-operation", "acr.read-disallowed"])
        .logic(locked),
    Rule::error("acr.read-disallowed", "image-quarantine")
        .on(&[Role::Manifest, Role::Blob])
        .needs(&[Need::ResponseBody])
        .supersedes(&["acr.disallowed-operation"])
        .possible(&[Or("locked-for-reading")])
        .logic(read_disallowed),
];

/// The manifest that this exchange read or wrote, where it is more than a plain image.
fn manifest<'a>(case: &Case<'a>) -> Option<&'a ReadManifest> {
    case.facts.details.as_ref()?.manifest.as_deref()
}

/// An index, and then silence: no image in it is for this machine. docker says for what it pulls; containerd does not,
/// and an index with images for both common processors hardly is the reason why it stopped.
fn platform_missing(case: &Case<'_>) -> Option<Match> {
    let read = manifest(case).filter(|read| read.manifest.kind == ManifestKind::Index)?;
    let index = &read.manifest;
    let is_read = case.facts.method == Method::Get && !index.platforms.is_empty();
    if !is_read || went_into(case) {
        return None;
    }
    let client = Client::of(&case.facts.agent);
    let severity = match &client.platform {
        Some((os, architecture)) if index.has_image_for(os, architecture) => return None,
        Some(_) => Severity::Error,
        None if client.kind != ClientKind::Containerd || serves_common_machines(read) => return None,
        None => Severity::Warning,
    };
    let listed = index.platforms.iter().take(12).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let parameters = Parameters::new()
        .with("platforms", listed.clone())
        .with("reference", case.facts.endpoint.reference().map_or("", short_digest));
    let mut evidence = vec![case.evidence(Place::ResponseBody(read.at.clone()), &format!("platforms: {listed}"))];
    if let Some((os, architecture)) = &client.platform {
        let place = read.agent_at.map_or(Place::RequestLine, Place::RequestHeader);
        evidence.push(case.evidence(place, &format!("user-agent: … os/{os} arch/{architecture}")));
    }
    Some(Match::on(evidence).with(parameters).of_severity(severity))
}

/// Whether the client asked for something of the index afterwards.
fn went_into(case: &Case<'_>) -> bool {
    case.soon_after().any(|later| match later.role {
        Role::Manifest => later.facts.endpoint.reference().is_some_and(|reference| reference.contains(':')),
        Role::Blob | Role::Redirect | Role::Storage => true,
        _ => false,
    })
}

fn serves_common_machines(read: &ReadManifest) -> bool {
    ["amd64", "arm64"].iter().all(|architecture| read.manifest.has_image_for("linux", architecture))
}

/// Docker's schema 1 is gone from docker and containerd. A client that asks for nothing newer (curl without `Accept`)
/// gets it of any image, and that is its own doing.
fn schema1(case: &Case<'_>) -> Option<Match> {
    let read = manifest(case).filter(|read| read.manifest.kind == ManifestKind::Schema1)?;
    let is_written = case.facts.method == Method::Put;
    if read.was_asked_for && !is_written {
        return None;
    }
    let severity = if is_written || went_into(case) { Severity::Warning } else { Severity::Error };
    let value = format!("content-type: {}", read.manifest.media_type);
    let place = read.type_at.filter(|_| !is_written).map_or(Place::RequestBody, Place::ResponseHeader);
    let parameters = Parameters::new().with("reference", case.facts.endpoint.reference().map_or("", short_digest));
    Some(Match::on([case.evidence(place, &value)]).with(parameters).of_severity(severity))
}

/// The foreign layer of this digest in a manifest that was read before, and where that says so.
pub(super) fn foreign_layer<'a>(case: &Case<'a>) -> Option<(&'a Layer, Evidence)> {
    let digest = case.member.digest?;
    let before = case.episode.manifests().rev().filter(|member| member.facts.opened < case.facts.opened);
    before.take(MOST_MANIFESTS).find_map(|member| {
        let read = member.facts.details.as_ref()?.manifest.as_deref()?;
        let layer = read.manifest.foreign_layers().find(|layer| &*layer.digest == digest)?;
        let place = Place::ResponseBody(read.at.clone());
        Some((layer, Evidence { exchange: member.facts.id, place, value: described(layer) }))
    })
}

fn described(layer: &Layer) -> String {
    format!("foreign layer {}: {}", short_digest(&layer.digest), layer.urls.join(", "))
}

/// docker on Windows asks the registry first and then the address in the manifest, containerd the other way round, docker
/// on Linux the registry only (moby distribution/pull_v2_windows.go, containerd core/remotes/docker/fetcher.go; docker
/// 20.10 on Linux as measured).
fn foreign_layer_missing(case: &Case<'_>) -> Option<Match> {
    let has_failed = case.facts.failure.is_some() || case.facts.status.is_some_and(|status| status >= 400);
    let is_challenge = case.facts.status == Some(401) && case.authorization().is_none();
    if !has_failed || is_challenge || case.facts.method == Method::Head {
        return None;
    }
    let (layer, named) = foreign_layer(case)?;
    if was_had_elsewhere(case) {
        return None;
    }
    let parameters = Parameters::new().with("reference", short_digest(&layer.digest));
    let evidence = case.failure_evidence().or_else(|| case.status_evidence());
    Some(Match::on(evidence.into_iter().chain([named])).with(parameters))
}

/// Whether the same digest was well answered at another place.
pub(super) fn was_had_elsewhere(case: &Case<'_>) -> bool {
    case.shortly_before().chain(case.soon_after()).any(|member| {
        let is_content = matches!(member.role, Role::Blob | Role::Storage) && member.facts.method == Method::Get;
        is_content && member.digest == case.member.digest && member.facts.succeeded()
    })
}

/// The tunnel was for a host that only a manifest names, for its foreign layers.
fn foreign_host_unreachable(case: &Case<'_>) -> Option<Match> {
    let digest = case.member.digest.filter(|_| case.role == Role::Connect)?;
    case.facts.failure.as_ref()?;
    let parameters = Parameters::new().with("reference", short_digest(digest));
    let value = format!("{} is wanted for the foreign layer {}", case.facts.host, short_digest(digest));
    let evidence = case.failure_evidence().into_iter().chain([case.evidence(Place::Target, &value)]);
    Some(Match::on(evidence).with(parameters))
}

fn foreign_layers(case: &Case<'_>) -> Option<Match> {
    let read = manifest(case)?;
    let layer = read.manifest.foreign_layers().next()?;
    let place = match case.facts.method {
        Method::Put => Place::RequestBody,
        _ => Place::ResponseBody(read.at.clone()),
    };
    Some(Match::on([case.evidence(place, &described(layer))]))
}

/// A tag that was just pushed and is not found: quarantine hides it (Azure/acr, docs/preview/quarantine). A purge in
/// between would do the same, so it is only likely.
fn quarantined(case: &Case<'_>) -> Option<Match> {
    let tag = case.facts.endpoint.reference().filter(|reference| !reference.contains(':'))?;
    let is_read = matches!(case.facts.method, Method::Get | Method::Head) && case.facts.status == Some(404);
    if !is_read || case.vendor() != Vendor::Acr {
        return None;
    }
    let same = || case.shortly_before().filter(|earlier| earlier.facts.place == case.facts.place);
    let pushed = same().find(|earlier| earlier.facts.method == Method::Put && earlier.facts.succeeded())?;
    if same().take_while(|earlier| earlier.facts.id != pushed.facts.id).any(|other| other.role == Role::Delete) {
        return None;
    }
    let status = pushed.facts.status.unwrap_or_default();
    let push = Evidence { exchange: pushed.facts.id, place: Place::ResponseStatus, value: format!("{status}, pushed") };
    let evidence = case.status_evidence().into_iter().chain(case.body_evidence()).chain([push]);
    Some(Match::on(evidence).with(Parameters::new().with("reference", tag)))
}

/// A pull that is disallowed: quarantine by digest, or else `readEnabled: false`.
fn read_disallowed(case: &Case<'_>) -> Option<Match> {
    let is_read = matches!(case.facts.method, Method::Get | Method::Head) && case.facts.status == Some(405);
    if !is_read || !case.has_code("REGISTRY_DISALLOWED_OPERATION") {
        return None;
    }
    let reference = case.facts.endpoint.reference().map(short_digest);
    Some(Match::on(case.body_evidence()).with(Parameters::new().with_some("reference", reference)))
}

fn attributes<'a>(member: &'a Member<'_>) -> Option<&'a Attributes> {
    member.facts.details.as_ref()?.attributes.as_deref()
}

/// The registry's own API says so of a tag (recording of azure-sdk-for-js), unless it was just deleted: a program that
/// looks whether that worked is answered so.
fn tag_unknown(case: &Case<'_>) -> Option<Match> {
    let attributes = attributes(case.member)?;
    let is_unknown = case.has_code("TAG_UNKNOWN") || case.has_code("MANIFEST_UNKNOWN");
    let was_deleted = || case.shortly_before().any(|other| other.role == Role::Delete && other.facts.succeeded());
    if case.facts.status != Some(404) || !is_unknown || was_deleted() {
        return None;
    }
    let evidence = case.status_evidence().into_iter().chain(case.body_evidence());
    Some(Match::on(evidence).with(Parameters::new().with("reference", &*attributes.reference)))
}

/// Disallowed, and the attributes that were read before or after say why.
fn locked(case: &Case<'_>) -> Option<Match> {
    if case.facts.status != Some(405) || !case.has_code("REGISTRY_DISALLOWED_OPERATION") {
        return None;
    }
    let mut around = case.shortly_before().chain(case.soon_after());
    let (member, (lock, range)) = around.find_map(|member| Some((member, attributes(member)?.lock.clone()?)))?;
    let said = Evidence { exchange: member.facts.id, place: Place::ResponseBody(range), value: lock.to_owned() };
    Some(Match::on(case.body_evidence().into_iter().chain([said])))
}
