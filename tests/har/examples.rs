//! Exchanges as they happen at a registry, made by hand: what the judges read first.

use std::sync::Arc;

use pulltap::exchange::tls::{Alert, AlertSender};
use pulltap::exchange::{
    Body, ClientHello, ConnectionId, Exchange, ExchangeId, Failure, FailureKind, Header, Headers, Kept, Moment, Origin,
    RequestHead, ResponseHead, Side, Stage, State, Target, Timings, TlsFacts, Tunnel, Upstream, Verdict, WhyNotKept,
    WhyOpaque,
};

/// 2026-01-02T03:04:05.678901Z.
const BEGIN: Moment = Moment::from_micros(1_767_323_045_678_901);

/// A pull that works, one that does not, and oddities, in the order of their beginnings.
pub fn all() -> Vec<Exchange> {
    let mut all = vec![
        challenge(1),
        token(2),
        manifest(3),
        layer(4),
        azure_refusal(5),
        name_not_found(6),
        untrusted(7),
        opaque(8),
        cut(9),
        hanging(10),
        never_asked(11),
    ];
    for (exchange, n) in all.iter_mut().zip(0..) {
        shift(exchange, n * 1_000_000);
    }
    all
}

/// An exchange that was answered, over a connection that stood before it began.
pub fn answered(id: u64, method: &str, target: &str) -> Exchange {
    let mut exchange = Exchange::new(ExchangeId::new(id).unwrap(), Origin::Live, registry(), BEGIN);
    exchange.connection = ConnectionId::new(id);
    exchange.connect = ExchangeId::new(id + 1000);
    exchange.client = Some("127.0.0.1:50000".parse().unwrap());
    let mut request = RequestHead::new(method, target);
    request.headers = headers(&[("Host", "myregistry.test"), ("User-Agent", "docker/27.0.1 go/go1.21.11")]);
    exchange.request = Some(request);
    exchange.request_body = Body { is_complete: true, ..Body::default() };
    let mut response = ResponseHead::new(200, "OK");
    response.headers = headers(&[("Content-Type", "application/json")]);
    exchange.response = Some(response);
    let at = |micros| Some(BEGIN.plus_micros(micros));
    exchange.timings = Timings {
        opened: BEGIN,
        request_head: at(120),
        request_end: at(150),
        first_byte: at(20_150),
        response_head: at(20_250),
        response_end: at(21_000),
        closed: at(21_001),
    };
    exchange.upstream = Some(Arc::new(Upstream {
        addresses: vec!["192.0.2.7:443".parse().unwrap(), "[2001:db8::7]:443".parse().unwrap()],
        address: Some("192.0.2.7:443".parse().unwrap()),
        resolve_start: at(-90_000),
        resolve_end: at(-80_000),
        connect_start: at(-79_500),
        connect_end: at(-60_000),
        parent_proxy: Some("proxy.test:3128".to_owned()),
    }));
    exchange.client_tls = Some(Arc::new(handshake(BEGIN.plus_micros(-50_000), "pulltap's leaf")));
    exchange.upstream_tls = Some(Arc::new(handshake(BEGIN.plus_micros(-55_000), "the registry's leaf")));
    exchange.state = State::Complete;
    exchange
}

fn registry() -> Target {
    Target::https("myregistry.test", 443)
}

/// Moves an exchange in time.
fn shift(exchange: &mut Exchange, micros: i64) {
    let timings = &mut exchange.timings;
    timings.opened = timings.opened.plus_micros(micros);
    for moment in [
        &mut timings.request_head,
        &mut timings.request_end,
        &mut timings.first_byte,
        &mut timings.response_head,
        &mut timings.response_end,
        &mut timings.closed,
    ] {
        *moment = moment.map(|moment| moment.plus_micros(micros));
    }
}

fn headers(fields: &[(&str, &str)]) -> Headers {
    fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
}

fn handshake(start: Moment, certificate: &str) -> TlsFacts {
    TlsFacts {
        end: Some(start.plus_micros(4_321)),
        hello: Some(ClientHello {
            versions: vec![0x0304, 0x0303],
            suites: vec![0x1301, 0xc02f],
            groups: vec![29, 23],
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            sni: Some("myregistry.test".to_owned()),
        }),
        version: Some(0x0304),
        suite: Some(0x1301),
        group: Some(29),
        alpn: Some(b"http/1.1".to_vec()),
        chain: vec![certificate.as_bytes().to_vec(), b"an issuer".to_vec()],
        verdict: Verdict::Trusted,
        ..TlsFacts::starting(start, "myregistry.test")
    }
}

fn body(bytes: &[u8]) -> Body {
    Body {
        length: bytes.len() as u64,
        is_complete: true,
        sha256: Some([0xab; 32]),
        bytes: bytes.to_vec(),
        ..Body::default()
    }
}

fn challenge(id: u64) -> Exchange {
    let mut exchange = answered(id, "GET", "/v2/");
    let mut response = ResponseHead::new(401, "Unauthorized");
    response.headers = headers(&[
        ("Content-Type", "application/json; charset=utf-8"),
        ("Www-Authenticate", "Bearer realm=\"https://auth.myregistry.test/token\",service=\"myregistry.test\""),
        ("Set-Cookie", "session=abc; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly; Secure"),
        ("Set-Cookie", "other=1; Expires=whenever"),
    ]);
    exchange.response = Some(response);
    exchange.response_body = body(br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#);
    exchange
}

fn token(id: u64) -> Exchange {
    let mut exchange = answered(id, "POST", "/oauth2/token?account=me&scope=repository%3Aapp%3Apull&x=%zz#fragment");
    let request = exchange.request.as_mut().unwrap();
    request.headers.push("Content-Type", b"application/x-www-form-urlencoded");
    request.headers.push("Cookie", b"session=abc; other=1");
    request.headers.push("Authorization", b"Basic bWU6c2VjcmV0");
    exchange.request_body = body(b"grant_type=refresh_token&service=myregistry.test&scope=repository%3Aapp%3Apull");
    exchange.response_body = body("{\"expires_in\":300,\"note\":\"grün 漢字\"}".as_bytes());
    exchange
}

fn manifest(id: u64) -> Exchange {
    let mut exchange = answered(id, "GET", "/v2/app//manifests/v1");
    let request = exchange.request.as_mut().unwrap();
    request.headers.push("Accept", b"application/vnd.oci.image.manifest.v1+json");
    request.headers.push("Accept", b"application/vnd.oci.image.index.v1+json");
    request.headers.push("X-Odd", b"caf\xe9");
    let response = exchange.response.as_mut().unwrap();
    response.headers = headers(&[
        ("content-type", "application/vnd.oci.image.manifest.v1+json"),
        ("Content-Encoding", "gzip"),
        ("Docker-Content-Digest", "sha256:abababababababababababababababababababababababababababababababab"),
    ]);
    exchange.response_body = body(br#"{"schemaVersion":2,"layers":[]}"#);
    exchange.response_body.length = 25;
    exchange.response_body.decoded_from = vec!["gzip".to_owned()];
    exchange.response_body.trailers = Some(headers(&[("X-Checksum", "1")]));
    exchange.interim = vec![ResponseHead::new(103, "Early Hints")];
    exchange
}

fn layer(id: u64) -> Exchange {
    let mut exchange = answered(id, "GET", "/v2/app/blobs/sha256:abab");
    exchange.connect = None;
    exchange.target = Target::http("192.0.2.9", 5000);
    let response = exchange.response.as_mut().unwrap();
    response.status = 307;
    "Temporary Redirect".clone_into(&mut response.reason);
    response.headers = headers(&[
        ("Content-Type", "application/octet-stream"),
        ("Location", "https://blobs.test/x?sig=secret&se=2026-01-02"),
    ]);
    exchange.response_body = Body {
        length: 123_456_789,
        is_complete: true,
        sha256: Some([0xab; 32]),
        kept: Kept::None(WhyNotKept::Binary),
        ..Body::default()
    };
    exchange
}

/// Azure Storage sends XML without a charset and with a byte order mark.
fn azure_refusal(id: u64) -> Exchange {
    let mut exchange = answered(id, "GET", "/v2/app/blobs/sha256:cdcd");
    exchange.target = Target::https("2001:db8::9", 8443);
    let response = exchange.response.as_mut().unwrap();
    response.status = 403;
    "This request is not authorized to perform this operation.".clone_into(&mut response.reason);
    response.headers = headers(&[("Content-Type", "application/xml"), ("x-ms-error-code", "AuthorizationFailure")]);
    exchange.response_body =
        body("\u{feff}<?xml version=\"1.0\"?><Error><Code>AuthorizationFailure</Code></Error>".as_bytes());
    exchange
}

fn failed(id: u64, target: &str, failure: (Stage, Side, FailureKind)) -> Exchange {
    let mut exchange = answered(id, "CONNECT", target);
    let (stage, side, kind) = failure;
    exchange.connect = None;
    exchange.response = None;
    exchange.response_body = Body::default();
    exchange.client_tls = None;
    exchange.upstream_tls = None;
    let at = BEGIN.plus_micros(30_000);
    exchange.timings = Timings { closed: Some(at), request_head: Some(BEGIN), ..Timings::starting(BEGIN) };
    let chain = vec!["it failed".to_owned(), "for a \"reason\"\n".to_owned()];
    exchange.failure = Some(Failure { stage, side, kind, chain, os_code: Some(111), at });
    exchange.state = State::Failed;
    exchange
}

fn name_not_found(id: u64) -> Exchange {
    let mut exchange = failed(id, "nowhere.test:443", (Stage::Resolve, Side::Origin, FailureKind::NameNotFound));
    exchange.target = Target::https("nowhere.test", 443);
    exchange.upstream = Some(Arc::new(Upstream {
        addresses: Vec::new(),
        address: None,
        resolve_start: Some(BEGIN.plus_micros(1_000)),
        resolve_end: None,
        connect_start: None,
        connect_end: None,
        parent_proxy: None,
    }));
    // pulltap's own answer.
    exchange.response = Some(ResponseHead::new(502, "pulltap: cannot resolve nowhere.test"));
    exchange.answered_by_us = true;
    exchange
}

fn untrusted(id: u64) -> Exchange {
    let failure = (Stage::ClientTls, Side::Client, FailureKind::TlsAlert(48));
    let mut exchange = failed(id, "myregistry.test:443", failure);
    let mut facts = handshake(BEGIN.plus_micros(10_000), "pulltap's leaf");
    facts.end = None;
    facts.alert = Some(Alert { code: 48, sender: AlertSender::Peer });
    facts.alpn = Some(b"\xff\xfe".to_vec());
    exchange.client_tls = Some(Arc::new(facts));
    exchange
}

fn opaque(id: u64) -> Exchange {
    let mut exchange = answered(id, "CONNECT", "myregistry.test:443");
    exchange.tunnel = Some(Tunnel { why: WhyOpaque::Ignored, sent: 1234, received: 567_890 });
    exchange
}

/// Cut within a character, and within its framing.
fn cut(id: u64) -> Exchange {
    let failure = (Stage::ReadBody, Side::Origin, FailureKind::Truncated);
    let mut exchange = answered(id, "GET", "/v2/app/tags/list");
    exchange.failure = failed(id, "", failure).failure;
    exchange.state = State::Failed;
    exchange.response_body = body(b"{\"name\":\"gr\xc3");
    exchange.response_body.is_complete = false;
    exchange.response_body.kept = Kept::Prefix(12);
    exchange
}

fn hanging(id: u64) -> Exchange {
    let mut exchange = answered(id, "PUT", "/v2/app/blobs/uploads/1?digest=sha256:ab");
    exchange.response = None;
    exchange.response_body = Body::default();
    exchange.request_body = body(b"\x1f\x8b\x08\0binary");
    exchange.timings = Timings { request_end: exchange.timings.request_end, ..Timings::starting(BEGIN) };
    exchange.state = State::Open;
    exchange
}

/// A client that sends no request.
fn never_asked(id: u64) -> Exchange {
    let failure = (Stage::Accept, Side::Client, FailureKind::Malformed);
    let mut exchange = failed(id, "", failure);
    exchange.request = None;
    exchange.connection = None;
    exchange.upstream = None;
    exchange.target = Target::http("odd_host with spaces", 8888);
    exchange
}

/// The header fields as pairs, for a message that shows them.
pub fn pairs(headers: &Headers) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|Header { name, value }| (name.to_owned(), value.to_vec())).collect()
}
