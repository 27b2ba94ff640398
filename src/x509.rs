//! Certificate bytes read into the facts that people argue about: for whom, by whom, until when.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::exchange::Moment;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// DNS names and IP addresses it is valid for.
    pub names: Vec<String>,
    /// The first moment of its validity.
    pub not_before: Moment,
    /// The last moment of its validity.
    pub not_after: Moment,
}

impl CertificateFacts {
    /// The facts of a certificate in DER; `None` if it is not one.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names(&certificate),
            not_before: Moment::from_micros(validity.not_before.timestamp().saturating_mul(1_000_000)),
            not_after: Moment::from_micros(validity.not_after.timestamp().saturating_mul(1_000_000)),
        })
    }
}

impl CertificateFacts {
    /// Whether it is valid for this DNS name or IP address; a star stands for one label (RFC 9525, section 6.3).
    pub fn is_for(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.names.iter().any(|own| match own.strip_prefix("*.") {
            Some(parent) => name.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent)),
            None => own.eq_ignore_ascii_case(name),
        })
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some((*dns).to_owned()),
            GeneralName::IPAddress(bytes) => ip_text(bytes),
            _ => None,
        })
        .collect()
}

fn ip_text(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| Ipv6Addr::from(v6).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_validity() {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["registry.test".to_owned(), "192.0.2.1".to_owned()];
        let certificate = rcgen::CertificateParams::new(names.clone()).unwrap().self_signed(&key).unwrap();
        let facts = CertificateFacts::read(certificate.der()).unwrap();
        assert_eq!(facts.names, names);
        assert!(facts.not_before < facts.not_after);
        assert!(facts.is_for("Registry.test.") && facts.is_for("192.0.2.1") && !facts.is_for("a.registry.test"));
        assert_eq!(CertificateFacts::read(b"\x30\x03\x02\x01"), None);
    }
}
