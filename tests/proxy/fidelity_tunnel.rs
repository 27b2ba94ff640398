//! What is not TLS inside a CONNECT passes as it is.

use crate::support::scripted::record::exchanges;
use crate::support::scripted::scene::Scene;
use crate::support::scripted::wire::Ending;

#[test]
fn passes_a_server_that_speaks_first() {
    let printed = Scene::bare().play(
        |client| {
            client.expect("SSH-2.0-OpenSSH_9.2\r\n");
            client.send("SSH-2.0-scripted\r\n");
            client.expect(b"\x00\x01\x02\xff");
        },
        |server| {
            server.send("SSH-2.0-OpenSSH_9.2\r\n");
            server.expect("SSH-2.0-scripted\r\n");
            server.send(b"\x00\x01\x02\xff");
        },
    );
    assert_eq!(exchanges(&printed)[0]["method"], "CONNECT");
}

#[test]
fn passes_a_server_that_speaks_first_to_a_client_that_would_speak_tls() {
    Scene::bare().play(
        |client| {
            client.expect("220 mail ready\r\n");
            client.send(b"\x16\x03\x01 looks like TLS, is not");
            client.expect("500 what?\r\n");
        },
        |server| {
            server.send("220 mail ready\r\n");
            server.expect(b"\x16\x03\x01 looks like TLS, is not");
            server.send("500 what?\r\n");
        },
    );
}

#[test]
fn passes_bytes_that_are_neither_tls_nor_http() {
    Scene::bare().play(
        |client| {
            client.send(b"\x00\x00\x00\x10binary\xff\xfe");
            client.expect(b"\x01reply");
            client.send(b"\r\n\r\n\r\n");
        },
        |server| {
            server.expect(b"\x00\x00\x00\x10binary\xff\xfe");
            server.send(b"\x01reply");
            server.expect(b"\r\n\r\n\r\n");
        },
    );
}

#[test]
fn passes_a_single_byte() {
    Scene::bare().play(
        |client| {
            client.send(b"\x00");
            client.expect("seen");
        },
        |server| {
            server.expect(b"\x00");
            server.send("seen");
        },
    );
}

#[test]
fn passes_plain_http_inside_a_connect_and_records_it() {
    let request = "GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let printed = Scene::bare().play(
        |client| {
            client.send(request);
            client.expect(answer);
            client.send(request);
            client.expect(answer);
        },
        |server| {
            for _ in 0..2 {
                server.expect(request);
                server.send(answer);
            }
        },
    );
    let listed = exchanges(&printed);
    assert_eq!(listed.len(), 2, "{printed:?}");
    assert!(listed.iter().all(|exchange| exchange["method"] == "GET" && exchange["status"] == 200), "{printed:?}");
    let url = listed[0]["url"].as_str().unwrap();
    assert!(url.starts_with("http://registry.test:") && url.ends_with("/v2/"), "{url}");
}

#[test]
fn passes_http_2_with_prior_knowledge_untouched() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    let settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00";
    Scene::bare().play(
        |client| {
            client.send(preface);
            client.expect(settings);
        },
        |server| {
            server.expect(preface);
            server.send(settings);
        },
    );
}

#[test]
fn passes_resets_inside_a_tunnel() {
    Scene::bare().play(
        |client| {
            client.send(b"\x00ping");
            client.expect("pong");
            client.meet();
            client.expect_end(Ending::Reset);
        },
        |server| {
            server.expect(b"\x00ping");
            server.send("pong");
            server.meet();
            server.end(Ending::Reset);
        },
    );
}

#[test]
fn passes_a_tunnel_in_which_nobody_says_anything() {
    Scene::bare().play(|client| client.end(Ending::Fin), |server| server.expect_end(Ending::Fin));
}
