//! A layer much bigger than the memory that pulltap may use.

use crate::clients::{expect_pull, reference};
use crate::support::origin::{Origin, REGISTRY};
use crate::support::pulltap::Pulltap;
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::tools;
use crate::support::world::in_private_world;

/// 1 GiB.
const LENGTH: usize = 1 << 30;

/// The most memory that pulltap may have used at once, in MiB.
const MEMORY: f64 = 64.0;

#[test]
fn a_layer_of_one_gibibyte_passes_with_flat_memory() {
    tools::require(&["skopeo"]);
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_big_image("team/big", "v1", LENGTH);
        let pulltap = Pulltap::start(world, origin.ca());
        world.trust(REGISTRY, &pulltap.ca());
        let before = pulltap.peak_memory();
        // skopeo compares every blob with its digest.
        let copied = Ran::new(
            world
                .client("skopeo")
                .args([
                    "copy",
                    "--src-creds",
                    &format!("{USER}:{PASSWORD}"),
                    &format!("docker://{}", reference(&image)),
                ])
                .arg(format!("dir:{}", world.path("tmp/big").display()))
                .envs(pulltap.environment()),
        );
        assert!(copied.status.success(), "{copied}");
        let peak = pulltap.peak_memory();
        println!("1 GiB in {:.1?}; pulltap used {before:.1} MiB before, {peak:.1} MiB at most", copied.took);
        assert!(peak < MEMORY, "pulltap used {peak:.1} MiB");
        expect_pull(&pulltap.finish(), &image);
    });
}
