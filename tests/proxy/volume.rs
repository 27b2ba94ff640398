//! Much, and many at once.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

use crate::support::scripted::PATIENCE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{Response, tls_tunnel};
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::record::exchanges;
use crate::support::scripted::scene::{HOST, Scene};
use crate::support::scripted::wire::{Ending, Wire};

const SIZE: usize = 64 << 20;
const PIECE: usize = 1 << 20;

/// Sends content that does not compress and never repeats, and gives its hash.
fn send_noise(wire: &mut Wire, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut hash = Context::new(&SHA256);
    let mut piece = vec![0; PIECE];
    for _ in 0..SIZE / PIECE {
        for word in piece.as_chunks_mut::<8>().0 {
            // xorshift64: fast enough without optimisation.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *word = state.to_le_bytes();
        }
        hash.update(&piece);
        wire.send(&piece);
    }
    hash.finish().as_ref().to_vec()
}

fn hash_received(wire: &mut Wire) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    wire.receive_pieces(SIZE, |piece| hash.update(piece));
    hash.finish().as_ref().to_vec()
}

#[test]
fn passes_large_bodies_unchanged_in_both_directions() {
    // Each body ends with its own hash, which the receiver compares with what it received.
    let length = SIZE + 32;
    let request = format!("PUT /up HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {length}\r\n\r\n");
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let printed = Scene::https().play(
        |client| {
            client.send(&request);
            let sent = send_noise(client, 1);
            client.send(&sent);
            client.expect(&response);
            let received = hash_received(client);
            client.expect(&received);
        },
        |server| {
            server.expect(&request);
            let received = hash_received(server);
            server.expect(&received);
            server.send(&response);
            let sent = send_noise(server, 2);
            server.send(&sent);
        },
    );
    assert!(exchanges(&printed)[0]["failure"].is_null(), "{printed:?}");
}

#[test]
fn serves_a_hundred_clients_at_once() {
    let authority = Authority::new();
    let origin = Origin::tls(&ServerTls::new(authority.identity(&[HOST])), |server| {
        for _ in 0..3 {
            let head = server.receive_head();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            server.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()));
        }
    });
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    #[cfg(target_os = "linux")]
    let before = pulltap.open_descriptors();
    thread::scope(|scope| {
        for client in 0..100 {
            let pulltap = &pulltap;
            scope.spawn(move || {
                let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
                for turn in 0..3 {
                    wire.send(format!("GET /{client}/{turn} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
                    assert_eq!(Response::receive(&mut wire).body, format!("/{client}/{turn}"));
                }
                wire.conclude();
            });
        }
    });
    #[cfg(target_os = "linux")]
    pulltap.assert_closes_all_but(before);
    for client in [0, 50, 99] {
        pulltap.exchange("GET", &format!("https://registry.test/{client}/2"));
    }
    let printed = pulltap.conclude();
    assert_eq!(exchanges(&printed).len(), 300);
    assert_eq!(origin.accepted(), 100, "one upstream connection for each client's");
}

/// What the proxy and the sockets of both sides hold may be some MiB, not a layer of an image.
#[test]
fn a_client_that_does_not_read_holds_the_server_back() {
    const MOST: usize = 48 << 20;
    let authority = Authority::new();
    let (sent, was_sent) = mpsc::sync_channel(1);
    let origin = Origin::tls(&ServerTls::new(authority.identity(&[HOST])), move |server| {
        server.receive_head();
        server.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        server.write_at_most(Duration::from_millis(500));
        let piece = vec![7; 64 * 1024];
        let mut count = 0;
        while count < MOST && server.try_send(&piece).is_ok() {
            count += piece.len();
        }
        sent.send(count).unwrap();
        server.end(Ending::Reset);
    });
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    wire.send(format!("GET /large HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
    let count = was_sent.recv_timeout(PATIENCE).expect("the server is held back");
    assert!(count < MOST, "{count} bytes went somewhere");
    wire.end(Ending::Reset);
    pulltap.conclude();
}

#[test]
fn a_connection_serves_a_thousand_requests() {
    let request = format!("GET /many HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmany";
    let printed = Scene::https().play(
        |client| {
            for _ in 0..1000 {
                client.send(&request);
                client.expect(response);
            }
        },
        |server| {
            for _ in 0..1000 {
                server.expect(&request);
                server.send(response);
            }
        },
    );
    assert_eq!(exchanges(&printed).len(), 1000);
}
