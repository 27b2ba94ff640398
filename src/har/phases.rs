//! HAR's timings: how long each phase of an exchange took.
//!
//! An entry begins when the exchange does, with the first byte of the request. Where that request came through a tunnel
//! the connection to the server stood before: its first entry has the connection's times all the same, as browsers and
//! mitmproxy do it, and its `time` is longer than the exchange by them. The exact moments are in `_timings` and `_upstream`.

use serde::{Serialize, Serializer};

use crate::exchange::{Exchange, Moment, TlsFacts, Upstream};

/// The phases in microseconds; `None` is a phase that did not happen.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Phases {
    #[serde(serialize_with = "or_minus_one")]
    blocked: Option<i64>,
    #[serde(serialize_with = "or_minus_one")]
    dns: Option<i64>,
    #[serde(serialize_with = "or_minus_one")]
    connect: Option<i64>,
    #[serde(serialize_with = "milliseconds")]
    send: i64,
    #[serde(serialize_with = "milliseconds")]
    wait: i64,
    #[serde(serialize_with = "milliseconds")]
    receive: i64,
    #[serde(serialize_with = "or_minus_one")]
    ssl: Option<i64>,
}

/// Whether an entry is the first of its connection to the server, and so has the connection's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    /// It is the first.
    New,
    /// The connection was used before, or there is none.
    Reused,
}

impl Phases {
    /// The phases of an exchange.
    pub(super) fn of(exchange: &Exchange, connection: Connection) -> Self {
        let timings = &exchange.timings;
        let end = end(exchange);
        let mut clock = Clock { at: timings.opened };
        let mut phases = Self { blocked: None, dns: None, connect: None, send: 0, wait: 0, receive: 0, ssl: None };
        if connection == Connection::New
            && let Some(upstream) = exchange.upstream.as_deref()
        {
            phases.connecting(upstream, exchange.upstream_tls.as_deref(), end);
            let began = upstream.resolve_start.or(upstream.connect_start);
            if began.is_some_and(|began| began >= timings.opened) {
                let ready = ready(upstream, exchange.upstream_tls.as_deref(), end);
                let within = clock.until(ready);
                phases.blocked = Some((within - phases.dns.unwrap_or(0) - phases.connect.unwrap_or(0)).max(0));
            }
        }
        let answered = timings.first_byte.or(timings.response_head).unwrap_or(end);
        let sent = timings.request_end.or(timings.request_head).unwrap_or(answered);
        phases.send = clock.until(sent.min(answered));
        phases.wait = clock.until(answered);
        phases.receive = clock.until(end);
        phases
    }

    fn connecting(&mut self, upstream: &Upstream, tls: Option<&TlsFacts>, end: Moment) {
        let took = |from: Option<Moment>, to: Option<Moment>| from.map(|from| to.unwrap_or(end).micros_since(from));
        self.dns = took(upstream.resolve_start, upstream.resolve_end);
        let tcp = took(upstream.connect_start, upstream.connect_end);
        self.ssl = tcp.and(tls).map(|tls| tls.end.unwrap_or(end).micros_since(tls.start));
        // TLS is a part of connecting.
        self.connect = tcp.map(|tcp| tcp.saturating_add(self.ssl.unwrap_or(0)));
    }

    /// All phases together: HAR's `time`. TLS is a part of connecting and does not count twice.
    pub(super) fn total(&self) -> i64 {
        let parts = [self.blocked, self.dns, self.connect, Some(self.send), Some(self.wait), Some(self.receive)];
        parts.into_iter().flatten().fold(0, i64::saturating_add)
    }
}

/// When connecting was over.
fn ready(upstream: &Upstream, tls: Option<&TlsFacts>, end: Moment) -> Moment {
    let tcp = upstream.connect_start.and(upstream.connect_end.or(Some(end)));
    let tls = tcp.and(tls).map(|tls| tls.end.unwrap_or(end));
    let dns = upstream.resolve_start.and(upstream.resolve_end.or(Some(end)));
    [dns, tcp, tls].into_iter().flatten().max().unwrap_or(end)
}

/// When the exchange ended, as far as it is known.
fn end(exchange: &Exchange) -> Moment {
    let timings = &exchange.timings;
    let content = if exchange.tunnel.is_some() { None } else { timings.response_end };
    let known = [timings.request_head, timings.request_end, timings.first_byte, timings.response_head];
    content
        .or(timings.closed)
        .or_else(|| exchange.failure.as_ref().map(|failure| failure.at))
        .or_else(|| known.into_iter().flatten().max())
        .unwrap_or(timings.opened)
}

/// Walks through the moments; it never goes back.
struct Clock {
    at: Moment,
}

impl Clock {
    fn until(&mut self, moment: Moment) -> i64 {
        let took = moment.micros_since(self.at);
        self.at = self.at.max(moment);
        took
    }
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn or_minus_one<S: Serializer>(micros: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match micros {
        Some(micros) => milliseconds(micros, serializer),
        None => serializer.serialize_i8(-1),
    }
}

/// Microseconds as milliseconds.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(super) fn milliseconds<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(clippy::cast_precision_loss, reason = "a duration of 285 years is the first that loses a microsecond")]
    let millis = *micros as f64 / 1000.0;
    serializer.serialize_f64(millis)
}
