//! containerd, by its client `ctr`.

use std::path::Path;

use crate::clients::{DIRECT, expect_pull, reference};
use crate::support::containerd::Containerd;
use crate::support::image::Image;
use crate::support::origin::Origin;
use crate::support::pulltap::Pulltap;
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::world::in_private_world;

#[test]
fn ctr_pulls_through_pulltap_with_the_same_digests() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let direct = pull(&Containerd::start(world, "direct"), &image, origin.ca(), &DIRECT);
        let pulltap = Pulltap::start(world, origin.ca());
        let containerd = Containerd::start(world, "tapped");
        let tapped = pull(&containerd, &image, &pulltap.ca(), &pulltap.environment());
        assert_eq!(tapped, direct);
        assert!(tapped.contains(&image.digest), "{tapped}");
        let seen = pulltap.finish();
        expect_pull(&seen, &image);
        seen.expect_operations(&["pull team/app:v1 ok, 3 layers"]);
        seen.expect_no_trouble();
    });
}

/// Pulls `image`, trusting `ca`, and gives the digests of everything that containerd then has.
fn pull(containerd: &Containerd, image: &Image, ca: &Path, environment: &[(&str, String)]) -> String {
    Ran::ok(
        containerd
            .ctr()
            .args(["images", "pull", "--snapshotter=native", "--user", &format!("{USER}:{PASSWORD}"), "--tlscacert"])
            .arg(ca)
            .arg(reference(image))
            .envs(environment.iter().map(|(name, value)| (name, value))),
    );
    let mut content: Vec<_> =
        Ran::ok(containerd.ctr().args(["content", "ls", "--quiet"])).lines().map(str::to_owned).collect();
    content.sort();
    content.join("\n")
}
