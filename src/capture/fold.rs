//! The exchanges that are still running, folded from their events.

use std::collections::BTreeMap;

use super::Summary;
use crate::diagnose::{Finding, Operation};
use crate::exchange::event::{CaptureEvent, Happening};
use crate::exchange::{Exchange, ExchangeId, Moment};

/// An exchange without an answer is worth a line after this many seconds, and again after as many more.
const WAITING_SECONDS: u64 = 5;

/// What runs longer than this is written as far as it has come, as often as that at most; what is shorter is written
/// once, when it is over.
const SNAPSHOT_MICROS: i64 = 1_000_000;

/// The exchanges that are running, and numbers about those that are over.
#[derive(Default)]
pub(super) struct Fold {
    /// Each in a box: an exchange is large, and the map moves its neighbours when one is over.
    open: BTreeMap<ExchangeId, Box<Open>>,
    summary: Summary,
}

struct Open {
    exchange: Exchange,
    told_waiting: u64,
    written: Moment,
    has_changed: bool,
}

/// What became of an exchange.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and never kept")]
pub(super) enum Folded<'a> {
    /// It has begun: who asks whom is known.
    Begun(&'a Exchange),
    /// It is over.
    Over(Exchange),
}

impl Folded<'_> {
    /// The exchange, if it is over; one that has begun is told of.
    pub(super) fn over(self, begun: impl FnOnce(&Exchange)) -> Option<Exchange> {
        match self {
            Self::Begun(exchange) => {
                begun(exchange);
                None
            }
            Self::Over(exchange) => Some(exchange),
        }
    }
}

impl Open {
    fn new(exchange: Exchange) -> Self {
        Self { told_waiting: 0, written: exchange.timings.opened, has_changed: true, exchange }
    }
}

impl Fold {
    /// Folds events into exchanges, tells of those that begin, and hands over those that are over.
    pub(super) fn events(&mut self, events: impl Iterator<Item = CaptureEvent>, mut give: impl FnMut(Folded<'_>)) {
        for CaptureEvent { exchange: id, at, what } in events {
            if let Happening::Opened(opened) = what {
                let open = Box::new(Open::new(Exchange::opened(id, at, *opened)));
                give(Folded::Begun(&open.exchange));
                self.open.insert(id, open);
                continue;
            }
            let Some(open) = self.open.get_mut(&id) else { continue };
            open.exchange.apply(at, what);
            open.has_changed = true;
            if open.exchange.is_over()
                && let Some(open) = self.open.remove(&id)
            {
                self.summary.count(&open.exchange);
                give(Folded::Over(open.exchange));
            }
        }
    }

    /// Tells of exchanges that wait for their answer, and for how many seconds.
    pub(super) fn waiting(&mut self, now: Moment, mut tell: impl FnMut(&Exchange, u64)) {
        for open in self.open.values_mut() {
            let waits = open.exchange.timings.first_byte.is_none() && open.exchange.tunnel.is_none();
            let seconds = now.micros_since(open.exchange.timings.opened).unsigned_abs() / 1_000_000;
            if waits && !open.exchange.answered_by_us && seconds >= open.told_waiting + WAITING_SECONDS {
                open.told_waiting = seconds;
                tell(&open.exchange, seconds);
            }
        }
    }

    /// Gives the exchanges that have run for a while and have changed since they were given last.
    pub(super) fn unwritten(&mut self, now: Moment, mut give: impl FnMut(&Exchange)) {
        for open in self.open.values_mut() {
            if open.has_changed && now.micros_since(open.written) >= SNAPSHOT_MICROS {
                open.has_changed = false;
                open.written = now;
                give(&open.exchange);
            }
        }
    }

    /// Numbers about what is over, with these findings and operations.
    pub(super) fn summary(self, findings: Vec<Finding>, operations: Vec<Operation>) -> Summary {
        Summary { findings, operations, ..self.summary }
    }
}

impl Summary {
    fn count(&mut self, exchange: &Exchange) {
        if exchange.is_listed() {
            self.exchanges += 1;
            self.failed += u64::from(exchange.failure.is_some());
            self.response_bytes += if exchange.answered_by_us { 0 } else { exchange.response_body.length };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::event::Opened;
    use crate::exchange::{Origin, RequestHead, Target};

    #[test]
    fn gives_what_runs_long_once_a_second_and_only_if_it_changed() {
        let id = ExchangeId::new(1).unwrap();
        let target = Target::http("a.test", 80);
        let opened = Opened::new(Origin::Live, target);
        let event = |what| [CaptureEvent { exchange: id, at: Moment::EPOCH, what }].into_iter();
        let mut fold = Fold::default();
        fold.events(event(Happening::Opened(Box::new(opened))), |_| {});
        let given = |fold: &mut Fold, micros| {
            let mut count = 0;
            fold.unwritten(Moment::from_micros(micros), |_| count += 1);
            count
        };
        assert_eq!([999_999, 1_000_000, 2_000_000].map(|micros| given(&mut fold, micros)), [0, 1, 0]);
        let request = Happening::Request(RequestHead::new("GET", "/"), crate::exchange::Kept::All);
        fold.events(event(request), |_| {});
        assert_eq!([1_500_000, 2_500_000, 9_000_000].map(|micros| given(&mut fold, micros)), [0, 1, 0]);
    }
}
