//! What an exchange names for others to ask for: the digest of a manifest and what it is made of, the blob that an
//! upload is for, and where it goes on.

use crate::exchange::Exchange;

use super::{Endpoint, Manifest, Method, PlaceKey, parameters, token};

/// A tag or a digest, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceKey(u64);

impl ReferenceKey {
    /// The key of this tag or digest.
    pub fn of(reference: &str) -> Self {
        Self(token::hashed(reference.as_bytes()))
    }
}

/// What an exchange names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// The digest of the manifest that was read or written, or of the blob that is uploaded.
    pub digest: Option<ReferenceKey>,
    /// The configuration of the image.
    pub config: Option<ReferenceKey>,
    /// Its layers, or the manifests of an index.
    pub parts: Box<[ReferenceKey]>,
    /// Where an upload that was begun goes on.
    pub upload: Option<PlaceKey>,
}

impl Links {
    /// What this exchange names, if anything; `manifest` is the one that it reads or writes.
    pub fn of(exchange: &Exchange, endpoint: &Endpoint, method: Method, manifest: Option<&Manifest>) -> Option<Self> {
        let mut links = Self::default();
        match endpoint {
            Endpoint::Manifest { .. } => links.read_manifest(exchange, method, manifest),
            Endpoint::Upload { .. } => links.digest = digest_of_upload(exchange),
            Endpoint::Uploads { mount, .. } => {
                links.digest = mount.as_deref().map(ReferenceKey::of).or_else(|| digest_of_upload(exchange));
                let location = exchange.response.as_ref().and_then(|response| response.headers.text("location"));
                links.upload = location.map(|location| PlaceKey::of_url(&location, &exchange.target.host));
            }
            _ => {}
        }
        (links != Self::default()).then_some(links)
    }

    fn read_manifest(&mut self, exchange: &Exchange, method: Method, manifest: Option<&Manifest>) {
        let is_well = exchange.status().is_some_and(|status| (200..300).contains(&status));
        if !is_well && method != Method::Put {
            return;
        }
        let digest = exchange.response.as_ref().and_then(|response| response.headers.text("docker-content-digest"));
        self.digest = digest.map(|digest| ReferenceKey::of(&digest));
        if let Some(manifest) = manifest {
            self.config = manifest.config.as_deref().map(ReferenceKey::of);
            self.parts = manifest.parts().map(ReferenceKey::of).collect();
        }
    }

    /// Whether it is made of this blob or manifest.
    pub fn has(&self, part: ReferenceKey) -> bool {
        self.config == Some(part) || self.parts.contains(&part)
    }
}

fn digest_of_upload(exchange: &Exchange) -> Option<ReferenceKey> {
    parameters::first(exchange.query()?, "digest").map(|digest| ReferenceKey::of(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{ExchangeId, Moment, Origin, RequestHead, ResponseHead, Target};

    fn links(method: &str, target: &str, location: Option<&str>, content: &str) -> Option<Links> {
        let id = ExchangeId::new(1).unwrap();
        let mut exchange = Exchange::new(id, Origin::Live, Target::https("r.test", 443), Moment::EPOCH);
        exchange.request = Some(RequestHead::new(method, target));
        let mut response = ResponseHead::new(200, "OK");
        if let Some(location) = location {
            response.headers.push("Location", location.as_bytes());
        }
        exchange.response = Some(response);
        exchange.response_body.bytes = content.as_bytes().to_vec();
        let (endpoint, method) = (Endpoint::of(exchange.path(), exchange.query()), Method::of(method));
        let manifest = Manifest::of_exchange(&exchange, &endpoint, method);
        Links::of(&exchange, &endpoint, method, manifest.as_ref())
    }

    #[test]
    fn reads_what_a_manifest_is_made_of() {
        let image =
            r#"{"config":{"digest":"sha256:c"},"layers":[{"digest":"sha256:1"},{"size":3},{"digest":"sha256:2"}]}"#;
        let image = links("GET", "/v2/app/manifests/v1", None, image).unwrap();
        assert!(["sha256:c", "sha256:1", "sha256:2"].iter().all(|part| image.has(ReferenceKey::of(part))));
        assert!(!image.has(ReferenceKey::of("sha256:3")));
        let index = links("GET", "/v2/app/manifests/v1", None, r#"{"manifests":[{"digest":"sha256:m"}]}"#).unwrap();
        assert!(index.has(ReferenceKey::of("sha256:m")));
        for odd in ["", "[", "[]", "{}", r#"{"layers":7}"#, r#"{"config":null}"#] {
            assert_eq!(links("GET", "/v2/app/manifests/v1", None, odd), None, "{odd}");
        }
    }

    #[test]
    fn follows_an_upload_to_where_it_goes_on() {
        let begun = links("POST", "/v2/app/blobs/uploads/", Some("/v2/app/blobs/uploads/7?_state=x"), "").unwrap();
        assert_eq!(begun.upload, Some(PlaceKey::of("r.test", "/v2/app/blobs/uploads/7")));
        let done = links("PUT", "/v2/app/blobs/uploads/7?_state=x&digest=sha256%3A1", None, "").unwrap();
        assert_eq!(done.digest, Some(ReferenceKey::of("sha256:1")));
    }
}
