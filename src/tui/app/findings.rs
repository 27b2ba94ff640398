//! The findings that hold now, the worst first, and which of them the user has looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::{Change, Finding, FindingId, Severity};
use crate::exchange::ExchangeId;

/// The findings that hold now.
#[derive(Debug, Default)]
pub struct Findings {
    all: Vec<Finding>,
    /// How many findings of each severity there are about an exchange.
    marks: BTreeMap<ExchangeId, BTreeMap<Severity, usize>>,
    selected: Option<FindingId>,
    seen: BTreeSet<FindingId>,
    /// Grows with every change.
    pub revision: u64,
    /// The number of the first finding on the screen.
    pub top: usize,
}

impl Findings {
    /// Takes a change; gives the exchanges whose marks it touches.
    pub fn change(&mut self, change: Change) -> Vec<ExchangeId> {
        self.revision += 1;
        match change {
            Change::Found(finding) => {
                let mut touched = self.take(&finding.id);
                touched.extend(&finding.exchanges);
                for id in &finding.exchanges {
                    *self.marks.entry(*id).or_default().entry(finding.severity).or_default() += 1;
                }
                let key = |finding: &Finding| (std::cmp::Reverse(finding.severity), finding.exchanges.first().copied());
                let at = self.all.partition_point(|other| key(other) <= key(&finding));
                self.selected.get_or_insert_with(|| finding.id.clone());
                self.all.insert(at, finding);
                touched
            }
            // The screen has no list of operations.
            Change::Ended(_) => Vec::new(),
            Change::Retracted(id) => {
                let touched = self.take(&id);
                if self.selected.as_ref() == Some(&id) {
                    self.selected = self.all.first().map(|finding| finding.id.clone());
                }
                touched
            }
        }
    }

    fn take(&mut self, id: &FindingId) -> Vec<ExchangeId> {
        let Some(at) = self.all.iter().position(|finding| finding.id == *id) else { return Vec::new() };
        let finding = self.all.remove(at);
        for id in &finding.exchanges {
            let Some(marks) = self.marks.get_mut(id) else { continue };
            if let Some(count) = marks.get_mut(&finding.severity) {
                *count -= 1;
            }
            marks.retain(|_, count| *count > 0);
        }
        finding.exchanges
    }

    /// All of them, the worst first.
    pub fn all(&self) -> &[Finding] {
        &self.all
    }

    /// How many there are of each severity above normal, the worst first.
    pub fn counts(&self) -> BTreeMap<std::cmp::Reverse<Severity>, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.all {
            *counts.entry(std::cmp::Reverse(finding.severity)).or_default() += 1;
        }
        counts
    }

    /// Those about an exchange, the worst first.
    pub fn about(&self, id: ExchangeId) -> impl Iterator<Item = &Finding> {
        self.all.iter().filter(move |finding| finding.exchanges.contains(&id))
    }

    /// The worst that was found about an exchange.
    pub fn mark(&self, id: ExchangeId) -> Option<Severity> {
        self.marks.get(&id)?.last_key_value().map(|(severity, _)| *severity)
    }

    /// The selected finding.
    pub fn selected(&self) -> Option<&Finding> {
        self.selected_at().and_then(|at| self.all.get(at))
    }

    /// The number of the selected finding.
    pub fn selected_at(&self) -> Option<usize> {
        let id = self.selected.as_ref()?;
        self.all.iter().position(|finding| finding.id == *id)
    }

    /// Moves the selection by so many findings.
    pub fn move_by(&mut self, by: isize) {
        let last = self.all.len().saturating_sub(1);
        let at = self.selected_at().unwrap_or(0).saturating_add_signed(by).min(last);
        self.selected = self.all.get(at).map(|finding| finding.id.clone());
        self.revision += 1;
    }

    /// Selects a finding.
    pub fn select(&mut self, id: &FindingId) {
        self.selected = Some(id.clone());
        self.revision += 1;
    }

    /// Notes that the user has these before the eyes.
    pub fn mark_seen(&mut self, ids: &[FindingId]) {
        self.seen.extend(ids.iter().cloned());
    }

    /// The first error that the user has not looked at yet.
    pub fn unseen_error(&self) -> Option<&Finding> {
        self.all.iter().find(|finding| finding.severity == Severity::Error && !self.seen.contains(&finding.id))
    }

    /// Moves what is on the screen so that the selection is in it.
    pub fn scroll_to_selection(&mut self, height: usize) {
        if let Some(at) = self.selected_at() {
            let lowest_top = (at + 1).saturating_sub(height);
            self.top = self.top.clamp(lowest_top, at.max(lowest_top));
        }
    }
}
