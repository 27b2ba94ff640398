//! Work that must not hold up the screen: reading an exchange, writing a HAR.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::event::{Loaded, Saved};
use super::inbox::Inbox;
use crate::exchange::{Exchange, ExchangeId};

/// Where the exchanges are that the screen shows; errors are words for the user.
pub trait Archive: Send + Sync {
    /// The exchange with this id, if it is there already.
    ///
    /// # Errors
    /// When it cannot be read.
    fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, String>;

    /// Writes all of them into a new HAR; says how many.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    fn save(&self, path: &Path) -> Result<u64, String>;

    /// Whether credentials are masked in the HAR files that it writes.
    fn is_masking(&self) -> bool;
}

/// The threads that do the work.
pub struct Jobs {
    archive: Arc<dyn Archive>,
    inbox: Arc<Inbox>,
    wanted: Arc<Wanted>,
    reader: Option<JoinHandle<()>>,
    saver: Option<JoinHandle<()>>,
}

/// What is to be read next: only the last wish counts.
#[derive(Default)]
struct Wanted {
    next: Mutex<Next>,
    changed: Condvar,
}

#[derive(Default)]
struct Next {
    id: Option<ExchangeId>,
    is_over: bool,
}

impl Jobs {
    /// Starts the thread that reads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(archive: Arc<dyn Archive>, inbox: Arc<Inbox>) -> io::Result<Self> {
        let wanted = Arc::new(Wanted::default());
        let reader = {
            let (archive, inbox, wanted) = (Arc::clone(&archive), Arc::clone(&inbox), Arc::clone(&wanted));
            thread::Builder::new().name("reader".to_owned()).spawn(move || {
                while let Some(id) = wanted.next() {
                    let result = match inbox.recent(id) {
                        Some(exchange) => Ok(Some(exchange)),
                        None => archive.exchange(id).map(|exchange| exchange.map(Arc::new)),
                    };
                    inbox.loaded(Loaded { id, result });
                }
            })?
        };
        Ok(Self { archive, inbox, wanted, reader: Some(reader), saver: None })
    }

    /// Reads this exchange next; the inbox gets it.
    pub fn load(&self, id: ExchangeId) {
        self.wanted.change(|next| next.id = Some(id));
    }

    /// Writes a HAR; the inbox is told how it went.
    pub fn save(&mut self, path: String) {
        if let Some(before) = self.saver.take() {
            // The screen asks for one at a time, so this one is over.
            let _ = before.join();
        }
        let (archive, inbox) = (Arc::clone(&self.archive), Arc::clone(&self.inbox));
        let (name, is_masked) = (path.clone(), self.archive.is_masking());
        let saver = thread::Builder::new().name("saver".to_owned()).spawn(move || {
            let result = archive.save(Path::new(&path));
            inbox.saved(Saved { path, is_masked, result });
        });
        match saver {
            Ok(saver) => self.saver = Some(saver),
            Err(error) => self.inbox.saved(Saved { path: name, is_masked, result: Err(error.to_string()) }),
        }
    }
}

impl Drop for Jobs {
    /// Waits for what is being written.
    fn drop(&mut self) {
        self.wanted.change(|next| next.is_over = true);
        for thread in [self.reader.take(), self.saver.take()].into_iter().flatten() {
            // Its panic was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Wanted {
    fn change(&self, change: impl FnOnce(&mut Next)) {
        change(&mut self.next.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Waits for a wish; `None` when there will be no more.
    fn next(&self) -> Option<ExchangeId> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if next.is_over {
                return None;
            }
            if let Some(id) = next.id.take() {
                return Some(id);
            }
            next = self.changed.wait(next).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
