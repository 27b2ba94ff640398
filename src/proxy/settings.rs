//! What the proxy is told: addresses, limits and which hosts to leave alone. Made once by `cli`, read-only since.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use thiserror::Error;

use super::pages::HelpPage;
use super::upstream_proxy::UpstreamProxy;

/// Everything the proxy needs to know before it starts.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// `--resolve`: addresses to dial instead of what the name resolves to.
    pub resolve: Vec<ResolveRule>,
    /// Hosts to intercept only; empty means all.
    pub only: Vec<HostPattern>,
    /// Hosts to pass through.
    pub ignore: Vec<HostPattern>,
    /// Clients that may connect besides loopback and the listener's own subnet.
    pub allow: Vec<IpNet>,
    /// Servers whose certificate may fail verification.
    pub insecure_upstream: Insecure,
    /// Through which proxy servers are reached.
    pub upstream_proxy: UpstreamProxy,
    /// Time limits.
    pub limits: Limits,
    /// How much of any content to keep; `None` means the defaults by type.
    pub body_limit: Option<u64>,
    /// Writes the help page at the listener's address.
    pub help: Option<Arc<dyn HelpPage>>,
}

/// Which servers' certificates may fail verification.
#[derive(Debug, Clone, Default)]
pub enum Insecure {
    /// None.
    #[default]
    Nowhere,
    /// Those of these hosts.
    Hosts(Vec<HostPattern>),
}

impl Insecure {
    /// Those of these hosts; nowhere if there is none.
    pub fn of(hosts: Vec<HostPattern>) -> Self {
        if hosts.is_empty() { Self::Nowhere } else { Self::Hosts(hosts) }
    }

    /// Whether a failed verification of this host's certificate is to be passed over.
    pub fn covers(&self, host: &str) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Hosts(hosts) => hosts.iter().any(|pattern| pattern.matches(host)),
        }
    }
}

/// How long things may take.
///
/// docker gives up on TLS after 10 s and on its first request after 15 s in all (moby's registry client); what fails
/// has to fail sooner, or the client leaves before it has heard the reason.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The client's first head must be complete this long after its first byte.
    pub first_head: Duration,
    /// Resolving, connecting and asking a parent proxy, over all addresses.
    pub connect: Duration,
    /// The TLS handshake with the server.
    pub upstream_tls: Duration,
    /// All of that together.
    pub upstream: Duration,
    /// The TLS handshake with the client, from its ClientHello on.
    pub client_tls: Duration,
    /// What open connections get to end by themselves when the program does, before they are ended.
    pub grace: Duration,
    /// What open connections get to come to an end when the program does.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_head: Duration::from_secs(15),
            connect: Duration::from_secs(8),
            upstream_tls: Duration::from_secs(9),
            upstream: Duration::from_secs(13),
            client_tls: Duration::from_secs(10),
            grace: Duration::ZERO,
            drain: Duration::from_secs(1),
        }
    }
}

/// Why a setting was not understood.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SettingError {
    /// A `--resolve` value of another form.
    #[error("`{0}` is not HOST:PORT:ADDRESS or HOST:PORT:ADDRESS:PORT, as in registry.example:443:192.0.2.1")]
    Resolve(String),
    /// A host pattern of another form.
    #[error("`{0}` is not a host name, an IP address, or a name with a star for its first part, as in *.azurecr.io")]
    Host(String),
}

/// `HOST:PORT:ADDRESS[:PORT]`: dial this address instead, as curl's option of that name does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRule {
    host: String,
    port: u16,
    /// The address to dial.
    pub address: SocketAddr,
}

impl ResolveRule {
    /// Whether the rule speaks of this host and port.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        self.port == port && (self.host == "*" || self.host.eq_ignore_ascii_case(host))
    }
}

impl FromStr for ResolveRule {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (host, rest) = text.split_once(':')?;
            let (port, address) = rest.split_once(':')?;
            let port = port.parse().ok()?;
            let bare = address.trim_start_matches('[').trim_end_matches(']');
            let address = match bare.parse::<IpAddr>() {
                Ok(ip) => SocketAddr::new(ip, port),
                Err(_) => address.parse().ok()?,
            };
            (!host.is_empty()).then(|| Self { host: host.to_owned(), port, address })
        };
        read().ok_or_else(|| SettingError::Resolve(text.to_owned()))
    }
}

/// A host, or a pattern with a star for any first parts of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// Whether the pattern covers this host. `*.azurecr.io` covers every name below `azurecr.io`, not `azurecr.io`.
    pub fn matches(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        match self.0.strip_prefix('*') {
            Some(end) => {
                host.len() > end.len()
                    && host.get(host.len() - end.len()..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
            }
            None => self.0.eq_ignore_ascii_case(host),
        }
    }
}

impl FromStr for HostPattern {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let rest = text.strip_prefix("*.").unwrap_or(text);
        let is_host = !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || "*/@".contains(c));
        let is_ip = rest.parse::<IpAddr>().is_ok();
        if (is_host && (is_ip || !rest.contains(':'))) || text == "*" {
            return Ok(Self(text.trim_end_matches('.').to_owned()));
        }
        Err(SettingError::Host(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_resolve_rules_as_curl_does() {
        let rule: ResolveRule = "Reg.test:443:192.0.2.1".parse().unwrap();
        assert_eq!(rule.address, "192.0.2.1:443".parse().unwrap());
        assert!(rule.matches("reg.TEST", 443) && !rule.matches("reg.test", 80));
        let rule: ResolveRule = "a:1:127.0.0.1:5000".parse().unwrap();
        assert_eq!(rule.address.port(), 5000);
        let rule: ResolveRule = "a:1:[::1]:5000".parse().unwrap();
        assert_eq!(rule.address, "[::1]:5000".parse().unwrap());
        let rule: ResolveRule = "a:1:[::1]".parse().unwrap();
        assert_eq!(rule.address, "[::1]:1".parse().unwrap());
        for bad in ["", "a", "a:1", "a:x:1.2.3.4", ":1:1.2.3.4", "a:1:name"] {
            assert!(bad.parse::<ResolveRule>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_star_covers_names_below_not_the_name_itself() {
        let pattern: HostPattern = "*.azurecr.io".parse().unwrap();
        assert!(pattern.matches("My.AzureCR.io") && pattern.matches("a.b.azurecr.io."));
        assert!(!pattern.matches("azurecr.io") && !pattern.matches("notazurecr.io"));
        assert!("*".parse::<HostPattern>().unwrap().matches("anything"));
        for bad in ["", "a b", "a*b", "https://x", "host:443"] {
            assert!(bad.parse::<HostPattern>().is_err(), "{bad}");
        }
    }
}
