//! Captures that were saved: whatever the file is, the same exchanges come out of it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use super::named_file::cannot_read;
use crate::exchange::{Exchange, ExchangeId};
use crate::har::{self, HarFile};
use crate::redact::{Redacted, Redactor};
use crate::store::Session;

/// How every SQLite file begins.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// How every ZIP archive begins, and so every SAZ file.
const ZIP: &[u8] = b"PK\x03\x04";

/// A file with exchanges.
pub enum Saved {
    /// A session.
    Session(Session),
    /// A HAR, read as a whole.
    Har(Box<HarFile>),
}

impl Saved {
    /// Opens a file; what it is, its first bytes say.
    ///
    /// # Errors
    /// When it cannot be read, or is nothing that holds exchanges.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut first = [0; 16];
        let mut file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        let length = file.read(&mut first).map_err(|error| cannot_read(path, &error))?;
        let first = first.get(..length).unwrap_or_default();
        if first.starts_with(SQLITE) {
            return Ok(Self::Session(Session::open(path)?));
        }
        if first.starts_with(ZIP) {
            bail!("{shown}: {}", archive(path));
        }
        let bytes = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
        let har = har::read(&bytes).with_context(|| format!("{shown}"))?;
        Ok(Self::Har(Box::new(har)))
    }

    /// Gives every exchange, in order, with its secrets masked.
    ///
    /// # Errors
    /// When the file cannot be read to its end, or `give` fails.
    pub fn each(
        &self,
        redactor: &Redactor,
        mut give: impl FnMut(Redacted<Exchange>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Session(session) => {
                for exchange in session.exchanges() {
                    give(redactor.redact(exchange?))?;
                }
            }
            Self::Har(har) => {
                for exchange in &har.exchanges {
                    give(redactor.redact(exchange.clone()))?;
                }
            }
        }
        Ok(())
    }

    /// The exchange with this id, with its secrets masked.
    ///
    /// # Errors
    /// When the file cannot be read, or is damaged there.
    pub fn exchange(&self, redactor: &Redactor, id: ExchangeId) -> anyhow::Result<Option<Exchange>> {
        let exchange = match self {
            Self::Session(session) => session.exchange(id)?,
            Self::Har(har) => har.exchanges.iter().find(|exchange| exchange.id == id).cloned(),
        };
        Ok(exchange.map(|exchange| redactor.redact(exchange).into_inner()))
    }

    /// What had to be repaired to read it, in words.
    pub fn repairs(&self) -> Vec<String> {
        match self {
            Self::Session(_) => Vec::new(),
            Self::Har(har) => har.repairs.iter().map(ToString::to_string).collect(),
        }
    }

    /// The program that wrote it.
    pub fn creator(&self) -> Option<String> {
        match self {
            Self::Session(_) => Some("pulltap".to_owned()),
            Self::Har(har) => {
                let creator = har.creator.as_ref()?;
                Some(format!("{} {}", creator.name, creator.version).trim().to_owned())
            }
        }
    }
}

/// What to do with a ZIP archive.
fn archive(path: &Path) -> &'static str {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("saz")) {
        return "a SAZ file, which pulltap does not read yet; in Fiddler: File, Export Sessions, HTTPArchive";
    }
    "a ZIP archive: unpack it, and name the HAR in it (of a SAZ, Fiddler makes one: File, Export Sessions, HTTPArchive)"
}
