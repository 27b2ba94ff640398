//! TLS on both sides, with the names, versions and protocols that the peers would have had without pulltap.

use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, SupportedProtocolVersion};

use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{ClientTls, Response, tls_tunnel, tunnel};
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::record::exchanges;
use crate::support::scripted::scene::{Greeting, HOST, Scene};
use crate::support::scripted::wire::Wire;

const REQUEST: &str = "GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn ask(client: &mut Wire) {
    client.send(REQUEST);
    client.expect(OK);
}

fn answer(server: &mut Wire) {
    server.expect(REQUEST);
    server.send(OK);
}

/// A scene whose server's TLS handshake told this.
#[track_caller]
fn play_with(scene: &Scene, check: impl Fn(&rustls::ServerConnection) + Send + Sync) {
    scene.play(ask, |server| {
        let rustls::Connection::Server(tls) = server.tls() else { panic!("the server's end") };
        check(tls);
        answer(server);
    });
}

#[test]
fn takes_a_client_hello_that_comes_with_the_connect() {
    Scene::https().greeting(Greeting::WithConnect).play(ask, answer);
}

#[test]
fn takes_a_client_hello_that_comes_byte_by_byte() {
    Scene::https().greeting(Greeting::Bytewise).play(ask, answer);
}

#[test]
fn takes_a_client_hello_in_several_records() {
    Scene::https().with_client(|tls| tls.longest_record = Some(64)).play(ask, answer);
}

#[test]
fn follows_names_in_any_case() {
    let printed = Scene::https_to("MyRegistry.Test").play(ask, answer);
    let url = exchanges(&printed)[0]["url"].as_str().unwrap();
    assert!(url.starts_with("https://MyRegistry.Test:"), "{url}");
}

#[test]
fn sends_the_name_that_the_client_sent() {
    play_with(&Scene::https(), |tls| assert_eq!(tls.server_name(), Some(HOST)));
}

#[test]
fn sends_no_name_when_the_client_sent_none() {
    let scene = Scene::https().with_client(|tls| tls.sends_name = false);
    play_with(&scene, |tls| assert_eq!(tls.server_name(), None));
}

#[test]
fn speaks_tls_with_an_ip_address() {
    play_with(&Scene::https_to("127.0.0.1"), |tls| assert_eq!(tls.server_name(), None));
}

#[test]
fn follows_a_name_that_is_not_the_connect_host() {
    let scene = Scene::https()
        .with_client(|tls| tls.name = "other.test".to_owned())
        .with_server(|tls, authority| tls.identity = authority.identity(&["other.test"]));
    play_with(&scene, |tls| assert_eq!(tls.server_name(), Some("other.test")));
}

/// Both sides must have agreed on the same protocol, and the server must have been offered this list.
#[track_caller]
fn negotiates(offered: &[&'static str], known: &[&'static str], agreed: Option<&str>) {
    let scene =
        Scene::https().with_client(|tls| tls.alpn = offered.to_vec()).with_server(|tls, _| tls.alpn = known.to_vec());
    let holds = |wire: &mut Wire| assert_eq!(wire.alpn(), agreed.map(str::as_bytes), "negotiated protocol");
    scene.play(
        |client| {
            holds(client);
            ask(client);
        },
        |server| {
            holds(server);
            answer(server);
        },
    );
}

#[test]
fn negotiates_nothing_where_the_client_offers_nothing() {
    negotiates(&[], &["http/1.1"], None);
}

#[test]
fn negotiates_nothing_where_the_server_knows_nothing() {
    negotiates(&["http/1.1"], &[], None);
}

#[test]
fn negotiates_http_1_1_where_both_want_it() {
    negotiates(&["http/1.1"], &["http/1.1"], Some("http/1.1"));
}

#[test]
fn negotiates_h2_where_both_prefer_it() {
    // What they then say is no HTTP/2, and passes all the same.
    negotiates(&["h2", "http/1.1"], &["h2", "http/1.1"], Some("h2"));
    negotiates(&["h2"], &["http/1.1", "h2"], Some("h2"));
    negotiates(&["h2"], &[], None);
}

#[test]
fn negotiates_http_1_1_where_the_server_knows_no_other() {
    negotiates(&["h2", "http/1.1"], &["http/1.1"], Some("http/1.1"));
}

#[test]
fn negotiates_the_same_version_as_without_it() {
    let only = |version: &'static SupportedProtocolVersion| {
        let holds = move |wire: &mut Wire| assert_eq!(wire.tls().protocol_version(), Some(version.version));
        Scene::https().with_server(|tls, _| tls.versions = vec![version]).play(ask, move |server| {
            holds(server);
            answer(server);
        });
        Scene::https().with_client(|tls| tls.versions = vec![version]).play(
            move |client| {
                holds(client);
                ask(client);
            },
            answer,
        );
    };
    only(&TLS12);
    only(&TLS13);
    assert_eq!(TLS13.version, ProtocolVersion::TLSv1_3);
}

#[test]
fn shows_the_client_a_leaf_of_its_own_root() {
    let authority = Authority::new();
    let real = authority.identity(&[HOST]);
    let real_leaf = real.chain[0].clone();
    let origin = Origin::tls(&ServerTls::new(real), answer);
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &pulltap.client(HOST));
    assert_ne!(wire.peer_certificate(), real_leaf);
    ask(&mut wire);
    wire.conclude();
    let exchange = pulltap.exchange("GET", "https://registry.test/v2/");
    assert_eq!(exchange["status"], 200);
    pulltap.conclude();
}

/// Starts pulltap with this argument and gives the certificate that a client sees for `registry.test`.
#[track_caller]
fn leaf_seen_with(argument: &str) -> (CertificateDer<'static>, CertificateDer<'static>) {
    let authority = Authority::new();
    let identity = authority.identity(&[HOST]);
    let real_leaf = identity.chain[0].clone();
    let origin = Origin::tls(&ServerTls::new(identity), answer);
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).arg(argument).start();
    let mut wire = tunnel(pulltap.address(), "registry.test:443");
    let tls = ClientTls::new(HOST, &[pulltap.ca(), authority.der()]);
    wire.start_tls(tls.connection()).unwrap();
    let seen = wire.peer_certificate();
    wire.send(REQUEST);
    assert_eq!(Response::receive(&mut wire).status_line(), "HTTP/1.1 200 OK");
    wire.conclude();
    (seen, real_leaf)
}

#[test]
fn passes_ignored_hosts_through_with_the_servers_own_certificate() {
    for argument in ["--ignore=registry.test", "--ignore=*.test", "--ignore=a.test,REGISTRY.test", "--only=well.test"] {
        let (seen, real) = leaf_seen_with(argument);
        assert!(seen == real, "with {argument} the client saw another certificate");
    }
    for argument in ["--ignore=other.test", "--only=registry.test", "--only=*.test"] {
        let (seen, real) = leaf_seen_with(argument);
        assert!(seen != real, "with {argument} the client saw the server's certificate");
    }
}

#[test]
fn lists_an_ignored_connection_as_an_opaque_connect() {
    let printed = Scene::https().passed_through_by(&["--ignore", HOST]).play(ask, answer);
    let listed = exchanges(&printed);
    assert_eq!(listed.len(), 1, "{printed:?}");
    assert_eq!((&listed[0]["method"], &listed[0]["status"]), (&"CONNECT".into(), &200.into()));
    assert!(listed[0]["failure"].is_null(), "{}", listed[0]);
}
