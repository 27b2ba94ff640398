//! What the server sends: responses, each for the oldest request that waits for one.

use super::content::{Content, Next};
use super::framing::{self, Method};
use super::open::Progress;
use super::{Http1Observer, Reading, head};
use crate::exchange::ResponseHead;
use crate::wire::{ContentEnd, Observed};

impl Http1Observer {
    /// Reads what the server sends next.
    pub(super) fn server_bytes(&mut self, mut input: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
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
                self.become_opaque(answering, None, emit);
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

    /// Ends the response that is being read.
    pub(super) fn end_response(&mut self, end: ContentEnd, emit: &mut impl FnMut(Observed<'_>)) {
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
}
