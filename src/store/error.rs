//! What can be wrong with a session file.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use super::lock::LockError;
use super::restore::RowError;

/// Why a session cannot be read or written. The recorder shows the text alone, so it says the whole reason.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A new session was asked for, and the file exists.
    #[error("{} exists: continue it with --append, or choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("{}: there is no such file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another program records into it.
    #[error("another pulltap records into {}: end it, or choose another file with --session", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is something else, or lacks what stands in the file beside it.
    #[error(
        "{} is not a session of pulltap, or not all of one: while it is recorded, its -wal file has to be copied, too",
        path.display()
    )]
    NotASession {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a later pulltap.
    #[error("{} was written by a newer pulltap (format {version}, this one reads up to {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i32,
        /// The latest version that this program knows.
        known: i32,
    },
    /// Something stands in it that pulltap does not write.
    #[error("{} is damaged: exchange {exchange}, column {column}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The row.
        exchange: i64,
        /// The column.
        column: &'static str,
    },
    /// The system refused something.
    #[error("{}: {refusal}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        refusal: io::Error,
    },
    /// SQLite refused something.
    #[error("{}: {refusal}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said.
        refusal: rusqlite::Error,
    },
}

impl StoreError {
    /// What SQLite said about this file.
    pub(super) fn sqlite(path: &Path, refusal: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match refusal.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotASession { path },
            _ => Self::Sqlite { path, refusal },
        }
    }

    /// What the system said about this file.
    pub(super) fn io(path: &Path, refusal: io::Error) -> Self {
        let path = path.to_owned();
        match refusal.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Io { path, refusal },
        }
    }

    /// Why this file is not locked by us.
    pub(super) fn lock(path: &Path, error: LockError) -> Self {
        match error {
            LockError::Held => Self::InUse { path: path.to_owned() },
            LockError::Io(refusal) => Self::Io { path: path.to_owned(), refusal },
        }
    }

    /// Why this row cannot be read.
    pub(super) fn row(path: &Path, exchange: i64, error: RowError) -> Self {
        match error {
            RowError::Sqlite(source) => Self::sqlite(path, source),
            RowError::Column(column) => Self::Damaged { path: path.to_owned(), exchange, column },
        }
    }
}
