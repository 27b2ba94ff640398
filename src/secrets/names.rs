//! Names that are no secrets but say who and where, and the pseudonyms that stand in for them.
//!
//! A pseudonym is made of the name's fingerprint, so one name has one pseudonym wherever and whenever it appears.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::FingerprintKey;
use super::rewrite::Rewrite;

/// The names to replace, and what by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Longest names first.
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Ends of host names that belong to a service, not to its customer; they say which registry it is.
const SERVICES: &[&str] = &[
    ".azurecr.io",
    ".azurecr.cn",
    ".azurecr.us",
    ".blob.core.windows.net",
    ".blob.core.chinacloudapi.cn",
    ".blob.core.usgovcloudapi.net",
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".cloudfront.net",
    ".r2.cloudflarestorage.com",
    ".pkg.dev",
    ".jfrog.io",
];

/// Hosts that are everybody's.
const PUBLIC: &[&str] = &[
    "docker.io",
    "docker.com",
    "ghcr.io",
    "githubusercontent.com",
    "github.com",
    "quay.io",
    "gcr.io",
    "googleapis.com",
    "microsoft.com",
    "microsoftonline.com",
    "mscr.io",
    "azure.com",
    "azure.net",
    "windows.net",
    "gitlab.com",
    "gitlab-static.net",
    "public.ecr.aws",
    "k8s.io",
    "localhost",
    "pulltap.internal",
];

impl Names {
    /// Whether there is nothing to replace.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Adds a name that is replaced by `prefix-FINGERPRINT`. Names of one or two letters would be found everywhere.
    pub fn add(&mut self, key: &FingerprintKey, prefix: &str, name: &str) {
        let pseudonym = format!("{prefix}-{:08x}", key.fingerprint(name.as_bytes()));
        if !is_pseudonym(name) {
            self.push(name, &pseudonym);
        }
    }

    /// Adds a host name; the part that names a service stays.
    pub fn add_host(&mut self, key: &FingerprintKey, host: &str) {
        if let Some(pseudonym) = host_pseudonym(key, host) {
            self.push(host, &pseudonym);
            // `az acr login --name` and error texts have the first label alone.
            if let (Some((label, _)), Some((short, _))) = (host.split_once('.'), pseudonym.split_once('.'))
                && label.len() >= 5
            {
                self.push(label, short);
            }
        }
    }

    /// Adds an address.
    pub fn add_address(&mut self, key: &FingerprintKey, address: IpAddr) {
        let pseudonym = address_pseudonym(key, address);
        if pseudonym != address {
            self.push(&address.to_string(), &pseudonym.to_string());
        }
    }

    fn push(&mut self, name: &str, pseudonym: &str) {
        let is_known = self.pairs.iter().any(|(known, _)| known == name.as_bytes());
        // What has other letters is no name, only stands where one is expected.
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_/@+$:".contains(&byte));
        // A mask may stand where a name is expected, and must stay.
        if name.len() < 3 || is_known || !is_name || name.contains(super::mask::PREFIX) {
            return;
        }
        let at = self.pairs.partition_point(|(known, _)| known.len() >= name.len());
        self.pairs.insert(at, (name.as_bytes().to_vec(), pseudonym.as_bytes().to_vec()));
    }

    /// The text with all names replaced; `None` when there is none in it.
    pub fn replace(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut new: Option<Vec<u8>> = None;
        for (name, pseudonym) in &self.pairs {
            let source = new.as_deref().unwrap_or(text);
            let mut rewrite = Rewrite::new(source);
            for start in memchr::memmem::find_iter(source, name) {
                let end = start + name.len();
                let before = start.checked_sub(1).and_then(|before| source.get(before));
                if !before.is_some_and(|byte| is_of_name(*byte))
                    && !source.get(end).is_some_and(|byte| is_of_name(*byte))
                {
                    rewrite.replace(start..end, pseudonym);
                }
            }
            new = rewrite.finish().or(new);
        }
        new
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_pseudonym(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(prefix, digits)| {
        matches!(prefix, "host" | "repository" | "user")
            && digits.len() == 8
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The pseudonym of a host; `None` when it is everybody's, an address or a pseudonym.
pub fn host_pseudonym(key: &FingerprintKey, host: &str) -> Option<String> {
    let lower = host.to_ascii_lowercase();
    let is_public = PUBLIC
        .iter()
        .any(|public| lower.strip_suffix(public).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    let service = SERVICES.iter().find(|service| lower.ends_with(*service));
    let first = lower.split('.').next().unwrap_or("");
    if lower.is_empty() || lower.parse::<IpAddr>().is_ok() || is_pseudonym(first) || (is_public && service.is_none()) {
        return None;
    }
    // The fingerprint is of the lower-case name; whether it was written so is a diagnosis of its own.
    let fingerprint = key.fingerprint(lower.as_bytes());
    let service = service.copied().unwrap_or(".invalid");
    Some(format!("host-{fingerprint:08x}{service}"))
}

/// An address of the range for tests that stands in for a client's; loopback stays.
pub fn address_pseudonym(key: &FingerprintKey, address: IpAddr) -> IpAddr {
    let fingerprint = key.fingerprint(address.to_string().as_bytes());
    let [a, b, c, d] = fingerprint.to_be_bytes();
    match address {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_unspecified() || matches!(v4.octets(), [198, 18 | 19, ..]) => {
            address
        }
        IpAddr::V6(v6) if v6.is_loopback() || v6.is_unspecified() || v6.segments().starts_with(&[0x2001, 0xdb8]) => {
            address
        }
        IpAddr::V4(_) => Ipv4Addr::new(198, 18 + (b & 1), c, d).into(),
        IpAddr::V6(_) => {
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, high, low).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_names_longest_first() {
        let key = FingerprintKey::new([1; 32]);
        let mut names = Names::default();
        names.add(&key, "repository", "team/app");
        names.add(&key, "repository", "team/app/web");
        names.add_host(&key, "contoso.azurecr.io");
        let new = names.replace(b"https://contoso.azurecr.io/v2/team/app/web/tags team/apple contoso").unwrap();
        let new = String::from_utf8(new).unwrap();
        assert!(new.contains(".azurecr.io/v2/repository-") && new.contains("team/apple"), "{new}");
        assert!(!new.contains("contoso") && !new.contains("web"), "{new}");
        assert_eq!(names.replace(new.as_bytes()), None);
    }

    #[test]
    fn public_hosts_and_loopback_stay() {
        let key = FingerprintKey::new([1; 32]);
        assert_eq!(host_pseudonym(&key, "registry-1.docker.io"), None);
        assert_eq!(host_pseudonym(&key, "127.0.0.1"), None);
        assert!(host_pseudonym(&key, "registry.corp.test").unwrap().ends_with(".invalid"));
        let loopback = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(address_pseudonym(&key, loopback), loopback);
        let client = address_pseudonym(&key, IpAddr::from([10, 1, 2, 3]));
        assert_eq!(address_pseudonym(&key, client), client);
    }
}
