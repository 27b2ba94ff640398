//! Servers that cannot be reached: the CONNECT is refused with the reason, and recorded with its stage.

use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use crate::support::scripted::NOWHERE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{Response, ask, connect_head};
use crate::support::scripted::proxy::{Proxy, Setup};
use crate::support::scripted::record::assert_failure;
use crate::support::scripted::wire::Wire;

/// Asks for a tunnel, which must be refused with this status line; gives what was recorded.
#[track_caller]
fn refused(pulltap: &Proxy, authority: &str, status_line: &str) -> Value {
    let mut wire = Wire::connect(pulltap.address());
    wire.send(connect_head(authority));
    let response = Response::receive(&mut wire);
    assert_eq!(response.status_line(), status_line);
    let content: Value = serde_json::from_str(&response.body).expect("JSON");
    let error = &content["errors"][0];
    let (_, reason) = status_line.split_once("pulltap: ").expect("a reason");
    assert!(error["code"].is_string() && error["message"].as_str().unwrap().contains(reason), "{content}");
    wire.conclude();
    pulltap.exchange("CONNECT", &format!("https://{authority}/"))
}

/// Starts a proxy that dials this address for `registry.test:443`.
fn dialling(address: SocketAddr) -> Proxy {
    Setup::trusting(&Authority::new()).resolving("registry.test", 443, address).start()
}

#[test]
fn says_that_a_name_does_not_exist() {
    let pulltap = Setup::trusting(&Authority::new()).start();
    let line = format!("HTTP/1.1 502 pulltap: cannot resolve {NOWHERE}");
    let exchange = refused(&pulltap, &format!("{NOWHERE}:443"), &line);
    assert_failure(&exchange, ("resolve", "origin", "name-not-found"));
    assert!(!exchange["failure"]["chain"].as_array().unwrap().is_empty(), "{exchange}");
    pulltap.conclude();
}

#[test]
fn says_that_a_port_refuses() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pulltap = dialling(closed);
    let line = "HTTP/1.1 502 pulltap: registry.test:443 refused the connection";
    let exchange = refused(&pulltap, "registry.test:443", line);
    assert_failure(&exchange, ("connect", "origin", "refused"));
    assert!(exchange["failure"]["os_code"].is_number(), "{exchange}");
    assert!(exchange["failure"]["chain"].to_string().contains(&closed.to_string()), "{exchange}");
    pulltap.conclude();
}

/// TCP to a multicast address is refused by Linux itself, with or without a network (`ENETUNREACH`).
#[cfg(target_os = "linux")]
#[test]
fn says_that_a_network_is_unreachable() {
    let pulltap = dialling("224.0.0.1:443".parse().unwrap());
    let line = "HTTP/1.1 502 pulltap: registry.test:443 is unreachable";
    let exchange = refused(&pulltap, "registry.test:443", line);
    assert_failure(&exchange, ("connect", "origin", "unreachable"));
    assert_eq!(exchange["failure"]["os_code"], 101);
    pulltap.conclude();
}

#[test]
fn tries_the_next_address_when_the_first_refuses() {
    let authority = Authority::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let pulltap = Setup::trusting(&authority)
        .resolving("registry.test", 443, closed)
        .resolving("registry.test", 443, open.local_addr().unwrap())
        .start();
    let (wire, answer) = ask(pulltap.address(), "registry.test:443");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(open.accept().unwrap());
    wire.conclude();
    pulltap.conclude();
}

#[test]
fn refuses_to_dial_itself_under_any_of_its_names() {
    let pulltap = Setup::trusting(&Authority::new()).start();
    let port = pulltap.address().port();
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"] {
        let mut wire = Wire::connect(pulltap.address());
        wire.send(connect_head(&format!("{host}:{port}")));
        let response = Response::receive(&mut wire);
        assert!(response.status_line().starts_with("HTTP/1.1 403 pulltap: "), "{host}: {}", response.status_line());
        assert!(response.status_line().ends_with(" is pulltap itself"), "{host}: {}", response.status_line());
        wire.conclude();
    }
    let exchange = pulltap.exchange("CONNECT", &format!("https://localhost:{port}/"));
    assert_failure(&exchange, ("connect", "client", "loop"));
    pulltap.conclude();
}
