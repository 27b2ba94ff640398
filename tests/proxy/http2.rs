//! HTTP/2 through the proxy, frame by frame: relayed as it comes, recorded exchange by exchange.

use pulltap::exchange::ResponseHead;
use pulltap::wire::{HttpObserver, Observed, Sender};
use serde_json::Value;

use crate::support::scripted::authority::Authority;
use crate::support::scripted::client::{ClientTls, tls_tunnel, tunnel};
use crate::support::scripted::origin::{Origin, ServerTls};
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::record::{assert_failure, exchanges};
use crate::support::scripted::scene::{HOST, Scene};
use crate::support::scripted::wire::Wire;
use crate::wire::frames::written;

const GET: &str = ":method=GET :scheme=https :path=/v2/ :authority=registry.test";

/// Both sides speak TLS and agree on h2.
fn https() -> Scene {
    Scene::https().with_client(|tls| tls.alpn = vec!["h2", "http/1.1"]).with_server(|tls, _| tls.alpn = vec!["h2"])
}

fn frames(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| written(line)).collect()
}

/// Plays a talk in turns, first the client's; gives the exchanges that were listed.
#[track_caller]
fn play(scene: &Scene, turns: &[(Sender, &[&str])]) -> Vec<Value> {
    let speak = |me: Sender, wire: &mut Wire| {
        for (sender, lines) in turns {
            let bytes = frames(lines);
            if *sender == me { wire.send(bytes) } else { wire.expect(bytes) }
        }
    };
    let printed = scene.play(|wire| speak(Sender::Client, wire), |wire| speak(Sender::Server, wire));
    exchanges(&printed).into_iter().cloned().collect()
}

#[test]
fn relays_and_records_streams_that_overlap() {
    let first = format!("headers 1 end {GET}");
    let turns: &[(Sender, &[&str])] = &[
        (Sender::Client, &["preface", "settings 1=4096 4=65535", &first]),
        (Sender::Server, &["settings 3=100", "settings ack"]),
        (
            Sender::Client,
            &[
                "settings ack",
                "headers 3 priority pad=9 :method=POST :scheme=https :path=/v2/a/blobs/uploads/ :authority=registry.test",
                "data 3 pad=200 one",
                "data 3 end",
            ],
        ),
        (
            Sender::Server,
            &[
                "headers 3 :status=202 location=/v2/a/blobs/uploads/1",
                "headers 1 part :status=200",
                "continuation 1 content-type=application/json",
                "data 1 {}",
                "data 3 end pad=3",
                "ping",
                "headers 1 end x-sum=1",
            ],
        ),
    ];
    let listed = play(&https(), turns);
    assert_eq!(listed.len(), 2, "{listed:?}");
    for (method, status, sizes) in [("GET", 200, (0, 2)), ("POST", 202, (3, 0))] {
        let exchange = listed.iter().find(|exchange| exchange["method"] == method).unwrap();
        assert_eq!(exchange["status"], status, "{exchange}");
        assert_eq!((&exchange["request_bytes"], &exchange["response_bytes"]), (&sizes.0.into(), &sizes.1.into()));
        assert_eq!(exchange["failure"], Value::Null);
        assert_eq!(exchange["client_tls"]["alpn"], "h2");
        assert_eq!(exchange["upstream_tls"]["alpn"], "h2");
    }
}

#[test]
fn a_client_that_cancels_its_stream_gave_up() {
    let request = format!("headers 1 end {GET}");
    let other = format!("headers 3 end {}", GET.replace("/v2/", "/other"));
    let turns: &[(Sender, &[&str])] = &[
        (Sender::Client, &["preface", "settings", &request, &other]),
        (Sender::Server, &["settings"]),
        (Sender::Client, &["rst 1 8"]),
        (Sender::Server, &["headers 3 end :status=204"]),
    ];
    let listed = play(&https(), turns);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_failure(&listed[0], ("await-head", "client", "gave-up"));
    assert_eq!(listed[0]["failure"]["chain"][0], "the client reset the stream: CANCEL", "{}", listed[0]);
    assert_eq!((&listed[1]["status"], &listed[1]["failure"]), (&204.into(), &Value::Null));
}

#[test]
fn a_server_that_refuses_goes_away_or_falls_short_is_recorded_so() {
    let path = |stream: u32| format!("headers {stream} end {}", GET.replace("/v2/", &format!("/{stream}")));
    let (first, third, fifth, seventh) = (path(1), path(3), path(5), path(7));
    let turns: &[(Sender, &[&str])] = &[
        (Sender::Client, &["preface", "settings", &first, &third, &fifth, &seventh]),
        (
            Sender::Server,
            &[
                "settings",
                "rst 1 7",
                "headers 3 :status=200 content-length=10",
                "data 3 end short",
                "goaway 5 0",
                "headers 5 end :status=200",
            ],
        ),
    ];
    let listed = play(&https(), turns);
    let of =
        |stream: u32| listed.iter().find(|exchange| exchange["url"].as_str().unwrap().ends_with(&format!("/{stream}")));
    assert_failure(of(1).unwrap(), ("await-head", "origin", "reset"));
    assert_failure(of(3).unwrap(), ("read-body", "origin", "truncated"));
    assert_eq!((&of(5).unwrap()["status"], &of(5).unwrap()["failure"]), (&200.into(), &Value::Null));
    assert_failure(of(7).unwrap(), ("await-head", "origin", "truncated"));
}

#[test]
fn prior_knowledge_inside_a_tunnel_is_observed() {
    let request = format!("headers 1 end {GET}");
    let turns: &[(Sender, &[&str])] = &[
        (Sender::Client, &["preface", "settings", &request]),
        (Sender::Server, &["settings", "headers 1 end :status=401"]),
    ];
    let listed = play(&Scene::bare(), turns);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0]["method"], &listed[0]["status"]), (&"GET".into(), &401.into()));
    assert!(listed[0]["url"].as_str().unwrap().starts_with("http://registry.test:"), "{}", listed[0]);
}

#[test]
fn what_is_no_http_2_passes_uninterpreted() {
    let broken = frames(&["preface", "settings", "headers 1 end !\\x80", "ping"]);
    let answer = frames(&["settings", "goaway 0 9"]);
    let printed = https().play(
        |wire| {
            wire.send(&broken);
            wire.expect(&answer);
        },
        |wire| {
            wire.expect(&broken);
            wire.send(&answer);
        },
    );
    let listed = exchanges(&printed);
    let connect = listed.iter().find(|exchange| exchange["method"] == "CONNECT").expect("an opaque tunnel is listed");
    assert_eq!(connect["tunnel"]["why"], "unparsable", "{connect}");
}

/// What a server says to a request by HTTP/2: the head and the content.
fn asked(wire: &mut Wire) -> (ResponseHead, String) {
    let mut observer = HttpObserver::of(wire.alpn());
    let request = frames(&["preface", "settings", &format!("headers 1 end {GET}")]);
    observer.bytes(Sender::Client, &request, &mut |_| {});
    wire.send(request);
    let (mut answer, mut content, mut is_over) = (None, Vec::new(), false);
    while !is_over {
        let bytes = wire.receive(1);
        observer.bytes(Sender::Server, &bytes, &mut |event| match event {
            Observed::Response { head, .. } => answer = Some(head),
            Observed::ResponseBody { bytes, .. } => content.extend_from_slice(bytes),
            Observed::Over { .. } => is_over = true,
            _ => {}
        });
    }
    (answer.expect("a response"), String::from_utf8(content).unwrap())
}

#[test]
fn a_client_that_knows_only_h2_is_answered_in_it() {
    let authority = Authority::new();
    let server = ServerTls { alpn: vec!["h2"], ..ServerTls::new(authority.expired_identity(&[HOST])) };
    let origin = Origin::tls(&server, |_| {});
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    for (alpn, is_http2) in [(vec!["h2"], true), (vec!["h2", "http/1.1"], false)] {
        let client = ClientTls { alpn, ..pulltap.client(HOST) };
        let mut wire = tls_tunnel(pulltap.address(), "registry.test:443", &client);
        assert_eq!(wire.alpn() == Some(b"h2"), is_http2);
        if !is_http2 {
            continue;
        }
        let (head, content) = asked(&mut wire);
        assert_eq!(head.status, 502);
        let content: Value = serde_json::from_str(&content).expect("JSON");
        let message = content["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("the certificate of registry.test has expired"), "{content}");
        wire.conclude();
        let exchange = pulltap.exchange("GET", "https://registry.test/v2/");
        assert_failure(&exchange, ("upstream-tls", "origin", "certificate-expired"));
        assert_eq!((&exchange["status"], &exchange["answered_by_us"]), (&502.into(), &true.into()));
    }
    pulltap.conclude();
}

#[test]
fn a_client_that_knows_only_h2_gets_the_alert_of_a_server_that_does_not() {
    let authority = Authority::new();
    let server = ServerTls { alpn: vec!["http/1.1"], ..ServerTls::new(authority.identity(&[HOST])) };
    let origin = Origin::tls(&server, |_| {});
    let pulltap = Setup::trusting(&authority).resolving(HOST, 443, origin.address()).start();
    let client = ClientTls { alpn: vec!["h2"], ..pulltap.client(HOST) };
    let mut wire = tunnel(pulltap.address(), "registry.test:443");
    let error = wire.start_tls(client.connection()).unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    let connect = pulltap.exchange("CONNECT", "https://registry.test:443/");
    assert_failure(&connect, ("upstream-tls", "origin", "tls-alert"));
    pulltap.conclude();
}
