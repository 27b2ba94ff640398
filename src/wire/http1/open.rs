//! Exchanges that are not over, oldest first: HTTP/1 answers in the order of the questions.

use super::framing::Method;
use crate::exchange::Stage;

/// An exchange that is not over.
#[derive(Debug)]
pub(super) struct Open {
    /// Its number.
    pub(super) n: u64,
    /// What matters of its method.
    pub(super) method: Method,
    /// How far its request has come.
    pub(super) request: Progress,
    /// How far its final response has come.
    pub(super) response: Progress,
    /// Where the client stopped sending, when it did so within the request.
    pub(super) cut: Option<Stage>,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Its head has not arrived whole.
    Head,
    /// Its head has, its content has not.
    Content,
    /// It has ended; for a request also: the rest of it will never come.
    Ended,
    /// Its content was cut; for a response only.
    Cut,
}

impl Open {
    /// An exchange of which the first byte arrived.
    pub(super) fn started(n: u64) -> Self {
        Self { n, method: Method::Unknown, request: Progress::Head, response: Progress::Head, cut: None }
    }

    /// Whether its final response has not ended.
    pub(super) fn is_waiting(&self) -> bool {
        self.response != Progress::Ended
    }

    /// Notes that the client sends no more of the request.
    pub(super) fn cut_request(&mut self) {
        self.cut = match self.request {
            Progress::Head => Some(Stage::Accept),
            Progress::Content => Some(Stage::Send),
            Progress::Ended | Progress::Cut => self.cut,
        };
        self.request = Progress::Ended;
    }

    /// What it is busy with, or failed at.
    pub(super) fn stage(&self) -> Stage {
        match (self.response, self.cut, self.request) {
            (Progress::Content | Progress::Ended | Progress::Cut, _, _) => Stage::ReadBody,
            (_, Some(stage), _) => stage,
            (_, _, Progress::Head) => Stage::Accept,
            (_, _, Progress::Content) => Stage::Send,
            (_, _, Progress::Ended | Progress::Cut) => Stage::AwaitHead,
        }
    }
}
