//! The way to a server: resolve its name, connect to one of its addresses, shake hands.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, client};

use super::clock::Clock;
use super::failing;
use super::settings::Settings;
use super::verify::{NoClientCertificate, OnRefusal, RecordingVerifier};
use crate::exchange::{ClientHello, Failure, FailureKind, Side, Stage, Target, TlsFacts, Upstream, Verdict};
use crate::platform;

/// Wait this long for one address before the next is tried beside it (RFC 8305, section 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Goes to servers, as the settings say.
pub struct Dialer {
    settings: Arc<Settings>,
    listening: Vec<SocketAddr>,
    verifier: Arc<dyn ServerCertVerifier>,
    provider: Arc<CryptoProvider>,
    clock: Clock,
}

/// A handshake with a server that came to its end.
pub struct Shaken {
    /// The stream.
    pub stream: client::TlsStream<TcpStream>,
    /// What the handshake told.
    pub facts: TlsFacts,
    /// Remembers whether the server asked for a client certificate.
    pub client_certificate: Arc<NoClientCertificate>,
}

/// What of the client's handshake the server's is to mirror.
pub struct Mirrored<'a> {
    /// The name from the CONNECT request.
    pub host: &'a str,
    /// The client's own ClientHello.
    pub hello: &'a ClientHello,
    /// The application protocols to offer.
    pub alpn: Vec<Vec<u8>>,
}

impl Dialer {
    /// A dialer that never dials the addresses we listen on.
    pub fn new(
        settings: Arc<Settings>,
        listening: Vec<SocketAddr>,
        verifier: Arc<dyn ServerCertVerifier>,
        clock: Clock,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Self { settings, listening, verifier, provider, clock }
    }

    /// What the user set.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The limit for resolving, connecting and asking a parent proxy.
    pub(super) fn limit(&self) -> Duration {
        self.settings.limits.connect
    }

    /// Resolves and connects, without a limit. `progress` is kept up to date.
    pub(super) async fn resolve_and_connect(
        &self,
        target: &Target,
        progress: &Mutex<Upstream>,
    ) -> Result<TcpStream, Failure> {
        lock(progress).resolve_start = Some(self.clock.now());
        let addresses = self.addresses(target).await?;
        {
            let mut progress = lock(progress);
            progress.resolve_end = Some(self.clock.now());
            progress.addresses.clone_from(&addresses);
        }
        if addresses.iter().any(|address| self.is_ours(*address)) {
            return Err(self.is_a_loop());
        }
        lock(progress).connect_start = Some(self.clock.now());
        let (stream, address) = self.connect_to_one(&addresses).await?;
        let mut progress = lock(progress);
        progress.connect_end = Some(self.clock.now());
        progress.address = Some(address);
        Ok(stream)
    }

    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Failure> {
        let rules: Vec<SocketAddr> = self
            .settings
            .resolve
            .iter()
            .filter(|rule| rule.matches(&target.host, target.port))
            .map(|rule| rule.address)
            .collect();
        if !rules.is_empty() {
            return Ok(rules);
        }
        if let Some(ip) = target.ip() {
            return Ok(vec![SocketAddr::new(ip, target.port)]);
        }
        let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
        let addresses = alternate_families(found.map_err(|error| self.resolve_failure(&error))?.collect());
        if addresses.is_empty() {
            let what = vec!["the name has no address".to_owned()];
            return Err(self.failure(Stage::Resolve, FailureKind::NameNotFound, what));
        }
        Ok(addresses)
    }

    fn resolve_failure(&self, error: &io::Error) -> Failure {
        let is_silent = platform::resolver_gave_no_answer(error);
        let kind = if is_silent { FailureKind::ResolverFailed } else { FailureKind::NameNotFound };
        let mut failure = self.failure(Stage::Resolve, kind, failing::chain_of(error));
        failure.os_code = error.raw_os_error();
        failure
    }

    /// The failure of a client that wants to come back to us.
    pub(super) fn is_a_loop(&self) -> Failure {
        let mut failure = self.failure(Stage::Connect, FailureKind::Loop, Vec::new());
        failure.side = Side::Client;
        failure
    }

    /// Whether dialling this address would reach pulltap itself.
    pub(super) fn is_ours(&self, address: SocketAddr) -> bool {
        failing::is_one_of(&self.listening, address)
    }

    /// Tries the addresses in order, each a little after the one before, and takes the first that answers.
    async fn connect_to_one(&self, addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Failure> {
        let mut rest = addresses.iter().copied();
        let mut attempts = FuturesUnordered::new();
        let mut first_error: Option<Failure> = None;
        if let Some(address) = rest.next() {
            attempts.push(connect(address));
        }
        loop {
            let next = if rest.len() == 0 {
                Ok(attempts.next().await)
            } else {
                timeout(NEXT_ADDRESS_AFTER, attempts.next()).await
            };
            match next {
                Ok(Some((address, Ok(stream)))) => return Ok((stream, address)),
                Ok(Some((address, Err(error)))) => {
                    first_error.get_or_insert_with(|| self.connect_failure(address, &error));
                }
                Ok(None) if rest.len() == 0 => {
                    let nothing = || self.failure(Stage::Connect, FailureKind::Unreachable, Vec::new());
                    return Err(first_error.unwrap_or_else(nothing));
                }
                Ok(None) | Err(_) => {}
            }
            if let Some(address) = rest.next() {
                attempts.push(connect(address));
            }
        }
    }

    fn connect_failure(&self, address: SocketAddr, error: &io::Error) -> Failure {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => FailureKind::Refused,
            io::ErrorKind::ConnectionReset => FailureKind::Reset,
            io::ErrorKind::TimedOut => FailureKind::TimedOut,
            _ => FailureKind::Unreachable,
        };
        let mut chain = failing::chain_of(error);
        chain.insert(0, format!("connecting to {address}"));
        let mut failure = self.failure(Stage::Connect, kind, chain);
        failure.os_code = error.raw_os_error();
        failure
    }

    /// Shakes hands with a server the way the client would have: its name, its application protocols.
    ///
    /// # Errors
    /// The failure to record and to answer with, and what the handshake told until then.
    pub async fn shake_hands(
        &self,
        socket: TcpStream,
        mirrored: Mirrored<'_>,
        limit: Duration,
    ) -> Result<Shaken, (Failure, TlsFacts)> {
        let name = mirrored.hello.sni.as_deref().unwrap_or(mirrored.host).to_owned();
        let mut facts = TlsFacts::starting(self.clock.now(), &name);
        let on_refusal =
            if self.settings.insecure_upstream.covers(&name) || self.settings.insecure_upstream.covers(mirrored.host) {
                OnRefusal::GoOn
            } else {
                OnRefusal::Stop
            };
        let verifier = Arc::new(RecordingVerifier::new(self.verifier.clone(), on_refusal));
        let client_certificate = Arc::new(NoClientCertificate::default());
        let result = match self.config(&verifier, &client_certificate, &mirrored) {
            Ok(config) => handshake(config, &name, socket, limit).await,
            Err(error) => Err(io::Error::other(error)),
        };
        let seen = verifier.seen();
        facts.chain = seen.chain;
        facts.verdict = seen.verdict;
        match result {
            Ok(stream) => {
                facts.end = Some(self.clock.now());
                failing::fill_in(&mut facts, stream.get_ref().1);
                Ok(Shaken { stream, facts, client_certificate })
            }
            Err(error) => {
                let mut failure = failing::tls_failure(Stage::UpstreamTls, Side::Origin, &error, self.clock.now());
                // A trusted certificate can be refused too: by a signature that its key did not make.
                let is_refused = !matches!(facts.verdict, Verdict::NotChecked | Verdict::Trusted);
                if matches!(failure.kind, FailureKind::Certificate(_)) && is_refused {
                    failure.kind = FailureKind::Certificate(facts.verdict.clone());
                }
                if client_certificate.was_asked() && matches!(failure.kind, FailureKind::TlsAlert(_)) {
                    failure.kind = FailureKind::ClientCertificateWanted;
                    failure.side = Side::Us;
                }
                facts.alert = failing::alert_of(&failure);
                Err((failure, facts))
            }
        }
    }

    fn config(
        &self,
        verifier: &Arc<RecordingVerifier>,
        client_certificate: &Arc<NoClientCertificate>,
        mirrored: &Mirrored<'_>,
    ) -> Result<ClientConfig, rustls::Error> {
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(client_certificate.clone());
        config.alpn_protocols.clone_from(&mirrored.alpn);
        config.enable_sni = mirrored.hello.sni.is_some();
        // The verifier must see every handshake.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// A failure of the server's, now.
    pub(super) fn failure(&self, stage: Stage, kind: FailureKind, chain: Vec<String>) -> Failure {
        Failure { stage, side: Side::Origin, kind, chain, os_code: None, at: self.clock.now() }
    }
}

async fn handshake(
    config: ClientConfig,
    name: &str,
    socket: TcpStream,
    limit: Duration,
) -> io::Result<client::TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.trim_end_matches('.').to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    timeout(limit, TlsConnector::from(Arc::new(config)).connect(name, socket)).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no end within {} s", limit.as_secs())))
    })
}

async fn connect(address: SocketAddr) -> (SocketAddr, io::Result<TcpStream>) {
    let result = TcpStream::connect(address).await;
    if let Ok(stream) = &result {
        // Only latency is lost where the system refuses.
        let _ = stream.set_nodelay(true);
    }
    (address, result)
}

/// Where a dial stands, from what is known of it.
pub fn stage_of(progress: &Upstream) -> Stage {
    if progress.resolve_end.is_none() {
        Stage::Resolve
    } else if progress.connect_end.is_none() || progress.parent_proxy.is_none() {
        Stage::Connect
    } else {
        Stage::ParentProxy
    }
}

/// The facts under the lock, which is never held across an await.
pub fn lock(progress: &Mutex<Upstream>) -> std::sync::MutexGuard<'_, Upstream> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The addresses with the two families in turn, the system's first choice first (RFC 8305, section 4).
fn alternate_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (same, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut other = other.into_iter();
    let mut alternating = Vec::with_capacity(same.len() + other.len());
    for address in same {
        alternating.push(address);
        alternating.extend(other.next());
    }
    alternating.extend(other);
    alternating
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_families_take_turns() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let mixed = parse(&["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1", "2.2.2.2:1"]);
        assert_eq!(alternate_families(mixed), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]));
        assert_eq!(alternate_families(Vec::new()), Vec::new());
    }
}
