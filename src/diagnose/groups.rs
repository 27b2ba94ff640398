//! Groups: the exchanges that belong together, cut into episodes, and what was concluded about each. Only what changed is
//! judged again.

use std::collections::{BTreeSet, HashSet};

use crate::exchange::{ExchangeId, Moment};

use super::episode::{Episode, Level};
use super::finding::FindingId;
use super::past::Past;
use super::placing::{GroupKey, View};
use super::rules::RulesByRole;
use super::standing::Standing;
use super::verdict;

/// An episode is at rest when nothing happened for this long.
const REST_MICROS: i64 = 5_000_000;

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
}

/// What was concluded about an episode, and from which facts.
#[derive(Debug)]
struct Judged {
    first: Place,
    ended: Moment,
    /// `None` while it is not at rest.
    fingerprint: Option<u64>,
    /// The findings, each with its first exchange.
    findings: Vec<(FindingId, ExchangeId)>,
    /// What it leaves behind for those after it.
    left: Past,
}

impl Group {
    /// A group without exchanges.
    pub(super) fn new(level: Level) -> Self {
        Self { level, members: BTreeSet::new(), judged: Vec::new(), forgotten: Vec::new(), unjudged_from: None }
    }

    /// Adds an exchange, or says that it is to be looked at anew.
    pub(super) fn touch(&mut self, place: Place) {
        self.members.insert(place);
        self.mark(place);
    }

    /// Takes an exchange out.
    pub(super) fn remove(&mut self, place: Place) {
        self.members.remove(&place);
        self.mark(place);
    }

    fn mark(&mut self, place: Place) {
        self.unjudged_from = Some(self.unjudged_from.map_or(place, |from| from.min(place)));
    }

    /// Whether there is no exchange left.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Judges the episodes that changed and are at rest. Says whether there are others, that are not.
    pub(super) fn judge(&mut self, now: Option<Moment>, judge: &mut Judge<'_>) -> bool {
        let Some(from) = self.unjudged_from.take() else { return false };
        // A change can only affect the episode that it falls into, and those after it.
        let keep = self.judged.partition_point(|judged| judged.first <= from).saturating_sub(1);
        let mut old = self.judged.split_off(keep);
        let start = old.first().map_or(from, |judged| judged.first.min(from));
        let members = self.members.range(start..).filter_map(|(_, id)| judge.view.member(*id)).collect();
        for episode in Episode::cut(members) {
            let Some(first) = episode.members().first() else { continue };
            let first = (first.facts.opened, first.facts.id);
            let episode = episode.after(self.past_of(first.0));
            let (ended, fingerprint) = (episode.ended(), episode.fingerprint());
            if let Some(at) = old.iter().position(|judged| judged.fingerprint == Some(fingerprint)) {
                self.judged.push(old.swap_remove(at));
            } else if now.is_none_or(|now| now.micros_since(ended) >= REST_MICROS) {
                let found = verdict::of(&episode, self.level, judge.rules);
                let findings = found
                    .iter()
                    .filter_map(|finding| Some((finding.id.clone(), *finding.exchanges.first()?)))
                    .collect();
                let left = Past::of(&episode, &found);
                for finding in found {
                    judge.standing.add(judge.key, finding);
                }
                self.judged.push(Judged { first, ended, fingerprint: Some(fingerprint), findings, left });
            } else {
                // What was told of an episode that goes on stands until it rests again.
                let findings = told_before(&old, &episode);
                self.judged.push(Judged { first, ended, fingerprint: None, findings, left: Past::default() });
                self.mark(first);
            }
        }
        let standing: HashSet<_> =
            self.judged.iter().skip(keep).flat_map(|judged| &judged.findings).map(|(id, _)| id.clone()).collect();
        for (id, _) in old.into_iter().flat_map(|judged| judged.findings) {
            if !standing.contains(&id) {
                judge.standing.remove(judge.key, &id);
            }
        }
        self.unjudged_from.is_some()
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

    /// Lets go of the episodes at its beginning that ended before this moment; their findings stand as they are.
    pub(super) fn forget_before(&mut self, before: Moment) -> Vec<ExchangeId> {
        let is_old = |judged: &&Judged| judged.fingerprint.is_some() && judged.ended < before;
        let old = self.judged.iter().take_while(is_old).count();
        let next = self.judged.get(old).map(|judged| judged.first);
        if old == 0 || self.unjudged_from.is_some_and(|from| next.is_none_or(|next| from < next)) {
            return Vec::new();
        }
        self.forgotten.extend(self.judged.drain(..old).map(|judged| (judged.ended, judged.left)));
        self.forgotten.drain(..self.forgotten.len().saturating_sub(MOST_PAST));
        let kept = next.map_or_else(BTreeSet::new, |next| self.members.split_off(&next));
        std::mem::replace(&mut self.members, kept).into_iter().map(|(_, id)| id).collect()
    }
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
