//! The engine: takes exchanges as they end, in any order, and says what it found once their group has come to rest.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::exchange::{Exchange, ExchangeId, Moment};
use crate::registry::operation::Outcome;
use crate::registry::told_settings::known_as;
use crate::registry::{Context, Operation, OperationId, PlaceKey, Role};

use super::ended::{Ended, by_exchange};
use super::episode::Member;
use super::facts::Facts;
use super::finding::{Finding, FindingId};
use super::groups::{Group, Judge};
use super::meaning::{Note, meaning};
use super::placing::{self, GroupKey, Placed, View};
use super::rule::{Need, Rule};
use super::rules::{self, RulesByRole};
use super::standing::Standing;
use super::steps::Steps;
use super::tokens::{self, IssuedToken};

/// Facts are kept for this long after their exchange; findings stay.
const KEPT_MICROS: i64 = 3_600_000_000;
/// The most exchanges whose facts are kept while traffic runs.
const MOST_KEPT: usize = 50_000;
/// An operation has ended when nothing happened in it for this long.
const OPERATION_REST_MICROS: i64 = 5_000_000;
/// How often it is looked for what can be forgotten.
const FORGET_EVERY_MICROS: i64 = 60_000_000;

/// What changed among the findings.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A finding above normal that was not told before.
    Found(Finding),
    /// A finding that was told, and no longer holds.
    Retracted(FindingId),
    /// An operation has ended; or one that was told so went on, and ended in another way.
    Ended(Box<Operation>),
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
#[derive(Debug, Default)]
pub struct Engine {
    context: Context,
    texts: HashSet<Arc<str>>,
    placed: HashMap<ExchangeId, Placed>,
    by_place: HashMap<PlaceKey, BTreeSet<(Moment, ExchangeId)>>,
    used_tunnels: HashSet<ExchangeId>,
    steps: Steps,
    groups: HashMap<GroupKey, Group>,
    restless: BTreeSet<GroupKey>,
    /// The groups with operations that were not told as ended.
    untold: BTreeSet<GroupKey>,
    standing: Standing,
    ended: Ended,
    lacking: Lacking,
    rules: RulesByRole,
    last_forgotten: Option<Moment>,
    /// How many were left then.
    left: usize,
}

/// How many exchanges lack which fact, and the first of them.
type Lacking = BTreeMap<(Need, Role), (usize, ExchangeId)>;

impl Engine {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an exchange that is over, or one that has been open for a while, so that its operation is known to go on. The
    /// same exchange may come again when more of it is known.
    pub fn update(&mut self, exchange: &Exchange) {
        let learned = self.context.learn(exchange);
        let told = self.context.learn_settings(exchange);
        let texts = &mut self.texts;
        let facts = Facts::of(exchange, |text| shared(texts, text));
        let (id, connect) = (exchange.id, facts.connect);
        self.leave_homes(id);
        let host = (facts.role == Role::Connect).then(|| PlaceKey::of_host(&facts.host));
        for place in [Some(facts.place), host].into_iter().flatten() {
            self.by_place.entry(place).or_default().insert((facts.opened, id));
        }
        let met = self.steps.learn(&facts);
        self.placed.insert(id, Placed { facts, homes: Vec::new() });
        self.place(id);
        if let Some(connect) = connect
            && self.used_tunnels.insert(connect)
        {
            self.place(connect);
        }
        for id in met {
            self.place(id);
        }
        for (place, since) in learned {
            let first = ExchangeId::new(1).map(|first| (since, first));
            let (Some(there), Some(first)) = (self.by_place.get(&place), first) else { continue };
            for id in there.range(first..).map(|(_, id)| *id).collect::<Vec<_>>() {
                self.place(id);
            }
        }
        for name in told {
            let view = self.view();
            let is_of = |registry: &str| known_as(&registry.to_ascii_lowercase()) == &*name;
            let is_there = |id: &ExchangeId| view.member(*id).is_some_and(|member| is_of(member.registry));
            for id in self.placed.keys().copied().filter(is_there).collect::<Vec<_>>() {
                self.place(id);
            }
        }
    }

    /// Hears of an exchange that has begun: whom a client turns to is known before anything is over.
    pub fn begun(&mut self, exchange: &Exchange) {
        for id in self.steps.begun(exchange) {
            self.place(id);
        }
    }

    /// Puts an exchange into its groups, and says there that it is to be looked at.
    fn place(&mut self, id: ExchangeId) {
        self.leave_homes(id);
        let view = self.view();
        let Some(member) = view.member(id) else { return };
        let homes = placing::keys(&member);
        let (at, ended) = ((member.facts.opened, id), member.facts.ended);
        for (key, level) in &homes {
            self.groups.entry(*key).or_insert_with(|| Group::new(*level)).touch(at, ended);
            self.restless.insert(*key);
        }
        if let Some(placed) = self.placed.get_mut(&id) {
            placed.homes = homes.into_iter().map(|(key, _)| key).collect();
        }
    }

    fn view(&self) -> View<'_> {
        View { placed: &self.placed, context: &self.context, used_tunnels: &self.used_tunnels, steps: &self.steps }
    }

    fn leave_homes(&mut self, id: ExchangeId) {
        let Some(placed) = self.placed.get_mut(&id) else { return };
        let at = (placed.facts.opened, id);
        for key in std::mem::take(&mut placed.homes) {
            if let Some(group) = self.groups.get_mut(&key) {
                group.remove(at);
                self.restless.insert(key);
            }
        }
    }

    /// Says what changed: operations that ended and findings of groups that have been at rest for 5 s, and findings that
    /// no longer hold.
    pub fn settled(&mut self, now: Moment) -> Vec<Change> {
        self.judge(Some(now));
        let changes = self.changes(Some(now));
        self.forget(now);
        changes
    }

    /// Says what changed, now that no more exchanges will come.
    pub fn finish(&mut self) -> Vec<Change> {
        self.judge(None);
        self.changes(None)
    }

    fn changes(&mut self, now: Option<Moment>) -> Vec<Change> {
        let has_ended = |operation: &Operation| {
            let rests = |now: Moment| now.micros_since(operation.ended) >= OPERATION_REST_MICROS;
            now.is_none_or(|now| operation.outcome != Outcome::Running && rests(now))
        };
        let mut newly = Vec::new();
        for key in std::mem::take(&mut self.untold) {
            let Some(group) = self.groups.get_mut(&key) else { continue };
            let are_more = group.tell_operations(|operation| {
                let is_over = has_ended(operation);
                if is_over && self.ended.tell(operation) {
                    newly.extend(operation.exchanges.first());
                }
                is_over
            });
            if are_more {
                self.untold.insert(key);
            }
        }
        let mut changes = self.standing.changes();
        if newly.is_empty() && changes.is_empty() {
            return changes;
        }
        let operations = self.ended.with(self.groups.values().flat_map(Group::all_operations));
        let found = changes.iter_mut().filter_map(|change| match change {
            Change::Found(finding) => Some(finding),
            Change::Retracted(_) | Change::Ended(_) => None,
        });
        number(found.collect(), &operations);
        let has_ended = operations.iter().filter(|(_, operation)| {
            has_ended(operation) && operation.exchanges.first().is_some_and(|first| newly.contains(first))
        });
        changes.extend(
            has_ended.map(|(id, operation)| Change::Ended(Box::new(Operation { id: *id, ..(*operation).clone() }))),
        );
        changes
    }

    /// The operations so far, in order of start. After [`Engine::finish`]: all of them.
    pub fn operations(&self) -> Vec<Operation> {
        let all = self.ended.with(self.groups.values().flat_map(Group::all_operations));
        all.into_iter().map(|(id, operation)| Operation { id, ..operation.clone() }).collect()
    }

    fn judge(&mut self, now: Option<Moment>) {
        let view =
            View { placed: &self.placed, context: &self.context, used_tunnels: &self.used_tunnels, steps: &self.steps };
        for key in std::mem::take(&mut self.restless) {
            let Some(group) = self.groups.get_mut(&key) else { continue };
            let mut judge = Judge { key, view, rules: &self.rules, standing: &mut self.standing };
            if group.judge(now, &mut judge) {
                self.restless.insert(key);
            }
            self.untold.insert(key);
        }
    }

    /// The findings so far, normal ones included, by their first exchange. After [`Engine::finish`]: the final set.
    pub fn findings(&self) -> Vec<Finding> {
        let operations = self.ended.with(self.groups.values().flat_map(Group::all_operations));
        let mut findings = self.standing.all();
        number(findings.iter_mut().collect(), &operations);
        findings
    }

    /// The tokens that were granted to clients, in order, as far as the exchanges are still kept.
    pub fn tokens(&self) -> Vec<IssuedToken> {
        let view = self.view();
        tokens::of(self.placed.keys().filter_map(|id| view.member(*id)))
    }

    /// How many exchanges have their facts kept.
    pub fn kept(&self) -> usize {
        self.placed.len()
    }

    /// The rules that could not be checked everywhere.
    pub fn not_checked(&self) -> Vec<NotChecked> {
        let view = self.view();
        let mut lacking = self.lacking.clone();
        for member in self.placed.keys().filter_map(|id| view.member(*id)) {
            count_lacking(&mut lacking, &member);
        }
        let mut all = Vec::new();
        for rule in rules::all() {
            for need in rule.needs {
                let is_relevant =
                    |lacks: Need, role: &Role| lacks == *need && (rule.on.is_empty() || rule.on.contains(role));
                let relevant = lacking.iter().filter(|((lacks, role), _)| is_relevant(*lacks, role));
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

    /// Keeps memory bounded while traffic runs: the facts of episodes long over go, the findings about them stay.
    fn forget(&mut self, now: Moment) {
        let last = *self.last_forgotten.get_or_insert(now);
        // What still goes on cannot be forgotten: it is tried again when there is a good part more.
        let many = MOST_KEPT.max(self.left.saturating_add(self.left / 4));
        if now.micros_since(last) < FORGET_EVERY_MICROS && self.placed.len() <= many {
            return;
        }
        self.last_forgotten = Some(now);
        let mut before = now.plus_micros(-KEPT_MICROS);
        if self.placed.len() > MOST_KEPT {
            let mut ends: Vec<_> = self.placed.values().map(|placed| placed.facts.ended).collect();
            let (_, middle, _) = ends.select_nth_unstable(MOST_KEPT / 2);
            before = before.max(*middle);
        }
        let mut past = Vec::new();
        for (key, group) in &mut self.groups {
            let (exchanges, operations) = group.forget_before(before);
            past.extend(operations);
            for id in exchanges {
                let Some(placed) = self.placed.get_mut(&id) else { continue };
                placed.homes.retain(|home| home != key);
                if placed.homes.is_empty() {
                    let view = View {
                        placed: &self.placed,
                        context: &self.context,
                        used_tunnels: &self.used_tunnels,
                        steps: &self.steps,
                    };
                    if let Some(member) = view.member(id) {
                        count_lacking(&mut self.lacking, &member);
                    }
                    self.placed.remove(&id);
                    self.used_tunnels.remove(&id);
                }
            }
        }
        self.ended.add(past);
        self.groups.retain(|_, group| !group.is_empty());
        let placed = &self.placed;
        self.by_place.retain(|_, there| {
            there.retain(|(_, id)| placed.contains_key(id));
            !there.is_empty()
        });
        let oldest = placed.values().map(|placed| placed.facts.opened).min();
        self.context.forget_what_led_nowhere(oldest.unwrap_or(before));
        self.steps.forget_before(oldest.unwrap_or(before));
        self.standing.forget_excess();
        self.texts.retain(|text| Arc::strong_count(text) > 1);
        self.left = self.placed.len();
    }
}

/// Gives each finding the number of the operation that it is about.
fn number(findings: Vec<&mut Finding>, operations: &[(OperationId, &Operation)]) {
    let asked = findings.iter().flat_map(|finding| &finding.exchanges).copied().collect();
    let numbers = by_exchange(operations, &asked);
    for finding in findings {
        finding.operation = finding.exchanges.iter().find_map(|exchange| numbers.get(exchange).copied());
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

fn count_lacking(lacking: &mut Lacking, member: &Member<'_>) {
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
