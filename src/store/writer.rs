//! A session that is open for recording: one transaction per batch, and the file put back where it was deleted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::columns::Rows;
use super::facts::Facts;
use super::lock::Lock;
use super::queue::Entry;
use super::{Session, StoreError, create_file, schema, version_of};
use crate::platform;

/// How long another program's lock on the file is waited for.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The size of a page, in bytes: what SQLite writes at a time.
const PAGE: u32 = 16 << 10;

/// So many bytes may wait beside the file until they are written into it.
const CHECKPOINT: u32 = 8 << 20;

/// The last numbers that a session has given out; new ones follow them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastIds {
    /// Of exchanges.
    pub exchange: u64,
    /// Of client connections.
    pub connection: u64,
}

/// A session that exchanges can be written to. Only one program at a time has it.
pub struct WritableSession {
    path: PathBuf,
    connection: Connection,
    facts: Facts,
    identity: Option<platform::FileIdentity>,
    last_ids: LastIds,
    capture: i64,
    _lock: Lock,
}

impl WritableSession {
    /// A new session; see [`Session::create`](super::Session::create).
    pub(super) fn create(path: &Path) -> Result<Self, StoreError> {
        let lock = Lock::of(path).map_err(|error| StoreError::lock(path, error))?;
        create_file(path)?;
        Self::begin(path, lock).inspect_err(|_| remove(path))
    }

    /// A session to go on with; see [`Session::append`](super::Session::append).
    pub(super) fn append(path: &Path) -> Result<Self, StoreError> {
        std::fs::metadata(path).map_err(|error| StoreError::io(path, error))?;
        let lock = Lock::of(path).map_err(|error| StoreError::lock(path, error))?;
        version_of(path, &connect(path).map_err(|error| StoreError::sqlite(path, error))?)?;
        Self::begin(path, lock)
    }

    fn begin(path: &Path, lock: Lock) -> Result<Self, StoreError> {
        let sqlite = |error| StoreError::sqlite(path, error);
        let mut connection = connect(path).map_err(sqlite)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(sqlite)?;
        schema::migrate(&mut connection).map_err(sqlite)?;
        let last_ids = last_ids(&connection).map_err(sqlite)?;
        let capture = begin_capture(&connection, last_ids).map_err(sqlite)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            facts: Facts::default(),
            identity: platform::file_identity(path),
            last_ids,
            capture,
            _lock: lock,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The numbers that were given out before this capture.
    pub fn last_ids(&self) -> LastIds {
        self.last_ids
    }

    /// Writes these exchanges, all or none, each in place of an earlier snapshot of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) -> Result<(), StoreError> {
        if platform::file_identity(&self.path) != self.identity {
            self.put_back()?;
        }
        let result = write(&mut self.connection, &mut self.facts, entries);
        result.map_err(|error| {
            // What was numbered in this transaction is not there.
            self.facts = Facts::default();
            StoreError::sqlite(&self.path, error)
        })
    }

    /// The file was deleted or moved, but is still open here: writes all of it again to where it was.
    fn put_back(&mut self) -> Result<(), StoreError> {
        let sqlite = |error| StoreError::sqlite(&self.path, error);
        create_file(&self.path)?;
        let copy = || {
            for ending in ["-wal", "-shm"] {
                // Left over, they would be taken for the new file's.
                remove(&beside(&self.path, ending));
            }
            self.connection.execute("VACUUM INTO ?", [self.path.to_string_lossy()])?;
            let copy = connect(&self.path)?;
            copy.pragma_update(None, "journal_mode", "WAL")?;
            Ok(copy)
        };
        self.connection = copy().inspect_err(|_| remove(&self.path)).map_err(sqlite)?;
        self.identity = platform::file_identity(&self.path);
        tracing::warn!(session = %self.path.display(), "the session file was deleted or moved: it is written again");
        Ok(())
    }

    /// Ends the recording, in which so many exchanges were lost, and leaves a single file behind.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self, lost: u64) -> Result<(), StoreError> {
        let sqlite = |error| StoreError::sqlite(&self.path, error);
        if lost > 0 {
            let update = "UPDATE capture SET lost = ? WHERE id = ?";
            self.connection.execute(update, params![lost.cast_signed(), self.capture]).map_err(sqlite)?;
        }
        self.connection.busy_timeout(Duration::ZERO).map_err(sqlite)?;
        settle_connection(&self.connection);
        Ok(())
    }
}

/// Makes one file of a finished session that somebody read while it was finished: else its last exchanges stay in the
/// file beside it, and whoever copies it has a part only.
pub fn settle(path: &Path) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Where it cannot be opened or is being read again, it is as good as before, in several files.
    if beside(path, "-wal").exists()
        && let Ok(connection) = Connection::open_with_flags(path, flags)
    {
        settle_connection(&connection);
    }
}

/// Removes a finished session in which nothing is; whether it did. One that somebody records into stays.
pub fn remove_if_empty(path: &Path) -> bool {
    let Ok(_lock) = Lock::of(path) else { return false };
    let is_empty = Session::open(path).and_then(|session| session.count()).is_ok_and(|count| count == 0);
    if is_empty {
        for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
            remove(&file);
        }
    }
    is_empty && !path.exists()
}

/// Such a file can be read from a folder that cannot be written to. While somebody else reads, it stays as it is.
fn settle_connection(connection: &Connection) {
    let _ = connection.pragma_update(None, "journal_mode", "DELETE");
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Nothing is lost when the program is killed; when the machine is, the last moments may be.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    // Rows refer to what this connection has just written. To check that would copy a page for every exchange.
    connection.pragma_update(None, "foreign_keys", false)?;
    // Of a new file: an exchange takes some kilobytes, and several fit one page.
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT / PAGE)?;
    Ok(connection)
}

fn last_ids(connection: &Connection) -> rusqlite::Result<LastIds> {
    let select = "SELECT coalesce(max(id), 0), coalesce(max(connection), 0) FROM exchange";
    connection.query_row(select, [], |row| {
        let number = |at| row.get(at).map(i64::cast_unsigned);
        Ok(LastIds { exchange: number(0)?, connection: number(1)? })
    })
}

fn begin_capture(connection: &Connection, last: LastIds) -> rusqlite::Result<i64> {
    connection.execute(
        "INSERT INTO capture (began, pulltap, first_exchange)
         VALUES (CAST(unixepoch('subsec') * 1e6 AS INTEGER), ?, ?)",
        params![env!("CARGO_PKG_VERSION"), last.exchange.saturating_add(1).cast_signed()],
    )?;
    Ok(connection.last_insert_rowid())
}

fn write<'a>(
    connection: &mut Connection,
    facts: &mut Facts,
    entries: impl Iterator<Item = &'a Entry>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut rows = Rows::new(&transaction, facts);
    for entry in entries {
        rows.write(entry)?;
    }
    drop(rows);
    transaction.commit()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a file of which it does not matter whether it is there.
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}
