//! Leaf certificates: one per server name, signed when first needed, kept in a bounded cache.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;

use super::{CaError, CertificateAuthority, days, random_serial, time_of};

/// Leaves kept; the oldest goes when another is made. A pull needs three or four.
const MOST_LEAVES: usize = 1024;

/// Days for which a leaf is valid. Apple's and others' limit is 398; two of them lie in the past, for clients whose
/// clock is behind.
const LEAF_DAYS: i64 = 397;

/// The name a leaf is made for: a DNS name in lower case, or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LeafName {
    /// A DNS name, lower case, without a dot at the end.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
}

impl LeafName {
    /// The leaf name of a host as a client wrote it.
    pub fn of(host: &str) -> Self {
        match host.parse() {
            Ok(ip) => Self::Ip(ip),
            Err(_) => Self::Dns(host.trim_end_matches('.').to_ascii_lowercase()),
        }
    }
}

/// Server configurations with leaf certificates of our authority, by name and application protocol.
pub struct LeafCertificates {
    authority: Arc<CertificateAuthority>,
    /// One key for all leaves of this run: making a leaf is then one signature.
    key: KeyPair,
    // Held only to look up or insert, never across an await; making a leaf happens outside.
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    leaves: HashMap<(LeafName, Option<Vec<u8>>), Leaf>,
    order: VecDeque<(LeafName, Option<Vec<u8>>)>,
}

/// A leaf certificate, ready to serve.
#[derive(Clone)]
pub struct Leaf {
    /// The configuration to accept a client with.
    pub config: Arc<ServerConfig>,
    /// The certificate, DER.
    pub certificate: CertificateDer<'static>,
}

impl LeafCertificates {
    /// No leaves yet.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(authority: Arc<CertificateAuthority>) -> Result<Self, CaError> {
        Ok(Self { authority, key: KeyPair::generate()?, cache: Mutex::default() })
    }

    /// The authority that signs the leaves.
    pub fn authority(&self) -> &CertificateAuthority {
        &self.authority
    }

    /// The leaf for a name that will speak this application protocol, or none.
    ///
    /// # Errors
    /// When the name cannot stand in a certificate.
    pub fn leaf(&self, name: &LeafName, alpn: Option<&[u8]>) -> Result<Leaf, CaError> {
        let key = (name.clone(), alpn.map(<[u8]>::to_vec));
        if let Some(leaf) = self.lock().leaves.get(&key) {
            return Ok(leaf.clone());
        }
        let leaf = self.make(name, alpn)?;
        self.lock().insert(key, leaf.clone());
        Ok(leaf)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self, name: &LeafName, alpn: Option<&[u8]>) -> Result<Leaf, CaError> {
        let certificate = self.sign(name)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)?;
        config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
        // Every handshake is seen whole: no resumption (Go clients, docker among them, do not resume either).
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Leaf { config: Arc::new(config), certificate })
    }

    fn sign(&self, name: &LeafName) -> Result<CertificateDer<'static>, CaError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        match name {
            LeafName::Dns(dns) => {
                // The common name holds 64 characters at most; who needs more reads the alternative name.
                if dns.len() <= 64 {
                    params.distinguished_name.push(DnType::CommonName, dns.clone());
                }
                params.subject_alt_names.push(SanType::DnsName(dns.as_str().try_into()?));
            }
            LeafName::Ip(ip) => {
                params.distinguished_name.push(DnType::CommonName, ip.to_string());
                params.subject_alt_names.push(SanType::IpAddress(*ip));
            }
        }
        // Without this rcgen leaves the subject key identifier out.
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(random_serial()?);
        let now = time_of(SystemTime::now());
        params.not_before = now - days(2);
        params.not_after = params.not_before + days(LEAF_DAYS);
        Ok(params.signed_by(&self.key, self.authority.issuer())?.der().clone())
    }
}

impl Cache {
    fn insert(&mut self, key: (LeafName, Option<Vec<u8>>), leaf: Leaf) {
        if self.leaves.insert(key.clone(), leaf).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > MOST_LEAVES {
            if let Some(oldest) = self.order.pop_front() {
                self.leaves.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves() -> LeafCertificates {
        let folder = tempfile::tempdir().unwrap();
        LeafCertificates::new(Arc::new(CertificateAuthority::open_or_create(folder.path()).unwrap())).unwrap()
    }

    #[test]
    fn a_leaf_is_made_once_per_name_and_protocol() {
        let leaves = leaves();
        let first = leaves.leaf(&LeafName::of("Registry.Test."), None).unwrap();
        let again = leaves.leaf(&LeafName::of("registry.test"), None).unwrap();
        let other = leaves.leaf(&LeafName::of("registry.test"), Some(b"http/1.1")).unwrap();
        assert!(Arc::ptr_eq(&first.config, &again.config));
        assert!(!Arc::ptr_eq(&first.config, &other.config));
    }

    #[test]
    fn a_leaf_has_the_name_both_key_identifiers_and_a_life_that_every_client_accepts() {
        let leaves = leaves();
        let leaf = leaves.leaf(&LeafName::of("192.0.2.1"), None).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(&leaf.certificate).unwrap();
        let life = parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp();
        assert!(life <= 397 * 86_400, "{life}");
        let names = parsed.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.value.general_names.len(), 1);
        let oids: Vec<_> = parsed.extensions().iter().map(|extension| extension.oid.to_id_string()).collect();
        assert!(oids.contains(&"2.5.29.14".to_owned()) && oids.contains(&"2.5.29.35".to_owned()), "{oids:?}");
    }

    #[test]
    fn the_cache_is_bounded() {
        let leaves = leaves();
        for number in 0..MOST_LEAVES + 10 {
            leaves.leaf(&LeafName::of(&format!("host{number}.test")), None).unwrap();
        }
        assert_eq!(leaves.lock().leaves.len(), MOST_LEAVES);
    }
}
