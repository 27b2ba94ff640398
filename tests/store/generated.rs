//! Exchanges made of random numbers: every field, every variant, text that hurts.

use std::net::SocketAddr;
use std::sync::Arc;

use pulltap::exchange::body::WhyNotKept;
use pulltap::exchange::tls::{Alert, AlertSender};
use pulltap::exchange::{
    Body, ClientHello, ConnectionId, Exchange, ExchangeId, Failure, FailureKind, Headers, Kept, Moment, Origin,
    RequestHead, ResponseHead, Scheme, Side, Stage, State, Target, Timings, TlsFacts, Tunnel, Upstream, Verdict,
    Version, WhyOpaque,
};

/// Random numbers, and what can be made of them; when they are used up, everything is the first of its kind.
#[derive(Debug, Clone)]
pub struct Dice(Vec<u64>);

impl Dice {
    /// These numbers, the last first.
    pub fn of(numbers: Vec<u64>) -> Self {
        Self(numbers)
    }

    /// The same numbers each time.
    pub fn seeded(seed: u64) -> Self {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        Self((0..400).map(next).collect())
    }

    fn roll(&mut self) -> u64 {
        self.0.pop().unwrap_or(0)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let count = of.len() as u64;
        of[usize::try_from(self.roll() % count).unwrap()].clone()
    }

    fn is_so(&mut self) -> bool {
        self.roll() % 2 == 1
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.is_so().then(|| make(self))
    }

    fn some<T>(&mut self, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.roll() % 4).map(|_| make(self)).collect()
    }

    fn small(&mut self) -> u16 {
        self.roll().to_le_bytes().as_chunks::<2>().0[0].iter().fold(0, |number, byte| number << 8 | u16::from(*byte))
    }

    fn text(&mut self) -> String {
        const TEXTS: &[&str] =
            &["", "a", "/v2/", "\0", "\"quoted\\", "'; DROP TABLE exchange; --", "日本語 \u{1f40b}", "\r\n\t"];
        let one = self.pick(TEXTS);
        let two = self.pick(TEXTS);
        format!("{one}{two}")
    }

    fn bytes(&mut self) -> Vec<u8> {
        let text = self.text().into_bytes();
        if self.is_so() { [text, self.roll().to_le_bytes().to_vec()].concat() } else { text }
    }

    fn moment(&mut self) -> Moment {
        let sensible = 1_764_000_000_000_000 + i64::try_from(self.roll() >> 30).unwrap();
        let wild = self.roll().cast_signed();
        Moment::from_micros(if self.roll() % 8 == 7 { wild } else { sensible })
    }

    fn address(&mut self) -> SocketAddr {
        let addresses: [SocketAddr; 3] =
            ["192.0.2.1:443", "[2001:db8::1]:5000", "[fe80::1%3]:1"].map(|text| text.parse().unwrap());
        self.pick(&addresses)
    }

    fn version(&mut self) -> Version {
        self.pick(&[Version::Http10, Version::Http11, Version::Http2])
    }

    fn headers(&mut self) -> Headers {
        let mut headers = Headers::default();
        for _ in 0..self.roll() % 5 {
            let name = self.pick(&["Accept", "accept", "X-\u{e9}", "", "Content-Type"]);
            headers.push(name, &self.bytes());
        }
        headers
    }

    fn response(&mut self) -> ResponseHead {
        ResponseHead { status: self.small(), reason: self.text(), version: self.version(), headers: self.headers() }
    }

    fn body(&mut self) -> Body {
        let why = self.pick(&[WhyNotKept::Binary, WhyNotKept::RecorderBehind, WhyNotKept::NotInFile]);
        let limit = self.roll();
        Body {
            length: self.roll(),
            is_complete: self.is_so(),
            sha256: self.maybe(|dice| std::array::from_fn(|at| dice.roll().to_le_bytes()[at % 8])),
            kept: self.pick(&[Kept::All, Kept::Prefix(limit), Kept::None(why)]),
            bytes: self.bytes(),
            decoded_from: self.some(Self::text),
            trailers: self.maybe(Self::headers),
        }
    }

    fn timings(&mut self) -> Timings {
        Timings {
            opened: self.moment(),
            request_head: self.maybe(Self::moment),
            request_end: self.maybe(Self::moment),
            first_byte: self.maybe(Self::moment),
            response_head: self.maybe(Self::moment),
            response_end: self.maybe(Self::moment),
            closed: self.maybe(Self::moment),
        }
    }

    fn upstream(&mut self) -> Arc<Upstream> {
        Arc::new(Upstream {
            addresses: self.some(Self::address),
            address: self.maybe(Self::address),
            resolve_start: self.maybe(Self::moment),
            resolve_end: self.maybe(Self::moment),
            connect_start: self.maybe(Self::moment),
            connect_end: self.maybe(Self::moment),
            parent_proxy: self.maybe(Self::text),
        })
    }

    fn verdict(&mut self) -> Verdict {
        let words = self.text();
        self.pick(&[
            Verdict::NotChecked,
            Verdict::Trusted,
            Verdict::Expired,
            Verdict::NotYetValid,
            Verdict::WrongName,
            Verdict::UnknownIssuer,
            Verdict::Revoked,
            Verdict::Refused(words),
        ])
    }

    /// A handshake.
    pub fn handshake(&mut self) -> Arc<TlsFacts> {
        Arc::new(TlsFacts {
            start: self.moment(),
            end: self.maybe(Self::moment),
            hello: self.maybe(|dice| ClientHello {
                versions: dice.some(Self::small),
                suites: dice.some(Self::small),
                groups: dice.some(Self::small),
                alpn: dice.some(Self::bytes),
                sni: dice.maybe(Self::text),
            }),
            version: self.maybe(Self::small),
            suite: self.maybe(Self::small),
            group: self.maybe(Self::small),
            alpn: self.maybe(Self::bytes),
            name: self.text(),
            chain: self.some(Self::bytes),
            verdict: self.verdict(),
            alert: self.maybe(|dice| Alert {
                code: dice.roll().to_le_bytes()[0],
                sender: dice.pick(&[AlertSender::Peer, AlertSender::Us]),
            }),
        })
    }

    fn failure(&mut self) -> Failure {
        let (verdict, status, alert) = (self.verdict(), self.small(), self.roll().to_le_bytes()[0]);
        Failure {
            stage: self.pick(&[
                Stage::Accept,
                Stage::ClientTls,
                Stage::Resolve,
                Stage::Connect,
                Stage::ParentProxy,
                Stage::UpstreamTls,
                Stage::Send,
                Stage::AwaitHead,
                Stage::ReadBody,
                Stage::WriteClient,
            ]),
            side: self.pick(&[Side::Client, Side::Us, Side::ParentProxy, Side::Origin]),
            kind: self.pick(&[
                FailureKind::Certificate(verdict),
                FailureKind::ClientCertificateWanted,
                FailureKind::ClientNotAllowed,
                FailureKind::GaveUp,
                FailureKind::HeadTooLarge,
                FailureKind::Loop,
                FailureKind::Malformed,
                FailureKind::NameNotFound,
                FailureKind::NotTls,
                FailureKind::ParentProxyRefused(status),
                FailureKind::Refused,
                FailureKind::Reset,
                FailureKind::Stopped,
                FailureKind::TlsAlert(alert),
                FailureKind::TlsFailed,
                FailureKind::TlsNothingInCommon,
                FailureKind::TimedOut,
                FailureKind::Truncated,
                FailureKind::Unreachable,
                FailureKind::Unsupported,
            ]),
            chain: self.some(Self::text),
            os_code: self.maybe(|dice| i32::from(dice.small()) - 1000),
            at: self.moment(),
        }
    }

    fn tunnel(&mut self) -> Tunnel {
        let why = self.pick(&[
            WhyOpaque::Ignored,
            WhyOpaque::ServerFirst,
            WhyOpaque::NotHttp,
            WhyOpaque::Upgraded,
            WhyOpaque::Unparsable,
        ]);
        Tunnel { why, sent: self.roll(), received: self.roll() }
    }

    /// An exchange with this number.
    pub fn exchange(&mut self, id: u64) -> Exchange {
        let target =
            Target { scheme: self.pick(&[Scheme::Http, Scheme::Https]), host: self.text(), port: self.small() };
        Exchange {
            id: ExchangeId::new(id).unwrap(),
            origin: self.pick(&[Origin::Live, Origin::File]),
            connection: ConnectionId::new(self.roll() % 4),
            connect: ExchangeId::new(self.roll() % 4),
            client: self.maybe(Self::address),
            target,
            request: self.maybe(|dice| RequestHead {
                method: dice.text(),
                target: dice.text(),
                version: dice.version(),
                headers: dice.headers(),
            }),
            request_body: self.body(),
            interim: self.some(Self::response),
            response: self.maybe(Self::response),
            response_body: self.body(),
            timings: self.timings(),
            upstream: self.maybe(Self::upstream),
            client_tls: self.maybe(Self::handshake),
            upstream_tls: self.maybe(Self::handshake),
            tunnel: self.maybe(Self::tunnel),
            answered_by_us: self.is_so(),
            failure: self.maybe(Self::failure),
            state: self.pick(&[State::Open, State::Complete, State::Failed]),
        }
    }
}
