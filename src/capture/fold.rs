//! The exchanges that are still running, folded from their events.

use std::collections::BTreeMap;

use super::Summary;
use crate::diagnose::Finding;
use crate::exchange::event::{CaptureEvent, Happening};
use crate::exchange::{Exchange, ExchangeId, Moment};

/// An exchange without an answer is worth a line after this many seconds, and again after as many more.
const WAITING_SECONDS: u64 = 5;

/// The exchanges that are running, and numbers about those that are over.
#[derive(Default)]
pub(super) struct Fold {
    open: BTreeMap<ExchangeId, Open>,
    summary: Summary,
}

struct Open {
    exchange: Exchange,
    told_waiting: u64,
}

impl Fold {
    /// Folds events into exchanges; those that are over now, in the order of their ends.
    pub(super) fn ended(&mut self, events: impl Iterator<Item = CaptureEvent>) -> Vec<Exchange> {
        let mut ended = Vec::new();
        for CaptureEvent { exchange: id, at, what } in events {
            if let Happening::Opened(opened) = what {
                self.open.insert(id, Open { exchange: Exchange::opened(id, at, *opened), told_waiting: 0 });
                continue;
            }
            let Some(open) = self.open.get_mut(&id) else { continue };
            open.exchange.apply(at, what);
            if open.exchange.is_over()
                && let Some(Open { exchange, .. }) = self.open.remove(&id)
            {
                self.summary.count(&exchange);
                ended.push(exchange);
            }
        }
        ended
    }

    /// Exchanges that have been waiting for their answer, for how many seconds; each once in a while.
    pub(super) fn waiting(&mut self, now: Moment) -> Vec<(&Exchange, u64)> {
        let mut waiting = Vec::new();
        for open in self.open.values_mut() {
            let waits = open.exchange.timings.first_byte.is_none() && open.exchange.tunnel.is_none();
            let seconds = now.micros_since(open.exchange.timings.opened).unsigned_abs() / 1_000_000;
            if waits && !open.exchange.answered_by_us && seconds >= open.told_waiting + WAITING_SECONDS {
                open.told_waiting = seconds;
                waiting.push((&open.exchange, seconds));
            }
        }
        waiting
    }

    /// Numbers about what is over, with these findings.
    pub(super) fn summary(self, findings: Vec<Finding>) -> Summary {
        Summary { findings, ..self.summary }
    }
}

impl Summary {
    fn count(&mut self, exchange: &Exchange) {
        if is_listed(exchange) {
            self.exchanges += 1;
            self.failed += u64::from(exchange.failure.is_some());
            self.response_bytes += exchange.response_body.length;
        }
    }
}

/// Whether lists show an exchange: a CONNECT only if it failed or stayed opaque, since docker makes one per request.
pub fn is_listed(exchange: &Exchange) -> bool {
    !exchange.is_connect() || exchange.failure.is_some() || exchange.tunnel.is_some()
}
