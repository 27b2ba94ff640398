//! The HTTP/2 observer on random frames, on random exchanges whose events are known, and at its limits.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use pulltap::exchange::{RequestHead, ResponseHead};
use pulltap::wire::http2::{BLOCK_LIMIT, FIELD_LIMIT, LIST_LIMIT, OPEN_LIMIT};
use pulltap::wire::{Observed, Sender};

use super::conversation::{Protocol, Step, Transcript, observed, shown};
use super::frames::{field, frame, integer, string, written};
use super::laws;

fn says(sender: Sender, text: &str) -> Step {
    Step::Bytes(sender, written(text))
}

fn begun() -> Vec<Step> {
    vec![says(Sender::Client, "preface"), says(Sender::Client, "settings"), says(Sender::Server, "settings")]
}

const GET: &str = ":method=GET :scheme=https :path=/ :authority=r.test";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn keeps_its_word_about_random_frames(bytes in vec(any::<u8>(), 0..400)) {
        laws::hold(Protocol::Http2, &bytes);
    }
}

/// One exchange as the frames of its two sides, and the lines that are expected of it.
#[derive(Debug, Clone)]
struct Exchange {
    path: String,
    request: Message,
    interim: Vec<u16>,
    status: u16,
    response: Message,
}

/// A content in pieces, each with its padding, and trailers.
#[derive(Debug, Clone)]
struct Message {
    fields: Vec<(String, String)>,
    pieces: Vec<(Vec<u8>, Option<u8>)>,
    trailers: Option<Vec<(String, String)>>,
    /// The lengths of the frames that the header block is cut into.
    cuts: Vec<usize>,
}

/// What an encoder remembers: the fields that it has put into the table, newest first.
#[derive(Debug, Default)]
struct Encoder(Vec<(String, String)>);

impl Encoder {
    fn encoded(&mut self, name: &str, value: &str) -> Vec<u8> {
        if let Some(at) = self.0.iter().position(|entry| entry.0 == name && entry.1 == value) {
            return integer(62 + at, 7, 0x80);
        }
        self.0.insert(0, (name.to_owned(), value.to_owned()));
        [vec![0x40], string(name.as_bytes()), string(value.as_bytes())].concat()
    }

    /// The frames of a header block that is cut so.
    fn frames(&mut self, (stream, ends): (u32, bool), fields: &[(String, String)], cuts: &[usize]) -> Vec<u8> {
        let block: Vec<u8> = fields.iter().flat_map(|(name, value)| self.encoded(name, value)).collect();
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut rest = &block[..];
        for cut in cuts {
            let (part, after) = rest.split_at((*cut).min(rest.len()));
            parts.push(part);
            rest = after;
        }
        parts.push(rest);
        let last = parts.len() - 1;
        let frames = parts.iter().enumerate().map(|(at, part)| {
            let ends_block = if at == last { 4 } else { 0 };
            if at == 0 {
                frame(1, ends_block | u8::from(ends), stream, part)
            } else {
                frame(9, ends_block, stream, part)
            }
        });
        frames.collect::<Vec<_>>().concat()
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Message {
    fn ends_with_its_head(&self) -> bool {
        self.pieces.is_empty() && self.trailers.is_none()
    }

    /// The steps after the head; each is to be sent in this order, with anything of other streams between.
    fn content(&self, stream: u32) -> Vec<Part> {
        let mut parts = Vec::new();
        for (at, (piece, padding)) in self.pieces.iter().enumerate() {
            let ends = u8::from(self.trailers.is_none() && at + 1 == self.pieces.len());
            parts.push(Part::Frame(match padding {
                Some(padding) => {
                    let payload = [&[*padding][..], piece, &vec![0; usize::from(*padding)]].concat();
                    frame(0, ends | 8, stream, &payload)
                }
                None => frame(0, ends, stream, piece),
            }));
        }
        parts.extend(self.trailers.clone().map(|fields| Part::Head(fields, true, Vec::new())));
        parts
    }

    fn expected(&self, n: u64, side: &str) -> Vec<String> {
        let content: Vec<u8> = self.pieces.iter().flat_map(|(piece, _)| piece.clone()).collect();
        let mut lines = Vec::new();
        if !content.is_empty() {
            lines.push(format!("{n} {side} content {}", shown(&content)).trim_end().to_owned());
        }
        let trailers = self.trailers.iter().flatten().map(|(name, value)| format!(" | {name}: {value}"));
        let line = format!("{n} {side} end {} complete{}", content.len(), trailers.collect::<String>());
        lines.push(line.trim_end().to_owned());
        lines
    }
}

/// A part of what one side sends on a stream. Heads are encoded when they are sent: the table follows that order.
#[derive(Debug, Clone)]
enum Part {
    Head(Vec<(String, String)>, bool, Vec<usize>),
    Frame(Vec<u8>),
}

impl Exchange {
    fn request_parts(&self, stream: u32) -> Vec<Part> {
        let mut fields = owned(&[(":method", "PUT"), (":scheme", "https"), (":path", &self.path)]);
        fields.extend(self.request.fields.clone());
        let head = Part::Head(fields, self.request.ends_with_its_head(), self.request.cuts.clone());
        [vec![head], self.request.content(stream)].concat()
    }

    fn response_parts(&self, stream: u32) -> Vec<Part> {
        let status = |status: u16| owned(&[(":status", &status.to_string())]);
        let mut parts: Vec<_> =
            self.interim.iter().map(|interim| Part::Head(status(*interim), false, Vec::new())).collect();
        let fields = [status(self.status), self.response.fields.clone()].concat();
        parts.push(Part::Head(fields, self.response.ends_with_its_head(), self.response.cuts.clone()));
        parts.extend(self.response.content(stream));
        parts
    }

    fn expected(&self, n: u64) -> Vec<String> {
        let field = |(n, v): &(String, String)| format!(" | {n}: {v}");
        let fields = |message: &Message| message.fields.iter().map(field).collect::<Vec<_>>().concat();
        let mut lines = vec![format!("{n} started")];
        let line = format!("{n} request PUT {} HTTP/2 | :scheme: https{}", self.path, fields(&self.request));
        lines.push(line.trim_end().to_owned());
        lines.extend(self.request.expected(n, "request"));
        lines.extend(self.interim.iter().map(|status| format!("{n} interim HTTP/2 {status} \"\"")));
        let line = format!("{n} response HTTP/2 {} \"\"{}", self.status, fields(&self.response));
        lines.push(line.trim_end().to_owned());
        lines.extend(self.response.expected(n, "response"));
        lines.push(format!("{n} over complete"));
        lines
    }
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(("x-[a-z0-9]{1,3}", "[a-z0-9]{0,9}"), 0..4)
}

fn message() -> impl Strategy<Value = Message> {
    let piece = (vec(any::<u8>(), 0..80), prop::option::of(any::<u8>()));
    (fields(), vec(piece, 0..4), prop::option::of(fields()), vec(0_usize..20, 0..3))
        .prop_map(|(fields, pieces, trailers, cuts)| Message { fields, pieces, trailers, cuts })
}

fn exchange() -> impl Strategy<Value = Exchange> {
    ("/[a-z0-9]{0,9}", message(), vec(102_u16..200, 0..2), 400_u16..1000, message())
        .prop_map(|(path, request, interim, status, response)| Exchange { path, request, interim, status, response })
}

/// The events of each exchange by themselves.
fn by_exchange(steps: &[Step]) -> BTreeMap<u64, Vec<String>> {
    let mut observer = Protocol::Http2.observer();
    let mut transcripts: BTreeMap<u64, Transcript> = BTreeMap::new();
    for step in steps {
        let Step::Bytes(sender, bytes) = step else { continue };
        observer.bytes(*sender, bytes, &mut |event| {
            let (Observed::Started { n }
            | Observed::Request { n, .. }
            | Observed::RequestBody { n, .. }
            | Observed::RequestEnd { n, .. }
            | Observed::Interim { n, .. }
            | Observed::Response { n, .. }
            | Observed::ResponseBody { n, .. }
            | Observed::ResponseEnd { n, .. }
            | Observed::Over { n, .. }) = event
            else {
                panic!("{event:?}")
            };
            transcripts.entry(n).or_default().add(event);
        });
    }
    transcripts.into_iter().map(|(n, transcript)| (n, transcript.lines())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn tells_random_exchanges_whose_frames_are_shuffled(
        exchanges in vec(exchange(), 1..6),
        order in vec(any::<prop::sample::Index>(), 0..200),
        lengths in vec(1_usize..60, 1..5),
    ) {
        let mut encoders = [Encoder::default(), Encoder::default()];
        let mut steps = begun();
        // The first head of each comes in the order of the streams; the rest, in any order but that of its stream.
        let mut waiting = Vec::new();
        for (exchange, stream) in exchanges.iter().zip((1..).step_by(2)) {
            let mut parts = exchange.request_parts(stream).into_iter();
            send(&mut steps, &mut encoders, (Sender::Client, stream), parts.next().unwrap());
            let answer = exchange.response_parts(stream);
            let rest: Vec<_> = parts.map(|part| (Sender::Client, part)).collect();
            waiting.push((stream, [rest, answer.into_iter().map(|part| (Sender::Server, part)).collect()].concat()));
        }
        let mut order = order.into_iter();
        while !waiting.is_empty() {
            let at = order.next().map_or(0, |index| index.index(waiting.len()));
            let (stream, parts) = &mut waiting[at];
            let stream = *stream;
            if parts.is_empty() {
                waiting.remove(at);
                continue;
            }
            let (sender, part) = parts.remove(0);
            send(&mut steps, &mut encoders, (sender, stream), part);
        }
        let expected: BTreeMap<_, _> =
            exchanges.iter().zip(0..).map(|(exchange, n)| (n, exchange.expected(n))).collect();
        prop_assert_eq!(&by_exchange(&steps), &expected);
        prop_assert_eq!(by_exchange(&laws::split(&steps, &lengths)), expected);
    }
}

fn send(steps: &mut Vec<Step>, encoders: &mut [Encoder; 2], (sender, stream): (Sender, u32), part: Part) {
    let encoder = &mut encoders[usize::from(sender == Sender::Server)];
    steps.push(Step::Bytes(
        sender,
        match part {
            Part::Head(fields, ends, cuts) => encoder.frames((stream, ends), &fields, &cuts),
            Part::Frame(frame) => frame,
        },
    ));
}

/// A head of this many fields, with a value of this many bytes among them.
fn large_head(fields: usize, bytes: usize) -> Vec<u8> {
    let mut block: Vec<u8> = GET.split(' ').flat_map(field).collect();
    block.extend([vec![0], string(b"x"), string(&vec![b'v'; bytes])].concat());
    for _ in 0..fields {
        block.extend(b"\x00\x01a\x01b");
    }
    block.extend(field("+x-table=kept"));
    block
}

fn heads_of(observer_says: &[String]) -> Vec<&str> {
    observer_says.iter().map(|line| line.split(" | ").next().unwrap()).collect()
}

#[test]
fn a_head_too_large_is_one_exchange_s_trouble() {
    for block in [large_head(0, LIST_LIMIT - 100), large_head(FIELD_LIMIT, 0)] {
        let mut steps = begun();
        steps.push(Step::Bytes(Sender::Client, frame(1, 5, 1, &block)));
        // The table goes on where the large head left it.
        steps.push(says(Sender::Client, &format!("headers 3 end {GET} #62")));
        steps.push(says(Sender::Server, "headers 3 end :status=200"));
        let lines = observed(Protocol::Http2, &steps);
        let expected = ["0 started", "0 over unreadable in accept by Client head too large", "1 started"];
        assert_eq!(heads_of(&lines)[..3], expected);
        assert!(lines[3].ends_with("| x-table: kept"), "{lines:?}");
        assert_eq!(lines.last().unwrap(), "1 over complete");
    }
}

#[test]
fn a_header_block_without_end_makes_the_connection_opaque() {
    let mut steps = begun();
    steps.push(says(Sender::Client, &format!("headers 1 end part {GET}")));
    for _ in 0..=BLOCK_LIMIT / 16_384 {
        steps.push(Step::Bytes(Sender::Client, frame(9, 0, 1, &[0x82; 16_384])));
    }
    let expected = ["0 started", "connection opaque Unparsable head too large", "0 over opaque"];
    assert_eq!(observed(Protocol::Http2, &steps), expected);
}

#[test]
fn an_index_repeated_over_and_over_takes_no_memory() {
    // 100 KB of references to one entry of 4000 bytes: 400 MB if they were all kept.
    let mut block = field(&format!("+x={}", "v".repeat(4000)));
    block.resize(block.len() + 100_000, 0xbe);
    let mut steps = begun();
    steps.push(Step::Bytes(Sender::Client, frame(1, 5, 1, &block)));
    let expected = ["0 started", "0 over unreadable in accept by Client head too large"];
    assert_eq!(observed(Protocol::Http2, &steps), expected);
}

#[test]
fn more_streams_than_are_counted_make_the_connection_opaque() {
    let mut observer = Protocol::Http2.observer();
    let mut events = 0;
    let mut tell = |bytes: &[u8]| {
        let before = events;
        observer.bytes(Sender::Client, bytes, &mut |_| events += 1);
        (events - before, observer.waiting())
    };
    tell(&[written("preface"), written("settings")].concat());
    for nth in 0..OPEN_LIMIT {
        assert_eq!(tell(&written(&format!("headers {} end {GET}", 2 * nth + 1))), (3, nth + 1));
    }
    let (events, waiting) = tell(&written(&format!("headers {} end {GET}", 2 * OPEN_LIMIT + 1)));
    assert_eq!((events, waiting), (OPEN_LIMIT + 1, 0));
}

#[test]
fn content_is_lent_from_the_input_and_never_copied() {
    let mut observer = Protocol::Http2.observer();
    for step in begun().iter().chain([&says(Sender::Client, &format!("headers 1 end {GET}"))]) {
        let Step::Bytes(sender, bytes) = step else { continue };
        observer.bytes(*sender, bytes, &mut |_| {});
    }
    let input = [written("headers 1 :status=200"), frame(0, 0, 1, &[7; 1000]), frame(0, 1, 1, &[8; 10])].concat();
    let mut slices = 0;
    for piece in [&input[..100], &input[100..600], &input[600..]] {
        observer.bytes(Sender::Server, piece, &mut |event| {
            if let Observed::ResponseBody { bytes, .. } = event {
                assert!(piece.as_ptr_range().contains(&bytes.as_ptr()));
                slices += 1;
            }
        });
    }
    assert_eq!(slices, 4);
}

#[test]
fn the_heads_are_those_of_http_2() {
    let mut steps = begun();
    steps.push(says(Sender::Client, &format!("headers 1 end {GET} accept=a")));
    steps.push(says(Sender::Server, "headers 1 end :status=200 server=s"));
    let (mut request, mut response): (Option<RequestHead>, Option<ResponseHead>) = (None, None);
    let mut observer = Protocol::Http2.observer();
    for step in &steps {
        let Step::Bytes(sender, bytes) = step else { continue };
        observer.bytes(*sender, bytes, &mut |event| match event {
            Observed::Request { head, .. } => request = Some(head),
            Observed::Response { head, .. } => response = Some(head),
            _ => {}
        });
    }
    let (request, response) = (request.unwrap(), response.unwrap());
    let names: Vec<_> = request.headers.iter().map(|field| field.name.to_owned()).collect();
    assert_eq!(names, [":scheme", ":authority", "accept"]);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/"));
    assert_eq!((response.status, response.reason.as_str()), (200, ""));
}
