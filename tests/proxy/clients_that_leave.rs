//! Clients that leave before they are served: the record says what they were waiting for.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use crate::support::scripted::PATIENCE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{connect_head, tls_tunnel, tunnel};
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::{Proxy, Setup};
use crate::support::scripted::record::assert_failure;
use crate::support::scripted::scene::HOST;
#[cfg(unix)]
use crate::support::scripted::stalled::Stalled;
use crate::support::scripted::wire::{Ending, Wire};

const CONNECT: &str = "https://registry.test:443/";
const REQUEST: &str = "GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n";
const URL: &str = "https://registry.test/v2/";

#[test]
fn within_the_connect_request() {
    let pulltap = Setup::trusting(&Authority::new()).start();
    for how in [Ending::Fin, Ending::Reset] {
        let mut wire = Wire::connect(pulltap.address());
        wire.send("CONNECT registry.te");
        wire.end(how);
        wire.conclude();
    }
    pulltap.conclude();
}

#[test]
fn before_the_first_byte_which_is_no_exchange() {
    let pulltap = Setup::trusting(&Authority::new()).start();
    Wire::connect(pulltap.address()).conclude();
    let printed = pulltap.conclude();
    let is_other = |line: &&serde_json::Value| line["type"] == "exchange" && !line.to_string().contains("well.test");
    assert_eq!(printed.iter().filter(is_other).count(), 0, "{printed:?}");
}

#[cfg(unix)]
#[test]
fn while_the_server_is_dialled() {
    for how in [Ending::Fin, Ending::Reset] {
        let stalled = Stalled::new();
        let pulltap = Setup::trusting(&Authority::new()).resolving(HOST, 443, stalled.address()).start();
        let mut wire = Wire::connect(pulltap.address());
        wire.send(connect_head("registry.test:443"));
        wire.end(how);
        assert_failure(&pulltap.exchange("CONNECT", CONNECT), ("connect", "client", "gave-up"));
        pulltap.conclude();
    }
}

#[test]
fn while_the_server_shakes_hands() {
    for how in [Ending::Fin, Ending::Reset] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let pulltap = Setup::trusting(&Authority::new()).resolving(HOST, 443, silent.local_addr().unwrap()).start();
        let mut wire = tunnel(pulltap.address(), "registry.test:443");
        let (mut server, _) = silent.accept().unwrap();
        let mut hello = Vec::new();
        pulltap.client(HOST).connection().write_tls(&mut hello).unwrap();
        wire.send(hello);
        std::io::Read::read_exact(&mut server, &mut [0; 5]).expect("the proxy's ClientHello");
        wire.end(how);
        assert_failure(&pulltap.exchange("CONNECT", CONNECT), ("upstream-tls", "client", "gave-up"));
        pulltap.conclude();
    }
}

#[test]
fn in_the_middle_of_their_client_hello() {
    let authority = Authority::new();
    let origin = Origin::healthy(&authority, HOST);
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let mut wire = tunnel(pulltap.address(), "registry.test:443");
    let mut hello = Vec::new();
    pulltap.client(HOST).connection().write_tls(&mut hello).unwrap();
    wire.send(&hello[..hello.len() / 2]);
    wire.end(Ending::Fin);
    assert_failure(&pulltap.exchange("CONNECT", CONNECT), ("client-tls", "client", "gave-up"));
    pulltap.conclude();
}

#[test]
fn after_the_proxys_certificate_without_a_word() {
    let authority = Authority::new();
    let origin = Origin::healthy(&authority, HOST);
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    for (how, number) in [(Ending::Fin, 1), (Ending::Reset, 2)] {
        let mut wire = tunnel(pulltap.address(), "registry.test:443");
        let mut hello = Vec::new();
        pulltap.client(HOST).connection().write_tls(&mut hello).unwrap();
        wire.send(hello);
        wire.receive(300);
        wire.end(how);
        let exchange = pulltap.exchange_numbered(number);
        assert_failure(&exchange, ("client-tls", "client", "gave-up"));
    }
    pulltap.conclude();
}

/// A proxy before a server that reads the request, says so, sends this, and then waits for the client's end.
fn serving(answer: &'static [u8]) -> (Proxy, Origin, mpsc::Receiver<()>) {
    let authority = Authority::new();
    let (asked, is_asked) = mpsc::sync_channel(1);
    let origin = Origin::tls(&ServerTls::new(authority.identity(&[HOST])), move |server| {
        server.expect(REQUEST);
        server.send(answer);
        asked.send(()).unwrap();
        let (_, ending) = server.receive_to_end();
        // What a real server does with a client that is gone: close.
        server.end(if ending == Ending::Reset { Ending::Reset } else { Ending::Fin });
    });
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    (pulltap, origin, is_asked)
}

#[test]
fn while_they_wait_for_an_answer() {
    for how in [Ending::CloseNotify, Ending::Fin, Ending::Reset] {
        let (pulltap, _origin, is_asked) = serving(b"");
        let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
        wire.send(REQUEST);
        is_asked.recv().unwrap();
        wire.end(how);
        drop(wire);
        assert_failure(&pulltap.exchange("GET", URL), ("await-head", "client", "gave-up"));
        pulltap.conclude();
    }
}

#[test]
fn in_the_middle_of_a_body() {
    for how in [Ending::CloseNotify, Ending::Fin, Ending::Reset] {
        let (pulltap, _origin, is_asked) = serving(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
        let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
        wire.send(REQUEST);
        is_asked.recv().unwrap();
        wire.receive_head();
        wire.expect("part");
        wire.end(how);
        drop(wire);
        let exchange = pulltap.exchange("GET", URL);
        assert_eq!(exchange["status"], 200);
        assert_failure(&exchange, ("read-body", "client", "gave-up"));
        pulltap.conclude();
    }
}

#[test]
fn while_a_large_body_is_on_its_way() {
    let authority = Authority::new();
    let (gone, is_gone) = mpsc::sync_channel(1);
    let origin = Origin::tls(&ServerTls::new(authority.identity(&[HOST])), move |server| {
        server.expect(REQUEST);
        server.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        let piece = vec![7; 65536];
        while server.try_send(&piece).is_ok() {}
        gone.send(()).unwrap();
        server.end(Ending::Reset);
    });
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    wire.send(REQUEST);
    wire.receive_head();
    wire.receive(100_000);
    wire.end(Ending::Reset);
    is_gone.recv_timeout(PATIENCE).expect("the server learns that the client is gone");
    assert_failure(&pulltap.exchange("GET", URL), ("read-body", "client", "gave-up"));
    pulltap.conclude();
}

#[test]
fn all_at_once_in_every_phase() {
    let authority = Authority::new();
    let origin = Origin::healthy(&authority, HOST);
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let mut hello = Vec::new();
    pulltap.client(HOST).connection().write_tls(&mut hello).unwrap();
    let all = [connect_head("registry.test:443").as_bytes(), &hello].concat();
    #[cfg(target_os = "linux")]
    let before = pulltap.open_descriptors();
    thread::scope(|scope| {
        for part in 0..4 {
            let (all, pulltap) = (&all, &pulltap);
            scope.spawn(move || {
                for cut in (part..all.len()).step_by(16) {
                    let mut wire = Wire::connect(pulltap.address());
                    wire.send(&all[..cut]);
                    wire.end(if cut % 3 == 0 { Ending::Reset } else { Ending::Fin });
                }
            });
        }
    });
    #[cfg(target_os = "linux")]
    pulltap.assert_closes_all_but(before);
    pulltap.conclude();
}
