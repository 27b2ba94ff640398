//! Real container clients through pulltap: each must have the same outcome as without it, and must have been seen.

mod big_layer;
mod containerd;
mod curl;
mod docker;
mod http2;
mod plain_http;
mod podman;
mod run;
mod set_up;
mod skopeo;
mod unreachable;
mod virtual_machine;

use crate::support::image::{Image, blob_url_path};
use crate::support::origin::{AUTH, BLOBS, REGISTRY};
use crate::support::pulltap::Seen;

/// No environment of its own: how a daemon or client is started that has no proxy.
const DIRECT: [(&str, String); 0] = [];

/// How clients name `image`.
fn reference(image: &Image) -> String {
    format!("{REGISTRY}/{}:{}", image.repository, image.tag)
}

/// Fails the test where pulltap has not seen everything that a pull of `image` is made of.
#[track_caller]
fn expect_pull(seen: &Seen, image: &Image) {
    let token = format!("https://{AUTH}/oauth2/token");
    let manifests = format!("https://{REGISTRY}/v2/{}/manifests/", image.repository);
    let tokens = seen.count(|exchange| exchange.is("GET", 200, &token) || exchange.is("POST", 200, &token));
    assert!(tokens > 0, "no token:\n{seen}");
    seen.expect("GET", 200, &manifests);
    for digest in &image.blobs {
        seen.expect("GET", 307, &format!("https://{REGISTRY}/v2/{}/blobs/{digest}", image.repository));
        seen.expect("GET", 200, &format!("https://{BLOBS}{}", blob_url_path(digest)));
    }
}
