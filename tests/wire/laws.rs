//! What must hold for any bytes at all: the events are in order, and the split of the input does not show.
//!
//! The fuzz targets of the observers include this file, `conversation.rs` and `frames.rs`.

use std::collections::BTreeMap;

use pulltap::wire::{End, Observed, Outcome, Sender};

use super::conversation::{Protocol, Step, Transcript, observed};
use super::frames;

/// Ends what was said by one side and turns to the other.
const TURN: u8 = 0xfe;

/// End the side that is speaking, in the three ways.
const ENDS: [(u8, End); 3] = [(0xfd, End::Clean), (0xfc, End::Cut), (0xfb, End::Reset)];

/// A conversation out of any bytes: the client begins, some bytes that HTTP never needs turn or end the sides.
fn steps(bytes: &[u8]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut sender = Sender::Client;
    let mut said = Vec::new();
    for byte in bytes {
        let end = ENDS.iter().find(|(mark, _)| mark == byte);
        if *byte != TURN && end.is_none() {
            said.push(*byte);
            continue;
        }
        steps.push(Step::Bytes(sender, std::mem::take(&mut said)));
        match end {
            Some((_, end)) => steps.push(Step::End(sender, *end)),
            None => sender = other(sender),
        }
    }
    steps.push(Step::Bytes(sender, said));
    steps
}

fn other(sender: Sender) -> Sender {
    if sender == Sender::Client { Sender::Server } else { Sender::Client }
}

/// The same steps with their bytes cut into pieces of these lengths, over and over.
pub fn split(steps: &[Step], lengths: &[usize]) -> Vec<Step> {
    let mut lengths = lengths.iter().map(|length| (*length).max(1)).cycle();
    let mut pieces = Vec::new();
    for step in steps {
        let Step::Bytes(sender, bytes) = step else {
            pieces.push(step.clone());
            continue;
        };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(lengths.next().unwrap_or(1).min(rest.len()));
            pieces.push(Step::Bytes(*sender, piece.to_vec()));
            rest = after;
        }
    }
    pieces
}

/// Panics unless the observer keeps its word about the conversation that these bytes are, whole and in pieces.
pub fn hold(protocol: Protocol, bytes: &[u8]) {
    let steps = match protocol {
        Protocol::Http1 => steps(bytes),
        Protocol::Http2 => frames::steps(bytes),
    };
    keep(protocol, &steps, &lengths(bytes));
}

/// Panics unless the observer keeps its word about these steps, also when they are cut into pieces of these lengths.
pub fn keep(protocol: Protocol, steps: &[Step], lengths: &[usize]) {
    let whole = lawful(protocol, steps);
    for lengths in [lengths, &[1]] {
        assert_eq!(lawful(protocol, &split(steps, lengths)), whole, "split into {lengths:?}");
    }
    assert_eq!(observed(protocol, steps).len() + 1, whole.len());
}

/// Lengths to split by that follow from the bytes, so that a find can be repeated.
fn lengths(bytes: &[u8]) -> [usize; 3] {
    let sum = bytes.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    [sum % 7 + 1, sum / 7 % 23 + 1, sum / 161 % 3 + 1]
}

/// What has been seen of one exchange.
#[derive(Debug, Default)]
struct Seen {
    request: bool,
    request_length: u64,
    request_end: Option<bool>,
    response: bool,
    response_length: u64,
    response_end: Option<bool>,
    over: bool,
}

#[derive(Debug, Default)]
struct Laws {
    exchanges: BTreeMap<u64, Seen>,
    opaque: bool,
    interleaves: bool,
}

/// What the observer says, with the end of the connection added, after checking that it is in order.
fn lawful(protocol: Protocol, steps: &[Step]) -> Vec<String> {
    let mut observer = protocol.observer();
    let mut laws = Laws { interleaves: protocol == Protocol::Http2, ..Laws::default() };
    let mut transcript = Transcript::default();
    let last = [Step::End(Sender::Client, End::Clean), Step::End(Sender::Server, End::Cut)];
    let mut before_the_end = 0;
    for (index, step) in steps.iter().chain(&last).enumerate() {
        if index == steps.len() {
            before_the_end = laws.exchanges.values().filter(|seen| !seen.over).count();
            assert_eq!(observer.is_opaque(), laws.opaque);
            let waiting = laws.exchanges.values().filter(|seen| !seen.over && seen.response_end != Some(true)).count();
            assert_eq!(observer.waiting(), waiting);
            assert_eq!(observer.oldest().map(|(n, _)| n), laws.oldest());
        }
        let mut emit = |event: Observed<'_>| {
            laws.check(&event);
            if index < steps.len() {
                transcript.add(event);
            }
        };
        match step {
            Step::Bytes(sender, bytes) => observer.bytes(*sender, bytes, &mut emit),
            Step::End(sender, end) => observer.end(*sender, *end, &mut emit),
        }
    }
    assert!(laws.exchanges.values().all(|seen| seen.over), "{:?}", laws.exchanges);
    assert_eq!(observer.waiting(), 0);
    let mut lines = transcript.lines();
    lines.push(format!("!{before_the_end} open"));
    lines
}

impl Laws {
    fn oldest(&self) -> Option<u64> {
        self.exchanges.iter().find(|(_, seen)| !seen.over).map(|(n, _)| *n)
    }

    /// The exchange, which must have begun and not be over.
    fn open(&mut self, n: u64) -> &mut Seen {
        let seen = self.exchanges.get_mut(&n).expect("it has begun");
        assert!(!seen.over, "{n} is over");
        seen
    }

    fn check(&mut self, event: &Observed<'_>) {
        assert!(!self.opaque || matches!(event, Observed::Over { .. }), "{event:?} while opaque");
        match event {
            Observed::Started { n } => {
                assert_eq!(*n, self.exchanges.len() as u64);
                self.exchanges.insert(*n, Seen::default());
            }
            Observed::Request { n, .. } | Observed::RequestBody { n, .. } | Observed::RequestEnd { n, .. } => {
                self.request(*n, event);
            }
            Observed::Interim { n, .. } | Observed::Response { n, .. } | Observed::ResponseBody { n, .. } => {
                self.response(*n, event);
            }
            Observed::ResponseEnd { n, end } => {
                let seen = self.open(*n);
                assert!(seen.response && seen.response_end.is_none());
                assert_eq!(end.length, seen.response_length);
                assert!(end.is_complete || end.trailers.is_none());
                seen.response_end = Some(end.is_complete);
            }
            Observed::Over { n, outcome } => self.over(*n, *outcome),
            Observed::Unasked { head } => assert!(head.status >= 100),
            Observed::Opaque { n, why, trouble } => {
                assert_eq!(*why == pulltap::exchange::WhyOpaque::Upgraded, trouble.is_none());
                if let Some(n) = n {
                    self.open(*n);
                }
                self.opaque = true;
            }
        }
    }

    fn request(&mut self, n: u64, event: &Observed<'_>) {
        let last = self.exchanges.len() as u64 - 1;
        assert!(self.interleaves || n == last || matches!(event, Observed::RequestEnd { .. }), "{n} is not the last");
        let seen = self.open(n);
        assert!(seen.request_end.is_none());
        match event {
            Observed::Request { .. } => assert!(!std::mem::replace(&mut seen.request, true)),
            Observed::RequestBody { bytes, .. } => {
                assert!(seen.request && !bytes.is_empty());
                seen.request_length += bytes.len() as u64;
            }
            Observed::RequestEnd { end, .. } => {
                assert!(seen.request);
                assert_eq!(end.length, seen.request_length);
                assert!(end.is_complete || end.trailers.is_none());
                seen.request_end = Some(end.is_complete);
            }
            _ => unreachable!(),
        }
    }

    fn response(&mut self, n: u64, event: &Observed<'_>) {
        for (older, seen) in self.exchanges.range(..n).filter(|_| !self.interleaves) {
            assert!(seen.over || seen.response_end.is_some(), "{n} is answered before {older}");
        }
        let seen = self.open(n);
        assert!(seen.response_end.is_none());
        match event {
            Observed::Interim { head, .. } => assert!(!seen.response && head.status < 200 && head.status != 101),
            Observed::Response { head, .. } => {
                assert!(head.status >= 200 || head.status == 101);
                assert!(!std::mem::replace(&mut seen.response, true));
            }
            Observed::ResponseBody { bytes, .. } => {
                assert!(seen.response && !bytes.is_empty());
                seen.response_length += bytes.len() as u64;
            }
            _ => unreachable!(),
        }
    }

    fn over(&mut self, n: u64, outcome: Outcome) {
        let opaque = self.opaque;
        let seen = self.open(n);
        assert_eq!(seen.request, seen.request_end.is_some(), "a head without its end");
        assert_eq!(seen.response, seen.response_end.is_some(), "a head without its end");
        assert_eq!(outcome == Outcome::Complete, seen.response_end == Some(true), "{outcome:?} of {seen:?}");
        assert!(outcome != Outcome::Opaque || opaque);
        seen.over = true;
    }
}
