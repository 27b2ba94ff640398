//! A process that runs in the background of a test.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use super::ran::eventually;
use super::world::World;

/// A running daemon, killed when dropped; what it prints goes to a log that a failing test shows.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    process: Child,
}

impl Daemon {
    /// Starts `command`; its log is called `name`.
    pub fn start(world: &World, name: &str, command: &mut Command) -> Self {
        let log = File::create(world.path("logs").join(name)).unwrap();
        let process = command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { name: name.to_owned(), process }
    }

    /// Waits until `is_ready`, and fails the test where the daemon ends before that.
    pub fn wait_until(&mut self, mut is_ready: impl FnMut() -> bool) {
        let Self { name, process } = self;
        eventually(&format!("{name} is ready"), Duration::from_secs(30), || {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "{name} ended at once: {ended:?}");
            is_ready().then_some(())
        });
    }

    /// Waits until something listens on the Unix socket at `path`.
    pub fn wait_for_socket(&mut self, path: &Path) {
        self.wait_until(|| std::os::unix::net::UnixStream::connect(path).is_ok());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
