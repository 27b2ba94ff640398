//! Manifests and indexes: what an image is made of, as far as it helps a diagnosis.
//!
//! Media types: OCI image specification, media-types.md; Docker image manifest version 2, schemas 1 and 2. Tolerant: what
//! is missing is empty, what is unknown is left out.

use std::fmt;

use serde_json::Value;

use crate::exchange::Exchange;

use super::{Endpoint, Method};

/// The longest manifest that is looked into: Azure Container Registry takes 4 MiB, as the specification asks.
const LONGEST: usize = 4 * 1024 * 1024;
/// The most platforms, layers or images of an index that are kept.
const MOST: usize = 4096;

/// What kind of document a manifest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestKind {
    /// A list of manifests, one for each platform.
    Index,
    /// One image or artifact.
    Image,
    /// Docker's schema 1, which current clients do not take any more.
    Schema1,
}

/// A manifest or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What it is.
    pub kind: ManifestKind,
    /// Its media type, as it says itself or as the answer says.
    pub media_type: Box<str>,
    /// The digest of an image's configuration.
    pub config: Option<Box<str>>,
    /// The digests of the manifests of an index, in order.
    pub manifests: Box<[Box<str>]>,
    /// The platforms of an index, in order. Attestations have none.
    pub platforms: Box<[Platform]>,
    /// The layers of an image, in order.
    pub layers: Box<[Layer]>,
}

/// The platform that an image of an index is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// The operating system, such as `linux`.
    pub os: Box<str>,
    /// The processor, such as `amd64`.
    pub architecture: Box<str>,
    /// The variant of the processor, such as `v8`.
    pub variant: Option<Box<str>>,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its digest.
    pub digest: Box<str>,
    /// Its size in bytes, if told.
    pub size: Option<u64>,
    /// Where else it can be had; only for foreign layers.
    pub urls: Box<[Box<str>]>,
    /// Whether it is foreign: not to be distributed by registries.
    pub is_foreign: bool,
}

impl Manifest {
    /// The manifest that this exchange reads or writes, whatever comes of it.
    pub fn of_exchange(exchange: &Exchange, endpoint: &Endpoint, method: Method) -> Option<Self> {
        if !matches!(endpoint, Endpoint::Manifest { .. }) {
            return None;
        }
        let (headers, body) = match method {
            Method::Put => (exchange.request.as_ref().map(|head| &head.headers), &exchange.request_body),
            _ => (exchange.response.as_ref().map(|head| &head.headers), &exchange.response_body),
        };
        let content_type = headers.and_then(|headers| headers.text("content-type"));
        Self::of(&body.bytes, content_type.as_deref())
    }

    /// The manifest that this content is; `content_type` is what the answer calls it. `None` when it is none.
    pub fn of(content: &[u8], content_type: Option<&str>) -> Option<Self> {
        if content.len() > LONGEST {
            return None;
        }
        let document: Value = serde_json::from_slice(content).ok()?;
        let document = document.as_object()?;
        let told = document.get("mediaType").and_then(Value::as_str).or(content_type).unwrap_or("");
        let media_type = told.split(';').next().unwrap_or("").trim();
        let all = |name: &str| document.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_schema1 = document.get("schemaVersion").and_then(Value::as_u64) == Some(1);
        let kind = if is_schema1 || is_schema1_type(media_type) {
            ManifestKind::Schema1
        } else if document.contains_key("manifests") {
            ManifestKind::Index
        } else if document.contains_key("layers") || document.contains_key("config") {
            ManifestKind::Image
        } else {
            return None;
        };
        Some(Self {
            kind,
            media_type: media_type.into(),
            config: document.get("config").and_then(digest),
            manifests: all("manifests").iter().take(MOST).filter_map(digest).collect(),
            platforms: all("manifests").iter().take(MOST).filter_map(Platform::of).collect(),
            layers: all("layers").iter().take(MOST).filter_map(Layer::of).collect(),
        })
    }

    /// A manifest of which only kind and media type are known, as from the answer to a HEAD.
    pub fn without_content(kind: ManifestKind, media_type: &str) -> Self {
        Self {
            kind,
            media_type: short(media_type),
            config: None,
            manifests: Box::default(),
            platforms: Box::default(),
            layers: Box::default(),
        }
    }

    /// The digests of the layers of an image, or of the manifests of an index.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        let layers = self.layers.iter().map(|layer| &*layer.digest);
        let manifests = self.manifests.iter().map(|digest| &**digest);
        layers.chain(manifests.filter(|_| self.layers.is_empty()))
    }

    /// The layers that registries are not to distribute.
    pub fn foreign_layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|layer| layer.is_foreign)
    }

    /// Whether the index has an image that a machine of this system and processor runs.
    pub fn has_image_for(&self, os: &str, architecture: &str) -> bool {
        self.platforms.iter().any(|platform| &*platform.os == os && runs(architecture, &platform.architecture))
    }
}

/// Whether a media type is one of Docker's schema 1 (`…manifest.v1+json`, `…manifest.v1+prettyjws`).
pub fn is_schema1_type(media_type: &str) -> bool {
    media_type.trim_start().starts_with("application/vnd.docker.distribution.manifest.v1")
}

/// What a processor runs besides its own programs (containerd platforms, `Only`).
fn runs(machine: &str, image: &str) -> bool {
    machine == image || matches!((machine, image), ("amd64", "386") | ("arm64", "arm"))
}

impl Platform {
    fn of(entry: &Value) -> Option<Self> {
        let platform = entry.get("platform")?;
        let text = |name: &str| platform.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        // Attestations of BuildKit are for `unknown/unknown`.
        let (os, architecture) = (text("os")?, text("architecture")?);
        let is_known = os != "unknown" && architecture != "unknown";
        is_known.then(|| Self { os: short(os), architecture: short(architecture), variant: text("variant").map(short) })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl Layer {
    fn of(entry: &Value) -> Option<Self> {
        let digest = digest(entry)?;
        let media_type = entry.get("mediaType").and_then(Value::as_str).unwrap_or("");
        let urls = entry.get("urls").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let urls = urls.iter().filter_map(Value::as_str).take(8).map(Into::into).collect();
        let is_foreign = media_type.contains(".foreign.") || media_type.contains(".nondistributable.");
        Some(Self { digest, size: entry.get("size").and_then(Value::as_u64), urls, is_foreign })
    }
}

/// The digest of what an entry describes.
fn digest(entry: &Value) -> Option<Box<str>> {
    entry.get("digest").and_then(Value::as_str).map(short)
}

fn short(text: &str) -> Box<str> {
    text.chars().take(200).collect::<String>().into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_platforms_of_an_index() {
        let index = Manifest::of(
            br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[
                {"digest":"sha256:aa","platform":{"os":"linux","architecture":"amd64"}},
                {"digest":"sha256:bb","platform":{"os":"linux","architecture":"arm","variant":"v7"}},
                {"digest":"sha256:cc","platform":{"os":"unknown","architecture":"unknown"}}]}"#,
            None,
        )
        .unwrap();
        assert_eq!(index.kind, ManifestKind::Index);
        let shown: Vec<_> = index.platforms.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["linux/amd64", "linux/arm/v7"]);
        assert!(index.has_image_for("linux", "amd64"));
        assert!(index.has_image_for("linux", "arm64"), "a 64-bit ARM machine runs 32-bit programs");
        assert!(!index.has_image_for("windows", "amd64"));
        assert!(!index.has_image_for("linux", "s390x"));
        assert_eq!(index.parts().collect::<Vec<_>>(), ["sha256:aa", "sha256:bb", "sha256:cc"]);
    }

    #[test]
    fn an_image_is_made_of_its_layers() {
        let image =
            br#"{"config":{"digest":"sha256:c"},"layers":[{"digest":"sha256:1"},{"size":3},{"digest":"sha256:2"}]}"#;
        let image = Manifest::of(image, None).unwrap();
        assert_eq!(
            (image.config.as_deref(), image.parts().collect::<Vec<_>>()),
            (Some("sha256:c"), vec!["sha256:1", "sha256:2"])
        );
    }

    #[test]
    fn tells_foreign_layers_by_their_media_type() {
        let image = Manifest::of(
            br#"{"schemaVersion":2,"config":{},"layers":[
                {"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:aa","size":9,
                 "urls":["https://mcr.microsoft.com/v2/windows/blobs/sha256:aa"]},
                {"mediaType":"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip","digest":"sha256:bb"},
                {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:cc"}]}"#,
            Some("application/vnd.docker.distribution.manifest.v2+json"),
        )
        .unwrap();
        assert_eq!(image.kind, ManifestKind::Image);
        let foreign: Vec<_> = image.foreign_layers().map(|layer| &*layer.digest).collect();
        assert_eq!(foreign, ["sha256:aa", "sha256:bb"]);
        assert_eq!(image.layers[0].size, Some(9));
        assert_eq!(&*image.layers[0].urls[0], "https://mcr.microsoft.com/v2/windows/blobs/sha256:aa");
    }

    #[test]
    fn knows_schema_1_by_its_version_or_its_type() {
        let by_version = Manifest::of(br#"{"schemaVersion":1,"fsLayers":[]}"#, Some("application/json")).unwrap();
        assert_eq!(by_version.kind, ManifestKind::Schema1);
        let by_type = Some("application/vnd.docker.distribution.manifest.v1+prettyjws; charset=utf-8");
        assert_eq!(Manifest::of(br"{}", by_type).unwrap().kind, ManifestKind::Schema1);
    }

    #[test]
    fn takes_nothing_else_for_a_manifest() {
        for content in ["", "{}", "[]", "null", r#"{"errors":[]}"#, r#"{"tags":["v1"]}"#, "{\"layers\":"] {
            assert_eq!(Manifest::of(content.as_bytes(), None), None, "{content}");
        }
    }
}
