//! The journal of one plan: what stood in its files before, and how what was made is recognised.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::file::{self, State};
use super::{ChangeError, Foreign};
use crate::platform::Access;

/// How a journal's file name ends.
pub const EXTENSION: &str = ".json";

/// A journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The files, in the order in which they are changed.
    pub files: Vec<Entry>,
    /// Folders that did not exist, the outermost first.
    pub folders: Vec<PathBuf>,
    /// What has to be run after files have changed.
    pub refresh: Option<Refresh>,
    /// Files that the command rewrites in a way that its next run does not take back.
    #[serde(default)]
    pub rewritten: Vec<Entry>,
}

/// One file of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file, links resolved.
    pub path: PathBuf,
    /// What stood there before, in base64; `None` if there was no file.
    before: Option<String>,
    /// Who could use it before.
    access: Option<Access>,
    /// What we have put there, in base64.
    after: String,
}

/// A command of the system that must follow a change. A closed set: a journal cannot name any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refresh {
    /// Debian, Ubuntu, SUSE, Alpine.
    UpdateCaCertificates,
    /// Red Hat, Fedora, Arch.
    UpdateCaTrust,
}

impl Refresh {
    /// The command.
    pub fn command(self) -> &'static str {
        match self {
            Self::UpdateCaCertificates => "update-ca-certificates",
            Self::UpdateCaTrust => "update-ca-trust",
        }
    }

    /// What the command must be told when something was taken away: Debian's leaves the links of certificates that are
    /// gone (ca-certificates 20230311).
    pub fn undo_arguments(self) -> &'static [&'static str] {
        match self {
            Self::UpdateCaCertificates => &["--fresh"],
            Self::UpdateCaTrust => &[],
        }
    }

    /// Files that the command rewrites in a way that its next run does not take back: Debian's keystore for Java keeps
    /// what was added.
    pub fn rewrites(self) -> &'static [&'static str] {
        match self {
            Self::UpdateCaCertificates => &["/etc/ssl/certs/java/cacerts"],
            Self::UpdateCaTrust => &[],
        }
    }
}

/// What has come of putting one file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutBack {
    /// It is as it was: it was never changed, or somebody has put it back.
    AsBefore,
    /// It was put back.
    Done,
    /// Somebody else has changed it since; it was left alone.
    ChangedSince,
}

impl Journal {
    /// The journal in this file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, ChangeError> {
        let State::File(content, _) = State::of(path)? else { return Ok(None) };
        let damaged =
            |error: serde_json::Error| ChangeError::Journal { path: path.to_owned(), reason: error.to_string() };
        serde_json::from_slice(&content).map(Some).map_err(damaged)
    }

    /// Writes it down, for its owner only: the files may be nobody else's business.
    pub fn write(&self, path: &Path) -> Result<(), ChangeError> {
        let damaged =
            |error: serde_json::Error| ChangeError::Journal { path: path.to_owned(), reason: error.to_string() };
        let text = serde_json::to_vec_pretty(self).map_err(damaged)?;
        file::write(path, &text, Some(Access::OWNER_ONLY))
    }

    /// Adds folders that will have to be created.
    pub fn add_folders(&mut self, folders: &[PathBuf]) {
        for folder in folders {
            if !self.folders.contains(folder) {
                self.folders.push(folder.clone());
            }
        }
    }
}

impl Entry {
    /// The entry of a file that is about to be changed.
    pub fn new(path: &Path, before: &State, after: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            before: before.content().map(|content| STANDARD.encode(content)),
            access: before.access(),
            after: STANDARD.encode(after),
        }
    }

    /// Takes what stands in the file now for what we have made of it.
    pub fn take_over(&mut self) -> Result<(), ChangeError> {
        if let Some(content) = State::of(&self.path)?.content() {
            self.after = STANDARD.encode(content);
        }
        Ok(())
    }

    /// Whether somebody else has changed the file since.
    pub fn is_changed_since(&self) -> Result<bool, ChangeError> {
        let now = State::of(&self.path)?.content().map(|content| STANDARD.encode(content));
        Ok(now != self.before && now.as_ref() != Some(&self.after))
    }

    /// Puts the file back as it was.
    pub fn put_back(&self, foreign: Foreign) -> Result<PutBack, ChangeError> {
        // Half a file, where the program was ended while it wrote.
        let _ = std::fs::remove_file(file::beside(&self.path));
        let now = State::of(&self.path)?.content().map(|content| STANDARD.encode(content));
        if now == self.before {
            return Ok(PutBack::AsBefore);
        }
        if foreign == Foreign::Keep && self.is_changed_since()? {
            return Ok(PutBack::ChangedSince);
        }
        match &self.before {
            None => std::fs::remove_file(&self.path).map_err(file::error("remove", &self.path))?,
            Some(before) => {
                let damaged = |error: base64::DecodeError| ChangeError::Journal {
                    path: self.path.clone(),
                    reason: error.to_string(),
                };
                let before = STANDARD.decode(before).map_err(damaged)?;
                file::create_folders(&self.path)?;
                file::write(&self.path, &before, self.access)?;
            }
        }
        Ok(PutBack::Done)
    }
}
