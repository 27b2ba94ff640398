//! What waits to be written: bounded, and one snapshot per exchange, the latest.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::exchange::{Body, Exchange, ExchangeId};
use crate::redact::Redacted;

/// Bytes of exchanges that may wait. Beyond, new ones are lost and counted: traffic never waits for the disk.
const LIMIT: usize = 64 << 20;

/// With so many bytes a batch does not wait for more.
const FULL_BATCH: usize = 1 << 20;

/// How long the first exchange of a batch waits for others. A program that is killed loses what waited.
const BATCH_TIME: Duration = Duration::from_millis(50);

/// The way from the capture to the recorder's thread.
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    written: Condvar,
    limit: usize,
}

/// Entries are in boxes: they are large, and the map moves its neighbours.
#[derive(Default)]
struct State {
    waiting: BTreeMap<ExchangeId, Box<Entry>>,
    bytes: usize,
    lost: u64,
    /// Whether a batch was taken that is not written yet.
    is_writing: bool,
    is_closed: bool,
}

/// An exchange to be written.
#[derive(Debug)]
pub struct Entry {
    /// The exchange, as far as it has come.
    pub exchange: Redacted<Exchange>,
    /// What it was taken for.
    pub role: &'static str,
}

/// What is written in one transaction.
#[derive(Debug)]
pub struct Batch {
    /// Exchanges by their number.
    pub entries: BTreeMap<ExchangeId, Box<Entry>>,
    /// Whether nothing will come after it.
    pub is_last: bool,
}

impl Default for Queue {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl Queue {
    fn with_limit(limit: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), written: Condvar::new(), limit }
    }

    /// Adds an exchange, in place of an earlier snapshot of it. Never waits.
    pub fn add(&self, entry: Entry) {
        let entry = Box::new(entry);
        let is_news = self.lock().add(entry, self.limit);
        if is_news {
            self.changed.notify_one();
        }
    }

    /// Nothing will be added any more.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Whether nothing will be added any more.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Exchanges that were lost so far.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// Waits for the next batch.
    pub fn take(&self) -> Batch {
        let is_empty = |state: &mut State| state.waiting.is_empty() && !state.is_closed;
        let state = self.changed.wait_while(self.lock(), is_empty).unwrap_or_else(PoisonError::into_inner);
        let may_grow = |state: &mut State| state.bytes < FULL_BATCH && !state.is_closed;
        let waited = self.changed.wait_timeout_while(state, BATCH_TIME, may_grow);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.bytes = 0;
        state.is_writing = true;
        Batch { entries: std::mem::take(&mut state.waiting), is_last: state.is_closed }
    }

    /// The last batch is written.
    pub fn wrote(&self) {
        self.lock().is_writing = false;
        self.written.notify_all();
    }

    /// Waits until all that was added is written, but no longer than this.
    pub fn wait_until_written(&self, time: Duration) {
        let is_behind = |state: &mut State| !state.waiting.is_empty() || state.is_writing;
        let waited = self.written.wait_timeout_while(self.lock(), time, is_behind);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes back what could not be written; a later snapshot of the same exchange stays.
    pub fn put_back(&self, batch: Batch) {
        let mut state = self.lock();
        state.is_writing = false;
        for (id, entry) in batch.entries {
            if !state.waiting.contains_key(&id) {
                state.add(entry, self.limit);
            }
        }
    }

    /// Gives up what waits.
    pub fn give_up(&self) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.bytes = 0;
        state.lost += waiting.values().filter(|entry| entry.exchange.is_over()).count() as u64;
    }

    /// Waits this long, or until nothing will be added any more.
    pub fn rest(&self, time: Duration) {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |state| !state.is_closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Says whether the recorder is to hear of it: a batch begins, or is full. To be woken for every exchange would cost it
    /// more than to write them.
    fn add(&mut self, entry: Box<Entry>, limit: usize) -> bool {
        let size = size(&entry.exchange);
        let earlier = self.waiting.get(&entry.exchange.id).map_or(0, |earlier| self::size(&earlier.exchange));
        let bytes = self.bytes - earlier + size;
        if bytes > limit {
            // A snapshot of what still runs is not missed: another will come.
            self.lost += u64::from(entry.exchange.is_over());
            return false;
        }
        let is_news = self.waiting.is_empty() || (self.bytes < FULL_BATCH && bytes >= FULL_BATCH);
        self.bytes = bytes;
        self.waiting.insert(entry.exchange.id, entry);
        is_news
    }
}

/// About what an exchange takes in memory.
fn size(exchange: &Exchange) -> usize {
    const HEADS: usize = 4096;
    let body = |body: &Body| body.bytes.len();
    HEADS + body(&exchange.request_body) + body(&exchange.response_body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Moment, Origin, State as Progress, Target};
    use crate::redact::{FingerprintKey, Options, Redactor};

    fn exchange(id: u64, state: Progress, length: usize) -> Entry {
        let id = ExchangeId::new(id).unwrap();
        let mut exchange = Exchange::new(id, Origin::Live, Target::http("a.test", 80), Moment::EPOCH);
        exchange.state = state;
        exchange.response_body.bytes = vec![0; length];
        let redactor = Redactor::new(FingerprintKey::new([0; 32]), Options::default());
        Entry { exchange: redactor.redact(exchange), role: "other" }
    }

    #[test]
    fn keeps_the_latest_snapshot_of_each() {
        let queue = Queue::default();
        queue.add(exchange(2, Progress::Open, 10));
        queue.add(exchange(1, Progress::Complete, 1));
        queue.add(exchange(2, Progress::Complete, 20));
        queue.close();
        let batch = queue.take();
        assert!(batch.is_last);
        let lengths: Vec<_> = batch.entries.values().map(|entry| entry.exchange.response_body.bytes.len()).collect();
        assert_eq!(lengths, [1, 20]);
    }

    #[test]
    fn what_is_put_back_does_not_replace_what_came_since() {
        let queue = Queue::default();
        queue.add(exchange(1, Progress::Open, 1));
        queue.add(exchange(2, Progress::Open, 1));
        let batch = queue.take();
        queue.add(exchange(2, Progress::Complete, 0));
        queue.put_back(batch);
        let states: Vec<_> = queue.take().entries.values().map(|entry| entry.exchange.state).collect();
        assert_eq!(states, [Progress::Open, Progress::Complete]);
    }

    #[test]
    fn is_written_when_nothing_waits_and_the_batch_is_done() {
        let queue = Queue::default();
        let is_written = |queue: &Queue| {
            queue.wait_until_written(Duration::ZERO);
            let state = queue.lock();
            state.waiting.is_empty() && !state.is_writing
        };
        assert!(is_written(&queue));
        queue.add(exchange(1, Progress::Complete, 1));
        assert!(!is_written(&queue));
        let batch = queue.take();
        assert!(!is_written(&queue));
        queue.put_back(batch);
        assert!(!is_written(&queue));
        drop(queue.take());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.wait_until_written(Duration::from_mins(1)));
            queue.wrote();
            waiting.join().unwrap();
        });
        assert!(is_written(&queue));
    }

    #[test]
    fn counts_what_it_cannot_keep() {
        let queue = Queue::with_limit(10_000);
        queue.add(exchange(1, Progress::Complete, 0));
        queue.add(exchange(2, Progress::Complete, 6000));
        queue.add(exchange(3, Progress::Open, 6000));
        assert_eq!(queue.lost(), 1);
        queue.give_up();
        assert_eq!(queue.lost(), 2);
        queue.close();
        assert!(queue.take().entries.is_empty());
    }
}
