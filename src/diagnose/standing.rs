//! The findings that stand, and what was told of them.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::Change;
use super::finding::{Finding, FindingId};
use super::placing::GroupKey;
use super::verdict;

/// The most findings that stand. The oldest explanations of normal traffic go first, then the oldest findings.
const MOST: usize = 20_000;

/// The findings that stand, each with what every group says about it: an exchange may belong to several.
#[derive(Debug, Default)]
pub(super) struct Standing {
    parts: BTreeMap<FindingId, Vec<(GroupKey, Finding)>>,
    told: BTreeSet<FindingId>,
    touched: BTreeSet<FindingId>,
}

impl Standing {
    /// A group says this.
    pub(super) fn add(&mut self, key: GroupKey, finding: Finding) {
        let parts = self.parts.entry(finding.id.clone()).or_default();
        parts.retain(|(other, _)| *other != key);
        self.touched.insert(finding.id.clone());
        parts.push((key, finding));
        parts.sort_by_key(|(key, _)| *key);
    }

    /// A group does not say this any more.
    pub(super) fn remove(&mut self, key: GroupKey, id: &FindingId) {
        let Some(parts) = self.parts.get_mut(id) else { return };
        parts.retain(|(other, _)| *other != key);
        if parts.is_empty() {
            self.parts.remove(id);
        }
        self.touched.insert(id.clone());
    }

    /// What changed since this was asked last.
    pub(super) fn changes(&mut self) -> Vec<Change> {
        let mut found = Vec::new();
        let mut changes = Vec::new();
        for id in std::mem::take(&mut self.touched) {
            let finding = self.parts.get(&id).and_then(|parts| joined(parts)).filter(Finding::is_trouble);
            match (finding, self.told.contains(&id)) {
                (Some(finding), false) => {
                    self.told.insert(id);
                    found.push(finding);
                }
                (None, true) => {
                    self.told.remove(&id);
                    changes.push(Change::Retracted(id));
                }
                _ => {}
            }
        }
        in_order(&mut found);
        changes.extend(found.into_iter().map(Change::Found));
        changes
    }

    /// All that stand, normal ones included, by their first exchange.
    pub(super) fn all(&self) -> Vec<Finding> {
        let mut all: Vec<_> = self.parts.values().filter_map(|parts| joined(parts)).collect();
        in_order(&mut all);
        all
    }

    /// Keeps memory bounded.
    pub(super) fn forget_excess(&mut self) {
        if self.parts.len() <= MOST {
            return;
        }
        let mut all = self.all();
        all.sort_by_key(|finding| (finding.is_trouble(), finding.exchanges.first().copied()));
        for finding in all.iter().take(self.parts.len().saturating_sub(MOST / 2)) {
            self.parts.remove(&finding.id);
            self.told.remove(&finding.id);
        }
    }
}

fn joined(parts: &[(GroupKey, Finding)]) -> Option<Finding> {
    let mut parts = parts.iter().map(|(_, finding)| finding);
    let mut finding = parts.next()?.clone();
    for part in parts {
        verdict::join(&mut finding, part);
    }
    finding.exchanges.sort_unstable();
    finding.exchanges.dedup();
    Some(finding)
}

fn in_order(findings: &mut [Finding]) {
    findings.sort_by(|one, other| one.exchanges.cmp(&other.exchanges).then(one.rule.id.cmp(&other.rule.id)));
}
