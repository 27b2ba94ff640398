//! Servers that are reached through another proxy, which may refuse.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{Response, ask, connect_head, header};
use crate::support::scripted::forward::Forward;
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::pulltap::{Pulltap, Setup};
use crate::support::scripted::record::{assert_failure, exchanges};
use crate::support::scripted::wire::{Ending, Wire};

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Takes a CONNECT off the parent proxy's connection, which must be for this authority; gives its head.
#[track_caller]
fn receive_connect(parent: &mut Wire, authority: &str) -> String {
    let head = parent.receive_head();
    let start = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    assert!(head.starts_with(&start), "{head}");
    head
}

#[test]
fn a_tunnel_goes_through_the_parent_proxy_with_its_credentials() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.identity(&["registry.test"])).config();
    let printed = Forward::trusting(&authority, &["registry.test"]).through_parent("me:p%40ss@").play_with(
        |pulltap, client| {
            client.send(connect_head("registry.test:443"));
            assert!(client.receive_head().starts_with("HTTP/1.1 200 "));
            client.start_tls(pulltap.client("registry.test").connection()).expect("TLS in the tunnel");
            client.send("GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n");
            client.expect(OK);
        },
        |servers| {
            let mut parent = servers.accept("parent");
            let head = receive_connect(&mut parent, "registry.test:443");
            assert_eq!(header(&head, "proxy-authorization"), Some("Basic bWU6cEBzcw=="));
            parent.send(ESTABLISHED);
            parent.start_tls(rustls::ServerConnection::new(tls).unwrap()).expect("TLS in the tunnel");
            parent.expect("GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n");
            parent.send(OK);
            parent.conclude();
            // `assert_well` asks the parent, too.
            serve_well(&servers.accept_later("parent"));
        },
    );
    let exchange = exchanges(&printed)[0];
    assert_eq!(exchange["url"], "https://registry.test/v2/");
    let (parent, address) = (exchange["parent_proxy"].as_str().unwrap(), exchange["server_address"].as_str().unwrap());
    assert_eq!(parent, address, "{exchange}");
}
