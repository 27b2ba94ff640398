//! The image of the demo registry: an index, a manifest, a configuration and three layers, all made in memory.
//!
//! The layers are noise, since nobody unpacks them. The large one is made while it is sent, so that it costs no memory.

use std::fmt::Write;

use aws_lc_rs::digest::{self, SHA256};
use bytes::Bytes;
use serde_json::{Value, json};

/// The host of the registry; `azurecr.io` because what it does is what Azure Container Registry does.
pub const REGISTRY: &str = "demoregistry.azurecr.io";
/// The host that keeps the blobs.
pub const BLOBS: &str = "demoblobs.blob.core.windows.net";
/// The repository.
pub const REPOSITORY: &str = "samples/hello";
/// The tag.
pub const TAG: &str = "v1";

/// The media type of an index: one image for several platforms.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The sizes of the layers, the large one in the middle.
const LAYER_SIZES: [u64; 3] = [2_811_478, 33_554_432, 1_337];

/// How much noise is made at once.
const BLOCK: usize = 64 * 1024;

/// The image, by the digests that name its parts.
#[derive(Debug)]
pub struct Image {
    index: Document,
    /// The manifest of its only platform.
    pub manifest: Document,
    /// The configuration, and the layers.
    pub blobs: Vec<Blob>,
}

/// A small part of the image that is kept as it is.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its media type.
    pub media_type: &'static str,
    /// Its digest.
    pub digest: String,
    /// What stands in it.
    pub content: Bytes,
}

/// A part of the image that the blob host serves.
#[derive(Debug, Clone)]
pub struct Blob {
    /// Its digest.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Kept(Bytes),
    /// The noise that grows from this number.
    Noise(u64),
}

impl Image {
    /// Makes the image; always the same one.
    pub fn made() -> Self {
        let layers: Vec<_> = (1..).zip(LAYER_SIZES).map(|(seed, size)| Blob::noise(seed, size)).collect();
        let config = Document::new(CONFIG, &config(&layers));
        let descriptor = |media_type: &str, digest: &str, size: u64| json!({"mediaType": media_type, "digest": digest, "size": size});
        let manifest = Document::new(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": descriptor(CONFIG, &config.digest, config.size()),
                "layers": layers.iter().map(|layer| descriptor(LAYER, &layer.digest, layer.size)).collect::<Vec<_>>(),
            }),
        );
        let mut amd64 = descriptor(MANIFEST, &manifest.digest, manifest.size());
        if let Some(fields) = amd64.as_object_mut() {
            fields.insert("platform".to_owned(), json!({"architecture": "amd64", "os": "linux"}));
        }
        let index = Document::new(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd64]}));
        let config = Blob { size: config.size(), digest: config.digest, content: Content::Kept(config.content) };
        Self { index, manifest, blobs: [vec![config], layers].concat() }
    }

    /// The index or manifest that a tag or digest names.
    pub fn document(&self, reference: &str) -> Option<&Document> {
        if reference == TAG {
            return Some(&self.index);
        }
        [&self.index, &self.manifest].into_iter().find(|document| document.digest == reference)
    }

    /// The blob of this digest.
    pub fn blob(&self, digest: &str) -> Option<&Blob> {
        self.blobs.iter().find(|blob| blob.digest == digest)
    }
}

impl Document {
    fn new(media_type: &'static str, content: &Value) -> Self {
        let content = Bytes::from(content.to_string());
        Self { media_type, digest: digest_of([content.clone()].into_iter()), content }
    }

    fn size(&self) -> u64 {
        self.content.len() as u64
    }
}

impl Blob {
    fn noise(seed: u64, size: u64) -> Self {
        Self { digest: digest_of(Noise::new(seed, size)), size, content: Content::Noise(seed) }
    }

    /// The content, part by part.
    pub fn parts(&self) -> Box<dyn Iterator<Item = Bytes> + Send> {
        match &self.content {
            Content::Kept(content) => Box::new([content.clone()].into_iter()),
            Content::Noise(seed) => Box::new(Noise::new(*seed, self.size)),
        }
    }
}

fn config(layers: &[Blob]) -> Value {
    json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-15T12:00:00Z",
        "config": {"Cmd": ["/hello"], "WorkingDir": "/"},
        // Of unpacked layers, were they to be unpacked.
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| &layer.digest).collect::<Vec<_>>()},
        "history": [{"created_by": "pulltap demo"}],
    })
}

/// Noise of a given length that is the same each time, and no two blocks of which are equal.
struct Noise {
    block: Vec<u8>,
    number: u64,
    left: u64,
}

impl Noise {
    fn new(seed: u64, size: u64) -> Self {
        // Knuth's linear congruential generator.
        let next = |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let states = std::iter::successors(Some(next(seed)), |state| Some(next(*state)));
        let block = states.map(|state| (state >> 56) as u8).take(BLOCK).collect();
        Self { block, number: 0, left: size }
    }
}

impl Iterator for Noise {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let length = usize::try_from(self.left).unwrap_or(BLOCK).min(BLOCK);
        self.left -= length as u64;
        self.number += 1;
        let mut part = self.block.get(..length)?.to_vec();
        for (byte, mark) in part.iter_mut().zip(self.number.to_be_bytes()) {
            *byte ^= mark;
        }
        (length > 0).then(|| part.into())
    }
}

/// The digest of a content, as registries write it.
pub fn digest_of(parts: impl Iterator<Item = Bytes>) -> String {
    let mut hash = digest::Context::new(&SHA256);
    parts.for_each(|part| hash.update(&part));
    written(&hash.finish())
}

/// A hash as registries write it.
pub fn written(hash: &digest::Digest) -> String {
    hash.as_ref().iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_by_its_digest_and_is_what_the_digest_says() {
        let image = Image::made();
        let index: Value = serde_json::from_slice(&image.document(TAG).unwrap().content).unwrap();
        let manifest = image.document(index["manifests"][0]["digest"].as_str().unwrap()).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest.content).unwrap();
        let parts: Vec<_> = [&manifest["config"]].into_iter().chain(manifest["layers"].as_array().unwrap()).collect();
        assert_eq!(parts.len(), 4);
        for part in parts {
            let blob = image.blob(part["digest"].as_str().unwrap()).unwrap();
            assert_eq!(digest_of(blob.parts()), blob.digest);
            assert_eq!(blob.parts().map(|part| part.len() as u64).sum::<u64>(), blob.size);
            assert_eq!(part["size"], blob.size);
        }
        let mut blocks = Noise::new(1, 3 * BLOCK as u64);
        assert_ne!(blocks.next(), blocks.next());
    }
}
