//! A capture: wires the proxy, the recorder and the engine together and owns their tasks.
//!
//! The user interfaces, `run`, `demo` and the tests all capture through here.

use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

use crate::ca::CertificateAuthority;
use crate::exchange::{Exchange, Moment};
use crate::proxy::{self, EventReceiver, Proxy, Settings, StartError};

mod fold;

use fold::Fold;
pub use fold::is_listed;

/// How often the capture looks at what is still open.
const TICK: std::time::Duration = std::time::Duration::from_secs(1);

/// Batches of events taken from the queue at once.
const BATCHES: usize = 256;

/// What a capture tells whoever shows it.
#[derive(Debug)]
pub enum Update<'a> {
    /// An exchange is over.
    Over(&'a Exchange),
    /// An exchange has been waiting for its response for this many seconds.
    Waiting(&'a Exchange, u64),
}

/// Numbers about a capture that has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Exchanges, CONNECT requests not counted unless they failed or stayed opaque.
    pub exchanges: u64,
    /// Exchanges that failed.
    pub failed: u64,
    /// Bytes of content that servers sent.
    pub response_bytes: u64,
}

/// A capture that is ready to run.
pub struct Capture {
    proxy: Proxy,
    events: EventReceiver,
}

impl Capture {
    /// Binds the proxy's addresses.
    ///
    /// # Errors
    /// When the proxy cannot start.
    pub async fn start(
        settings: Settings,
        authority: CertificateAuthority,
        upstream_roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, StartError> {
        let (sender, events) = proxy::event_queue();
        let proxy = Proxy::bind(settings, authority, upstream_roots, sender).await?;
        Ok(Self { proxy, events })
    }

    /// The addresses that the proxy listens on.
    pub fn listening(&self) -> &[SocketAddr] {
        self.proxy.listening()
    }

    /// Runs until `stop` is cancelled, telling `show` what happens. When `show` says that nobody listens any more, the
    /// capture stops.
    pub async fn run(self, stop: CancellationToken, mut show: impl FnMut(Update<'_>, Moment) -> Listening) -> Summary {
        let Self { proxy, mut events } = self;
        let clock = proxy.clock();
        let mut fold = Fold::default();
        let mut batches = Vec::with_capacity(BATCHES);
        let mut tick = tokio::time::interval(TICK);
        let mut running = Box::pin(proxy.run(stop.clone()));
        let mut is_running = true;
        while is_running {
            tokio::select! {
                _ = events.recv_many(&mut batches, BATCHES) => {}
                _ = tick.tick() => {}
                () = &mut running => is_running = false,
            }
            while let Ok(batch) = events.try_recv() {
                batches.push(batch);
                if is_running && batches.len() >= BATCHES {
                    break;
                }
            }
            let mut tell = |update: Update<'_>| {
                if show(update, clock.now()) == Listening::No {
                    stop.cancel();
                }
            };
            fold.events(batches.drain(..).flatten(), &mut tell);
            fold.waiting(clock.now(), &mut tell);
        }
        fold.summary()
    }
}

/// Whether anybody still wants to hear what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// Go on.
    Yes,
    /// The output is closed.
    No,
}
