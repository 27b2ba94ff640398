//! A capture: wires the proxy, the recorder and the engine together and owns their tasks.
//!
//! The user interfaces, `run`, `demo` and the tests all capture through here.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ca::CertificateAuthority;
use crate::diagnose::{Change, Engine, Finding, Note, Operation};
use crate::exchange::event::CaptureEvent;
use crate::exchange::{Exchange, Moment};
use crate::index::Row;
use crate::proxy::{self, EventReceiver, Proxy, Settings, StartError};
use crate::redact::{Redacted, Redactor};
use crate::store::{Health, Recorded, Recorder};

mod fold;

use fold::Fold;

/// How often the capture looks at what is still open.
const TICK: Duration = Duration::from_secs(1);

/// How long the recorder may take for what it has not written yet when the capture ends.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// How long the capture waits for more before it looks at what came: while it does not listen, sending costs a
/// connection next to nothing.
const GATHER: Duration = Duration::from_millis(5);

/// Batches of events taken from the queue at once.
const BATCHES: usize = 256;

/// What a capture tells whoever shows it.
#[derive(Debug)]
pub enum Update<'a> {
    /// An exchange is over.
    Over(Understood<'a>),
    /// An exchange that has run for a second or more, as far as it has come; told when it has changed, once a second at
    /// most.
    Running(Understood<'a>),
    /// An exchange has been waiting for its response for this many seconds.
    Waiting(Understood<'a>, u64),
    /// A finding was made, one that was told no longer holds, or an operation has ended.
    Finding(Change),
    /// The recorder has come into trouble, or out of it.
    Recording(&'a Health),
    /// All that has happened so far was told.
    UpToDate,
}

/// An exchange and what it means by itself.
#[derive(Debug)]
pub struct Understood<'a> {
    /// The exchange.
    pub exchange: &'a Redacted<Exchange>,
    /// What a list says about it; its notes are left to whoever speaks the user's language.
    pub row: Row,
    /// What it is to a registry client: ping, token, manifest, …
    pub role: &'static str,
    /// What it means, in a line or a few.
    pub notes: Vec<Note>,
}

/// A capture that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What there was.
    pub summary: Summary,
    /// Where it is, when it was recorded and is kept.
    pub recorded: Option<Recorded>,
}

/// Numbers about a capture that has ended, and what was found.
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
    /// The pulls, pushes and whatever else there was.
    pub operations: Vec<Operation>,
}

/// A capture that is ready to run.
pub struct Capture {
    proxy: Proxy,
    events: EventReceiver,
    redactor: Redactor,
    recorder: Option<Recorder>,
}

impl Capture {
    /// Binds the proxy's addresses. What the capture tells and records has passed the redactor.
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
        Ok(Self { proxy, events, redactor, recorder: None })
    }

    /// The same, with everything recorded, under numbers that the session has not seen yet.
    #[must_use]
    pub fn recorded_by(self, recorder: Recorder) -> Self {
        let last = recorder.last_ids();
        self.proxy.number_after(last.exchange, last.connection);
        Self { recorder: Some(recorder), ..self }
    }

    /// The addresses that the proxy listens on.
    pub fn listening(&self) -> &[SocketAddr] {
        self.proxy.listening()
    }

    /// Runs until `stop` is cancelled, telling `show` what happens. When `show` says that nobody listens any more, the
    /// capture stops.
    pub async fn run(self, stop: CancellationToken, mut show: impl FnMut(Update<'_>, Moment) -> Listening) -> Ended {
        let Self { proxy, mut events, redactor, recorder } = self;
        let clock = proxy.clock();
        let mut fold = Fold::default();
        let mut engine = Engine::new();
        let mut batches = Vec::with_capacity(BATCHES);
        let mut tick = tokio::time::interval(TICK);
        let mut health = recorder.as_ref().map(Recorder::health);
        let mut running = Box::pin(proxy.run(stop.clone()));
        let mut is_running = true;
        while is_running {
            let mut is_tick = false;
            let mut is_changed = false;
            tokio::select! {
                count = events.recv_many(&mut batches, BATCHES) => if count < BATCHES {
                    tokio::time::sleep(GATHER).await;
                },
                _ = tick.tick() => is_tick = true,
                () = change_of(&mut health) => is_changed = true,
                () = &mut running => is_running = false,
            }
            take_more(&mut events, &mut batches, if is_running { BATCHES } else { usize::MAX });
            let mut tell = |update: Update<'_>| {
                if show(update, clock.now()) == Listening::No {
                    stop.cancel();
                }
            };
            fold.events(batches.drain(..).flatten(), |folded| {
                let Some(exchange) = folded.over(|begun| engine.begun(begun)) else { return };
                let exchange = redactor.redact(exchange); // The door: no secret gets any further.
                engine.update(&exchange);
                let understood = understood(&engine, &exchange);
                let role = understood.role;
                tell(Update::Over(understood));
                if let Some(recorder) = &recorder {
                    recorder.record(exchange, role);
                }
            });
            if is_tick {
                fold.waiting(clock.now(), |exchange, seconds| {
                    let exchange = redactor.redact(exchange.clone());
                    let mut understood = understood(&engine, &exchange);
                    understood.notes.extend(engine.waiting(&exchange, clock.now()));
                    tell(Update::Waiting(understood, seconds));
                });
                for change in engine.settled(clock.now()) {
                    tell(Update::Finding(change));
                }
            }
            if is_tick || !is_running {
                // What still runs when the capture ends is written however short it has run.
                let now = if is_running { clock.now() } else { Moment::from_micros(i64::MAX) };
                fold.unwritten(now, |exchange| {
                    let exchange = running_one(&mut engine, &redactor, exchange);
                    let understood = understood(&engine, &exchange);
                    let role = understood.role;
                    tell(Update::Running(understood));
                    if let Some(recorder) = &recorder {
                        recorder.record(exchange, role);
                    }
                });
            }
            if let Some(health) = &mut health
                && is_changed
            {
                tell(Update::Recording(&health.borrow_and_update()));
            }
            tell(Update::UpToDate);
        }
        for change in engine.finish() {
            // Whoever does not listen any more misses nothing that the session does not have.
            let _ = show(Update::Finding(change), clock.now());
        }
        let _ = show(Update::UpToDate, clock.now());
        let recorded = match recorder {
            Some(recorder) => Some(finish(recorder).await),
            None => None,
        };
        Ended { summary: fold.summary(engine.findings(), engine.operations()), recorded }
    }
}

/// What goes on in an exchange keeps its operation going; a tunnel only carries others.
fn running_one(engine: &mut Engine, redactor: &Redactor, exchange: &Exchange) -> Redacted<Exchange> {
    let exchange = redactor.redact(exchange.clone());
    if !exchange.is_connect() {
        engine.update(&exchange);
    }
    exchange
}

/// Takes what waits, up to so many batches in all.
fn take_more(events: &mut EventReceiver, batches: &mut Vec<Vec<CaptureEvent>>, most: usize) {
    while batches.len() < most
        && let Ok(batch) = events.try_recv()
    {
        batches.push(batch);
    }
}

fn understood<'a>(engine: &Engine, exchange: &'a Redacted<Exchange>) -> Understood<'a> {
    let row = Row::of(exchange, engine.context());
    Understood { exchange, role: row.role.as_str(), row, notes: engine.meaning(exchange) }
}

/// Comes back when the recorder's health has changed; never where nothing is recorded.
async fn change_of(health: &mut Option<watch::Receiver<Health>>) {
    if let Some(health) = health
        && health.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// Waits for the recorder, but not for ever: a disk may hang.
async fn finish(recorder: Recorder) -> Recorded {
    let as_it_is = Recorded { path: recorder.path().to_owned(), health: recorder.health().borrow().clone() };
    let finished = tokio::task::spawn_blocking(|| recorder.finish());
    match tokio::time::timeout(LAST_WRITES, finished).await {
        Ok(Ok(recorded)) => recorded,
        Ok(Err(_)) | Err(_) => as_it_is,
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
