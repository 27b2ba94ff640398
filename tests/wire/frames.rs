//! HTTP/2 frames written as words.
//!
//! `preface`, `settings [ID=VALUE …|ack]`, `headers STREAM [end] [part] [pad=N] [priority] FIELD…`, `continuation STREAM
//! [part] FIELD…`, `push STREAM PROMISED [part] [pad=N] FIELD…`, `data STREAM [end] [pad=N] [TEXT]`, `rst STREAM CODE`,
//! `goaway LAST CODE [TEXT]`, `ping`, `window STREAM`, `frame KIND FLAGS STREAM [TEXT]`, `raw TEXT`. A field is
//! `name=value` (a literal), `+name=value` (a literal that enters the table), `#N` (an index), `~N` (a new table size) or
//! `!TEXT` (octets). Texts have the escapes of a Rust byte string, and `\s` for a space.

use pulltap::wire::{End, Sender};

use super::conversation::{Step, unescape};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;

/// The frame that these words stand for.
pub fn written(text: &str) -> Vec<u8> {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    match kind {
        "preface" => PREFACE.to_vec(),
        "raw" => unescape(rest),
        "settings" if rest == "ack" => frame(4, ACK, 0, &[]),
        "settings" => {
            let settings = words.flat_map(|word| {
                let (id, value) = word.split_once('=').unwrap();
                let id = id.parse::<u16>().unwrap().to_be_bytes();
                [&id[..], &value.parse::<u32>().unwrap().to_be_bytes()].concat()
            });
            frame(4, 0, 0, &settings.collect::<Vec<_>>())
        }
        "ping" => frame(6, 0, 0, &[0; 8]),
        "window" => frame(8, 0, number(words.next()), &1000_u32.to_be_bytes()),
        "rst" => frame(3, 0, number(words.next()), &number(words.next()).to_be_bytes()),
        "goaway" => {
            let last = number(words.next()).to_be_bytes();
            let code = number(words.next()).to_be_bytes();
            frame(7, 0, 0, &[&last[..], &code, &unescape(words.next().unwrap_or(""))].concat())
        }
        "frame" => {
            let [kind, flags] = [number(words.next()), number(words.next())].map(|number| number.try_into().unwrap());
            frame(kind, flags, number(words.next()), &unescape(words.next().unwrap_or("")))
        }
        "data" => {
            let stream = number(words.next());
            with_options((0, 0, stream), Vec::new(), words, unescape)
        }
        "headers" => {
            let stream = number(words.next());
            with_options((1, END_HEADERS, stream), Vec::new(), words, field)
        }
        "continuation" => {
            let stream = number(words.next());
            with_options((9, END_HEADERS, stream), Vec::new(), words, field)
        }
        "push" => {
            let stream = number(words.next());
            let promised = number(words.next()).to_be_bytes().to_vec();
            with_options((5, END_HEADERS, stream), promised, words, field)
        }
        _ => panic!("not a frame: {text}"),
    }
}

fn number(word: Option<&str>) -> u32 {
    word.unwrap().parse().unwrap()
}

/// A frame with the options and payload of these words.
fn with_options<'a>(
    (kind, mut flags, stream): (u8, u8, u32),
    mut payload: Vec<u8>,
    words: impl Iterator<Item = &'a str>,
    meaning: fn(&str) -> Vec<u8>,
) -> Vec<u8> {
    let mut padding = None;
    let mut priority: &[u8] = &[];
    for word in words {
        match word {
            "end" => flags |= END_STREAM,
            "part" => flags &= !END_HEADERS,
            "priority" => {
                flags |= PRIORITY;
                priority = &[0x80, 0, 0, 3, 16];
            }
            _ => match word.strip_prefix("pad=") {
                Some(length) => padding = Some(length.parse::<u8>().unwrap()),
                None => payload.extend(meaning(word)),
            },
        }
    }
    payload.splice(0..0, priority.iter().copied());
    if let Some(length) = padding {
        flags |= PADDED;
        payload.insert(0, length);
        payload.extend(std::iter::repeat_n(0, length.into()));
    }
    frame(kind, flags, stream, &payload)
}

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field of a header block.
pub fn field(text: &str) -> Vec<u8> {
    let (mark, rest) = text.split_at(1);
    match mark {
        "#" => integer(rest.parse().unwrap(), 7, 0x80),
        "~" => integer(rest.parse().unwrap(), 5, 0x20),
        "!" => unescape(rest),
        "+" => [vec![0x40], name_and_value(rest)].concat(),
        _ => [vec![0], name_and_value(text)].concat(),
    }
}

fn name_and_value(text: &str) -> Vec<u8> {
    // The first character may be the colon of a pseudo-header, never the sign between name and value.
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    [string(name.as_bytes()), string(&unescape(value))].concat()
}

/// A string without the Huffman code.
pub fn string(text: &[u8]) -> Vec<u8> {
    [integer(text.len(), 7, 0), text.to_vec()].concat()
}

/// An integer after the bits of `first`.
pub fn integer(value: usize, prefix: u32, first: u8) -> Vec<u8> {
    let mask = (1 << prefix) - 1;
    if value < mask {
        return vec![first | u8::try_from(value).unwrap()];
    }
    let mut octets = vec![first | u8::try_from(mask).unwrap()];
    let mut rest = value - mask;
    while rest >= 0x80 {
        octets.push(u8::try_from(rest % 0x80).unwrap() | 0x80);
        rest /= 0x80;
    }
    octets.push(u8::try_from(rest).unwrap());
    octets
}

/// The kinds that random frames have, the more interesting ones more often.
const KINDS: [u8; 12] = [0, 0, 1, 1, 1, 3, 4, 5, 7, 9, 9, 8];

/// Beginnings of header blocks that random blocks may have: a request, a response, another one, trailers.
const BLOCKS: [&[u8]; 4] = [b"\x82\x84\x86", b"\x88", b"\x08\x03103", b"\x00\x01a\x01b"];

/// A conversation out of any bytes: each takes a few of them.
pub fn steps(bytes: &[u8]) -> Vec<Step> {
    let mut rest = bytes.iter().copied();
    let mut steps = Vec::new();
    if rest.next().unwrap_or(0) < 0xf0 {
        steps.push(Step::Bytes(Sender::Client, [PREFACE, &frame(4, 0, 0, &[])].concat()));
        steps.push(Step::Bytes(Sender::Server, frame(4, 0, 0, &[])));
    }
    while let Some(choice) = rest.next() {
        let sender = if choice & 0x10 == 0 { Sender::Client } else { Sender::Server };
        let mut next = || rest.next().unwrap_or(0);
        steps.push(match choice & 0xf {
            kind @ 0..12 => {
                let (kind, flags, stream) = (KINDS[usize::from(kind)], next(), u32::from(next() & 0xf));
                let length = usize::from(next() & 0x3f);
                let mut payload = Vec::new();
                if choice & 0x20 != 0 {
                    payload.extend(BLOCKS[usize::from(choice >> 6)]);
                }
                payload.extend(rest.by_ref().take(length));
                Step::Bytes(sender, frame(kind, flags, stream, &payload))
            }
            12 => Step::Bytes(sender, rest.by_ref().take(usize::from(choice >> 5)).collect()),
            13 => Step::End(sender, End::Clean),
            14 => Step::End(sender, End::Cut),
            _ => Step::End(sender, End::Reset),
        });
    }
    steps
}
