//! HTTP/1.1 passes byte by byte, whatever its shape.

use crate::support::scripted::record::exchanges;
use crate::support::scripted::scene::{HOST, Scene};
use crate::support::scripted::wire::Wire;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// One request as it stands here, one response as it stands here, over TLS on both sides.
#[track_caller]
fn passes(request: &str, response: &str) {
    Scene::https().play(
        |client| {
            client.send(request);
            client.expect(response);
        },
        |server| {
            server.expect(request);
            server.send(response);
        },
    );
}

/// Several requests on one connection, each answered with an empty 200.
#[track_caller]
fn passes_each(requests: &[String]) {
    let ask = |client: &mut Wire| {
        for request in requests {
            client.send(request);
            client.expect(OK);
        }
    };
    let answer = |server: &mut Wire| {
        for request in requests {
            server.expect(request);
            server.send(OK);
        }
    };
    Scene::https().play(ask, answer);
}

#[test]
fn keeps_order_case_and_duplicates_of_header_fields() {
    passes(
        "GET /v2/ HTTP/1.1\r\nhOsT: registry.test\r\nX-b: 2\r\nAccept: a\r\naccept:b\r\nACCEPT:  c  \r\nx-A:\r\n\
         Cookie: a=1\r\nCookie: b=2\r\nConnection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\n\r\n",
        "HTTP/1.1 200 Fine By Me\r\nset-cookie: b=2\r\nSet-Cookie: a=1\r\nWWW-Authenticate: Bearer realm=\"x\"\r\n\
         www-authenticate: Basic\r\nX:\tq \r\ncontent-LENGTH: 3\r\nKeep-Alive: timeout=5\r\n\r\nabc",
    );
}

#[test]
fn keeps_odd_paths_as_they_are() {
    let paths = [
        "/v2//a///b/",
        "/v2/%2F%2f%61%41/../x/./y",
        "/a%20b+c/%E2%82%AC/%",
        "/?",
        "/?a=1&a=1&&b=%26#frag",
        "/v2/a:b@c;d=e,f/'()*!~",
        "*",
        "http://other.test/absolute/inside/a/tunnel",
        "/x|y\"z{}^`\\",
    ];
    let method = |path: &&str| if *path == "*" { "OPTIONS" } else { "GET" };
    let request = |path: &&str| format!("{} {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", method(path));
    passes_each(&paths.iter().map(request).collect::<Vec<_>>());
}

#[test]
fn keeps_methods_that_nobody_knows() {
    let methods = ["PATCH", "PROPFIND", "get", "M-SEARCH", "X"];
    let request = |method: &&str| format!("{method} / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n");
    passes_each(&methods.iter().map(request).collect::<Vec<_>>());
}

#[test]
fn keeps_empty_reason_phrases_and_foreign_bytes() {
    Scene::https().play(
        |client| {
            client.send(b"GET /\xc3\xa9\xff HTTP/1.1\r\nHost: x\r\nX-Raw: \xe9\x80\r\n\r\n");
            client.expect(b"HTTP/1.1 200 \r\nX-Raw: \xff\xfe\r\nContent-Length: 0\r\n\r\n");
        },
        |server| {
            server.expect(b"GET /\xc3\xa9\xff HTTP/1.1\r\nHost: x\r\nX-Raw: \xe9\x80\r\n\r\n");
            server.send(b"HTTP/1.1 200 \r\nX-Raw: \xff\xfe\r\nContent-Length: 0\r\n\r\n");
        },
    );
}

#[test]
fn keeps_http_1_0_whose_body_ends_with_the_connection() {
    passes("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end");
}

#[test]
fn knows_that_answers_to_head_and_204_and_304_have_no_body() {
    let turns = [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7023\r\n\r\n"),
        ("HEAD", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ];
    let request = |method: &str| format!("{method} /m HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let printed = Scene::https().play(
        |client| {
            for (method, response) in turns {
                client.send(request(method));
                client.expect(response);
            }
        },
        |server| {
            for (method, response) in turns {
                server.expect(request(method));
                server.send(response);
            }
        },
    );
    let statuses: Vec<_> = exchanges(&printed).iter().map(|exchange| exchange["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 404, 204, 304, 200]);
    assert!(exchanges(&printed).iter().all(|exchange| exchange["failure"].is_null()), "{printed:?}");
}

#[test]
fn passes_interim_answers() {
    passes(
        "GET /hints HTTP/1.1\r\nHost: registry.test\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    );
}

const EXPECTING: &str =
    "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: registry.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";

#[test]
fn lets_a_client_wait_for_100_continue() {
    Scene::https().play(
        |client| {
            client.send(EXPECTING);
            client.expect("HTTP/1.1 100 Continue\r\n\r\n");
            client.send("12345");
            client.expect("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        },
        |server| {
            server.expect(EXPECTING);
            server.send("HTTP/1.1 100 Continue\r\n\r\n");
            server.expect("12345");
            server.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        },
    );
}

#[test]
fn lets_a_server_refuse_what_a_client_expects() {
    for refusal in ["401 Unauthorized", "417 Expectation Failed"] {
        let answer = format!("HTTP/1.1 {refusal}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        let printed = Scene::https().play(
            |client| {
                client.send(EXPECTING);
                client.expect(&answer);
            },
            |server| {
                server.expect(EXPECTING);
                server.send(&answer);
            },
        );
        assert_eq!(exchanges(&printed)[0]["status"], refusal[..3].parse::<u16>().unwrap());
    }
}

#[test]
fn passes_an_early_answer_while_the_upload_goes_on() {
    let head = "PATCH /up HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 20\r\n\r\n";
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nstop";
    Scene::https().play(
        |client| {
            client.send(head);
            client.send("0123456789");
            client.expect(answer);
            client.send("abcdefghij");
        },
        |server| {
            server.expect(head);
            server.expect("0123456789");
            server.send(answer);
            server.expect("abcdefghij");
        },
    );
}

#[test]
fn passes_pipelined_requests() {
    let request = |number: u32| format!("GET /{number} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let response = |number: u32| format!("HTTP/1.1 20{number} OK\r\nContent-Length: 1\r\n\r\n{number}");
    let printed = Scene::https().play(
        |client| {
            client.send((0..4).map(request).collect::<String>());
            client.expect((0..4).map(response).collect::<String>());
        },
        |server| {
            server.expect((0..4).map(request).collect::<String>());
            server.send((0..4).map(response).collect::<String>());
        },
    );
    let seen: Vec<_> = exchanges(&printed).iter().map(|exchange| exchange["status"].as_u64().unwrap()).collect();
    assert_eq!(seen, [200, 201, 202, 203]);
}

#[test]
fn passes_chunks_with_extensions_and_trailers_both_ways() {
    passes(
        "POST /up HTTP/1.1\r\nHost: registry.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
         4;name=\"a;b\"\r\nabcd\r\n0A\r\n0123456789\r\n000;last\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: CHUNKED\r\n\r\n\
         1 \r\na\r\n00003;x\r\nbcd\r\n0\r\nDigest: sha256:0\r\nX: \r\n\r\n",
    );
}

#[test]
fn passes_a_head_that_comes_byte_by_byte() {
    let request = "GET /slow HTTP/1.1\r\nHost: registry.test\r\n\r\n";
    Scene::https().play(
        |client| {
            request.as_bytes().chunks(1).for_each(|byte| client.send(byte));
            client.expect(OK);
        },
        |server| {
            server.expect(request);
            OK.as_bytes().chunks(1).for_each(|byte| server.send(byte));
        },
    );
}

#[test]
fn passes_an_upgrade_and_then_any_bytes() {
    let request = "GET /ws HTTP/1.1\r\nHost: registry.test\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let printed = Scene::https().play(
        |client| {
            client.send(request);
            client.expect(answer);
            client.expect(b"\x00server speaks first\xff");
            client.send(b"GET / HTTP/1.1\r\n\x00\x16\x03");
            client.expect(b"HTTP/1.1 not really\r\n\r\n");
        },
        |server| {
            server.expect(request);
            server.send(answer);
            server.send(b"\x00server speaks first\xff");
            server.expect(b"GET / HTTP/1.1\r\n\x00\x16\x03");
            server.send(b"HTTP/1.1 not really\r\n\r\n");
        },
    );
    let listed = exchanges(&printed);
    assert_eq!((listed.len(), &listed[0]["status"]), (1, &101.into()), "{printed:?}");
}

#[test]
fn goes_on_passing_what_it_cannot_read() {
    let odd = "POST /x HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde";
    passes(odd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    passes("GET / HTTP/9.9\r\nbroken header line\r\n\r\n", "ICY 200 OK\r\n\r\nnoise");
    passes("GET /bare HTTP/1.1\nHost: x\n\n", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok");
}
