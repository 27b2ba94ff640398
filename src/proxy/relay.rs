//! The byte pump: what one side sends goes to the other as it came, and the tap reads along.
//!
//! Cuts are relayed as cuts: close_notify becomes close_notify and a half-close, a bare FIN becomes a FIN without
//! close_notify, a reset becomes a reset.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::stream::{Stream, end_of};
use super::tap::Tap;
use crate::wire::{End, Sender};

/// Bytes on their way in one direction, at most: as many as fill one write of a fast download.
const BUFFER: usize = 64 * 1024;

/// Free buffers kept for the next who needs one. An idle connection holds none.
const POOLED: usize = 64;

/// One side of an HTTP connection has ended and the other has been silent this long: nothing will come any more.
/// (A client that is gone looks just like one that only said its last word; a server that ignores it would keep the
/// connection for ever.)
const SILENCE_AFTER_END: Duration = Duration::from_secs(10);

/// A pool of copy buffers.
#[derive(Default)]
pub struct Buffers {
    // Held only to push or pop.
    free: Mutex<Vec<Box<[u8]>>>,
}

impl Buffers {
    fn take(&self) -> Box<[u8]> {
        let pooled = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        pooled.unwrap_or_else(|| vec![0; BUFFER].into_boxed_slice())
    }

    fn give_back(&self, buffer: Box<[u8]>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < POOLED {
            free.push(buffer);
        }
    }
}

/// Relays between a client and a server until both directions have ended.
pub async fn relay(client: &mut Stream, server: &mut Stream, tap: &mut Tap<'_>, buffers: &Buffers) {
    relay_after(Vec::new(), (client, server), tap, buffers).await;
}

/// The same after a head that the tap has seen and that goes to the server first; ends also when the tap settles.
pub async fn relay_after(
    head: Vec<u8>,
    (client, server): (&mut Stream, &mut Stream),
    tap: &mut Tap<'_>,
    buffers: &Buffers,
) -> Relayed {
    let mut pump = Pump {
        up: Half::new(Sender::Client, head),
        down: Half::new(Sender::Server, Vec::new()),
        buffers,
        last_byte: Instant::now(),
        silence: None,
    };
    let relayed = poll_fn(|cx| {
        let done = pump.poll(cx, client, server, tap);
        tap.pass_on();
        done
    })
    .await;
    if relayed == Relayed::Reset {
        client.will_reset();
        server.will_reset();
    }
    relayed
}

/// How a relay came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// Both directions have ended.
    Ended,
    /// One side reset its connection, or it comes to the same.
    Reset,
    /// The exchange is over, and both connections could carry another.
    Settled,
}

struct Pump<'a> {
    up: Half,
    down: Half,
    buffers: &'a Buffers,
    last_byte: Instant,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Pump<'_> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Stream,
        server: &mut Stream,
        tap: &mut Tap<'_>,
    ) -> Poll<Relayed> {
        let mut up = self.up.poll(cx, client, server, (tap, self.buffers));
        let down = self.down.poll(cx, server, client, (tap, self.buffers));
        if !tap.is_http() && client.lift_limit() {
            up = self.up.poll(cx, client, server, (tap, self.buffers));
        }
        if tap.has_settled() && self.up.is_idle() && self.down.is_idle() {
            return Poll::Ready(Relayed::Settled);
        }
        let reset = |half: &Half| half.phase == Phase::Reset;
        if reset(&self.up) || reset(&self.down) {
            return Poll::Ready(Relayed::Reset);
        }
        match (up, down) {
            (Poll::Ready(()), Poll::Ready(())) => {
                for half in [&self.up, &self.down] {
                    if half.phase == Phase::Broken {
                        tap.end(other(half.sender), End::Reset, None);
                    }
                }
                Poll::Ready(Relayed::Ended)
            }
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => self.poll_silence(cx, tap),
        }
    }

    /// One direction has ended: waits for the other no longer than it makes sense.
    fn poll_silence(&mut self, cx: &mut Context<'_>, tap: &mut Tap<'_>) -> Poll<Relayed> {
        if !tap.is_http() {
            return Poll::Pending;
        }
        if std::mem::take(&mut self.up.moved) | std::mem::take(&mut self.down.moved) || self.silence.is_none() {
            self.last_byte = Instant::now();
        }
        let until = self.last_byte + SILENCE_AFTER_END;
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if silence.deadline() != until {
            silence.as_mut().reset(until);
        }
        ready!(silence.as_mut().poll(cx));
        Poll::Ready(Relayed::Reset)
    }
}

/// Where one direction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Bytes flow, or may.
    Flowing,
    /// The sender has ended; what it sent before, and then its end, are to be passed on.
    Ending(End),
    /// The end was passed on.
    Ended,
    /// The receiver takes nothing any more; what it still sends may explain it.
    Broken,
    /// The sender reset its connection, and all that came before was passed on.
    Reset,
}

/// One direction.
struct Half {
    sender: Sender,
    /// What is written before anything that is read.
    head: Vec<u8>,
    buffer: Option<Box<[u8]>>,
    filled: usize,
    written: usize,
    needs_flush: bool,
    moved: bool,
    phase: Phase,
}

impl Half {
    fn new(sender: Sender, head: Vec<u8>) -> Self {
        let (filled, written) = (0, 0);
        Self { sender, head, buffer: None, filled, written, needs_flush: false, moved: false, phase: Phase::Flowing }
    }

    /// Whether more could flow, and nothing is on its way.
    fn is_idle(&self) -> bool {
        self.phase == Phase::Flowing && self.head.is_empty() && self.filled == 0 && !self.needs_flush
    }

    /// Moves bytes as far as they go. Ready when this direction has ended.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        to: &mut Stream,
        (tap, buffers): (&mut Tap<'_>, &Buffers),
    ) -> Poll<()> {
        loop {
            let waits_for_bytes = self.phase == Phase::Flowing && self.poll_fill(cx, from, (tap, buffers)).is_pending();
            match self.poll_drain(cx, to, buffers) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    self.phase = Phase::Broken;
                    tap.broken(other(self.sender), &error);
                }
                Poll::Pending => return Poll::Pending,
            }
            match self.phase {
                Phase::Flowing if waits_for_bytes => return Poll::Pending,
                Phase::Flowing => {}
                Phase::Ending(end) => {
                    let passed_on = match end {
                        End::Clean => Pin::new(&mut *to).poll_shutdown(cx),
                        End::Cut => to.poll_cut(cx),
                        End::Reset => {
                            self.phase = Phase::Reset;
                            return Poll::Ready(());
                        }
                    };
                    // Where it cannot be passed on, the other side is gone, which its own direction notices.
                    let _ = ready!(passed_on);
                    self.phase = Phase::Ended;
                }
                Phase::Ended | Phase::Broken | Phase::Reset => {
                    self.release(buffers);
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Reads until the buffer is full, nothing is there, or the sender ends. Pending when nothing is there, or what comes
    /// next is not this relay's any more.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Stream,
        (tap, buffers): (&mut Tap<'_>, &Buffers),
    ) -> Poll<()> {
        if tap.has_settled() {
            return Poll::Pending;
        }
        let buffer = self.buffer.get_or_insert_with(|| buffers.take());
        while self.filled < buffer.len() {
            let mut room = ReadBuf::new(buffer.get_mut(self.filled..).unwrap_or_default());
            let result = ready!(Pin::new(&mut *from).poll_read(cx, &mut room));
            let end = match result {
                Ok(()) if room.filled().is_empty() => End::Clean,
                Ok(()) => {
                    tap.bytes(self.sender, room.filled());
                    self.filled += room.filled().len();
                    self.moved = true;
                    if tap.has_settled() {
                        return Poll::Pending;
                    }
                    continue;
                }
                Err(error) => {
                    let end = end_of(&error);
                    tap.end(self.sender, end, Some(&error));
                    self.phase = Phase::Ending(end);
                    return Poll::Ready(());
                }
            };
            tap.end(self.sender, end, None);
            self.phase = Phase::Ending(end);
            return Poll::Ready(());
        }
        Poll::Ready(())
    }

    /// Writes all that was read and gives the buffer back.
    fn poll_drain(&mut self, cx: &mut Context<'_>, to: &mut Stream, buffers: &Buffers) -> Poll<io::Result<()>> {
        while !self.head.is_empty() {
            let count = ready!(Pin::new(&mut *to).poll_write(cx, &self.head))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.head.drain(..count);
            self.needs_flush = true;
        }
        while self.written < self.filled {
            let bytes = self.buffer.as_deref().and_then(|buffer| buffer.get(self.written..self.filled)).unwrap_or(&[]);
            let count = ready!(Pin::new(&mut *to).poll_write(cx, bytes))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
            self.needs_flush = true;
        }
        self.release(buffers);
        if self.needs_flush {
            ready!(Pin::new(&mut *to).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    fn release(&mut self, buffers: &Buffers) {
        self.filled = 0;
        self.written = 0;
        if let Some(buffer) = self.buffer.take() {
            buffers.give_back(buffer);
        }
    }
}

/// The other side.
fn other(side: Sender) -> Sender {
    match side {
        Sender::Client => Sender::Server,
        Sender::Server => Sender::Client,
    }
}
