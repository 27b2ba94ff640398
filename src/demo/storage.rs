//! The demo's blob host: Azure Storage behind URLs that the registry has signed.

use std::sync::Arc;

use http::{Method, Request, StatusCode, header};
use hyper::ext::ReasonPhrase;
use jiff::{SignedDuration, Timestamp};

use crate::registry::parameters;

use super::answer::{Answer, of_storage, with, with_parts};
use super::image::{BLOBS, Image};
use super::tokens::{Signer, identifier};

/// What Azure Container Registry's URLs hold for (recording of azure-sdk-for-js).
const LIFETIME: SignedDuration = SignedDuration::from_mins(20);

/// The registry's own folder at the blob host. Two slashes follow it on the wire.
const FOLDER: &str = "df5a80a5cb57435d8ae8597be148f036-dpwt5reg3l";

/// The blob host.
#[derive(Debug)]
pub struct Storage {
    /// What it keeps.
    pub image: Arc<Image>,
    /// Signs its URLs.
    pub signer: Signer,
}

impl Storage {
    /// A URL that whoever has it may read a blob with, for a while.
    pub fn signed_url(&self, digest: &str) -> String {
        let hash = digest.trim_start_matches("sha256:");
        let start = hash.get(..2).unwrap_or_default();
        let path = format!("/{FOLDER}//docker/registry/v2/blobs/sha256/{start}/{hash}/data");
        let expires = Timestamp::now().saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let expires = expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let signature = self.signer.signature(&signed(&path, &expires));
        let expires = expires.replace(':', "%3A");
        format!("https://{BLOBS}{path}?se={expires}&sig={signature}&sp=r&spr=https&sr=b&sv=2016-05-31&regid=demo")
    }

    /// The answer to a request.
    pub fn answer<Body>(&self, request: &Request<Body>) -> Answer {
        if request.headers().contains_key(header::AUTHORIZATION) {
            return credentials_not_wanted();
        }
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let value = |name: &str| parameters::first(query, name).unwrap_or_default();
        if !self.signer.is_ours(&signed(path, &value("se")), &value("sig")) {
            let text = "Server failed to authenticate the request. Make sure the value of Authorization header is \
                        formed correctly including the signature.";
            return refusal(StatusCode::FORBIDDEN, "AuthenticationFailed", text);
        }
        let hash = path.trim_end_matches("/data").rsplit('/').next().unwrap_or_default();
        let Some(blob) = self.image.blob(&format!("sha256:{hash}")) else {
            return refusal(StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist.");
        };
        let head = of_storage(StatusCode::OK)
            .header("x-ms-version", "2016-05-31")
            .header("x-ms-blob-type", "BlockBlob")
            .header(header::ETAG, format!("\"0x{}\"", hash.get(..15).unwrap_or_default().to_uppercase()));
        let parts = if request.method() == Method::HEAD { Box::new(std::iter::empty()) } else { blob.parts() };
        with_parts(head, blob.size, parts)
    }
}

/// What the signature of a URL is about.
fn signed(path: &str, expires: &str) -> String {
    format!("{path}\n{expires}")
}

/// Azure Storage reads any `Authorization` as its own, and repeats its complaint in the reason phrase
/// (spring-cloud-dataflow#4412).
fn credentials_not_wanted() -> Answer {
    const TEXT: &str =
        "Authentication information is not given in the correct format. Check the value of Authorization header.";
    let mut answer = refusal(StatusCode::BAD_REQUEST, "InvalidAuthenticationInfo", TEXT);
    answer.extensions_mut().insert(ReasonPhrase::from_static(TEXT.as_bytes()));
    answer
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Answer {
    // It begins with a byte order mark on the wire, as XML of Azure Storage does.
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}\n\
         RequestId:{}\nTime:{}</Message></Error>",
        identifier(),
        Timestamp::now()
    );
    with(of_storage(status), "application/xml", body)
}
