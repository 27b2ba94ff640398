//! What the client sends: requests, and what follows a CONNECT.

use std::mem;

use super::content::{Content, Next};
use super::framing::{self, Method};
use super::open::{Open, Progress};
use super::{HELD_LIMIT, Http1Observer, OPEN_LIMIT, Reading, head};
use crate::exchange::RequestHead;
use crate::wire::{ContentEnd, Observed, Trouble};

impl Http1Observer {
    /// Reads what the client sends next.
    pub(super) fn client_bytes(&mut self, mut input: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
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

    /// Ends the request that is being read, before its time if `end` says so.
    pub(super) fn end_request(&mut self, end: ContentEnd, emit: &mut impl FnMut(Observed<'_>)) {
        self.client.reading = Reading::Head;
        if let Some(open) = self.open.back_mut() {
            if end.is_complete {
                open.request = Progress::Ended;
            } else {
                open.cut_request();
            }
            if open.method == Method::Connect && open.response == Progress::Head && !self.server.has_ended {
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
            return self.become_opaque(n, None, emit);
        }
        held.extend_from_slice(input);
    }

    /// Reads what followed a CONNECT that was refused.
    pub(super) fn release_held(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
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
}
