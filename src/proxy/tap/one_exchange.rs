//! A tap on one exchange of a client connection whose next request may go elsewhere.

use std::sync::Arc;

use super::{Route, Tap};
use crate::exchange::event::Happening;
use crate::exchange::{ExchangeId, Failure, FailureKind, Headers, Upstream, Version, WhyOpaque};
use crate::proxy::intercept::Decision;
use crate::proxy::recording::Recording;
use crate::wire::http1::Http1Observer;
use crate::wire::{HttpObserver, Observed};

/// What matters of the one exchange besides its events.
pub(super) struct OneExchange {
    /// Nothing that was seen ends the connection.
    persists: bool,
    /// What is interpreted is recorded, too.
    decision: Decision,
}

impl<'a> Tap<'a> {
    /// A tap on one exchange; of one that is to be passed through, only the bytes are counted.
    pub fn one_exchange(recording: &'a mut Recording, route: Route, decision: Decision) -> Self {
        let mut tap = Self::http1(recording, route);
        tap.one_exchange = Some(OneExchange { persists: true, decision });
        if decision == Decision::PassThrough {
            let id = tap.recording.open(&tap.route.target, None);
            tap.turn_opaque(id, WhyOpaque::Ignored);
        }
        tap
    }

    /// Says how the server was reached.
    pub fn reached(&mut self, upstream: Arc<Upstream>) {
        for id in self.ids() {
            self.recording.add(id, Happening::Upstream(upstream.clone()));
        }
        self.route.upstream = Some(upstream);
    }

    /// Says that the exchange failed before it came to a server; the client gets our answer if it is still there.
    pub fn failed(&mut self, failure: &Failure) {
        for id in self.ids() {
            if failure.kind == FailureKind::GaveUp {
                self.recording.add(id, Happening::Failed(failure.clone()));
                self.recording.add(id, Happening::Closed);
            } else {
                self.recording.refused(id, failure, &self.route.target);
            }
        }
        self.open.clear();
        self.opaque = None;
        self.observer = None;
    }

    /// Whether the one exchange is over, and nothing in it has ended the connection.
    pub fn has_settled(&self) -> bool {
        let is_over = |observer: &Http1Observer| observer.oldest().is_none() && !observer.is_opaque();
        self.one_exchange.as_ref().is_some_and(|one| one.persists) && self.frames().is_some_and(is_over)
    }

    /// The observer; what is relayed one exchange at a time is HTTP/1.
    fn frames(&self) -> Option<&Http1Observer> {
        self.observer.as_ref().and_then(HttpObserver::as_http1)
    }

    /// Whether the server has said nothing beyond that exchange.
    pub fn is_between_exchanges(&self) -> bool {
        self.frames().is_some_and(Http1Observer::is_idle)
    }

    /// Whether the observer runs only to find the exchange's end.
    pub(super) fn only_frames(&self) -> bool {
        self.one_exchange.as_ref().is_some_and(|one| one.decision == Decision::PassThrough)
            && self.frames().is_some_and(|observer| !observer.is_opaque())
    }

    /// Notes that the connection will not carry another exchange.
    pub(super) fn does_not_persist(&mut self) {
        if let Some(one) = &mut self.one_exchange {
            one.persists = false;
        }
    }

    /// Notes what this says about the connection; whether that is all there is to do.
    pub(super) fn notes(&mut self, seen: &Observed<'_>) -> bool {
        let Some(one) = &mut self.one_exchange else { return false };
        one.persists &= match seen {
            Observed::Request { head, .. } => persists(head.version, &head.headers),
            Observed::Response { head, .. } => persists(head.version, &head.headers),
            _ => true,
        };
        one.decision == Decision::PassThrough
    }

    fn ids(&self) -> Vec<ExchangeId> {
        let opaque = self.opaque.as_ref().and_then(|opaque| opaque.exchange);
        self.open.iter().map(|exchange| exchange.id).chain(opaque).collect()
    }
}

/// Whether the sender of this head means to keep the connection (RFC 9112, section 9.3).
fn persists(version: Version, headers: &Headers) -> bool {
    let says = |option: &str| {
        let mut options = headers.all("connection").flat_map(|value| value.split(|byte| *byte == b','));
        options.any(|found| found.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    };
    match version {
        Version::Http10 => says("keep-alive") && !says("close"),
        _ => !says("close"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_persists_unless_somebody_says_or_means_otherwise() {
        let persist = |version, connection: &str| {
            let headers: Headers = [("Connection", connection.as_bytes())].into_iter().collect();
            persists(version, &headers)
        };
        assert!(persist(Version::Http11, "keep-alive, x") && persist(Version::Http10, "x, Keep-Alive"));
        assert!(!persist(Version::Http11, "x,CLOSE ") && !persist(Version::Http10, ""));
        assert!(!persist(Version::Http10, "keep-alive, close"));
    }
}
