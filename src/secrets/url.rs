//! URLs and request targets: user information, path, query, fragment.

use std::ops::Range;

use super::encoding::Plus;
use super::field::Class;
use super::pairs::Written;
use super::rewrite::Rewrite;
use super::{Kind, Walk};

impl Walk<'_> {
    /// Masks what is secret in a URL or request target.
    pub(super) fn url(self, url: &[u8]) -> Option<Vec<u8>> {
        let fragment = memchr::memchr(b'#', url).unwrap_or(url.len());
        let query = url.get(..fragment).and_then(|before| memchr::memchr(b'?', before)).unwrap_or(fragment);
        let part = |range: Range<usize>| url.get(range).unwrap_or(&[]);
        let mut rewrite = Rewrite::new(url);
        rewrite.replace_some(0..query, self.text(part(0..query)));
        if query < fragment {
            rewrite.replace_some(query + 1..fragment, self.pairs(part(query + 1..fragment), Written::Query));
        }
        if fragment < url.len() {
            rewrite.replace_some(fragment + 1..url.len(), self.pairs(part(fragment + 1..url.len()), Written::Query));
        }
        rewrite.finish()
    }

    /// Masks the password before a host; `at` is where the authority begins. Gives where it ends, if masked.
    pub(super) fn user_information(self, text: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        let rest = text.get(at..)?;
        let length = rest.iter().position(|byte| is_after_authority(*byte)).unwrap_or(rest.len());
        let authority = rest.get(..length)?;
        let Some(sign) = memchr::memrchr(b'@', authority) else {
            return self.cut_user_information(authority, at, rewrite);
        };
        let user_and_password = authority.get(..sign)?;
        match memchr::memchr(b':', user_and_password) {
            Some(colon) => {
                let password = at + colon + 1..at + sign;
                let user = user_and_password.get(..colon)?;
                rewrite.replace_some(at..at + colon, self.masked_coded(Class::Unknown, user, Plus::Plus));
                let class = Class::Secret(super::authorization::kind_of_password(user));
                rewrite
                    .replace_some(password, self.masked_coded(class, text.get(at + colon + 1..at + sign)?, Plus::Plus));
            }
            None if is_long(user_and_password) => {
                let class = Class::Secret(Kind::Token);
                rewrite.replace_some(at..at + sign, self.masked_coded(class, user_and_password, Plus::Plus));
            }
            None => return None,
        }
        Some(at + sign + 1)
    }

    /// A text that ends before the `@` leaves `user:pass`, which is told from `host:port` by the port.
    fn cut_user_information(self, authority: &[u8], at: usize, rewrite: &mut Rewrite) -> Option<usize> {
        if authority.first() == Some(&b'[') {
            return None;
        }
        let colon = memchr::memchr(b':', authority)?;
        let port = authority.get(colon + 1..)?;
        let is_port = port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
        if is_port || self.is_masked(port) {
            return None;
        }
        rewrite.replace(at + colon + 1..at + authority.len(), &self.mask(Kind::Password, port));
        Some(at + authority.len())
    }
}

/// A user name alone that is this long is a token.
fn is_long(user: &[u8]) -> bool {
    user.len() >= 20
}

fn is_after_authority(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"/?#\"'<>\\`{}|,;)(".contains(&byte)
}

#[cfg(test)]
mod tests {
    use crate::secrets::{FingerprintKey, Masker};

    fn masked(url: &str) -> String {
        Masker::new(FingerprintKey::new([1; 32])).url(url).into_owned()
    }

    #[test]
    fn a_stray_percent_sign_is_text() {
        for url in ["/a/%", "/%E2%82%AC/%", "/100%/x", "/?a=%&b=%zz"] {
            assert_eq!(masked(url), url);
        }
    }

    #[test]
    fn a_signed_url_keeps_all_but_its_signature() {
        let masked =
            masked("https://a.blob.core.windows.net/x//data?se=2023-05-11T20%3A19%3A17Z&sig=a%2Bb&sp=r&sv=2016-05-31");
        let (before, after) = masked.split_once("pulltap-masked-signature-").unwrap();
        assert_eq!(before, "https://a.blob.core.windows.net/x//data?se=2023-05-11T20%3A19%3A17Z&sig=");
        assert_eq!(&after[8..], "&sp=r&sv=2016-05-31");
    }

    #[test]
    fn the_password_before_the_host_goes_and_the_user_stays() {
        assert_eq!(masked("https://bob:p%40ss@h.test/x"), "https://bob:pulltap-masked-password@h.test/x");
        assert_eq!(masked("https://bob:p@ss"), "https://bob:pulltap-masked-password@ss");
        assert_eq!(masked("https://bob:hunter"), "https://bob:pulltap-masked-password");
        assert_eq!(masked("https://h.test:5000"), "https://h.test:5000");
        assert_eq!(masked("https://[::1]:5000/"), "https://[::1]:5000/");
    }

    #[test]
    fn the_key_goes_and_its_scope_stays() {
        let masked =
            masked("/x?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=1");
        assert!(masked.starts_with("/x?X-Amz-Credential=pulltap-masked-credential-"), "{masked}");
        assert!(masked.ends_with("%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=1"), "{masked}");
    }
}
