//! HTTP/2 frames cut out of the stream of one side, whatever its split.

use std::borrow::Cow;
use std::mem;

use super::BLOCK_LIMIT;
use crate::wire::{Sender, Trouble};

/// What a client sends first (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The octets before a frame's payload.
const HEAD: usize = 9;

/// A GOAWAY has this many octets before its debug data.
const GOAWAY_FACTS: usize = 8;

/// The kinds of frames that say something about exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    ResetStream,
    Settings,
    PushPromise,
    GoAway,
    Continuation,
    /// Priorities, pings, windows, extensions.
    Other,
}

/// The beginning of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) length: usize,
}

impl FrameHead {
    const END_STREAM: u8 = 0x1;
    const END_HEADERS: u8 = 0x4;
    const PADDED: u8 = 0x8;
    const PRIORITY: u8 = 0x20;

    fn read(bytes: [u8; HEAD]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            3 => Kind::ResetStream,
            4 => Kind::Settings,
            5 => Kind::PushPromise,
            7 => Kind::GoAway,
            9 => Kind::Continuation,
            _ => Kind::Other,
        };
        let length = usize::try_from(u32::from_be_bytes([0, l0, l1, l2])).unwrap_or(usize::MAX);
        // The first bit is reserved and means nothing.
        Self { kind, flags, stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]), length }
    }

    /// Whether it is the last frame of its stream on this side.
    pub(super) fn ends_stream(&self) -> bool {
        self.flags & Self::END_STREAM != 0
    }

    /// Whether the header block ends with it.
    pub(super) fn ends_block(&self) -> bool {
        self.flags & Self::END_HEADERS != 0
    }

    fn is_padded(&self) -> bool {
        self.flags & Self::PADDED != 0
    }

    /// The part of its header block that this frame's payload carries, and before it the promised stream, if there is
    /// one. `None` when padding or priority do not fit.
    pub(super) fn fragment<'a>(&self, payload: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let mut rest = payload;
        let mut promised = 0;
        if self.kind != Kind::Continuation && self.is_padded() {
            let (padding, after) = payload.split_first()?;
            rest = after.get(..after.len().checked_sub(usize::from(*padding))?)?;
        }
        if self.kind == Kind::Headers && self.flags & Self::PRIORITY != 0 {
            rest = rest.get(5..)?;
        }
        if self.kind == Kind::PushPromise {
            let (number, after) = rest.split_first_chunk::<4>()?;
            promised = u32::from_be_bytes(*number) & 0x7fff_ffff;
            rest = after;
        }
        Some((promised, rest))
    }
}

/// The next thing in the stream of one side.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// It needs more input.
    More,
    /// A frame began.
    Frame(FrameHead),
    /// Bytes of a DATA frame's content, never empty.
    Data(FrameHead, &'a [u8]),
    /// A DATA frame ended.
    DataEnd(FrameHead),
    /// The payload of a frame that carries (part of) a header block, resets a stream or ends the connection; of the
    /// last two only what matters.
    Payload(FrameHead, Cow<'a, [u8]>),
    /// The stream is no HTTP/2.
    Bad(Trouble),
}

/// Cuts the stream of one side into frames.
#[derive(Debug)]
pub(super) struct Frames {
    reading: Reading,
    /// What has arrived of something that did not come in one piece.
    pieces: Vec<u8>,
    /// The stream whose header block is not complete, and the octets of that block so far.
    block: Option<(u32, usize)>,
    is_first: bool,
}

#[derive(Debug, Clone, Copy)]
enum Reading {
    Preface,
    Head,
    PadLength(FrameHead),
    Data { frame: FrameHead, left: usize, padding: usize },
    Payload { frame: FrameHead, wanted: usize },
    Skipped { left: usize },
    Nothing,
}

impl Frames {
    /// The frames of a side that has sent nothing yet.
    pub(super) fn of(sender: Sender) -> Self {
        let reading = if sender == Sender::Client { Reading::Preface } else { Reading::Head };
        Self { reading, pieces: Vec::new(), block: None, is_first: true }
    }

    /// Whether the side is between two frames.
    pub(super) fn is_between(&self) -> bool {
        matches!(self.reading, Reading::Head) && self.pieces.is_empty() && self.block.is_none()
    }

    /// Reads no more, and gives back what was gathered.
    pub(super) fn stop(&mut self) {
        self.reading = Reading::Nothing;
        self.pieces = Vec::new();
    }

    /// Takes the next thing off the beginning of `input`.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Next<'a> {
        match self.reading {
            Reading::Preface => self.preface(input),
            Reading::Head => match self.gather(input, HEAD).map(|head| <[u8; HEAD]>::try_from(&*head)) {
                Some(Ok(head)) => self.head(FrameHead::read(head)),
                _ => Next::More,
            },
            Reading::PadLength(frame) => self.pad_length(frame, input),
            Reading::Data { frame, left, padding } => self.data((frame, left, padding), input),
            Reading::Payload { frame, wanted } => match self.gather(input, wanted) {
                Some(payload) => {
                    self.skip(frame.length - wanted);
                    Next::Payload(frame, payload)
                }
                None => Next::More,
            },
            Reading::Skipped { left } => {
                let skipped = take(input, left).len();
                self.skip(left - skipped);
                if skipped < left { Next::More } else { self.next(input) }
            }
            Reading::Nothing => Next::More,
        }
    }

    /// As many bytes as are wanted, in one piece; `None` while they are not all there.
    fn gather<'a>(&mut self, input: &mut &'a [u8], wanted: usize) -> Option<Cow<'a, [u8]>> {
        let piece = take(input, wanted.saturating_sub(self.pieces.len()));
        if self.pieces.is_empty() && piece.len() == wanted {
            return Some(Cow::Borrowed(piece));
        }
        self.pieces.extend_from_slice(piece);
        (self.pieces.len() == wanted).then(|| Cow::Owned(mem::take(&mut self.pieces)))
    }

    fn preface<'a>(&mut self, input: &mut &'a [u8]) -> Next<'a> {
        let rest = PREFACE.get(self.pieces.len()..).unwrap_or(&[]);
        let piece = take(input, rest.len());
        if !rest.starts_with(piece) {
            return Next::Bad(Trouble::NotHttp2);
        }
        self.pieces.extend_from_slice(piece);
        if piece.len() < rest.len() {
            return Next::More;
        }
        self.pieces.clear();
        self.reading = Reading::Head;
        self.next(input)
    }

    fn head<'a>(&mut self, frame: FrameHead) -> Next<'a> {
        if mem::take(&mut self.is_first) && frame.kind != Kind::Settings {
            return Next::Bad(Trouble::NotHttp2);
        }
        if let Err(trouble) = self.track_block(&frame) {
            return Next::Bad(trouble);
        }
        let length = frame.length;
        self.reading = match frame.kind {
            Kind::Data if frame.is_padded() => Reading::PadLength(frame),
            Kind::Data => Reading::Data { frame, left: length, padding: 0 },
            Kind::Headers | Kind::PushPromise | Kind::Continuation => Reading::Payload { frame, wanted: length },
            Kind::ResetStream => Reading::Payload { frame, wanted: length.min(4) },
            Kind::GoAway => Reading::Payload { frame, wanted: length.min(GOAWAY_FACTS) },
            Kind::Settings | Kind::Other => Reading::Skipped { left: length },
        };
        Next::Frame(frame)
    }

    /// Nothing may come between the frames of a header block: one that never ends takes the decoder's state with it.
    fn track_block(&mut self, frame: &FrameHead) -> Result<(), Trouble> {
        let so_far = match (frame.kind, self.block) {
            (Kind::Continuation, Some((stream, so_far))) if stream == frame.stream => so_far,
            (Kind::Continuation, _) | (_, Some(_)) => return Err(Trouble::BadFrame),
            (Kind::Headers | Kind::PushPromise, None) => 0,
            _ => return Ok(()),
        };
        let so_far = so_far + frame.length;
        if so_far > BLOCK_LIMIT {
            return Err(Trouble::HeadTooLarge);
        }
        self.block = (!frame.ends_block()).then_some((frame.stream, so_far));
        Ok(())
    }

    fn pad_length<'a>(&mut self, frame: FrameHead, input: &mut &'a [u8]) -> Next<'a> {
        let after = frame.length.checked_sub(1);
        let Some((padding, rest)) = input.split_first().filter(|_| after.is_some()) else {
            return if after.is_some() { Next::More } else { Next::Bad(Trouble::BadFrame) };
        };
        *input = rest;
        let padding = usize::from(*padding);
        let Some(left) = after.and_then(|after| after.checked_sub(padding)) else {
            return Next::Bad(Trouble::BadFrame);
        };
        self.reading = Reading::Data { frame, left, padding };
        self.next(input)
    }

    fn data<'a>(&mut self, (frame, left, padding): (FrameHead, usize, usize), input: &mut &'a [u8]) -> Next<'a> {
        let bytes = take(input, left);
        self.reading = Reading::Data { frame, left: left - bytes.len(), padding };
        match bytes {
            [] if left > 0 => Next::More,
            [] => {
                self.skip(padding);
                Next::DataEnd(frame)
            }
            _ => Next::Data(frame, bytes),
        }
    }

    fn skip(&mut self, left: usize) {
        self.reading = if left == 0 { Reading::Head } else { Reading::Skipped { left } };
    }
}

/// Takes at most `most` bytes off the beginning of `input`.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at_checked(most).unwrap_or((input, &[]));
    *input = rest;
    taken
}
