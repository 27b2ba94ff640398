//! Plain HTTP: what a server is sent of a request in absolute form, and all that can follow.

use crate::support::scripted::forward::Forward;
use crate::support::scripted::record::exchanges;
use crate::support::scripted::wire::{Ending, Wire};

const HOST: &str = "registry.test";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn get(host: &str, path: &str) -> String {
    format!("GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

fn got(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

/// Sends this to the proxy; the server must get that, and its answer reaches the client. Gives the statuses recorded.
#[track_caller]
fn passes(sent: &str, received: &str, response: &str) -> Vec<u64> {
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(sent);
            client.expect(response);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(received);
            server.send(response);
            server.conclude();
            servers.assert_no_more(HOST);
        },
    );
    let listed = exchanges(&printed);
    assert!(listed.iter().all(|exchange| exchange["failure"].is_null()), "{printed:?}");
    listed.iter().map(|exchange| exchange["status"].as_u64().unwrap()).collect()
}

#[test]
fn rewrites_the_request_line_drops_proxy_fields_and_keeps_all_else() {
    let statuses = passes(
        "GET http://me:secret@registry.test:80/v2//a%2f?x=1&x#z HTTP/1.1\r\nhOsT: registry.test\r\nX-b: 2\r\n\
         Proxy-Connection: keep-alive\r\nAccept: a\r\naccept:b\r\npRoXy-AuThOrIzAtIoN: Basic eDp5\r\nACCEPT:  c  \r\nx-A:\r\n\
         Connection: keep-alive, TE\r\nTE: trailers\r\n\r\n",
        "GET /v2//a%2f?x=1&x#z HTTP/1.1\r\nhOsT: registry.test\r\nX-b: 2\r\nAccept: a\r\naccept:b\r\nACCEPT:  c  \r\nx-A:\r\n\
         Connection: keep-alive, TE\r\nTE: trailers\r\n\r\n",
        "HTTP/1.1 200 Fine By Me\r\nset-cookie: b=2\r\nSet-Cookie: a=1\r\nX:\tq \r\ncontent-LENGTH: 3\r\n\
         Proxy-Authenticate: Basic\r\nConnection: keep-alive\r\n\r\nabc",
    );
    assert_eq!(statuses, [200]);
}

#[test]
fn records_what_the_client_sent() {
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(get(HOST, "/v2/?x=%2F"));
            client.expect(OK);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(got(HOST, "/v2/?x=%2F"));
            server.send(OK);
            server.conclude();
        },
    );
    let exchange = exchanges(&printed)[0];
    assert_eq!(exchange["url"], "http://registry.test/v2/?x=%2F");
    assert!(exchange["connect"].is_null() && exchange["upstream_tls"].is_null(), "{exchange}");
    assert!(exchange["server_address"].as_str().unwrap().starts_with("127.0.0.1:"), "{exchange}");
    assert_eq!((&exchange["response_bytes"], &exchange["response_complete"]), (&2.into(), &true.into()));
}

#[test]
fn passes_odd_targets_one_after_the_other_on_one_connection() {
    let targets = [
        ("GET", "http://registry.test", "/"),
        ("OPTIONS", "http://registry.test", "*"),
        ("OPTIONS", "http://registry.test/", "/"),
        ("GET", "HTTP://Registry.TEST:80?a", "/?a"),
        ("GET", "http://registry.test/a//b/../%2F%2f%61/http://x", "/a//b/../%2F%2f%61/http://x"),
        ("PROPFIND", "http://registry.test:80/|\"{}^`\\", "/|\"{}^`\\"),
    ];
    let line = |method: &str, target: &str| format!("{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    Forward::to(&[HOST]).play(
        |client| {
            for (method, target, _) in targets {
                client.send(line(method, target));
                client.expect(OK);
            }
        },
        |servers| {
            let mut server = servers.accept(HOST);
            for (method, _, path) in targets {
                server.expect(line(method, path));
                server.send(OK);
            }
            server.conclude();
            servers.assert_no_more(HOST);
        },
    );
}

#[test]
fn sends_each_request_of_a_connection_where_it_belongs() {
    let printed = Forward::to(&["a.test", "b.test"]).play(
        |client| {
            for (host, path) in [("a.test", "/1"), ("b.test", "/2"), ("a.test", "/3")] {
                client.send(get(host, path));
                client.expect(OK);
            }
        },
        |servers| {
            let mut a = servers.accept("a.test");
            a.expect(got("a.test", "/1"));
            a.send(OK);
            let mut b = servers.accept("b.test");
            b.expect(got("b.test", "/2"));
            b.send(OK);
            a.expect(got("a.test", "/3"));
            a.send(OK);
            a.expect_end(Ending::Fin);
            b.expect_end(Ending::Fin);
            servers.assert_no_more("a.test");
        },
    );
    let urls: Vec<_> = exchanges(&printed).iter().map(|exchange| exchange["url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["http://a.test/1", "http://b.test/2", "http://a.test/3"]);
}

#[test]
fn relays_pipelined_requests_one_after_the_other() {
    let upload = "POST http://a.test/2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nGET ";
    let printed = Forward::to(&["a.test", "b.test"]).play(
        |client| {
            client.send([&get("a.test", "/1"), upload, &get("b.test", "/3"), &get("a.test", "/4")].concat());
            client.expect("HTTP/1.1 201 x\r\nContent-Length: 1\r\n\r\n1");
            client.expect("HTTP/1.1 202 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n\r\n");
            client.expect("HTTP/1.1 203 x\r\nContent-Length: 1\r\n\r\n3");
            client.expect("HTTP/1.1 204 x\r\n\r\n");
        },
        |servers| {
            let mut a = servers.accept("a.test");
            a.expect(got("a.test", "/1"));
            servers.assert_no_more("b.test");
            a.send("HTTP/1.1 201 x\r\nContent-Length: 1\r\n\r\n1");
            a.expect("POST /2 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nGET ");
            a.send("HTTP/1.1 202 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n\r\n");
            let mut b = servers.accept("b.test");
            b.expect(got("b.test", "/3"));
            b.send("HTTP/1.1 203 x\r\nContent-Length: 1\r\n\r\n3");
            a.expect(got("a.test", "/4"));
            a.send("HTTP/1.1 204 x\r\n\r\n");
            a.conclude();
            b.conclude();
        },
    );
    let statuses: Vec<_> = exchanges(&printed).iter().map(|exchange| exchange["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 202, 203, 204]);
}

#[test]
fn passes_chunks_with_extensions_and_trailers_both_ways() {
    let content = "4;name=\"a;b\"\r\nabcd\r\n0A\r\n0123456789\r\n000;last\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n";
    let head = "HTTP/1.1\r\nHost: registry.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    passes(
        &format!("POST http://registry.test/up {head}{content}"),
        &format!("POST /up {head}{content}"),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n1 \r\na\r\n0\r\nDigest: sha256:0\r\n\r\n",
    );
}

#[test]
fn a_head_and_a_content_may_come_byte_by_byte() {
    let fields = "HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 5\r\n\r\nabcde";
    Forward::to(&[HOST]).play(
        |client| {
            let request = format!("PUT http://registry.test/slow {fields}");
            request.as_bytes().chunks(1).for_each(|byte| client.send(byte));
            client.expect(OK);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(format!("PUT /slow {fields}"));
            OK.as_bytes().chunks(1).for_each(|byte| server.send(byte));
            server.conclude();
        },
    );
}

#[test]
fn lets_a_client_wait_for_100_continue_and_ask_again() {
    let fields = "HTTP/1.1\r\nHost: registry.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(format!("PUT http://registry.test/1 {fields}"));
            client.expect("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
            client.send("12345");
            client.expect(OK);
            client.send(get(HOST, "/2"));
            client.expect(OK);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(format!("PUT /1 {fields}"));
            server.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
            server.expect("12345");
            server.send(OK);
            server.expect(got(HOST, "/2"));
            server.send(OK);
            server.conclude();
        },
    );
    assert_eq!(exchanges(&printed).len(), 2);
}

#[test]
fn passes_an_early_answer_while_the_upload_goes_on() {
    let fields = "HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 20\r\n\r\n";
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nstop";
    Forward::to(&[HOST]).play(
        |client| {
            client.send(format!("PATCH http://registry.test/up {fields}0123456789"));
            client.expect(answer);
            client.send("abcdefghij");
            client.send(get(HOST, "/next"));
            client.expect(OK);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(format!("PATCH /up {fields}0123456789"));
            server.send(answer);
            server.expect("abcdefghij");
            server.expect(got(HOST, "/next"));
            server.send(OK);
            server.conclude();
        },
    );
}

#[test]
fn knows_that_answers_to_head_and_204_and_304_have_no_body() {
    let turns = [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7023\r\n\r\n"),
        ("HEAD", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
        ("GET", OK),
    ];
    let printed = Forward::to(&[HOST]).play(
        |client| {
            for (method, response) in turns {
                client.send(format!("{method} http://registry.test/m HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
                client.expect(response);
            }
        },
        |servers| {
            let mut server = servers.accept(HOST);
            for (method, response) in turns {
                server.expect(format!("{method} /m HTTP/1.1\r\nHost: {HOST}\r\n\r\n"));
                server.send(response);
            }
            server.conclude();
        },
    );
    let statuses: Vec<_> = exchanges(&printed).iter().map(|exchange| exchange["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 404, 204, 304, 200]);
}

#[test]
fn a_client_of_http_1_0_gets_its_host_named_and_its_answer_to_the_end() {
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send("GET http://registry.test/old HTTP/1.0\r\nX: y\r\n\r\n");
            client.expect("HTTP/1.0 200 OK\r\n\r\nuntil the end");
            client.expect_end(Ending::Fin);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect("GET /old HTTP/1.0\r\nHost: registry.test\r\nX: y\r\n\r\n");
            server.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
            server.end(Ending::Fin);
            server.conclude();
        },
    );
    assert_eq!(exchanges(&printed)[0]["response_complete"], true, "{printed:?}");
}

#[test]
fn a_connection_that_is_to_close_is_closed_by_who_closes_it() {
    let request = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: registry.test\r\nConnection: close\r\n\r\n");
    Forward::to(&[HOST]).play(
        |client| {
            client.send(request("http://registry.test/"));
            client.expect(OK);
            client.meet();
            client.expect_end(Ending::Fin);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(request("/"));
            server.send(OK);
            server.meet();
            server.end(Ending::Fin);
            server.conclude();
        },
    );
}

#[test]
fn a_server_that_has_closed_meanwhile_is_dialled_anew() {
    let serve = |mut server: Wire, path: &str| {
        server.expect(got(HOST, path));
        server.send(OK);
        server.end(Ending::Fin);
        server.conclude();
    };
    Forward::to(&[HOST, "other.test"]).play(
        |client| {
            for (host, path) in [(HOST, "/1"), ("other.test", "/2"), (HOST, "/3")] {
                client.send(get(host, path));
                client.expect(OK);
            }
        },
        |servers| {
            let mut first = servers.accept(HOST);
            first.expect(got(HOST, "/1"));
            first.send(OK);
            first.end(Ending::Fin);
            let mut other = servers.accept("other.test");
            other.expect(got("other.test", "/2"));
            other.send(OK);
            serve(servers.accept(HOST), "/3");
        },
    );
}

#[test]
fn passes_an_upgrade_and_then_any_bytes() {
    let fields = "HTTP/1.1\r\nHost: registry.test\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(format!("GET http://registry.test/ws {fields}too early"));
            client.expect(answer);
            client.expect(b"\x00server\xff");
            client.send(get("other.test", "/"));
            client.expect("done");
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(format!("GET /ws {fields}"));
            server.send(answer);
            server.expect("too early");
            server.send(b"\x00server\xff");
            server.expect(get("other.test", "/"));
            server.send("done");
            server.conclude();
        },
    );
    let listed = exchanges(&printed);
    assert_eq!((listed.len(), &listed[0]["tunnel"]["why"]), (1, &"upgraded".into()), "{printed:?}");
}

#[test]
fn a_request_without_a_clear_end_keeps_its_server() {
    let fields = "HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde";
    let printed = Forward::to(&[HOST]).play(
        |client| {
            client.send(format!("POST http://registry.test/x {fields}"));
            client.expect(OK);
            client.send(get("other.test", "/"));
            client.expect(OK);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(format!("POST /x {fields}"));
            server.send(OK);
            server.expect(get("other.test", "/"));
            server.send(OK);
            server.conclude();
        },
    );
    assert_eq!(exchanges(&printed)[0]["tunnel"]["why"], "unparsable", "{printed:?}");
}

#[test]
fn more_than_an_answer_ends_the_connection_after_it() {
    Forward::to(&[HOST]).play(
        |client| {
            client.send(get(HOST, "/"));
            client.expect([OK, "and more"].concat());
            client.expect_end(Ending::Fin);
        },
        |servers| {
            let mut server = servers.accept(HOST);
            server.expect(got(HOST, "/"));
            server.send([OK, "and more"].concat());
            server.conclude();
        },
    );
}

#[test]
fn an_ignored_host_is_counted_and_not_looked_into() {
    let printed = Forward::to(&[HOST, "seen.test"]).arg("--ignore").arg(HOST).play(
        |client| {
            for (host, path) in [(HOST, "/secret"), ("seen.test", "/"), (HOST, "/secret")] {
                client.send(get(host, path));
                client.expect(OK);
            }
        },
        |servers| {
            let mut hidden = servers.accept(HOST);
            hidden.expect(got(HOST, "/secret"));
            hidden.send(OK);
            let mut seen = servers.accept("seen.test");
            seen.expect(got("seen.test", "/"));
            seen.send(OK);
            hidden.expect(got(HOST, "/secret"));
            hidden.send(OK);
            hidden.conclude();
            seen.conclude();
        },
    );
    assert!(!printed.iter().any(|line| line.to_string().contains("secret")), "{printed:?}");
    let listed = exchanges(&printed);
    let hidden = listed.iter().find(|exchange| exchange["url"] == "http://registry.test").expect("listed");
    assert_eq!((&hidden["tunnel"]["why"], &hidden["method"]), (&"ignored".into(), &().into()), "{hidden}");
    assert_eq!(hidden["tunnel"]["received"], OK.len(), "{hidden}");
}
