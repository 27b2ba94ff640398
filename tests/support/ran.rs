//! A command that has run, and waiting for something with a time limit.

use std::fmt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// What a finished command leaves: status and output.
#[derive(Debug)]
pub struct Ran {
    pub line: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Ran {
    /// Runs `command` to its end; its own time limit is the `timeout` that [`super::world::World::client`] puts before it.
    pub fn new(command: &mut Command) -> Self {
        let line = line(command);
        let started = Instant::now();
        let output = command.output().unwrap_or_else(|error| panic!("cannot run {line}: {error}"));
        Self {
            line,
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            took: started.elapsed(),
        }
    }

    /// The same, but fails the test where the command fails; gives what it printed to stdout.
    #[track_caller]
    pub fn ok(command: &mut Command) -> String {
        let ran = Self::new(command);
        assert!(ran.status.success(), "{ran}");
        ran.stdout
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, status, stdout, stderr, took } = self;
        write!(out, "{line}\n{status} after {took:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// The command as it would be typed, without its environment.
fn line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Asks again and again until `answer` gives something, and fails the test when `limit` is over.
#[track_caller]
pub fn eventually<T>(what: &str, limit: Duration, mut answer: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = answer() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
