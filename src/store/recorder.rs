//! The one writer of a session: a thread of its own, because SQLite blocks, fed through a bounded [`Queue`].
//!
//! When it cannot write (no space, no permission, the file is gone) it says so, keeps what it can, tries again every
//! second, and counts what was lost meanwhile.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;

use super::queue::{Batch, Entry, Queue};
use super::{Health, LastIds, Session, StoreError, Trouble, WritableSession};
use crate::exchange::Exchange;
use crate::platform;
use crate::redact::Redacted;

/// How long to wait before writing is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How often the last batch is tried once the capture has ended, and how long is waited between.
const LAST_TRIES: u32 = 3;
const LAST_WAIT: Duration = Duration::from_millis(200);

/// How a recording ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The session file.
    pub path: PathBuf,
    /// What kept it from being written, or was not well until the end, and how many exchanges were lost.
    pub health: Health,
}

/// The session of a recorder, for those who read it meanwhile.
#[derive(Clone)]
pub struct Recording {
    path: PathBuf,
    queue: Arc<Queue>,
}

impl Recording {
    /// The session file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the file has all that was recorded so far, but no longer than this: a disk may be full.
    pub fn catch_up(&self, time: Duration) {
        self.queue.wait_until_written(time);
    }
}

/// Writes exchanges to a session as they come.
pub struct Recorder {
    path: PathBuf,
    last_ids: LastIds,
    queue: Arc<Queue>,
    health: watch::Receiver<Health>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Records into this session.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(session: WritableSession) -> io::Result<Self> {
        Self::spawn(session.path().to_owned(), Some(session), Health::default())
    }

    /// Records into a new session at this path, which could not be made because of `error`: that is the recorder's
    /// first trouble, and it will try again.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start_in_trouble(path: &Path, error: &StoreError) -> io::Result<Self> {
        Self::spawn(path.to_owned(), None, Health { trouble: Some(Trouble::of(error)), lost: 0 })
    }

    fn spawn(path: PathBuf, session: Option<WritableSession>, first: Health) -> io::Result<Self> {
        let last_ids = session.as_ref().map(WritableSession::last_ids).unwrap_or_default();
        let (telling, health) = watch::channel(Health::default());
        if first.trouble.is_some() {
            telling.send_replace(first);
        }
        let queue = Arc::new(Queue::default());
        let writing = Writing { path: path.clone(), session, queue: Arc::clone(&queue), health: telling };
        let thread = thread::Builder::new().name("recorder".to_owned()).spawn(move || writing.run())?;
        Ok(Self { path, last_ids, queue, health, thread: Some(thread) })
    }

    /// The session file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its session, to be read while it is written.
    pub fn recording(&self) -> Recording {
        Recording { path: self.path.clone(), queue: Arc::clone(&self.queue) }
    }

    /// The last numbers that stood in the session before; new ones follow them.
    pub fn last_ids(&self) -> LastIds {
        self.last_ids
    }

    /// How it is, now and whenever that changes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Has this exchange written, in place of an earlier snapshot of it, and what it is to a registry client, for people
    /// who ask the file. Never waits.
    pub fn record(&self, exchange: Redacted<Exchange>, role: &'static str) {
        self.queue.add(Entry { exchange, role });
    }

    /// Waits until everything is written that can be.
    pub fn finish(mut self) -> Recorded {
        self.end();
        let health = self.health.borrow().clone();
        Recorded { path: self.path.clone(), health }
    }

    fn end(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was printed; what is in the file stays good.
            let _ = thread.join();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

/// The recorder's thread.
struct Writing {
    path: PathBuf,
    session: Option<WritableSession>,
    queue: Arc<Queue>,
    health: watch::Sender<Health>,
}

impl Writing {
    fn run(mut self) {
        let mut last_tries = 0;
        loop {
            if self.session.is_none() {
                self.make_session();
            }
            if self.session.is_none() && !self.queue.is_closed() {
                self.queue.rest(RETRY);
                continue;
            }
            let batch = self.queue.take();
            let is_last = batch.is_last;
            if self.write(batch) {
                if is_last {
                    break;
                }
                continue;
            }
            if !is_last {
                self.queue.rest(RETRY);
                continue;
            }
            last_tries += 1;
            if last_tries == LAST_TRIES {
                self.queue.give_up();
                break;
            }
            wait(LAST_WAIT);
        }
        self.finish();
    }

    fn make_session(&mut self) {
        if let Some(folder) = self.path.parent() {
            // Where that fails, so does what follows, with a reason.
            let _ = platform::create_private_folder(folder);
        }
        match Session::create(&self.path) {
            Ok(session) => {
                self.session = Some(session);
                self.tell(None);
            }
            Err(error) => self.tell(Some(Trouble::of(&error))),
        }
    }

    /// Writes the batch; whether that worked.
    fn write(&mut self, batch: Batch) -> bool {
        let Some(session) = &mut self.session else {
            self.queue.put_back(batch);
            return false;
        };
        match session.write(batch.entries.values().map(|entry| &**entry)) {
            Ok(()) => {
                self.queue.wrote();
                self.tell(None);
            }
            Err(error) => {
                self.queue.put_back(batch);
                self.tell(Some(Trouble::of(&error)));
                return false;
            }
        }
        true
    }

    fn tell(&self, trouble: Option<Trouble>) {
        let now = Health { trouble, lost: self.queue.lost() };
        self.health.send_if_modified(|health| {
            let is_new = *health != now;
            *health = now;
            is_new
        });
    }

    fn finish(mut self) {
        let lost = self.queue.lost();
        let trouble = self.health.borrow().trouble.clone();
        match self.session.take().map(|session| session.finish(lost)) {
            Some(Err(error)) => self.tell(Some(Trouble::of(&error))),
            Some(Ok(())) | None => self.tell(trouble),
        }
    }
}

/// Waits on this thread, which serves nobody else.
#[expect(clippy::disallowed_methods, reason = "it is no worker of the runtime's")]
fn wait(time: Duration) {
    thread::sleep(time);
}
