//! The engine: takes exchanges as they end, in any order, and says what it found once their group has come to rest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::exchange::{Exchange, ExchangeId, Moment, Stage};
use crate::registry::{Context, Role};

use super::episode::{Episode, Level, Member};
use super::facts::Facts;
use super::finding::{Finding, FindingId};
use super::meaning::{Note, meaning};
use super::rule::{Need, Rule};
use super::rules::{self, RulesByRole};
use super::verdict;

/// A group is at rest when nothing happened for this long.
const REST_MICROS: i64 = 5_000_000;
/// Facts are kept for this long after their exchange; findings stay.
const KEPT_MICROS: i64 = 3_600_000_000;
/// The most exchanges whose facts are kept while traffic runs.
const MOST_KEPT: usize = 50_000;
/// How often it is looked for what can be forgotten.
const FORGET_EVERY_MICROS: i64 = 60_000_000;
/// The most findings kept beyond their facts.
const MOST_FORGOTTEN: usize = 10_000;

/// What changed among the findings.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A finding above normal that was not told before.
    Found(Finding),
    /// A finding that was told, and no longer holds.
    Retracted(FindingId),
}

/// A rule that could not be checked on some exchanges, because they lack a fact that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotChecked {
    /// The rule.
    pub rule: &'static Rule,
    /// The fact.
    pub need: Need,
    /// How many exchanges lack it.
    pub exchanges: usize,
    /// The first of them.
    pub first: ExchangeId,
}

/// Takes exchanges, gives findings.
#[derive(Debug)]
pub struct Engine {
    context: Context,
    texts: HashSet<Arc<str>>,
    facts: BTreeMap<ExchangeId, Facts>,
    groups: HashMap<GroupKey, Group>,
    forgotten: BTreeMap<FindingId, Finding>,
    told: BTreeMap<FindingId, Finding>,
    lacking: BTreeMap<(Need, Role), (usize, ExchangeId)>,
    rules: RulesByRole,
    is_dirty: bool,
    is_waiting: bool,
    last_forgotten: Moment,
}

/// Client, `User-Agent`, registry and repository (or client and host), as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct GroupKey(u64);

/// What was concluded about a group, and from which facts.
#[derive(Debug, Default)]
struct Group {
    fingerprint: u64,
    findings: Vec<Finding>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self {
            context: Context::new(),
            texts: HashSet::new(),
            facts: BTreeMap::new(),
            groups: HashMap::new(),
            forgotten: BTreeMap::new(),
            told: BTreeMap::new(),
            lacking: BTreeMap::new(),
            rules: RulesByRole::new(),
            is_dirty: false,
            is_waiting: false,
            last_forgotten: Moment::EPOCH,
        }
    }

    /// Takes an exchange that is over. The same exchange may come again when more of it is known.
    pub fn update(&mut self, exchange: &Exchange) {
        self.context.learn(exchange);
        let texts = &mut self.texts;
        let facts = Facts::of(exchange, |text| shared(texts, text));
        self.facts.insert(exchange.id, facts);
        self.is_dirty = true;
    }

    /// Says what changed: findings of groups that have been at rest for 5 s, and findings that no longer hold.
    pub fn settled(&mut self, now: Moment) -> Vec<Change> {
        if !self.is_dirty && !self.is_waiting {
            return Vec::new();
        }
        self.analyse(Some(now));
        let changes = self.changes();
        self.forget(now);
        changes
    }

    /// Says what changed, now that no more exchanges will come.
    pub fn finish(&mut self) -> Vec<Change> {
        self.analyse(None);
        self.changes()
    }

    /// The findings told so far, normal ones included, by their first exchange. After [`Engine::finish`]: the final set.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<_> = self.told.values().cloned().collect();
        findings.sort_by(|one, other| one.exchanges.cmp(&other.exchanges).then(one.rule.id.cmp(&other.rule.id)));
        findings
    }

    /// The rules that could not be checked everywhere.
    pub fn not_checked(&self) -> Vec<NotChecked> {
        let mut all = Vec::new();
        for rule in rules::all() {
            for need in rule.needs {
                let relevant = self
                    .lacking
                    .iter()
                    .filter(|((lacking, role), _)| lacking == need && (rule.on.is_empty() || rule.on.contains(role)));
                let (exchanges, first) = relevant.fold((0_usize, None), |(sum, first), (_, (count, id))| {
                    (sum.saturating_add(*count), first.map_or(Some(*id), |first: ExchangeId| Some(first.min(*id))))
                });
                if let Some(first) = first {
                    all.push(NotChecked { rule, need: *need, exchanges, first });
                }
            }
        }
        all
    }

    /// What the exchanges so far teach about others.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The role of an exchange, by all that is known so far.
    pub fn role(&self, exchange: &Exchange) -> Role {
        self.context.role(exchange)
    }

    /// What an exchange means, in one line or a few, as it happens.
    pub fn meaning(&self, exchange: &Exchange) -> Vec<Note> {
        meaning(exchange, &self.context)
    }

    /// What a still-open exchange is waiting for, once that has taken a while.
    pub fn waiting(&self, exchange: &Exchange, now: Moment) -> Option<Note> {
        super::meaning::waiting(exchange, now)
    }

    fn analyse(&mut self, now: Option<Moment>) {
        let used: HashSet<_> = self.facts.values().filter_map(|facts| facts.connect).collect();
        let mut grouped: HashMap<GroupKey, (Level, Vec<Member<'_>>)> = HashMap::new();
        let mut lacking = BTreeMap::new();
        for facts in self.facts.values() {
            let member = member(facts, &self.context, &used);
            count_lacking(&mut lacking, &member);
            for (key, level) in keys(&member) {
                grouped.entry(key).or_insert_with(|| (level, Vec::new())).1.push(member);
            }
        }
        self.groups.retain(|key, _| grouped.contains_key(key));
        self.is_waiting = false;
        for (key, (level, members)) in grouped {
            let ended = members.iter().map(|member| member.facts.ended).max();
            if now.is_some_and(|now| ended.is_some_and(|ended| now.micros_since(ended) < REST_MICROS)) {
                self.is_waiting = true;
                continue;
            }
            let fingerprint = fingerprint(&members);
            let group = self.groups.entry(key).or_default();
            if group.fingerprint != fingerprint {
                let episodes = Episode::cut(members);
                group.findings = episodes.iter().flat_map(|episode| verdict::of(episode, level, &self.rules)).collect();
                group.fingerprint = fingerprint;
            }
        }
        self.lacking = lacking;
        self.is_dirty = false;
    }

    fn changes(&mut self) -> Vec<Change> {
        let mut current = self.forgotten.clone();
        for finding in self.groups.values().flat_map(|group| &group.findings) {
            match current.get_mut(&finding.id) {
                Some(same) => {
                    verdict::join(same, finding);
                    same.exchanges.sort_unstable();
                    same.exchanges.dedup();
                }
                None => drop(current.insert(finding.id.clone(), finding.clone())),
            }
        }
        let gone = self.told.values().filter(|finding| finding.is_trouble());
        let gone = gone.filter(|finding| !current.get(&finding.id).is_some_and(Finding::is_trouble));
        let mut changes: Vec<_> = gone.map(|finding| Change::Retracted(finding.id.clone())).collect();
        let is_new =
            |finding: &&Finding| finding.is_trouble() && !self.told.get(&finding.id).is_some_and(Finding::is_trouble);
        let mut new: Vec<_> = current.values().filter(is_new).cloned().collect();
        new.sort_by(|one, other| one.exchanges.cmp(&other.exchanges).then(one.rule.id.cmp(&other.rule.id)));
        changes.extend(new.into_iter().map(Change::Found));
        self.told = current;
        changes
    }

    /// Keeps memory bounded while traffic runs: the facts of episodes long over go, the findings about them stay.
    fn forget(&mut self, now: Moment) {
        let is_due = now.micros_since(self.last_forgotten) > FORGET_EVERY_MICROS || self.facts.len() > MOST_KEPT;
        if !is_due {
            return;
        }
        self.last_forgotten = now;
        let mut before = now.plus_micros(-KEPT_MICROS);
        if self.facts.len() > MOST_KEPT {
            let mut ends: Vec<_> = self.facts.values().map(|facts| facts.ended).collect();
            let (_, middle, _) = ends.select_nth_unstable(MOST_KEPT / 2);
            before = before.max(*middle);
        }
        // What belongs to an episode that is still needed stays whole.
        let used = HashSet::new();
        let mut grouped: HashMap<GroupKey, Vec<Member<'_>>> = HashMap::new();
        for facts in self.facts.values() {
            let member = member(facts, &self.context, &used);
            for (key, _) in keys(&member) {
                grouped.entry(key).or_default().push(member);
            }
        }
        let mut kept: HashSet<ExchangeId> = HashSet::new();
        for episode in grouped.into_values().flat_map(Episode::cut) {
            if episode.members().iter().any(|member| member.facts.ended >= before) {
                kept.extend(episode.members().iter().map(|member| member.facts.id));
            }
        }
        self.facts.retain(|id, _| kept.contains(id));
        self.context.forget_before(before);
        for finding in self.told.values() {
            if finding.is_trouble() && finding.exchanges.iter().any(|id| !kept.contains(id)) {
                self.forgotten.insert(finding.id.clone(), finding.clone());
            }
        }
        while self.forgotten.len() > MOST_FORGOTTEN {
            self.forgotten.pop_first();
        }
        self.is_dirty = true;
        self.texts.retain(|text| Arc::strong_count(text) > 1);
    }
}

fn shared(texts: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return Arc::clone(known);
    }
    let new: Arc<str> = text.into();
    texts.insert(Arc::clone(&new));
    new
}

fn member<'a>(facts: &'a Facts, context: &'a Context, used: &HashSet<ExchangeId>) -> Member<'a> {
    let role = context.refined(facts.role, facts.place, &facts.host);
    let mut member = Member {
        facts,
        role,
        registry: &facts.host,
        repository: facts.endpoint.repository(),
        digest: facts.endpoint.reference().filter(|reference| reference.contains(':')),
        tunnel_is_used: used.contains(&facts.id),
    };
    if role == Role::Storage
        && let Some(redirect) = context.redirect(facts.place, facts.client, facts.opened)
    {
        member.registry = &redirect.registry;
        member.repository = Some(&redirect.repository);
        member.digest = Some(&redirect.digest);
    }
    if role == Role::Token {
        let request = facts.token.as_ref().map(|token| &token.request);
        let service = request.and_then(|request| request.service.as_deref());
        if let Some(realm) = context.realm(facts.place, facts.client, service) {
            member.registry = &realm.registry;
        }
        member.repository = request.and_then(|request| request.scopes.iter().find_map(|scope| scope.repository()));
    }
    member
}

/// The groups that an exchange belongs to. A token for several repositories belongs to the group of each.
fn keys(member: &Member<'_>) -> Vec<(GroupKey, Level)> {
    let facts = member.facts;
    let failed_early = facts.failure.as_ref().is_some_and(|failure| failure.stage <= Stage::UpstreamTls);
    let has_tls_trouble = facts.tls.verdict.is_some()
        || facts.tls.client_alert.is_some()
        || facts.tls.client_offers.is_some_and(|version| version < 0x0303);
    let mut keys = Vec::with_capacity(1);
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

fn count_lacking(lacking: &mut BTreeMap<(Need, Role), (usize, ExchangeId)>, member: &Member<'_>) {
    let facts = member.facts;
    if facts.lacks.is_empty() {
        return;
    }
    for need in Need::ALL {
        if facts.lacks.has(need) {
            let (count, first) = lacking.entry((need, member.role)).or_insert((0, facts.id));
            *count = count.saturating_add(1);
            *first = facts.id.min(*first);
        }
    }
}

fn fingerprint(members: &[Member<'_>]) -> u64 {
    let of = |member: &Member<'_>| {
        let facts = member.facts;
        hash(&(
            (facts.id, facts.ended, facts.status, facts.sha256.is_some(), facts.failure.is_some()),
            (member.role, member.registry, member.repository, member.digest, member.tunnel_is_used),
        ))
    };
    members.iter().map(of).fold(1, u64::wrapping_add)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
