//! A containerd of the test's own, and its command line client `ctr`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::daemon::Daemon;
use super::tools;
use super::world::World;

/// A private containerd; with `ctr` it is the client that talks to the registry, not the daemon.
#[derive(Debug)]
pub struct Containerd<'world> {
    world: &'world World,
    socket: PathBuf,
    _daemon: Daemon,
}

impl<'world> Containerd<'world> {
    /// Starts a daemon called `name`.
    pub fn start(world: &'world World, name: &'static str) -> Self {
        tools::require(&["containerd", "ctr"]);
        let folder = world.path(name);
        let socket = folder.join("socket");
        let mut command = world.command("containerd");
        // An empty file in place of the machine's own configuration.
        let config = folder.join("config.toml");
        fs::create_dir(&folder).unwrap();
        fs::write(&config, "version = 2\n").unwrap();
        command.arg("--config").arg(config).arg("--address").arg(&socket);
        for part in ["root", "state"] {
            command.arg(format!("--{part}")).arg(folder.join(part));
        }
        let mut daemon = Daemon::start(world, name, &mut command);
        daemon.wait_for_socket(&socket);
        Self { world, socket, _daemon: daemon }
    }

    /// `ctr` for this daemon.
    pub fn ctr(&self) -> Command {
        let mut command = self.world.client("ctr");
        command.arg("--address").arg(Path::new(&self.socket));
        command
    }
}
