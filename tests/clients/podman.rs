//! podman, with a store of the test's own.

use std::process::Command;

use crate::clients::{DIRECT, expect_pull, reference};
use crate::support::image::Image;
use crate::support::origin::{Origin, REGISTRY};
use crate::support::pulltap::Pulltap;
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::tools;
use crate::support::world::{World, in_private_world};

#[test]
fn podman_pulls_through_pulltap_with_the_same_digests() {
    tools::require(&["podman"]);
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        world.trust(REGISTRY, origin.ca());
        let direct = pull(world, &image, "direct", &DIRECT);
        let pulltap = Pulltap::start(world, origin.ca());
        world.trust(REGISTRY, &pulltap.ca());
        let tapped = pull(world, &image, "tapped", &pulltap.environment());
        assert_eq!(tapped, direct);
        assert!(tapped.contains(&image.digest), "{tapped}");
        let seen = pulltap.finish();
        expect_pull(&seen, &image);
        seen.expect_operations(&["pull team/app:v1 ok, 3 layers"]);
        seen.expect_no_trouble();
    });
}

/// Pulls `image` into the store `name`, and gives the image id and what the store then has.
fn pull(world: &World, image: &Image, name: &str, environment: &[(&str, String)]) -> String {
    let credentials = format!("{USER}:{PASSWORD}");
    let id = Ran::ok(
        podman(world, name)
            .args(["pull", "--quiet", "--creds", &credentials, &reference(image)])
            .envs(environment.iter().map(|(name, value)| (name, value))),
    );
    let list = ["images", "--no-trunc", "--format", "{{.Repository}}@{{.Digest}} {{.ID}}"];
    id + &Ran::ok(podman(world, name).args(list))
}

fn podman(world: &World, name: &str) -> Command {
    let folder = world.path(name);
    let mut command = world.client("podman");
    command.arg("--root").arg(folder.join("root")).arg("--runroot").arg(folder.join("run")).args([
        "--storage-driver=vfs",
        "--cgroup-manager=cgroupfs",
        "--events-backend=none",
    ]);
    command
}
