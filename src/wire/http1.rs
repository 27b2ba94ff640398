//! The HTTP/1 observer: finds the messages in both directions of a connection and pairs them.
//!
//! It frames as RFC 9112 says; where that leaves a doubt about where a message ends (contradictory lengths, a malformed
//! chunk, a head that is none), it stops interpreting. A request before its content is refused is still framed by what
//! its head announced, whether or not the content ever comes.

use std::collections::VecDeque;
use std::mem;

use super::{ContentEnd, End, Observed, Outcome, Sender, Trouble};
use crate::exchange::{RequestHead, ResponseHead, Stage, WhyOpaque};

mod chunked;
mod content;
mod framing;
mod head;
mod open;
mod section;

pub(super) use head::without_blank_lines;
pub use head::{HeadParse, read_request_head, read_response_head};

use content::{Content, Next};
use framing::Method;
use open::{Open, Progress};
use section::Section;

/// The largest head or trailer section that is read, in bytes.
pub const HEAD_LIMIT: usize = 256 * 1024;

/// The most fields that a head or trailer section may have.
pub const FIELD_LIMIT: usize = 1024;

/// The most requests that may wait for their responses on one connection.
pub const OPEN_LIMIT: usize = 1024;

/// The most bytes that a client may send after a CONNECT without waiting for the answer.
pub const HELD_LIMIT: usize = 64 * 1024;

/// Reads along on one connection that speaks HTTP/1.
///
/// The caller hands it the bytes of both directions in the order in which they passed, and the end of each direction
/// once ([`End::Reset`] from either side ends both). When both have ended, every exchange is over.
#[derive(Debug, Default)]
pub struct Http1Observer {
    client: Direction,
    server: Direction,
    open: VecDeque<Open>,
    /// The number of the next request.
    next: u64,
    /// Whose response the server is sending.
    answering: Option<u64>,
    /// Who ended first, and how.
    first_end: Option<(Sender, End)>,
    is_opaque: bool,
}

/// What is being read in one direction.
#[derive(Debug, Default)]
struct Direction {
    reading: Reading,
    section: Section,
    has_ended: bool,
}

#[derive(Debug, Default)]
enum Reading {
    /// A head, or nothing yet.
    #[default]
    Head,
    /// The content after a head.
    Content(Content),
    /// What follows a CONNECT: requests if it is refused, anything at all if it is granted.
    Held(Vec<u8>),
    /// Nothing any more.
    Nothing,
}

impl Http1Observer {
    /// An observer of a connection on which nothing has passed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is interpreted any more.
    pub fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    /// How many requests have no whole final response yet.
    pub fn waiting(&self) -> usize {
        self.open.iter().filter(|open| open.is_waiting()).count()
    }

    /// Whether the connection is between exchanges: none is open, and no head has begun.
    pub fn is_idle(&self) -> bool {
        self.open.is_empty() && self.server.section.is_empty() && matches!(self.server.reading, Reading::Head)
    }

    /// The oldest exchange that is not over, and what it is busy with.
    pub fn oldest(&self) -> Option<(u64, Stage)> {
        self.open.front().map(|open| (open.n, open.stage()))
    }

    /// Observes the next bytes of one side.
    pub fn bytes(&mut self, from: Sender, bytes: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        match from {
            _ if self.is_opaque => {}
            Sender::Client if self.client.has_ended => {}
            Sender::Client => self.client_bytes(bytes, emit),
            Sender::Server => self.server_bytes(bytes, emit),
        }
    }

    /// Observes that one side sends no more.
    pub fn end(&mut self, from: Sender, end: End, emit: &mut impl FnMut(Observed<'_>)) {
        match &mut self.first_end {
            None => self.first_end = Some((from, end)),
            Some((first, how)) if *first == from && end == End::Reset => *how = end,
            Some(_) => {}
        }
        let direction = match from {
            Sender::Client => &mut self.client,
            Sender::Server => &mut self.server,
        };
        if mem::replace(&mut direction.has_ended, true) && end != End::Reset {
            return;
        }
        let both = self.client.has_ended && self.server.has_ended;
        match from {
            _ if end == End::Reset => self.all_over(emit),
            _ if self.is_opaque && both => self.all_over(emit),
            _ if self.is_opaque => {}
            Sender::Client => self.client_ended(emit),
            Sender::Server => self.server_ended(end, emit),
        }
    }

    fn client_bytes(&mut self, mut input: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        loop {
            let goes_on = match &mut self.client.reading {
                Reading::Head => self.request_head(&mut input, emit),
                Reading::Content(content) => {
                    let next = content.next(&mut input);
                    self.request_content(next, emit)
                }
                Reading::Held(_) => return self.hold(input, emit),
                Reading::Nothing => return,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Reads a request head as far as it goes, and says whether there is more to read.
    fn request_head(&mut self, input: &mut &[u8], emit: &mut impl FnMut(Observed<'_>)) -> bool {
        if self.client.section.is_empty() {
            *input = head::without_blank_lines(input);
            if input.is_empty() {
                return false;
            }
            if self.open.len() >= OPEN_LIMIT {
                return self.give_up(None, Trouble::TooManyWaiting, emit);
            }
            emit(Observed::Started { n: self.next });
            self.open.push_back(Open::started(self.next));
            self.next += 1;
        }
        match head::REQUEST.read(&mut self.client.section, input) {
            None => false,
            Some(Ok(head)) => self.request(head, emit),
            Some(Err(trouble)) => self.give_up(self.open.back().map(|open| open.n), trouble, emit),
        }
    }

    fn request(&mut self, head: RequestHead, emit: &mut impl FnMut(Observed<'_>)) -> bool {
        let Some(open) = self.open.back_mut() else {
            return false;
        };
        let n = open.n;
        open.method = Method::of(&head.method);
        open.request = Progress::Content;
        let framing = framing::of_request(&head);
        emit(Observed::Request { n, head });
        match framing.map(Content::framed) {
            Err(trouble) => return self.give_up(Some(n), trouble, emit),
            Ok(Some(content)) => self.client.reading = Reading::Content(content),
            Ok(None) => self.end_request(ContentEnd { is_complete: true, ..ContentEnd::default() }, emit),
        }
        true
    }

    fn request_content(&mut self, next: Next<'_>, emit: &mut impl FnMut(Observed<'_>)) -> bool {
        let Some(n) = self.open.back().map(|open| open.n) else {
            return false;
        };
        match next {
            Next::More => return false,
            Next::Bytes(bytes) => emit(Observed::RequestBody { n, bytes }),
            Next::End(trailers) => {
                let length = self.client.content_length();
                self.end_request(ContentEnd { length, is_complete: true, trailers }, emit);
            }
            Next::Bad(trouble) => return self.give_up(Some(n), trouble, emit),
        }
        true
    }

    fn end_request(&mut self, end: ContentEnd, emit: &mut impl FnMut(Observed<'_>)) {
        self.client.reading = Reading::Head;
        if let Some(open) = self.open.back_mut() {
            if end.is_complete {
                open.request = Progress::Ended;
            } else {
                open.cut_request();
            }
            if open.method == Method::Connect && open.response == Progress::Head {
                self.client.reading = Reading::Held(Vec::new());
            }
            emit(Observed::RequestEnd { n: open.n, end });
        }
        self.settle(emit);
    }

    /// Keeps what follows a CONNECT until its answer says what it is.
    fn hold(&mut self, input: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        let Reading::Held(held) = &mut self.client.reading else {
            return;
        };
        if held.len() + input.len() > HELD_LIMIT {
            // No client sends so much before it knows whether its tunnel stands, unless it does not mean to know.
            let n = self.open.back().map(|open| open.n);
            return self.become_opaque(n, WhyOpaque::Upgraded, None, emit);
        }
        held.extend_from_slice(input);
    }

    /// Reads what followed a CONNECT that was refused.
    fn release_held(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        if !matches!(self.client.reading, Reading::Held(_)) {
            return;
        }
        if let Reading::Held(held) = mem::take(&mut self.client.reading) {
            self.client_bytes(&held, emit);
            if self.client.has_ended && !self.is_opaque {
                self.client_ended(emit);
            }
        }
    }

    fn server_bytes(&mut self, mut input: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        loop {
            let goes_on = match &mut self.server.reading {
                Reading::Head => self.response_head(&mut input, emit),
                Reading::Content(content) => {
                    let next = content.next(&mut input);
                    self.response_content(next, emit)
                }
                Reading::Held(_) | Reading::Nothing => return,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Reads a response head as far as it goes, and says whether there is more to read.
    fn response_head(&mut self, input: &mut &[u8], emit: &mut impl FnMut(Observed<'_>)) -> bool {
        if self.server.section.is_empty() {
            *input = head::without_blank_lines(input);
            if input.is_empty() {
                return false;
            }
            // Its first byte decides whose response it is: a request that comes later was not its cause.
            self.answering = self.open.front().filter(|open| open.is_waiting()).map(|open| open.n);
        }
        match head::RESPONSE.read(&mut self.server.section, input) {
            None => false,
            Some(Ok(head)) => self.response(head, emit),
            Some(Err(trouble)) => self.give_up(self.answering, trouble, emit),
        }
    }

    fn response(&mut self, head: ResponseHead, emit: &mut impl FnMut(Observed<'_>)) -> bool {
        let answering = self.answering;
        let open = self.open.front_mut().filter(|open| answering == Some(open.n));
        let method = open.as_ref().map_or(Method::Unknown, |open| open.method);
        let switches = head.status == 101 || method == Method::Connect && matches!(head.status, 200..=299);
        let is_interim = head.status < 200 && !switches;
        let framing = framing::of_response(method, &head);
        match open {
            None => emit(Observed::Unasked { head }),
            Some(open) if is_interim => emit(Observed::Interim { n: open.n, head }),
            Some(open) => {
                open.response = Progress::Content;
                emit(Observed::Response { n: open.n, head });
            }
        }
        match framing.map(Content::framed) {
            _ if is_interim => return true,
            _ if switches => {
                self.response_ended(ContentEnd { is_complete: true, ..ContentEnd::default() }, emit);
                self.become_opaque(answering, WhyOpaque::Upgraded, None, emit);
                return false;
            }
            Err(trouble) => return self.give_up(answering, trouble, emit),
            Ok(Some(content)) => self.server.reading = Reading::Content(content),
            Ok(None) => self.end_response(ContentEnd { is_complete: true, ..ContentEnd::default() }, emit),
        }
        if method == Method::Connect {
            self.release_held(emit);
        }
        true
    }

    fn response_content(&mut self, next: Next<'_>, emit: &mut impl FnMut(Observed<'_>)) -> bool {
        match (next, self.answering) {
            (Next::More, _) => return false,
            (Next::Bytes(_), None) => {}
            (Next::Bytes(bytes), Some(n)) => emit(Observed::ResponseBody { n, bytes }),
            (Next::End(trailers), _) => {
                let length = self.server.content_length();
                self.end_response(ContentEnd { length, is_complete: true, trailers }, emit);
            }
            (Next::Bad(trouble), answering) => return self.give_up(answering, trouble, emit),
        }
        true
    }

    fn end_response(&mut self, end: ContentEnd, emit: &mut impl FnMut(Observed<'_>)) {
        self.server.reading = Reading::Head;
        self.response_ended(end, emit);
        self.settle(emit);
    }

    fn response_ended(&mut self, end: ContentEnd, emit: &mut impl FnMut(Observed<'_>)) {
        let answering = self.answering.take();
        if let Some(open) = self.open.front_mut().filter(|open| answering == Some(open.n)) {
            open.response = Progress::Ended;
            emit(Observed::ResponseEnd { n: open.n, end });
        }
    }

    /// Ends the oldest exchanges for which nothing more can come.
    fn settle(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        while let Some(open) = self.open.front() {
            let unanswerable = self.server.has_ended || !open.is_waiting();
            if open.request != Progress::Ended || !unanswerable {
                return;
            }
            let (n, outcome) = (open.n, self.outcome(open));
            self.open.pop_front();
            emit(Observed::Over { n, outcome });
        }
    }

    fn outcome(&self, open: &Open) -> Outcome {
        match self.first_end {
            _ if !open.is_waiting() => Outcome::Complete,
            Some((by, end)) if !self.is_opaque => Outcome::Cut { stage: open.stage(), by, end },
            _ => Outcome::Opaque,
        }
    }

    fn client_ended(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        match &self.client.reading {
            // It may still turn out to be requests.
            Reading::Held(_) => return,
            Reading::Content(content) => {
                let length = content.length;
                self.end_request(ContentEnd { length, ..ContentEnd::default() }, emit);
            }
            Reading::Head if !self.client.section.is_empty() => {
                if let Some(open) = self.open.back_mut() {
                    open.cut_request();
                }
                self.settle(emit);
            }
            Reading::Head | Reading::Nothing => {}
        }
        self.client.stop();
    }

    fn server_ended(&mut self, end: End, emit: &mut impl FnMut(Observed<'_>)) {
        if let Reading::Content(content) = &self.server.reading
            && content.is_until_close()
            && end == End::Clean
        {
            let length = content.length;
            self.end_response(ContentEnd { length, is_complete: true, trailers: None }, emit);
        }
        let client_is_within_a_request =
            !self.client.section.is_empty() || !matches!(self.client.reading, Reading::Head);
        self.close_contents(emit);
        self.server.stop();
        // A request that this met halfway is over; one that begins later is still worth recording.
        if client_is_within_a_request {
            self.client.stop();
        }
        self.over_but(None, emit);
    }

    fn all_over(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        self.close_contents(emit);
        self.client.stop();
        self.server.stop();
        self.over_but(None, emit);
    }

    /// Stops interpreting because of some trouble with exchange `n`; always `false`, as there is no more to read.
    fn give_up(&mut self, n: Option<u64>, trouble: Trouble, emit: &mut impl FnMut(Observed<'_>)) -> bool {
        self.become_opaque(n, WhyOpaque::Unparsable, Some(trouble), emit);
        false
    }

    fn become_opaque(
        &mut self,
        n: Option<u64>,
        why: WhyOpaque,
        trouble: Option<Trouble>,
        emit: &mut impl FnMut(Observed<'_>),
    ) {
        self.close_contents(emit);
        self.client.stop();
        self.server.stop();
        self.is_opaque = true;
        emit(Observed::Opaque { n, why, trouble });
        self.over_but(n, emit);
    }

    /// Ends the contents that are being received, before their time.
    fn close_contents(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        for open in &mut self.open {
            if open.request == Progress::Content {
                let length = self.client.content_length();
                emit(Observed::RequestEnd { n: open.n, end: ContentEnd { length, ..ContentEnd::default() } });
            }
            open.cut_request();
            if open.response == Progress::Content {
                open.response = Progress::Cut;
                let length = self.server.content_length();
                emit(Observed::ResponseEnd { n: open.n, end: ContentEnd { length, ..ContentEnd::default() } });
            }
        }
    }

    fn over_but(&mut self, carrier: Option<u64>, emit: &mut impl FnMut(Observed<'_>)) {
        for open in &self.open {
            if carrier != Some(open.n) {
                emit(Observed::Over { n: open.n, outcome: self.outcome(open) });
            }
        }
        self.open.retain(|open| carrier == Some(open.n));
    }
}

impl Direction {
    /// Reads no more, and gives back what was gathered.
    fn stop(&mut self) {
        self.reading = Reading::Nothing;
        self.section = Section::default();
    }

    /// The length of the content that is being read, so far.
    fn content_length(&self) -> u64 {
        match &self.reading {
            Reading::Content(content) => content.length,
            Reading::Head | Reading::Held(_) | Reading::Nothing => 0,
        }
    }
}
