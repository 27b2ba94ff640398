//! Verification of servers' certificates that remembers what it saw, whatever came of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::exchange::{Moment, Verdict};
use crate::x509::CertificateFacts;

/// What to do about a certificate that fails verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// End the handshake.
    Stop,
    /// Go on, and record the verdict.
    GoOn,
}

/// What one handshake's verification saw.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The certificates that the server sent, DER, its own first.
    pub chain: Vec<Vec<u8>>,
    /// What verification said.
    pub verdict: Verdict,
}

/// Verifies with the system's roots and those of `--upstream-ca`; one of the latter also counts when a server presents
/// it as its own certificate, as self-signed registries do (curl and Go accept that, too).
///
/// Reading the system's roots takes longer than all else at the start (some 25 ms for Debian's 140), so a thread does it
/// meanwhile, and the first handshake waits for what is left of it.
#[derive(Debug)]
pub struct Roots {
    reading: Mutex<Option<JoinHandle<Result<Verifier, Error>>>>,
    system: OnceLock<Result<Verifier, Error>>,
    pinned: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Roots {
    /// The system's roots and these.
    pub fn new(extra: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let pinned = extra.clone();
        let reading = std::thread::spawn(move || Verifier::new_with_extra_roots(extra, provider));
        Self { reading: Mutex::new(Some(reading)), system: OnceLock::new(), pinned, algorithms }
    }

    fn system(&self) -> &Result<Verifier, Error> {
        self.system.get_or_init(|| {
            let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner).take();
            let broken = || Error::General("the root certificates could not be read".to_owned());
            reading.and_then(|reading| reading.join().ok()).unwrap_or_else(|| Err(broken()))
        })
    }

    fn is_pinned(&self, certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> bool {
        let now = Moment::from_micros(i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000));
        self.pinned.iter().any(|pinned| pinned == certificate)
            && CertificateFacts::read(certificate).is_some_and(|facts| {
                (facts.not_before..=facts.not_after).contains(&now) && facts.is_for(&name.to_str())
            })
    }
}

impl ServerCertVerifier for Roots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.is_pinned(end_entity, server_name, now) {
            return Ok(ServerCertVerified::assertion());
        }
        let system = self.system().as_ref().map_err(Clone::clone)?;
        system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Verifies one handshake's certificate with another verifier and keeps what it saw.
#[derive(Debug)]
pub struct RecordingVerifier {
    inner: Arc<dyn ServerCertVerifier>,
    on_refusal: OnRefusal,
    // Held only to write or read the record, never across an await.
    seen: Mutex<Verified>,
}

impl RecordingVerifier {
    /// A verifier for one handshake.
    pub fn new(inner: Arc<dyn ServerCertVerifier>, on_refusal: OnRefusal) -> Self {
        let nothing = Verified { chain: Vec::new(), verdict: Verdict::NotChecked };
        Self { inner, on_refusal, seen: Mutex::new(nothing) }
    }

    /// What the handshake showed so far.
    pub fn seen(&self) -> Verified {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for RecordingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let result = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let chain = std::iter::once(end_entity).chain(intermediates).map(|certificate| certificate.to_vec()).collect();
        let verdict = match &result {
            Ok(_) => Verdict::Trusted,
            Err(error) => verdict_of(error),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Verified { chain, verdict };
        match self.on_refusal {
            OnRefusal::Stop => result,
            OnRefusal::GoOn => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn verdict_of(error: &Error) -> Verdict {
    use CertificateError as C;
    match error {
        Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => Verdict::Expired,
        Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => Verdict::NotYetValid,
        Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => Verdict::WrongName,
        // A bad signature: an authority of that name is trusted, but its key did not sign this. A root that was made anew.
        Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature) => Verdict::UnknownIssuer,
        Error::InvalidCertificate(C::Revoked) => Verdict::Revoked,
        // webpki's word for a self-signed certificate that is nobody's root.
        Error::InvalidCertificate(C::Other(other)) if other.to_string().contains("CaUsedAsEndEntity") => {
            Verdict::UnknownIssuer
        }
        other => Verdict::Refused(other.to_string()),
    }
}

/// Has no client certificate, and remembers whether the server asked for one.
#[derive(Debug, Default)]
pub struct NoClientCertificate {
    was_asked: AtomicBool,
}

impl NoClientCertificate {
    /// Whether the server asked for a certificate.
    pub fn was_asked(&self) -> bool {
        self.was_asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for NoClientCertificate {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _sigschemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
