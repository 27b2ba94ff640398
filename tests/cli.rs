//! The command line as a script uses it: what is printed, what is written, and the exit status.

// Sessions and HAR files, one made of the other.
mod convert;
// What is said about a saved capture.
mod report;
// What is said about a command line that cannot be understood.
mod usage;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pulltap::har::{Conclusions, Writer};
use pulltap::redact::{FingerprintKey, Options, Redactor};
use tempfile::TempDir;

use crate::diagnose::fixture;

/// A folder with a data directory of its own.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A HAR of this fixture with its secrets: the name of the file.
    fn har_of(&self, fixture: &str) -> PathBuf {
        let options = Options { keep_secrets: true, ..Options::default() };
        let redactor = Redactor::new(FingerprintKey::new([7; 32]), options);
        let mut writer = Writer::new(Vec::new(), "").unwrap();
        for exchange in fixture::read(fixture).exchanges() {
            writer.entry(&redactor.redact(exchange), None).unwrap();
        }
        let file = self.path(&format!("{}.har", fixture.replace(['/', '.'], "-")));
        std::fs::write(&file, writer.finish(&Conclusions::default()).unwrap()).unwrap();
        file
    }

    /// Runs pulltap with these arguments.
    fn pulltap(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pulltap"))
            .args(arguments)
            .env("PULLTAP_DATA_DIR", self.path("data"))
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap()
    }

    /// The same where it has to end with this status: standard output.
    #[track_caller]
    fn ends(&self, status: i32, arguments: &[&str]) -> String {
        let output = self.pulltap(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same where it fails with a message that has these words.
    #[track_caller]
    fn fails(&self, arguments: &[&str], words: &str) {
        let output = self.pulltap(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{errors}");
        assert!(output.stdout.is_empty());
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
