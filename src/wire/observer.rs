//! The observer of a connection, whichever HTTP it speaks.

use super::{End, Http1Observer, Http2Observer, Observed, Sender};
use crate::exchange::Stage;

/// Reads along on one connection.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one per connection, and HTTP/1 is what registry clients speak")]
pub enum HttpObserver {
    /// It speaks HTTP/1.
    Http1(Http1Observer),
    /// It speaks HTTP/2.
    Http2(Box<Http2Observer>),
}

impl HttpObserver {
    /// The observer for what was agreed by ALPN; without an agreement it is HTTP/1.
    pub fn of(alpn: Option<&[u8]>) -> Self {
        if alpn == Some(b"h2") { Self::Http2(Box::default()) } else { Self::Http1(Http1Observer::new()) }
    }

    /// The observer of HTTP/1, where it is that.
    pub fn as_http1(&self) -> Option<&Http1Observer> {
        match self {
            Self::Http1(observer) => Some(observer),
            Self::Http2(_) => None,
        }
    }

    /// Whether nothing is interpreted any more.
    pub fn is_opaque(&self) -> bool {
        match self {
            Self::Http1(observer) => observer.is_opaque(),
            Self::Http2(observer) => observer.is_opaque(),
        }
    }

    /// How many requests have no whole final response yet.
    pub fn waiting(&self) -> usize {
        match self {
            Self::Http1(observer) => observer.waiting(),
            Self::Http2(observer) => observer.waiting(),
        }
    }

    /// The oldest exchange that is not over, and what it is busy with.
    pub fn oldest(&self) -> Option<(u64, Stage)> {
        match self {
            Self::Http1(observer) => observer.oldest(),
            Self::Http2(observer) => observer.oldest(),
        }
    }

    /// Observes the next bytes of one side.
    pub fn bytes(&mut self, from: Sender, bytes: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        match self {
            Self::Http1(observer) => observer.bytes(from, bytes, emit),
            Self::Http2(observer) => observer.bytes(from, bytes, emit),
        }
    }

    /// Observes that one side sends no more.
    pub fn end(&mut self, from: Sender, end: End, emit: &mut impl FnMut(Observed<'_>)) {
        match self {
            Self::Http1(observer) => observer.end(from, end, emit),
            Self::Http2(observer) => observer.end(from, end, emit),
        }
    }
}
