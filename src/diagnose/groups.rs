//! Groups: the exchanges that belong together, cut into episodes, and what was concluded about each. Only what changed is
//! judged again.

use std::collections::{BTreeSet, HashSet};

use crate::exchange::{ExchangeId, Moment};
use crate::registry::{Operation, operation};

use super::episode::{Episode, Level};
use super::finding::FindingId;
use super::past::Past;
use super::placing::{self, GroupKey, View};
use super::rules::RulesByRole;
use super::standing::Standing;
use super::verdict;

/// An episode is at rest when nothing happened for this long.
const REST_MICROS: i64 = 5_000_000;

/// Operations are shown while they run, so they are looked at before they rest: again when the news are this part (a
/// half) of what was looked at last, or [`pause_after`] it. Where traffic never rests, the looks must not cost more than
/// the traffic.
const PART_OF_NEWS: usize = 2;
/// So few exchanges are looked at whenever there is news.
const FEW: usize = 64;
/// Rules speak of what rests. Where traffic never does, they look at what was before its last rest as seldom as this.
const PATIENCE_MICROS: i64 = 60_000_000;
/// What goes on is looked at again after this long for each of its exchanges.
const PAUSE_MICROS: i64 = 10_000;
/// Permissions and rules are effective within ten minutes; an episode may go on for a while after its refusal.
const PAST_MICROS: i64 = 1_800_000_000;
/// The most episodes that are looked back at.
const MOST_PAST: usize = 64;

/// By what the exchanges of a group are in order.
type Place = (Moment, ExchangeId);

/// The exchanges of a group.
#[derive(Debug)]
pub(super) struct Group {
    level: Level,
    members: BTreeSet<Place>,
    judged: Vec<Judged>,
    /// When the last episodes ended whose exchanges are forgotten, and what they left behind.
    forgotten: Vec<(Moment, Past)>,
    unjudged_from: Option<Place>,
    /// When the last thing happened in it.
    busy_until: Moment,
    /// How many exchanges came or changed since the last look, and how many that look found unsettled.
    news: usize,
    unsettled: usize,
    /// When it was looked at last, and until when an episode in which something still runs is left alone.
    looked: Moment,
    look_again: Moment,
}

/// What was concluded about an episode, and from which facts.
#[derive(Debug)]
struct Judged {
    first: Place,
    ended: Moment,
    /// `None` where it was not at rest.
    fingerprint: Option<u64>,
    /// Whether it was at rest, so that its findings could be told.
    is_settled: bool,
    /// The findings, each with its first exchange.
    findings: Vec<(FindingId, ExchangeId)>,
    /// What it leaves behind for those after it.
    left: Past,
    /// The operations; they are known before the episode rests.
    operations: Vec<Operation>,
    /// Whether they have all ended and were told.
    is_told: bool,
}

impl Group {
    /// A group without exchanges.
    pub(super) fn new(level: Level) -> Self {
        Self {
            level,
            members: BTreeSet::new(),
            judged: Vec::new(),
            forgotten: Vec::new(),
            unjudged_from: None,
            busy_until: Moment::EPOCH,
            news: 0,
            unsettled: 0,
            looked: Moment::EPOCH,
            look_again: Moment::EPOCH,
        }
    }

    /// Adds an exchange that ended then, or says that it is to be looked at anew.
    pub(super) fn touch(&mut self, place: Place, ended: Moment) {
        self.members.insert(place);
        self.busy_until = self.busy_until.max(ended);
        self.mark(place);
    }

    /// Takes an exchange out.
    pub(super) fn remove(&mut self, place: Place) {
        self.members.remove(&place);
        self.mark(place);
    }

    fn mark(&mut self, place: Place) {
        self.news = self.news.saturating_add(1);
        self.unjudged_from = Some(self.unjudged_from.map_or(place, |from| from.min(place)));
    }

    /// Whether there is no exchange left.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Judges the episodes that changed and are at rest. Says whether there are others, that are not.
    pub(super) fn judge(&mut self, now: Option<Moment>, judge: &mut Judge<'_>) -> bool {
        if self.unjudged_from.is_some() && now.is_some_and(|now| !self.is_due(now)) {
            return true;
        }
        let Some(from) = self.unjudged_from.take() else { return false };
        (self.news, self.unsettled, self.looked) = (0, 0, now.unwrap_or(Moment::EPOCH));
        let mut running = 0_usize;
        // A change can only affect the episode that it falls into, and those after it.
        let keep = self.judged.partition_point(|judged| judged.first <= from).saturating_sub(1);
        let mut old = self.judged.split_off(keep);
        let start = old.first().map_or(from, |judged| judged.first.min(from));
        let members = self.members.range(start..).filter_map(|(_, id)| judge.view.member(*id)).collect();
        for episode in Episode::cut(members, self.level) {
            let Some(first) = episode.members().first() else { continue };
            let first = (first.facts.opened, first.facts.id);
            let episode = episode.after(self.past_of(first.0));
            let ended = episode.ended();
            let is_settled = now.is_none_or(|now| now.micros_since(ended) >= REST_MICROS && !episode.is_running());
            // What goes on is judged again in any case.
            let may_be_known = is_settled || old.iter().any(|judged| judged.first == first && judged.is_settled);
            let fingerprint = may_be_known.then(|| episode.fingerprint());
            let known = fingerprint.and_then(|_| old.iter().position(|judged| judged.fingerprint == fingerprint));
            if let Some(at) = known.filter(|at| old.get(*at).is_some_and(|judged| judged.is_settled)) {
                self.judged.push(old.swap_remove(at));
                continue;
            }
            let known = known.and_then(|at| old.get_mut(at)).map(|judged| std::mem::take(&mut judged.operations));
            let operations = known.unwrap_or_else(|| self.operations(&episode));
            let (findings, left) = if is_settled {
                judge.tell(&episode, self.level)
            } else {
                // What was told of an episode that goes on stands until it rests again.
                self.unjudged_from = Some(self.unjudged_from.map_or(first, |from| from.min(first)));
                let count = episode.members().len();
                self.unsettled = self.unsettled.saturating_add(count);
                running = running.saturating_add(if episode.is_running() { count } else { 0 });
                (told_before(&old, &episode), Past::default())
            };
            self.judged.push(Judged {
                first,
                ended,
                fingerprint,
                is_settled,
                findings,
                left,
                operations,
                is_told: false,
            });
        }
        let standing: HashSet<_> =
            self.judged.iter().skip(keep).flat_map(|judged| &judged.findings).map(|(id, _)| id.clone()).collect();
        for (id, _) in old.into_iter().flat_map(|judged| judged.findings) {
            if !standing.contains(&id) {
                judge.standing.remove(judge.key, &id);
            }
        }
        self.look_again = self.looked.plus_micros(pause_after(running));
        self.unjudged_from.is_some()
    }

    /// Whether a look at what is unjudged may show something.
    fn is_due(&mut self, now: Moment) -> bool {
        if now.micros_since(self.busy_until) >= REST_MICROS {
            return now >= self.look_again;
        }
        match self.level {
            Level::Operations => {
                let is_worth_it = self.unsettled < FEW || self.news >= self.unsettled / PART_OF_NEWS;
                self.news > 0 && (is_worth_it || now.micros_since(self.looked) >= pause_after(self.unsettled))
            }
            Level::Requests | Level::Connections => {
                if self.looked == Moment::EPOCH {
                    self.looked = now;
                }
                now.micros_since(self.looked) >= PATIENCE_MICROS
            }
        }
    }

    /// What the episodes that ended not too long before this moment left behind.
    fn past_of(&self, moment: Moment) -> Past {
        let judged = self.judged.iter().map(|judged| (judged.ended, &judged.left));
        let all = self.forgotten.iter().map(|(ended, left)| (*ended, left)).chain(judged);
        let recent = all.rev().take(MOST_PAST).take_while(|(ended, _)| moment.micros_since(*ended) <= PAST_MICROS);
        let mut past = Past::default();
        for (_, left) in recent.collect::<Vec<_>>().into_iter().rev() {
            past.extend(left);
        }
        past
    }

    fn operations(&self, episode: &Episode<'_>) -> Vec<Operation> {
        match self.level {
            Level::Operations => operation::grouped(episode.members().iter().map(placing::step).collect()),
            Level::Requests | Level::Connections => Vec::new(),
        }
    }

    /// Its operations, by episode.
    pub(super) fn all_operations(&self) -> impl Iterator<Item = &Operation> {
        self.judged.iter().flat_map(|judged| &judged.operations)
    }

    /// Gives the operations of those episodes that have any to tell. Says whether there are more to come: `tell` says which
    /// have ended.
    pub(super) fn tell_operations(&mut self, mut tell: impl FnMut(&Operation) -> bool) -> bool {
        let mut are_more = false;
        for judged in self.judged.iter_mut().filter(|judged| !judged.is_told) {
            // Each is told, whatever the others say.
            judged.is_told = judged.operations.iter().filter(|operation| !tell(operation)).count() == 0;
            are_more |= !judged.is_told;
        }
        are_more
    }

    /// Lets go of the episodes at its beginning that ended before this moment; their findings stand as they are. Gives
    /// their exchanges and operations.
    pub(super) fn forget_before(&mut self, before: Moment) -> (Vec<ExchangeId>, Vec<Operation>) {
        let is_old = |judged: &&Judged| judged.is_settled && judged.ended < before;
        let old = self.judged.iter().take_while(is_old).count();
        let next = self.judged.get(old).map(|judged| judged.first);
        if old == 0 || self.unjudged_from.is_some_and(|from| next.is_none_or(|next| from < next)) {
            return (Vec::new(), Vec::new());
        }
        let mut operations = Vec::new();
        for judged in self.judged.drain(..old) {
            self.forgotten.push((judged.ended, judged.left));
            operations.extend(judged.operations);
        }
        self.forgotten.drain(..self.forgotten.len().saturating_sub(MOST_PAST));
        let kept = next.map_or_else(BTreeSet::new, |next| self.members.split_off(&next));
        let exchanges = std::mem::replace(&mut self.members, kept).into_iter().map(|(_, id)| id).collect();
        (exchanges, operations)
    }
}

/// How long so many exchanges that go on are left alone.
fn pause_after(exchanges: usize) -> i64 {
    i64::try_from(exchanges).map_or(PATIENCE_MICROS, |count| count.saturating_mul(PAUSE_MICROS).min(PATIENCE_MICROS))
}

fn told_before(old: &[Judged], episode: &Episode<'_>) -> Vec<(FindingId, ExchangeId)> {
    let ids: HashSet<_> = episode.members().iter().map(|member| member.facts.id).collect();
    let told = old.iter().flat_map(|judged| &judged.findings);
    told.filter(|(_, first)| ids.contains(first)).cloned().collect()
}

/// With what a group is judged, and where its findings go.
pub(super) struct Judge<'a> {
    pub(super) key: GroupKey,
    pub(super) view: View<'a>,
    pub(super) rules: &'a RulesByRole,
    pub(super) standing: &'a mut Standing,
}

impl Judge<'_> {
    /// Finds what there is to be found in an episode; gives the findings, each with its first exchange, and what the
    /// episode leaves behind.
    fn tell(&mut self, episode: &Episode<'_>, level: Level) -> (Vec<(FindingId, ExchangeId)>, Past) {
        let found = verdict::of(episode, level, self.rules);
        let left = Past::of(episode, &found);
        let mut told = Vec::new();
        for finding in found {
            told.extend(finding.exchanges.first().map(|first| (finding.id.clone(), *first)));
            self.standing.add(self.key, finding);
        }
        (told, left)
    }
}
