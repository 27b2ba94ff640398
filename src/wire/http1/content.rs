//! The content of a message, cut out of the stream: counted down, unchunked, or all there is.

use super::chunked::Chunked;
use super::framing::Framing;
use crate::exchange::Headers;
use crate::wire::Trouble;

/// A content that is being received.
#[derive(Debug)]
pub(super) struct Content {
    /// Bytes of content so far.
    pub(super) length: u64,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunked(Box<Chunked>),
    UntilClose,
}

/// The next thing that a content has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// It needs more input.
    More,
    /// Bytes of content, never empty.
    Bytes(&'a [u8]),
    /// Its end.
    End(Option<Headers>),
    /// It is malformed.
    Bad(Trouble),
}

impl Content {
    /// The content that this framing announces, if it announces one.
    pub(super) fn framed(framing: Framing) -> Option<Self> {
        let rest = match framing {
            Framing::Nothing => return None,
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunked(Box::default()),
            Framing::UntilClose => Rest::UntilClose,
        };
        Some(Self { length: 0, rest })
    }

    /// Whether only the end of the connection ends it.
    pub(super) fn is_until_close(&self) -> bool {
        matches!(self.rest, Rest::UntilClose)
    }

    /// Takes the next thing off the beginning of `input`.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Next<'a> {
        let next = match &mut self.rest {
            Rest::Length(0) => Next::End(None),
            Rest::Length(left) => take(input, left),
            Rest::Chunked(chunked) => chunked.next(input),
            Rest::UntilClose => {
                let mut no_limit = u64::MAX;
                take(input, &mut no_limit)
            }
        };
        if let Next::Bytes(bytes) = &next {
            self.length = self.length.saturating_add(bytes.len() as u64);
        }
        next
    }
}

/// Takes at most `left` bytes off the beginning of `input`.
pub(super) fn take<'a>(input: &mut &'a [u8], left: &mut u64) -> Next<'a> {
    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    let (bytes, rest) = input.split_at_checked(most).unwrap_or((input, &[]));
    if bytes.is_empty() {
        return Next::More;
    }
    *input = rest;
    *left = left.saturating_sub(bytes.len() as u64);
    Next::Bytes(bytes)
}
