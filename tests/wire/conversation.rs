//! Conversations written down as text, and what the observers say about them.
//!
//! A file holds several; each begins with `# its name`, then come its steps (`>` the client sends, `<` the server
//! sends: for HTTP/1 bytes with the escapes of a Rust byte string, for HTTP/2 a frame as `frames.rs` writes it; `> end
//! clean`, `> end cut`, `> end reset` end a side), then the events that are expected, each after `=`. A step may be
//! repeated: `<*3 …`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pulltap::exchange::{Headers, RequestHead, ResponseHead};
use pulltap::wire::{ContentEnd, End, HttpObserver, Observed, Outcome, Sender};

use super::frames;

/// One thing that happens on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Bytes(Sender, Vec<u8>),
    End(Sender, End),
}

/// Which HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub fn observer(self) -> HttpObserver {
        match self {
            Self::Http1 => HttpObserver::of(None),
            Self::Http2 => HttpObserver::of(Some(b"h2")),
        }
    }

    /// The folder of its fixtures.
    fn folder(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
        }
    }

    fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Http1 => unescape(text),
            Self::Http2 => frames::written(text),
        }
    }
}

/// What happens on one connection, and the events that are expected of it.
#[derive(Debug, Clone)]
pub struct Conversation {
    pub name: String,
    pub steps: Vec<Step>,
    pub expected: Vec<String>,
}

/// The conversations of every file in the folder of fixtures.
pub fn all(protocol: Protocol) -> Vec<Conversation> {
    files(protocol).iter().flat_map(|file| parse(protocol, &fs::read_to_string(file).unwrap())).collect()
}

/// The files that hold conversations.
pub fn files(protocol: Protocol) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire").join(protocol.folder());
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The conversations in this text.
pub fn parse(protocol: Protocol, text: &str) -> Vec<Conversation> {
    let mut conversations: Vec<Conversation> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (mark, rest) = line.split_at(1);
        if mark == "#" {
            let name = rest.trim().to_owned();
            conversations.push(Conversation { name, steps: Vec::new(), expected: Vec::new() });
            continue;
        }
        let conversation = conversations.last_mut().expect("a conversation begins with #");
        match mark {
            ">" => conversation.steps.push(step(protocol, Sender::Client, rest)),
            "<" => conversation.steps.push(step(protocol, Sender::Server, rest)),
            "=" => conversation.expected.push(rest.trim().to_owned()),
            _ => panic!("not a line of a conversation: {line}"),
        }
    }
    conversations
}

fn step(protocol: Protocol, sender: Sender, text: &str) -> Step {
    let (times, text) = match text.strip_prefix('*') {
        Some(text) => {
            let (times, text) = text.split_once(' ').unwrap();
            (times.parse().unwrap(), text)
        }
        None => (1, text.strip_prefix(' ').unwrap_or(text)),
    };
    match text {
        "end clean" => Step::End(sender, End::Clean),
        "end cut" => Step::End(sender, End::Cut),
        "end reset" => Step::End(sender, End::Reset),
        _ => Step::Bytes(sender, protocol.bytes(text).repeat(times)),
    }
}

/// The bytes that a text with escapes stands for.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b's') => b' ',
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => panic!("unknown escape {other:?} in {text}"),
        });
    }
    bytes
}

/// Gathers events as lines, the slices of a content joined.
#[derive(Debug, Default)]
pub struct Transcript {
    lines: Vec<String>,
    content: Option<(String, Vec<u8>)>,
}

impl Transcript {
    pub fn add(&mut self, event: Observed<'_>) {
        let (line, bytes) = match event {
            Observed::Started { n } => (format!("{n} started"), None),
            Observed::Request { n, head } => (format!("{n} request {}", request(&head)), None),
            Observed::RequestBody { n, bytes } => (format!("{n} request content"), Some(bytes)),
            Observed::RequestEnd { n, end } => (format!("{n} request end {}", content_end(&end)), None),
            Observed::Interim { n, head } => (format!("{n} interim {}", response(&head)), None),
            Observed::Response { n, head } => (format!("{n} response {}", response(&head)), None),
            Observed::ResponseBody { n, bytes } => (format!("{n} response content"), Some(bytes)),
            Observed::ResponseEnd { n, end } => (format!("{n} response end {}", content_end(&end)), None),
            Observed::Over { n, outcome } => (format!("{n} over {}", self::outcome(outcome)), None),
            Observed::Unasked { head } => (format!("unasked {}", response(&head)), None),
            Observed::Opaque { n, why, trouble } => {
                let n = n.map_or("connection".to_owned(), |n| n.to_string());
                let trouble = trouble.map_or("", |trouble| trouble.as_str());
                (format!("{n} opaque {why:?} {trouble}").trim_end().to_owned(), None)
            }
        };
        self.line(line, bytes);
    }

    fn line(&mut self, line: String, bytes: Option<&[u8]>) {
        if let (Some((open, content)), Some(bytes)) = (&mut self.content, bytes)
            && *open == line
        {
            content.extend_from_slice(bytes);
            return;
        }
        self.flush();
        match bytes {
            Some(bytes) => {
                assert!(!bytes.is_empty(), "an empty slice of content");
                self.content = Some((line, bytes.to_vec()));
            }
            None => self.lines.push(line.trim_end().to_owned()),
        }
    }

    fn flush(&mut self) {
        if let Some((line, content)) = self.content.take() {
            self.lines.push(format!("{line} {}", shown(&content)).trim_end().to_owned());
        }
    }

    pub fn lines(mut self) -> Vec<String> {
        self.flush();
        self.lines
    }
}

/// A content as the transcript shows it: long ones as their beginning, length and a sum.
pub fn shown(content: &[u8]) -> String {
    if content.len() <= 60 {
        return content.escape_ascii().to_string();
    }
    let sum = content.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    format!("{}… {} bytes, sum {sum:08x}", content[..24].escape_ascii(), content.len())
}

fn request(head: &RequestHead) -> String {
    format!("{} {} {}{}", head.method, head.target, head.version, fields(&head.headers))
}

fn response(head: &ResponseHead) -> String {
    format!("{} {} {:?}{}", head.version, head.status, head.reason, fields(&head.headers))
}

fn fields(headers: &Headers) -> String {
    if headers.len() > 12 {
        return format!(" | {} fields", headers.len());
    }
    headers.iter().fold(String::new(), |mut text, field| {
        let value = field.value.escape_ascii().to_string();
        let shown = if value.len() > 60 { format!("({} bytes)", value.len()) } else { value };
        write!(text, " | {}: {shown}", field.name).unwrap();
        text
    })
}

fn content_end(end: &ContentEnd) -> String {
    let how = if end.is_complete { "complete" } else { "incomplete" };
    let trailers = end.trailers.as_ref().map(fields).unwrap_or_default();
    format!("{} {how}{trailers}", end.length)
}

fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Complete => "complete".to_owned(),
        Outcome::Cut { stage, by, end } => format!("cut in {} by {by:?} {end:?}", stage.as_str()),
        Outcome::CutAlone { stage, by, how } => format!("cut alone in {} by {by:?} {how:?}", stage.as_str()),
        Outcome::Unreadable { stage, by, trouble } => {
            format!("unreadable in {} by {by:?} {}", stage.as_str(), trouble.as_str())
        }
        Outcome::Opaque => "opaque".to_owned(),
    }
}

/// What the observer says about these steps.
pub fn observed<'a>(protocol: Protocol, steps: impl IntoIterator<Item = &'a Step>) -> Vec<String> {
    let mut observer = protocol.observer();
    let mut transcript = Transcript::default();
    for step in steps {
        let mut emit = |event: Observed<'_>| transcript.add(event);
        match step {
            Step::Bytes(sender, bytes) => observer.bytes(*sender, bytes, &mut emit),
            Step::End(sender, end) => observer.end(*sender, *end, &mut emit),
        }
    }
    transcript.lines()
}
