//! One CONNECT tunnel: reach the server, see what the client speaks, shake hands with both, relay.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::answer;
use super::connect_reply::Refusal;
use super::failing;
use super::intercept::{Decision, decide};
use super::recording::Recording;
use super::relay::relay;
use super::shared::Shared;
use super::stream::{Prefixed, Stream, end_of};
use super::tap::{Route, Tap};
use super::upstream::{Mirrored, Shaken, lock, stage_of};
use super::upstream_proxy::NotReached;
use crate::ca::LeafName;
use crate::exchange::event::{BodyEnd, Happening};
use crate::exchange::{
    ClientHello, ExchangeId, Failure, FailureKind, Kept, ResponseHead, Side, Stage, Target, TlsFacts, Upstream,
    WhyOpaque,
};
use crate::wire::{End, HelloParse, Speaks, client_hello, sniff};

/// A client that has sent too little to tell what it speaks, and is silent for this long, waits for an answer to it.
const HESITATION: Duration = Duration::from_secs(2);

/// The TLS alert of a server that speaks none of the protocols that it was offered (RFC 7301, section 3.2).
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// What the client asked for.
pub struct Asked {
    /// The CONNECT exchange.
    pub id: ExchangeId,
    /// Where it wants to go.
    pub target: Target,
}

/// Serves a CONNECT request to the tunnel's end.
pub async fn serve(shared: &Shared, recording: &mut Recording, client: Prefixed, asked: Asked) {
    let id = asked.id;
    let stopping = shared.stopping.clone();
    let mut tunnel = Tunnel { shared, recording, asked, begun: Instant::now(), upstream: None };
    let failed = tokio::select! {
        // The tunnel first: its tap records what the stop did to the requests that were under way.
        biased;
        result = Box::pin(tunnel.serve(client)) => result.err(),
        () = stopping.cancelled() => Some(tunnel.failure(Stage::AwaitHead, Side::Us, FailureKind::Stopped, Vec::new())),
    };
    if let Some(failure) = failed {
        recording.add(id, Happening::Failed(failure));
    }
    // Again for one that was refused, which changes nothing.
    recording.add(id, Happening::Closed);
}

struct Tunnel<'a> {
    shared: &'a Shared,
    recording: &'a mut Recording,
    asked: Asked,
    begun: Instant,
    upstream: Option<Arc<Upstream>>,
}

/// Both ends of a tunnel whose client has said what it speaks.
struct Ends {
    client: Prefixed,
    server: TcpStream,
}

impl Tunnel<'_> {
    /// Runs the tunnel; an error is the CONNECT's own failure, already answered where it could be.
    async fn serve(&mut self, mut client: Prefixed) -> Result<(), Failure> {
        let server = match self.dial(&mut client).await {
            Ok(server) => server,
            Err(NotReached { failure, answer }) => {
                self.refuse(client, &failure, answer).await;
                return Err(failure);
            }
        };
        self.say_established(&mut client).await?;
        let mut ends = Ends { client, server };
        let by_name = decide(&self.shared.settings, &self.asked.target.host, None);
        let may_be_wanted_by_sni = !self.shared.settings.only.is_empty();
        if by_name == Decision::PassThrough && !may_be_wanted_by_sni {
            return self.pass_through(ends, WhyOpaque::Ignored).await;
        }
        match self.what_it_speaks(&mut ends).await {
            Speaks::Tls => Box::pin(self.tls(ends)).await,
            _ if by_name == Decision::PassThrough => self.pass_through(ends, WhyOpaque::Ignored).await,
            Speaks::Http1 => self.plain_http(ends, None).await,
            Speaks::Http2Preface => self.plain_http(ends, Some(b"h2")).await,
            Speaks::Other => self.pass_through(ends, WhyOpaque::NotHttp).await,
            Speaks::NeedMore => self.pass_through(ends, WhyOpaque::ServerFirst).await,
        }
    }

    /// Connects to the server while watching the client, who may give up meanwhile.
    async fn dial(&mut self, client: &mut Prefixed) -> Result<TcpStream, NotReached> {
        let progress = Mutex::new(Upstream::default());
        let result = tokio::select! {
            // Dialling first: also of a client that has left already the record says how far we came.
            biased;
            result = self.shared.dialer.tunnel(&self.asked.target, &progress) => result,
            end = client.ended() => Err(self.gave_up(stage_of(&lock(&progress)), end).into()),
        };
        let upstream = Arc::new(lock(&progress).clone());
        self.add(Happening::Upstream(upstream.clone()));
        self.upstream = Some(upstream);
        result
    }

    async fn say_established(&mut self, client: &mut Prefixed) -> Result<(), Failure> {
        const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
        let head = ResponseHead::new(200, "Connection established");
        self.add(Happening::AnsweredByUs);
        self.add(Happening::Response(head, Kept::All));
        self.add(Happening::ResponseEnd(BodyEnd { is_complete: true, ..BodyEnd::default() }));
        self.recording.sink.pass_on();
        client.write_all(ESTABLISHED).await.map_err(|error| self.gave_up(Stage::WriteClient, end_of(&error)))
    }

    /// Reads ahead until the client's first bytes say what it speaks. `NeedMore` means that it will not say: the server
    /// spoke first, or one of the two has ended.
    async fn what_it_speaks(&mut self, ends: &mut Ends) -> Speaks {
        loop {
            let speaks = sniff(ends.client.peeked());
            if speaks != Speaks::NeedMore {
                return speaks;
            }
            let mut first_byte = [0];
            let hesitates = !ends.client.peeked().is_empty();
            tokio::select! {
                biased;
                more = ends.client.peek_more() => if !matches!(more, Ok(1..)) { return Speaks::NeedMore },
                // Not `readable`, which is true again and again after an answer of a parent proxy.
                _ = ends.server.peek(&mut first_byte) => return Speaks::NeedMore,
                () = sleep(HESITATION), if hesitates => return Speaks::Other,
            }
        }
    }

    async fn tls(&mut self, mut ends: Ends) -> Result<(), Failure> {
        let started = self.recording.clock.now();
        let hello = match timeout(self.shared.settings.limits.client_tls, read_hello(&mut ends.client)).await {
            Ok(Ok(Some(hello))) => hello,
            Ok(Ok(None)) => return self.pass_through(ends, WhyOpaque::Unparsable).await,
            Ok(Err(end)) => return Err(self.gave_up(Stage::ClientTls, end)),
            Err(_) => {
                let what = "the ClientHello did not come to its end".to_owned();
                return Err(self.failure(Stage::ClientTls, Side::Client, FailureKind::TimedOut, vec![what]));
            }
        };
        let host = self.asked.target.host.clone();
        if decide(&self.shared.settings, &host, hello.sni.as_deref()) == Decision::PassThrough {
            return self.pass_through(ends, WhyOpaque::Ignored).await;
        }
        let name = hello.sni.as_deref().unwrap_or(&host);
        let mut facts = TlsFacts::starting(started, name);
        facts.hello = Some(hello);
        let shaken = self.shake_hands_with_server(&mut ends.client, ends.server, &facts).await;
        match shaken {
            Ok(Some(shaken)) => self.intercept(ends.client, shaken, facts).await,
            Ok(None) => {
                Err(self.accept(ends.client, facts, None).await.err().unwrap_or_else(|| self.nothing_in_common()))
            }
            Err((failure, upstream_facts)) if failure.side == Side::Client => {
                self.add(Happening::UpstreamTls(Arc::new(upstream_facts)));
                self.add(Happening::ClientTls(Arc::new(facts)));
                Err(failure)
            }
            Err((failure, upstream_facts)) if failure.kind == FailureKind::NotTls => {
                self.add(Happening::UpstreamTls(Arc::new(upstream_facts)));
                self.add(Happening::ClientTls(Arc::new(facts)));
                self.answer_without_tls(ends.client, &failure).await;
                Err(failure)
            }
            Err((failure, upstream_facts)) => {
                self.answer_in_its_place(ends.client, facts, failure, upstream_facts).await
            }
        }
    }

    /// The server's handshake, with the client's name and protocols, while watching the client. `None` when the client
    /// offers nothing that could be mirrored.
    async fn shake_hands_with_server(
        &mut self,
        client: &mut Prefixed,
        server: TcpStream,
        facts: &TlsFacts,
    ) -> Result<Option<Shaken>, (Failure, TlsFacts)> {
        let Some(hello) = facts.hello.as_ref() else { return Ok(None) };
        if !speaks_tls12_or_later(hello) {
            return Ok(None);
        }
        let limits = &self.shared.settings.limits;
        let left = limits.upstream.saturating_sub(self.begun.elapsed());
        let limit = limits.upstream_tls.min(left).max(Duration::from_secs(1));
        let host = self.asked.target.host.clone();
        let mirrored = Mirrored { host: &host, hello, alpn: hello.alpn.clone() };
        let shaking = self.shared.dialer.shake_hands(server, mirrored, limit);
        tokio::select! {
            result = shaking => result.map(Some),
            end = client.ended() => {
                let mut unfinished = TlsFacts::starting(self.recording.clock.now(), &facts.name);
                unfinished.start = facts.start;
                Err((self.gave_up(Stage::UpstreamTls, end), unfinished))
            }
        }
    }

    /// Both handshakes succeed: relay, and observe.
    async fn intercept(&mut self, client: Prefixed, shaken: Shaken, facts: TlsFacts) -> Result<(), Failure> {
        let upstream_facts = Arc::new(shaken.facts);
        self.add(Happening::UpstreamTls(upstream_facts.clone()));
        let (client, client_facts) = self.accept(client, facts, upstream_facts.alpn.as_deref()).await?;
        let alpn = client_facts.alpn.clone();
        let route = self.route(Some(client_facts), Some(upstream_facts));
        let mut client = Stream::TlsClient(Box::new(client));
        let mut server = Stream::TlsServer(Box::new(shaken.stream));
        let mut tap = Tap::by_alpn(self.recording, route, alpn.as_deref());
        tap.client_certificate_was_wanted(shaken.client_certificate.was_asked());
        let relayed = pump(self.shared, &mut client, &mut server, tap).await;
        relayed.broken.map_or(Ok(()), Err)
    }

    /// The client's handshake, with a leaf for the name it asked for and the protocol that the server chose.
    async fn accept(
        &mut self,
        client: Prefixed,
        mut facts: TlsFacts,
        alpn: Option<&[u8]>,
    ) -> Result<(tokio_rustls::server::TlsStream<Prefixed>, Arc<TlsFacts>), Failure> {
        let leaf = self.shared.leaves.leaf(&LeafName::of(&facts.name), alpn).map_err(|error| {
            self.failure(Stage::ClientTls, Side::Us, FailureKind::Unsupported, failing::chain_of(&error))
        })?;
        facts.chain = vec![leaf.certificate.to_vec()];
        let accepting = TlsAcceptor::from(leaf.config).accept(client);
        let result = match timeout(self.shared.settings.limits.client_tls, accepting).await {
            Ok(result) => result,
            Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the client did not end its handshake")),
        };
        match result {
            Ok(stream) => {
                facts.end = Some(self.recording.clock.now());
                failing::fill_in(&mut facts, stream.get_ref().1);
                let facts = Arc::new(facts);
                self.add(Happening::ClientTls(facts.clone()));
                Ok((stream, facts))
            }
            Err(error) => {
                let failure = failing::tls_failure(Stage::ClientTls, Side::Client, &error, self.recording.clock.now());
                facts.alert = failing::alert_of(&failure);
                self.add(Happening::ClientTls(Arc::new(facts)));
                Err(failure)
            }
        }
    }

    /// The server's handshake failed: the client's succeeds, and its request is answered with the reason.
    async fn answer_in_its_place(
        &mut self,
        client: Prefixed,
        facts: TlsFacts,
        failure: Failure,
        upstream_facts: TlsFacts,
    ) -> Result<(), Failure> {
        let upstream_facts = Arc::new(upstream_facts);
        self.add(Happening::UpstreamTls(upstream_facts.clone()));
        let alpn = facts.hello.as_ref().and_then(answerable);
        if failure.kind == FailureKind::TlsAlert(NO_APPLICATION_PROTOCOL) && alpn == Some(b"h2") {
            // A client that knows how to take this alert gets it: it offered nothing that the server has.
            let _ = self.accept(client, facts, Some(b"http/1.1")).await;
            return Err(failure);
        }
        let (client, client_facts) = match self.accept(client, facts, alpn).await {
            Ok(accepted) => accepted,
            // One that says why it leaves, as by not trusting us, has a reason of its own.
            Err(left) if matches!(left.kind, FailureKind::TlsAlert(_)) => return Err(left),
            Err(_) => return Err(failure),
        };
        let mut route = self.route(Some(client_facts), Some(upstream_facts));
        route.answered_because = Some(failure.clone());
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let mut client = Stream::TlsClient(Box::new(client));
        let mut server = Stream::Ourselves(theirs);
        let tap = Tap::by_alpn(self.recording, route, alpn);
        let answering = answer::refuse_by_alpn(ours, alpn, &failure, &self.asked.target);
        let (relayed, ()) = tokio::join!(pump(self.shared, &mut client, &mut server, tap), answering);
        // The failure is the request's where there was one.
        if relayed.seen == 0 { Err(failure) } else { Ok(()) }
    }

    /// HTTP without TLS: version 1, or what would have been agreed.
    /// Answers the ClientHello as the server did, by HTTP. docker goes on with an insecure registry by plain HTTP only if
    /// it gets no TLS (moby 20.10, `server gave HTTP response to HTTPS client`).
    async fn answer_without_tls(&self, mut client: Prefixed, failure: &Failure) {
        client.replace_peeked(b"GET / HTTP/1.1\r\nHost: pulltap\r\n\r\n");
        let answering = answer::refuse(&mut client, failure, &self.asked.target);
        let _ = timeout(self.shared.settings.limits.first_head, answering).await;
    }

    async fn plain_http(&mut self, ends: Ends, agreed: Option<&[u8]>) -> Result<(), Failure> {
        self.asked.target.scheme = crate::exchange::Scheme::Http;
        let route = self.route(None, None);
        let tap = Tap::by_alpn(self.recording, route, agreed);
        let (mut client, mut server) = ends.into_streams();
        pump(self.shared, &mut client, &mut server, tap).await;
        Ok(())
    }

    async fn pass_through(&mut self, ends: Ends, why: WhyOpaque) -> Result<(), Failure> {
        let route = self.route(None, None);
        let tap = Tap::opaque(self.recording, route, why);
        let (mut client, mut server) = ends.into_streams();
        pump(self.shared, &mut client, &mut server, tap).await;
        Ok(())
    }

    fn route(&self, client_tls: Option<Arc<TlsFacts>>, upstream_tls: Option<Arc<TlsFacts>>) -> Route {
        Route {
            target: self.asked.target.clone(),
            connect: Some(self.asked.id),
            upstream: self.upstream.clone(),
            client_tls,
            upstream_tls,
            answered_because: None,
        }
    }

    /// Answers the CONNECT itself with the reason, unless the client is gone.
    async fn refuse(&mut self, mut client: Prefixed, failure: &Failure, answer: Option<Box<Refusal>>) {
        if failure.kind == FailureKind::GaveUp {
            return;
        }
        match answer {
            Some(refusal) => self.recording.refused_by_parent(self.asked.id, failure, *refusal),
            None => self.recording.refused(self.asked.id, failure, &self.asked.target),
        }
        client.replace_peeked(b"CONNECT pulltap:443 HTTP/1.1\r\nHost: pulltap\r\n\r\n");
        let answering = answer::refuse(&mut client, failure, &self.asked.target);
        let _ = timeout(self.shared.settings.limits.first_head, answering).await;
    }

    fn gave_up(&self, stage: Stage, end: End) -> Failure {
        let how = match end {
            End::Clean => "the client closed its connection",
            End::Cut => "the client closed its connection without TLS close_notify",
            End::Reset => "the client reset its connection",
        };
        self.failure(stage, Side::Client, FailureKind::GaveUp, vec![how.to_owned()])
    }

    fn nothing_in_common(&self) -> Failure {
        self.failure(Stage::ClientTls, Side::Us, FailureKind::TlsNothingInCommon, Vec::new())
    }

    fn failure(&self, stage: Stage, side: Side, kind: FailureKind, chain: Vec<String>) -> Failure {
        Failure { stage, side, kind, chain, os_code: None, at: self.recording.clock.now() }
    }

    fn add(&mut self, what: Happening) {
        self.recording.add(self.asked.id, what);
    }
}

impl Ends {
    fn into_streams(self) -> (Stream, Stream) {
        (Stream::Plain(self.client), Stream::Plain(Prefixed::new(self.server)))
    }
}

/// What a relay came to.
struct Relayed {
    /// How many exchanges were seen.
    seen: u64,
    /// Why there was none, if that was the server's doing.
    broken: Option<Failure>,
}

/// Relays until both sides have ended or the program is to.
async fn pump(shared: &Shared, client: &mut Stream, server: &mut Stream, mut tap: Tap<'_>) -> Relayed {
    let stopped = tokio::select! {
        () = relay(client, server, &mut tap, &shared.buffers) => false,
        () = shared.stopping.cancelled() => true,
    };
    let relayed = Relayed { seen: tap.seen(), broken: tap.broken_before_any_request() };
    tap.finish(stopped);
    relayed
}

/// Reads the client's whole ClientHello ahead. `None` when it is not one.
async fn read_hello(client: &mut Prefixed) -> Result<Option<ClientHello>, End> {
    loop {
        match client_hello(client.peeked()) {
            HelloParse::Complete(hello) => return Ok(Some(hello)),
            HelloParse::NotTls | HelloParse::Malformed => return Ok(None),
            HelloParse::Partial => {}
        }
        match client.peek_more().await {
            Ok(0) => return Err(End::Clean),
            Ok(_) => {}
            Err(error) => return Err(end_of(&error)),
        }
    }
}

/// The protocol in which pulltap answers in a server's place: HTTP/1.1 has room for the reason in its status line.
fn answerable(hello: &ClientHello) -> Option<&'static [u8]> {
    let offered = |protocol: &&[u8]| hello.alpn.iter().any(|offer| offer == protocol);
    [b"http/1.1".as_slice(), b"h2"].into_iter().find(offered)
}

fn speaks_tls12_or_later(hello: &ClientHello) -> bool {
    // GREASE values look like versions above TLS 1.3 (RFC 8701): both bytes equal, low nibbles 0xa.
    hello.versions.iter().any(|version| (0x0303..=0x0304).contains(version))
}
