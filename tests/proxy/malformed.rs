//! What no well-behaved client sends: answered clearly or dropped, never with a panic or a hang.

use std::thread;

use crate::support::scripted::PATIENCE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{Response, connect_head, header};
use crate::support::scripted::proxy::{Proxy, Setup};
use crate::support::scripted::record::{assert_failure, exchanges};
use crate::support::scripted::wire::{Ending, Wire};

fn proxy() -> Proxy {
    Setup::trusting(&Authority::new()).start()
}

/// Sends this and gets an answer, after which the proxy hangs up.
#[track_caller]
fn say(pulltap: &Proxy, bytes: impl AsRef<[u8]>) -> Response {
    let mut wire = Wire::connect(pulltap.address());
    wire.send(bytes);
    let response = Response::receive(&mut wire);
    let (rest, _) = wire.receive_to_end();
    assert!(rest.is_empty(), "after the answer: {}", rest.escape_ascii());
    response
}

#[test]
fn garbage_is_a_malformed_request() {
    let pulltap = proxy();
    for garbage in
        [b"\x00\x01\x02\x03\r\n\r\n".as_slice(), b"hello there\r\n\r\n", b"GET\r\n\r\n", b"\xff\xfe\xfd\r\n\r\n"]
    {
        let response = say(&pulltap, garbage);
        assert!(response.status_line().starts_with("HTTP/1.1 400 pulltap: malformed request"), "{}", response.head);
    }
    assert_failure(&pulltap.failed_at("accept", PATIENCE), ("accept", "client", "malformed"));
    pulltap.conclude();
}

#[test]
fn tls_to_the_proxy_port_is_told_to_use_http() {
    let pulltap = proxy();
    let mut hello = Vec::new();
    pulltap.client("registry.test").connection().write_tls(&mut hello).unwrap();
    let response = say(&pulltap, hello);
    assert!(response.status_line().contains("use http:// for the proxy's own URL"), "{}", response.head);
    pulltap.conclude();
}

#[test]
fn a_head_of_a_mebibyte_is_too_large() {
    let pulltap = proxy();
    let head = format!("CONNECT registry.test:443 HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let response = say(&pulltap, head);
    assert_eq!(response.status_line(), "HTTP/1.1 431 pulltap: the request's head is too large");
    assert_failure(&pulltap.failed_at("accept", PATIENCE), ("accept", "client", "head-too-large"));
    pulltap.conclude();
}

#[test]
fn a_request_line_without_end_is_too_large() {
    let pulltap = proxy();
    let response = say(&pulltap, format!("CONNECT {}", "a".repeat(1 << 20)));
    assert_eq!(response.status_line(), "HTTP/1.1 431 pulltap: the request's head is too large");
    pulltap.conclude();
}

#[test]
fn ten_thousand_header_fields_are_too_many() {
    let pulltap = proxy();
    let fields = "X: y\r\n".repeat(10_000);
    let response = say(&pulltap, format!("CONNECT registry.test:443 HTTP/1.1\r\n{fields}\r\n"));
    assert_eq!(response.status_line(), "HTTP/1.1 431 pulltap: the request's head is too large");
    pulltap.conclude();
}

#[test]
fn a_connect_without_host_and_port_is_malformed() {
    let pulltap = proxy();
    let authorities = [
        "registry.test",
        "registry.test:",
        "registry.test:0",
        "registry.test:99999",
        "registry.test:-1",
        ":443",
        "[::1]",
        "user@registry.test:443",
        "user:pass@registry.test:443",
        "registry.test/x:443",
        "https://registry.test:443",
        "/",
        "*",
        "[registry.test]:443",
        "registry.test:443:443",
        "registry.test:4a3",
    ];
    for authority in authorities {
        let response = say(&pulltap, connect_head(authority));
        let status_line = response.status_line();
        assert!(status_line.starts_with("HTTP/1.1 400 pulltap: malformed request"), "{authority}: {status_line}");
    }
    for odd in ["CONNECT  HTTP/1.1\r\n\r\n", "CONNECT reg istry.test:443 HTTP/1.1\r\n\r\n", "CONNECT\r\n\r\n"] {
        let response = say(&pulltap, odd);
        assert!(response.status_line().starts_with("HTTP/1.1 400 pulltap: malformed"), "{odd}: {}", response.head);
    }
    let printed = pulltap.conclude();
    let listed = exchanges(&printed);
    let connects: Vec<_> = listed.iter().filter(|exchange| exchange["method"] == "CONNECT").collect();
    assert_eq!(connects.len(), authorities.len(), "{printed:?}");
    for exchange in connects {
        assert_failure(exchange, ("accept", "client", "malformed"));
    }
}

#[test]
fn hosts_full_of_control_characters_stay_harmless() {
    let pulltap = proxy();
    let response = say(&pulltap, b"CONNECT a\x1b[31m\xc2\x9b\xff.test:443 HTTP/1.1\r\n\r\n");
    assert!(response.head.bytes().all(|byte| byte == b'\r' || byte == b'\n' || (32..127).contains(&byte)));
    assert!(!response.status_line().starts_with("HTTP/1.1 2"), "{}", response.head);
    pulltap.conclude();
}

#[test]
fn the_listener_serves_its_ca_and_records_no_exchange_of_it() {
    let pulltap = proxy();
    let own = pulltap.address();
    let ask = |path: &str, host: &str| {
        let mut wire = Wire::connect(own);
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        let head = wire.receive_head();
        (head, wire.receive_to_end().0)
    };
    let own = own.to_string();
    let (head, pem) = ask("/ca.crt", &own);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(pem, std::fs::read(pulltap.data().join("ca.crt")).unwrap());
    let (head, der) = ask("/ca.der", &own);
    assert_eq!(header(&head, "content-type"), Some("application/x-x509-ca-cert"));
    assert_eq!(der, pulltap.ca().to_vec());
    assert!(ask("/", &own).0.starts_with("HTTP/1.1 200 "));
    assert!(ask("/ca.key", &own).0.starts_with("HTTP/1.1 404 "));
    assert!(ask("/../ca.key", &own).0.starts_with("HTTP/1.1 404 "));
    assert!(ask("/ca.crt", "rebound.example").0.starts_with("HTTP/1.1 421 "));
    assert!(exchanges(&pulltap.conclude()).is_empty());
}

#[test]
fn a_connect_head_may_come_byte_by_byte() {
    let authority = Authority::new();
    let pulltap = Setup::trusting(&authority).start();
    let mut wire = Wire::connect(pulltap.address());
    connect_head("well.test:443").as_bytes().chunks(1).for_each(|byte| wire.send(byte));
    assert!(wire.receive_head().starts_with("HTTP/1.1 200 "));
    wire.forget();
    wire.start_tls(pulltap.client("well.test").connection()).unwrap();
    wire.end(Ending::Fin);
    pulltap.conclude();
}

#[test]
fn an_http_1_0_connect_with_odd_fields_is_served() {
    let pulltap = proxy();
    let mut wire = Wire::connect(pulltap.address());
    wire.send("CONNECT well.test:443 HTTP/1.0\r\nProxy-Connection: keep-alive\r\nContent-Length: 0\r\nX:\r\n\r\n");
    assert!(wire.receive_head().starts_with("HTTP/1.1 200 "));
    wire.forget();
    wire.start_tls(pulltap.client("well.test").connection()).unwrap();
    wire.end(Ending::Fin);
    pulltap.conclude();
}

#[test]
fn half_open_clients_do_not_keep_others_out() {
    let pulltap = proxy();
    let starts = ["", "C", "CONNECT well.test:443 HTTP/1.1\r\n", "\x16\x03\x01", "\r\n\r\n"];
    let open: Vec<Wire> = (0..100)
        .map(|number| {
            let mut wire = Wire::connect(pulltap.address());
            wire.send(starts[number % starts.len()]);
            wire
        })
        .collect();
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| pulltap.assert_well());
        }
    });
    drop(open);
    pulltap.conclude();
}
