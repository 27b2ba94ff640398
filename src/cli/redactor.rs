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

/// The same for what is only read and shown: where no key can be kept, one of this run alone will do. Its masks cannot be
/// compared with those of other runs.
///
/// # Errors
/// When the system gives no random numbers.
pub fn for_reading(folder: &Path) -> anyhow::Result<Redactor> {
    of_installation(folder, Options::default()).or_else(|error| {
        tracing::debug!("{error:#}; the masks of this run have a key of their own");
        Ok(Redactor::new(FingerprintKey::new(new_key()?), Options::default()))
    })
}

fn new_key() -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).context("no random numbers")?;
    Ok(key)
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
        key = new_key()?;
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
    fn reads_where_no_key_can_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let no_folder = folder.path().join("file");
        std::fs::write(&no_folder, "").unwrap();
        assert!(of_installation(&no_folder, Options::default()).is_err());
        let masked = |url| for_reading(&no_folder).unwrap().redact_url(url).into_owned();
        let (one, other) = (masked("/?sig=abcdefgh"), masked("/?sig=abcdefgh"));
        assert!(one.contains("pulltap-masked-signature-") && one != other, "{one} {other}");
    }

    #[test]
    fn makes_a_key_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fingerprint.key");
        let key = key_in(&path).unwrap();
        assert_ne!(key, [0; 32]);
        assert_eq!(key_in(&path).unwrap(), key);
    }
}
