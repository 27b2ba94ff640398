//! Where pulltap itself must answer, its reason has to reach the terminal of the person who pulls.

use std::net::Ipv4Addr;

use crate::support::dockerd::Dockerd;
use crate::support::origin::Origin;
use crate::support::pulltap::{Exchange, Pulltap};
use crate::support::world::in_private_world;

#[test]
fn docker_prints_why_pulltap_cannot_reach_the_registry() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        world.name_host("closed.pulltap.test", Ipv4Addr::new(192, 0, 2, 20));
        let pulltap = Pulltap::start(world, origin.ca());
        for host in ["missing.pulltap.test", "closed.pulltap.test"] {
            world.trust(host, &pulltap.ca());
        }
        let docker = Dockerd::start(world, "tapped", pulltap.environment());
        for (host, reason) in [("missing.pulltap.test", "resolve"), ("closed.pulltap.test", "refused")] {
            let pull = docker.run(&["pull", &format!("{host}/team/app:v1")]);
            assert!(!pull.status.success(), "{pull}");
            let says_why =
                pull.stderr.contains("pulltap:") && pull.stderr.contains(reason) && pull.stderr.contains(host);
            assert!(says_why, "{pull}");
        }
        let seen = pulltap.finish();
        assert!(seen.count(Exchange::has_failed) >= 2, "{seen}");
    });
}
