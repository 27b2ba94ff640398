//! What keeps the recorder from writing, said so that a person can do something about it.

use std::io;

use rusqlite::ErrorCode;

use super::StoreError;

/// How the recorder is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// What keeps it from writing now.
    pub trouble: Option<Trouble>,
    /// Exchanges that could not be kept until they could be written.
    pub lost: u64,
}

/// What keeps the recorder from writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: TroubleKind,
    /// What the system said.
    pub message: String,
}

/// The kinds of trouble that people can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// Another program writes to the file, or reads it for very long.
    Busy,
    /// No space is left on the disk.
    DiskFull,
    /// It cannot be written for another reason.
    Failed,
    /// The file was deleted or moved away.
    Gone,
    /// The file or its folder must not be written to.
    NotWritable,
}

impl TroubleKind {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::DiskFull => "disk-full",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::NotWritable => "not-writable",
        }
    }
}

impl Trouble {
    /// The trouble that this error means.
    pub fn of(error: &StoreError) -> Self {
        Self { kind: kind(error), message: error.to_string() }
    }
}

fn kind(error: &StoreError) -> TroubleKind {
    match error {
        StoreError::Exists { .. }
        | StoreError::NotASession { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. } => TroubleKind::Failed,
        StoreError::Missing { .. } => TroubleKind::Gone,
        StoreError::InUse { .. } => TroubleKind::Busy,
        StoreError::Io { refusal, .. } => kind_of_io(refusal),
        StoreError::Sqlite { refusal, .. } => match refusal.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => TroubleKind::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => TroubleKind::Busy,
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => TroubleKind::NotWritable,
            _ => TroubleKind::Failed,
        },
    }
}

fn kind_of_io(error: &io::Error) -> TroubleKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => TroubleKind::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => TroubleKind::NotWritable,
        io::ErrorKind::NotFound => TroubleKind::Gone,
        _ => TroubleKind::Failed,
    }
}
