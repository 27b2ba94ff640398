//! Single files: what they are now, and how they are written so that nobody ever reads half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ChangeError;
use crate::platform::{self, Access};

/// What stands in the place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Absent,
    /// A file with this content, and who may use it.
    File(Vec<u8>, Option<Access>),
}

impl State {
    /// What stands there now.
    pub fn of(path: &Path) -> Result<Self, ChangeError> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                let content = fs::read(path).map_err(error("read", path))?;
                Ok(Self::File(content, platform::access_of(&metadata)))
            }
            Ok(_) => Err(ChangeError::NotAFile { path: path.to_owned() }),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(Self::Absent),
            Err(source) => Err(error("read", path)(source)),
        }
    }

    /// The content of the file.
    pub fn content(&self) -> Option<Vec<u8>> {
        match self {
            Self::Absent => None,
            Self::File(content, _) => Some(content.clone()),
        }
    }

    /// Who may use the file.
    pub fn access(&self) -> Option<Access> {
        match self {
            Self::Absent => None,
            Self::File(_, access) => *access,
        }
    }
}

/// The file that a link leads to, or the path itself: a link stays a link.
pub fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Folders above the file that do not exist, the outermost first.
pub fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let missing = path.ancestors().skip(1).take_while(|folder| !folder.exists());
    let mut folders: Vec<_> = missing.map(Path::to_owned).collect();
    folders.reverse();
    folders
}

/// Creates the folders above the file that everybody may read, as the system's own are.
pub fn create_folders(path: &Path) -> Result<(), ChangeError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(error("create", folder))
}

/// Writes the file beside its place and moves it there; new files may be read by everybody.
pub fn write(path: &Path, content: &[u8], access: Option<Access>) -> Result<(), ChangeError> {
    let beside = beside(path);
    let _ = fs::remove_file(&beside);
    let mut file = File::create_new(&beside).map_err(error("create", &beside))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(error("write", &beside))?;
    platform::set_access(&beside, access).map_err(error("set the mode of", &beside))?;
    fs::rename(&beside, path).map_err(error("write", path))
}

/// Where a file stands before it is moved to its place.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".pulltap-new");
    path.with_file_name(name)
}

/// Turns what the system said into our error.
pub fn error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ChangeError + 'a {
    move |source| ChangeError::File { action, path: path.to_owned(), source }
}
