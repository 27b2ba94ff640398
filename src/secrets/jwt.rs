//! JWTs keep header and claims and lose the signature; without it they are worth nothing.

use super::encoding::{Base64, base64_decode};
use super::{Kind, Walk};

/// A text that is a JWT.
pub(super) struct Jwt {
    /// The same without its signature; `None` when there was none.
    pub(super) masked: Option<Vec<u8>>,
}

/// Whether a byte may stand in URL-safe base64 without padding.
pub(super) fn is_url_safe(byte: u8) -> bool {
    URL_SAFE.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Every byte of every text is asked: a table answers soonest.
#[expect(clippy::indexing_slicing, reason = "checked when it is compiled")]
const URL_SAFE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        byte += 1;
    }
    table
};

impl Walk<'_> {
    /// Reads `header.claims.signature`; the signature may be cut.
    pub(super) fn jwt(self, value: &[u8]) -> Option<Jwt> {
        let (header, rest) = split_at_dot(value)?;
        let (claims, signature) = split_at_dot(rest)?;
        let is_shaped = signature.iter().all(|byte| is_url_safe(*byte)) && object(header).is_some();
        let object = object(claims).filter(|_| is_shaped)?;
        let new_claims = self.inside(claims, |walk| Some(Base64::JWT.encode(&walk.json(&object)?)));
        let needs_mask = !signature.is_empty() && !self.is_masked(signature);
        if !needs_mask && new_claims.is_none() {
            return Some(Jwt { masked: None });
        }
        let new_signature = if needs_mask { self.mask(Kind::Signature, value) } else { signature.to_vec() };
        let masked = [header, new_claims.as_deref().unwrap_or(claims), &new_signature].join(&b'.');
        Some(Jwt { masked: Some(masked) })
    }

    /// Reads what begins like a JWT but is none: cut before the signature, encrypted, or with more behind it.
    pub(super) fn jwt_like(self, value: &[u8]) -> Option<Jwt> {
        let (header, rest) = split_at_dot(value)?;
        object(header)?;
        if let Some(jwt) = self.jwt(value) {
            return Some(jwt);
        }
        if rest.is_empty() || self.is_masked(rest) {
            return Some(Jwt { masked: None });
        }
        let new_rest = match claims_alone(rest) {
            Some((claims, object)) => self.inside(claims, |walk| Some(Base64::JWT.encode(&walk.json(&object)?))),
            None => Some(self.mask(Kind::Token, value)),
        };
        Some(Jwt { masked: new_rest.map(|rest| [header, &rest].join(&b'.')) })
    }
}

/// Claims that nothing follows.
fn claims_alone(rest: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let claims = rest.strip_suffix(b".").unwrap_or(rest);
    (!claims.contains(&b'.')).then_some(claims).and_then(|claims| Some((claims, object(claims)?)))
}

fn split_at_dot(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = memchr::memchr(b'.', text)?;
    Some((text.get(..dot)?, text.get(dot + 1..)?))
}

/// The JSON object that a part of a JWT is.
pub(super) fn object(part: &[u8]) -> Option<Vec<u8>> {
    if !matches!(part.get(..2)?, b"ey" | b"ew") {
        return None;
    }
    let (bytes, _) = base64_decode(part)?;
    let is_object = bytes.first() == Some(&b'{') && super::json::is_json(&bytes);
    is_object.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use crate::secrets::{FingerprintKey, Masker};

    const HEADER: &str = "eyJhbGciOiJSUzI1NiJ9";
    const CLAIMS: &str = "eyJzdWIiOiJhbGljZSIsImF1ZCI6InJlZ2lzdHJ5LnRlc3QifQ";

    fn masked(text: &str) -> String {
        Masker::new(FingerprintKey::new([1; 32])).text(text).into_owned()
    }

    #[test]
    fn keeps_header_and_claims() {
        let masked = masked(&format!("got {HEADER}.{CLAIMS}.c2lnbmF0dXJl."));
        assert!(masked.starts_with(&format!("got {HEADER}.{CLAIMS}.pulltap-masked-signature-")), "{masked}");
        assert!(!masked.contains("c2lnbmF0"), "{masked}");
    }

    #[test]
    fn a_cut_jwt_leaks_no_part_of_its_signature() {
        let whole = format!("{HEADER}.{CLAIMS}.c2lnbmF0dXJlc2lnbmF0dXJl");
        for end in 0..whole.len() {
            let masked = masked(&whole[..end]);
            assert!(!masked.contains(".c2"), "{masked}");
        }
    }

    #[test]
    fn is_found_behind_other_letters() {
        let masked = masked(&format!("key-{HEADER}.{CLAIMS}.c2lnbmF0dXJl"));
        assert!(masked.starts_with(&format!("key-{HEADER}.{CLAIMS}.pulltap-masked-")), "{masked}");
    }

    #[test]
    fn an_encrypted_one_keeps_its_header_only() {
        let masked = masked("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXZpdg.Y2lwaGVydGV4dA.dGFn");
        assert!(masked.starts_with("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.pulltap-masked-token-"), "{masked}");
    }

    #[test]
    fn secrets_in_claims_are_masked() {
        // {"sub":"a","password":"hunter2"}
        let masked = masked(&format!("{HEADER}.eyJzdWIiOiJhIiwicGFzc3dvcmQiOiJodW50ZXIyIn0.c2lnbmF0dXJl"));
        assert!(!masked.contains("aHVudGVyM"), "{masked}");
        assert!(!masked.contains("odW50ZXIy"), "{masked}");
    }
}
