//! What the observer of one connection sees, turned into events of exchanges: ids, times, how much content to keep.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::alone;
use super::failing;
use super::hashing::{self, Gathering, Sha256};
use super::keep;
use super::recording::Recording;
use crate::exchange::event::{BodyEnd, CaptureEvent, Happening, Opened};
use crate::exchange::{
    ExchangeId, Failure, FailureKind, Moment, ResponseHead, Side, Stage, Target, TlsFacts, Tunnel, Upstream, WhyOpaque,
};
use crate::wire::{ContentEnd, End, HttpObserver, Observed, Outcome, Sender};

mod one_exchange;

use one_exchange::OneExchange;

/// What is known of a connection to a server by the time its traffic flows.
#[derive(Clone)]
pub struct Route {
    /// What requests on it are meant for.
    pub target: Target,
    /// The CONNECT exchange whose tunnel it is.
    pub connect: Option<ExchangeId>,
    /// How the server was reached.
    pub upstream: Option<Arc<Upstream>>,
    /// TLS with the client.
    pub client_tls: Option<Arc<TlsFacts>>,
    /// TLS with the server.
    pub upstream_tls: Option<Arc<TlsFacts>>,
    /// Why pulltap answers in the server's place, when it does.
    pub answered_because: Option<Failure>,
}

#[derive(Default)]
struct Digesting {
    /// The digest that was asked for.
    expected: Option<Sha256>,
    /// The content on its way to be hashed: the response's, or that of an upload.
    gathering: Option<Gathering>,
    is_upload: bool,
    is_get: bool,
    /// Events that wait for the digest.
    held: Vec<CaptureEvent>,
}

struct OpenExchange {
    n: u64,
    id: ExchangeId,
    request_room: u64,
    response_room: u64,
    digesting: Digesting,
}

/// Reads along with one relayed connection.
pub struct Tap<'a> {
    recording: &'a mut Recording,
    route: Route,
    observer: Option<HttpObserver>,
    open: VecDeque<OpenExchange>,
    seen: u64,
    opaque: Option<Opaque>,
    last_error: Option<(Sender, Vec<String>, Option<i32>)>,
    first_end: Option<(Sender, Moment)>,
    server_end: Option<End>,
    client_certificate_wanted: bool,
    one_exchange: Option<OneExchange>,
}

struct Opaque {
    exchange: Option<ExchangeId>,
    tunnel: Tunnel,
}

impl<'a> Tap<'a> {
    /// A tap on a connection that speaks HTTP/1.
    pub fn http1(recording: &'a mut Recording, route: Route) -> Self {
        Self::by_alpn(recording, route, None)
    }

    /// A tap on a connection that speaks what was agreed by ALPN.
    pub fn by_alpn(recording: &'a mut Recording, route: Route, alpn: Option<&[u8]>) -> Self {
        let observer = Some(HttpObserver::of(alpn));
        Self {
            recording,
            route,
            observer,
            open: VecDeque::new(),
            seen: 0,
            opaque: None,
            last_error: None,
            first_end: None,
            server_end: None,
            client_certificate_wanted: false,
            one_exchange: None,
        }
    }

    /// A tap on a connection that nobody interprets, which only counts.
    pub fn opaque(recording: &'a mut Recording, route: Route, why: WhyOpaque) -> Self {
        let mut tap = Self::http1(recording, route);
        tap.observer = None;
        tap.turn_opaque(tap.route.connect, why);
        tap
    }

    /// Says that the server asked for a client certificate, which explains an alert that comes later.
    pub fn client_certificate_was_wanted(&mut self, wanted: bool) {
        self.client_certificate_wanted = wanted;
    }

    /// How many exchanges began on this connection.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether what passes is interpreted as HTTP.
    pub fn is_http(&self) -> bool {
        self.opaque.is_none() || self.only_frames()
    }

    /// Reads bytes on their way.
    pub fn bytes(&mut self, sender: Sender, bytes: &[u8]) {
        if let Some(opaque) = &mut self.opaque {
            opaque.count(sender, bytes.len());
            if !self.only_frames() {
                return;
            }
        }
        let Some(mut observer) = self.observer.take() else { return };
        observer.bytes(sender, bytes, &mut |seen| self.saw(seen));
        self.observer = Some(observer);
    }

    /// Notes that one side ended what it sends, and the error that told so.
    pub fn end(&mut self, sender: Sender, end: End, error: Option<&io::Error>) {
        if let Some(error) = error {
            self.broken(sender, error);
        }
        if sender == Sender::Server {
            self.server_end.get_or_insert(end);
        }
        if self.first_end.is_none() {
            self.first_end = Some((sender, self.recording.clock.now()));
        }
        self.does_not_persist();
        let Some(mut observer) = self.observer.take() else { return };
        observer.end(sender, end, &mut |seen| self.saw(seen));
        self.observer = Some(observer);
    }

    /// Notes the error by which one side was found to be gone; what it sent before may still be read.
    pub fn broken(&mut self, side: Sender, error: &io::Error) {
        self.does_not_persist();
        if self.last_error.is_none() {
            self.last_error = Some((side, failing::chain_of(error), error.raw_os_error()));
            // In TLS 1.3 a server refuses a missing client certificate only after the handshake, by an alert.
            self.client_certificate_wanted &=
                matches!(failing::rustls_error(error), Some(rustls::Error::AlertReceived(_)));
        }
    }

    /// Hands over what was seen in this turn.
    pub fn pass_on(&mut self) {
        self.recording.sink.pass_on();
    }

    /// The failure of a server that reset its connection, or sent an alert, before anything was asked of it: no
    /// exchange inside the tunnel can tell.
    pub fn broken_before_any_request(&self) -> Option<Failure> {
        let is_by_server = matches!(self.last_error, Some((Sender::Server, ..)));
        if self.seen > 0 || self.opaque.is_some() || !is_by_server || self.server_end != Some(End::Reset) {
            return None;
        }
        // A refusal for want of a client certificate belongs to the handshake, whenever it comes.
        let stage = if self.client_certificate_wanted { Stage::UpstreamTls } else { Stage::Send };
        Some(self.cut(stage, Sender::Server, End::Reset))
    }

    /// Ends the tap with the connection: what is still open is over.
    pub fn finish(mut self, stopped: bool) {
        if stopped {
            self.stop_open();
        } else {
            self.end(Sender::Client, End::Reset, None);
        }
        while let Some(exchange) = self.open.pop_front() {
            self.tell_last(exchange, None);
        }
        if let Some(Opaque { exchange: Some(id), tunnel }) = self.opaque {
            self.recording.add(id, Happening::Tunnel(tunnel));
            if Some(id) != self.route.connect {
                self.recording.add(id, Happening::Closed);
            }
        }
        self.recording.sink.pass_on();
    }

    fn stop_open(&mut self) {
        let at = self.recording.clock.now();
        for exchange in &self.open {
            let chain = vec!["pulltap was told to stop".to_owned()];
            let (stage, side, kind) = (Stage::AwaitHead, Side::Us, FailureKind::Stopped);
            let failure = Failure { stage, side, kind, chain, os_code: None, at };
            self.recording.add(exchange.id, Happening::Failed(failure));
        }
    }

    fn saw(&mut self, seen: Observed<'_>) {
        if self.notes(&seen) {
            return;
        }
        match seen {
            Observed::Started { n } => self.begin(n),
            Observed::Request { n, head } => {
                let (kept, room) = keep::request(&head, self.recording.body_limit);
                let expected = self.recording.hashing.expected(&self.route.target.host, &head);
                let is_upload = hashing::names_its_content(&head);
                let is_get = head.method == "GET";
                let gathering = is_upload.then(Gathering::default);
                self.happened(n, |exchange| {
                    exchange.request_room = room;
                    exchange.digesting = Digesting { expected, gathering, is_upload, is_get, held: Vec::new() };
                    Happening::Request(head, kept)
                });
            }
            Observed::RequestBody { n, bytes } => self.content(n, bytes, Sender::Client),
            Observed::RequestEnd { n, end } => self.request_end(n, end),
            Observed::Interim { n, head } => self.happened(n, |_| Happening::Interim(head)),
            Observed::Response { n, head } => {
                self.begin_digest(n, &head);
                let (kept, room) = keep::response(&head, self.recording.body_limit);
                self.happened(n, |exchange| {
                    exchange.response_room = room;
                    Happening::Response(head, kept)
                });
            }
            Observed::ResponseBody { n, bytes } => self.content(n, bytes, Sender::Server),
            Observed::ResponseEnd { n, end } => self.response_end(n, end),
            Observed::Over { n, outcome } => self.over(n, outcome),
            Observed::Unasked { head } => {
                tracing::debug!(status = head.status, "the server answered without having been asked");
            }
            Observed::Opaque { n, why, trouble } => {
                if let Some(trouble) = trouble {
                    tracing::debug!(trouble = trouble.as_str(), "the connection is opaque from here on");
                }
                let id = n.and_then(|n| self.find(n).map(|exchange| exchange.id));
                self.turn_opaque(id.or(self.route.connect), why);
            }
        }
    }

    fn begin(&mut self, n: u64) {
        let Route { target, connect, upstream, client_tls, upstream_tls, .. } = &self.route;
        let opened = Opened {
            connect: *connect,
            upstream: upstream.clone(),
            client_tls: client_tls.clone(),
            upstream_tls: upstream_tls.clone(),
            ..self.recording.opened(target)
        };
        let Some(id) = self.recording.begin(opened) else { return };
        self.seen += 1;
        let digesting = Digesting::default();
        self.open.push_back(OpenExchange { n, id, request_room: 0, response_room: 0, digesting });
        if let Some(failure) = &self.route.answered_because {
            let failure = failure.clone();
            self.recording.add(id, Happening::AnsweredByUs);
            self.recording.add(id, Happening::Failed(failure));
        }
    }

    /// A redirect hands the digest on; a whole answer is hashed that was asked for by its digest, or says which it has.
    fn begin_digest(&mut self, n: u64, head: &ResponseHead) {
        let Some(exchange) = self.position(n).and_then(|at| self.open.get_mut(at)) else { return };
        if !exchange.digesting.is_get {
            return;
        }
        let expected = exchange.digesting.expected;
        if let Some(expected) = expected
            && matches!(head.status, 301..=303 | 307 | 308)
        {
            self.recording.hashing.redirected(&self.route.target.host, expected, head);
        }
        let is_named = expected.is_some() || hashing::says_its_digest(head);
        exchange.digesting.gathering = (is_named && hashing::is_comparable(head)).then(Gathering::default);
    }

    /// Told at once, and of an upload once more with its digest.
    fn request_end(&mut self, n: u64, end: ContentEnd) {
        let at = self.recording.clock.now();
        let Some(exchange) = self.find(n) else { return };
        let id = exchange.id;
        let what = Happening::RequestEnd(body_end(end));
        if exchange.digesting.is_upload && exchange.digesting.gathering.is_some() {
            exchange.digesting.held.push(CaptureEvent { exchange: id, at, what: what.clone() });
        }
        self.recording.sink.add(id, at, what);
    }

    fn response_end(&mut self, n: u64, end: ContentEnd) {
        let at = self.recording.clock.now();
        let Some(exchange) = self.find(n) else { return };
        let id = exchange.id;
        let what = Happening::ResponseEnd(body_end(end));
        if exchange.digesting.gathering.is_some() && !exchange.digesting.is_upload {
            exchange.digesting.held.push(CaptureEvent { exchange: id, at, what });
        } else {
            self.recording.sink.add(id, at, what);
        }
    }

    fn find(&mut self, n: u64) -> Option<&mut OpenExchange> {
        let at = self.position(n)?;
        self.open.get_mut(at)
    }

    /// Where an exchange is; they are in the order of their numbers.
    fn position(&self, n: u64) -> Option<usize> {
        self.open.binary_search_by_key(&n, |exchange| exchange.n).ok()
    }

    fn happened(&mut self, n: u64, what: impl FnOnce(&mut OpenExchange) -> Happening) {
        let Some(exchange) = self.find(n) else { return };
        let id = exchange.id;
        let what = what(exchange);
        self.recording.add(id, what);
    }

    fn content(&mut self, n: u64, bytes: &[u8], sender: Sender) {
        let Some(exchange) = self.position(n).and_then(|at| self.open.get_mut(at)) else { return };
        if (sender == Sender::Client) == exchange.digesting.is_upload
            && let Some(gathering) = exchange.digesting.gathering.take()
        {
            exchange.digesting.gathering = self.recording.hashing.more(exchange.id, gathering, bytes);
        }
        let room = match sender {
            Sender::Client => &mut exchange.request_room,
            Sender::Server => &mut exchange.response_room,
        };
        if *room == 0 {
            return;
        }
        let count = usize::try_from(*room).unwrap_or(usize::MAX).min(bytes.len());
        *room -= count as u64;
        let id = exchange.id;
        let kept = bytes.get(..count).unwrap_or(bytes).to_vec();
        self.recording.add(
            id,
            match sender {
                Sender::Client => Happening::RequestBody(kept),
                Sender::Server => Happening::ResponseBody(kept),
            },
        );
    }

    fn over(&mut self, n: u64, outcome: Outcome) {
        let Some(position) = self.position(n) else { return };
        let Some(exchange) = self.open.remove(position) else { return };
        let failure = match outcome {
            Outcome::Complete | Outcome::Opaque => None,
            Outcome::Cut { stage, by, end } => Some(self.cut(stage, by, end)),
            Outcome::CutAlone { stage, by, how } => Some(alone::cut(stage, by, how, self.recording.clock.now())),
            Outcome::Unreadable { stage, by, trouble } => {
                Some(alone::unreadable(stage, by, trouble, self.recording.clock.now()))
            }
        };
        self.tell_last(exchange, failure);
    }

    /// Tells how an exchange ended, with its digest if one is being computed.
    fn tell_last(&mut self, exchange: OpenExchange, failure: Option<Failure>) {
        let OpenExchange { id, digesting: Digesting { gathering, mut held, .. }, .. } = exchange;
        let at = self.recording.clock.now();
        let last = [failure.map(Happening::Failed), Some(Happening::Closed)].into_iter().flatten();
        let mut last = last.map(|what| CaptureEvent { exchange: id, at, what });
        let untold = match gathering {
            Some(gathering) => {
                held.extend(&mut last);
                self.recording.hash(id, gathering, held).err().unwrap_or_default()
            }
            None => held,
        };
        for CaptureEvent { exchange, at, what } in untold.into_iter().chain(last) {
            self.recording.sink.add(exchange, at, what);
        }
    }

    fn cut(&self, stage: Stage, by: Sender, end: End) -> Failure {
        let (mut side, mut kind) = match (by, end) {
            (Sender::Client, _) => (Side::Client, FailureKind::GaveUp),
            (Sender::Server, End::Reset) => (Side::Origin, FailureKind::Reset),
            (Sender::Server, End::Clean | End::Cut) => (Side::Origin, FailureKind::Truncated),
        };
        if by == Sender::Server && self.client_certificate_wanted {
            (side, kind) = (Side::Us, FailureKind::ClientCertificateWanted);
        }
        let mut chain = vec![how_it_ended(by, end).to_owned()];
        let mut os_code = None;
        if let Some((sender, why, code)) = &self.last_error
            && *sender == by
        {
            // What rustls says of a cut is the same again, with a link for programmers.
            chain.extend(why.iter().filter(|_| end != End::Cut).cloned());
            os_code = *code;
        }
        let at = match self.first_end {
            Some((sender, at)) if sender == by => at,
            _ => self.recording.clock.now(),
        };
        Failure { stage, side, kind, chain, os_code, at }
    }

    fn turn_opaque(&mut self, exchange: Option<ExchangeId>, why: WhyOpaque) {
        let tunnel = Tunnel { why, sent: 0, received: 0 };
        if let Some(id) = exchange {
            self.recording.add(id, Happening::Tunnel(tunnel));
        }
        self.opaque = Some(Opaque { exchange, tunnel });
    }
}

impl Opaque {
    fn count(&mut self, sender: Sender, bytes: usize) {
        match sender {
            Sender::Client => self.tunnel.sent += bytes as u64,
            Sender::Server => self.tunnel.received += bytes as u64,
        }
    }
}

fn body_end(end: ContentEnd) -> BodyEnd {
    BodyEnd { length: end.length, is_complete: end.is_complete, sha256: None, trailers: end.trailers }
}

fn how_it_ended(by: Sender, end: End) -> &'static str {
    match (by, end) {
        (Sender::Client, End::Clean) => "the client closed its connection",
        (Sender::Client, End::Cut) => "the client closed its connection without TLS close_notify",
        (Sender::Client, End::Reset) => "the client reset its connection",
        (Sender::Server, End::Clean) => "the server closed its connection",
        (Sender::Server, End::Cut) => "the server closed its connection without TLS close_notify",
        (Sender::Server, End::Reset) => "the server reset its connection",
    }
}
