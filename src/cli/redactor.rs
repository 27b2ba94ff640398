//! The redactor with the key of this installation.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::Context;

use crate::platform;
use crate::redact::{FingerprintKey, Options, Redactor};

/// The redactor of the installation that keeps its files in this folder; its key is made now if there is none yet.
///
/// # Errors
/// When the key can neither be read nor made.
pub fn of_installation(folder: &Path, options: Options) -> anyhow::Result<Redactor> {
    let path = folder.join("fingerprint.key");
    let made = platform::create_private_folder(folder).map_err(anyhow::Error::from);
    let key = made
        .and_then(|()| key_in(&path))
        .with_context(|| format!("{}: choose another place with --data-dir", path.display()))?;
    Ok(Redactor::new(FingerprintKey::new(key), options))
}

/// Two programs that start at once make one key: whoever has the lock first.
fn key_in(path: &Path) -> anyhow::Result<[u8; 32]> {
    match platform::create_private_file(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        Ok(_) | Err(_) => {}
    }
    let mut key = [0; 32];
    if File::open(path)?.read_exact(&mut key).is_ok() {
        return Ok(key);
    }
    let mut file = File::options().read(true).write(true).open(path)?;
    file.lock()?;
    if file.read_exact(&mut key).is_err() {
        aws_lc_rs::rand::fill(&mut key).context("no random numbers")?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&key)?;
        file.sync_all()?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_a_key_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fingerprint.key");
        let key = key_in(&path).unwrap();
        assert_ne!(key, [0; 32]);
        assert_eq!(key_in(&path).unwrap(), key);
    }
}
