//! The engine: takes exchanges as they end, in any order, and says what it found once their group has come to rest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::exchange::{Exchange, ExchangeId, Moment};
use crate::registry::{Context, Role};

use super::episode::{Episode, Member};
use super::facts::Facts;
use super::finding::{Finding, FindingId};
use super::groups::{self, GroupKey};
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

/// What was concluded about the episodes of a group.
#[derive(Debug, Default)]
struct Group {
    episodes: Vec<Judged>,
}

/// What was concluded about an episode, and from which facts.
#[derive(Debug, Clone)]
struct Judged {
    fingerprint: Option<u64>,
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

    /// How many exchanges have their facts kept.
    pub fn kept(&self) -> usize {
        self.facts.len()
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
        let mut grouped = groups::of(self.facts.values(), &self.context);
        self.groups.retain(|key, _| grouped.contains_key(key));
        self.is_waiting = false;
        let mut lacking = BTreeMap::new();
        for (key, (level, members)) in grouped.drain() {
            for member in &members {
                count_lacking(&mut lacking, member);
            }
            let group = self.groups.entry(key).or_default();
            let is_at_rest = |ended: Moment| now.is_none_or(|now| now.micros_since(ended) >= REST_MICROS);
            let mut judged = Vec::new();
            for episode in Episode::cut(members) {
                let fingerprint = episode.fingerprint();
                let known = group.episodes.iter().find(|known| known.fingerprint == Some(fingerprint));
                judged.push(match known {
                    Some(known) => known.clone(),
                    None if is_at_rest(episode.ended()) => {
                        Judged { fingerprint: Some(fingerprint), findings: verdict::of(&episode, level, &self.rules) }
                    }
                    None => {
                        self.is_waiting = true;
                        Judged { fingerprint: None, findings: group.findings_in(&episode) }
                    }
                });
            }
            group.episodes = judged;
        }
        self.lacking = lacking;
        self.is_dirty = false;
    }

    fn changes(&mut self) -> Vec<Change> {
        let mut current = self.forgotten.clone();
        for finding in self.groups.values().flat_map(Group::findings) {
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
        let episodes = groups::of(self.facts.values(), &self.context).into_values();
        let mut kept: HashSet<ExchangeId> = HashSet::new();
        for episode in episodes.flat_map(|(_, members)| Episode::cut(members)) {
            if episode.members().iter().any(|member| member.facts.ended >= before) {
                kept.extend(episode.members().iter().map(|member| member.facts.id));
            }
        }
        self.facts.retain(|id, _| kept.contains(id));
        let oldest = self.facts.values().map(|facts| facts.opened).min();
        self.context.forget_what_led_nowhere(oldest.unwrap_or(before));
        for finding in self.told.values() {
            if finding.exchanges.iter().any(|id| !kept.contains(id)) {
                self.forgotten.insert(finding.id.clone(), finding.clone());
            }
        }
        if self.forgotten.len() > MOST_FORGOTTEN {
            self.forgotten.retain(|_, finding| finding.is_trouble());
        }
        while self.forgotten.len() > MOST_FORGOTTEN {
            let oldest = self.forgotten.values().min_by_key(|finding| finding.exchanges.first().copied());
            let Some(oldest) = oldest.map(|finding| finding.id.clone()) else { break };
            self.forgotten.remove(&oldest);
        }
        self.is_dirty = true;
        self.texts.retain(|text| Arc::strong_count(text) > 1);
    }
}

impl Group {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.episodes.iter().flat_map(|episode| &episode.findings)
    }

    /// What was told of an episode that goes on stands until it rests again.
    fn findings_in(&self, episode: &Episode<'_>) -> Vec<Finding> {
        let ids: HashSet<_> = episode.members().iter().map(|member| member.facts.id).collect();
        let is_in = |finding: &&Finding| finding.exchanges.first().is_some_and(|first| ids.contains(first));
        self.findings().filter(is_in).cloned().collect()
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
