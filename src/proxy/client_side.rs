//! One client connection, from its first byte to its end: each request decides what it is.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::absolute_form::{self, is_absolute, port_number};
use super::answer;
use super::pages::{self, Pages};
use super::plain::{Asked, Plain};
use super::recording::Recording;
use super::shared::Shared;
use super::sink::EventSink;
use super::stream::{Prefixed, end_of};
use super::tunnel;
use crate::exchange::event::Happening;
use crate::exchange::{ExchangeId, Failure, FailureKind, Kept, RequestHead, Side, Stage, Target};
use crate::wire::http1::{HeadParse, read_request_head};
use crate::wire::{End, Trouble};

/// The largest head that the proxy reads from a client itself.
const HEAD_LIMIT: usize = 256 * 1024;

/// Serves one client connection to its end.
pub async fn serve(shared: Arc<Shared>, socket: TcpStream, client: SocketAddr, listener: SocketAddr) {
    // Only latency is lost where the system refuses.
    let _ = socket.set_nodelay(true);
    let mut recording = Recording {
        sink: EventSink::new(shared.events.clone()),
        clock: shared.clock,
        numbers: shared.numbers.clone(),
        connection: shared.numbers.connection(),
        client,
        body_limit: shared.settings.body_limit,
        hashing: shared.hashing.clone(),
    };
    let connection = Connection { shared: &shared, recording: &mut recording, client: Prefixed::new(socket), listener };
    if shared.admits(client.ip(), listener) {
        connection.serve().await;
    } else {
        let client = client.ip().to_canonical().to_string();
        let failure = connection.failure(Side::Client, FailureKind::ClientNotAllowed, vec![client]);
        connection.refuse_before_reading(&failure).await;
    }
    recording.sink.finish().await;
}

/// A client connection whose first request is being read.
struct Connection<'a> {
    shared: &'a Shared,
    recording: &'a mut Recording,
    client: Prefixed,
    listener: SocketAddr,
}

/// What a client sends next turned out to be.
enum Next {
    /// A request, and how many bytes its head took.
    Request(RequestHead, usize),
    /// Nothing at all: a port check, or a connection made in advance.
    Nothing,
    /// Something that cannot be served.
    Failed(Failure),
}

impl Connection<'_> {
    /// Serves one request after the other, as long as they are for plain HTTP.
    async fn serve(mut self) {
        let mut plain = Plain::default();
        loop {
            let stopping = self.shared.stopping.clone();
            let next = tokio::select! {
                next = self.next_request() => next,
                () = stopping.cancelled() => return,
            };
            let asked = match next {
                Next::Nothing => return,
                Next::Failed(failure) => return self.refuse_before_reading(&failure).await,
                Next::Request(head, length) if head.method == "CONNECT" => return self.connect(head, length).await,
                Next::Request(head, length) if is_absolute(&head.target) && !pages::are_meant_by(&head.target) => {
                    Asked { head, length }
                }
                Next::Request(..) => return self.own_page().await,
            };
            match Box::pin(plain.serve(self.shared, self.recording, self.client, asked)).await {
                Some(client) => self.client = client,
                None => return,
            }
        }
    }

    async fn next_request(&mut self) -> Next {
        // Some clients say an empty line more than their content has.
        while self.client.peeked().iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            self.client.consume(usize::MAX);
            if !matches!(self.client.peek_more().await, Ok(1..)) {
                return Next::Nothing;
            }
        }
        match timeout(self.shared.settings.limits.first_head, self.rest_of_head()).await {
            Ok(first) => first,
            Err(_) => Next::Failed(self.failure(Side::Client, FailureKind::TimedOut, Vec::new())),
        }
    }

    async fn rest_of_head(&mut self) -> Next {
        loop {
            match read_request_head(self.client.peeked()) {
                HeadParse::Complete(head, length) => return Next::Request(head, length),
                HeadParse::Bad(trouble) => return Next::Failed(self.bad_head(trouble)),
                HeadParse::Partial if self.client.peeked().len() > HEAD_LIMIT => {
                    return Next::Failed(self.failure(Side::Client, FailureKind::HeadTooLarge, Vec::new()));
                }
                HeadParse::Partial => {}
            }
            let end = match self.client.peek_more().await {
                Ok(0) => End::Clean,
                Ok(_) => continue,
                Err(error) => end_of(&error),
            };
            let what = match end {
                End::Clean | End::Cut => "the client closed its connection within a request",
                End::Reset => "the client reset its connection within a request",
            };
            return Next::Failed(self.failure(Side::Client, FailureKind::Truncated, vec![what.to_owned()]));
        }
    }

    fn bad_head(&self, trouble: Trouble) -> Failure {
        let kind = match trouble {
            Trouble::HeadTooLarge | Trouble::TooManyFields => FailureKind::HeadTooLarge,
            _ => FailureKind::Malformed,
        };
        let is_tls = matches!(self.client.peeked(), [0x16, 0x03, ..]);
        let what = if is_tls {
            "TLS where a proxy request was expected: use http:// for the proxy's own URL"
        } else {
            trouble.as_str()
        };
        self.failure(Side::Client, kind, vec![what.to_owned()])
    }

    fn failure(&self, side: Side, kind: FailureKind, chain: Vec<String>) -> Failure {
        Failure { stage: Stage::Accept, side, kind, chain, os_code: None, at: self.recording.clock.now() }
    }

    /// Records a connection that never came to a request, and says why it is refused.
    async fn refuse_before_reading(mut self, failure: &Failure) {
        let target = Target::http(&self.listener.ip().to_string(), self.listener.port());
        let Some(id) = self.recording.open(&target, None) else { return };
        self.recording.refused(id, failure, &target);
        if failure.kind == FailureKind::Truncated {
            return;
        }
        // Whatever was sent, one well-formed request takes its place, so that the answer is always the same.
        self.client.replace_peeked(b"GET / HTTP/1.1\r\nHost: pulltap\r\n\r\n");
        self.answer(failure, &target).await;
    }

    async fn own_page(mut self) {
        let pages = Pages {
            help: self.shared.settings.help.as_ref(),
            authority: self.shared.leaves.authority(),
            listener: self.listener,
        };
        let serving = answer::serve_once(&mut self.client, |request| pages.answer(request));
        let _ = timeout(self.shared.settings.limits.first_head, serving).await;
    }

    async fn answer(mut self, failure: &Failure, target: &Target) {
        let answering = answer::refuse(&mut self.client, failure, target);
        let _ = timeout(self.shared.settings.limits.first_head, answering).await;
    }

    async fn connect(mut self, head: RequestHead, length: usize) {
        let authority = connect_authority(&head.target);
        let target = match &authority {
            Ok(target) => target.clone(),
            Err(_) => Target::https(&head.target, 443),
        };
        let Some(id) = self.recording.open(&target, None) else { return };
        self.recording.add(id, Happening::Request(head, Kept::All));
        self.recording.sink.pass_on();
        if let Err(what) = authority {
            let failure = self.failure(Side::Client, FailureKind::Malformed, vec![what.to_owned()]);
            return self.refuse_connect(id, &failure, &target).await;
        }
        self.client.consume(length);
        let Self { shared, recording, client, .. } = self;
        tunnel::serve(shared, recording, client, tunnel::Asked { id, target }).await;
    }

    async fn refuse_connect(mut self, id: ExchangeId, failure: &Failure, target: &Target) {
        self.recording.refused(id, failure, target);
        self.client.replace_peeked(b"CONNECT pulltap:443 HTTP/1.1\r\nHost: pulltap\r\n\r\n");
        self.answer(failure, target).await;
    }
}

/// The target of a CONNECT request: `host:port`, nothing else (RFC 9110, section 9.3.6).
fn connect_authority(text: &str) -> Result<Target, &'static str> {
    const FORM: &str = "CONNECT needs HOST:PORT, as in registry.example:443";
    let (host, port) = text.rsplit_once(':').ok_or(FORM)?;
    if port == "0" {
        return Err("port 0 cannot be connected to");
    }
    let port = port_number(port).ok_or(FORM)?;
    Ok(Target::https(absolute_form::host(host).ok_or(FORM)?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_authority_is_host_and_port_and_nothing_else() {
        assert_eq!(connect_authority("Reg.test:443"), Ok(Target::https("Reg.test", 443)));
        assert_eq!(connect_authority("[::1]:5000"), Ok(Target::https("::1", 5000)));
        for bad in [
            "",
            "a",
            ":443",
            "a:",
            "a:0",
            "a:99999",
            "a b:1",
            "u@a:1",
            "a/b:1",
            "::1:443",
            "[x]:1",
            "a:+1",
            "https://a:1",
        ] {
            assert!(connect_authority(bad).is_err(), "{bad}");
        }
    }
}
