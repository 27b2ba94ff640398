//! Servers that are reached through another proxy, which may refuse.

use std::net::{TcpListener, TcpStream};

use serde_json::Value;

use crate::support::scripted::NOWHERE;
use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{Response, connect_head, header};
use crate::support::scripted::forward::Forward;
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::{Setup, WELL};
use crate::support::scripted::record::{assert_failure, exchanges};
use crate::support::scripted::wire::{Ending, Wire};

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET: &str = "GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n";

/// Takes a CONNECT off the parent proxy's connection, which must be for this authority; gives its head.
#[track_caller]
fn receive_connect(parent: &mut Wire, authority: &str) -> String {
    let head = parent.receive_head();
    let start = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    assert!(head.starts_with(&start), "{head}");
    head
}

/// Asks pulltap for a tunnel that it must grant.
#[track_caller]
fn ask(client: &mut Wire, authority: &str) {
    client.send(connect_head(authority));
    let head = client.receive_head();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[test]
fn a_tunnel_goes_through_the_parent_proxy_with_its_credentials() {
    let authority = Authority::new();
    let tls = ServerTls::new(authority.identity(&["registry.test"])).config();
    let printed = Forward::trusting(&authority, &["registry.test"]).through_parent("me:p%40ss@", "").play_with(
        |pulltap, client| {
            ask(client, "registry.test:443");
            client.start_tls(pulltap.client("registry.test").connection()).expect("TLS in the tunnel");
            client.send(GET);
            client.expect(OK);
        },
        |servers| {
            let mut parent = servers.accept("parent");
            let head = receive_connect(&mut parent, "registry.test:443");
            assert_eq!(header(&head, "proxy-authorization"), Some("Basic bWU6cEBzcw=="));
            parent.send(ESTABLISHED);
            parent.start_tls(rustls::ServerConnection::new(tls).unwrap()).expect("TLS in the tunnel");
            parent.expect(GET);
            parent.send(OK);
            parent.conclude();
            servers.assert_no_more("registry.test");
        },
    );
    let listed = exchanges(&printed);
    let exchange = listed.iter().find(|exchange| exchange["url"] == "https://registry.test/v2/").expect("listed");
    assert!(exchange["parent_proxy"].is_string(), "{exchange}");
    assert_eq!(exchange["parent_proxy"], exchange["server_address"], "{exchange}");
    assert!(!printed.iter().any(|line| line.to_string().contains("p@ss")), "{printed:?}");
}

#[test]
fn any_2xx_opens_the_tunnel_and_what_follows_its_head_is_the_servers() {
    for head in [
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nVia: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 \r\nContent-Length: 7\r\n\r\n",
    ] {
        let printed = Forward::to(&["registry.test"]).through_parent("", "").play(
            |client| {
                ask(client, "registry.test:443");
                client.expect("220 the server speaks first");
                client.send("answer");
            },
            |servers| {
                let mut parent = servers.accept("parent");
                assert_eq!(header(&receive_connect(&mut parent, "registry.test:443"), "proxy-authorization"), None);
                parent.send([head, "220 the server speaks first"].concat());
                parent.expect("answer");
                parent.conclude();
            },
        );
        assert_eq!(exchanges(&printed)[0]["tunnel"]["why"], "server-first", "{printed:?}");
    }
}

#[test]
fn an_answer_may_come_byte_by_byte() {
    Forward::to(&["registry.test"]).through_parent("", "").play(
        |client| {
            ask(client, "registry.test:443");
            client.send(GET);
            client.expect(OK);
        },
        |servers| {
            let mut parent = servers.accept("parent");
            receive_connect(&mut parent, "registry.test:443");
            ESTABLISHED.as_bytes().chunks(1).for_each(|byte| parent.send(byte));
            parent.expect(GET);
            parent.send(OK);
            parent.conclude();
        },
    );
}

/// A parent proxy that answers a CONNECT like this and then ends or not; gives our answer and what was recorded.
#[track_caller]
fn refused(answer: &str, end: Option<Ending>) -> (Response, Value) {
    let mut response = None;
    let printed = Forward::to(&["registry.test"]).through_parent("", "").play(
        |client| {
            client.send(connect_head("registry.test:443"));
            response = Some(Response::receive(client));
        },
        |servers| {
            let mut parent = servers.accept("parent");
            receive_connect(&mut parent, "registry.test:443");
            parent.send(answer);
            if let Some(end) = end {
                parent.end(end);
            }
            parent.conclude();
        },
    );
    (response.unwrap(), exchanges(&printed)[0].clone())
}

#[test]
fn a_refusal_is_recorded_whole_and_told_in_one_line() {
    let page = "<html><body>Sign in <b>first</b></body></html>";
    for (status, phrase) in [(407, "Proxy Authentication Required"), (403, "Blocked by Policy"), (502, "Bad Gateway")] {
        let length = format!("Content-Length: {}\r\n\r\n{page}", page.len());
        let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{page}\r\n0\r\n\r\n", page.len());
        let to_the_end = format!("Connection: close\r\n\r\n{page}");
        for (rest, end) in [(length, None), (chunked, None), (to_the_end, Some(Ending::Fin))] {
            let head = format!("HTTP/1.1 {status} {phrase}\r\nProxy-Authenticate: Basic realm=\"corp\"\r\n");
            let (response, exchange) = refused(&[head, rest].concat(), end);
            let line = response.status_line();
            assert!(line.starts_with("HTTP/1.1 502 pulltap: the parent proxy 127.0.0.1:"), "{line}");
            assert!(line.ends_with(&format!(" refused: {status} {phrase}")), "{line}");
            assert_failure(&exchange, ("parent-proxy", "parent-proxy", "parent-proxy-refused"));
            assert_eq!((&exchange["status"], &exchange["reason"]), (&status.into(), &phrase.into()), "{exchange}");
            let content = (&exchange["response_bytes"], &exchange["response_complete"]);
            assert_eq!(content, (&page.len().into(), &true.into()), "{exchange}");
            assert!(exchange["failure"]["chain"].to_string().contains(&format!("{status} {phrase}")), "{exchange}");
        }
    }
}

#[test]
fn a_parent_proxy_that_breaks_off_or_talks_nonsense_is_told_so() {
    let (response, exchange) = refused("HTTP/1.1 200 Conn", Some(Ending::Fin));
    assert!(response.status_line().ends_with(" closed the connection without an answer"), "{}", response.head);
    assert_failure(&exchange, ("parent-proxy", "parent-proxy", "truncated"));
    let (response, exchange) = refused("", Some(Ending::Reset));
    assert!(response.status_line().ends_with(" reset the connection"), "{}", response.head);
    assert_failure(&exchange, ("parent-proxy", "parent-proxy", "reset"));
    let (response, exchange) = refused("\x05\x00 what is this\r\n\r\n", None);
    assert!(response.status_line().contains(" answered what is not HTTP"), "{}", response.head);
    assert!(response.status_line().starts_with("HTTP/1.1 502 "), "{}", response.head);
    assert_failure(&exchange, ("parent-proxy", "parent-proxy", "malformed"));
}

#[test]
fn a_parent_proxy_that_cannot_be_reached_is_told_so() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (parent, reason, failure) in [
        (closed.to_string(), format!("{closed} refused the connection"), ("connect", "parent-proxy", "refused")),
        (format!("{NOWHERE}:3128"), format!("cannot resolve {NOWHERE}"), ("resolve", "parent-proxy", "name-not-found")),
    ] {
        let pulltap = Setup::trusting(&Authority::new())
            .variable("HTTPS_PROXY", &parent)
            .variable("http_proxy", &parent)
            .variable("NO_PROXY", WELL)
            .start();
        let line = format!("HTTP/1.1 502 pulltap: the parent proxy cannot be used: {reason}");
        for request in [connect_head("registry.test:443"), "GET http://registry.test/ HTTP/1.1\r\n\r\n".to_owned()] {
            let mut client = Wire::connect(pulltap.address());
            client.send(request);
            assert_eq!(Response::receive(&mut client).status_line(), line);
            client.conclude();
        }
        assert_failure(&pulltap.exchange("CONNECT", "https://registry.test:443/"), failure);
        assert_failure(&pulltap.exchange("GET", "http://registry.test/"), failure);
        pulltap.conclude();
    }
}

/// Reads until the other side ends, and says nothing.
fn hold(mut socket: TcpStream) {
    let _ = std::io::copy(&mut socket, &mut std::io::sink());
}

#[test]
fn a_parent_proxy_that_says_nothing_is_given_up_in_time() {
    let (silent, authority) = (Origin::bare(hold), Authority::new());
    let parent = silent.address().to_string();
    let pulltap = Setup::trusting(&authority).variable("HTTPS_PROXY", &parent).variable("NO_PROXY", WELL).start();
    let mut client = Wire::connect(pulltap.address());
    client.wait_at_most(std::time::Duration::from_secs(12));
    client.send(connect_head("registry.test:443"));
    let line = format!("HTTP/1.1 504 pulltap: the parent proxy {parent} did not answer in time");
    assert_eq!(Response::receive(&mut client).status_line(), line);
    client.conclude();
    let exchange = pulltap.exchange("CONNECT", "https://registry.test:443/");
    assert_failure(&exchange, ("parent-proxy", "parent-proxy", "timed-out"));
    pulltap.conclude();
}

#[test]
fn hosts_of_no_proxy_are_dialled_directly() {
    let printed = Forward::to(&["registry.test", "x.direct.test"]).through_parent("", "direct.test").play(
        |client| {
            client.send("GET http://x.direct.test/v2/ HTTP/1.1\r\nHost: x.direct.test\r\n\r\n");
            client.expect(OK);
            ask(client, "x.direct.test:443");
            client.send(GET);
            client.expect(OK);
        },
        |servers| {
            let mut plain = servers.accept("x.direct.test");
            plain.expect("GET /v2/ HTTP/1.1\r\nHost: x.direct.test\r\n\r\n");
            plain.send(OK);
            let mut tunnel = servers.accept("x.direct.test");
            tunnel.expect(GET);
            tunnel.send(OK);
            tunnel.conclude();
            plain.conclude();
            servers.assert_no_more("parent");
        },
    );
    assert!(exchanges(&printed).iter().all(|exchange| exchange["parent_proxy"].is_null()), "{printed:?}");
}

#[test]
fn plain_requests_go_to_the_parent_proxy_as_they_are_but_with_its_credentials() {
    let denied = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
    let printed = Forward::to(&[]).through_parent("me:secret@", "").play(
        |client| {
            client.send(
                "GET http://u:p@registry.test/a//b HTTP/1.1\r\nHost: registry.test\r\nproxy-authorization: Basic eDp5\r\n\
                 Proxy-Connection: keep-alive\r\nX: y\r\n\r\n",
            );
            client.expect(OK);
            client.send("GET http://registry.test/2 HTTP/1.1\r\nHost: registry.test\r\n\r\n");
            client.expect(denied);
        },
        |servers| {
            let mut parent = servers.accept("parent");
            parent.expect(
                "GET http://registry.test/a//b HTTP/1.1\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\
                 Host: registry.test\r\nProxy-Connection: keep-alive\r\nX: y\r\n\r\n",
            );
            parent.send(OK);
            parent.expect(
                "GET http://registry.test/2 HTTP/1.1\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n\
                 Host: registry.test\r\n\r\n",
            );
            parent.send(denied);
            parent.conclude();
        },
    );
    let listed = exchanges(&printed);
    assert!(listed.iter().all(|exchange| exchange["parent_proxy"].is_string()), "{printed:?}");
    assert_eq!(listed[1]["status"], 407);
}

#[test]
fn a_shell_that_uses_pulltap_itself_makes_no_loop() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let authority = Authority::new();
    let pulltap = Setup::trusting(&authority)
        .arg("--listen")
        .arg(&format!("127.0.0.1:{port}"))
        .variable("HTTPS_PROXY", &format!("http://localhost:{port}"))
        .start();
    let printed = pulltap.conclude();
    let well = printed.iter().find(|line| line["url"] == "https://well.test/well").expect("listed");
    assert!(well["parent_proxy"].is_null() && well["status"] == 200, "{well}");
}

#[cfg(unix)]
#[test]
fn a_parent_proxy_that_is_asked_for_must_be_usable() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    for (url, why) in [
        (format!("http://{listen}"), "is pulltap itself"),
        (format!("http://localhost:{port}/"), "is pulltap itself"),
        ("socks5://proxy.test:1080".to_owned(), "socks5:// proxies are not supported"),
        ("https://proxy.test".to_owned(), "https:// proxies are not supported"),
        ("http://proxy.test/path".to_owned(), "not a proxy's URL"),
    ] {
        let setup = Setup::trusting(&Authority::new());
        let output = setup.arg("--listen").arg(&listen).arg("--upstream-proxy").arg(&url).run_to_end();
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && says.contains(why), "{url}: {says}");
    }
}

#[test]
fn a_parent_proxy_that_is_asked_for_beats_the_environment() {
    let (servers, authority) = (TcpListener::bind("127.0.0.1:0").unwrap(), Authority::new());
    let asked_for = format!("http://{}", servers.local_addr().unwrap());
    let pulltap = Setup::trusting(&authority)
        .variable("HTTPS_PROXY", "http://nowhere.invalid:1")
        .variable("NO_PROXY", "*")
        .arg("--upstream-proxy")
        .arg(&asked_for)
        .start();
    let mut client = Wire::connect(pulltap.address());
    client.send(connect_head("registry.test:443"));
    let mut parent = Wire::over(servers.accept().unwrap().0);
    receive_connect(&mut parent, "registry.test:443");
    parent.send("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    assert!(Response::receive(&mut client).status_line().ends_with(" refused: 403 No"));
    parent.conclude();
    client.conclude();
    pulltap.exchange("CONNECT", "https://registry.test:443/");
}

#[test]
fn none_means_none_and_a_kind_that_is_not_supported_is_told_so() {
    let nowhere = |setup: Setup| setup.variable("ALL_PROXY", "socks5://nowhere.invalid:1");
    nowhere(Setup::trusting(&Authority::new())).arg("--upstream-proxy").arg("none").start().conclude();
    let pulltap = nowhere(Setup::trusting(&Authority::new())).variable("NO_PROXY", WELL).start();
    let mut client = Wire::connect(pulltap.address());
    client.send(connect_head("registry.test:443"));
    let response = Response::receive(&mut client);
    let line = "HTTP/1.1 501 pulltap: socks5:// proxies are not supported: ";
    assert!(response.status_line().starts_with(line), "{}", response.head);
    client.conclude();
    pulltap.conclude();
}
