//! Time limits: each is proved by waiting for it, all of them at once.

use std::io::Read;
use std::net::TcpListener;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::scripted::PATIENCE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{Response, connect_head, tls_tunnel, tunnel};
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::record::assert_failure;
use crate::support::scripted::scene::HOST;
use crate::support::scripted::stalled::Stalled;
use crate::support::scripted::wire::{Ending, Wire};

const REQUEST: &str = "GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n";
const URL: &str = "https://registry.test/v2/";

/// docker's own limit for a TLS handshake: whoever waits longer does not hear the reason.
const DOCKER_TLS: Duration = Duration::from_secs(10);

#[test]
fn everything_that_stalls_ends_in_time_and_with_a_reason() {
    thread::scope(|scope| {
        let all: [(&str, fn()); 6] = [
            ("connect", a_stalled_connect),
            ("upstream TLS", a_stalled_handshake_of_the_server),
            ("first request", a_first_request_that_stops),
            ("ClientHello", a_client_hello_that_stops),
            ("one byte", a_first_byte_that_could_become_anything),
            ("goodbye", a_client_that_said_goodbye_and_is_gone),
        ];
        let running = all.map(|(name, test)| (name, scope.spawn(test)));
        for (name, test) in running {
            assert!(test.join().is_ok(), "the limit: {name}");
        }
    });
}

fn a_stalled_connect() {
    let stalled = Stalled::new();
    let pulltap = Setup::trusting(&Authority::new()).resolving(HOST, 443, stalled.address()).start();
    let start = Instant::now();
    let mut wire = Wire::connect(pulltap.address());
    wire.wait_at_most(Duration::from_secs(12));
    wire.send(connect_head("registry.test:443"));
    let response = Response::receive(&mut wire);
    let line = "HTTP/1.1 504 pulltap: registry.test:443 did not answer: connecting took too long";
    assert_eq!(response.status_line(), line);
    assert_between(7.5, start.elapsed(), 9.5);
    wire.conclude();
    let exchange = pulltap.exchange("CONNECT", "https://registry.test:443/");
    assert_failure(&exchange, ("connect", "origin", "timed-out"));
    pulltap.conclude();
}

fn a_stalled_handshake_of_the_server() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let pulltap = Setup::trusting(&Authority::new()).resolving(HOST, 443, silent.local_addr().unwrap()).start();
    let mut wire = tunnel(pulltap.address(), "registry.test:443");
    wire.wait_at_most(Duration::from_secs(12));
    let start = Instant::now();
    wire.start_tls(pulltap.client(HOST).connection()).unwrap();
    wire.send(REQUEST);
    let response = Response::receive(&mut wire);
    assert!(start.elapsed() < DOCKER_TLS, "{:?}", start.elapsed());
    let line = "HTTP/1.1 504 pulltap: the TLS handshake with registry.test:443 took too long";
    assert_eq!(response.status_line(), line);
    wire.conclude();
    assert_failure(&pulltap.exchange("GET", URL), ("upstream-tls", "origin", "timed-out"));
    pulltap.conclude();
}

fn a_first_request_that_stops() {
    let pulltap = Setup::trusting(&Authority::new()).start();
    let start = Instant::now();
    let mut wire = Wire::connect(pulltap.address());
    wire.wait_at_most(Duration::from_secs(20));
    wire.send("CONNECT registry.test:443 HTTP/1.1\r\nHost: regi");
    let response = Response::receive(&mut wire);
    assert_eq!(response.status_line(), "HTTP/1.1 408 pulltap: the request did not arrive in time");
    assert_between(5.0, start.elapsed(), 18.0);
    wire.conclude();
    assert_failure(&pulltap.failed_at("accept", PATIENCE), ("accept", "client", "timed-out"));
    pulltap.conclude();
}

fn a_client_hello_that_stops() {
    let authority = Authority::new();
    let origin = Origin::healthy(&authority, HOST);
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let mut wire = tunnel(pulltap.address(), "registry.test:443");
    let mut hello = Vec::new();
    pulltap.client(HOST).connection().write_tls(&mut hello).unwrap();
    wire.send(&hello[..hello.len() - 1]);
    let exchange = pulltap.failed_at("client-tls", Duration::from_secs(15));
    assert_failure(&exchange, ("client-tls", "client", "timed-out"));
    pulltap.conclude();
}

/// One byte decides nothing; but whoever waits for the answer to one byte must get it.
fn a_first_byte_that_could_become_anything() {
    for first in [b"G", b"\x16"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pulltap = Setup::trusting(&Authority::new()).resolving(HOST, 443, listener.local_addr().unwrap()).start();
        let mut wire = tunnel(pulltap.address(), "registry.test:443");
        let (mut server, _) = listener.accept().unwrap();
        server.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        wire.send(first);
        let mut seen = [0];
        server.read_exact(&mut seen).expect("the byte arrives");
        assert_eq!(&seen, first);
        drop(server);
        wire.conclude();
        pulltap.conclude();
    }
}

/// A client that is gone looks just like one that only said its last word; a server that never answers would keep both
/// connections for ever.
fn a_client_that_said_goodbye_and_is_gone() {
    let authority = Authority::new();
    let (over, is_over) = mpsc::channel::<()>();
    let is_over = Mutex::new(is_over);
    let origin = Origin::tls(&ServerTls::new(authority.identity(&[HOST])), move |server| {
        server.expect(REQUEST);
        server.expect_end(Ending::CloseNotify);
        // Says nothing and does not close: only the proxy can end this.
        let _ = is_over.lock().unwrap().recv();
    });
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    wire.send(REQUEST);
    wire.end(Ending::CloseNotify);
    drop(wire);
    let exchange: Value = pulltap.exchange_within(Duration::from_secs(15), "GET", URL);
    assert_failure(&exchange, ("await-head", "client", "gave-up"));
    drop(over);
    pulltap.conclude();
}

#[track_caller]
fn assert_between(least: f64, elapsed: Duration, most: f64) {
    let seconds = elapsed.as_secs_f64();
    assert!((least..most).contains(&seconds), "{seconds} s is not between {least} and {most}");
}
