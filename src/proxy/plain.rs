//! Plain HTTP: requests in absolute form, relayed one after the other, each to the server that it names.
//!
//! The same pump and the same tap as in a tunnel; but the request line is rewritten, fields for the proxy are dropped,
//! and of the client no more is read than the one request, as the next may be for another server. Only a connection that
//! can carry no further exchange (a response that ends with it, `Connection: close`, an upgrade, a cut) is relayed to its
//! very end.

use std::io;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::absolute_form::{AbsoluteForm, NextHop, NotRelayed};
use super::answer;
use super::intercept::decide;
use super::one_request::OneRequest;
use super::recording::Recording;
use super::relay::{Relayed, relay_after};
use super::shared::Shared;
use super::stream::{Prefixed, Stream};
use super::tap::{Route, Tap};
use super::upstream::{lock, stage_of};
use crate::exchange::event::Happening;
use crate::exchange::{Failure, FailureKind, Kept, RequestHead, Side, Stage, Target, Upstream};
use crate::wire::http1::RequestContent;
use crate::wire::{End, Sender};

/// Connections to servers that are kept for the next request of the same client connection, at most.
const KEPT: usize = 8;

/// A client that says its last word and still waits for the answer looks like one that has left: a server that can be
/// reached is reached within this time.
const LAST_WORD: Duration = Duration::from_secs(1);

/// How long a client that is still sending may go on after it has got our answer, so that it gets to read it.
const LINGER: Duration = Duration::from_secs(2);

/// A request in absolute form whose head was read ahead.
pub struct Asked {
    /// The head.
    pub head: RequestHead,
    /// How many bytes it takes.
    pub length: usize,
}

/// The plain requests of one client connection.
#[derive(Default)]
pub struct Plain {
    kept: Vec<Server>,
}

/// A connection to a server.
struct Server {
    target: Target,
    socket: TcpStream,
    next_hop: NextHop,
    upstream: Arc<Upstream>,
}

impl Plain {
    /// Serves one request; gives the client back if it may ask for more.
    pub async fn serve(
        &mut self,
        shared: &Shared,
        recording: &mut Recording,
        mut client: Prefixed,
        asked: Asked,
    ) -> Option<Prefixed> {
        let form = match AbsoluteForm::read(&asked.head.target) {
            Ok(form) => form,
            Err(why) => {
                refuse(shared, recording, client, (asked.head, &why)).await;
                return None;
            }
        };
        let route = Route {
            target: form.target.clone(),
            connect: None,
            upstream: None,
            client_tls: None,
            upstream_tls: None,
            answered_because: None,
        };
        let head = client.peeked().get(..asked.length).unwrap_or(&[]).to_vec();
        client.consume(asked.length);
        let mut tap = Tap::one_exchange(recording, route, decide(&shared.settings, &form.target.host, None));
        tap.bytes(Sender::Client, &head);
        tap.pass_on();
        let request = Request { shared, asked: &asked.head, form, head };
        let stopping = shared.stopping.clone();
        let (client, stopped) = tokio::select! {
            // The exchange first: what a client gets together with the stop is recorded as it was.
            biased;
            client = self.exchange(request, client, &mut tap) => (client, false),
            () = stopping.cancelled() => (None, true),
        };
        tap.finish(stopped);
        client
    }

    async fn exchange(&mut self, request: Request<'_>, mut client: Prefixed, tap: &mut Tap<'_>) -> Option<Prefixed> {
        let server = match self.kept_for(&request.form.target) {
            Some(server) => server,
            None => match request.reach(&mut client).await {
                Ok(server) => server,
                Err((failure, upstream)) => {
                    tap.reached(upstream);
                    tap.failed(&failure);
                    tap.pass_on();
                    request.answer(client, &failure).await;
                    return None;
                }
            },
        };
        tap.reached(server.upstream.clone());
        let head = request.form.head_for(&server.next_hop, request.asked, &request.head);
        let Server { target, socket, next_hop, upstream } = server;
        let mut client = Stream::OneRequest(OneRequest::new(client, RequestContent::after(request.asked)));
        let mut socket = Stream::Plain(Prefixed::new(socket));
        let relayed = relay_after(head, (&mut client, &mut socket), tap, &request.shared.buffers).await;
        let (Stream::OneRequest(client), Stream::Plain(socket)) = (client, socket) else { return None };
        if relayed != Relayed::Settled || !tap.is_between_exchanges() {
            return None;
        }
        self.keep(Server { target, socket: socket.into_socket(), next_hop, upstream });
        Some(client.into_client())
    }

    /// A connection that an earlier request has left, if it still stands.
    fn kept_for(&mut self, target: &Target) -> Option<Server> {
        let is_for = |server: &Server| {
            server.target.port == target.port && server.target.host.eq_ignore_ascii_case(&target.host)
        };
        let place = self.kept.iter().position(is_for)?;
        let server = self.kept.remove(place);
        is_silent(&server.socket).then_some(server)
    }

    fn keep(&mut self, server: Server) {
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push(server);
    }
}

/// Whether a server has neither ended its connection nor said anything since its last answer.
fn is_silent(socket: &TcpStream) -> bool {
    // The system is asked itself: the runtime may not have heard of the end yet.
    let peeked = socket2::SockRef::from(socket).peek(&mut [MaybeUninit::uninit()]);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// One request on its way.
struct Request<'a> {
    shared: &'a Shared,
    asked: &'a RequestHead,
    form: AbsoluteForm<'a>,
    head: Vec<u8>,
}

impl Request<'_> {
    /// Connects to the server while watching the client, who may give up meanwhile.
    async fn reach(&self, client: &mut Prefixed) -> Result<Server, (Failure, Arc<Upstream>)> {
        let target = &self.form.target;
        let progress = Mutex::new(Upstream::default());
        let result = tokio::select! {
            // Dialling first: also of a client that has left already the record says how far we came.
            biased;
            result = self.shared.dialer.next_hop(target, &progress) => result,
            how = left(client) => Err(self.gave_up(stage_of(&lock(&progress)), how)),
        };
        let upstream = Arc::new(lock(&progress).clone());
        match result {
            Ok((socket, next_hop)) => Ok(Server { target: target.clone(), socket, next_hop, upstream }),
            Err(failure) => Err((failure, upstream)),
        }
    }

    fn gave_up(&self, stage: Stage, how: &str) -> Failure {
        let at = self.shared.clock.now();
        let (side, kind, chain) = (Side::Client, FailureKind::GaveUp, vec![how.to_owned()]);
        Failure { stage, side, kind, chain, os_code: None, at }
    }

    /// Answers in the server's place, unless the client is gone.
    async fn answer(&self, client: Prefixed, failure: &Failure) {
        if failure.kind != FailureKind::GaveUp {
            answer_with(self.shared, client, self.asked, (failure, &self.form.target)).await;
        }
    }
}

/// Waits until the client has left, and says how.
async fn left(client: &mut Prefixed) -> &'static str {
    match client.ended().await {
        End::Clean | End::Cut => {
            sleep(LAST_WORD).await;
            "the client closed its connection"
        }
        End::Reset => "the client reset its connection",
    }
}

/// Records a request that nobody can be asked, and says why it is refused.
async fn refuse(shared: &Shared, recording: &mut Recording, client: Prefixed, (head, why): (RequestHead, &NotRelayed)) {
    let (kind, what) = match why {
        NotRelayed::Malformed(what) => (FailureKind::Malformed, (*what).to_owned()),
        NotRelayed::Scheme(scheme) if scheme == "https" => {
            let what = "for https a proxy is asked by CONNECT: is the client told to use it for HTTPS, too?";
            (FailureKind::Unsupported, what.to_owned())
        }
        NotRelayed::Scheme(scheme) => {
            (FailureKind::Unsupported, format!("{scheme} is not relayed: only http and https are"))
        }
    };
    let url = url::Url::parse(&head.target).ok();
    let host = url.as_ref().and_then(url::Url::host_str).unwrap_or("");
    let target = Target::http(host, url.as_ref().and_then(url::Url::port_or_known_default).unwrap_or(80));
    let side = if kind == FailureKind::Malformed { Side::Client } else { Side::Us };
    let (stage, at) = (Stage::Accept, shared.clock.now());
    let failure = Failure { stage, side, kind, chain: vec![what], os_code: None, at };
    let Some(id) = recording.open(&target, None) else { return };
    recording.add(id, Happening::Request(head.clone(), Kept::All));
    recording.refused(id, &failure, &target);
    answer_with(shared, client, &head, (&failure, &target)).await;
}

/// Answers a request with the reason of its failure, and lets the client end what it is sending.
async fn answer_with(shared: &Shared, mut client: Prefixed, asked: &RequestHead, why: (&Failure, &Target)) {
    let (failure, target) = why;
    // Whatever was asked, one well-formed request takes its place, so that the answer is always the same.
    let method = if asked.method == "HEAD" { "HEAD" } else { "GET" };
    client.replace_peeked(format!("{method} / HTTP/1.1\r\nHost: pulltap\r\n\r\n").as_bytes());
    let answering = answer::refuse(&mut client, failure, target);
    if timeout(shared.settings.limits.first_head, answering).await.is_ok() {
        let _ = timeout(LINGER, client.discard()).await;
    }
}
