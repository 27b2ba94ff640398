//! A world of its own for one test: private network, mount and process namespaces.
//!
//! The test binary starts itself once more inside them, with only that test selected. So servers of the test are plain
//! threads, and whatever the test starts (daemons that fork, containers) ends with the namespace: the kernel kills it when
//! the inner test is done, has failed or was killed.

use std::any::type_name;
use std::env;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use super::ran::{Ran, eventually};
use super::tools;

/// Holds the world's folder in the environment of the inner test, and is absent outside.
const INSIDE: &str = "PULLTAP_TEST_WORLD";

/// Longer than any test needs, also on a slow machine.
const LIMIT: Duration = Duration::from_mins(5);

/// Longer than any one client command needs.
const COMMAND_LIMIT: &str = "120";

/// The inside of a private world: its own /etc, /run, loopback interface and a folder for everything else.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
}

/// Runs the calling test's `story` in a world of its own.
///
/// It must be a closure written in the test function itself, whose name is taken from it, and all that the test does.
pub fn in_private_world<Story: FnOnce(&World)>(story: Story) {
    match env::var_os(INSIDE) {
        Some(folder) => story(&World::enter(PathBuf::from(folder))),
        None => run_inside(&test_name::<Story>()),
    }
}

impl World {
    /// Makes the namespaces a place where nothing of the machine outside is seen or changed by accident.
    fn enter(folder: PathBuf) -> Self {
        fs::write(folder.join("entered"), "").unwrap();
        for part in ["home", "logs", "tmp"] {
            fs::create_dir(folder.join(part)).unwrap();
        }
        let world = Self { folder };
        let etc = world.path("etc");
        Ran::ok(Command::new("cp").args(["-a", "/etc"]).arg(&etc));
        for name in ["resolv.conf", "hosts"] {
            let file = etc.join(name);
            // May be a link that leads out of the private /etc.
            let _ = fs::remove_file(&file);
            fs::write(&file, "").unwrap();
        }
        Ran::ok(Command::new("mount").arg("--bind").arg(&etc).arg("/etc"));
        Ran::ok(Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/run"]));
        Ran::ok(Command::new("ip").args(["link", "set", "lo", "up"]));
        world.forget_hosts();
        world
    }

    /// A file or folder of this world.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Puts `address` on the loopback interface of the world that this process is in.
    pub fn add_address(address: Ipv4Addr) {
        Ran::ok(Command::new("ip").args(["addr", "add", &format!("{address}/32"), "dev", "lo"]));
    }

    /// Puts `address` on the loopback interface and lets `host` resolve to it.
    pub fn name_host(&self, host: &str, address: Ipv4Addr) {
        Self::add_address(address);
        let hosts = self.path("etc/hosts");
        let others = fs::read_to_string(&hosts).unwrap();
        fs::write(hosts, format!("{others}{address} {host}\n")).unwrap();
    }

    /// Lets no name resolve but localhost.
    pub fn forget_hosts(&self) {
        fs::write(self.path("etc/hosts"), "127.0.0.1 localhost\n").unwrap();
    }

    /// A command that knows nothing of the environment of the person who runs the tests (proxies, credentials, trust).
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let path = env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// A client command, killed when it takes longer than any client should.
    pub fn client(&self, program: &str) -> Command {
        let mut command = self.command("timeout");
        command.args(["--kill-after=2", COMMAND_LIMIT, program]);
        command
    }

    /// Trusts exactly the certificates in `pem` for the registry `host`, in the way of docker, skopeo and podman.
    pub fn trust(&self, host: &str, pem: &Path) {
        let folder = self.path("etc/docker/certs.d").join(host);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(pem, folder.join("ca.crt")).unwrap();
    }
}

/// Starts this test binary again in new namespaces, for the one test `name`, and passes its outcome on.
fn run_inside(name: &str) {
    tools::require(&["setpriv", "unshare", "ip", "mount", "timeout"]);
    let folder = tempfile::Builder::new().prefix("pulltap-").tempdir().unwrap();
    let output = folder.path().join("output");
    let log = File::create(&output).unwrap();
    // If this process dies, setpriv's wish kills unshare, unshare's kills the inner test, and that the whole namespace.
    let mut inner = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--include-ignored"])
        .env(INSIDE, folder.path())
        // What failed is said by the message; the way there is the same each time.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(name, LIMIT, || inner.try_wait().unwrap())
    }));
    if waited.is_err() {
        inner.kill().unwrap();
        inner.wait().unwrap();
    }
    println!("{}", fs::read_to_string(&output).unwrap());
    let status: Option<ExitStatus> = waited.ok();
    if !status.is_some_and(|status| status.success()) {
        print_logs(&folder.path().join("logs"));
        panic!("{name}: {status:?} inside the private world, its output is above; it needs root and namespaces");
    }
    assert!(folder.path().join("entered").exists(), "no test is called {name}: nothing was run");
}

/// Prints the ends of the logs that the daemons of a failed test wrote.
fn print_logs(folder: &Path) {
    let Ok(logs) = fs::read_dir(folder) else { return };
    for log in logs {
        let path = log.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let lines: Vec<_> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(40)..].join("\n");
        println!("--- end of {}\n{end}", path.display());
    }
}

/// The name under which libtest knows the function that `Story` is a closure of.
fn test_name<Story>() -> String {
    let path = type_name::<Story>();
    let function = path.trim_end_matches("::{{closure}}");
    function.split_once("::").map_or(function, |(_crate_name, name)| name).to_owned()
}
