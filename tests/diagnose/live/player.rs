//! Plays exchanges: each message is sent when the fixture has it, by a clock that the player moves.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::panic::resume_unwind;
use std::thread;

use pulltap::exchange::{ConnectionId, Exchange, ExchangeId, Failure, FailureKind, Moment, Scheme, Side, Stage};
use pulltap::store::Session;
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::bytes;
use super::servers::{Rig, Servers, fails, see_off};
use crate::diagnose::fixture::START;
use crate::support::false_clock::Clock;
use crate::support::scripted::PATIENCE;
use crate::support::scripted::client::ClientTls;
use crate::support::scripted::proxy::{Proxy, Setup};
use crate::support::scripted::wire::{Ending, Wire};

/// A capture of a fixture that was played.
pub struct Played {
    /// All exchanges of the capture.
    pub captured: Vec<Exchange>,
    /// What the fixture calls each; `CONNECT of 3` for one that the fixture does not mention.
    pub names: BTreeMap<ExchangeId, String>,
    /// The findings that were printed and not taken back, with their rules.
    pub printed: BTreeMap<String, String>,
}

/// Plays a fixture's exchanges.
pub fn play(rig: &Rig, exchanges: &[Exchange]) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("played.pulltap");
    let servers = Servers::of(exchanges, rig);
    let start = Moment::from_micros(START * 1_000_000);
    let clock = Clock::new(folder.path(), start.plus_micros(-10_000_000));
    let setup = Setup::trusting(&rig.authority).arg("--session").arg(session.to_str().unwrap());
    let setup = exchanges
        .iter()
        .filter(|exchange| exchange.tunnel.is_some())
        .fold(setup, |setup, exchange| setup.arg("--ignore").arg(&exchange.target.host));
    let setup = exchanges
        .iter()
        .filter_map(|exchange| exchange.client)
        .fold(setup, |setup, client| setup.arg("--allow").arg(&client.ip().to_string()));
    let pulltap = clock.under(servers.known_to(setup)).start();
    let mut player = Player { exchanges, clock, servers, pulltap, lines: BTreeMap::new(), connections: Vec::new() };
    for (at, index, step) in steps(exchanges) {
        player.take(at, index, step);
    }
    let Player { mut clock, mut pulltap, connections, .. } = player;
    clock.run();
    pulltap.signal("TERM");
    let printed = pulltap.ends_within(PATIENCE);
    let summary = printed.iter().find(|line| line["type"] == "summary").expect("a summary");
    assert_eq!(summary["lost"], 0, "{summary}");
    let captured: Vec<_> = Session::open(&session).unwrap().exchanges().collect::<Result<_, _>>().unwrap();
    let names = names(&captured, exchanges, &connections);
    Played { captured, names, printed: printed_findings(&printed) }
}

fn printed_findings(printed: &[Value]) -> BTreeMap<String, String> {
    let mut findings = BTreeMap::new();
    for line in printed {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        match text("type").as_str() {
            "finding" => drop(findings.insert(text("id"), text("rule"))),
            "retracted" => drop(findings.remove(&text("id"))),
            _ => {}
        }
    }
    findings
}

/// What happens to an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The client asks.
    Ask,
    /// The client has sent all.
    Sent,
    /// The server begins to answer.
    Head,
    /// It is over.
    End,
}

fn steps(exchanges: &[Exchange]) -> Vec<(Moment, usize, Step)> {
    let mut steps = Vec::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let timings = &exchange.timings;
        let mut add = |at: Option<Moment>, step| steps.extend(at.map(|at| (at, index, step)));
        add(Some(timings.opened), Step::Ask);
        if !exchange.is_connect() && !exchange.answered_by_us {
            add(timings.request_end, Step::Sent);
            add(timings.response_head, Step::Head);
        }
        add(timings.closed, Step::End);
    }
    steps.sort();
    steps
}

/// A client's connection, and the server's where there is one.
struct Line {
    client: Wire,
    server: Option<Wire>,
}

impl Line {
    fn server(&mut self) -> &mut Wire {
        self.server.as_mut().expect("a server")
    }

    /// The client leaves, and the server lets it go.
    fn leave(mut self, how: Ending) {
        self.client.end(how);
        if let Some(server) = self.server {
            see_off(server);
        }
        self.client.conclude();
    }
}

struct Player<'a> {
    exchanges: &'a [Exchange],
    clock: Clock,
    servers: Servers<'a>,
    pulltap: Proxy,
    /// By the index of the exchange that they are for.
    lines: BTreeMap<usize, Line>,
    /// The exchanges on each connection of a client, in the order in which they were opened.
    connections: Vec<Vec<usize>>,
}

impl Player<'_> {
    fn take(&mut self, at: Moment, index: usize, step: Step) {
        let exchange = &self.exchanges[index];
        match step {
            Step::Ask => self.ask(index),
            Step::Sent => {
                self.clock.move_to(at);
                let line = self.lines.get_mut(&index).expect("it was asked");
                let Line { client, server } = line;
                if let Some(server) = server {
                    transfer(client, server, &bytes::content(&exchange.request_body));
                }
            }
            Step::Head => {
                self.clock.move_to(at);
                let line = self.lines.get_mut(&index).expect("it was asked");
                line.server().send(bytes::response_head(exchange));
                line.client.receive_head();
            }
            Step::End => {
                self.clock.move_to(at);
                self.end(index);
            }
        }
    }

    fn ask(&mut self, index: usize) {
        let exchange = &self.exchanges[index];
        let mut line = self.reach(index);
        if !exchange.is_connect() {
            self.clock.move_to(exchange.timings.opened);
            line.client.send(bytes::request_head(exchange));
            if exchange.target.scheme == Scheme::Http && !Servers::is_out_of_reach(exchange) {
                line.server = self.servers.accept(exchange);
            }
            let is_heard = !fails(exchange, Stage::AwaitHead, &FailureKind::ClientCertificateWanted);
            if let Some(server) = line.server.as_mut().filter(|_| is_heard) {
                server.receive_head();
            }
        }
        self.lines.insert(index, line);
    }

    /// Opens the connection for an exchange, through its tunnel to the server where it has one.
    fn reach(&mut self, index: usize) -> Line {
        let exchange = &self.exchanges[index];
        if let Some(connect) = exchange.connect {
            let tunnel = self.exchanges.iter().position(|other| other.id == connect).expect("its CONNECT");
            self.connections.iter_mut().find(|all| all.contains(&tunnel)).expect("its connection").push(index);
            return self.lines.remove(&tunnel).expect("an open tunnel");
        }
        self.servers.prepare(exchange);
        let mut client = connect(exchange, self.pulltap.address());
        self.connections.push(vec![index]);
        if exchange.target.scheme == Scheme::Http {
            return Line { client, server: None };
        }
        if exchange.is_connect() {
            self.clock.move_to(exchange.timings.opened);
        }
        client.send(bytes::connect_head(exchange));
        if Servers::is_out_of_reach(exchange) {
            self.servers.await_attempt(exchange);
            return Line { client, server: None };
        }
        let in_tunnel = |other: &&Exchange| other.connect == Some(exchange.id);
        let fails_in_tls =
            |other: &&Exchange| other.failure.as_ref().is_some_and(|failure| failure.stage == Stage::UpstreamTls);
        let exchange = self.exchanges.iter().filter(in_tunnel).find(fails_in_tls).unwrap_or(exchange);
        let (servers, pulltap) = (&self.servers, &self.pulltap);
        let server = thread::scope(|scope| {
            let accepted = scope.spawn(|| servers.accept(exchange));
            open_tunnel(&mut client, exchange, pulltap);
            accepted.join().unwrap_or_else(|panic| resume_unwind(panic))
        });
        Line { client, server }
    }

    fn end(&mut self, index: usize) {
        let exchange = &self.exchanges[index];
        if self.exchanges.iter().any(|other| other.connect == Some(exchange.id)) {
            return;
        }
        let Some(line) = self.lines.remove(&index) else { return };
        let is_encrypted =
            exchange.target.scheme == Scheme::Https && !(exchange.is_connect() && exchange.answered_by_us);
        let polite = if is_encrypted { Ending::CloseNotify } else { Ending::Fin };
        match &exchange.failure {
            Some(failure) if failure.side == Side::Client => client_leaves(line, failure),
            Some(failure) => self.fail(line, exchange, (failure, polite)),
            None if exchange.is_connect() => line.leave(if exchange.tunnel.is_some() { Ending::Fin } else { polite }),
            None => answer(line, exchange, polite),
        }
    }

    /// Lets the time limit pass that ends this exchange, which pulltap's timers, asleep by the old time, have to be told.
    fn pass_limit(&mut self, exchange: &Exchange) {
        self.clock.move_to(exchange.timings.closed.expect("an end").plus_micros(100_000));
        drop(TcpStream::connect(self.pulltap.address()));
    }

    /// Something else than the client ends the exchange.
    fn fail(&mut self, mut line: Line, exchange: &Exchange, (failure, polite): (&Failure, Ending)) {
        match (failure.stage, &failure.kind) {
            (Stage::AwaitHead, FailureKind::Reset) => {
                line.server().end(Ending::Reset);
                line.client.expect_end(Ending::Reset);
            }
            (Stage::ReadBody, FailureKind::Truncated) => {
                transfer(line.server.as_mut().unwrap(), &mut line.client, &bytes::content(&exchange.response_body));
                line.server().end(Ending::Fin);
                line.client.receive_to_end();
            }
            (Stage::AwaitHead, FailureKind::ClientCertificateWanted) => {
                line.server().finish_tls().expect_err("a client without a certificate");
                line.server = None;
                line.client.receive_to_end();
            }
            (Stage::UpstreamTls, FailureKind::TimedOut) => {
                self.pass_limit(exchange);
                line.client.finish_tls().expect("the client's handshake");
                line.leave(Ending::CloseNotify);
            }
            (Stage::ParentProxy | Stage::ClientTls, _) => line.leave(Ending::Fin),
            (_, kind) => {
                if *kind == FailureKind::TimedOut {
                    self.pass_limit(exchange);
                }
                line.client.receive_head();
                line.leave(polite);
            }
        }
    }
}

fn client_leaves(line: Line, failure: &Failure) {
    let is_encrypted = matches!(failure.stage, Stage::AwaitHead | Stage::ReadBody);
    if failure.stage != Stage::ClientTls {
        line.leave(if is_encrypted { Ending::CloseNotify } else { Ending::Fin });
    }
}

/// The rest of an answer, and the end of both connections.
fn answer(mut line: Line, exchange: &Exchange, polite: Ending) {
    let Line { client, server } = &mut line;
    let server = server.as_mut().expect("a server");
    if exchange.method() != Some("HEAD") {
        transfer(server, client, &bytes::content(&exchange.response_body));
    }
    server.end(polite);
    client.expect_end(polite);
    line.client.conclude();
    line.server.unwrap().conclude();
}

/// What follows the CONNECT until both ends could speak.
fn open_tunnel(client: &mut Wire, exchange: &Exchange, pulltap: &Proxy) {
    let failure = exchange.failure.as_ref();
    let answer = client.receive_head();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") || failure.is_some_and(|failure| failure.side == Side::ParentProxy),
        "pulltap said: {answer}"
    );
    if exchange.tunnel.is_some() || !answer.starts_with("HTTP/1.1 200 ") {
        return;
    }
    let tls = ClientTls { time: Some(START.unsigned_abs()), ..pulltap.client(&exchange.target.host) };
    let kind = failure.map(|failure| (failure.stage, &failure.kind));
    match kind {
        Some((Stage::ClientTls, FailureKind::TlsNothingInCommon)) => client.send(bytes::old_hello(0x302)),
        Some((Stage::ClientTls, _)) => {
            let strict = ClientTls { name: "other.test".to_owned(), sends_name: false, ..tls };
            client.start_tls(strict.connection()).expect_err("a certificate for another name");
        }
        Some((Stage::UpstreamTls, FailureKind::TimedOut)) => client.greet(tls.connection()),
        Some((Stage::UpstreamTls, FailureKind::NotTls | FailureKind::GaveUp)) => {
            let mut hello = Vec::new();
            tls.connection().write_tls(&mut hello).unwrap();
            client.send(hello);
        }
        _ => client.start_tls(tls.connection()).expect("the client's handshake"),
    }
}

fn connect(exchange: &Exchange, pulltap: SocketAddr) -> Wire {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own = exchange.client.map_or(IpAddr::from([127, 0, 0, 1]), |address| address.ip());
    socket.bind(&SocketAddr::from((own, 0)).into()).unwrap();
    socket.connect_timeout(&pulltap.into(), PATIENCE).unwrap();
    Wire::over(TcpStream::from(socket))
}

fn transfer(from: &mut Wire, to: &mut Wire, content: &[u8]) {
    thread::scope(|scope| {
        scope.spawn(|| from.send(content));
        to.receive_pieces(content.len(), |_| {});
    });
}

/// What the fixture calls the exchanges of the capture: those of one connection come in the fixture's order, and only the
/// CONNECT before them may be one that the fixture does not mention.
fn names(captured: &[Exchange], exchanges: &[Exchange], connections: &[Vec<usize>]) -> BTreeMap<ExchangeId, String> {
    let mut seen: BTreeMap<ConnectionId, Vec<ExchangeId>> = BTreeMap::new();
    for exchange in captured {
        seen.entry(exchange.connection.expect("a connection")).or_default().push(exchange.id);
    }
    assert_eq!(seen.len(), connections.len(), "connections with exchanges in {captured:#?}");
    let mut names = BTreeMap::new();
    for (seen, played) in seen.into_values().zip(connections) {
        let played: Vec<_> = played.iter().map(|index| exchanges[*index].id).collect();
        let unmentioned = seen.len().checked_sub(played.len()).filter(|count| *count <= 1);
        let unmentioned = unmentioned.unwrap_or_else(|| panic!("{seen:?} were captured of {played:?}: {captured:#?}"));
        names.extend(seen[..unmentioned].iter().map(|id| (*id, format!("CONNECT of {}", played[0]))));
        names.extend(seen[unmentioned..].iter().zip(played).map(|(id, played)| (*id, played.to_string())));
    }
    names
}
