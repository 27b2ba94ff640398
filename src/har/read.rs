//! Reads a HAR: entry by entry, so that the text of only one is held besides the exchanges.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::model::Entry;
use super::restore::{Restored, restore};
use super::tls_record::{Base64, Complete, TlsRecord};
use super::{Conclusions, HarError};
use crate::exchange::{Exchange, ExchangeId, TlsFacts};

/// What a HAR holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HarFile {
    /// The program that wrote it.
    pub creator: Option<Creator>,
    /// Its exchanges, in the order of its entries.
    pub exchanges: Vec<Exchange>,
    /// What it says that exchanges are to a registry client.
    pub roles: BTreeMap<ExchangeId, String>,
    /// What pulltap concluded from them when it wrote the file.
    pub conclusions: Conclusions,
    /// What pulltap masked when it wrote the file, in a sentence.
    pub redaction: Option<String>,
    /// What was not as it should be, and how it was read all the same.
    pub repairs: Vec<Repair>,
}

/// The program that wrote a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Creator {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
}

/// Something in a file that was not as it should be. Entries count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// The entry has no URL that can be read: its host is unknown.
    NoAddress {
        /// The entry.
        entry: u64,
    },
    /// The entry names certificates that the file does not hold: they are missing from its chain.
    NoCertificate {
        /// The entry.
        entry: u64,
    },
    /// The entry has no date that can be read: it counts as of 1970.
    NoDate {
        /// The entry.
        entry: u64,
    },
    /// A field of the entry should be base64 and is not: its content is left out.
    NotBase64 {
        /// The entry.
        entry: u64,
    },
    /// Ids are missing or there twice: exchanges have the numbers of their entries instead.
    Renumbered,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress { entry } => write!(f, "entry {entry} has no URL that can be read: its host is unknown"),
            Self::NoCertificate { entry } => {
                write!(f, "entry {entry} names certificates that the file does not hold: its chain is not whole")
            }
            Self::NoDate { entry } => write!(f, "entry {entry} has no date that can be read: it counts as of 1970"),
            Self::NotBase64 { entry } => {
                write!(f, "a field of entry {entry} should be base64 and is not: its content is left out")
            }
            Self::Renumbered => {
                f.write_str("ids are missing or there twice: exchanges have the numbers of their entries")
            }
        }
    }
}

/// Reads a HAR: all that pulltap recorded if pulltap wrote it, else what HAR's own fields say.
pub fn read(bytes: &[u8]) -> Result<HarFile, HarError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = str::from_utf8(bytes).map_err(|error| HarError::NotText { at: error.valid_up_to() })?;
    match text.trim_start().chars().next() {
        None => return Err(HarError::Empty),
        Some('{') => {}
        Some('[') => return Err(HarError::NotHar),
        Some(_) => return Err(HarError::NotJson { line: 1, column: 1 }),
    }
    let file: File = serde_json::from_str(text)?;
    let log = file.log.ok_or(HarError::NotHar)?;
    let entries = log.entries.ok_or(HarError::NotHar)?;
    Ok(assemble(log.creator, log.pulltap.unwrap_or_default(), entries))
}

#[derive(Deserialize)]
struct File {
    log: Option<Log>,
}

#[derive(Deserialize)]
struct Log {
    creator: Option<Creator>,
    entries: Option<Entries>,
    #[serde(rename = "_pulltap")]
    pulltap: Option<Pulltap>,
}

/// What pulltap notes about the file as a whole.
#[derive(Default, Deserialize)]
struct Pulltap {
    redaction: Option<String>,
    #[serde(flatten)]
    conclusions: Conclusions,
    #[serde(default)]
    certificates: Vec<Base64>,
    #[serde(default)]
    unlisted: Entries,
}

/// Entries, each restored as soon as it is read.
#[derive(Default)]
struct Entries {
    restored: Vec<Restored>,
    repairs: Vec<Repair>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneByOne;
        impl<'de> Visitor<'de> for OneByOne {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut entries = Entries::default();
                while let Some(entry) = list.next_element::<Entry<'de>>()? {
                    let number = ExchangeId::new(entries.restored.len() as u64 + 1);
                    let number = number.ok_or_else(|| serde::de::Error::custom("too many entries"))?;
                    entries.restored.push(restore(entry, number, &mut entries.repairs));
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_seq(OneByOne)
    }
}

fn assemble(creator: Option<Creator>, pulltap: Pulltap, entries: Entries) -> HarFile {
    let Entries { mut restored, repairs } = entries;
    let certificates: Vec<Vec<u8>> = pulltap.certificates.into_iter().map(|certificate| certificate.0).collect();
    let mut file = HarFile {
        creator,
        conclusions: pulltap.conclusions,
        redaction: pulltap.redaction,
        repairs,
        exchanges: Vec::with_capacity(restored.len()),
        ..HarFile::default()
    };
    let ids = ids(&restored);
    if ids == Ids::OfFile {
        // What is not listed took place between the entries.
        let known: BTreeSet<_> = restored.iter().map(|entry| entry.id).collect();
        let unlisted = pulltap.unlisted.restored.into_iter();
        restored.extend(unlisted.filter(|entry| entry.id.is_some() && !known.contains(&entry.id)));
        restored.sort_by_key(|entry| entry.id);
    }
    if ids == Ids::OfEntries && restored.iter().any(|entry| entry.id.is_some()) {
        file.repairs.push(Repair::Renumbered);
    }
    for Restored { mut exchange, id, role, client_tls, upstream_tls } in restored {
        let number = exchange.id.number();
        let mut tls = |record: Option<TlsRecord>| {
            let (facts, complete) = record?.into_facts(&certificates);
            if complete == Complete::No {
                file.repairs.push(Repair::NoCertificate { entry: number });
            }
            Some(Arc::<TlsFacts>::new(facts))
        };
        exchange.client_tls = tls(client_tls);
        exchange.upstream_tls = tls(upstream_tls);
        match (ids, id) {
            (Ids::OfFile, Some(id)) => exchange.id = id,
            // A number that another exchange has now says nothing any more.
            _ => exchange.connect = None,
        }
        if let Some(role) = role {
            file.roles.insert(exchange.id, role);
        }
        file.exchanges.push(exchange);
    }
    file
}

/// Which ids exchanges have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    /// Those in the file.
    OfFile,
    /// The numbers of their entries.
    OfEntries,
}

fn ids(restored: &[Restored]) -> Ids {
    let distinct: BTreeSet<ExchangeId> = restored.iter().filter_map(|entry| entry.id).collect();
    if distinct.len() == restored.len() { Ids::OfFile } else { Ids::OfEntries }
}
