//! What a draft comes to: kind, outcome, phases and numbers.

use std::collections::HashSet;

use crate::exchange::Moment;

use super::super::{AcrCall, Client, Endpoint, Method, ReferenceKey, Role, vendors::Vendor};
use super::attempts::{Attempts, Went};
use super::draft::{Draft, Way};
use super::grouping::makes_single_calls;
use super::{Kind, Missing, Operation, OperationId, Outcome, Phase, Step};

/// The operation that a draft is; `None` when it is nothing that was asked of a registry.
pub(super) fn operation(mut draft: Draft<'_>) -> Option<Operation> {
    draft.steps.sort_by_key(|step| (step.opened, step.exchange));
    draft.steps.dedup_by_key(|step| step.exchange);
    let steps = &draft.steps;
    let first = steps.first()?;
    let program = steps.iter().find(|step| step.role != Role::Connect).unwrap_or(first);
    let client = Client::of(program.agent);
    let kind = if makes_single_calls(client.kind) { kind_of_call(first) } else { kind(&draft) };
    if kind == Kind::Rest && !is_of_registry(first) {
        return None;
    }
    let (outcome, missing) = outcome(kind, steps);
    let sum = |count: fn(&Step<'_>) -> u64| steps.iter().fold(0_u64, |sum, step| sum.saturating_add(count(step)));
    Some(Operation {
        id: OperationId::new(1)?,
        kind,
        client,
        address: first.client,
        registry: registry(steps).unwrap_or(first.registry).to_owned(),
        repository: repository(steps).map(str::to_owned),
        reference: reference(steps).map(str::to_owned),
        outcome,
        exchanges: steps.iter().map(|step| step.exchange).collect(),
        phases: phases(steps),
        layers: layers(&draft),
        sent: sum(|step| step.sent),
        received: sum(|step| step.received),
        retries: Attempts::of(steps.iter().copied()).retries,
        missing,
        started: first.opened,
        ended: steps.iter().map(|step| step.ended).fold(first.ended, Moment::max),
    })
}

fn is_of_registry(step: &Step<'_>) -> bool {
    step.role != Role::Other || step.endpoint.is_registry() || Vendor::of(step.registry) != Vendor::Other
}

fn kind_of_call(step: &Step<'_>) -> Kind {
    let is_delete = step.role == Role::Delete || step.method == Method::Delete;
    match step.role {
        _ if is_delete => Kind::Delete,
        Role::Tags | Role::Catalog | Role::Referrers => Kind::List,
        Role::Connect => Kind::Unknown,
        _ => Kind::Rest,
    }
}

fn kind(draft: &Draft<'_>) -> Kind {
    let has = |is_such: fn(&Step<'_>) -> bool| draft.steps.iter().any(|step| is_such(step));
    let is_acr = |step: &Step<'_>| matches!(step.endpoint, Endpoint::AcrApi { .. });
    if has(|step| step.role == Role::Delete) || has(|step| step.method == Method::Delete) && has(is_acr) {
        Kind::Delete
    } else if has(|step| step.role.is_upload() || step.writes_manifest()) {
        Kind::Push
    } else if has(|step| matches!(step.role, Role::Manifest | Role::Blob | Role::Redirect | Role::Storage)) {
        Kind::Pull
    } else if has(|step| matches!(step.role, Role::Tags | Role::Catalog | Role::Referrers)) || has(lists_by_acr) {
        Kind::List
    } else if has(is_beside) {
        Kind::Rest
    } else if draft.way == Way::Login {
        Kind::Login
    } else {
        kind_of_scopes(&draft.steps)
    }
}

/// What is no part of reading or writing images: content trust, the registry as a resource, who asks.
fn is_beside(step: &Step<'_>) -> bool {
    matches!(step.role, Role::Other | Role::Attributes | Role::Trust | Role::Identity | Role::Management)
}

fn lists_by_acr(step: &Step<'_>) -> bool {
    let Endpoint::AcrApi { call, .. } = step.endpoint else { return false };
    matches!(call, AcrCall::Catalog | AcrCall::Tags | AcrCall::Manifests) && step.method == Method::Get
}

/// Where nothing came after the token, its scopes tell what was to come.
fn kind_of_scopes(steps: &[&Step<'_>]) -> Kind {
    let scopes = steps.iter().filter_map(|step| step.token).flat_map(|token| token.scopes);
    let mut kind = Kind::Unknown;
    for scope in scopes {
        let asks = |action: &str| scope.actions().iter().any(|other| other == action);
        let this = match scope.kind() {
            "registry" => Kind::List,
            _ if asks("push") => Kind::Push,
            _ if asks("delete") => Kind::Delete,
            _ if asks("pull") => Kind::Pull,
            _ => continue,
        };
        kind = if kind == Kind::Unknown || this == Kind::Push { this } else { kind };
    }
    kind
}

fn registry<'a>(steps: &[&Step<'a>]) -> Option<&'a str> {
    steps.iter().find(|step| step.role.is_registry()).map(|step| step.registry)
}

fn repository<'a>(steps: &[&Step<'a>]) -> Option<&'a str> {
    let named = || steps.iter().filter(|step| step.repository.is_some());
    named().find(|step| step.role != Role::Token).or_else(|| named().next()).and_then(|step| step.repository)
}

/// The tag; else the digest that was asked for first; a push's is what it wrote last.
fn reference<'a>(steps: &[&Step<'a>]) -> Option<&'a str> {
    let named = |step: &&&Step<'a>| {
        let is_manifest = matches!(step.endpoint, Endpoint::Manifest { .. });
        is_manifest.then_some(step.endpoint.reference()).flatten().filter(|_| !step.looks_beside())
    };
    let written = steps.iter().filter(|step| step.writes_manifest()).filter_map(|step| named(&step)).next_back();
    let all = || steps.iter().filter_map(|step| named(&step));
    written.or_else(|| all().find(|reference| !reference.contains(':'))).or_else(|| all().next())
}

fn outcome(kind: Kind, steps: &[&Step<'_>]) -> (Outcome, Option<Missing>) {
    if steps.iter().any(|step| !step.is_over() && !step.is_opaque) {
        return (Outcome::Running, None);
    }
    let is_about = |step: &&&Step<'_>| !matches!(step.role, Role::Token | Role::Ping | Role::Connect);
    let content = Attempts::of(steps.iter().filter(is_about).copied());
    let missing = missing(kind, steps);
    let outcome = match (is_reached(kind, steps), content.has_failed) {
        (true, _) if kind == Kind::Push => Outcome::Ok,
        (_, true) => Outcome::Failed,
        (true, false) if missing.is_none() => Outcome::Ok,
        (_, false) if has_failed(steps) => Outcome::Failed,
        (_, false) => Outcome::Stopped,
    };
    (outcome, missing.filter(|_| outcome == Outcome::Stopped))
}

/// Whether the last word of any server or network was no.
fn has_failed(steps: &[&Step<'_>]) -> bool {
    Attempts::of(steps.iter().copied()).has_failed
}

/// Whether what was asked for came.
fn is_reached(kind: Kind, steps: &[&Step<'_>]) -> bool {
    let is_well = |is_such: fn(&Step<'_>) -> bool| steps.iter().any(|step| is_such(step) && step.is_well());
    match kind {
        Kind::Pull => is_well(|step| step.reads_manifest() || step.role == Role::Blob || step.role == Role::Storage),
        Kind::Push => {
            let last = steps.iter().rev().find(|step| step.writes_manifest());
            last.is_some_and(|step| step.is_well())
        }
        Kind::Login => {
            let mut tries = steps.iter().rev().filter(|step| step.role == Role::Token || step.has_credentials);
            tries.next().is_some_and(|step| step.is_well())
        }
        Kind::Delete | Kind::List | Kind::Rest => steps.last().is_some_and(|step| step.is_well()),
        Kind::Unknown => is_well(|step| step.role == Role::Ping),
    }
}

/// Which step never came.
fn missing(kind: Kind, steps: &[&Step<'_>]) -> Option<Missing> {
    let is_token_well = |step: &&&Step<'_>| step.role == Role::Token && step.is_well();
    let comes_after =
        |other: &Step<'_>| steps.iter().any(|step| step.role != Role::Token && step.opened >= other.opened);
    if redirects_to_nowhere(steps).next().is_some() && kind == Kind::Pull {
        return Some(Missing::BlobHost);
    }
    if kind == Kind::Push && !steps.iter().any(|step| step.writes_manifest()) {
        let has_uploaded = steps.iter().any(|step| step.role == Role::Upload && step.method == Method::Put);
        return has_uploaded.then_some(Missing::ManifestPush);
    }
    match steps.iter().rev().find(is_token_well) {
        Some(token) if kind != Kind::Login && kind != Kind::Rest => (!comes_after(token)).then_some(Missing::TokenUse),
        Some(_) => None,
        None => steps.last().is_some_and(|step| step.is_challenged()).then_some(Missing::Token),
    }
}

/// Redirects to a blob host that was not asked for that blob after it.
fn redirects_to_nowhere<'s>(steps: &'s [&'s Step<'s>]) -> impl Iterator<Item = &'s Step<'s>> {
    let is_followed = |redirect: &Step<'_>| {
        let same = |step: &Step<'_>| step.blob() == redirect.blob() && step.opened >= redirect.opened;
        let reads = |step: &Step<'_>| matches!(step.role, Role::Storage | Role::Blob);
        steps.iter().any(|step| (reads(step) && same(step)) || (step.role == Role::Connect && step.is_opaque))
    };
    let has_no_way = steps.iter().any(|step| step.role == Role::Connect && step.has_failed());
    let is_redirect = |step: &&&Step<'_>| step.role == Role::Redirect && step.method == Method::Get;
    let redirects = steps.iter().filter(is_redirect).filter(move |step| has_no_way || !step.went_on);
    redirects.filter(move |step| !is_followed(step)).copied()
}

/// How many layers came or went; the configuration is none.
fn layers(draft: &Draft<'_>) -> usize {
    let is_moved = |step: &&&Step<'_>| match step.role {
        Role::Blob | Role::Storage => step.method == Method::Get && Went::of(step) == Went::Well,
        Role::Upload => step.method == Method::Put && Went::of(step) == Went::Well,
        Role::Mount => step.status == Some(201),
        _ => false,
    };
    let blobs: HashSet<ReferenceKey> = draft.steps.iter().filter(is_moved).filter_map(|step| step.blob()).collect();
    blobs.difference(&draft.configs).count()
}

fn phases(steps: &[&Step<'_>]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    for step in steps {
        let (opened, ended) = (step.opened, step.ended);
        match phases.iter_mut().find(|phase| phase.role == step.role) {
            Some(phase) => {
                let fresh = ended.micros_since(opened.max(phase.ended));
                phase.busy_micros = phase.busy_micros.saturating_add(fresh);
                phase.exchanges = phase.exchanges.saturating_add(1);
                phase.ended = phase.ended.max(ended);
            }
            None => phases.push(Phase {
                role: step.role,
                exchanges: 1,
                started: opened,
                ended,
                busy_micros: ended.micros_since(opened),
            }),
        }
    }
    phases
}
