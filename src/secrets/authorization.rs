//! `Scheme credentials`, as in the Authorization field.

use std::ops::Range;

use super::encoding::base64_decode;
use super::field::{self, Class, Place};
use super::rewrite::Rewrite;
use super::{Kind, Walk};

/// Users under whose name a token is sent as the password: ACR, docker's identity token, ECR, Google, Quay.
const TOKEN_USERS: &[&[u8]] = &[
    b"00000000-0000-0000-0000-000000000000",
    b"<token>",
    b"%3Ctoken%3E",
    b"AWS",
    b"oauth2accesstoken",
    b"_json_key",
    b"_json_key_base64",
    b"$oauthtoken",
    b"x-access-token",
    b"gitlab-ci-token",
];

/// What is sent as the password of this user.
pub(super) fn kind_of_password(user: &[u8]) -> Kind {
    let is_token = TOKEN_USERS.contains(&user) || user.starts_with(b"_dcgcr_");
    if is_token { Kind::Token } else { Kind::Password }
}

/// The first words that are schemes; another first word could be part of the secret.
const SCHEMES: &[&[u8]] = &[
    b"apikey",
    b"aws",
    b"aws4-ecdsa-p256-sha256",
    b"aws4-hmac-sha256",
    b"basic",
    b"bearer",
    b"digest",
    b"dpop",
    b"goog4-hmac-sha256",
    b"goog4-rsa-sha256",
    b"hawk",
    b"jwt",
    b"kerberos",
    b"negotiate",
    b"ntlm",
    b"oauth",
    b"privatekey",
    b"sharedaccesssignature",
    b"sharedkey",
    b"sharedkeylite",
    b"signature",
    b"token",
];

impl Walk<'_> {
    /// Masks the credentials and keeps the scheme.
    pub(super) fn authorization(self, value: &[u8]) -> Option<Vec<u8>> {
        let trimmed = value.trim_ascii_end();
        let space = trimmed.iter().position(u8::is_ascii_whitespace).unwrap_or(trimmed.len());
        let scheme = trimmed.get(..space)?.to_ascii_lowercase();
        if !SCHEMES.contains(&scheme.as_slice()) {
            return self.secret(Kind::Token, trimmed);
        }
        let start = trimmed.len() - trimmed.get(space..)?.trim_ascii_start().len();
        let credentials = trimmed.get(start..)?;
        let masked = match scheme.as_slice() {
            _ if credentials.is_empty() => None,
            b"basic" => self.user_and_password(credentials),
            b"bearer" => self.bearer(credentials),
            b"digest" | b"signature" | b"hawk" | b"oauth" => self.parameters(credentials),
            scheme if scheme.starts_with(b"aws4-") || scheme.starts_with(b"goog4-") => self.parameters(credentials),
            b"sharedkey" | b"sharedkeylite" | b"aws" => self.account_and_signature(credentials),
            _ => self.secret(Kind::Token, credentials),
        };
        let mut rewrite = Rewrite::new(value);
        rewrite.replace_some(start..trimmed.len(), masked);
        rewrite.finish()
    }

    /// base64 of `user:password`: the user stays.
    pub(super) fn user_and_password(self, value: &[u8]) -> Option<Vec<u8>> {
        if value.is_empty() || self.is_masked(value) {
            return None;
        }
        let decoded = base64_decode(value.trim_ascii());
        let Some((decoded, form)) = decoded.filter(|(bytes, _)| bytes.contains(&b':')) else {
            return Some(self.mask(Kind::Password, value));
        };
        let colon = memchr::memchr(b':', &decoded)?;
        let (user, password) = (decoded.get(..colon)?, decoded.get(colon + 1..)?);
        let new_user = match password {
            // The user alone is the credential.
            b"" | b"x-oauth-basic" if user.len() >= 20 => self.secret(Kind::Token, user),
            _ => self.text(user),
        };
        let new_password = self.secret(kind_of_password(user), password);
        if new_user.is_none() && new_password.is_none() {
            return None;
        }
        let (user, password) = (new_user.as_deref().unwrap_or(user), new_password.as_deref().unwrap_or(password));
        Some(form.encode(&[user, password].join(&b':')))
    }

    /// One token, or several with commas: `x-ms-authorization-auxiliary` has `Bearer a, Bearer b`.
    fn bearer(self, value: &[u8]) -> Option<Vec<u8>> {
        let mut rewrite = Rewrite::new(value);
        let mut at = 0;
        for piece in value.split(|byte| *byte == b',') {
            let token = trimmed(piece);
            let word = piece.get(token.clone()).unwrap_or(&[]);
            let has_scheme = word.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
            let skipped = if has_scheme { 7 + trimmed(word.get(7..).unwrap_or(&[])).start } else { 0 };
            let token = at + token.start + skipped..at + token.end;
            rewrite.replace_some(token.clone(), self.secret(Kind::Token, value.get(token).unwrap_or(&[])));
            at += piece.len() + 1;
        }
        rewrite.finish()
    }

    /// `name=value, name="value"`: what is not known to be harmless is masked.
    fn parameters(self, value: &[u8]) -> Option<Vec<u8>> {
        let mut rewrite = Rewrite::new(value);
        let mut at = 0;
        for parameter in value.split(|byte| *byte == b',') {
            let end = at + parameter.len();
            let equals = memchr::memchr(b'=', parameter).map_or(0, |equals| equals + 1);
            let name = parameter.get(..equals.saturating_sub(1)).unwrap_or(&[]).trim_ascii();
            let quoted = parameter.get(equals..).unwrap_or(&[]);
            let inner = unquoted(quoted, trimmed(quoted));
            let start = at + equals + inner.start;
            let inner = quoted.get(inner).unwrap_or(&[]);
            let masked = if is_harmless(name) { self.text(inner) } else { self.parameter(name, inner) };
            rewrite.replace_some(start..start + inner.len(), masked);
            at = end + 1;
        }
        rewrite.finish()
    }

    fn parameter(self, name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        match field::classify(name, Place::Text) {
            Class::Secret(kind) => self.secret(kind, value),
            Class::ScopedCredential => self.scoped_credential(value),
            _ => self.secret(Kind::Signature, value),
        }
    }

    /// `account:signature`: the account stays.
    fn account_and_signature(self, value: &[u8]) -> Option<Vec<u8>> {
        let start = memchr::memchr(b':', value).map_or(0, |colon| colon + 1);
        let mut rewrite = Rewrite::new(value);
        rewrite.replace_some(start..value.len(), self.secret(Kind::Signature, value.get(start..)?));
        rewrite.finish()
    }
}

/// The user name in Basic credentials.
pub fn user_of_basic(value: &[u8]) -> Option<String> {
    let (scheme, credentials) = value.split_at_checked(6)?;
    let (decoded, _) = base64_decode(credentials.trim_ascii()).filter(|_| scheme.eq_ignore_ascii_case(b"basic "))?;
    let colon = memchr::memchr(b':', &decoded)?;
    Some(String::from_utf8_lossy(decoded.get(..colon)?).into_owned())
}

/// Parameters of Digest and AWS4 that are no secrets.
fn is_harmless(name: &[u8]) -> bool {
    const NAMES: &[&str] = &[
        "username",
        "realm",
        "uri",
        "qop",
        "nc",
        "algorithm",
        "opaque",
        "SignedHeaders",
        "headers",
        "keyId",
        "version",
    ];
    NAMES.iter().any(|harmless| name.eq_ignore_ascii_case(harmless.as_bytes()))
}

/// Where the text is, without the white space around it.
fn trimmed(text: &[u8]) -> Range<usize> {
    let end = text.trim_ascii_end().len();
    end - text.get(..end).unwrap_or(&[]).trim_ascii_start().len()..end
}

/// The same without quotation marks.
fn unquoted(text: &[u8], range: Range<usize>) -> Range<usize> {
    let is_quote = |at: usize| text.get(at) == Some(&b'"');
    let start = range.start + usize::from(!range.is_empty() && is_quote(range.start));
    let end = range.end - usize::from(range.end > start && is_quote(range.end - 1));
    start..end
}

#[cfg(test)]
mod tests {
    use crate::secrets::{FingerprintKey, Masker};

    fn header(value: &str) -> String {
        let masked = Masker::new(FingerprintKey::new([1; 32])).header("authorization", value.as_bytes());
        String::from_utf8(masked.unwrap_or(value.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn basic_keeps_the_user_name() {
        // bob:hunter2 → bob:pulltap-masked-password
        assert_eq!(header("Basic Ym9iOmh1bnRlcjI="), "Basic Ym9iOnB1bGx0YXAtbWFza2VkLXBhc3N3b3Jk");
        assert_eq!(header("Basic Ym9i"), "Basic pulltap-masked-password");
    }

    #[test]
    fn every_scheme_keeps_its_name() {
        for (value, start) in [
            ("Bearer opaque", "Bearer pulltap-masked-token-"),
            ("bearer  a, Bearer b", "bearer  pulltap-masked-token-"),
            ("NTLM TlRMTVNTUAAB", "NTLM pulltap-masked-token-"),
            ("opaque", "pulltap-masked-token-"),
            ("SharedKey account:c2ln", "SharedKey account:pulltap-masked-signature-"),
            (
                "AWS4-HMAC-SHA256 Credential=AKIA/2013/s3/aws4_request, SignedHeaders=host, Signature=fe5f",
                "AWS4-HMAC-SHA256 Credential=pulltap-masked-credential-",
            ),
            (
                "Digest username=\"bob\", response=\"6629\"",
                "Digest username=\"bob\", response=\"pulltap-masked-signature-",
            ),
        ] {
            let masked = header(value);
            assert!(masked.starts_with(start), "{masked}");
            assert_eq!(header(&masked), masked);
        }
        assert_eq!(header("Bearer"), "Bearer");
    }
}
