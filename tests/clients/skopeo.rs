//! skopeo, which stands for everything built on containers/image.

use std::fs;

use crate::clients::{DIRECT, expect_pull, reference};
use crate::support::image::{Image, sha256};
use crate::support::origin::{Origin, REGISTRY};
use crate::support::pulltap::Pulltap;
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::tools;
use crate::support::world::{World, in_private_world};

#[test]
fn skopeo_copies_through_pulltap_with_the_same_digests() {
    tools::require(&["skopeo"]);
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        world.trust(REGISTRY, origin.ca());
        let direct = copy(world, &image, "direct", &DIRECT);
        let pulltap = Pulltap::start(world, origin.ca());
        world.trust(REGISTRY, &pulltap.ca());
        let tapped = copy(world, &image, "tapped", &pulltap.environment());
        assert_eq!(tapped, direct);
        assert!(tapped.iter().any(|(name, digest)| name == "manifest.json" && *digest == image.digest), "{tapped:?}");
        let seen = pulltap.finish();
        expect_pull(&seen, &image);
        seen.expect_operations(&["pull team/app:v1 ok, 3 layers"]);
        seen.expect_no_trouble();
    });
}

/// Copies `image` into a folder, and gives the names and digests of the files there.
fn copy(world: &World, image: &Image, folder: &str, environment: &[(&str, String)]) -> Vec<(String, String)> {
    let folder = world.path("tmp").join(folder);
    Ran::ok(
        world
            .client("skopeo")
            .args(["copy", "--src-creds", &format!("{USER}:{PASSWORD}"), &format!("docker://{}", reference(image))])
            .arg(format!("dir:{}", folder.display()))
            .envs(environment.iter().map(|(name, value)| (name, value))),
    );
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), sha256(&fs::read(path).unwrap())))
        .collect();
    files.sort();
    files
}
