//! Episodes: the exchanges of one client with one repository, up to where they rest. What came of an exchange later in
//! its episode decides what it means.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::exchange::{ExchangeId, Moment};
use crate::registry::{PlaceKey, Role, RoleAssigned, Shape, Told};

use super::facts::{Facts, Method};
use super::past::Past;

/// A rest of this length ends an episode. Docker waits up to 20 s between attempts of a push
/// (5, 10, 15, 20: moby distribution/push.go), 5 s between attempts of a download.
const REST_MICROS: i64 = 30_000_000;
/// Where traffic hardly ever rests (a build server), an episode that has lasted this long ends at a shorter rest.
const LONG_MICROS: i64 = 120_000_000;
const SHORT_REST_MICROS: i64 = 5_000_000;
/// An operation whose last exchange failed may go on after such a rest, for as long as this.
const VERY_LONG_MICROS: i64 = 600_000_000;
/// The most exchanges of an episode.
const MOST_MEMBERS: usize = 10_000;

/// At which level a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// At requests and their answers, grouped by client, registry and repository.
    Requests,
    /// At connections: resolving, connecting, TLS; grouped by client and host.
    Connections,
    /// At what a client address does with a registry, to tell its operations apart.
    Operations,
}

/// An exchange in its place.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Its facts.
    pub facts: &'a Facts,
    /// Its role, by all that is known.
    pub role: Role,
    /// The registry it serves to talk to, as the client wrote its name.
    pub registry: &'a str,
    /// The repository it is about.
    pub repository: Option<&'a str>,
    /// The digest that the content must have.
    pub digest: Option<&'a str>,
    /// Whether the client wrote the usual port into the registry's name, which a token request does not show itself.
    pub names_port: bool,
    /// How the registry is set up, as far as Azure Resource Manager told.
    pub told: Option<&'a Told>,
    /// The last change before it of who may reach the registry.
    pub network_change: Option<&'a Told>,
    /// The last role that was assigned on the registry before it.
    pub role_assigned: Option<&'a RoleAssigned>,
    /// For a CONNECT: whether an exchange was seen inside its tunnel.
    pub tunnel_is_used: bool,
    /// Whether the client took the next step that is to be expected: it followed a redirect, or got over plain HTTP what
    /// it did not get over TLS.
    pub went_on: bool,
    /// For a CONNECT and for what failed: the registry that led the client to this host. The host itself where none did.
    pub lead: &'a str,
}

/// The exchanges of a group up to a rest, in the order in which they began.
#[derive(Debug)]
pub struct Episode<'a> {
    members: Vec<Member<'a>>,
    last_success: HashMap<PlaceKey, Moment>,
    explained: HashMap<PlaceKey, usize>,
    tokens: Vec<usize>,
    manifests: Vec<usize>,
    is_push: bool,
    has_used_tunnel: bool,
    past: Past,
}

impl<'a> Episode<'a> {
    /// Cuts a group into its episodes. The result does not depend on the order of `members`.
    pub fn cut(mut members: Vec<Member<'a>>, level: Level) -> Vec<Self> {
        members.sort_by_key(|member| (member.facts.opened, member.facts.id));
        let mut episodes = Vec::new();
        let mut current: Vec<Member<'a>> = Vec::new();
        let mut busy_until = Moment::EPOCH;
        for member in members {
            let rest = member.facts.opened.micros_since(busy_until);
            let began = current.first().map(|first| first.facts.opened);
            let lasted = began.map_or(0, |began| busy_until.micros_since(began));
            let may_go_on = level == Level::Operations
                && lasted <= VERY_LONG_MICROS
                && current.last().is_some_and(|last| !last.facts.succeeded());
            let is_over = rest > REST_MICROS || (lasted > LONG_MICROS && rest > SHORT_REST_MICROS && !may_go_on);
            if began.is_some() && (is_over || current.len() >= MOST_MEMBERS) {
                episodes.push(Self::of(std::mem::take(&mut current)));
            }
            busy_until = if current.is_empty() { member.facts.ended } else { busy_until.max(member.facts.ended) };
            current.push(member);
        }
        if !current.is_empty() {
            episodes.push(Self::of(current));
        }
        episodes
    }

    fn of(members: Vec<Member<'a>>) -> Self {
        let mut last_success = HashMap::new();
        let mut explained = HashMap::new();
        let mut tokens = Vec::new();
        let mut manifests = Vec::new();
        let mut is_push = false;
        for (at, member) in members.iter().enumerate() {
            let facts = member.facts;
            is_push |= member.role.is_upload() || (member.role == Role::Manifest && facts.method == Method::Put);
            if facts.succeeded() {
                last_success.insert(facts.place, facts.opened);
                if member.role == Role::Token {
                    tokens.push(at);
                }
            }
            if facts.details.as_ref().is_some_and(|details| details.manifest.is_some()) {
                manifests.push(at);
            }
            if facts.error.as_ref().is_some_and(|error| error.body.shape != Shape::Empty) {
                explained.entry(facts.place).or_insert(at);
            }
        }
        let has_used_tunnel = members.iter().any(|member| member.tunnel_is_used);
        Self { members, last_success, explained, tokens, manifests, is_push, has_used_tunnel, past: Past::default() }
    }

    /// The episode, knowing what earlier ones left behind.
    pub(super) fn after(mut self, past: Past) -> Self {
        self.past = past;
        self
    }

    /// What earlier episodes left behind.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// The last manifest that was written, and when.
    pub fn last_push(&self) -> Option<(ExchangeId, Moment)> {
        let is_push = |member: &&Member<'_>| {
            member.role == Role::Manifest && member.facts.method == Method::Put && member.facts.succeeded()
        };
        self.members.iter().rev().find(is_push).map(|member| (member.facts.id, member.facts.ended))
    }

    /// When the last thing happened in it.
    pub fn ended(&self) -> Moment {
        self.members.iter().map(|member| member.facts.ended).fold(Moment::EPOCH, Moment::max)
    }

    /// Whether an exchange of it is still open.
    pub fn is_running(&self) -> bool {
        self.members.iter().any(|member| !member.facts.is_over)
    }

    /// A number that changes when anything changes that rules look at.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.past.hash(&mut hasher);
        for member in &self.members {
            let facts = member.facts;
            (facts.id, facts.ended, facts.status, facts.sha256.is_some(), facts.failure.is_some()).hash(&mut hasher);
            (facts.is_over, facts.sent, facts.received).hash(&mut hasher);
            (member.role, member.registry, member.repository, member.digest, member.tunnel_is_used, member.went_on)
                .hash(&mut hasher);
            (member.names_port, member.told.map(|told| (told.exchange, &told.settings)), member.lead).hash(&mut hasher);
            let changes =
                (member.network_change.map(|change| change.exchange), member.role_assigned.map(|role| role.exchange));
            changes.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The exchanges in order.
    pub fn members(&self) -> &[Member<'a>] {
        &self.members
    }

    /// Whether something was written to the repository, or tried to.
    pub fn is_push(&self) -> bool {
        self.is_push
    }

    /// Whether an exchange was seen inside the tunnel of one of its CONNECTs.
    pub fn has_used_tunnel(&self) -> bool {
        self.has_used_tunnel
    }

    /// When the last success at this place began.
    pub fn last_success(&self, place: PlaceKey) -> Option<Moment> {
        self.last_success.get(&place).copied()
    }

    /// The first exchange at this place whose error answer has a content.
    pub fn explained(&self, place: PlaceKey) -> Option<&Member<'a>> {
        self.members.get(*self.explained.get(&place)?)
    }

    /// The token requests that were granted, in order.
    pub fn granted_tokens(&self) -> impl DoubleEndedIterator<Item = &Member<'a>> {
        self.tokens.iter().filter_map(|at| self.members.get(*at))
    }
    /// The manifests that are more than a plain image, in order.
    pub fn manifests(&self) -> impl DoubleEndedIterator<Item = &Member<'a>> {
        self.manifests.iter().filter_map(|at| self.members.get(*at))
    }
}
