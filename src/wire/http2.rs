//! The HTTP/2 observer: finds the exchanges in the frames of both directions of a connection (RFC 9113).
//!
//! What the two sides owe each other (windows, priorities, the sizes that SETTINGS announce) is between them: whoever is
//! wronged ends the stream or the connection, and that is what is observed. The observer gives up only where it would be
//! guessing: when the bytes are no frames, or a header block is lost, and with it the state of HPACK.
//!
//! **Heads.** `:method` and `:path` are the request line (for CONNECT without `:path` the target is `:authority`),
//! `:status` the status; every other pseudo-header stays a field where it stood, `:scheme` and `:authority` mostly first.
//!
//! **Pushes.** A promised request is an exchange like others, whole when it is promised; its response follows.

use std::collections::BTreeMap;
use std::mem;

use super::hpack::Decoder;
use super::{End, Observed, Sender, Trouble};
use crate::exchange::Stage;

mod ending;
mod fields;
mod frame;
mod headers;
mod stream;

use frame::{FrameHead, Frames, Kind, Next};
use stream::Stream;

/// The longest header block that is read, compressed, in bytes.
pub const BLOCK_LIMIT: usize = 256 * 1024;

/// The largest header list that is read, as RFC 9113, section 6.5.2, counts it.
pub const LIST_LIMIT: usize = 256 * 1024;

/// The most fields that a head may have.
pub const FIELD_LIMIT: usize = 1024;

/// The most streams that may be open on one connection.
pub const OPEN_LIMIT: usize = 4096;

/// Reads along on one connection that speaks HTTP/2.
///
/// The caller hands it the bytes of both directions, the client's preface included, in the order in which they passed,
/// and the end of each direction once ([`End::Reset`] from either side ends both). When both have ended, every exchange
/// is over.
#[derive(Debug)]
pub struct Http2Observer {
    client: Direction,
    server: Direction,
    /// By stream; numbers of exchanges need not be in the same order.
    streams: BTreeMap<u32, Stream>,
    /// The number of the next exchange.
    next: u64,
    /// The highest streams that the client has opened and the server has promised.
    last_opened: u32,
    last_promised: u32,
    /// Who ended first, and how.
    first_end: Option<(Sender, End)>,
    is_opaque: bool,
}

/// What is being read in one direction.
#[derive(Debug)]
struct Direction {
    frames: Frames,
    decoder: Decoder,
    /// The fragments so far of a header block that has several, with the frame that began it.
    block: Option<Block>,
    /// The last stream that this side will look at, and the error, when it has said so by GOAWAY.
    gone: Option<(u32, u32)>,
    has_ended: bool,
}

#[derive(Debug)]
struct Block {
    begun_by: FrameHead,
    promised: u32,
    fragments: Vec<u8>,
}

impl Default for Http2Observer {
    fn default() -> Self {
        Self {
            client: Direction::of(Sender::Client),
            server: Direction::of(Sender::Server),
            streams: BTreeMap::new(),
            next: 0,
            last_opened: 0,
            last_promised: 0,
            first_end: None,
            is_opaque: false,
        }
    }
}

impl Http2Observer {
    /// An observer of a connection on which nothing has passed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is interpreted any more.
    pub fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    /// How many requests have no whole final response yet.
    pub fn waiting(&self) -> usize {
        self.streams.values().filter(|stream| stream.is_waiting()).count()
    }

    /// Whether the connection is between exchanges: none is open, and the server is within no frame.
    pub fn is_idle(&self) -> bool {
        self.streams.is_empty() && self.server.frames.is_between()
    }

    /// The oldest exchange that is not over, and what it is busy with.
    pub fn oldest(&self) -> Option<(u64, Stage)> {
        self.streams.values().min_by_key(|stream| stream.n).map(|stream| (stream.n, stream.stage()))
    }

    /// Observes the next bytes of one side.
    pub fn bytes(&mut self, from: Sender, bytes: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        let mut input = bytes;
        while !self.is_opaque && self.part(from, &mut input, emit) {}
    }

    /// Observes that one side sends no more.
    pub fn end(&mut self, from: Sender, end: End, emit: &mut impl FnMut(Observed<'_>)) {
        match &mut self.first_end {
            None => self.first_end = Some((from, end)),
            Some((first, how)) if *first == from && end == End::Reset => *how = end,
            Some(_) => {}
        }
        if mem::replace(&mut self.side(from).has_ended, true) && end != End::Reset {
            return;
        }
        match from {
            _ if self.is_opaque => {}
            _ if end == End::Reset => self.all_over(emit),
            Sender::Client => self.client_ended(emit),
            Sender::Server => self.server_ended(emit),
        }
    }

    fn side(&mut self, sender: Sender) -> &mut Direction {
        match sender {
            Sender::Client => &mut self.client,
            Sender::Server => &mut self.server,
        }
    }

    /// Reads the next part of what one side sends, and says whether there may be more.
    fn part(&mut self, from: Sender, input: &mut &[u8], emit: &mut impl FnMut(Observed<'_>)) -> bool {
        match self.side(from).frames.next(input) {
            Next::More => return false,
            Next::Frame(frame) => self.frame_begins(from, frame, emit),
            Next::Data(frame, bytes) => self.content(from, frame.stream, bytes, emit),
            Next::DataEnd(frame) if frame.ends_stream() => self.content_ended(from, frame.stream, None, emit),
            Next::DataEnd(_) => {}
            Next::Payload(frame, payload) => match frame.kind {
                Kind::ResetStream => self.stream_reset(from, frame.stream, &payload, emit),
                Kind::GoAway => self.gone_away(from, &payload, emit),
                _ => self.fragment(from, frame, &payload, emit),
            },
            Next::Bad(trouble) => self.give_up(trouble, emit),
        }
        true
    }

    /// A stream begins with the frame that opens it, which may take its time to arrive.
    fn frame_begins(&mut self, from: Sender, frame: FrameHead, emit: &mut impl FnMut(Observed<'_>)) {
        let opens = from == Sender::Client && frame.kind == Kind::Headers;
        if opens && frame.stream % 2 == 1 && frame.stream > self.last_opened {
            self.last_opened = frame.stream;
            self.open(frame.stream, emit);
        }
    }

    fn open(&mut self, id: u32, emit: &mut impl FnMut(Observed<'_>)) {
        if self.streams.len() >= OPEN_LIMIT {
            return self.give_up(Trouble::TooManyWaiting, emit);
        }
        emit(Observed::Started { n: self.next });
        self.streams.insert(id, Stream::started(self.next));
        self.next += 1;
    }

    fn content(&mut self, from: Sender, id: u32, bytes: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let n = stream.n;
        if !stream.message(from).count(bytes.len()) {
            return;
        }
        emit(match from {
            Sender::Client => Observed::RequestBody { n, bytes },
            Sender::Server => Observed::ResponseBody { n, bytes },
        });
    }
}

impl Direction {
    fn of(sender: Sender) -> Self {
        Self { frames: Frames::of(sender), decoder: Decoder::default(), block: None, gone: None, has_ended: false }
    }

    /// Reads no more, and gives back what was gathered.
    fn stop(&mut self) {
        self.frames.stop();
        self.decoder = Decoder::default();
        self.block = None;
    }
}
