//! curl, the client that people reproduce a failure with; it also is the one that offers HTTP/2.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::clients::{DIRECT, expect_pull};
use crate::support::image::{Image, sha256};
use crate::support::origin::{AUTH, Origin, REGISTRY};
use crate::support::pulltap::Pulltap;
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::tools;
use crate::support::world::{World, in_private_world};

#[test]
fn curl_fetches_through_pulltap_with_the_same_digests_and_http_version() {
    tools::require(&["curl"]);
    in_private_world(|world| {
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let direct = fetch(world, &image, origin.ca(), &DIRECT);
        let pulltap = Pulltap::start(world, origin.ca());
        let tapped = fetch(world, &image, &pulltap.ca(), &pulltap.environment());
        assert_eq!(tapped, direct);
        let digests: Vec<_> = tapped.iter().skip(1).map(|(_, digest)| digest).collect();
        assert_eq!(digests, [&image.digest].into_iter().chain(&image.blobs).collect::<Vec<_>>());
        let seen = pulltap.finish();
        seen.expect("GET", 401, &format!("https://{REGISTRY}/v2/"));
        expect_pull(&seen, &image);
        seen.expect_no_trouble();
    });
}

/// Asks, by hand, for everything that a pull of `image` does; gives each HTTP version and status, and each body's digest.
fn fetch(world: &World, image: &Image, ca: &Path, environment: &[(&str, String)]) -> Vec<(String, String)> {
    let body = world.path("tmp/body");
    let curl = |arguments: &[&str]| {
        let mut command: Command = world.client("curl");
        command
            .args(["--silent", "--show-error", "--write-out", "HTTP/%{http_version} %{http_code}", "--cacert"])
            .arg(ca)
            .arg("--output")
            .arg(&body)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)));
        let protocol = Ran::ok(&mut command);
        (protocol, fs::read(&body).unwrap())
    };
    let registry = format!("https://{REGISTRY}/v2/");
    let challenge = curl(&[&registry]);
    let credentials = format!("{USER}:{PASSWORD}");
    let scope = format!("repository:{}:pull", image.repository);
    let question = format!("https://{AUTH}/oauth2/token?service={REGISTRY}&scope={scope}");
    let answer: Value = serde_json::from_slice(&curl(&["--user", &credentials, &question]).1).unwrap();
    let authorization = format!("Authorization: Bearer {}", answer["access_token"].as_str().unwrap());
    let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
    let repository = format!("{registry}{}", image.repository);
    let manifest = curl(&["-H", &authorization, "-H", accept, &format!("{repository}/manifests/{}", image.tag)]);
    let blobs = image
        .blobs
        .iter()
        .map(|digest| curl(&["--location", "-H", &authorization, &format!("{repository}/blobs/{digest}")]));
    let digested = |(protocol, body): (String, Vec<u8>)| (protocol, sha256(&body));
    [challenge, manifest].into_iter().chain(blobs).map(digested).collect()
}
