//! The proxy: accepts clients, reaches servers, relays what passes between them and observes it.
//!
//! It never changes what it relays. What it sees leaves as events through a bounded queue; it never waits for whoever
//! reads them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ca::{CaError, CertificateAuthority, LeafCertificates};
use crate::exchange::Target;
use crate::exchange::event::CaptureEvent;
use crate::platform;

pub mod absolute_form;
pub mod alone;
pub mod answer;
pub mod client_side;
pub mod clock;
pub mod connect_reply;
pub mod failing;
pub mod hashing;
pub mod intercept;
pub mod keep;
pub mod one_request;
pub mod pages;
pub mod plain;
pub mod reason;
pub mod recording;
pub mod relay;
pub mod settings;
pub mod shared;
pub mod sink;
pub mod stream;
pub mod tap;
pub mod tunnel;
pub mod upstream;
pub mod upstream_proxy;
pub mod verify;

pub use clock::Clock;
pub use settings::Settings;
pub use sink::{EventReceiver, event_queue};
pub use upstream_proxy::UpstreamProxy;

/// Why the proxy cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Another program has the address.
    #[error(
        "port {} is taken: another program listens on {address}; choose another port with --listen {}:0 (0 takes any free \
         one), or end the other program",
        address.port(),
        address.ip()
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// All addresses of the machine, without saying for whom.
    #[error("listening on {0} opens the proxy to everybody who can reach this machine; say for whom with --allow CIDR")]
    OpenToAll(SocketAddr),
    /// The parent proxy is one of the addresses to listen on.
    #[error("--upstream-proxy {0} is pulltap itself: name the proxy behind it, or `none`")]
    ParentIsOurselves(Target),
    /// The certificate authority cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
}

/// A proxy whose addresses are bound, about to run.
pub struct Proxy {
    shared: Arc<Shared>,
    listeners: Vec<TcpListener>,
    listening: Vec<SocketAddr>,
}

use shared::Shared;

impl Proxy {
    /// Binds the addresses of the settings.
    ///
    /// # Errors
    /// When an address cannot be bound or the roots cannot be read.
    pub async fn bind(
        settings: Settings,
        authority: CertificateAuthority,
        upstream_roots: Vec<CertificateDer<'static>>,
        events: mpsc::Sender<Vec<CaptureEvent>>,
    ) -> Result<Self, StartError> {
        let mut listeners = Vec::new();
        let mut listening = Vec::new();
        for address in &settings.listen {
            if address.ip().is_unspecified() && settings.allow.is_empty() {
                return Err(StartError::OpenToAll(*address));
            }
            let (listener, bound) = listen(*address).await?;
            listeners.push(listener);
            listening.push(bound);
        }
        if let UpstreamProxy::Given(parent) = &settings.upstream_proxy
            && is_ourselves(&listening, parent.target())
        {
            return Err(StartError::ParentIsOurselves(parent.target().clone()));
        }
        let settings = Arc::new(settings);
        let clock = Clock::from_the_wall();
        let verifier = Arc::new(verify::Roots::new(upstream_roots));
        let shared = Shared {
            dialer: upstream::Dialer::new(settings.clone(), listening.clone(), verifier, clock),
            settings,
            leaves: LeafCertificates::new(Arc::new(authority))?,
            events,
            numbers: Arc::default(),
            clock,
            hashing: Arc::new(hashing::Hashing::start()),
            buffers: relay::Buffers::default(),
            subnets: subnets(),
            stopping: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared), listeners, listening })
    }

    /// The addresses that are bound, with the ports that were chosen for port 0.
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// The clock that events carry.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Numbers exchanges and client connections from behind these on. To be called before it runs.
    pub fn number_after(&self, exchange: u64, connection: u64) {
        self.shared.numbers.continue_after(exchange, connection);
    }

    /// Runs until `stop` is cancelled; then every connection gets a moment to record its end.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        for listener in self.listeners {
            tracker.spawn(accept(self.shared.clone(), listener, tracker.clone(), stop.clone()));
        }
        stop.cancelled().await;
        tracker.close();
        let _ = tokio::time::timeout(self.shared.settings.limits.grace, tracker.wait()).await;
        self.shared.stopping.cancel();
        if tokio::time::timeout(self.shared.settings.limits.drain, tracker.wait()).await.is_err() {
            tracing::debug!(left = tracker.len(), "connections left behind");
        }
        self.shared.hashing.told().await;
    }
}

/// Whether a target is one of these listeners, as far as can be told without asking for its name.
fn is_ourselves(listening: &[SocketAddr], target: &Target) -> bool {
    let loopback = target.host.eq_ignore_ascii_case("localhost").then_some(IpAddr::from([127, 0, 0, 1]));
    let ip = target.ip().or(loopback);
    ip.is_some_and(|ip| failing::is_one_of(listening, (ip, target.port).into()))
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source: io::Error| {
        if platform::is_address_in_use(&source) {
            StartError::AddressInUse { address }
        } else {
            StartError::Listen { address, source }
        }
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn subnets() -> Vec<IpNet> {
    platform::local_addresses()
        .into_iter()
        .filter_map(|address| IpNet::new(IpAddr::to_canonical(&address.ip), address.prefix).ok())
        .collect()
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, tracker: TaskTracker, stop: CancellationToken) {
    let Ok(local) = listener.local_addr() else { return };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((socket, client)) => {
                tracker.spawn(client_side::serve(shared.clone(), socket, client, local));
            }
            Err(error) => {
                // Out of descriptors, mostly: what is open goes on, and closing some makes room.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
