//! The operations whose exchanges are forgotten, and what was told of any.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::exchange::{ExchangeId, Moment};
use crate::registry::operation::Outcome;
use crate::registry::{Operation, OperationId};

/// The most operations that are kept.
const MOST: usize = 10_000;

/// Operations that nothing more will be added to.
#[derive(Debug, Default)]
pub(super) struct Ended {
    operations: VecDeque<Operation>,
    /// How many were let go of; those that are left keep their numbers.
    dropped: u64,
    told: HashMap<ExchangeId, Outcome>,
}

impl Ended {
    /// Keeps these, and lets go of the oldest.
    pub(super) fn add(&mut self, operations: Vec<Operation>) {
        self.operations.extend(operations);
        self.operations.make_contiguous().sort_by(by_start);
        while self.operations.len() > MOST {
            let Some(oldest) = self.operations.pop_front() else { break };
            self.dropped = self.dropped.saturating_add(1);
            if let Some(first) = oldest.exchanges.first() {
                self.told.remove(first);
            }
        }
    }

    /// These and the past ones in order of start, each with its number.
    pub(super) fn with<'a>(
        &'a self,
        present: impl Iterator<Item = &'a Operation>,
    ) -> Vec<(OperationId, &'a Operation)> {
        let mut all: Vec<_> = self.operations.iter().chain(present).collect();
        all.sort_by(|one, other| by_start(one, other));
        let number = |at: usize| OperationId::new(self.dropped.saturating_add(at as u64).saturating_add(1));
        all.into_iter().enumerate().filter_map(|(at, operation)| Some((number(at)?, operation))).collect()
    }

    /// Whether an operation was not told as it is now; it is told then.
    pub(super) fn tell(&mut self, operation: &Operation) -> bool {
        let Some(first) = operation.exchanges.first() else { return false };
        self.told.insert(*first, operation.outcome) != Some(operation.outcome)
    }
}

/// The number of the operation that each of these exchanges belongs to: of several, the first.
pub(super) fn by_exchange(
    operations: &[(OperationId, &Operation)],
    asked: &HashSet<ExchangeId>,
) -> HashMap<ExchangeId, OperationId> {
    let mut numbers = HashMap::with_capacity(asked.len());
    if asked.is_empty() {
        return numbers;
    }
    for (number, operation) in operations {
        for exchange in operation.exchanges.iter().filter(|exchange| asked.contains(exchange)) {
            numbers.entry(*exchange).or_insert(*number);
        }
    }
    numbers
}

/// In order of start; the rest of the key only makes it an order.
fn by_start(one: &Operation, other: &Operation) -> std::cmp::Ordering {
    let key = |operation: &Operation| -> (Moment, Option<ExchangeId>) {
        (operation.started, operation.exchanges.first().copied())
    };
    let about = |operation: &Operation| (operation.kind, operation.repository.clone(), operation.reference.clone());
    key(one).cmp(&key(other)).then_with(|| about(one).cmp(&about(other)))
}
