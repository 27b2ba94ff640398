//! When each phase of an exchange began and ended.

use super::Moment;

/// The moments of an exchange; what was not seen is absent.
///
/// Name resolution, connecting and TLS to the server belong to the connection and are in
/// [`Upstream`](super::Upstream) and [`TlsFacts`](super::TlsFacts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// The exchange began: its first byte arrived.
    pub opened: Moment,
    /// The last byte of the request's header section arrived.
    pub request_head: Option<Moment>,
    /// The last byte of the request's content arrived.
    pub request_end: Option<Moment>,
    /// The first byte of the response (1xx included) arrived.
    pub first_byte: Option<Moment>,
    /// The last byte of the final response's header section arrived.
    pub response_head: Option<Moment>,
    /// The last byte of the response's content arrived.
    pub response_end: Option<Moment>,
    /// Nothing more happened after this.
    pub closed: Option<Moment>,
}

impl Timings {
    /// The timings of an exchange that has just begun.
    pub fn starting(opened: Moment) -> Self {
        Self {
            opened,
            request_head: None,
            request_end: None,
            first_byte: None,
            response_head: None,
            response_end: None,
            closed: None,
        }
    }

    /// How long it took so far, in microseconds: to its end, or to `now` while it runs.
    pub fn duration_micros(&self, now: Moment) -> i64 {
        self.closed.or(self.response_end).unwrap_or(now).micros_since(self.opened)
    }
}
