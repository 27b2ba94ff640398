//! Plays a conversation without a proxy and then through pulltap, and holds that both sides saw the same.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConnection;
use serde_json::Value;

use super::PATIENCE;
use super::authority::Authority;
use super::client::{ClientTls, connect_head};
use super::difference::difference;
use super::meeting::Meeting;
use super::origin::ServerTls;
use super::proxy::{Proxy, Setup};
use super::wire::{Seen, Wire};

/// The server's name where a scene does not care.
pub const HOST: &str = "registry.test";

/// How the bytes of the client's ClientHello reach the proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// After the answer to the CONNECT, in one write.
    Whole,
    /// After the answer to the CONNECT, byte by byte.
    Bytewise,
    /// Together with the CONNECT, before any answer.
    WithConnect,
}

/// A client, a server, and how they speak with each other.
pub struct Scene {
    authority: Authority,
    client: Option<ClientTls>,
    server: Option<ServerTls>,
    host: String,
    greeting: Greeting,
    arguments: Vec<String>,
    is_opaque: bool,
}

impl Scene {
    /// Both sides speak TLS, as Go would: the host's name sent, no ALPN.
    pub fn https() -> Self {
        Self::https_to(HOST)
    }

    /// The same with another name or IP address for the server.
    pub fn https_to(host: &str) -> Self {
        let authority = Authority::new();
        let server = ServerTls::new(authority.identity(&[host]));
        let client = ClientTls::new(host, &[authority.der()]);
        Self { client: Some(client), server: Some(server), ..Self::without_tls(authority, host) }
    }

    /// Bare bytes inside the CONNECT.
    pub fn bare() -> Self {
        Self::without_tls(Authority::new(), HOST)
    }

    fn without_tls(authority: Authority, host: &str) -> Self {
        Self {
            authority,
            client: None,
            server: None,
            host: host.to_owned(),
            greeting: Greeting::Whole,
            arguments: Vec::new(),
            is_opaque: false,
        }
    }

    /// Changes how the client speaks TLS.
    pub fn with_client(mut self, change: impl FnOnce(&mut ClientTls)) -> Self {
        change(self.client.as_mut().expect("a scene with TLS"));
        self
    }

    /// Changes how the server speaks TLS; the authority signs what it needs.
    pub fn with_server(mut self, change: impl FnOnce(&mut ServerTls, &Authority)) -> Self {
        change(self.server.as_mut().expect("a scene with TLS"), &self.authority);
        self
    }

    /// Sends the ClientHello in another way.
    pub fn greeting(mut self, greeting: Greeting) -> Self {
        self.greeting = greeting;
        self
    }

    /// Starts pulltap with these arguments too, which make it pass this connection through.
    pub fn passed_through_by(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(ToString::to_string).collect();
        self.is_opaque = true;
        self
    }

    /// Plays both scripts without and with pulltap, compares what they saw, and gives what pulltap printed.
    #[track_caller]
    pub fn play(
        &self,
        client: impl Fn(&mut Wire) + Send + Sync,
        server: impl Fn(&mut Wire) + Send + Sync,
    ) -> Vec<Value> {
        let (direct_client, direct_server) = self.perform(&client, &server, |address| self.reach_directly(address));
        let mut pulltap = None;
        let (client_saw, server_saw) = self.perform(&client, &server, |address| {
            let (port, host) = (address.port(), &self.host);
            let mut setup = Setup::trusting(&self.authority);
            if host.parse::<std::net::IpAddr>().is_err() {
                setup = setup.resolving(host, port, address);
            }
            let running = self.arguments.iter().fold(setup, |setup, argument| setup.arg(argument)).start();
            let wire = self.reach_through(&running, port);
            pulltap = Some(running);
            wire
        });
        assert_same("the client", &client_saw, &direct_client);
        assert_same("the server", &server_saw, &direct_server);
        pulltap.expect("started").conclude()
    }

    /// Plays both scripts without pulltap only.
    #[track_caller]
    pub fn rehearse(&self, client: impl Fn(&mut Wire) + Send + Sync, server: impl Fn(&mut Wire) + Send + Sync) {
        self.perform(&client, &server, |address| self.reach_directly(address));
    }

    #[track_caller]
    fn perform(
        &self,
        client: &(impl Fn(&mut Wire) + Send + Sync),
        server: &(impl Fn(&mut Wire) + Send + Sync),
        reach: impl FnOnce(SocketAddr) -> Wire,
    ) -> (Seen, Seen) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (clients, servers) = Meeting::new();
        thread::scope(|scope| {
            let server = scope.spawn(|| {
                let mut wire = self.accept(&listener);
                wire.attend(servers);
                server(&mut wire);
                wire.conclude()
            });
            let mut wire = reach(address);
            wire.attend(clients);
            client(&mut wire);
            let client_saw = wire.conclude();
            let server_saw = server.join().unwrap_or_else(|panic| resume_unwind(panic));
            assert!(accept_within(Duration::ZERO, &listener).is_none(), "the proxy made a second connection");
            (client_saw, server_saw)
        })
    }

    fn accept(&self, listener: &TcpListener) -> Wire {
        let mut wire = Wire::over(accept_within(PATIENCE, listener).expect("somebody connects"));
        if let Some(tls) = &self.server {
            wire.start_tls(ServerConnection::new(tls.config()).unwrap()).expect("the server's TLS handshake");
        }
        wire
    }

    fn reach_directly(&self, address: SocketAddr) -> Wire {
        let mut wire = Wire::connect(address);
        if let Some(tls) = &self.client {
            wire.start_tls(tls.connection()).expect("the client's TLS handshake");
        }
        wire
    }

    fn reach_through(&self, pulltap: &Proxy, port: u16) -> Wire {
        let mut wire = Wire::connect(pulltap.address());
        let mut head = connect_head(&format!("{}:{port}", self.host)).into_bytes();
        let mut hello = self.client.as_ref().map(|tls| self.trusting(tls, pulltap).connection());
        if self.greeting == Greeting::WithConnect {
            hello.as_mut().expect("TLS").write_tls(&mut head).unwrap();
        }
        wire.send(head);
        let answer = wire.receive_head();
        assert!(answer.starts_with("HTTP/1.1 200 "), "the proxy said: {answer}");
        wire.forget();
        if let Some(connection) = hello {
            if self.greeting == Greeting::Bytewise {
                wire.write_handshake_bytewise();
            }
            wire.start_tls(connection).expect("the client's TLS handshake through the proxy");
        }
        wire
    }

    /// The client's TLS, with nothing trusted but what it must meet: pulltap's root, or the server's where that passes.
    fn trusting(&self, tls: &ClientTls, pulltap: &Proxy) -> ClientTls {
        let root = if self.is_opaque { self.authority.der() } else { pulltap.ca() };
        ClientTls { trusted: vec![root], ..tls.clone() }
    }
}

/// The next connection, if one comes in time; a scene whose client never arrives must end too.
pub fn accept_within(limit: Duration, listener: &TcpListener) -> Option<TcpStream> {
    let start = Instant::now();
    listener.set_nonblocking(true).unwrap();
    loop {
        if let Ok((socket, _)) = listener.accept() {
            socket.set_nonblocking(false).unwrap();
            return Some(socket);
        }
        if start.elapsed() >= limit {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[track_caller]
fn assert_same(who: &str, through: &Seen, direct: &Seen) {
    let what = format!("what {who} saw through pulltap, against without it");
    assert!(through.bytes == direct.bytes, "{}", difference(&what, &through.bytes, &direct.bytes));
    assert_eq!(through.ending, direct.ending, "how the other side ended for {who}, through pulltap and without it");
}

/// Proves that a scene would notice what it is there to notice.
#[test]
#[should_panic(expected = "received: differs at byte 5")]
fn notices_a_wrong_byte() {
    Scene::bare().rehearse(|client| client.send("GET / HTTP/1.1"), |server| server.expect("GET /x HTTP/1.1"));
}
