//! Changes to files of this machine: planned first, then made with a journal, and undone exactly.
//!
//! A plan is data: what is printed, made and undone is the same list. The journal is on the disk before the first file
//! is touched, so that whatever ends the program in between, undoing finds each file as it was or as it was made.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::platform;

mod file;
mod journal;

use file::State;
pub use journal::Refresh;
use journal::{Entry, Journal};

/// What is to be done to this machine under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Names the plan and its journal: `setup-docker`.
    pub name: String,
    /// Files and what stands in them afterwards.
    pub changes: Vec<Change>,
    /// What has to be run after files have changed, now and when it is undone.
    pub refresh: Option<Refresh>,
}

/// A file, and what stands in it afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// Its content afterwards.
    pub content: Vec<u8>,
}

/// What has come of a plan or of its undoing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do.
    Nothing,
    /// These files were created, changed or removed.
    Done(Vec<PathBuf>),
}

/// Why files of this machine could not be changed, or not be put back.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// A file or folder refused.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that is no file stands in the place of one.
    #[error("{path} is not a file")]
    NotAFile {
        /// The place.
        path: PathBuf,
    },
    /// The plan was made before and not undone since.
    #[error("{name} is in place already: undo it first")]
    InPlace {
        /// The plan's name.
        name: String,
    },
    /// Files have been changed by somebody else since.
    #[error(
        "changed by somebody else since, and left as it is: {}; put it right by hand, or give --force to bring back what \
         stood there before",
        list(paths)
    )]
    ChangedSince {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// The journal cannot be read.
    #[error("the journal {path} is damaged ({reason}): it says what stood in the files before")]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system's own command that must follow has failed.
    #[error("{command} failed: {reason}")]
    Refresh {
        /// The command.
        command: &'static str,
        /// What it said.
        reason: String,
    },
}

/// What to do with a file that somebody else has changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Leave it, and say so.
    Keep,
    /// Bring back what stood there before.
    Replace,
}

/// The machine that plans are made for.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Where journals are kept.
    journals: PathBuf,
    /// Stands in front of every path; `None` is the machine itself.
    root: Option<PathBuf>,
}

impl Machine {
    /// The machine, or what of it lies below `root`; journals are kept in the data directory.
    pub fn new(data_dir: &Path, root: Option<PathBuf>) -> Self {
        Self { journals: data_dir.join("changes"), root }
    }

    /// Where a path of the machine really is.
    pub fn place(&self, path: &Path) -> PathBuf {
        match (&self.root, path.strip_prefix("/")) {
            (Some(root), Ok(inside)) => root.join(inside),
            (Some(root), Err(_)) => root.join(path),
            (None, _) => path.to_owned(),
        }
    }

    /// The content of a file of the machine; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, ChangeError> {
        Ok(State::of(&self.place(path))?.content())
    }

    /// Whether the machine has this file or folder.
    pub fn has(&self, path: &str) -> bool {
        self.place(Path::new(path)).exists()
    }

    /// Whether a plan of this name is in place, wholly or in part.
    pub fn is_in_place(&self, name: &str) -> bool {
        self.journal(name).exists()
    }

    /// The data directory, which holds the journals.
    pub fn data_dir(&self) -> &Path {
        self.journals.parent().unwrap_or(&self.journals)
    }

    /// The names of all plans in place.
    ///
    /// # Errors
    /// When the journals cannot be read, as those of root by somebody else.
    pub fn in_place(&self) -> Result<Vec<String>, ChangeError> {
        let entries = match std::fs::read_dir(&self.journals) {
            Ok(entries) => entries,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(file::error("read", &self.journals)(source)),
        };
        let name = |entry: io::Result<std::fs::DirEntry>| {
            entry.ok()?.file_name().to_str()?.strip_suffix(journal::EXTENSION).map(str::to_owned)
        };
        let mut names: Vec<_> = entries.filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Makes the changes of a plan. When one fails, those before it are undone.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the plan is in place already.
    pub fn apply(&self, plan: &Plan) -> Result<Outcome, ChangeError> {
        if self.is_in_place(&plan.name) {
            return Err(ChangeError::InPlace { name: plan.name.clone() });
        }
        let mut journal = Journal { refresh: plan.refresh, ..Journal::default() };
        let mut changes = Vec::new();
        for change in &plan.changes {
            let path = file::resolved(&self.place(&change.path));
            let before = State::of(&path)?;
            if before.content().as_deref() == Some(&change.content) {
                continue;
            }
            journal.add_folders(&file::missing_folders(&path));
            journal.files.push(Entry::new(&path, &before, &change.content));
            changes.push((path, before, &change.content));
        }
        if changes.is_empty() {
            return Ok(Outcome::Nothing);
        }
        for path in plan.refresh.iter().flat_map(|refresh| refresh.rewrites()) {
            let path = self.place(Path::new(path));
            if let before @ State::File(..) = State::of(&path)? {
                let content = before.content().unwrap_or_default();
                journal.rewritten.push(Entry::new(&path, &before, &content));
            }
        }
        platform::create_private_folder(&self.journals).map_err(file::error("create", &self.journals))?;
        journal.write(&self.journal(&plan.name))?;
        match self.make(&changes, plan, &mut journal) {
            Ok(()) => Ok(Outcome::Done(changes.into_iter().map(|(path, ..)| path).collect())),
            Err(error) => {
                // The first error is what people need to hear; what cannot be undone now stays in the journal.
                let _ = self.undo(&plan.name, Foreign::Keep);
                Err(error)
            }
        }
    }

    fn make(
        &self,
        changes: &[(PathBuf, State, &Vec<u8>)],
        plan: &Plan,
        journal: &mut Journal,
    ) -> Result<(), ChangeError> {
        for (path, before, content) in changes {
            file::create_folders(path)?;
            file::write(path, content, before.access())?;
        }
        let Some(refresh) = plan.refresh else { return Ok(()) };
        self.run(refresh, &[])?;
        journal.rewritten.iter_mut().try_for_each(Entry::take_over)?;
        journal.write(&self.journal(&plan.name))
    }

    /// Puts back what a plan has changed; nothing where it is not in place.
    ///
    /// # Errors
    /// When a file cannot be put back: then the journal keeps what it needs to try again.
    pub fn undo(&self, name: &str, foreign: Foreign) -> Result<Outcome, ChangeError> {
        let path = self.journal(name);
        let Some(mut journal) = Journal::read(&path)? else { return Ok(Outcome::Nothing) };
        let mut changed = Vec::new();
        let mut done = Vec::new();
        let mut kept = Vec::new();
        let mut rewritten = Vec::new();
        for entry in journal.rewritten.drain(..) {
            if foreign == Foreign::Keep && entry.is_changed_since()? {
                changed.push(entry.path);
            } else {
                rewritten.push(entry);
            }
        }
        for entry in journal.files.drain(..).rev() {
            match entry.put_back(foreign)? {
                journal::PutBack::AsBefore => {}
                journal::PutBack::Done => done.push(entry.path.clone()),
                journal::PutBack::ChangedSince => {
                    changed.push(entry.path.clone());
                    kept.push(entry);
                }
            }
        }
        for folder in journal.folders.iter().rev() {
            // It stays where somebody else has put something into it.
            let _ = std::fs::remove_dir(folder);
        }
        if let Some(refresh) = journal.refresh {
            self.run(refresh, refresh.undo_arguments())?;
        }
        for entry in rewritten {
            // What our own command has made of it just now is nobody else's change.
            entry.put_back(Foreign::Replace)?;
        }
        if changed.is_empty() {
            std::fs::remove_file(&path).map_err(file::error("remove", &path))?;
            return Ok(Outcome::Done(done));
        }
        kept.reverse();
        journal.files = kept;
        journal.write(&path)?;
        Err(ChangeError::ChangedSince { paths: changed })
    }

    /// Runs what must follow, on the machine itself only.
    fn run(&self, refresh: Refresh, arguments: &[&str]) -> Result<(), ChangeError> {
        if self.root.is_some() {
            return Ok(());
        }
        let command = refresh.command();
        let failed = |reason: String| ChangeError::Refresh { command, reason };
        let output = std::process::Command::new(command).args(arguments).output();
        let output = output.map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    fn journal(&self, name: &str) -> PathBuf {
        self.journals.join(format!("{name}{}", journal::EXTENSION))
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Rig {
        folder: tempfile::TempDir,
        machine: Machine,
    }

    impl Rig {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().join("root");
            fs::create_dir_all(root.join("etc/docker")).unwrap();
            fs::write(root.join("etc/docker/daemon.json"), "{\"debug\": true}").unwrap();
            let machine = Machine::new(&folder.path().join("data"), Some(root));
            Self { folder, machine }
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("root")
        }

        /// Everything below the root: paths, contents, modes.
        fn all(&self) -> Vec<(PathBuf, String)> {
            fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
                let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
                entries.sort();
                for path in entries {
                    let mode = fs::metadata(&path).unwrap().permissions();
                    let content = if path.is_dir() { String::new() } else { fs::read_to_string(&path).unwrap() };
                    found.push((path.clone(), format!("{mode:?} {content}")));
                    if path.is_dir() {
                        walk(&path, found);
                    }
                }
            }
            let mut found = Vec::new();
            walk(&self.root(), &mut found);
            found
        }
    }

    fn plan() -> Plan {
        let change = |path: &str, content: &str| Change { path: path.into(), content: content.into() };
        Plan {
            name: "setup-test".to_owned(),
            changes: vec![
                change("/etc/docker/daemon.json", "{}"),
                change("/etc/systemd/system/docker.service.d/zz.conf", "[Service]\n"),
                change("/etc/systemd/system/docker.service.d/more.conf", "\n"),
            ],
            refresh: None,
        }
    }

    #[test]
    fn what_was_made_is_undone_exactly() {
        let rig = Rig::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = rig.root().join("etc/docker/daemon.json");
            fs::set_permissions(file, fs::Permissions::from_mode(0o640)).unwrap();
        }
        let before = rig.all();
        let Outcome::Done(done) = rig.machine.apply(&plan()).unwrap() else { panic!() };
        assert_eq!(done.len(), 3);
        assert_ne!(rig.all(), before);
        assert!(matches!(rig.machine.apply(&plan()), Err(ChangeError::InPlace { .. })));
        assert_eq!(rig.machine.in_place().unwrap(), ["setup-test"]);
        rig.machine.undo("setup-test", Foreign::Keep).unwrap();
        assert_eq!(rig.all(), before);
        assert_eq!(rig.machine.undo("setup-test", Foreign::Keep).unwrap(), Outcome::Nothing);
    }

    #[test]
    fn a_start_that_was_cut_off_anywhere_is_undone_exactly() {
        // The journal is there, and of the three files the first so many are made; the last is half a file beside.
        for made in 0..=3 {
            let rig = Rig::new();
            let before = rig.all();
            rig.machine.apply(&plan()).unwrap();
            let journal = fs::read(rig.machine.journal("setup-test")).unwrap();
            rig.machine.undo("setup-test", Foreign::Keep).unwrap();
            fs::write(rig.machine.journal("setup-test"), journal).unwrap();
            for (number, change) in plan().changes.iter().enumerate().take(made + 1) {
                let path = rig.machine.place(&change.path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                let place = if number == made { file::beside(&path) } else { path };
                fs::write(place, &change.content).unwrap();
            }
            rig.machine.undo("setup-test", Foreign::Keep).unwrap();
            assert_eq!(rig.all(), before, "{made} files made");
        }
    }

    #[test]
    fn what_others_have_changed_since_is_not_overwritten() {
        let rig = Rig::new();
        let before = rig.all();
        rig.machine.apply(&plan()).unwrap();
        let daemon = rig.root().join("etc/docker/daemon.json");
        fs::write(&daemon, "{\"mine\": 1}").unwrap();
        fs::write(rig.root().join("etc/systemd/mine"), "").unwrap();
        let error = rig.machine.undo("setup-test", Foreign::Keep).unwrap_err();
        let real = fs::canonicalize(&daemon).unwrap();
        let is_it = |path: &PathBuf| fs::canonicalize(path).unwrap() == real;
        assert!(
            matches!(&error, ChangeError::ChangedSince { paths } if paths.len() == 1 && is_it(&paths[0])),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&daemon).unwrap(), "{\"mine\": 1}");
        assert!(!rig.root().join("etc/systemd/system").exists());
        rig.machine.undo("setup-test", Foreign::Replace).unwrap();
        fs::remove_file(rig.root().join("etc/systemd/mine")).unwrap();
        fs::remove_dir(rig.root().join("etc/systemd")).unwrap();
        assert_eq!(rig.all(), before);
    }

    #[test]
    fn a_change_that_fails_takes_back_those_before_it() {
        let rig = Rig::new();
        let before = rig.all();
        let mut plan = plan();
        // A folder cannot be made below a file.
        plan.changes.push(Change { path: "/etc/docker/daemon.json/x".into(), content: Vec::new() });
        assert!(rig.machine.apply(&plan).is_err());
        assert_eq!(rig.all(), before);
        assert_eq!(rig.machine.in_place().unwrap(), [""; 0]);
    }

    #[test]
    fn nothing_is_done_twice_and_nothing_of_others_is_undone() {
        let rig = Rig::new();
        let mut plan = plan();
        plan.changes.truncate(1);
        plan.changes[0].content = b"{\"debug\": true}".to_vec();
        assert_eq!(rig.machine.apply(&plan).unwrap(), Outcome::Nothing);
        assert!(!rig.machine.is_in_place("setup-test"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let rig = Rig::new();
        let link = rig.root().join("etc/docker/daemon.json");
        let target = rig.folder.path().join("elsewhere.json");
        fs::rename(&link, &target).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        rig.machine.apply(&plan()).unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&target).unwrap() == "{}");
        rig.machine.undo("setup-test", Foreign::Keep).unwrap();
        assert!(link.is_symlink() && fs::read_to_string(&target).unwrap() == "{\"debug\": true}");
    }
}
