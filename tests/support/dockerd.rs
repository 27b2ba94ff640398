//! A docker daemon of the test's own, and its command line client.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::Command;

use super::daemon::Daemon;
use super::ran::Ran;
use super::token_server::{PASSWORD, USER};
use super::tools;
use super::world::World;

/// A private daemon without networks, so that it changes nothing but its own folder.
#[derive(Debug)]
pub struct Dockerd<'world> {
    world: &'world World,
    name: &'static str,
    _daemon: Daemon,
}

impl<'world> Dockerd<'world> {
    /// Starts a daemon called `name` with `environment`: where docker has its proxy from.
    pub fn start<Key, Value>(
        world: &'world World,
        name: &'static str,
        environment: impl IntoIterator<Item = (Key, Value)>,
    ) -> Self
    where
        Key: AsRef<OsStr>,
        Value: AsRef<OsStr>,
    {
        Self::start_with(world, name, environment, &[])
    }

    /// The same with more options.
    pub fn start_with<Key, Value>(
        world: &'world World,
        name: &'static str,
        environment: impl IntoIterator<Item = (Key, Value)>,
        options: &[&str],
    ) -> Self
    where
        Key: AsRef<OsStr>,
        Value: AsRef<OsStr>,
    {
        tools::require(&["dockerd", "docker", "containerd"]);
        let folder = world.path(name);
        let option = |option: &str, part: &str| format!("{option}={}", folder.join(part).display());
        let mut daemon = Daemon::start(
            world,
            name,
            world
                .command("dockerd")
                .arg(format!("--host=unix://{}", folder.join("socket").display()))
                .args([option("--data-root", "data"), option("--exec-root", "exec"), option("--pidfile", "pid")])
                // vfs works wherever the tests do, also on an overlay.
                .args(["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"])
                .args(options)
                .envs(environment),
        );
        daemon.wait_for_socket(&folder.join("socket"));
        Self { world, name, _daemon: daemon }
    }

    /// The outcome of `docker ARGUMENTS`.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(self.client().args(arguments))
    }

    /// What `docker ARGUMENTS` prints; fails the test where it fails.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        Ran::ok(self.client().args(arguments))
    }

    /// Logs in at `registry` as the only user, in the way that keeps the password out of the command line.
    pub fn log_in(&self, registry: &str) -> Ran {
        self.log_in_as(registry, USER, PASSWORD)
    }

    /// The same as somebody else.
    pub fn log_in_as(&self, registry: &str, user: &str, password: &str) -> Ran {
        let input = self.world.path("tmp").join("password");
        fs::write(&input, password).unwrap();
        let login = ["login", "--username", user, "--password-stdin", registry];
        Ran::new(self.client().args(login).stdin(File::open(input).unwrap()))
    }

    fn client(&self) -> Command {
        let folder = self.world.path(self.name);
        let mut command = self.world.client("docker");
        command
            .env("DOCKER_HOST", format!("unix://{}", folder.join("socket").display()))
            .env("DOCKER_CONFIG", folder.join("client"));
        command
    }
}
