//! `pulltap run`: clients that are captured without any set-up, and their exit status.

use std::process::Command;

use serde_json::Value;

use crate::clients::{expect_pull, reference};
use crate::support::image::Image;
use crate::support::origin::{Origin, REGISTRY};
use crate::support::pulltap::Seen;
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::tools;
use crate::support::world::{World, in_private_world};

/// Runs a client through `pulltap run`; what it left, and what was seen.
fn run(world: &World, origin: &Origin, words: &[&str]) -> (Ran, Seen) {
    let session = world.path("tmp").join("run.pulltap");
    let pulltap = |command: &str| -> Command {
        let mut pulltap = world.client(env!("CARGO_BIN_EXE_pulltap"));
        pulltap.args([command, "--lang", "en", "--data-dir"]).arg(world.path("pulltap"));
        pulltap
    };
    let mut running = pulltap("run");
    running.arg("--session").arg(&session).arg("--upstream-ca").arg(origin.ca()).arg("--").args(words);
    let ran = Ran::new(&mut running);
    let reported = Ran::new(pulltap("report").args(["--format", "json", "--all"]).arg(&session));
    let report: Value = serde_json::from_str(&reported.stdout).unwrap_or_else(|_| panic!("{ran}\n{reported}"));
    (ran, Seen::of_report(&report))
}

fn origin_with_image(world: &World) -> (Origin, Image) {
    let origin = Origin::start(world);
    let image = origin.storage.add_small_image("team/app", "v1");
    (origin, image)
}

#[test]
fn skopeo_is_captured_without_any_set_up() {
    tools::require(&["skopeo"]);
    in_private_world(|world| {
        let (origin, image) = origin_with_image(world);
        let source = format!("docker://{}", reference(&image));
        let target = format!("dir:{}", world.path("tmp/copy").display());
        let credentials = format!("{USER}:{PASSWORD}");
        let (ran, seen) = run(world, &origin, &["skopeo", "copy", "--src-creds", &credentials, &source, &target]);
        assert!(ran.status.success(), "{ran}");
        assert!(ran.stderr.contains("pulltap: nothing wrong was found."), "{ran}");
        expect_pull(&seen, &image);
    });
}

#[test]
fn podman_is_captured_without_any_set_up() {
    tools::require(&["podman"]);
    in_private_world(|world| {
        let (origin, image) = origin_with_image(world);
        let [root, runroot] = ["root", "run"].map(|name| world.path("podman").join(name).display().to_string());
        let store = ["--root", &root, "--runroot", &runroot, "--storage-driver=vfs"];
        let ways = ["--cgroup-manager=cgroupfs", "--events-backend=none"];
        let (credentials, image_name) = (format!("{USER}:{PASSWORD}"), reference(&image));
        let pull = ["pull", "--quiet", "--creds", &credentials, &image_name];
        let (ran, seen) = run(world, &origin, &[&["podman"], &store[..], &ways, &pull].concat());
        assert!(ran.status.success(), "{ran}");
        expect_pull(&seen, &image);
    });
}

#[test]
fn a_refused_client_keeps_its_status_and_is_explained() {
    tools::require(&["skopeo"]);
    in_private_world(|world| {
        let (origin, image) = origin_with_image(world);
        let source = format!("docker://{}", reference(&image));
        let (ran, seen) = run(world, &origin, &["skopeo", "inspect", "--creds", "puller:wrong", &source]);
        assert_eq!(ran.status.code(), Some(1), "{ran}");
        assert!(ran.stderr.contains("auth.token-refused; pulltap faq wrong-credentials"), "{ran}");
        assert!(seen.count(|exchange| exchange.is("GET", 401, "https://auth.pulltap.test/oauth2/token")) > 0, "{seen}");
    });
}

#[test]
fn curl_and_python_are_captured_without_any_set_up() {
    tools::require(&["curl", "python3"]);
    in_private_world(|world| {
        let origin = Origin::start(world);
        let url = format!("https://{REGISTRY}/v2/");
        let (ran, seen) = run(world, &origin, &["curl", "--silent", "--show-error", "--fail", &url]);
        assert_eq!(ran.status.code(), Some(22), "{ran}");
        seen.expect("GET", 401, &url);
        std::fs::remove_file(world.path("tmp/run.pulltap")).unwrap();
        let script = format!(
            "import sys, urllib.request, urllib.error\ntry:\n  urllib.request.urlopen('{url}')\n\
                              except urllib.error.HTTPError as refused:\n  sys.exit(refused.code - 400)"
        );
        let (ran, seen) = run(world, &origin, &["python3", "-c", &script]);
        assert_eq!(ran.status.code(), Some(1), "{ran}");
        seen.expect("GET", 401, &url);
    });
}
