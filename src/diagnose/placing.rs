//! Where an exchange belongs: its role, registry and repository by all that is known, and its groups. One client with
//! one repository of one registry makes a group; for connections, one client with one host.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::exchange::{ExchangeId, Stage, State};
use crate::registry::operation::{Step, TokenStep};
use crate::registry::{Asked, Context, Role, Vendor};

use super::episode::{Level, Member};
use super::facts::Facts;
use super::steps::Steps;

/// Client, `User-Agent`, registry and repository (or client and host), as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupKey(u64);

/// The facts of an exchange and the groups that it is in.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) facts: Facts,
    pub(super) homes: Vec<GroupKey>,
}

/// What exchanges are looked at with.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) placed: &'a HashMap<ExchangeId, Placed>,
    pub(super) context: &'a Context,
    pub(super) used_tunnels: &'a HashSet<ExchangeId>,
    pub(super) steps: &'a Steps,
}

impl<'a> View<'a> {
    /// An exchange in its place.
    pub(super) fn member(&self, id: ExchangeId) -> Option<Member<'a>> {
        Some(member(&self.placed.get(&id)?.facts, *self))
    }
}

fn member<'a>(facts: &'a Facts, view: View<'a>) -> Member<'a> {
    let context = view.context;
    let asked = Asked { place: facts.place, client: facts.client, opened: facts.opened };
    let role = context.refined(facts.role, &facts.host, asked);
    let mut member = Member {
        facts,
        role,
        registry: &facts.host,
        repository: facts.endpoint.repository(),
        digest: facts.endpoint.reference().filter(|reference| reference.contains(':')),
        names_port: false,
        told: None,
        network_change: None,
        role_assigned: None,
        tunnel_is_used: view.used_tunnels.contains(&facts.id),
        went_on: view.steps.came_after(facts),
        lead: &facts.host,
    };
    if role == Role::Connect || facts.failure.is_some() {
        member.lead = context.lead(&facts.host, facts.client, facts.opened).unwrap_or(&facts.host);
    }
    // A tunnel is for a blob where a manifest said that a foreign layer is there.
    if matches!(role, Role::Storage | Role::Connect)
        && let Some(redirect) = context.redirect(asked)
    {
        member.registry = &redirect.registry;
        member.repository = Some(&redirect.repository);
        member.digest = Some(&redirect.digest);
    }
    if role == Role::Token {
        let request = facts.token.as_ref().map(|token| &token.request);
        let service = request.and_then(|request| request.service.as_deref());
        if let Some(realm) = context.realm(asked, service) {
            member.registry = &realm.registry;
            member.names_port = realm.names_port;
        }
        member.repository = request.and_then(|request| request.scopes.iter().find_map(|scope| scope.repository()));
    }
    member.told = context.settings(member.registry, facts.opened);
    member.role_assigned = context.role_assigned(member.registry, facts.opened);
    member.network_change = context.network_change(member.registry, facts.opened);
    member
}

/// The groups that an exchange belongs to. A token for several repositories belongs to the group of each. While it runs,
/// it only makes its operation wait.
pub(super) fn keys(member: &Member<'_>) -> Vec<(GroupKey, Level)> {
    let facts = member.facts;
    let mut keys = Vec::with_capacity(2);
    keys.extend(operations_key(member));
    if !facts.is_over {
        return keys;
    }
    let failed_early = facts.failure.as_ref().is_some_and(|failure| failure.stage <= Stage::UpstreamTls);
    let has_tls_trouble = facts.tls.verdict.is_some()
        || facts.tls.client_alert.is_some()
        || facts.tls.client_offers.is_some_and(|version| version < 0x0303);
    if failed_early || has_tls_trouble || member.role == Role::Connect {
        let key = hash(&("connections", facts.client, facts.host.to_ascii_lowercase()));
        keys.push((GroupKey(key), Level::Connections));
        if failed_early || member.role == Role::Connect {
            return keys;
        }
    }
    let registry = member.registry.to_ascii_lowercase();
    let key = |repository: Option<&str>| {
        (GroupKey(hash(&("requests", facts.client, &facts.agent, &registry, repository))), Level::Requests)
    };
    match &facts.token {
        Some(token) if member.role == Role::Token => {
            let repositories: HashSet<_> = token.request.scopes.iter().filter_map(|scope| scope.repository()).collect();
            keys.extend(repositories.iter().map(|repository| key(Some(repository))));
            if repositories.is_empty() {
                keys.push(key(None));
            }
        }
        _ => keys.push(key(member.repository)),
    }
    keys
}

/// Operations are told apart among all that a client address does with a registry.
fn operations_key(member: &Member<'_>) -> Option<(GroupKey, Level)> {
    let facts = member.facts;
    let registry = match member.role {
        Role::Connect if member.tunnel_is_used || (facts.failure.is_none() && facts.tunnel.is_none()) => return None,
        Role::Connect => member.lead,
        // Without the redirect nothing tells what is read here, and for whom.
        Role::Storage if member.registry == &*facts.host => return None,
        Role::Other if !facts.endpoint.is_registry() && Vendor::of(&facts.host) == Vendor::Other => return None,
        _ => member.registry,
    };
    let key = hash(&("operations", facts.client, registry.to_ascii_lowercase()));
    Some((GroupKey(key), Level::Operations))
}

/// A member as operations see it.
pub(super) fn step<'a>(member: &Member<'a>) -> Step<'a> {
    let facts = member.facts;
    let token = facts.token.as_deref().filter(|_| member.role == Role::Token).map(|token| TokenStep {
        scopes: &token.request.scopes,
        presented: token.request.presented,
        granted: token.answer.as_ref().and_then(|answer| answer.key),
        refresh: token.answer.as_ref().and_then(|answer| answer.refresh_key),
    });
    Step {
        exchange: facts.id,
        client: facts.client,
        agent: &facts.agent,
        registry: if member.role == Role::Connect { member.lead } else { member.registry },
        place: facts.place,
        role: member.role,
        method: facts.method,
        endpoint: &facts.endpoint,
        repository: member.repository,
        digest: member.digest,
        opened: facts.opened,
        ended: facts.ended,
        state: match facts.failure {
            Some(_) => State::Failed,
            None if facts.is_over => State::Complete,
            None => State::Open,
        },
        status: facts.status,
        is_opaque: facts.tunnel.is_some(),
        went_on: member.went_on,
        has_credentials: facts.authorization.is_some(),
        bearer: facts.bearer,
        token,
        links: facts.links.as_deref(),
        sent: facts.sent,
        received: facts.received,
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
