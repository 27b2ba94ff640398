//! curl, the client that people reproduce a failure with; it also is the one that offers HTTP/2.

use std::fs;
use std::path::Path;

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
fn curl_fetches_through_pulltap_with_the_same_digests() {
    in_private_world(|world| expect_the_same_outcome(world, "--http1.1"));
}

#[test]
fn curl_fetches_through_pulltap_with_the_same_digests_by_http_2() {
    in_private_world(|world| expect_the_same_outcome(world, "--http2"));
}

/// Fetches with and without pulltap, curl being told by `version` which HTTP version it may use.
fn expect_the_same_outcome(world: &World, version: &'static str) {
    tools::require(&["curl"]);
    let origin = Origin::start(world);
    let image = origin.storage.add_small_image("team/app", "v1");
    let direct = Curl { world, version, ca: origin.ca(), environment: &DIRECT }.fetch(&image);
    let pulltap = Pulltap::start(world, origin.ca());
    let environment = pulltap.environment();
    let tapped = Curl { world, version, ca: &pulltap.ca(), environment: &environment }.fetch(&image);
    assert_eq!(tapped, direct);
    let digests: Vec<_> = tapped.iter().skip(1).map(|(_, digest)| digest).collect();
    assert_eq!(digests, [&image.digest].into_iter().chain(&image.blobs).collect::<Vec<_>>());
    let seen = pulltap.finish();
    seen.expect("GET", 401, &format!("https://{REGISTRY}/v2/"));
    expect_pull(&seen, &image);
    let mut calls = vec!["rest -:- stopped, 0 layers", "rest team/app:- ok, 0 layers", "rest team/app:v1 ok, 0 layers"];
    calls.extend(image.blobs.iter().map(|_| "rest team/app:- ok, 1 layers"));
    seen.expect_operations(&calls);
    seen.expect_no_trouble();
}

/// How curl is run: by which version of HTTP, trusting whom, with which proxy.
struct Curl<'test> {
    world: &'test World,
    version: &'static str,
    ca: &'test Path,
    environment: &'test [(&'static str, String)],
}

impl Curl<'_> {
    /// Asks for everything that a pull of `image` does; gives each answer's HTTP version and status, and its body's digest.
    fn fetch(&self, image: &Image) -> Vec<(String, String)> {
        let registry = format!("https://{REGISTRY}/v2/");
        let challenge = self.run(&[&registry]);
        let authorization = format!("Authorization: Bearer {}", self.token(image));
        let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
        let repository = format!("{registry}{}", image.repository);
        let manifest =
            self.run(&["-H", &authorization, "-H", accept, &format!("{repository}/manifests/{}", image.tag)]);
        let blob = |digest| self.run(&["--location", "-H", &authorization, &format!("{repository}/blobs/{digest}")]);
        [challenge, manifest]
            .into_iter()
            .chain(image.blobs.iter().map(blob))
            .map(|(protocol, body)| (protocol, sha256(&body)))
            .collect()
    }

    fn token(&self, image: &Image) -> String {
        let credentials = format!("{USER}:{PASSWORD}");
        let scope = format!("repository:{}:pull", image.repository);
        let question = format!("https://{AUTH}/oauth2/token?service={REGISTRY}&scope={scope}");
        let (_, answer) = self.run(&["--user", &credentials, &question]);
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The HTTP version and status of the last answer, and its body.
    fn run(&self, arguments: &[&str]) -> (String, Vec<u8>) {
        let body = self.world.path("tmp/body");
        let protocol = Ran::ok(
            self.world
                .client("curl")
                .args(["--silent", "--show-error", self.version, "--write-out", "HTTP/%{http_version} %{http_code}"])
                .arg("--cacert")
                .arg(self.ca)
                .arg("--output")
                .arg(&body)
                .args(arguments)
                .envs(self.environment.iter().map(|(name, value)| (name, value))),
        );
        (protocol, fs::read(&body).unwrap())
    }
}
