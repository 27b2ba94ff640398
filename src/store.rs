//! The session file: an SQLite database with every exchange of a capture, written by one [`Recorder`] and read back
//! through [`Session`]. What stands in it is described in [`schema`], for people who query it themselves.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Row};

use crate::exchange::{Exchange, ExchangeId};
use crate::platform;

mod columns;
pub mod error;
mod facts;
mod hex;
mod json;
mod lock;
mod names;
pub mod queue;
pub mod recorder;
mod restore;
pub mod schema;
pub mod trouble;
mod writer;

pub use error::StoreError;
pub use queue::Entry;
pub use recorder::{Recorded, Recorder, Recording};
use restore::Known;
pub use trouble::{Health, Trouble, TroubleKind};
pub use writer::{LastIds, WritableSession, remove_if_empty, settle};

/// The ending of a session file's name.
pub const EXTENSION: &str = "pulltap";

/// A session that is read, finished or still being written.
#[derive(Debug)]
pub struct Session {
    path: PathBuf,
    connection: Connection,
}

impl Session {
    /// Makes a new session, which only its owner may read.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn create(path: &Path) -> Result<WritableSession, StoreError> {
        WritableSession::create(path)
    }

    /// Opens a session to record more into it.
    ///
    /// # Errors
    /// When it is no session, another program records into it, or it cannot be written.
    pub fn append(path: &Path) -> Result<WritableSession, StoreError> {
        WritableSession::append(path)
    }

    /// Opens a session for reading. The file stays as it is; one of an earlier version is read through a copy.
    ///
    /// # Errors
    /// When it is no session or cannot be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = open_for_reading(path)?;
        let version = version_of(path, &connection)?;
        let connection = if version < schema::VERSION { migrated_copy(path, &connection)? } else { connection };
        Ok(Self { path: path.to_owned(), connection })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many exchanges there are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.number("SELECT count(*) FROM exchange")
    }

    /// How many exchanges could not be written while it was recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn lost(&self) -> Result<u64, StoreError> {
        self.number("SELECT coalesce(sum(lost), 0) FROM capture")
    }

    /// The exchange with this id.
    ///
    /// # Errors
    /// When the file cannot be read, or is damaged there.
    pub fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, StoreError> {
        let sqlite = |error| StoreError::sqlite(&self.path, error);
        let select = self.connection.prepare_cached("SELECT * FROM exchange WHERE id = ?");
        let mut select = select.map_err(sqlite)?;
        let mut rows = select.query([id.number().cast_signed()]).map_err(sqlite)?;
        let row = rows.next().map_err(sqlite)?;
        row.map(|row| self.restored(&mut Known::default(), row)).transpose()
    }

    /// All exchanges in the order in which they began, read one by one.
    pub fn exchanges(&self) -> Exchanges<'_> {
        self.exchanges_after(0)
    }

    /// The exchanges with greater ids than this, in the order in which they began, read one by one.
    pub fn exchanges_after(&self, id: u64) -> Exchanges<'_> {
        Exchanges {
            session: self,
            after: id.cast_signed(),
            known: Known::default(),
            read: VecDeque::new(),
            error: None,
            has_ended: false,
        }
    }

    fn number(&self, select: &str) -> Result<u64, StoreError> {
        let number = self.connection.query_row(select, [], |row| row.get(0));
        number.map(i64::cast_unsigned).map_err(|error| StoreError::sqlite(&self.path, error))
    }

    fn restored(&self, known: &mut Known, row: &Row<'_>) -> Result<Exchange, StoreError> {
        let id = row.get("id").map_err(|error| StoreError::sqlite(&self.path, error))?;
        restore::exchange(&self.connection, known, row).map_err(|error| StoreError::row(&self.path, id, error))
    }
}

/// So many exchanges, or bytes of content, are read ahead. No more: whoever records waits for nobody, but can write its
/// file anew only between two readings.
const READ_AHEAD: usize = 256;
const BYTES_AHEAD: usize = 8 << 20;

/// The exchanges of a session, one by one. After an error there are no more.
pub struct Exchanges<'a> {
    session: &'a Session,
    after: i64,
    known: Known,
    read: VecDeque<Exchange>,
    error: Option<StoreError>,
    has_ended: bool,
}

impl Exchanges<'_> {
    /// Reads some more; none is the end.
    fn read_ahead(&mut self) -> Result<(), StoreError> {
        const NEXT: &str = "SELECT * FROM exchange WHERE id > ? ORDER BY id";
        let Self { session, known, read, .. } = self;
        let sqlite = |error| StoreError::sqlite(&session.path, error);
        let mut select = session.connection.prepare_cached(NEXT).map_err(sqlite)?;
        let mut rows = select.query([self.after]).map_err(sqlite)?;
        let mut bytes = 0;
        while read.len() < READ_AHEAD
            && bytes < BYTES_AHEAD
            && let Some(row) = rows.next().map_err(sqlite)?
        {
            let exchange = session.restored(known, row)?;
            self.after = exchange.id.number().cast_signed();
            bytes += exchange.request_body.bytes.len() + exchange.response_body.bytes.len();
            read.push_back(exchange);
        }
        Ok(())
    }
}

impl Iterator for Exchanges<'_> {
    type Item = Result<Exchange, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.read.is_empty() && !self.has_ended {
            self.error = self.read_ahead().err();
            self.has_ended = self.error.is_some() || self.read.is_empty();
        }
        self.read.pop_front().map(Ok).or_else(|| self.error.take().map(Err))
    }
}

fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let sqlite = |error| StoreError::sqlite(path, error);
    // SQLite's own message would not say which of both it is.
    std::fs::metadata(path).map_err(|error| StoreError::io(path, error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(writer::PATIENCE).map_err(sqlite)?;
    Ok(connection)
}

/// The schema's version of a file that is a session.
fn version_of(path: &Path, connection: &Connection) -> Result<i32, StoreError> {
    let sqlite = |error| StoreError::sqlite(path, error);
    if schema::application_id(connection).map_err(sqlite)? != schema::APPLICATION_ID {
        return Err(StoreError::NotASession { path: path.to_owned() });
    }
    let version = schema::version(connection).map_err(sqlite)?;
    if version > schema::VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), version, known: schema::VERSION });
    }
    Ok(version)
}

/// A temporary copy in the present format, which SQLite itself takes away with the connection.
fn migrated_copy(path: &Path, connection: &Connection) -> Result<Connection, StoreError> {
    let copy = || {
        let mut copy = Connection::open("")?;
        rusqlite::backup::Backup::new(connection, &mut copy)?.run_to_completion(
            1024,
            std::time::Duration::ZERO,
            None,
        )?;
        schema::migrate(&mut copy)?;
        Ok(copy)
    };
    copy().map_err(|error| StoreError::sqlite(path, error))
}

/// Makes a new empty file beside which SQLite's own files get the same permissions.
fn create_file(path: &Path) -> Result<(), StoreError> {
    platform::create_private_file(path).map(drop).map_err(|error| StoreError::io(path, error))
}
