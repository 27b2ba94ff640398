//! What errors of sockets and TLS mean, as [`Failure`]s.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use rustls::{AlertDescription, CommonState, InvalidMessage};

use crate::exchange::tls::{Alert, AlertSender};
use crate::exchange::{Failure, FailureKind, Moment, Side, Stage, TlsFacts, Verdict};
use crate::platform;

/// The messages of an error and its causes, outermost first.
pub fn chain_of(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if chain.last() != Some(&text) {
            chain.push(text);
        }
        next = error.source();
    }
    chain
}

/// The failure that a TLS error means, met in a handshake with `peer`.
pub fn tls_failure(stage: Stage, peer: Side, error: &io::Error, at: Moment) -> Failure {
    let (side, kind) = match rustls_error(error) {
        Some(error) => tls_kind(peer, error),
        None => (peer, socket_kind(peer, error)),
    };
    Failure { stage, side, kind, chain: chain_of(error), os_code: error.raw_os_error(), at }
}

fn tls_kind(peer: Side, error: &rustls::Error) -> (Side, FailureKind) {
    use rustls::Error as E;
    match error {
        E::AlertReceived(alert) => (peer, FailureKind::TlsAlert(u8::from(*alert))),
        E::InvalidCertificate(_) | E::NoCertificatesPresented => {
            (peer, FailureKind::Certificate(Verdict::Refused(error.to_string())))
        }
        E::PeerIncompatible(_) | E::NoApplicationProtocol => (Side::Us, FailureKind::TlsNothingInCommon),
        E::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            (peer, FailureKind::NotTls)
        }
        _ => (peer, FailureKind::TlsFailed),
    }
}

fn socket_kind(peer: Side, error: &io::Error) -> FailureKind {
    match error.kind() {
        io::ErrorKind::TimedOut => FailureKind::TimedOut,
        io::ErrorKind::InvalidInput => FailureKind::Unsupported,
        // A client that leaves in the handshake has given up, however it does it; a server has broken off.
        _ if peer == Side::Client => FailureKind::GaveUp,
        io::ErrorKind::UnexpectedEof => FailureKind::Truncated,
        _ => FailureKind::Reset,
    }
}

/// The TLS library's error within a stream's error.
pub fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// The alert that a failed handshake ended with, as far as the failure tells.
pub fn alert_of(failure: &Failure) -> Option<Alert> {
    match &failure.kind {
        FailureKind::TlsAlert(code) => Some(Alert { code: *code, sender: AlertSender::Peer }),
        FailureKind::Certificate(verdict) => {
            Some(Alert { code: u8::from(alert_for(verdict)), sender: AlertSender::Us })
        }
        _ => None,
    }
}

/// The alert that the TLS library sends about a certificate with this verdict (RFC 8446, section 6.2).
fn alert_for(verdict: &Verdict) -> AlertDescription {
    match verdict {
        Verdict::Expired | Verdict::NotYetValid => AlertDescription::CertificateExpired,
        Verdict::UnknownIssuer => AlertDescription::UnknownCA,
        Verdict::Revoked => AlertDescription::CertificateRevoked,
        _ => AlertDescription::BadCertificate,
    }
}

/// Adds what was negotiated to the facts.
pub fn fill_in(facts: &mut TlsFacts, state: &CommonState) {
    facts.version = state.protocol_version().map(u16::from);
    facts.suite = state.negotiated_cipher_suite().map(|suite| u16::from(suite.suite()));
    facts.group = state.negotiated_key_exchange_group().map(|group| u16::from(group.name()));
    facts.alpn = state.alpn_protocol().map(<[u8]>::to_vec);
}

/// Whether dialling this address would reach one of these listeners.
pub fn is_one_of(listeners: &[SocketAddr], address: SocketAddr) -> bool {
    listeners.iter().any(|listener| {
        listener.port() == address.port()
            && (listener.ip() == address.ip().to_canonical()
                || (listener.ip().is_unspecified() && is_this_machine(address))
                || address.ip().is_unspecified())
    })
}

fn is_this_machine(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_loopback() || platform::local_addresses().iter().any(|local| local.ip.to_canonical() == ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_listeners_by_every_address() {
        let listener = |text: &str| vec![text.parse().unwrap()];
        let address = |text: &str| text.parse().unwrap();
        assert!(is_one_of(&listener("127.0.0.1:8888"), address("127.0.0.1:8888")));
        assert!(is_one_of(&listener("127.0.0.1:8888"), address("[::ffff:127.0.0.1]:8888")));
        assert!(is_one_of(&listener("127.0.0.1:8888"), address("0.0.0.0:8888")));
        assert!(is_one_of(&listener("0.0.0.0:8888"), address("127.9.9.9:8888")));
        assert!(!is_one_of(&listener("127.0.0.1:8888"), address("127.0.0.1:8889")));
        assert!(!is_one_of(&listener("0.0.0.0:8888"), address("192.0.2.77:8888")));
    }
}
