//! A capture: wires the proxy, the recorder and the engine together and owns their tasks.
//!
//! The user interfaces, `run`, `demo` and the tests all capture through here.

use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;
use tokio_util::sync::CancellationToken;

use crate::ca::CertificateAuthority;
use crate::diagnose::{Change, Engine, Finding, Note};
use crate::exchange::{Exchange, Moment};
use crate::proxy::{self, EventReceiver, Proxy, Settings, StartError};
use crate::redact::{Redacted, Redactor};

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
    Over(Understood<'a>),
    /// An exchange has been waiting for its response for this many seconds.
    Waiting(Understood<'a>, u64),
    /// A finding was made, was retracted, or will not hold any more.
    Finding(Change),
}

/// An exchange and what it means by itself.
#[derive(Debug)]
pub struct Understood<'a> {
    /// The exchange.
    pub exchange: &'a Redacted<Exchange>,
    /// What it is to a registry client: ping, token, manifest, …
    pub role: &'static str,
    /// What it means, in a line or a few.
    pub notes: Vec<Note>,
}

/// A capture that has ended: numbers, and what was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Exchanges, CONNECT requests not counted unless they failed or stayed opaque.
    pub exchanges: u64,
    /// Exchanges that failed.
    pub failed: u64,
    /// Bytes of content that servers sent.
    pub response_bytes: u64,
    /// The final set of findings, normal ones included.
    pub findings: Vec<Finding>,
}

/// A capture that is ready to run.
pub struct Capture {
    proxy: Proxy,
    events: EventReceiver,
    redactor: Redactor,
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
        redactor: Redactor,
    ) -> Result<Self, StartError> {
        let (sender, events) = proxy::event_queue();
        let proxy = Proxy::bind(settings, authority, upstream_roots, sender).await?;
        Ok(Self { proxy, events, redactor })
    }

    /// The addresses that the proxy listens on.
    pub fn listening(&self) -> &[SocketAddr] {
        self.proxy.listening()
    }

    /// Runs until `stop` is cancelled, telling `show` what happens. When `show` says that nobody listens any more, the
    /// capture stops.
    pub async fn run(self, stop: CancellationToken, mut show: impl FnMut(Update<'_>, Moment) -> Listening) -> Summary {
        let Self { proxy, mut events, redactor } = self;
        let clock = proxy.clock();
        let mut fold = Fold::default();
        let mut engine = Engine::new();
        let mut batches = Vec::with_capacity(BATCHES);
        let mut tick = tokio::time::interval(TICK);
        let mut running = Box::pin(proxy.run(stop.clone()));
        let mut is_running = true;
        while is_running {
            let mut has_ticked = false;
            tokio::select! {
                _ = events.recv_many(&mut batches, BATCHES) => {}
                _ = tick.tick() => has_ticked = true,
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
            for exchange in fold.ended(batches.drain(..).flatten()) {
                // The door: no secret gets any further.
                let exchange = redactor.redact(exchange);
                engine.update(&exchange);
                tell(Update::Over(understood(&engine, &exchange)));
            }
            if !has_ticked {
                continue;
            }
            for (exchange, seconds) in fold.waiting(clock.now()) {
                let exchange = redactor.redact(exchange.clone());
                let mut understood = understood(&engine, &exchange);
                understood.notes.extend(engine.waiting(&exchange, clock.now()));
                tell(Update::Waiting(understood, seconds));
            }
            for change in engine.settled(clock.now()) {
                tell(Update::Finding(change));
            }
        }
        for change in engine.finish() {
            // Whoever does not listen any more misses nothing that the session does not have.
            let _ = show(Update::Finding(change), clock.now());
        }
        fold.summary(engine.findings())
    }
}

fn understood<'a>(engine: &Engine, exchange: &'a Redacted<Exchange>) -> Understood<'a> {
    Understood { exchange, role: engine.role(exchange).as_str(), notes: engine.meaning(exchange) }
}

/// Whether anybody still wants to hear what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// Go on.
    Yes,
    /// The output is closed.
    No,
}
