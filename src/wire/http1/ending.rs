//! How exchanges end: answered, cut by the end of a side, or left uninterpreted.

use super::open::{Open, Progress};
use super::{Http1Observer, Reading};
use crate::exchange::WhyOpaque;
use crate::wire::{ContentEnd, End, Observed, Outcome, Trouble};

impl Http1Observer {
    /// Ends the oldest exchanges for which nothing more can come.
    pub(super) fn settle(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
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

    /// Takes note that the client sends no more; what it has asked may still be answered.
    pub(super) fn client_ended(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
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

    /// Takes note that the server sends no more, so that nothing that waits is ever answered.
    pub(super) fn server_ended(&mut self, end: End, emit: &mut impl FnMut(Observed<'_>)) {
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

    /// Takes note that the connection is gone.
    pub(super) fn all_over(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        self.close_contents(emit);
        self.client.stop();
        self.server.stop();
        self.over_but(None, emit);
    }

    /// Stops interpreting because of some trouble with exchange `n`; always `false`, as there is no more to read.
    pub(super) fn give_up(&mut self, n: Option<u64>, trouble: Trouble, emit: &mut impl FnMut(Observed<'_>)) -> bool {
        self.become_opaque(n, Some(trouble), emit);
        false
    }

    /// Stops interpreting: for some trouble with exchange `n`, or without any, because `n` ended HTTP.
    pub(super) fn become_opaque(
        &mut self,
        n: Option<u64>,
        trouble: Option<Trouble>,
        emit: &mut impl FnMut(Observed<'_>),
    ) {
        self.close_contents(emit);
        self.client.stop();
        self.server.stop();
        self.is_opaque = true;
        let why = if trouble.is_some() { WhyOpaque::Unparsable } else { WhyOpaque::Upgraded };
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

    /// Ends every exchange but the one that carries the opaque rest of the connection.
    fn over_but(&mut self, carrier: Option<u64>, emit: &mut impl FnMut(Observed<'_>)) {
        for open in &self.open {
            if carrier != Some(open.n) {
                emit(Observed::Over { n: open.n, outcome: self.outcome(open) });
            }
        }
        self.open.retain(|open| carrier == Some(open.n));
    }
}
