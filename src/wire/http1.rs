//! The HTTP/1 observer: finds the messages in both directions of a connection and pairs them.
//!
//! It frames as RFC 9112 says; where that leaves a doubt about where a message ends (contradictory lengths, a malformed
//! chunk, a head that is none), it stops interpreting. A request before its content is refused is still framed by what
//! its head announced, whether or not the content ever comes.

use std::collections::VecDeque;
use std::mem;

use super::{End, Observed, Sender};
use crate::exchange::Stage;

mod chunked;
mod content;
mod ending;
mod framing;
mod head;
mod open;
mod request;
mod request_content;
mod response;
mod section;

pub(super) use head::without_blank_lines;
pub use head::{HeadParse, read_request_head, read_response_head};
pub use request_content::RequestContent;

use content::Content;
use open::Open;
use section::Section;

/// The largest head or trailer section that is read, in bytes.
pub const HEAD_LIMIT: usize = 256 * 1024;

/// The most fields that a head or trailer section may have.
pub const FIELD_LIMIT: usize = 1024;

/// The most requests that may wait for their responses on one connection.
pub const OPEN_LIMIT: usize = 1024;

/// The most bytes that a client may send after a CONNECT without waiting for the answer.
pub const HELD_LIMIT: usize = 64 * 1024;

/// Reads along on one connection that speaks HTTP/1.
///
/// The caller hands it the bytes of both directions in the order in which they passed, and the end of each direction
/// once ([`End::Reset`] from either side ends both). When both have ended, every exchange is over.
#[derive(Debug, Default)]
pub struct Http1Observer {
    client: Direction,
    server: Direction,
    open: VecDeque<Open>,
    /// The number of the next request.
    next: u64,
    /// Whose response the server is sending.
    answering: Option<u64>,
    /// Who ended first, and how.
    first_end: Option<(Sender, End)>,
    is_opaque: bool,
}

/// What is being read in one direction.
#[derive(Debug, Default)]
struct Direction {
    reading: Reading,
    section: Section,
    has_ended: bool,
}

#[derive(Debug, Default)]
enum Reading {
    /// A head, or nothing yet.
    #[default]
    Head,
    /// The content after a head.
    Content(Content),
    /// What follows a CONNECT: requests if it is refused, anything at all if it is granted.
    Held(Vec<u8>),
    /// Nothing any more.
    Nothing,
}

impl Http1Observer {
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
        self.open.iter().filter(|open| open.is_waiting()).count()
    }

    /// Whether the connection is between exchanges: none is open, and no head has begun.
    pub fn is_idle(&self) -> bool {
        self.open.is_empty() && self.server.section.is_empty() && matches!(self.server.reading, Reading::Head)
    }

    /// The oldest exchange that is not over, and what it is busy with.
    pub fn oldest(&self) -> Option<(u64, Stage)> {
        self.open.front().map(|open| (open.n, open.stage()))
    }

    /// Observes the next bytes of one side.
    pub fn bytes(&mut self, from: Sender, bytes: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        match from {
            _ if self.is_opaque => {}
            Sender::Client if self.client.has_ended => {}
            Sender::Client => self.client_bytes(bytes, emit),
            Sender::Server => self.server_bytes(bytes, emit),
        }
    }

    /// Observes that one side sends no more.
    pub fn end(&mut self, from: Sender, end: End, emit: &mut impl FnMut(Observed<'_>)) {
        match &mut self.first_end {
            None => self.first_end = Some((from, end)),
            Some((first, how)) if *first == from && end == End::Reset => *how = end,
            Some(_) => {}
        }
        let direction = match from {
            Sender::Client => &mut self.client,
            Sender::Server => &mut self.server,
        };
        if mem::replace(&mut direction.has_ended, true) && end != End::Reset {
            return;
        }
        let both = self.client.has_ended && self.server.has_ended;
        match from {
            _ if end == End::Reset => self.all_over(emit),
            _ if self.is_opaque && both => self.all_over(emit),
            _ if self.is_opaque => {}
            Sender::Client => self.client_ended(emit),
            Sender::Server => self.server_ended(end, emit),
        }
    }
}

impl Direction {
    /// Reads no more, and gives back what was gathered.
    fn stop(&mut self) {
        self.reading = Reading::Nothing;
        self.section = Section::default();
    }

    /// The length of the content that is being read, so far.
    fn content_length(&self) -> u64 {
        match &self.reading {
            Reading::Content(content) => content.length,
            Reading::Head | Reading::Held(_) | Reading::Nothing => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(observer: &mut Http1Observer, from: Sender, bytes: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        observer.bytes(from, bytes, &mut |event| {
            let text = format!("{event:?}");
            names.push(text.split(' ').next().unwrap_or("").to_owned());
        });
        names
    }

    #[test]
    fn content_is_lent_from_the_input_and_never_copied() {
        let mut observer = Http1Observer::new();
        tell(&mut observer, Sender::Client, b"GET / HTTP/1.1\r\n\r\n");
        let input = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let mut slices = 0;
        for piece in [&input[..20], &input[20..60], &input[60..]] {
            observer.bytes(Sender::Server, piece, &mut |event| {
                if let Observed::ResponseBody { bytes, .. } = event {
                    assert!(piece.as_ptr_range().contains(&bytes.as_ptr()));
                    slices += 1;
                }
            });
        }
        assert!(slices >= 2);
    }

    #[test]
    fn keeps_nothing_while_idle() {
        let mut observer = Http1Observer::new();
        for piece in ["GET / HT", "TP/1.1\r\nHost: a\r\n\r\n"] {
            tell(&mut observer, Sender::Client, piece.as_bytes());
            assert!(!observer.is_idle());
        }
        assert_eq!(observer.oldest(), Some((0, Stage::AwaitHead)));
        assert_eq!(observer.waiting(), 1);
        for piece in ["HTTP/1.1 200 O", "K\r\nContent-Length: 1\r\n\r\nx"] {
            tell(&mut observer, Sender::Server, piece.as_bytes());
        }
        assert!(observer.is_idle());
        assert_eq!(observer.waiting(), 0);
        assert!(observer.client.section.is_empty() && observer.server.section.is_empty());
        assert!(size_of::<Http1Observer>() <= 320, "{} bytes", size_of::<Http1Observer>());
    }

    #[test]
    fn refuses_more_requests_than_it_counts() {
        let mut observer = Http1Observer::new();
        for _ in 0..OPEN_LIMIT {
            assert_eq!(tell(&mut observer, Sender::Client, b"GET / HTTP/1.1\r\n\r\n").len(), 3);
        }
        assert_eq!(observer.waiting(), OPEN_LIMIT);
        let events = tell(&mut observer, Sender::Client, b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(events.len(), 1 + OPEN_LIMIT);
        assert_eq!(events.first().map(String::as_str), Some("Opaque"));
        assert!(observer.is_opaque());
    }
}
