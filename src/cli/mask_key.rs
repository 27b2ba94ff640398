//! The key of this installation's fingerprints: equal secrets get equal masks, and nobody else can tell which they were.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

use crate::platform;
use crate::redact::FingerprintKey;

/// The key in this folder; made now if there is none yet. It is never exported.
///
/// # Errors
/// When it can neither be read nor made, or is damaged.
pub fn open_or_create(folder: &Path) -> anyhow::Result<FingerprintKey> {
    let path = folder.join("mask.key");
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(folder, &path)?,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let key = <[u8; 32]>::try_from(bytes.as_slice());
    let key = key.with_context(|| format!("{} is damaged: delete it to make a new one", path.display()))?;
    Ok(FingerprintKey::new(key))
}

/// Makes a key beside the place and links it there, so that of two starts at once both have the same whole key.
fn create(folder: &Path, path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    platform::create_private_folder(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).context("the system has no random numbers")?;
    let beside = folder.join(format!("mask.key.new-{}", std::process::id()));
    let mut file = platform::create_private_file(&beside).with_context(|| format!("cannot write {shown}"))?;
    file.write_all(&key).and_then(|()| file.sync_all()).with_context(|| format!("cannot write {shown}"))?;
    // It fails where another start was faster; that one's key holds.
    let _ = std::fs::hard_link(&beside, path);
    let _ = std::fs::remove_file(&beside);
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_the_same_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let once = open_or_create(folder.path()).unwrap().fingerprint(b"x");
        assert_eq!(open_or_create(folder.path()).unwrap().fingerprint(b"x"), once);
        std::fs::write(folder.path().join("mask.key"), b"short").unwrap();
        assert!(open_or_create(folder.path()).unwrap_err().to_string().contains("delete it"));
    }
}
