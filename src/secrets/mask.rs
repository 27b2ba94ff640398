//! What stands where a secret stood: the mask, its fingerprint, and how a mask is recognised.
//!
//! A mask is `pulltap-masked-KIND-FINGERPRINT` (`pulltap-masked-token-9f3a1c2b`), made of lower-case letters,
//! digits and hyphens: it means the same in a header field, a query, JSON, HTML, a cookie and as the third part of
//! a JWT. The fingerprint is the first 32 bits of HMAC-SHA-256 over the decoded value, keyed by a key of this
//! installation, so equal tokens stay visibly equal and nobody else can try values against it. Passwords are
//! short enough to be guessed even so and get none.

use aws_lc_rs::hmac;

/// How every mask begins.
pub const PREFIX: &str = "pulltap-masked-";

/// Hexadecimal digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 8;

/// The key of this installation's fingerprints; it is never shown or exported.
#[derive(Clone)]
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    /// The key made of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// The fingerprint of a value: 32 bits of its keyed hash.
    pub fn fingerprint(&self, value: &[u8]) -> u32 {
        let tag = hmac::sign(&self.0, value);
        tag.as_ref().iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

/// What sort of secret was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A cookie's value.
    Cookie,
    /// The name of a key pair or account that a signature belongs to.
    Credential,
    /// Encoded so deep that it was not looked into.
    Nested,
    /// Nothing says what it is, but it looks like a secret.
    Opaque,
    /// What a person or a service account logs in with.
    Password,
    /// A secret of another sort: a client secret, a code, a key.
    Secret,
    /// The signature of a URL, a request or a JWT.
    Signature,
    /// The state of an upload, which the registry signed.
    State,
    /// An access, refresh or identity token.
    Token,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Cookie,
        Self::Credential,
        Self::Nested,
        Self::Opaque,
        Self::Password,
        Self::Secret,
        Self::Signature,
        Self::State,
        Self::Token,
    ];

    /// The name that stands in the mask.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Credential => "credential",
            Self::Nested => "nested",
            Self::Opaque => "opaque",
            Self::Password => "password",
            Self::Secret => "secret",
            Self::Signature => "signature",
            Self::State => "state",
            Self::Token => "token",
        }
    }

    /// Whether its values are too many to be guessed, so that a fingerprint tells nothing.
    fn has_fingerprint(self) -> bool {
        self != Self::Password
    }
}

/// The mask of a value.
pub fn mask(key: &FingerprintKey, kind: Kind, value: &[u8]) -> Vec<u8> {
    let kind_name = kind.as_str();
    if kind.has_fingerprint() {
        return format!("{PREFIX}{kind_name}-{:08x}", key.fingerprint(value)).into_bytes();
    }
    format!("{PREFIX}{kind_name}").into_bytes()
}

/// Whether the text is a mask and nothing else.
pub fn is_mask(text: &[u8]) -> bool {
    length_of_mask(text) == Some(text.len())
}

/// The length of the mask with which the text begins, if it begins with one.
pub fn length_of_mask(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(PREFIX.as_bytes())?;
    let (kind, rest) =
        Kind::ALL.into_iter().find_map(|kind| Some((kind, rest.strip_prefix(kind.as_str().as_bytes())?)))?;
    let named = text.len() - rest.len();
    if !kind.has_fingerprint() {
        return Some(named);
    }
    let digits = rest.strip_prefix(b"-")?.get(..FINGERPRINT_DIGITS)?;
    let is_hex = digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then_some(named + 1 + FINGERPRINT_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_recognised_and_nothing_else_is() {
        let key = FingerprintKey::new([7; 32]);
        for kind in Kind::ALL {
            let mask = mask(&key, kind, b"hunter2");
            assert!(is_mask(&mask), "{kind:?}");
            assert!(!is_mask(&[&mask[..], b"x"].concat()), "{kind:?}");
        }
        for text in
            ["", "pulltap-masked-", "pulltap-masked-token", "pulltap-masked-token-9f3a1c2", "pulltap-masked-x-9f3a1c2b"]
        {
            assert!(!is_mask(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn equal_values_are_equal_under_one_key_only() {
        let (one, other) = (FingerprintKey::new([1; 32]), FingerprintKey::new([2; 32]));
        assert_eq!(mask(&one, Kind::Token, b"a"), mask(&one, Kind::Token, b"a"));
        assert_ne!(mask(&one, Kind::Token, b"a"), mask(&one, Kind::Token, b"b"));
        assert_ne!(mask(&one, Kind::Token, b"a"), mask(&other, Kind::Token, b"a"));
    }

    #[test]
    fn passwords_have_no_fingerprint() {
        assert_eq!(mask(&FingerprintKey::new([1; 32]), Kind::Password, b"a"), b"pulltap-masked-password");
    }
}
