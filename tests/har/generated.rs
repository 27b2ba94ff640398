//! Exchanges of every kind at random: partial, failed, odd in every field, in no order of time.

use std::net::SocketAddr;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use pulltap::exchange::tls::{Alert, AlertSender};
use pulltap::exchange::{
    Body, ClientHello, ConnectionId, Exchange, ExchangeId, Failure, FailureKind, Headers, Kept, Moment, Origin,
    RequestHead, ResponseHead, Scheme, Side, Stage, State, Target, Timings, TlsFacts, Tunnel, Upstream, Verdict,
    Version, WhyNotKept, WhyOpaque,
};

/// Some exchanges with ids from 1.
pub fn exchanges() -> impl Strategy<Value = Vec<Exchange>> {
    vec(exchange(), 0..6).prop_map(|mut exchanges| {
        for (exchange, number) in exchanges.iter_mut().zip(1..) {
            exchange.id = ExchangeId::new(number).unwrap();
        }
        exchanges
    })
}

prop_compose! {
    /// One exchange.
    pub fn exchange()(
        places in (1..u64::MAX, option::of(1..9_u64), option::of(1..u64::MAX), option::of(address())),
        target in target(),
        request in option::of(request()),
        response in option::of(response()),
        interim in vec(response(), 0..2),
        bodies in (body(), body()),
        timings in timings(),
        connection in (option::of(upstream()), option::of(tls()), option::of(tls()), option::of(tunnel())),
        end in (any::<bool>(), option::of(failure()), state()),
    ) -> Exchange {
        let id = ExchangeId::new(places.0).unwrap();
        // A strategy of its own would be one too many for the stack of a thread on Windows.
        let origin = if id.number().is_multiple_of(2) { Origin::Live } else { Origin::File };
        let mut exchange = Exchange::new(id, origin, target, timings.opened);
        exchange.connection = places.1.and_then(ConnectionId::new);
        exchange.connect = places.2.and_then(ExchangeId::new);
        exchange.client = places.3;
        exchange.request = request;
        exchange.response = response;
        exchange.interim = interim;
        (exchange.request_body, exchange.response_body) = bodies;
        exchange.timings = timings;
        exchange.upstream = connection.0.map(Arc::new);
        exchange.client_tls = connection.1.map(Arc::new);
        exchange.upstream_tls = connection.2.map(Arc::new);
        exchange.tunnel = connection.3;
        (exchange.answered_by_us, exchange.failure, exchange.state) = end;
        exchange
    }
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<std::net::IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        8 => (0..100_000_000_i64).prop_map(|micros| Moment::from_micros(1_767_323_045_000_000 + micros)),
        1 => (-(1_i64 << 53)..1 << 53).prop_map(Moment::from_micros),
    ]
}

prop_compose! {
    fn timings()(opened in moment(), others in [(); 6].map(|()| option::of(moment()))) -> Timings {
        let [request_head, request_end, first_byte, response_head, response_end, closed] = others;
        Timings { opened, request_head, request_end, first_byte, response_head, response_end, closed }
    }
}

fn target() -> impl Strategy<Value = Target> {
    let host = prop_oneof!["[a-z]{1,8}\\.test", "\\PC{0,12}", Just("::1".to_owned()), Just("192.0.2.1".to_owned())];
    let scheme = prop_oneof![Just(Scheme::Http), Just(Scheme::Https)];
    (scheme, host, any::<u16>()).prop_map(|(scheme, host, port)| Target { scheme, host, port })
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::Http10), Just(Version::Http11), Just(Version::Http2)]
}

fn request() -> impl Strategy<Value = RequestHead> {
    let method = prop_oneof!["GET|HEAD|PUT|CONNECT|-", "[!-~]{1,8}"];
    let target = prop_oneof![
        "/[!-~]{0,30}",
        "[!-~]{0,30}",
        "\\PC{0,20}",
        "https?://[a-z]{0,5}(:[0-9]{0,6})?/?[!-~]{0,10}",
        Just("*".to_owned()),
    ];
    (method, target, version(), headers()).prop_map(|(method, target, version, headers)| RequestHead {
        method,
        target,
        version,
        headers,
    })
}

fn response() -> impl Strategy<Value = ResponseHead> {
    (100..1000_u16, "\\PC{0,12}", version(), headers()).prop_map(|(status, reason, version, headers)| ResponseHead {
        status,
        reason,
        version,
        headers,
    })
}

fn headers() -> impl Strategy<Value = Headers> {
    let known = prop_oneof![
        ("Content-Type", "(text/plain|application/json|x)(; ?charset=\"?(utf-8|iso-8859-1|UTF-16|odd))?"),
        ("content-encoding", "gzip|deflate|identity"),
        ("(Set-)?Cookie", "[a-c]{0,2}=?[ -~]{0,9}(; (Path|Expires|secure)(=[ -~]{0,30})?)?"),
        ("Location", "\\PC{0,20}"),
    ]
    .prop_map(|(name, value)| (name, value.into_bytes()));
    let odd = ("[!-9;-~]{1,9}", vec(prop_oneof![Just(9_u8), 32..127_u8, 128..=255_u8], 0..12));
    vec(prop_oneof![known, odd], 0..6)
        .prop_map(|fields| fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect())
}

prop_compose! {
    fn body()(
        length in prop_oneof![Just(0), 0..1_u64 << 50],
        is_complete in any::<bool>(),
        sha256 in option::of(any::<[u8; 32]>()),
        kept in kept(),
        bytes in prop_oneof![
            Just(Vec::new()),
            vec(any::<u8>(), 0..20),
            "\u{feff}?\\PC{0,20}".prop_map(String::into_bytes),
            "a=\\PC{0,5}&b=[+%]{0,3}".prop_map(String::into_bytes),
            ("\u{feff}?\\PC{0,9}漢", 1..3_usize).prop_map(|(text, cut)| text.as_bytes()[..text.len() - cut].to_vec()),
        ],
        decoded_from in vec("gzip|br", 0..2),
        trailers in option::of(headers()),
    ) -> Body {
        Body { length, is_complete, sha256, kept, bytes, decoded_from, trailers }
    }
}

fn kept() -> impl Strategy<Value = Kept> {
    prop_oneof![
        Just(Kept::All),
        any::<u64>().prop_map(Kept::Prefix),
        Just(Kept::None(WhyNotKept::Binary)),
        Just(Kept::None(WhyNotKept::RecorderBehind)),
        Just(Kept::None(WhyNotKept::NotInFile)),
    ]
}

prop_compose! {
    fn upstream()(
        addresses in vec(address(), 0..3),
        address in option::of(address()),
        moments in [(); 4].map(|()| option::of(moment())),
    ) -> Upstream {
        let [resolve_start, resolve_end, connect_start, connect_end] = moments;
        Upstream { addresses, address, resolve_start, resolve_end, connect_start, connect_end, parent_proxy: None }
    }
}

prop_compose! {
    fn tls()(
        moments in (moment(), option::of(moment())),
        hello in option::of(hello()),
        agreed in [(); 3].map(|()| option::of(any::<u16>())),
        alpn in option::of(protocol()),
        name in "\\PC{0,9}",
        chain in vec(vec(0..3_u8, 0..2), 0..4),
        verdict in verdict(),
        alert in option::of((any::<u8>(), any::<bool>())),
    ) -> TlsFacts {
        let [version, suite, group] = agreed;
        let alert = alert.map(|(code, peer)| Alert { code, sender: if peer { AlertSender::Peer } else { AlertSender::Us } });
        TlsFacts {
            start: moments.0, end: moments.1, hello, version, suite, group, alpn, name, chain, verdict, alert,
        }
    }
}

fn protocol() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(b"h2".to_vec()), vec(any::<u8>(), 0..6)]
}

prop_compose! {
    fn hello()(
        numbers in [(); 3].map(|()| vec(any::<u16>(), 0..4)),
        alpn in vec(protocol(), 0..3),
        sni in option::of("\\PC{0,9}"),
    ) -> ClientHello {
        let [versions, suites, groups] = numbers;
        ClientHello { versions, suites, groups, alpn, sni }
    }
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::NotChecked),
        Just(Verdict::Trusted),
        Just(Verdict::Expired),
        Just(Verdict::NotYetValid),
        Just(Verdict::WrongName),
        Just(Verdict::UnknownIssuer),
        Just(Verdict::Revoked),
        "\\PC{0,9}".prop_map(Verdict::Refused),
    ]
}

fn tunnel() -> impl Strategy<Value = Tunnel> {
    let why = prop_oneof![
        Just(WhyOpaque::Ignored),
        Just(WhyOpaque::ServerFirst),
        Just(WhyOpaque::NotHttp),
        Just(WhyOpaque::Upgraded),
        Just(WhyOpaque::Unparsable),
    ];
    (why, any::<u64>(), any::<u64>()).prop_map(|(why, sent, received)| Tunnel { why, sent, received })
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![Just(State::Open), Just(State::Complete), Just(State::Failed)]
}

prop_compose! {
    fn failure()(
        stage in stage(),
        side in prop_oneof![Just(Side::Client), Just(Side::Us), Just(Side::ParentProxy), Just(Side::Origin)],
        kind in kind(),
        chain in vec("\\PC{0,12}", 0..3),
        os_code in option::of(any::<i32>()),
        at in moment(),
    ) -> Failure {
        Failure { stage, side, kind, chain, os_code, at }
    }
}

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        Just(Stage::Accept),
        Just(Stage::ClientTls),
        Just(Stage::Resolve),
        Just(Stage::Connect),
        Just(Stage::ParentProxy),
        Just(Stage::UpstreamTls),
        Just(Stage::Send),
        Just(Stage::AwaitHead),
        Just(Stage::ReadBody),
        Just(Stage::WriteClient),
    ]
}

fn kind() -> impl Strategy<Value = FailureKind> {
    prop_oneof![
        4 => verdict().prop_map(FailureKind::Certificate),
        1 => any::<u16>().prop_map(FailureKind::ParentProxyRefused),
        1 => any::<u8>().prop_map(FailureKind::TlsAlert),
        1 => Just(FailureKind::ClientCertificateWanted),
        1 => Just(FailureKind::ClientNotAllowed),
        1 => Just(FailureKind::GaveUp),
        1 => Just(FailureKind::HeadTooLarge),
        1 => Just(FailureKind::Loop),
        1 => Just(FailureKind::Malformed),
        4 => plain_kind(),
    ]
}

fn plain_kind() -> impl Strategy<Value = FailureKind> {
    prop_oneof![
        Just(FailureKind::NameNotFound),
        Just(FailureKind::NotTls),
        Just(FailureKind::Refused),
        Just(FailureKind::Reset),
        Just(FailureKind::ResolverFailed),
        Just(FailureKind::Stopped),
        Just(FailureKind::TlsFailed),
        Just(FailureKind::TlsNothingInCommon),
        Just(FailureKind::TimedOut),
        Just(FailureKind::Truncated),
        Just(FailureKind::Unreachable),
        Just(FailureKind::Unsupported),
    ]
}
