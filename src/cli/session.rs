//! Where a capture is recorded, and the recorder for it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Zoned;

use super::args::capture::CaptureOptions;
use super::named_file::cannot_write;
use crate::platform;
use crate::store::{self, EXTENSION, Health, Recorded, Recorder, Session, StoreError, WritableSession};

/// Captures that may begin within the same second.
const WITHIN_A_SECOND: u32 = 100;

/// Where a capture is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionPlace {
    /// In this new file.
    New(PathBuf),
    /// In this file, behind what stands in it if it exists.
    Append(PathBuf),
    /// In a new file of this folder, named by the time.
    Folder(PathBuf),
}

impl SessionPlace {
    /// What the arguments say.
    pub fn of(args: &CaptureOptions, data_dir: &Path) -> Self {
        match &args.session {
            Some(file) if args.append => Self::Append(file.clone()),
            Some(file) => Self::New(file.clone()),
            None => Self::Folder(data_dir.join("sessions")),
        }
    }

    /// A recorder for this place. Where nobody asked for the file, its trouble is
    /// no reason not to capture.
    ///
    /// # Errors
    /// When the file that was asked for cannot be used.
    pub fn recorder(&self) -> anyhow::Result<Recorder> {
        let session = match self {
            Self::Append(file) if file.exists() => Session::append(file).map_err(unwritable)?,
            Self::New(file) | Self::Append(file) => Session::create(file).map_err(unwritable)?,
            Self::Folder(folder) => match in_folder(folder) {
                Ok(session) => session,
                Err(failed) => {
                    let (file, error) = *failed;
                    return Recorder::start_in_trouble(&file, &error).context("no thread for the recorder");
                }
            },
        };
        Recorder::start(session).context("no thread for the recorder")
    }

    /// What stays of what was recorded. A file that nobody asked for does not stay if nothing is in it.
    pub fn keep(&self, recorded: Recorded) -> Option<Recorded> {
        let is_unasked = matches!(self, Self::Folder(_)) && recorded.health == Health::default();
        let is_gone = is_unasked && store::remove_if_empty(&recorded.path);
        (!is_gone).then_some(recorded)
    }
}

/// Why a session cannot be written into the file that was asked for.
pub fn unwritable(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Io { path, refusal } => cannot_write(&path, &refusal),
        other => other.into(),
    }
}

/// A new session in this folder; or where it should have been, and why it is not.
fn in_folder(folder: &Path) -> Result<WritableSession, Box<(PathBuf, StoreError)>> {
    let now = Zoned::now().strftime("%Y-%m-%dT%H-%M-%S").to_string();
    let first = folder.join(format!("{now}.{EXTENSION}"));
    if let Err(refusal) = platform::create_private_folder(folder) {
        return Err(Box::new((first.clone(), StoreError::Io { path: first, refusal })));
    }
    let others = (2..=WITHIN_A_SECOND).map(|number| folder.join(format!("{now}-{number}.{EXTENSION}")));
    let mut result = Session::create(&first);
    for other in others {
        if !matches!(result, Err(StoreError::Exists { .. } | StoreError::InUse { .. })) {
            break;
        }
        result = Session::create(&other);
    }
    result.map_err(|error| Box::new((first, error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_of_the_same_second_have_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("sessions");
        let sessions: Vec<_> = (0..3).map(|_| in_folder(&folder).map_err(|failed| failed.1).unwrap()).collect();
        let name = sessions[0].path().file_name().unwrap().to_str().unwrap();
        assert!(name.len() == "2026-11-22T06-55-12.pulltap".len() && !name.contains(':'), "{name}");
        assert!(sessions[0].path() != sessions[1].path() && sessions[1].path() != sessions[2].path());
    }
}
