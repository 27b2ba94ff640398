//! An end is passed on as the end that it was: goodbye, cut or reset.

use serde_json::Value;

use crate::support::scripted::record::{assert_failure, exchanges};
use crate::support::scripted::scene::Scene;
use crate::support::scripted::wire::Ending;

const REQUEST: &str = "GET /blob HTTP/1.1\r\nHost: registry.test\r\n\r\n";
const CUT_SHORT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
const UNTIL_THE_END: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it";

/// A server that ends like this after that; the client must see just that, and the record is given.
#[track_caller]
fn server_ends(response: &str, how: Ending) -> Value {
    let printed = Scene::https().play(
        |client| {
            client.send(REQUEST);
            client.expect(response);
            client.meet();
            client.expect_end(how);
        },
        |server| {
            server.expect(REQUEST);
            server.send(response);
            server.meet();
            server.end(how);
        },
    );
    let listed = exchanges(&printed);
    assert_eq!(listed.len(), 1, "{printed:?}");
    listed[0].clone()
}

#[test]
fn a_goodbye_in_mid_body_is_a_goodbye_and_recorded_as_truncated() {
    assert_failure(&server_ends(CUT_SHORT, Ending::CloseNotify), ("read-body", "origin", "truncated"));
}

#[test]
fn a_bare_end_in_mid_body_is_a_bare_end_and_recorded_as_truncated() {
    assert_failure(&server_ends(CUT_SHORT, Ending::Fin), ("read-body", "origin", "truncated"));
}

#[test]
fn a_reset_in_mid_body_is_a_reset_and_recorded_as_one() {
    assert_failure(&server_ends(CUT_SHORT, Ending::Reset), ("read-body", "origin", "reset"));
}

#[test]
fn a_body_that_ends_with_the_connection_is_complete_after_a_goodbye() {
    assert!(server_ends(UNTIL_THE_END, Ending::CloseNotify)["failure"].is_null());
}

#[test]
fn a_complete_body_before_a_bare_end_is_no_failure() {
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    assert!(server_ends(response, Ending::Fin)["failure"].is_null());
    assert!(server_ends(response, Ending::Reset)["failure"].is_null());
}

#[test]
fn chunks_that_stop_are_truncated() {
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n";
    assert_failure(&server_ends(response, Ending::CloseNotify), ("read-body", "origin", "truncated"));
}

/// Servers say this to keep-alive connections that they close (nginx does not, HAProxy and many load balancers do).
#[test]
fn an_unasked_408_before_a_goodbye_is_passed_on_and_no_exchange() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let unasked = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let printed = Scene::https().play(
        |client| {
            client.send(REQUEST);
            client.expect(answer);
            client.meet();
            client.expect(unasked);
            client.expect_end(Ending::CloseNotify);
        },
        |server| {
            server.expect(REQUEST);
            server.send(answer);
            server.meet();
            server.send(unasked);
        },
    );
    let listed = exchanges(&printed);
    assert_eq!((listed.len(), &listed[0]["status"]), (1, &200.into()), "{printed:?}");
    assert!(listed[0]["failure"].is_null(), "{printed:?}");
}

#[test]
fn a_client_that_said_goodbye_still_gets_its_answer() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    Scene::https().play(
        |client| {
            client.send(REQUEST);
            client.end(Ending::CloseNotify);
            client.expect(answer);
            client.expect_end(Ending::CloseNotify);
        },
        |server| {
            server.expect(REQUEST);
            server.expect_end(Ending::CloseNotify);
            server.send(answer);
        },
    );
}

#[test]
fn a_server_that_said_goodbye_still_gets_the_rest() {
    let head = "POST /up HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 10\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    Scene::https().play(
        |client| {
            client.send(head);
            client.expect(answer);
            client.expect_end(Ending::CloseNotify);
            client.send("0123456789");
        },
        |server| {
            server.expect(head);
            server.send(answer);
            server.end(Ending::CloseNotify);
            server.expect("0123456789");
            server.expect_end(Ending::CloseNotify);
        },
    );
}

#[test]
fn half_closed_plain_connections_go_on_in_the_other_direction() {
    Scene::bare().play(
        |client| {
            client.send("question");
            client.end(Ending::Fin);
            client.expect("an answer after the end");
            client.expect_end(Ending::Fin);
        },
        |server| {
            server.expect("question");
            server.expect_end(Ending::Fin);
            server.send("an answer after the end");
        },
    );
}

/// A client that ends like this in the middle of its upload; the server must see just that.
#[track_caller]
fn client_ends(how: Ending) -> Value {
    let part = "PUT /up HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 100\r\n\r\nonly this";
    let printed = Scene::https().play(
        |client| {
            client.send(part);
            client.meet();
            client.end(how);
        },
        |server| {
            server.expect(part);
            server.meet();
            server.expect_end(how);
        },
    );
    exchanges(&printed)[0].clone()
}

#[test]
fn a_client_that_cuts_its_upload_is_passed_on_as_that_cut() {
    assert_failure(&client_ends(Ending::Fin), ("send", "client", "gave-up"));
    assert_failure(&client_ends(Ending::Reset), ("send", "client", "gave-up"));
}

#[test]
fn a_client_that_resets_while_it_waits_resets_the_server() {
    let printed = Scene::https().play(
        |client| {
            client.send(REQUEST);
            client.meet();
            client.end(Ending::Reset);
        },
        |server| {
            server.expect(REQUEST);
            server.meet();
            server.expect_end(Ending::Reset);
        },
    );
    assert_failure(exchanges(&printed)[0], ("await-head", "client", "gave-up"));
}

#[test]
fn a_server_that_resets_before_any_answer_resets_the_client() {
    assert_failure(&server_ends("", Ending::Reset), ("await-head", "origin", "reset"));
}

#[test]
fn a_server_that_ends_before_any_answer_ends_the_client_alike() {
    assert_failure(&server_ends("", Ending::CloseNotify), ("await-head", "origin", "truncated"));
    assert_failure(&server_ends("", Ending::Fin), ("await-head", "origin", "truncated"));
}
