//! Keeps a second pulltap from recording into the same file.
//!
//! The lock lies beside the session, not on it: SQLite locks byte ranges of its files itself, on Windows a lock on
//! the whole file would shut it out, and its own write lock is held for a moment at a time only, so that people can
//! query a running capture.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Held as long as this program records into a session. The system gives it up when the program ends, however.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

/// Why a lock was not given.
#[derive(Debug)]
pub enum LockError {
    /// Somebody holds it.
    Held,
    /// The file for it cannot be made.
    Io(io::Error),
}

impl Lock {
    /// The lock of this session.
    pub fn of(session: &Path) -> Result<Self, LockError> {
        let mut path = session.as_os_str().to_owned();
        path.push("-lock");
        let path = PathBuf::from(path);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held),
            // A file system without locks; SQLite's own still keep the file whole.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
        }
        Ok(Self { path, _file: file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A file that stays is empty, and locked by nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_given_to_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("a.pulltap");
        let lock = Lock::of(&session).unwrap();
        assert!(matches!(Lock::of(&session), Err(LockError::Held)));
        drop(lock);
        drop(Lock::of(&session).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
