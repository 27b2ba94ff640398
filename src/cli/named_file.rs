//! Files that the user names: nothing is overwritten unasked, and what cannot be done says what can be.

use std::io;
use std::path::Path;

use anyhow::{Error, anyhow, bail};

/// Why this file cannot be made or written.
pub fn cannot_write(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match (error.kind(), folder) {
        (io::ErrorKind::NotFound, Some(folder)) if !folder.exists() => {
            anyhow!("{shown} cannot be written: there is no folder {}", folder.display())
        }
        (io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem, _) => {
            anyhow!("{shown} cannot be written: {error}; choose another folder")
        }
        _ => anyhow!("{shown} cannot be written: {error}"),
    }
}

/// Why this file cannot be read.
pub fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!("{shown}: there is no such file"),
        _ if path.is_dir() => anyhow!("{shown} is a folder: name the HAR or the session in it"),
        _ => anyhow!("{shown} cannot be read: {error}"),
    }
}

/// Whether a command has an option that lets it replace a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// It has one, which was given.
    Given,
    /// It has one.
    Possible,
    /// It has none.
    Unknown,
}

impl Force {
    /// That of a command with `--force`.
    pub fn of(is_given: bool) -> Self {
        if is_given { Self::Given } else { Self::Possible }
    }
}

/// An error where the file exists and may not be replaced.
///
/// # Errors
/// When it is so.
pub fn refuse_existing(path: &Path, force: Force) -> anyhow::Result<()> {
    if force == Force::Given || !path.exists() {
        return Ok(());
    }
    let way_out = if force == Force::Possible {
        "choose another name, or replace it with --force"
    } else {
        "choose another name"
    };
    bail!("{} exists: {way_out}", path.display())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn a_file_that_cannot_be_made_is_told_by_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("none").join("a.har");
        let error = cannot_write(&file, &File::create(&file).unwrap_err()).to_string();
        assert!(error.ends_with(&format!("there is no folder {}", folder.path().join("none").display())), "{error}");
        let error = cannot_read(folder.path(), &fs::read(folder.path()).unwrap_err()).to_string();
        assert!(error.ends_with("is a folder: name the HAR or the session in it"), "{error}");
    }
}
