//! The servers of a fixture: one for each host and address, which listen or not, and speak TLS or not, as the fixture
//! goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use pulltap::exchange::{Exchange, FailureKind, Scheme, Side, Stage, Verdict};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection};

use super::bytes;
use crate::support::ran::eventually;
use crate::support::resolver;
use crate::support::scripted::PATIENCE;
use crate::support::scripted::authority::{Authority, Identity};
use crate::support::scripted::origin::ServerTls;
use crate::support::scripted::proxy::{Setup, WELL};
use crate::support::scripted::scene::accept_within;
use crate::support::scripted::stalled::Stalled;
use crate::support::scripted::wire::{Ending, Wire};
use crate::support::world::World;

/// Where a server is whose address the fixture does not say: not on this machine, not in a private network.
const SOMEWHERE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// An address to which no route leads from a private world.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// Addresses that fixtures name.
const NAMED: [&str; 6] = ["192.0.2.1", "192.0.2.2", "192.0.2.7", "20.62.128.32", "20.150.2.4", "10.1.0.4"];

/// What all fixtures share.
pub struct Rig {
    /// Who signs the servers' certificates.
    pub authority: Authority,
}

impl Rig {
    /// A rig in this world, which has all addresses that fixtures name.
    pub fn new(world: &World) -> Self {
        resolver::start(world);
        World::add_address(SOMEWHERE);
        for address in NAMED {
            World::add_address(address.parse().unwrap());
        }
        Self { authority: Authority::new() }
    }
}

/// A server by what it is reached with.
type Name = (String, u16, IpAddr);

/// The servers of one fixture.
pub struct Servers<'a> {
    rig: &'a Rig,
    hosts: Vec<String>,
    tls: Arc<ServerConfig>,
    places: BTreeMap<Name, Place>,
    parent: Option<Place>,
}

/// An address, and what is there.
struct Place {
    address: SocketAddr,
    there: There,
}

enum There {
    Listener(TcpListener),
    Stalled { _queue: Stalled },
    Nobody,
}

impl Place {
    fn of(exchange: &Exchange, address: IpAddr) -> Self {
        if is_stalled(exchange) {
            let stalled = Stalled::at(address);
            Self { address: stalled.address(), there: There::Stalled { _queue: stalled } }
        } else if address == NOWHERE {
            Self { address: (address, 443).into(), there: There::Nobody }
        } else {
            Self::listening(address)
        }
    }

    fn listening(address: IpAddr) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        Self { address: listener.local_addr().unwrap(), there: There::Listener(listener) }
    }

    fn listen(&mut self, does: bool) {
        match &self.there {
            There::Nobody if does && self.address.ip() != NOWHERE => {
                self.there = There::Listener(TcpListener::bind(self.address).unwrap());
            }
            There::Listener(listener) if !does => {
                // Closing is not enough: a process that is just being started may hold a copy for a moment.
                socket2::SockRef::from(listener).shutdown(Shutdown::Both).unwrap();
                self.there = There::Nobody;
            }
            _ => {}
        }
    }

    fn accept(&self) -> TcpStream {
        let There::Listener(listener) = &self.there else { panic!("nobody listens at {}", self.address) };
        accept_within(PATIENCE, listener).expect("somebody connects")
    }
}

impl<'a> Servers<'a> {
    /// The servers that these exchanges need.
    pub fn of(exchanges: &[Exchange], rig: &'a Rig) -> Self {
        let mut places = BTreeMap::new();
        for exchange in exchanges.iter().filter(|exchange| !is_unresolved(exchange)) {
            let name = name_of(exchange);
            let address = name.2;
            places.entry(name).or_insert_with(|| Place::of(exchange, address));
        }
        let hosts: BTreeSet<_> = exchanges.iter().map(|exchange| exchange.target.host.clone()).collect();
        let hosts: Vec<_> = hosts.into_iter().collect();
        let is_through_parent = |exchange: &Exchange| {
            fails_at_parent(exchange)
                || exchange.upstream.as_ref().is_some_and(|upstream| upstream.parent_proxy.is_some())
        };
        let needs_parent = exchanges.iter().any(is_through_parent);
        let parent = needs_parent.then(|| Place::listening(Ipv4Addr::LOCALHOST.into()));
        Self { rig, tls: ServerTls::new(identity(&rig.authority, &hosts)).config(), hosts, places, parent }
    }

    /// Lets pulltap find them.
    pub fn known_to(&self, setup: Setup) -> Setup {
        let setup = match &self.parent {
            Some(parent) => {
                setup.variable("ALL_PROXY", &format!("http://{}", parent.address)).variable("NO_PROXY", WELL)
            }
            None => setup,
        };
        self.places.iter().fold(setup, |setup, ((host, port, _), place)| setup.resolving(host, *port, place.address))
    }

    /// Has only those listen that do while this exchange begins.
    pub fn prepare(&mut self, exchange: &Exchange) {
        let name = name_of(exchange);
        for ((host, port, address), place) in &mut self.places {
            if (host, *port) == (&name.0, name.1) {
                place.listen(*address == name.2 && !fails(exchange, Stage::Connect, &FailureKind::Refused));
            }
        }
        if let Some(parent) = &mut self.parent {
            parent.listen(!fails(exchange, Stage::Connect, &FailureKind::Refused));
        }
    }

    /// Whether nobody will accept the connection for this exchange.
    pub fn is_out_of_reach(exchange: &Exchange) -> bool {
        let failure = exchange.failure.as_ref();
        failure.is_some_and(|failure| matches!(failure.stage, Stage::Resolve | Stage::Connect))
    }

    /// Waits until pulltap tries to connect for this exchange, where nobody will answer.
    pub fn await_attempt(&self, exchange: &Exchange) {
        let Some(Place { address: SocketAddr::V4(address), there: There::Stalled { .. } }) =
            self.places.get(&name_of(exchange))
        else {
            return;
        };
        // As the kernel writes it: the address's bytes in the order of this machine; 02 is SYN-SENT.
        let (ip, port) = (u32::from_ne_bytes(address.ip().octets()), address.port());
        let attempt = format!(" {ip:08X}:{port:04X} 02 ");
        eventually("pulltap connects", PATIENCE, || {
            fs::read_to_string("/proc/self/net/tcp").unwrap().contains(&attempt).then_some(())
        });
    }

    /// Accepts the connection that is made for this exchange, and conducts its beginning; gives it where it goes on.
    pub fn accept(&self, exchange: &Exchange) -> Option<Wire> {
        let mut wire = Wire::over(match &self.parent {
            Some(parent) => parent.accept(),
            None => self.places[&name_of(exchange)].accept(),
        });
        if self.parent.is_some() && exchange.target.scheme == Scheme::Https {
            wire.receive_head();
            if fails_at_parent(exchange) {
                wire.send(bytes::refusal(exchange));
                wire.conclude();
                return None;
            }
            wire.send("HTTP/1.1 200 Connection established\r\n\r\n");
        }
        if exchange.target.scheme == Scheme::Http || exchange.tunnel.is_some() {
            return Some(wire);
        }
        self.shake_hands(wire, exchange)
    }

    fn shake_hands(&self, mut wire: Wire, exchange: &Exchange) -> Option<Wire> {
        let asking = |versions| ServerTls {
            versions,
            asks_clients_for: Some(self.rig.authority.der()),
            ..ServerTls::new(identity(&self.rig.authority, &self.hosts))
        };
        if fails(exchange, Stage::AwaitHead, &FailureKind::ClientCertificateWanted) {
            // It looks at the client's certificate when it has been asked something.
            wire.answer_greeting(ServerConnection::new(asking(vec![&TLS13]).config()).unwrap());
            return Some(wire);
        }
        let failure = exchange.failure.as_ref().filter(|failure| failure.stage == Stage::UpstreamTls);
        let Some(failure) = failure else {
            let client_fails = exchange.failure.as_ref().is_some_and(|failure| failure.stage == Stage::ClientTls);
            let shaken = wire.start_tls(ServerConnection::new(Arc::clone(&self.tls)).unwrap());
            assert!(client_fails || shaken.is_ok(), "the server's handshake: {shaken:?}");
            return shaken.is_ok().then_some(wire);
        };
        let authority = &self.rig.authority;
        let config = match &failure.kind {
            FailureKind::Certificate(verdict) => match verdict {
                Verdict::WrongName => ServerTls::new(authority.identity(&["other.test"])),
                Verdict::UnknownIssuer => ServerTls::new(identity(&Authority::new(), &self.hosts)),
                Verdict::Expired => ServerTls::new(authority.expired_identity(&names(&self.hosts))),
                other => panic!("no server has a certificate that is {other:?}"),
            },
            FailureKind::ClientCertificateWanted => asking(vec![&TLS12]),
            // Not a word, until the client leaves.
            FailureKind::GaveUp | FailureKind::TimedOut => {
                wire.receive(1);
                return Some(wire);
            }
            kind => {
                break_off(wire.into_socket(), kind);
                return None;
            }
        };
        let shaken = wire.start_tls(ServerConnection::new(config.config()).unwrap());
        assert!(shaken.is_err(), "the handshake succeeds that should not");
        None
    }
}

/// Reads the ClientHello and ends the handshake in this way.
fn break_off(mut socket: TcpStream, kind: &FailureKind) {
    let mut record = [0; 5];
    socket.read_exact(&mut record).unwrap();
    let mut hello = vec![0; usize::from(u16::from_be_bytes([record[3], record[4]]))];
    socket.read_exact(&mut hello).unwrap();
    match kind {
        FailureKind::TlsAlert(alert) => socket.write_all(&[0x15, 3, 3, 0, 2, 2, *alert]).unwrap(),
        FailureKind::NotTls => socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap(),
        FailureKind::Reset => socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap(),
        other => panic!("no server ends a handshake by {other:?}"),
    }
}

fn identity(authority: &Authority, hosts: &[String]) -> Identity {
    authority.identity(&names(hosts))
}

fn names(hosts: &[String]) -> Vec<&str> {
    hosts.iter().map(String::as_str).collect()
}

/// Whether it fails so.
pub fn fails(exchange: &Exchange, stage: Stage, kind: &FailureKind) -> bool {
    exchange.failure.as_ref().is_some_and(|failure| failure.stage == stage && failure.kind == *kind)
}

/// Whether the name leads nowhere: then it is for the world's resolver to say so.
fn is_unresolved(exchange: &Exchange) -> bool {
    [FailureKind::NameNotFound, FailureKind::ResolverFailed].iter().any(|kind| fails(exchange, Stage::Resolve, kind))
}

fn fails_at_parent(exchange: &Exchange) -> bool {
    exchange.failure.as_ref().is_some_and(|failure| failure.side == Side::ParentProxy)
}

/// Whether connecting goes on until somebody has had enough.
fn is_stalled(exchange: &Exchange) -> bool {
    fails(exchange, Stage::Connect, &FailureKind::TimedOut) || fails(exchange, Stage::Connect, &FailureKind::GaveUp)
}

fn name_of(exchange: &Exchange) -> Name {
    let target = &exchange.target;
    let known = exchange.upstream.as_ref().filter(|upstream| upstream.parent_proxy.is_none());
    let known = known.and_then(|upstream| upstream.address).map(|address| address.ip());
    let default = if fails(exchange, Stage::Connect, &FailureKind::Unreachable) { NOWHERE } else { SOMEWHERE };
    (target.host.to_lowercase(), target.port, known.unwrap_or(default.into()))
}

/// Ends a server's side of a connection that the client has left.
pub fn see_off(mut wire: Wire) {
    let (_, ending) = wire.receive_to_end();
    if ending != Ending::Reset {
        wire.conclude();
    }
}
