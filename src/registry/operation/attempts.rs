//! Attempts: what was asked for more than once, and how the last attempt went.

use std::collections::BTreeMap;

use super::super::{Method, PlaceKey, ReferenceKey, Role};
use super::Step;

/// What was asked for, whichever host it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Goal {
    Blob(ReferenceKey),
    Place(PlaceKey),
}

/// How an exchange went, as far as its operation is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// Well.
    Well,
    /// It is as it should be, and nothing was reached: a challenge, a blob that is not there yet (before an upload clients ask).
    Neutral,
    /// It failed.
    Bad,
    /// It is still open.
    Open,
}

impl Went {
    /// How this step went.
    pub(super) fn of(step: &Step<'_>) -> Self {
        let is_missing = step.status == Some(404) && !step.has_failed();
        if !step.is_over() {
            Self::Open
        } else if step.is_well() {
            Self::Well
        } else if step.is_challenged() || (is_missing && (step.asks_for_blob() || step.looks_beside())) {
            Self::Neutral
        } else {
            Self::Bad
        }
    }
}

/// What the steps come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    /// How often something was asked for again after it had failed, but not for want of a token.
    pub(super) retries: usize,
    /// Whether something failed at its last attempt.
    pub(super) has_failed: bool,
}

impl Attempts {
    /// Judges the steps, which are in order. Reading a refusal's text by a GET after a HEAD is no retry.
    pub(super) fn of<'a>(steps: impl Iterator<Item = &'a Step<'a>>) -> Self {
        let mut last: BTreeMap<Goal, (Went, &Step<'_>)> = BTreeMap::new();
        let mut retries = 0_usize;
        for step in steps {
            let goal = match step.blob() {
                Some(blob) if matches!(step.role, Role::Blob | Role::Redirect | Role::Storage) => Goal::Blob(blob),
                _ => Goal::Place(step.place),
            };
            let result = Went::of(step);
            let before = last.insert(goal, (result, step));
            let explains = |other: &Step<'_>| other.method == Method::Head && step.method == Method::Get;
            let is_retry = before
                .is_some_and(|(result, other)| result == Went::Bad && !explains(other) && other.status != Some(401));
            retries = retries.saturating_add(usize::from(is_retry));
        }
        Self { retries, has_failed: last.values().any(|(result, _)| *result == Went::Bad) }
    }
}
