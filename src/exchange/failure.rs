//! How a connection or an exchange can go wrong: a network failure is data, not an error of ours.

use super::Moment;
use super::tls::Verdict;

/// What ended an exchange before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was being done.
    pub stage: Stage,
    /// Whose doing it was.
    pub side: Side,
    /// What happened.
    pub kind: FailureKind,
    /// The messages of the underlying errors, outermost first.
    pub chain: Vec<String>,
    /// The operating system's error number, when there is one.
    pub os_code: Option<i32>,
    /// When it happened.
    pub at: Moment,
}

/// What was being done when a failure happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Reading the client's first request.
    Accept,
    /// TLS handshake with the client.
    ClientTls,
    /// Looking up the server's name.
    Resolve,
    /// Connecting to the server.
    Connect,
    /// Asking a parent proxy for a tunnel.
    ParentProxy,
    /// TLS handshake with the server.
    UpstreamTls,
    /// Passing the request on.
    Send,
    /// Waiting for the response's head.
    AwaitHead,
    /// Reading the response's content.
    ReadBody,
    /// Passing the response on.
    WriteClient,
}

impl Stage {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::ClientTls => "client-tls",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::ParentProxy => "parent-proxy",
            Self::UpstreamTls => "upstream-tls",
            Self::Send => "send",
            Self::AwaitHead => "await-head",
            Self::ReadBody => "read-body",
            Self::WriteClient => "write-client",
        }
    }
}

/// Whose doing a failure was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The client that asked.
    Client,
    /// pulltap itself, or a limit of it.
    Us,
    /// The proxy that pulltap was told to use.
    ParentProxy,
    /// The server, or the network on the way to it.
    Origin,
}

impl Side {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Us => "us",
            Self::ParentProxy => "parent-proxy",
            Self::Origin => "origin",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// The peer's certificate was refused; the verdict says why.
    Certificate(Verdict),
    /// The server asked for a client certificate, which pulltap does not have.
    ClientCertificateWanted,
    /// The client is not allowed to use this listener.
    ClientNotAllowed,
    /// The side left before it was answered: it closed its connection, or cancelled its stream.
    GaveUp,
    /// A message's head is larger than pulltap reads.
    HeadTooLarge,
    /// The server's address is pulltap's own.
    Loop,
    /// What arrived is not HTTP, or contradicts itself.
    Malformed,
    /// The name does not exist, or has no address: the resolver says so.
    NameNotFound,
    /// Plain text arrived where TLS was expected.
    NotTls,
    /// The parent proxy answered the CONNECT with this status.
    ParentProxyRefused(u16),
    /// The connection was refused.
    Refused,
    /// The connection was reset.
    Reset,
    /// The resolver gave no answer about a name: it cannot be reached, or it failed itself.
    ResolverFailed,
    /// pulltap was told to stop.
    Stopped,
    /// The peer sent this TLS alert.
    TlsAlert(u8),
    /// TLS failed in another way.
    TlsFailed,
    /// The TLS versions or cipher suites of both sides do not meet.
    TlsNothingInCommon,
    /// It took longer than the limit.
    TimedOut,
    /// The connection ended in the middle of a message.
    Truncated,
    /// No route to the host or network, or another refusal of the operating system.
    Unreachable,
    /// The request needs something that pulltap does not do.
    Unsupported,
}

impl FailureKind {
    /// The name that JSON and text outputs use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Certificate(verdict) => verdict.as_str(),
            Self::ClientCertificateWanted => "client-certificate-wanted",
            Self::ClientNotAllowed => "client-not-allowed",
            Self::GaveUp => "gave-up",
            Self::HeadTooLarge => "head-too-large",
            Self::Loop => "loop",
            Self::Malformed => "malformed",
            Self::NameNotFound => "name-not-found",
            Self::NotTls => "not-tls",
            Self::ParentProxyRefused(_) => "parent-proxy-refused",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::ResolverFailed => "resolver-failed",
            Self::Stopped => "stopped",
            Self::TlsAlert(_) => "tls-alert",
            Self::TlsFailed => "tls-failed",
            Self::TlsNothingInCommon => "tls-nothing-in-common",
            Self::TimedOut => "timed-out",
            Self::Truncated => "truncated",
            Self::Unreachable => "unreachable",
            Self::Unsupported => "unsupported",
        }
    }
}
