//! What a TLS handshake tells about both sides.

use super::Moment;

/// One TLS handshake, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// The handshake began: the first byte of the ClientHello was sent or seen.
    pub start: Moment,
    /// The handshake was complete.
    pub end: Option<Moment>,
    /// What the client offered.
    pub hello: Option<ClientHello>,
    /// The negotiated version, as on the wire (0x0303 is TLS 1.2, 0x0304 is TLS 1.3).
    pub version: Option<u16>,
    /// The negotiated cipher suite's number.
    pub suite: Option<u16>,
    /// The negotiated group's number.
    pub group: Option<u16>,
    /// The negotiated application protocol.
    pub alpn: Option<Vec<u8>>,
    /// The name by which the certificate was made (client side) or checked (server side).
    pub name: String,
    /// The certificates that the server sent, DER, the server's own first. On the client side: the leaf pulltap made.
    pub chain: Vec<Vec<u8>>,
    /// What verification said.
    pub verdict: Verdict,
    /// An alert that ended the handshake, and which of the two sent it.
    pub alert: Option<Alert>,
}

impl TlsFacts {
    /// The facts of a handshake that has just begun.
    pub fn starting(start: Moment, name: &str) -> Self {
        Self {
            start,
            end: None,
            hello: None,
            version: None,
            suite: None,
            group: None,
            alpn: None,
            name: name.to_owned(),
            chain: Vec::new(),
            verdict: Verdict::NotChecked,
            alert: None,
        }
    }
}

/// A ClientHello, as far as it matters for a diagnosis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// Offered versions, highest first as the client lists them: `supported_versions`, else the legacy version.
    pub versions: Vec<u16>,
    /// Offered cipher suites.
    pub suites: Vec<u16>,
    /// Offered groups.
    pub groups: Vec<u16>,
    /// Offered application protocols.
    pub alpn: Vec<Vec<u8>>,
    /// The server name; `None` when the client sent none.
    pub sni: Option<String>,
}

/// A TLS alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert {
    /// The alert's number (RFC 8446, section 6).
    pub code: u8,
    /// Who sent it.
    pub sender: AlertSender,
}

/// Who sent an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertSender {
    /// The other end of the connection.
    Peer,
    /// pulltap.
    Us,
}

/// What the verification of a server's certificate said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was verified.
    NotChecked,
    /// Verified against the system's roots and `--upstream-ca`.
    Trusted,
    /// Past its end of validity.
    Expired,
    /// Before its start of validity.
    NotYetValid,
    /// For other names than the one asked for.
    WrongName,
    /// Signed by nobody that is trusted.
    UnknownIssuer,
    /// Revoked.
    Revoked,
    /// Refused for another reason, in the verifier's words.
    Refused(String),
}

impl Verdict {
    /// The name that JSON and text outputs use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotChecked => "not-checked",
            Self::Trusted => "trusted",
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::WrongName => "certificate-wrong-name",
            Self::UnknownIssuer => "certificate-unknown-issuer",
            Self::Revoked => "certificate-revoked",
            Self::Refused(_) => "certificate-refused",
        }
    }
}
