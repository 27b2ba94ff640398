//! docker, by a private daemon that has pulltap as its proxy.

use crate::clients::{DIRECT, expect_pull, reference};
use crate::support::dockerd::Dockerd;
use crate::support::image::{Image, write_docker_archive};
use crate::support::origin::{AUTH, Origin, REGISTRY};
use crate::support::pulltap::Pulltap;
use crate::support::token_server::{IDENTITY_USER, PASSWORD, REFRESH_TOKEN, USER};
use crate::support::world::{World, in_private_world};

#[test]
fn docker_pulls_through_pulltap_with_the_same_digests() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let (direct, pulltap, tapped) = daemons(world, &origin, |docker| pull(docker, &image));
        assert_eq!(tapped, direct);
        assert!(tapped.contains(&image.digest), "{tapped}");
        let seen = pulltap.finish();
        seen.expect("GET", 401, &format!("https://{REGISTRY}/v2/"));
        seen.expect("HEAD", 200, &format!("https://{REGISTRY}/v2/team/app/manifests/v1"));
        expect_pull(&seen, &image);
        seen.expect_operations(&["login -:- ok, 0 layers", "pull team/app:v1 ok, 3 layers"]);
        seen.expect_no_trouble();
    });
}

#[test]
fn docker_pushes_through_pulltap_with_the_same_digest() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let archive = world.path("tmp/archive.tar");
        write_docker_archive(&archive, "pulltap-test:v1");
        let mut repositories = ["pushed/direct", "pushed/tapped"].into_iter();
        let (direct, pulltap, tapped) = daemons(world, &origin, |docker| {
            let repository = repositories.next().unwrap();
            docker.ok(&["load", "--input", archive.to_str().unwrap()]);
            let target = format!("{REGISTRY}/{repository}:v1");
            docker.ok(&["tag", "pulltap-test:v1", &target]);
            docker.ok(&["push", "--quiet", &target]);
            origin.storage.tag(repository, "v1").expect("the registry has the pushed tag")
        });
        assert_eq!(tapped, direct);
        let seen = pulltap.finish();
        let repository = format!("https://{REGISTRY}/v2/pushed/tapped");
        seen.expect("HEAD", 404, &format!("{repository}/blobs/sha256:"));
        seen.expect("POST", 202, &format!("{repository}/blobs/uploads/"));
        seen.expect("PATCH", 202, &format!("{repository}/blobs/uploads/"));
        seen.expect("PUT", 201, &format!("{repository}/blobs/uploads/"));
        seen.expect("PUT", 201, &format!("{repository}/manifests/v1"));
        seen.expect_operations(&["login -:- ok, 0 layers", "push pushed/tapped:v1 ok, 3 layers"]);
        seen.expect_no_trouble();
    });
}

#[test]
fn docker_logs_in_through_pulltap_and_is_refused_in_the_same_words() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let (direct, pulltap, tapped) = daemons(world, &origin, |docker| {
            [(USER, PASSWORD), (IDENTITY_USER, REFRESH_TOKEN), (USER, "wrong")].map(|(user, password)| {
                let ran = docker.log_in_as(REGISTRY, user, password);
                // Some versions also warn of the file that keeps the password, and name it.
                let says = ran.stdout + &ran.stderr;
                let says: Vec<_> = says.lines().filter(|line| !line.contains("WARNING!")).map(str::to_owned).collect();
                (ran.status.code(), says)
            })
        });
        assert_eq!(tapped, direct);
        assert_eq!(tapped.each_ref().map(|(status, _)| *status), [Some(0), Some(0), Some(1)]);
        assert!(tapped[0].1.contains(&"Login Succeeded".to_owned()), "{tapped:?}");
        let seen = pulltap.finish();
        seen.expect("GET", 401, &format!("https://{REGISTRY}/v2/"));
        seen.expect("GET", 200, &format!("https://{AUTH}/oauth2/token?account={USER}"));
        seen.expect("GET", 401, &format!("https://{AUTH}/oauth2/token?account={USER}"));
        seen.expect("GET", 200, &format!("https://{REGISTRY}/v2/"));
        let outcomes = ["ok", "ok", "ok", "failed"].map(|outcome| format!("login -:- {outcome}, 0 layers"));
        seen.expect_operations(&outcomes.each_ref().map(String::as_str));
    });
}

#[test]
fn docker_pulls_with_an_identity_token_through_pulltap() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let pulltap = Pulltap::start(world, origin.ca());
        world.trust(REGISTRY, &pulltap.ca());
        let docker = Dockerd::start(world, "tapped", pulltap.environment());
        // As after `az acr login`: docker keeps the refresh token and asks for each token with a POST.
        let login = docker.log_in_as(REGISTRY, IDENTITY_USER, REFRESH_TOKEN);
        assert!(login.status.success(), "{login}");
        let pulled = docker.ok(&["pull", &reference(&image)]);
        assert!(pulled.contains(&image.digest), "{pulled}");
        let seen = pulltap.finish();
        seen.expect("POST", 200, &format!("https://{AUTH}/oauth2/token"));
        expect_pull(&seen, &image);
    });
}

#[test]
fn docker_pulls_from_names_that_only_pulltap_can_resolve() {
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        world.forget_hosts();
        let pulltap = Pulltap::start_with(world, origin.ca(), &Origin::resolve_options());
        world.trust(REGISTRY, &pulltap.ca());
        let docker = Dockerd::start(world, "tapped", pulltap.environment());
        let login = docker.log_in(REGISTRY);
        assert!(login.status.success(), "{login}");
        let pulled = pull(&docker, &image);
        assert!(pulled.contains(&image.digest), "{pulled}");
        expect_pull(&pulltap.finish(), &image);
    });
}

/// Does `what` with a daemon that has no proxy, and with one that has pulltap and trusts nothing but pulltap's CA.
fn daemons<Outcome>(
    world: &World,
    origin: &Origin,
    mut what: impl FnMut(&Dockerd) -> Outcome,
) -> (Outcome, Pulltap, Outcome) {
    world.trust(REGISTRY, origin.ca());
    let docker = Dockerd::start(world, "direct", DIRECT);
    assert!(docker.log_in(REGISTRY).status.success());
    let direct = what(&docker);
    let pulltap = Pulltap::start(world, origin.ca());
    world.trust(REGISTRY, &pulltap.ca());
    let docker = Dockerd::start(world, "tapped", pulltap.environment());
    let login = docker.log_in(REGISTRY);
    assert!(login.status.success(), "{login}");
    let tapped = what(&docker);
    (direct, pulltap, tapped)
}

/// Pulls `image`, and gives what the daemon then has: repository digest and image id.
fn pull(docker: &Dockerd, image: &Image) -> String {
    docker.ok(&["pull", &reference(image)]);
    docker.ok(&["images", "--no-trunc", "--format", "{{.Repository}}@{{.Digest}} {{.ID}} {{.Size}}"])
}
