//! The root certificate authority of this installation, and the leaf certificates made with it.
//!
//! The root is made once, in the data directory, by whoever starts first; its key never leaves that directory.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;

use crate::platform;
use crate::x509::CertificateFacts;

mod leaf;

pub use leaf::{LeafCertificates, LeafName};

/// What can be wrong with the certificate authority's files.
#[derive(Debug, Error)]
pub enum CaError {
    /// The data directory, or a file in it, could not be read or written.
    #[error("cannot {action} {path} (--data-dir chooses another place)")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The stored key or certificate is damaged.
    #[error(
        "the certificate authority in {folder} cannot be used ({reason}); move ca.key, ca.crt and ca.der away and start \
         again to make a new one (clients must then trust the new one)"
    )]
    Damaged {
        /// The data directory.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A key or certificate could not be made.
    #[error("cannot make a certificate")]
    Making(#[from] rcgen::Error),
    /// The TLS library refused a key or certificate that was just made.
    #[error("the TLS library refused a certificate")]
    Tls(#[from] rustls::Error),
}

/// The root certificate authority of this installation.
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// Days for which a new root is valid: ten years.
const ROOT_DAYS: i64 = 3650;

impl CertificateAuthority {
    /// The authority in this folder; made now if there is none yet. Two programs that start at once make one.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or what stands in it is damaged.
    pub fn open_or_create(folder: &Path) -> Result<Self, CaError> {
        let _lock = lock(folder)?;
        if !folder.join("ca.key").exists() {
            create(folder)?;
        }
        Self::open(folder)
    }

    /// An authority that is nowhere but in memory, for servers of our own that nobody else is to trust.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn throw_away(name: &str) -> Result<Self, CaError> {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let certificate = self_signed(&key, subject)?;
        let issuer = Issuer::from_ca_cert_der(certificate.der(), key)?;
        Ok(Self { issuer, pem: certificate.pem(), certificate: certificate.der().clone() })
    }

    /// A new authority in the place of the one in this folder, whose key is deleted.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn replace(folder: &Path) -> Result<Self, CaError> {
        let _lock = lock(folder)?;
        // The key first: without it there is nothing, and the next start makes a new one.
        for name in ["ca.key", "ca.crt", "ca.der"] {
            let path = folder.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(file_error("remove", &path)(error));
                }
                _ => {}
            }
        }
        create(folder)?;
        Self::open(folder)
    }

    fn open(folder: &Path) -> Result<Self, CaError> {
        let damaged = |reason: String| CaError::Damaged { folder: folder.to_owned(), reason };
        let key =
            KeyPair::from_pem(&read(&folder.join("ca.key"))?).map_err(|error| damaged(format!("ca.key: {error}")))?;
        let pem = read(&folder.join("ca.crt"))?;
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| damaged(format!("ca.crt: {error}")))?;
        if !holds_key(&certificate, &key) {
            return Err(damaged("ca.crt does not belong to ca.key".to_owned()));
        }
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(|error| damaged(format!("ca.crt: {error}")))?;
        Ok(Self { issuer, certificate, pem })
    }

    /// The root certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The root certificate, DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the root certificate, as people compare it: pairs of hexadecimal digits with colons.
    pub fn sha256(&self) -> String {
        pairs(&aws_lc_rs::digest::SHA256, &self.certificate).join(":")
    }

    /// SHA-1 of the root certificate, by which Windows and macOS name it in commands: forty hexadecimal digits.
    pub fn thumbprint(&self) -> String {
        pairs(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.certificate).concat()
    }

    /// What the root certificate says; `None` where our reader is stricter than the TLS library's.
    pub fn facts(&self) -> Option<CertificateFacts> {
        CertificateFacts::read(&self.certificate)
    }

    fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }
}

/// Makes the folder, and waits until no other program makes an authority in it.
fn lock(folder: &Path) -> Result<File, CaError> {
    platform::create_private_folder(folder).map_err(file_error("create", folder))?;
    let path = folder.join("ca.lock");
    let options = File::options().create(true).truncate(false).write(true).open(&path);
    let file = options.map_err(file_error("write", &path))?;
    file.lock().map_err(file_error("lock", &path))?;
    Ok(file)
}

/// The bytes of a digest, two hexadecimal digits each.
fn pairs(algorithm: &'static aws_lc_rs::digest::Algorithm, content: &[u8]) -> Vec<String> {
    aws_lc_rs::digest::digest(algorithm, content).as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

fn create(folder: &Path) -> Result<(), CaError> {
    let key = KeyPair::generate()?;
    let certificate = self_signed(&key, root_name(&key))?;
    // The key last: its presence says that everything is there.
    write(&folder.join("ca.der"), certificate.der())?;
    write(&folder.join("ca.crt"), certificate.pem().as_bytes())?;
    write(&folder.join("ca.key"), key.serialize_pem().as_bytes())
}

fn self_signed(key: &KeyPair, name: DistinguishedName) -> Result<Certificate, CaError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.serial_number = Some(random_serial()?);
    let now = time_of(SystemTime::now());
    params.not_before = now - days(2);
    params.not_after = now + days(ROOT_DAYS);
    Ok(params.self_signed(key)?)
}

/// A name that tells two installations apart in a trust store's list.
fn root_name(key: &KeyPair) -> DistinguishedName {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.der_bytes());
    let short = match digest.as_ref() {
        [first, second, third, ..] => format!("{first:02x}{second:02x}{third:02x}"),
        _ => String::new(),
    };
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, format!("pulltap CA {short}"));
    name.push(DnType::OrganizationName, "pulltap, made on this machine");
    name
}

fn holds_key(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    x509_parser::parse_x509_certificate(certificate)
        .is_ok_and(|(_, parsed)| parsed.public_key().subject_public_key.data.as_ref() == key.der_bytes())
}

/// A positive serial number of 127 random bits.
fn random_serial() -> Result<SerialNumber, CaError> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| rcgen::Error::RingUnspecified)?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

fn time_of(now: SystemTime) -> time::OffsetDateTime {
    time::OffsetDateTime::from(now)
}

fn days(number: i64) -> time::Duration {
    time::Duration::days(number)
}

fn read(path: &Path) -> Result<String, CaError> {
    std::fs::read_to_string(path).map_err(file_error("read", path))
}

/// Writes beside the place and moves there, so that nobody ever reads half a file.
fn write(path: &Path, content: &[u8]) -> Result<(), CaError> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let _ = std::fs::remove_file(&beside);
    let mut file = platform::create_private_file(&beside).map_err(file_error("create", &beside))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(file_error("write", &beside))?;
    std::fs::rename(&beside, path).map_err(file_error("write", path))
}

fn file_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CaError + 'a {
    move |source| CaError::File { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_starts_at_once_make_one_authority() {
        let folder = tempfile::tempdir().unwrap();
        let pems: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| CertificateAuthority::open_or_create(folder.path()).unwrap().pem().to_owned()))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(pems.iter().all(|pem| pem == &pems[0]));
    }

    #[test]
    fn a_new_authority_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let old = CertificateAuthority::open_or_create(folder.path()).unwrap();
        let new = CertificateAuthority::replace(folder.path()).unwrap();
        assert_ne!(old.sha256(), new.sha256());
        assert_eq!(CertificateAuthority::open_or_create(folder.path()).unwrap().sha256(), new.sha256());
    }

    #[test]
    fn a_damaged_authority_is_an_error_that_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        CertificateAuthority::open_or_create(folder.path()).unwrap();
        let other = tempfile::tempdir().unwrap();
        CertificateAuthority::open_or_create(other.path()).unwrap();
        std::fs::copy(other.path().join("ca.crt"), folder.path().join("ca.crt")).unwrap();
        let error = CertificateAuthority::open_or_create(folder.path()).err().unwrap().to_string();
        assert!(error.contains("does not belong to ca.key") && error.contains("move ca.key"), "{error}");
    }
}
