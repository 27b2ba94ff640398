//! The names of the distribution API: repositories, tags and digests, each with a checked constructor.
//!
//! Grammars: OCI distribution specification, "Pulling manifests"; OCI image specification, "Digests".

use std::fmt;

/// The name of a repository: lower-case path components, at most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// The name, if the distribution specification allows it.
    pub fn new(name: &str) -> Option<Self> {
        let is_valid = name.len() <= 255 && name.split('/').all(is_path_component);
        is_valid.then(|| Self(name.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !bytes.first().is_some_and(is_word) || !bytes.last().is_some_and(is_word) {
        return false;
    }
    bytes.split(is_word).all(|separator| match separator {
        [] | [b'.' | b'_'] | [b'_', b'_'] => true,
        dashes => dashes.iter().all(|byte| *byte == b'-'),
    })
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The tag, if the distribution specification allows it.
    pub fn new(tag: &str) -> Option<Self> {
        let bytes = tag.as_bytes();
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let is_valid = bytes.len() <= 128
            && bytes.first().is_some_and(is_word)
            && bytes.iter().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'));
        is_valid.then(|| Self(tag.to_owned()))
    }

    /// The tag itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A digest: algorithm and hexadecimal hash, `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// The digest, if it has a known shape: `algorithm:encoded`, and for sha256 and sha512 the right length.
    pub fn new(digest: &str) -> Option<Self> {
        let (algorithm, encoded) = digest.split_once(':')?;
        let is_algorithm = !algorithm.is_empty()
            && algorithm
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+._-".contains(&byte));
        let is_hex = encoded.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let is_encoded = match algorithm {
            "sha256" => encoded.len() == 64 && is_hex,
            "sha512" => encoded.len() == 128 && is_hex,
            _ => {
                !encoded.is_empty()
                    && encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte))
            }
        };
        (is_algorithm && is_encoded && digest.len() <= 255).then(|| Self(digest.to_owned()))
    }

    /// The digest of a SHA-256 hash.
    pub fn of_sha256(hash: &[u8; 32]) -> Self {
        let mut digest = String::with_capacity(71);
        digest.push_str("sha256:");
        for byte in hash {
            for nibble in [byte >> 4, byte & 15] {
                digest.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        Self(digest)
    }

    /// The digest itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first characters, enough to recognise it by: `sha256:654b93f61054`.
    pub fn short(&self) -> &str {
        short_digest(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A digest cut after twelve characters of its hash; other text as it is.
pub fn short_digest(text: &str) -> &str {
    let end = text.find(':').map_or(text.len(), |colon| colon.saturating_add(13));
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_repository_name() {
        for good in ["app", "team/app", "a.b_c__d---e/f0"] {
            assert!(RepositoryName::new(good).is_some(), "{good}");
        }
        for bad in ["", "App", "a//b", "a..b", "-a", "a_", "a___b", "é", &"a".repeat(256)] {
            assert!(RepositoryName::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn knows_tags_and_digests() {
        assert!(Tag::new("v1.0-rc_1").is_some());
        assert!(Tag::new(".v1").is_none());
        assert!(Tag::new("").is_none());
        let digest = Digest::of_sha256(&[0xab; 32]);
        assert_eq!(Digest::new(digest.as_str()), Some(digest.clone()));
        assert_eq!(digest.short(), "sha256:abababababab");
        assert!(Digest::new("sha256:abc").is_none());
        assert!(Digest::new("nothing").is_none());
    }
}
