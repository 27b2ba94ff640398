//! Connections: which target was asked for, which server was reached, and what passed uninterpreted.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::Moment;

/// The number of a client's connection within its capture, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The id with this number; 0 is no connection and gives `None`.
    pub fn new(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number itself.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// The scheme of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that a URL of this scheme leaves out.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// What a request is meant for: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The scheme.
    pub scheme: Scheme,
    /// A name or an IP address (IPv6 without brackets), in the client's own case.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Target {
    /// An `https` target.
    pub fn https(host: &str, port: u16) -> Self {
        Self { scheme: Scheme::Https, host: host.to_owned(), port }
    }

    /// An `http` target.
    pub fn http(host: &str, port: u16) -> Self {
        Self { scheme: Scheme::Http, host: host.to_owned(), port }
    }

    /// The host as a URL wants it: IPv6 addresses in brackets.
    pub fn host_for_url(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        }
    }

    /// `host:port`, or the host alone where the port is the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            return self.host_for_url();
        }
        format!("{}:{}", self.host_for_url(), self.port)
    }

    /// `scheme://host[:port]`, without a slash at the end.
    pub fn origin(&self) -> String {
        [self.scheme.as_str(), "://", &self.authority()].concat()
    }

    /// The host as an IP address, when it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host_for_url(), self.port)
    }
}

/// How a server was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The addresses that the name resolved to, in the order in which they would be tried.
    pub addresses: Vec<SocketAddr>,
    /// The address that was connected to; `None` when no connection came about.
    pub address: Option<SocketAddr>,
    /// `host:port` of the parent proxy through which the server was reached; the addresses are the proxy's then.
    pub parent_proxy: Option<String>,
    /// Resolving began.
    pub resolve_start: Option<Moment>,
    /// Resolving ended.
    pub resolve_end: Option<Moment>,
    /// Connecting began.
    pub connect_start: Option<Moment>,
    /// The TCP connection stood.
    pub connect_end: Option<Moment>,
}

/// What passed uninterpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tunnel {
    /// Why it was not interpreted.
    pub why: WhyOpaque,
    /// Bytes from the client.
    pub sent: u64,
    /// Bytes from the server.
    pub received: u64,
}

/// Why a connection, or the rest of it, was not interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyOpaque {
    /// `--ignore` or `--only` says so.
    Ignored,
    /// The server spoke first.
    ServerFirst,
    /// What the client sent is neither TLS nor HTTP.
    NotHttp,
    /// The client switched protocols: a 101 response, or a CONNECT inside.
    Upgraded,
    /// The framing contradicts itself, or a message could not be parsed.
    Unparsable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_ipv6_and_leaves_default_ports_out() {
        assert_eq!(Target::https("::1", 443).origin(), "https://[::1]");
        assert_eq!(Target::http("a.test", 5000).origin(), "http://a.test:5000");
        assert_eq!(Target::https("::1", 443).to_string(), "[::1]:443");
    }
}
