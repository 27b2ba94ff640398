//! TLS facts as JSON in both directions. Certificates repeat with every connection, so they stand once in the file,
//! in the list `certificates` of `_pulltap`, and are named by their place in it.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::content;
use super::record::{VerdictRecord, maybe_moment, moment};
use crate::exchange::tls::{Alert, AlertSender};
use crate::exchange::{ClientHello, Moment, TlsFacts, Verdict};

/// `_clientTls` and `_upstreamTls`: one handshake.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TlsRecord {
    #[serde(with = "moment")]
    start: Moment,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    end: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hello: Option<HelloRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suite: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alpn: Option<Protocol>,
    name: String,
    /// Places in the list of certificates.
    chain: Vec<usize>,
    #[serde(flatten, with = "VerdictRecord")]
    verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert: Option<AlertRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HelloRecord {
    versions: Vec<u16>,
    suites: Vec<u16>,
    groups: Vec<u16>,
    alpn: Vec<Protocol>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sni: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AlertRecord {
    code: u8,
    sender: SenderRecord,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SenderRecord {
    Peer,
    Us,
}

/// An application protocol's name: text nearly always, but nothing promises it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Protocol {
    Text(String),
    Bytes { base64: Base64 },
}

/// Bytes as base64.
#[derive(Debug)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&content::base64(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        content::from_base64(&text).map(Self).ok_or_else(|| serde::de::Error::custom("not base64"))
    }
}

/// The certificates of a file, each once, in the order of their first appearance.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    places: HashMap<Vec<u8>, usize>,
}

impl Certificates {
    fn place(&mut self, certificate: &[u8]) -> usize {
        if let Some(place) = self.places.get(certificate) {
            return *place;
        }
        let place = self.places.len();
        self.places.insert(certificate.to_vec(), place);
        place
    }

    /// The certificates in order, in base64.
    pub(super) fn list(&self) -> Vec<String> {
        let mut all: Vec<_> = self.places.iter().collect();
        all.sort_by_key(|(_, place)| **place);
        all.into_iter().map(|(certificate, _)| content::base64(certificate)).collect()
    }
}

impl TlsRecord {
    /// The record of a handshake, whose certificates are added to those of the file.
    pub(super) fn of(facts: &TlsFacts, certificates: &mut Certificates) -> Self {
        let TlsFacts { start, end, hello, version, suite, group, alpn, name, chain, verdict, alert } = facts;
        Self {
            start: *start,
            end: *end,
            hello: hello.as_ref().map(HelloRecord::of),
            version: *version,
            suite: *suite,
            group: *group,
            alpn: alpn.as_deref().map(Protocol::of),
            name: name.clone(),
            chain: chain.iter().map(|certificate| certificates.place(certificate)).collect(),
            verdict: verdict.clone(),
            alert: alert.map(AlertRecord::of),
        }
    }

    /// The handshake, and whether all its certificates were in the file's list.
    pub(super) fn into_facts(self, certificates: &[Vec<u8>]) -> (TlsFacts, Complete) {
        let wanted = self.chain.len();
        let chain: Vec<_> = self.chain.into_iter().filter_map(|place| certificates.get(place).cloned()).collect();
        let complete = if chain.len() == wanted { Complete::Yes } else { Complete::No };
        let facts = TlsFacts {
            start: self.start,
            end: self.end,
            hello: self.hello.map(HelloRecord::into_hello),
            version: self.version,
            suite: self.suite,
            group: self.group,
            alpn: self.alpn.map(Protocol::into_bytes),
            name: self.name,
            chain,
            verdict: self.verdict,
            alert: self.alert.map(AlertRecord::into_alert),
        };
        (facts, complete)
    }
}

/// Whether everything was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Complete {
    Yes,
    No,
}

impl HelloRecord {
    fn of(hello: &ClientHello) -> Self {
        let ClientHello { versions, suites, groups, alpn, sni } = hello;
        Self {
            versions: versions.clone(),
            suites: suites.clone(),
            groups: groups.clone(),
            alpn: alpn.iter().map(|name| Protocol::of(name)).collect(),
            sni: sni.clone(),
        }
    }

    fn into_hello(self) -> ClientHello {
        ClientHello {
            versions: self.versions,
            suites: self.suites,
            groups: self.groups,
            alpn: self.alpn.into_iter().map(Protocol::into_bytes).collect(),
            sni: self.sni,
        }
    }
}

impl AlertRecord {
    fn of(alert: Alert) -> Self {
        let Alert { code, sender } = alert;
        let sender = match sender {
            AlertSender::Peer => SenderRecord::Peer,
            AlertSender::Us => SenderRecord::Us,
        };
        Self { code, sender }
    }

    fn into_alert(self) -> Alert {
        let sender = match self.sender {
            SenderRecord::Peer => AlertSender::Peer,
            SenderRecord::Us => AlertSender::Us,
        };
        Alert { code: self.code, sender }
    }
}

impl Protocol {
    fn of(name: &[u8]) -> Self {
        match str::from_utf8(name) {
            Ok(name) => Self::Text(name.to_owned()),
            Err(_) => Self::Bytes { base64: Base64(name.to_vec()) },
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(name) => name.into_bytes(),
            Self::Bytes { base64 } => base64.0,
        }
    }
}
