//! One stream: a request, its response, and how far both have come.

use crate::exchange::{Headers, Stage};
use crate::wire::{ContentEnd, Sender};

/// An exchange that is not over.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its number.
    pub(super) n: u64,
    /// Whether a response to it has no content, whatever its fields say.
    pub(super) is_head: bool,
    request: Message,
    response: Message,
    /// The length that the response announced.
    announced: Option<u64>,
    /// Where the client stopped sending, when it did so within the request.
    cut: Option<Stage>,
}

/// One of the two messages.
#[derive(Debug)]
pub(super) struct Message {
    progress: Progress,
    has_head: bool,
    length: u64,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Its head has not arrived.
    Head,
    /// Its head has, its content has not.
    Content,
    /// It has ended.
    Ended,
    /// It stopped before its end.
    Cut,
}

impl Message {
    /// Counts bytes of content, if it is their time.
    pub(super) fn count(&mut self, bytes: usize) -> bool {
        if self.is_content() {
            self.length = self.length.saturating_add(bytes as u64);
        }
        self.is_content()
    }

    /// Whether its head has not arrived.
    pub(super) fn is_awaited(&self) -> bool {
        self.progress == Progress::Head
    }

    /// Whether its content is under way.
    pub(super) fn is_content(&self) -> bool {
        self.progress == Progress::Content
    }

    /// Whether nothing more of it can come.
    fn is_over(&self) -> bool {
        matches!(self.progress, Progress::Ended | Progress::Cut)
    }

    /// Notes that its head has arrived.
    pub(super) fn begin(&mut self) {
        *self = Self { progress: Progress::Content, has_head: true, length: 0 };
    }

    /// Ends it before its time, and says how its content ended if it had begun.
    fn cut(&mut self) -> Option<ContentEnd> {
        let had_begun = self.is_content();
        if !self.is_over() {
            self.progress = Progress::Cut;
        }
        had_begun.then(|| ContentEnd { length: self.length, ..ContentEnd::default() })
    }
}

impl Stream {
    /// An exchange of which the first byte arrived.
    pub(super) fn started(n: u64) -> Self {
        let message = || Message { progress: Progress::Head, has_head: false, length: 0 };
        Self { n, is_head: false, request: message(), response: message(), announced: None, cut: None }
    }

    /// The message that this side sends.
    pub(super) fn message(&mut self, from: Sender) -> &mut Message {
        match from {
            Sender::Client => &mut self.request,
            Sender::Server => &mut self.response,
        }
    }

    /// Notes the length that the response announces.
    pub(super) fn announce(&mut self, length: Option<u64>) {
        self.announced = length;
    }

    /// Ends the message where its sender says so. `None` when it had not begun.
    pub(super) fn end(&mut self, from: Sender, trailers: Option<Headers>) -> Option<ContentEnd> {
        let announced = if from == Sender::Server { self.announced } else { None };
        let message = self.message(from);
        if announced.is_some_and(|announced| announced != message.length) || !message.is_content() {
            return message.cut();
        }
        message.progress = Progress::Ended;
        Some(ContentEnd { length: message.length, is_complete: true, trailers })
    }

    /// Ends the message before its time, and says how its content ended if it had begun.
    pub(super) fn stop(&mut self, from: Sender) -> Option<ContentEnd> {
        if from == Sender::Client {
            self.cut = match self.request.progress {
                Progress::Head => Some(Stage::Accept),
                Progress::Content => Some(Stage::Send),
                Progress::Ended | Progress::Cut => self.cut,
            };
        }
        self.message(from).cut()
    }

    /// Whether its final response has not ended.
    pub(super) fn is_waiting(&self) -> bool {
        self.response.progress != Progress::Ended
    }

    /// Whether all of the response that was announced has come, though the server has not said that it ended.
    pub(super) fn has_all_that_was_announced(&self) -> bool {
        self.response.is_content() && self.announced == Some(self.response.length)
    }

    /// Whether the server ended the stream without a whole response.
    pub(super) fn fell_short(&self) -> bool {
        self.response.progress == Progress::Cut
    }

    /// Whether nothing more can come from the client.
    pub(super) fn is_asked(&self) -> bool {
        self.request.is_over()
    }

    /// Whether nothing more can come from the server.
    pub(super) fn is_answered(&self) -> bool {
        self.response.is_over()
    }

    /// What it is busy with, or failed at.
    pub(super) fn stage(&self) -> Stage {
        match (self.cut, self.request.progress) {
            _ if self.response.has_head => Stage::ReadBody,
            (Some(stage), _) => stage,
            (None, Progress::Head) => Stage::Accept,
            (None, Progress::Content) => Stage::Send,
            (None, Progress::Ended | Progress::Cut) => Stage::AwaitHead,
        }
    }
}
