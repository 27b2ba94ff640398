//! From steps to operations: each program's steps are collected by themselves, then the connections that failed before
//! anybody could tell whose they were.

use std::collections::BTreeMap;

use super::super::clients::ClientKind;
use super::super::{Client, Role};
use super::draft::{Draft, REST_MICROS, Way};
use super::lane::Lane;
use super::{Operation, OperationId, Step, summary};

/// How far from an operation a failed connection may be to belong to it.
const NEAR_MICROS: i64 = 10_000_000;

/// The operations that these steps of one client address with one registry make, in order of start. The result does not
/// depend on the order of the steps.
pub fn grouped(mut steps: Vec<Step<'_>>) -> Vec<Operation> {
    steps.sort_by_key(|step| (step.opened, step.exchange));
    let mut by_agent: BTreeMap<&str, Vec<&Step<'_>>> = BTreeMap::new();
    let mut connections = Vec::new();
    for step in &steps {
        if step.role == Role::Connect {
            connections.push(step);
        } else {
            by_agent.entry(step.agent).or_default().push(step);
        }
    }
    let mut drafts = Vec::new();
    for (agent, steps) in by_agent {
        if makes_single_calls(Client::of(agent).kind) {
            drafts.extend(single_calls(&steps));
        } else {
            drafts.extend(Lane::of(&steps).drafts);
        }
    }
    add_connections(&mut drafts, &connections);
    let mut operations: Vec<_> = drafts.into_iter().filter_map(summary::operation).collect();
    operations.sort_by(|one, other| {
        let key = |operation: &Operation| (operation.started, operation.exchanges.first().copied(), operation.kind);
        key(one).cmp(&key(other)).then_with(|| one.reference.cmp(&other.reference))
    });
    for (number, operation) in (1..).zip(&mut operations) {
        operation.id = OperationId::new(number).unwrap_or(operation.id);
    }
    operations
}

/// Whether a program makes one call for each time that it is started, whatever was called before.
pub(super) fn makes_single_calls(kind: ClientKind) -> bool {
    matches!(kind, ClientKind::Curl | ClientKind::Browser)
}

/// Every request is an operation; only a blob host is asked because a redirect led there.
fn single_calls<'a>(steps: &[&'a Step<'a>]) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    for step in steps {
        let leads_here = |draft: &&mut Draft<'a>| {
            draft.has_role(Role::Redirect) && draft.steps.iter().any(|other| other.digest == step.digest)
        };
        match drafts.iter_mut().rev().find(leads_here).filter(|_| step.role == Role::Storage) {
            Some(draft) => draft.add(step),
            None => drafts.push(Draft::new(Way::Api(step.role), step)),
        }
    }
    drafts
}

/// A connection that failed, or stayed opaque, belongs to the operation next to it in time. A failed one that is alone is
/// all that was seen of an operation.
fn add_connections<'a>(drafts: &mut Vec<Draft<'a>>, connections: &[&'a Step<'a>]) {
    let mut alone: Vec<Draft<'a>> = Vec::new();
    for step in connections {
        let distance = |draft: &Draft<'a>| {
            let before = draft.began.micros_since(step.opened);
            before.max(step.opened.micros_since(draft.last))
        };
        let near = drafts.iter_mut().filter(|draft| distance(draft) <= NEAR_MICROS);
        if let Some(draft) = near.min_by_key(|draft| (distance(draft), draft.began)) {
            // It does not make the operation longer for those that come after it.
            draft.steps.push(step);
        } else if step.is_opaque {
            // Nothing tells what passed in it.
        } else if let Some(draft) = alone.last_mut().filter(|draft| step.opened.micros_since(draft.last) <= REST_MICROS)
        {
            draft.add(step);
        } else {
            alone.push(Draft::new(Way::Unknown, step));
        }
    }
    drafts.append(&mut alone);
}
