//! The HTTP/1 observer on random bytes and on random conversations whose events are known.

use proptest::collection::vec;
use proptest::prelude::*;
use pulltap::wire::Sender;

use super::conversation::{Protocol, Step, observed};
use super::laws;

/// Pieces of HTTP that random conversations are made of, besides random bytes.
const PIECES: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n",
    b"HEAD /x HTTP/1.1\r\n",
    b"PUT /x HTTP/1.0\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n",
    b"HTTP/1.1 101 Upgrade\r\n",
    b"HTTP/1.0 404 No\n",
    b"HTTP/1.1 304\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 3, 4\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"A: b\r\n",
    b" folded\r\n",
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"1;x=y\r\n",
    b"abc",
    b"\xfe",
    b"\xfe",
    b"\xfe",
    b"\xfd",
    b"\xfc",
    b"\xfb",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn keeps_its_word_about_random_bytes(bytes in vec(any::<u8>(), 0..200)) {
        laws::hold(Protocol::Http1, &bytes);
    }

    #[test]
    fn keeps_its_word_about_pieces_of_http(
        pieces in vec(prop_oneof![8 => (0..PIECES.len()).prop_map(|at| PIECES[at].to_vec()), 1 => vec(any::<u8>(), 1..4)], 0..40),
    ) {
        laws::hold(Protocol::Http1, &pieces.concat());
    }
}

/// A content and how it is framed.
#[derive(Debug, Clone)]
enum Content {
    Nothing,
    Length(Vec<u8>),
    Chunks(Vec<Vec<u8>>, Vec<(String, String)>),
}

/// One request and its response.
#[derive(Debug, Clone)]
struct Exchange {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
    request: Content,
    interim: Vec<u16>,
    status: u16,
    response: Content,
}

impl Content {
    /// The field that announces it, when one does.
    fn field(&self) -> Option<(String, String)> {
        match self {
            Self::Nothing => None,
            Self::Length(bytes) => Some(("Content-Length".into(), bytes.len().to_string())),
            Self::Chunks(..) => Some(("Transfer-Encoding".into(), "chunked".into())),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Length(bytes) => bytes.clone(),
            Self::Chunks(chunks, _) => chunks.concat(),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        let Self::Chunks(chunks, trailers) = self else {
            return self.bytes();
        };
        let mut encoded = Vec::new();
        for chunk in chunks {
            encoded.extend(format!("{:X}\r\n", chunk.len()).bytes());
            encoded.extend(chunk);
            encoded.extend(b"\r\n");
        }
        encoded.extend(b"0\r\n");
        encoded.extend(section(trailers).bytes());
        encoded
    }

    /// The lines that are expected for it.
    fn expected(&self, n: usize, side: &str) -> Vec<String> {
        let bytes = self.bytes();
        let mut lines = Vec::new();
        if !bytes.is_empty() {
            lines.push(format!("{n} {side} content {}", super::conversation::shown(&bytes)).trim_end().to_owned());
        }
        let trailers = if let Self::Chunks(_, trailers) = self { shown(trailers) } else { String::new() };
        lines.push(format!("{n} {side} end {} complete{trailers}", bytes.len()).trim_end().to_owned());
        lines
    }
}

fn section(fields: &[(String, String)]) -> String {
    let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    lines.concat() + "\r\n"
}

fn shown(fields: &[(String, String)]) -> String {
    let shown: Vec<_> = fields.iter().map(|(name, value)| format!(" | {name}: {value}")).collect();
    shown.concat()
}

impl Exchange {
    fn request_fields(&self) -> Vec<(String, String)> {
        self.fields.iter().cloned().chain(self.request.field()).collect()
    }

    fn response_fields(&self) -> Vec<(String, String)> {
        let field = self.response.field().unwrap_or(("Content-Length".into(), "0".into()));
        self.fields.iter().cloned().chain([field]).collect()
    }

    /// HEAD, 204 and 304 announce a content and have none.
    fn has_response_content(&self) -> bool {
        self.method != "HEAD" && !matches!(self.status, 204 | 304)
    }

    fn request_bytes(&self) -> Vec<u8> {
        let line = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut bytes = (line + &section(&self.request_fields())).into_bytes();
        bytes.extend(self.request.encoded());
        bytes
    }

    fn response_bytes(&self) -> Vec<u8> {
        let interim: Vec<_> = self.interim.iter().map(|status| format!("HTTP/1.1 {status} Wait\r\n\r\n")).collect();
        let line = format!("HTTP/1.1 {} Done\r\n", self.status);
        let mut bytes = (interim.concat() + &line + &section(&self.response_fields())).into_bytes();
        if self.has_response_content() {
            bytes.extend(self.response.encoded());
        }
        bytes
    }

    fn expected_request(&self, n: usize) -> Vec<String> {
        let fields = shown(&self.request_fields());
        let head = format!("{n} request {} {} HTTP/1.1{fields}", self.method, self.target);
        let mut lines = vec![format!("{n} started"), head];
        lines.extend(self.request.expected(n, "request"));
        lines
    }

    fn expected_response(&self, n: usize) -> Vec<String> {
        let mut lines: Vec<_> =
            self.interim.iter().map(|status| format!("{n} interim HTTP/1.1 {status} \"Wait\"")).collect();
        let fields = shown(&self.response_fields());
        lines.push(format!("{n} response HTTP/1.1 {} \"Done\"{fields}", self.status));
        let content = if self.has_response_content() { &self.response } else { &Content::Nothing };
        lines.extend(content.expected(n, "response"));
        lines.push(format!("{n} over complete"));
        lines
    }
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(("X-[A-Za-z0-9_!#$%&'*+.^`|~-]{1,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..5)
}

fn escaped(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    // The transcript shows values escaped; these have none of what is.
    fields.into_iter().map(|(name, value)| (name, value.replace(['\\', '"', '\''], "_"))).collect()
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        Just(Content::Nothing),
        vec(any::<u8>(), 1..300).prop_map(Content::Length),
        (vec(vec(any::<u8>(), 1..100), 0..4), fields())
            .prop_map(|(chunks, trailers)| Content::Chunks(chunks, escaped(trailers))),
    ]
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let method = prop_oneof!["GET|HEAD|PUT|PATCH|DELETE|OPTIONS", "[A-Z]{1,3}-[a-z!]{1,5}"];
    let status = prop_oneof![Just(200), Just(204), Just(304), Just(401), 200_u16..1000];
    (method, "/[!-~]{0,30}", fields(), content(), vec(102_u16..200, 0..3), status, content()).prop_map(
        |(method, target, fields, request, interim, status, response)| Exchange {
            method,
            target,
            fields: escaped(fields),
            request,
            interim,
            status,
            response,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn tells_random_exchanges_one_after_the_other(
        exchanges in vec(exchange(), 1..4),
        lengths in vec(1_usize..60, 1..5),
    ) {
        let mut steps = Vec::new();
        let mut expected = Vec::new();
        for (n, exchange) in exchanges.iter().enumerate() {
            steps.push(Step::Bytes(Sender::Client, exchange.request_bytes()));
            steps.push(Step::Bytes(Sender::Server, exchange.response_bytes()));
            expected.extend(exchange.expected_request(n));
            expected.extend(exchange.expected_response(n));
        }
        prop_assert_eq!(observed(Protocol::Http1, &laws::split(&steps, &lengths)), expected);
    }

    #[test]
    fn tells_random_exchanges_that_overlap(exchanges in vec(exchange(), 1..4), lengths in vec(1_usize..60, 1..5)) {
        let requests = exchanges.iter().flat_map(Exchange::request_bytes).collect();
        let responses = exchanges.iter().flat_map(Exchange::response_bytes).collect();
        let steps = [Step::Bytes(Sender::Client, requests), Step::Bytes(Sender::Server, responses)];
        let asked = exchanges.iter().enumerate().flat_map(|(n, exchange)| exchange.expected_request(n));
        let answered = exchanges.iter().enumerate().flat_map(|(n, exchange)| exchange.expected_response(n));
        let expected: Vec<_> = asked.chain(answered).collect();
        prop_assert_eq!(observed(Protocol::Http1, &laws::split(&steps, &lengths)), expected);
    }
}
