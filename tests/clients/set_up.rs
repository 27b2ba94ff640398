//! `pulltap trust` and `pulltap setup` on a machine with real container tools: applied, used by a real pull, undone to
//! the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::clients::{DIRECT, expect_pull, reference};
use crate::support::containerd::Containerd;
use crate::support::dockerd::Dockerd;
use crate::support::origin::{Origin, REGISTRY};
use crate::support::pulltap::Pulltap;
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::tools;
use crate::support::world::{World, in_private_world};

/// Files of people who have set up their Docker before.
const DAEMON_JSON: &str = "{\n\t\"log-level\" : \"info\",\n\t\"labels\": [\"é=1\"]\n}";
const DROP_IN: &str = "[Service]\nEnvironment=\"HTTPS_PROXY=http://192.0.2.77:3128\" \"NO_PROXY=.pulltap.test\"\n";

#[test]
fn docker_is_set_up_and_trusts_pulls_and_is_put_back_to_the_byte() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let units = PathBuf::from("/etc/systemd/system/docker.service.d");
        write(&units.join("proxy.conf"), DROP_IN);
        write(Path::new("/etc/docker/daemon.json"), DAEMON_JSON);
        fs::create_dir_all("/run/systemd/system").unwrap();
        world.trust(REGISTRY, origin.ca());
        let before = snapshot(&["/etc"]);

        let pulltap = Pulltap::start(world, origin.ca());
        let address = pulltap.address().to_string();
        let told = command(world, &["setup", "docker", "--proxy", &address]);
        assert!(told.contains("Nothing was changed") && told.contains("systemctl restart docker"), "{told}");
        expect_same(&snapshot(&["/etc"]), &before);

        command(world, &["setup", "docker", "--proxy", &address, "--apply"]);
        let installed = command(world, &["trust", "install", "--for", "docker", "--host", REGISTRY]);
        assert!(installed.contains(&format!("/etc/docker/certs.d/{REGISTRY}/pulltap.crt")), "{installed}");
        let told = command(world, &["setup", "docker", "--proxy", &address]);
        assert!(told.contains("This is in place") && !told.contains("Nothing was changed"), "{told}");
        assert!(command(world, &["trust", "status"]).contains("docker: trusted: "));
        let kept = Ran::new(&mut self::pulltap(world, &["ca", "rotate"]));
        assert!(kept.stderr.contains("still trusted (trust-docker-"), "{kept}");
        assert!(snapshot(&["/etc"]) != before);
        let docker =
            Dockerd::start_with(world, "docker", environment(&units), &["--config-file=/etc/docker/daemon.json"]);
        assert!(docker.log_in(REGISTRY).status.success());
        docker.ok(&["pull", &reference(&image)]);
        let manifest = pulltap.wait_for("the manifest", |line| line["role"] == "manifest" && line["status"] == 200);
        assert!(!manifest["notes"].as_array().unwrap().is_empty(), "{manifest}");
        expect_pull(&pulltap.finish(), &image);
        drop(docker);

        // As after a crash between the two: one is undone already.
        command(world, &["setup", "docker", "--undo"]);
        let undone = command(world, &["setup", "docker", "--undo"]);
        assert!(undone.contains("nothing to take back"), "{undone}");
        command(world, &["trust", "uninstall"]);
        expect_same(&snapshot(&["/etc"]), &before);
    });
}

#[test]
fn a_new_engine_is_set_up_in_daemon_json_and_a_broken_one_is_left_alone() {
    in_private_world(|world| {
        let file = Path::new("/etc/docker/daemon.json");
        write(file, DAEMON_JSON);
        fs::set_permissions(file, fs::Permissions::from_mode(0o640)).unwrap();
        // Only its version is asked for; this machine's engine is older.
        let engine = world.path("bin/dockerd");
        write(&engine, "#!/bin/sh\necho Docker version 28.2.2, build e6534b4\n");
        fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
        let before = snapshot(&["/etc"]);
        command(world, &["setup", "docker", "--apply", "--proxy", "http://127.0.0.1:9999"]);
        let edited = fs::read_to_string(file).unwrap();
        let edited: serde_json::Value = serde_json::from_str(&edited).unwrap();
        assert_eq!(edited["proxies"]["https-proxy"], "http://127.0.0.1:9999");
        assert_eq!(edited["labels"][0], "é=1");
        command(world, &["setup", "docker", "--apply", "--proxy", "127.0.0.1:8888"]);
        assert!(fs::read_to_string(file).unwrap().contains("127.0.0.1:8888"));
        command(world, &["setup", "docker", "--undo"]);
        expect_same(&snapshot(&["/etc"]), &before);

        command(world, &["setup", "docker", "--apply"]);
        write(file, "{\"mine\": true}");
        let refused = Ran::new(&mut pulltap(world, &["setup", "docker", "--undo"]));
        assert!(
            refused.stderr.contains("changed by somebody else since") && refused.status.code() == Some(3),
            "{refused}"
        );
        assert_eq!(fs::read_to_string(file).unwrap(), "{\"mine\": true}");
        command(world, &["setup", "docker", "--undo", "--force"]);
        expect_same(&snapshot(&["/etc"]), &before);

        write(file, "{\"debug\": true,}");
        let refused = Ran::new(&mut pulltap(world, &["setup", "docker", "--apply"]));
        assert!(refused.stderr.contains("/etc/docker/daemon.json: it is not valid JSON"), "{refused}");
        assert_eq!(fs::read_to_string(file).unwrap(), "{\"debug\": true,}");
    });
}

#[test]
fn the_system_trusts_the_ca_and_forgets_it_to_the_byte() {
    in_private_world(|world| {
        tools::require(&["curl", "update-ca-certificates"]);
        let origin = Origin::start(world);
        // The one folder of the system's store that is not in the private /etc.
        let own = world.path("ca-certificates");
        Ran::ok(Command::new("cp").args(["-a", "/usr/local/share/ca-certificates"]).arg(&own));
        Ran::ok(Command::new("mount").arg("--bind").arg(&own).arg("/usr/local/share/ca-certificates"));
        // What the machine's own administrator has not run since the last change is not our doing.
        Ran::ok(world.command("update-ca-certificates").arg("--fresh"));
        let folders = ["/etc", "/usr/local/share/ca-certificates"];
        let before = snapshot(&folders);
        let pulltap = Pulltap::start(world, origin.ca());
        let url = format!("https://{REGISTRY}/v2/");
        let curl =
            || Ran::new(world.client("curl").args(["--silent", "--show-error", "--proxy", &pulltap.proxy(), &url]));
        assert_eq!(curl().status.code(), Some(60), "{}", curl());
        command(world, &["trust", "install", "--for", "system"]);
        let trusted = curl();
        assert!(trusted.status.success() && trusted.stdout.contains("UNAUTHORIZED"), "{trusted}");
        command(world, &["trust", "uninstall", "--for", "system"]);
        assert_eq!(curl().status.code(), Some(60), "{}", curl());
        expect_same(&snapshot(&folders), &before);
    });
}

#[test]
fn containerd_trusts_the_ca_for_one_registry() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let before = snapshot(&["/etc"]);
        let pulltap = Pulltap::start(world, origin.ca());
        let containerd = Containerd::start(world, "containerd");
        let pull = || {
            let mut pull = containerd.ctr();
            pull.args(["images", "pull", "--snapshotter=native", "--hosts-dir=/etc/containerd/certs.d"])
                .args(["--user", &format!("{USER}:{PASSWORD}"), &reference(&image)])
                .envs(pulltap.environment());
            Ran::new(&mut pull)
        };
        let untrusted = pull();
        assert!(untrusted.stderr.contains("unknown authority"), "{untrusted}");
        command(world, &["trust", "install", "--for", "containerd", "--host", REGISTRY]);
        let trusted = pull();
        assert!(trusted.status.success(), "{trusted}");
        expect_pull(&pulltap.finish(), &image);
        command(world, &["trust", "uninstall"]);
        expect_same(&snapshot(&["/etc"]), &before);
    });
}

#[test]
fn a_shell_is_set_up_and_forgets_it() {
    in_private_world(|world| {
        tools::require(&["curl", "bash"]);
        let origin = Origin::start(world);
        let pulltap = Pulltap::start(world, origin.ca());
        let program = env!("CARGO_BIN_EXE_pulltap");
        let data = world.path("pulltap");
        let set_up = format!("'{program}' setup shell --data-dir '{}' --proxy {}", data.display(), pulltap.address());
        let curl = format!("curl --silent --output /dev/null --write-out '%{{http_code}} ' https://{REGISTRY}/v2/");
        let script = format!("eval \"$({set_up})\"; {curl}; eval \"$({set_up} --undo)\"; {curl}; env");
        let said = Ran::ok(world.client("bash").args(["-c", &script]));
        assert!(said.starts_with("401 000 ") && !said.contains("PROXY") && !said.contains("ca.crt"), "{said}");
        pulltap.finish().expect("GET", 401, &format!("https://{REGISTRY}/v2/"));
    });
}

#[test]
fn podman_is_set_up_without_any_environment_and_put_back() {
    in_private_world(|world| {
        tools::require(&["podman"]);
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let before = snapshot(&["/etc"]);
        let pulltap = Pulltap::start(world, origin.ca());
        command(world, &["setup", "podman", "--apply", "--proxy", &pulltap.address().to_string()]);
        command(world, &["trust", "install", "--for", "podman", "--host", REGISTRY]);
        let mut podman = world.client("podman");
        podman
            .arg("--root")
            .arg(world.path("podman/root"))
            .arg("--runroot")
            .arg(world.path("podman/run"))
            .args(["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"])
            .args(["pull", "--quiet", "--creds", &format!("{USER}:{PASSWORD}"), &reference(&image)])
            .envs(DIRECT);
        Ran::ok(&mut podman);
        expect_pull(&pulltap.finish(), &image);
        command(world, &["trust", "uninstall", "--for", "podman", "--host", REGISTRY]);
        command(world, &["setup", "podman", "--undo"]);
        expect_same(&snapshot(&["/etc"]), &before);
    });
}

/// What `pulltap ARGUMENTS` prints; fails the test where it fails.
#[track_caller]
fn command(world: &World, arguments: &[&str]) -> String {
    Ran::ok(&mut pulltap(world, arguments))
}

fn pulltap(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.command(env!("CARGO_BIN_EXE_pulltap"));
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .args(arguments)
        .arg("--data-dir")
        .arg(world.path("pulltap"))
        .env("PATH", format!("{}:{path}:/usr/sbin:/sbin", world.path("bin").display()));
    command
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The environment that systemd would start the service with: of each variable what the last file by name says.
fn environment(folder: &Path) -> BTreeMap<String, String> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let texts: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("Environment="));
    let words = lines.flat_map(|line| line.split('"').map(str::trim).filter(|word| !word.is_empty()));
    words.map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()).collect()
}

/// Fails the test with the names of the files that are not the same.
#[track_caller]
fn expect_same(now: &Snapshot, before: &Snapshot) {
    let paths = now.keys().chain(before.keys());
    let differing: BTreeSet<_> = paths.filter(|path| now.get(*path) != before.get(*path)).collect();
    assert!(differing.is_empty(), "not as before: {differing:?}");
}

/// What docker and podman make for themselves when they run.
const OF_TOOLS: [&str; 2] = ["/etc/docker/key.json", "/etc/cni/net.d/cni.lock"];

type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Everything below some folders: what it is, who may use it, what stands in it.
fn snapshot(folders: &[&str]) -> Snapshot {
    fn walk(folder: &Path, found: &mut Snapshot) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if OF_TOOLS.iter().any(|own| path == Path::new(own)) {
                continue;
            }
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if metadata.is_file() {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            found.insert(path.clone(), (metadata.permissions().mode(), content));
            if metadata.is_dir() {
                walk(&path, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    for folder in folders {
        walk(Path::new(folder), &mut found);
    }
    found
}
