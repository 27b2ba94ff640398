//! Files that the user names: nothing is overwritten unasked, and what cannot be done says what can be.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

/// The files that a name with `*` and `?` in its last part stands for: on Windows no shell puts them in its place.
///
/// # Errors
/// When none fits, or the folder cannot be read.
pub fn meant_by(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let Some(pattern) = path.file_name().and_then(OsStr::to_str) else { return Ok(vec![path.to_owned()]) };
    if !pattern.contains(['*', '?']) || path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).map_err(|error| cannot_read(path, &error))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|name| fits(pattern, name)).collect();
    names.sort_unstable();
    if names.is_empty() {
        bail!("{}: there is no such file", path.display());
    }
    Ok(names.iter().map(|name| path.with_file_name(name)).collect())
}

/// Whether a name is as a pattern says: `*` is any text, `?` any character.
fn fits(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => (0..=name.len()).any(|at| name.get(at..).is_some_and(|name| fits(rest.as_str(), name))),
        Some(expected) => {
            let mut others = name.chars();
            let is_it = |found: char| expected == '?' || found.eq_ignore_ascii_case(&expected);
            others.next().is_some_and(is_it) && fits(rest.as_str(), others.as_str())
        }
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

/// An error where two names lead to one file: what is read would be replaced by what is made of it.
///
/// # Errors
/// When it is so.
pub fn refuse_same(read: &Path, written: &Path) -> anyhow::Result<()> {
    let found = |path: &Path| std::fs::canonicalize(path).ok();
    if found(read).is_some_and(|read| found(written) == Some(read)) {
        bail!("{} is what is to be read: choose another name to write to", written.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("*.har", "trace.har", true),
            ("*.har", "trace.har.partial", false),
            ("t*c?.*", "trace.HAR", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "a-b", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

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
