//! The end of the program: soon, clean, whatever is still open.

use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{connect_head, tls_tunnel, tunnel};
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::record::exchanges;
use crate::support::scripted::scene::HOST;
use crate::support::scripted::stalled::Stalled;
use crate::support::scripted::wire::Wire;

const REQUEST: &str = "GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n";

/// Stops a proxy that has a connection open in every phase.
#[track_caller]
fn ends_soon_after(signal: &str) {
    let authority = Authority::new();
    let (asked, is_asked) = mpsc::sync_channel(1);
    let origin = Origin::tls(&ServerTls::new(authority.identity(&[HOST])), move |server| {
        server.expect(REQUEST);
        asked.send(()).unwrap();
        server.receive_to_end();
    });
    let stalled = Stalled::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let pulltap = Setup::trusting(&authority)
        .resolving(HOST, 443, origin.address())
        .resolving("stalled.test", 443, stalled.address())
        .resolving("silent.test", 443, silent.local_addr().unwrap())
        .start();
    let idle = Wire::connect(pulltap.address());
    let mut dialling = Wire::connect(pulltap.address());
    dialling.send(connect_head("stalled.test:443"));
    let quiet = tunnel(pulltap.address(), "silent.test:443");
    let mut handshaking = tunnel(pulltap.address(), "silent.test:443");
    handshaking.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    let mut waiting = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    waiting.send(REQUEST);
    is_asked.recv().unwrap();

    pulltap.signal(signal);
    let printed = pulltap.ends_well_within(Duration::from_secs(2));
    assert_eq!(printed.last().unwrap()["type"], "summary", "{printed:?}");
    let listed = exchanges(&printed);
    let get = listed.iter().find(|exchange| exchange["method"] == "GET").expect("the request that waited");
    assert_eq!((&get["failure"]["side"], &get["failure"]["kind"]), (&"us".into(), &"stopped".into()), "{get}");
    drop((idle, dialling, quiet, handshaking, waiting));
}

#[test]
fn sigterm_ends_it_with_connections_open() {
    ends_soon_after("TERM");
}

#[test]
fn sigint_ends_it_with_connections_open() {
    ends_soon_after("INT");
}

#[test]
fn without_any_connection_it_ends_too() {
    let pulltap = Setup::trusting(&Authority::new()).start();
    pulltap.signal("INT");
    pulltap.ends_well_within(Duration::from_secs(2));
}

#[test]
fn an_address_in_use_is_an_error_that_names_it_and_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Setup::trusting(&Authority::new()).arg("--listen").arg(&address).run_to_end();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(errors.contains(&address) && errors.contains("--listen"), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}
