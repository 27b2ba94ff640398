//! Images made for one test, written where docker-registry 2.8 keeps them.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::digest::{Context, SHA256, digest};
use serde_json::{Value, json};

use super::tar::{self, Tar};

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";

/// The folder of a registry's file system storage.
#[derive(Debug, Clone)]
pub struct Storage(pub PathBuf);

/// One layer: what it is once unpacked, and the blob that carries it.
#[derive(Debug)]
struct Layer {
    diff_id: String,
    media_type: &'static str,
    digest: String,
    length: u64,
}

/// An image that lies in a [`Storage`].
#[derive(Debug)]
pub struct Image {
    pub repository: String,
    pub tag: String,
    /// The manifest's digest, by which clients know that two pulls gave the same.
    pub digest: String,
    /// The digests of config and layers.
    pub blobs: Vec<String>,
}

impl Storage {
    /// Puts an image of three small layers under `repository:tag`.
    pub fn add_small_image(&self, repository: &str, tag: &str) -> Image {
        let layers = small_layers().map(|tar| {
            let blob = gzip(&tar);
            let digest = self.add_blob(&blob);
            let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
            Layer { diff_id: sha256(&tar), media_type, digest, length: blob.len() as u64 }
        });
        self.add_image(repository, tag, &layers)
    }

    /// Puts an image whose only layer is a tar file of `length` bytes in which every 64 KiB are marked.
    pub fn add_big_image(&self, repository: &str, tag: &str, length: usize) -> Image {
        assert!(length.is_multiple_of(1 << 16), "a big layer is made of whole pieces");
        let unfinished = self.0.join("unfinished");
        fs::create_dir_all(&self.0).unwrap();
        let digest = write_big_layer(&unfinished, length);
        let target = self.blob_path(&digest);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(unfinished, target).unwrap();
        let media_type = "application/vnd.oci.image.layer.v1.tar";
        self.add_image(repository, tag, &[Layer { diff_id: digest.clone(), media_type, digest, length: length as u64 }])
    }

    /// The digest that `repository:tag` leads to, if there is one.
    pub fn tag(&self, repository: &str, tag: &str) -> Option<String> {
        fs::read_to_string(self.repository(repository).join(format!("_manifests/tags/{tag}/current/link"))).ok()
    }

    fn add_image(&self, repository: &str, tag: &str, layers: &[Layer]) -> Image {
        let config = config(layers.iter().map(|layer| layer.diff_id.as_str())).to_string();
        let config_digest = self.add_blob(config.as_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "size": config.len(), "digest": config_digest},
            "layers": layers.iter().map(|layer| {
                json!({"mediaType": layer.media_type, "size": layer.length, "digest": layer.digest})
            }).collect::<Vec<_>>(),
        });
        let digest = self.add_blob(manifest.to_string().as_bytes());
        let blobs: Vec<_> = layers.iter().map(|layer| layer.digest.clone()).chain([config_digest]).collect();
        let folder = self.repository(repository);
        for blob in &blobs {
            link(&folder.join("_layers").join(as_path(blob)), blob);
        }
        link(&folder.join("_manifests/revisions").join(as_path(&digest)), &digest);
        let tag_folder = folder.join("_manifests/tags").join(tag);
        link(&tag_folder.join("current"), &digest);
        link(&tag_folder.join("index").join(as_path(&digest)), &digest);
        Image { repository: repository.to_owned(), tag: tag.to_owned(), digest, blobs }
    }

    fn add_blob(&self, content: &[u8]) -> String {
        let digest = sha256(content);
        let path = self.blob_path(&digest);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        digest
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.0.join("docker/registry/v2/repositories").join(name)
    }

    fn blob_path(&self, digest: &str) -> PathBuf {
        self.0.join(blob_url_path(digest).trim_start_matches('/'))
    }
}

/// Where a blob is found on the blob host that a registry with this storage redirects to.
pub fn blob_url_path(digest: &str) -> String {
    let hex = digest.trim_start_matches("sha256:");
    format!("/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2])
}

/// Writes the three small layers as a file for `docker load`, named `reference` there.
pub fn write_docker_archive(path: &Path, reference: &str) {
    let layers = small_layers();
    let config = config(layers.iter().map(|tar| sha256(tar)));
    let names: Vec<_> = (0..layers.len()).map(|number| format!("{number}.tar")).collect();
    let index = json!([{"Config": "config.json", "RepoTags": [reference], "Layers": names}]);
    let archive = Tar::default()
        .with("manifest.json", index.to_string().as_bytes())
        .with("config.json", config.to_string().as_bytes());
    let archive = names.iter().zip(&layers).fold(archive, |archive, (name, layer)| archive.with(name, layer));
    fs::write(path, archive.bytes()).unwrap();
}

/// The digest of `content`, as registries write it.
pub fn sha256(content: &[u8]) -> String {
    named(digest(&SHA256, content).as_ref())
}

fn config(diff_ids: impl Iterator<Item = impl Into<String>>) -> Value {
    let diff_ids: Vec<String> = diff_ids.map(Into::into).collect();
    let history = vec![json!({"created": "2026-01-02T03:04:05Z", "created_by": "pulltap's tests"}); diff_ids.len()];
    json!({
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-02T03:04:05Z",
        "config": {"Cmd": ["/hello"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    })
}

/// Three tar files: a few bytes, some text, and noise that takes many reads.
fn small_layers() -> [Vec<u8>; 3] {
    [
        Tar::default().with("hello", b"hello\n").bytes(),
        Tar::default().with("text", "all work and no play\n".repeat(5_000).as_bytes()).bytes(),
        Tar::default().with("noise", &noise(2 << 20)).bytes(),
    ]
}

/// Writes the layer of a big image and gives its digest; most of the file is a hole, to spare the disk.
fn write_big_layer(path: &Path, length: usize) -> String {
    let mut file = File::create(path).unwrap();
    let mut context = Context::new(&SHA256);
    let mut piece = vec![0; 1 << 16];
    for start in (0..length).step_by(piece.len()) {
        let mark = if start == 0 {
            tar::header("big", length - 3 * tar::BLOCK).to_vec()
        } else {
            start.to_le_bytes().to_vec()
        };
        piece[..mark.len()].copy_from_slice(&mark);
        context.update(&piece);
        file.seek(SeekFrom::Start(start as u64)).unwrap();
        file.write_all(&mark).unwrap();
        piece[..mark.len()].fill(0);
    }
    file.set_len(length as u64).unwrap();
    named(context.finish().as_ref())
}

/// Bytes without a pattern, the same ones each time (xorshift64*).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

/// `content`, compressed by the program that everybody uses for it.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gzip =
        Command::new("gzip").args(["-n", "-1"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = gzip.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(content).unwrap());
        gzip.wait_with_output().unwrap().stdout
    })
}

fn link(folder: &Path, digest: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("link"), digest).unwrap();
}

fn as_path(digest: &str) -> String {
    digest.replace(':', "/")
}

fn named(hash: &[u8]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
