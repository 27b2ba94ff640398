//! Values that are made of parts, of which some are secret: cookies, credentials with a scope, encoded JSON.

use super::encoding::base64_decode;
use super::rewrite::Rewrite;
use super::{Kind, Walk};

impl Walk<'_> {
    /// `name=value; name=value`: names stay.
    pub(super) fn cookie(self, value: &[u8]) -> Option<Vec<u8>> {
        let mut rewrite = Rewrite::new(value);
        let mut at = 0;
        for cookie in value.split(|byte| *byte == b';') {
            let start = at + memchr::memchr(b'=', cookie).map_or(0, |equals| equals + 1);
            let secret = value.get(start..at + cookie.len()).unwrap_or(&[]);
            let trimmed = secret.trim_ascii();
            let start = start + (secret.len() - secret.trim_ascii_start().len());
            if !trimmed.is_empty() && !self.is_masked(trimmed) {
                rewrite.replace(start..start + trimmed.len(), &self.mask(Kind::Cookie, trimmed));
            }
            at += cookie.len() + 1;
        }
        rewrite.finish()
    }

    /// `name=value; attribute; attribute`: name and attributes stay.
    pub(super) fn set_cookie(self, value: &[u8]) -> Option<Vec<u8>> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let mut rewrite = Rewrite::new(value);
        rewrite.replace_some(0..end, self.cookie(value.get(..end)?));
        rewrite.replace_some(end..value.len(), self.text(value.get(end..)?));
        rewrite.finish()
    }

    /// `key/date/region/service`: the key's name goes, the scope stays.
    pub(super) fn scoped_credential(self, value: &[u8]) -> Option<Vec<u8>> {
        let end = memchr::memchr(b'/', value).unwrap_or(value.len());
        let mut rewrite = Rewrite::new(value);
        rewrite.replace_some(0..end, self.secret(Kind::Credential, value.get(..end)?));
        rewrite.finish()
    }

    /// `expiry-signature`: the expiry stays.
    pub(super) fn signed_until(self, value: &[u8]) -> Option<Vec<u8>> {
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let start = if value.get(digits) == Some(&b'-') { digits + 1 } else { 0 };
        let mut rewrite = Rewrite::new(value);
        rewrite.replace_some(start..value.len(), self.secret(Kind::Signature, value.get(start..)?));
        rewrite.finish()
    }

    /// base64 of JSON, as docker sends its credentials to the daemon; anything else is masked as a whole.
    pub(super) fn encoded_json(self, value: &[u8]) -> Option<Vec<u8>> {
        let decoded = base64_decode(value).filter(|(json, _)| super::json::is_json(json) && json.starts_with(b"{"));
        match decoded {
            Some((json, form)) => self.inside(value, |walk| Some(form.encode(&walk.json(&json)?))),
            None => self.secret(Kind::Secret, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::secrets::{FingerprintKey, Masker};

    fn header(name: &str, value: &str) -> String {
        let masked = Masker::new(FingerprintKey::new([1; 32])).header(name, value.as_bytes());
        String::from_utf8(masked.unwrap_or(value.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn cookies_keep_their_names_and_attributes() {
        let masked = header("cookie", "a=secret1; b=secret2;c");
        assert!(
            masked.starts_with("a=pulltap-masked-cookie-") && masked.contains("; b=pulltap-masked-cookie-"),
            "{masked}"
        );
        let masked = header("Set-Cookie", "sid=secret1; Path=/; HttpOnly");
        assert!(masked.starts_with("sid=pulltap-masked-cookie-") && masked.ends_with("; Path=/; HttpOnly"), "{masked}");
    }

    #[test]
    fn encoded_credentials_keep_the_user() {
        // {"username":"bob","password":"hunter2"}
        let masked = header("X-Registry-Auth", "eyJ1c2VybmFtZSI6ImJvYiIsInBhc3N3b3JkIjoiaHVudGVyMiJ9");
        let (json, _) = super::base64_decode(masked.as_bytes()).unwrap();
        assert_eq!(json, br#"{"username":"bob","password":"pulltap-masked-password"}"#);
        assert!(header("X-Registry-Auth", "!!!").starts_with("pulltap-masked-secret-"));
    }
}
