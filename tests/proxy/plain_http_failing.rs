//! Plain HTTP that ends before its time, or never begins: what each side sees of it, and what is recorded.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::scripted::NOWHERE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{Response, connect_head};
use crate::support::scripted::forward::Forward;
use crate::support::scripted::proxy::{Proxy, Setup};
use crate::support::scripted::record::{assert_failure, exchanges};
use crate::support::scripted::wire::{Ending, Wire};

const HOST: &str = "registry.test";
const GET: &str = "GET http://registry.test/blob HTTP/1.1\r\nHost: registry.test\r\n\r\n";
const GOT: &str = "GET /blob HTTP/1.1\r\nHost: registry.test\r\n\r\n";
const CUT_SHORT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";

/// A server that ends like this after that; the client must see just that, and the record is given.
#[track_caller]
fn server_ends(response: &str, how: Ending) -> Value {
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(GET);
            client.expect(response);
            client.meet();
            client.expect_end(how);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(GOT);
            server.send(response);
            server.meet();
            server.end(how);
            server.conclude();
        },
    );
    exchanges(&printed)[0].clone()
}

#[test]
fn a_cut_response_is_passed_on_as_that_cut() {
    assert_failure(&server_ends(CUT_SHORT, Ending::Fin), ("read-body", "origin", "truncated"));
    assert_failure(&server_ends(CUT_SHORT, Ending::Reset), ("read-body", "origin", "reset"));
    assert_failure(&server_ends("", Ending::Fin), ("await-head", "origin", "truncated"));
    assert_failure(&server_ends("", Ending::Reset), ("await-head", "origin", "reset"));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n";
    assert_failure(&server_ends(chunked, Ending::Fin), ("read-body", "origin", "truncated"));
    assert!(server_ends("HTTP/1.1 200 OK\r\n\r\nall of it", Ending::Fin)["failure"].is_null());
}

/// A client that sends this and then ends like this; the server must get that, and the record is given.
#[track_caller]
fn client_ends(sent: &str, received: &str, how: Ending) -> Value {
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(sent);
            client.meet();
            client.end(how);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(received);
            server.meet();
            server.expect_end(how);
            server.conclude();
        },
    );
    exchanges(&printed)[0].clone()
}

#[test]
fn a_client_that_leaves_is_seen_to_leave_by_the_server() {
    let fields = "HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 100\r\n\r\nonly this";
    let (sent, received) = (format!("PUT http://registry.test/up {fields}"), format!("PUT /up {fields}"));
    for how in [Ending::Fin, Ending::Reset] {
        assert_failure(&client_ends(&sent, &received, how), ("send", "client", "gave-up"));
    }
    assert_failure(&client_ends(GET, GOT, Ending::Reset), ("await-head", "client", "gave-up"));
}

#[test]
fn a_client_that_said_its_last_word_still_gets_its_answer() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(GET);
            client.end(Ending::Fin);
            client.expect(answer);
            client.expect_end(Ending::Fin);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(GOT);
            server.expect_end(Ending::Fin);
            server.send(answer);
            server.conclude();
        },
    );
    assert!(exchanges(&printed)[0]["failure"].is_null(), "{printed:?}");
}

fn proxy() -> Proxy {
    Setup::trusting(&Authority::new()).start()
}

/// Sends this and gets an answer, after which the proxy hangs up.
#[track_caller]
fn say(pulltap: &Proxy, bytes: impl AsRef<[u8]>) -> Response {
    let mut wire = Wire::connect(pulltap.address());
    wire.send(bytes);
    let response = Response::receive(&mut wire);
    wire.conclude();
    response
}

#[test]
fn says_why_a_server_cannot_be_reached() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pulltap = Setup::trusting(&Authority::new()).resolving("closed.test", 5000, closed).start();
    let response = say(&pulltap, format!("GET http://{NOWHERE}/v2/ HTTP/1.1\r\nHost: {NOWHERE}\r\n\r\n"));
    assert_eq!(response.status_line(), format!("HTTP/1.1 502 pulltap: cannot resolve {NOWHERE}"));
    let content: Value = serde_json::from_str(&response.body).expect("JSON");
    assert_eq!(content["errors"][0]["message"], format!("pulltap: cannot resolve {NOWHERE}"));
    let exchange = pulltap.exchange("GET", &format!("http://{NOWHERE}/v2/"));
    assert_failure(&exchange, ("resolve", "origin", "name-not-found"));
    let (status, ours) = (&exchange["status"], &exchange["answered_by_us"]);
    assert_eq!((status, ours), (&502.into(), &true.into()), "{exchange}");
    // An upload is answered, too, however much of it is still on its way.
    let upload =
        format!("PUT http://closed.test:5000/up HTTP/1.1\r\nContent-Length: 200000\r\n\r\n{}", "x".repeat(200_000));
    let response = say(&pulltap, upload);
    assert_eq!(response.status_line(), "HTTP/1.1 502 pulltap: closed.test:5000 refused the connection");
    let exchange = pulltap.exchange("PUT", "http://closed.test:5000/up");
    assert_failure(&exchange, ("connect", "origin", "refused"));
    pulltap.conclude();
}

#[test]
fn refuses_what_is_not_plain_http() {
    let pulltap = proxy();
    for (target, status_line) in [
        ("https://registry.test/v2/", "HTTP/1.1 501 pulltap: for https a proxy is asked by CONNECT"),
        ("ftp://registry.test/", "HTTP/1.1 501 pulltap: ftp is not relayed: only http and https are"),
        ("http:///v2/", "HTTP/1.1 400 pulltap: malformed request: plain HTTP needs http://HOST"),
        ("http://registry.test:0/", "HTTP/1.1 400 pulltap: malformed request: plain HTTP needs http://HOST"),
    ] {
        let response = say(&pulltap, format!("GET {target} HTTP/1.1\r\nHost: registry.test\r\n\r\n"));
        assert!(response.status_line().starts_with(status_line), "{target}: {}", response.status_line());
    }
    let exchange = pulltap.exchange("GET", "https://registry.test/v2/");
    assert_failure(&exchange, ("accept", "us", "unsupported"));
    pulltap.conclude();
}

#[test]
fn refuses_to_dial_itself_under_any_of_its_names() {
    let pulltap = proxy();
    let port = pulltap.address().port();
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"] {
        let response = say(&pulltap, format!("GET http://{host}:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert!(response.status_line().starts_with("HTTP/1.1 403 pulltap: "), "{host}: {}", response.status_line());
        assert!(response.status_line().ends_with(" is pulltap itself"), "{host}: {}", response.status_line());
    }
    let exchange = pulltap.exchange("GET", &format!("http://localhost:{port}/"));
    assert_failure(&exchange, ("connect", "client", "loop"));
    pulltap.conclude();
}

#[test]
fn its_own_pages_are_found_through_it_and_not_recorded() {
    let pulltap = proxy();
    let response = say(&pulltap, "GET http://pulltap.internal/ca.crt HTTP/1.1\r\nHost: pulltap.internal\r\n\r\n");
    assert_eq!(response.status_line(), "HTTP/1.1 200 OK");
    assert!(response.body.starts_with("-----BEGIN CERTIFICATE-----"), "{}", response.body);
    let printed = pulltap.conclude();
    assert!(exchanges(&printed).is_empty(), "{printed:?}");
}

#[test]
fn a_tunnel_may_follow_on_the_same_connection() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(GET);
            client.expect(answer);
            client.send(connect_head("registry.test:443"));
            assert!(client.receive_head().starts_with("HTTP/1.1 200 "));
            client.send(GOT);
            client.expect(answer);
        },
        |servers| {
            let mut first = servers.accept(HOST);
            first.expect(GOT);
            first.send(answer);
            let mut second = servers.accept(HOST);
            second.expect(GOT);
            second.send(answer);
            second.conclude();
            first.conclude();
        },
    );
    let listed = exchanges(&printed);
    assert_eq!(listed.iter().filter(|exchange| exchange["method"] == "GET").count(), 2, "{printed:?}");
}
