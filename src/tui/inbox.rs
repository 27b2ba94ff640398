//! What the capture tells the screen: shared state under a lock that both hold for moments only, so that traffic never
//! waits for the screen. Of each exchange the last word counts, and a screen that does not come to look (its terminal
//! is stopped) costs a row per exchange, as its list does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::{Loaded, News, Saved, Told};
use crate::capture::{Understood, Update};
use crate::diagnose::Change;
use crate::exchange::{Exchange, ExchangeId};
use crate::index::Progress;

/// The door to the screen.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    news: News,
    recent: Recent,
}

impl Inbox {
    /// Takes in what a capture tells.
    pub fn tell(&self, update: &Update<'_>) {
        match update {
            Update::Over(understood) | Update::Running(understood) | Update::Waiting(understood, _) => {
                self.tell_exchange(understood);
            }
            Update::Finding(change) => self.lock().news.findings.push(change.clone()),
            Update::Recording(health) => self.lock().news.health = Some((*health).clone()),
            Update::UpToDate => {}
        }
    }

    fn tell_exchange(&self, understood: &Understood<'_>) {
        let Understood { exchange, row, notes, .. } = understood;
        // A tunnel is worth a line while it waits, and when it goes wrong.
        let is_listed = exchange.is_listed() || row.progress == Progress::Waiting;
        let told = Told { row: row.clone(), notes: notes.clone(), is_listed };
        let kept = (size(exchange) <= Recent::LARGEST).then(|| Arc::new(Exchange::clone(exchange)));
        let mut state = self.lock();
        state.news.told.insert(told.row.id, told);
        if let Some(exchange) = kept {
            state.recent.put(exchange);
        }
    }

    /// Takes in an exchange of a file.
    pub fn tell_saved(&self, told: Told) {
        self.lock().news.told.insert(told.row.id, told);
    }

    /// Takes in what was found in a file.
    pub fn tell_findings(&self, changes: Vec<Change>) {
        self.lock().news.findings.extend(changes);
    }

    /// Takes in an exchange that the screen has asked for.
    pub(super) fn loaded(&self, loaded: Loaded) {
        self.lock().news.loaded = Some(loaded);
    }

    /// Takes in how saving ended.
    pub(super) fn saved(&self, saved: Saved) {
        self.lock().news.saved = Some(saved);
    }

    /// What was told since the last time.
    pub(super) fn take(&self) -> News {
        std::mem::take(&mut self.lock().news)
    }

    /// An exchange that was told lately; it may not be recorded yet, or never be.
    pub(super) fn recent(&self, id: ExchangeId) -> Option<Arc<Exchange>> {
        self.lock().recent.exchanges.iter().rev().find(|exchange| exchange.id == id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here is left half done by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exchanges that were told last, as far as they fit.
#[derive(Debug, Default)]
struct Recent {
    exchanges: VecDeque<Arc<Exchange>>,
    bytes: usize,
}

impl Recent {
    /// How many there are at most.
    const MOST: usize = 256;
    /// How many bytes of content they have at most.
    const BYTES: usize = 16 << 20;
    /// An exchange with more content than this is left to the session.
    const LARGEST: usize = 1 << 20;

    fn put(&mut self, exchange: Arc<Exchange>) {
        if let Some(at) = self.exchanges.iter().rposition(|other| other.id == exchange.id) {
            self.take_out(at);
        }
        self.bytes += size(&exchange);
        self.exchanges.push_back(exchange);
        while self.exchanges.len() > Self::MOST || self.bytes > Self::BYTES {
            self.take_out(0);
        }
    }

    fn take_out(&mut self, at: usize) {
        if let Some(exchange) = self.exchanges.remove(at) {
            self.bytes -= size(&exchange);
        }
    }
}

fn size(exchange: &Exchange) -> usize {
    exchange.request_body.bytes.len() + exchange.response_body.bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Moment, Origin, Target};

    fn exchange(number: u64, bytes: usize) -> Arc<Exchange> {
        let id = ExchangeId::new(number).unwrap();
        let mut exchange = Exchange::new(id, Origin::Live, Target::https("a.test", 443), Moment::EPOCH);
        exchange.response_body.bytes = vec![0; bytes];
        Arc::new(exchange)
    }

    #[test]
    fn keeps_what_came_last_within_its_limits() {
        let mut recent = Recent::default();
        (1..=300).for_each(|number| recent.put(exchange(number, 1)));
        recent.put(exchange(300, 5));
        assert_eq!((recent.exchanges.len(), recent.bytes), (Recent::MOST, Recent::MOST - 1 + 5));
        (301..=340).for_each(|number| recent.put(exchange(number, Recent::LARGEST)));
        assert_eq!((recent.exchanges.len(), recent.bytes), (16, Recent::BYTES));
        assert_eq!(recent.exchanges.back().unwrap().id.number(), 340);
    }
}
