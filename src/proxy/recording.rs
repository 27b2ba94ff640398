//! The way of one client connection's events to the recorder: ids, times, the events of what pulltap refuses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::Clock;
use super::connect_reply::{CONTENT_LIMIT, Refusal};
use super::hashing::{Gathering, Hashing};
use super::keep::up_to;
use super::reason;
use super::sink::EventSink;
use crate::exchange::event::{CaptureEvent, Happening, Opened};
use crate::exchange::{ConnectionId, ExchangeId, Failure, Kept, Origin, ResponseHead, Target};

/// Gives out the numbers of exchanges and connections.
#[derive(Debug, Default)]
pub struct Numbers {
    exchanges: AtomicU64,
    connections: AtomicU64,
}

impl Numbers {
    /// Leaves out the numbers up to these.
    pub fn continue_after(&self, exchange: u64, connection: u64) {
        self.exchanges.store(exchange, Ordering::Relaxed);
        self.connections.store(connection, Ordering::Relaxed);
    }

    /// The next exchange's id.
    pub fn exchange(&self) -> Option<ExchangeId> {
        ExchangeId::new(self.exchanges.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The next connection's id.
    pub fn connection(&self) -> Option<ConnectionId> {
        ConnectionId::new(self.connections.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// What all exchanges of one client connection have in common, and where their events go.
pub struct Recording {
    /// The way to the recorder.
    pub sink: EventSink,
    /// The clock.
    pub clock: Clock,
    /// Gives out ids.
    pub numbers: Arc<Numbers>,
    /// This connection.
    pub connection: Option<ConnectionId>,
    /// The client's address.
    pub client: SocketAddr,
    /// `--body-limit`.
    pub body_limit: Option<u64>,
    /// Hashes contents whose digest is known.
    pub hashing: Arc<Hashing>,
}

impl Recording {
    /// Begins an exchange now, of which nothing is known yet but whom it is meant for.
    pub fn open(&mut self, target: &Target, connect: Option<ExchangeId>) -> Option<ExchangeId> {
        self.begin(Opened { connect, ..self.opened(target) })
    }

    /// What is known of every exchange with this client.
    pub fn opened(&self, target: &Target) -> Opened {
        let connection = self.connection;
        Opened { connection, client: Some(self.client), ..Opened::new(Origin::Live, target.clone()) }
    }

    /// Begins this exchange now.
    pub fn begin(&mut self, opened: Opened) -> Option<ExchangeId> {
        let id = self.numbers.exchange()?;
        self.add(id, Happening::Opened(Box::new(opened)));
        Some(id)
    }

    /// Records that an exchange is over because pulltap refuses it, with the answer that the client gets.
    pub fn refused(&mut self, id: ExchangeId, failure: &Failure, target: &Target) {
        let reason = reason::reason(failure, target);
        let head = ResponseHead::new(reason::status(failure), &format!("pulltap: {reason}"));
        self.add(id, Happening::AnsweredByUs);
        self.add(id, Happening::Response(head, Kept::All));
        self.add(id, Happening::Failed(failure.clone()));
        self.add(id, Happening::Closed);
        self.sink.pass_on();
    }

    /// Hands the last events of an exchange to the thread that completes its digest; they come back if it cannot.
    pub fn hash(
        &mut self,
        id: ExchangeId,
        gathering: Gathering,
        held: Vec<CaptureEvent>,
    ) -> Result<(), Vec<CaptureEvent>> {
        // What came before must be recorded before: the thread has a way of its own to the recorder.
        self.sink.pass_on();
        if self.sink.is_behind() {
            return Err(held);
        }
        self.hashing.end(id, gathering, (held, self.sink.queue()))
    }

    /// Records that a parent proxy refuses a CONNECT, with its answer; what the client gets says the same in one line.
    pub fn refused_by_parent(&mut self, id: ExchangeId, failure: &Failure, refusal: Refusal) {
        if let Some(head) = refusal.head {
            self.add(id, Happening::Response(head, up_to(CONTENT_LIMIT as u64).0));
            self.add(id, Happening::ResponseBody(refusal.content));
            self.add(id, Happening::ResponseEnd(refusal.end));
        }
        self.add(id, Happening::Failed(failure.clone()));
        self.add(id, Happening::Closed);
        self.sink.pass_on();
    }

    /// Records that something happened to an exchange now.
    pub fn add(&mut self, id: ExchangeId, what: Happening) {
        self.sink.add(id, self.clock.now(), what);
    }
}
