//! TLS that fails, on either side: the client learns the reason, the record the stage and the side.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use serde_json::Value;

use crate::support::scripted::authority::{Authority, Identity};
use crate::support::scripted::client::{ClientTls, Response, tls_tunnel, tunnel};
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::{Proxy, Setup};
use crate::support::scripted::record::assert_failure;
use crate::support::scripted::scene::HOST;
use crate::support::scripted::wire::{Ending, Wire};

const REQUEST: &str = "GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n";
const URL: &str = "https://registry.test/v2/";

/// A proxy in front of this server.
fn in_front_of(authority: &Authority, origin: &Origin) -> Proxy {
    Setup::trusting(authority).resolving(HOST, 443, origin.address()).start()
}

/// A client's TLS must succeed and its request be answered with this reason; gives what was recorded.
#[track_caller]
fn answered(pulltap: &Proxy, reason: &str) -> Value {
    let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    wire.send(REQUEST);
    let response = Response::receive(&mut wire);
    assert_eq!(response.status_line(), format!("HTTP/1.1 502 pulltap: {reason}"));
    let content: Value = serde_json::from_str(&response.body).expect("JSON");
    assert!(content["errors"][0]["message"].as_str().unwrap().contains(reason), "{content}");
    wire.conclude();
    let exchange = pulltap.exchange("GET", URL);
    assert_eq!(exchange["status"], 502);
    exchange
}

/// A server with this certificate must be refused so.
#[track_caller]
fn refuses_certificate(authority: &Authority, identity: Identity, kind: &str, reason: &str) {
    let origin = Origin::tls(&ServerTls::new(identity), |_| {});
    let pulltap = in_front_of(authority, &origin);
    assert_failure(&answered(&pulltap, reason), ("upstream-tls", "origin", kind));
    pulltap.conclude();
}

#[test]
fn refuses_an_expired_certificate() {
    let authority = Authority::new();
    let identity = authority.expired_identity(&[HOST]);
    let reason = "the certificate of registry.test has expired";
    refuses_certificate(&authority, identity, "certificate-expired", reason);
}

#[test]
fn refuses_a_certificate_that_is_not_valid_yet() {
    let authority = Authority::new();
    let identity = authority.future_identity(&[HOST]);
    let reason = "the certificate of registry.test is not valid yet";
    refuses_certificate(&authority, identity, "certificate-not-yet-valid", reason);
}

#[test]
fn refuses_a_certificate_for_other_names() {
    let authority = Authority::new();
    let identity = authority.identity(&["other.test", "*.registry.test"]);
    let reason = "the certificate of registry.test is for other names";
    refuses_certificate(&authority, identity, "certificate-wrong-name", reason);
}

#[test]
fn refuses_a_certificate_of_an_unknown_authority() {
    let identity = Authority::new().identity(&[HOST]);
    let reason = "the certificate of registry.test is signed by an unknown authority";
    refuses_certificate(&Authority::new(), identity, "certificate-unknown-issuer", reason);
}

/// A root that was made anew under the same name, while the old one is still trusted.
#[test]
fn refuses_a_certificate_of_an_authority_that_only_has_a_trusted_name() {
    let identity = Authority::named("company root").identity(&[HOST]);
    let reason = "the certificate of registry.test is signed by an unknown authority";
    refuses_certificate(&Authority::named("company root"), identity, "certificate-unknown-issuer", reason);
}

#[test]
fn refuses_a_server_whose_key_is_not_its_certificates() {
    let authority = Authority::new();
    let identity = Identity { key: authority.identity(&[HOST]).key, ..authority.identity(&[HOST]) };
    let reason = "the certificate of registry.test is refused: invalid peer certificate: BadSignature";
    refuses_certificate(&authority, identity, "certificate-refused", reason);
}

#[test]
fn goes_on_with_a_bad_certificate_where_it_is_told_to() {
    let authority = Authority::new();
    for (argument, status) in
        [("--insecure-upstream", 200), ("--insecure-upstream=registry.test", 200), ("--insecure-upstream=a.test", 502)]
    {
        let origin = Origin::tls(&ServerTls::new(authority.expired_identity(&[HOST])), |server| {
            server.expect(REQUEST);
            server.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        let setup = Setup::trusting(&authority).resolving(HOST, 443, origin.address());
        let pulltap = setup.arg(argument).start();
        let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
        wire.send(REQUEST);
        let response = Response::receive(&mut wire);
        assert!(response.status_line().starts_with(&format!("HTTP/1.1 {status} ")), "{}", response.status_line());
        wire.conclude();
        assert_eq!(pulltap.exchange("GET", URL)["status"], status, "{argument}");
        pulltap.conclude();
    }
}

/// A server that reads the ClientHello and then does this with its socket must be recorded so.
#[track_caller]
fn server_breaks_off(act: impl Fn(TcpStream) + Send + Sync + 'static, kind: &str, reason: &str) -> Value {
    let origin = Origin::bare(move |mut socket| {
        let mut record = [0; 5];
        socket.read_exact(&mut record).unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([record[3], record[4]]))];
        socket.read_exact(&mut hello).unwrap();
        act(socket);
    });
    let pulltap = in_front_of(&Authority::new(), &origin);
    let exchange = answered(&pulltap, reason);
    assert_failure(&exchange, ("upstream-tls", "origin", kind));
    pulltap.conclude();
    exchange
}

#[test]
fn says_that_a_server_sent_an_alert() {
    let alert = |mut socket: TcpStream| socket.write_all(b"\x15\x03\x03\x00\x02\x02\x28").unwrap();
    let reason = "registry.test:443 ended the TLS handshake with alert 40";
    let exchange = server_breaks_off(alert, "tls-alert", reason);
    assert!(exchange["failure"]["chain"].to_string().contains("HandshakeFailure"), "{exchange}");
}

/// Sends a ClientHello and leaves what comes back as it is.
fn say_hello(wire: &mut Wire, pulltap: &Proxy) {
    let mut hello = Vec::new();
    pulltap.client(HOST).connection().write_tls(&mut hello).unwrap();
    wire.send(hello);
}

/// The client leaves without a word while it learns of that.
#[test]
fn says_what_the_server_did_where_the_client_does_not_wait_for_it() {
    let origin = Origin::bare(|mut socket| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"\x15\x03\x03\x00\x02\x02\x28");
    });
    let pulltap = in_front_of(&Authority::new(), &origin);
    let mut wire = tunnel(pulltap.address(), "registry.test:443");
    say_hello(&mut wire, &pulltap);
    // Only when the server has failed does pulltap answer.
    wire.receive(1);
    wire.end(Ending::Fin);
    drop(wire);
    let exchange = pulltap.exchange("CONNECT", "https://registry.test:443/");
    assert_failure(&exchange, ("upstream-tls", "origin", "tls-alert"));
    pulltap.conclude();
}

/// The client gets no TLS either: docker only then turns to plain HTTP, which it does for an insecure registry.
#[test]
fn says_without_tls_that_a_server_does_not_speak_tls() {
    let origin = Origin::bare(|mut socket: TcpStream| {
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    let pulltap = in_front_of(&Authority::new(), &origin);
    let mut wire = tunnel(pulltap.address(), "registry.test:443");
    say_hello(&mut wire, &pulltap);
    let response = Response::receive(&mut wire);
    assert_eq!(response.status_line(), "HTTP/1.1 502 pulltap: registry.test:443 does not speak TLS");
    wire.conclude();
    let exchange = pulltap.exchange("CONNECT", "https://registry.test:443/");
    assert_failure(&exchange, ("upstream-tls", "origin", "not-tls"));
    pulltap.conclude();
}

#[test]
fn says_that_a_server_hung_up_in_the_handshake() {
    let reason = "registry.test:443 closed the connection in the TLS handshake";
    server_breaks_off(drop, "truncated", reason);
}

#[test]
fn says_that_a_server_reset_the_handshake() {
    let reset = |socket: TcpStream| {
        socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
    };
    server_breaks_off(reset, "reset", "registry.test:443 reset the connection in the TLS handshake");
}

#[test]
fn says_that_a_server_wants_a_client_certificate() {
    let authority = Authority::new();
    let asking = ServerTls {
        versions: vec![&TLS12],
        asks_clients_for: Some(authority.der()),
        ..ServerTls::new(authority.identity(&[HOST]))
    };
    let origin = Origin::tls(&asking, |_| {});
    let pulltap = in_front_of(&authority, &origin);
    let reason = "registry.test wants a client certificate, which pulltap does not have: use --ignore registry.test";
    assert_failure(&answered(&pulltap, reason), ("upstream-tls", "us", "client-certificate-wanted"));
    pulltap.conclude();
}

/// In TLS 1.3 the server's refusal comes after its handshake seemed complete, perhaps before anything was asked.
#[test]
fn recognises_a_late_refusal_for_want_of_a_client_certificate() {
    let authority = Authority::new();
    let asking = ServerTls {
        versions: vec![&TLS13],
        asks_clients_for: Some(authority.der()),
        ..ServerTls::new(authority.identity(&[HOST]))
    };
    let origin = Origin::tls(&asking, |_| {});
    let pulltap = in_front_of(&authority, &origin);
    let wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    let exchange = pulltap.exchange("CONNECT", "https://registry.test:443/");
    assert_failure(&exchange, ("upstream-tls", "us", "client-certificate-wanted"));
    drop(wire);
    pulltap.conclude();
}

#[test]
fn records_a_reset_before_anything_was_asked() {
    let authority = Authority::new();
    let origin = Origin::tls(&ServerTls::new(authority.identity(&[HOST])), |server| server.end(Ending::Reset));
    let pulltap = in_front_of(&authority, &origin);
    let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    wire.expect_end(Ending::Reset);
    assert_failure(&pulltap.exchange("CONNECT", "https://registry.test:443/"), ("send", "origin", "reset"));
    pulltap.conclude();
}

#[test]
fn records_that_a_client_does_not_trust_the_ca() {
    let authority = Authority::new();
    let origin = Origin::healthy(&authority, HOST);
    let pulltap = in_front_of(&authority, &origin);
    for (versions, alpn) in [(vec![&TLS13], vec![]), (vec![&TLS12], vec!["http/1.1"])] {
        let distrusting = ClientTls { alpn, versions, ..ClientTls::new(HOST, &[authority.der()]) };
        let mut wire = tunnel(pulltap.address(), "registry.test:443");
        let error = wire.start_tls(distrusting.connection()).expect_err("an unknown issuer");
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        drop(wire);
    }
    let exchange = pulltap.exchange("CONNECT", "https://registry.test:443/");
    assert_failure(&exchange, ("client-tls", "client", "tls-alert"));
    let printed = pulltap.conclude();
    let failed = printed.iter().filter(|line| line["failure"]["stage"] == "client-tls").count();
    assert_eq!(failed, 2, "{printed:?}");
}
