//! Where a connection's events go: a bounded queue that traffic never waits for.

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::exchange::body::WhyNotKept;
use crate::exchange::event::{CaptureEvent, Happening};
use crate::exchange::{ExchangeId, Kept, Moment};

/// Batches that may wait for the recorder. One batch is what one turn of a connection's pump observed.
pub const QUEUED_BATCHES: usize = 4096;

/// The receiving end of the queue, for the recorder.
pub type EventReceiver = mpsc::Receiver<Vec<CaptureEvent>>;

/// A queue of event batches.
pub fn event_queue() -> (mpsc::Sender<Vec<CaptureEvent>>, EventReceiver) {
    // When it is full, connections keep heads, ends and failures themselves and drop kept content: see `EventSink`.
    mpsc::channel(QUEUED_BATCHES)
}

/// One connection's way to the recorder.
///
/// Events gather in a batch that [`EventSink::pass_on`] hands over without ever waiting. While the queue is full,
/// content is dropped (its exchange says so) and everything else waits here, which is bounded by what one connection
/// can have open.
pub struct EventSink {
    queue: mpsc::Sender<Vec<CaptureEvent>>,
    batch: Vec<CaptureEvent>,
    is_behind: bool,
}

impl EventSink {
    /// A sink into this queue.
    pub fn new(queue: mpsc::Sender<Vec<CaptureEvent>>) -> Self {
        Self { queue, batch: Vec::new(), is_behind: false }
    }

    /// Adds an event to the batch.
    pub fn add(&mut self, exchange: ExchangeId, at: Moment, what: Happening) {
        let what = if self.is_behind { without_content(what) } else { Some(what) };
        if let Some(what) = what {
            self.batch.push(CaptureEvent { exchange, at, what });
        }
    }

    /// Hands the batch over if the queue has room; keeps it otherwise.
    pub fn pass_on(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        match self.queue.try_send(std::mem::take(&mut self.batch)) {
            Ok(()) => self.is_behind = false,
            Err(TrySendError::Full(batch)) => {
                self.is_behind = true;
                self.batch = batch
                    .into_iter()
                    .filter_map(|event| without_content(event.what).map(|what| CaptureEvent { what, ..event }))
                    .collect();
            }
            // Nobody records any more: the program is ending.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Whether events wait here because the queue was full.
    pub fn is_behind(&self) -> bool {
        !self.batch.is_empty()
    }

    /// The queue itself.
    pub fn queue(&self) -> &mpsc::Sender<Vec<CaptureEvent>> {
        &self.queue
    }

    /// Hands over what is left once the connection is over and nobody's traffic waits.
    pub async fn finish(mut self) {
        if self.batch.is_empty() {
            return;
        }
        // Closed means that nobody records any more: the program is ending.
        let _ = self.queue.send(std::mem::take(&mut self.batch)).await;
    }
}

/// The event without the content it carries; `None` where it is nothing but content.
fn without_content(what: Happening) -> Option<Happening> {
    const BEHIND: Kept = Kept::None(WhyNotKept::RecorderBehind);
    match what {
        Happening::RequestBody(_) | Happening::ResponseBody(_) => None,
        Happening::Request(head, _) => Some(Happening::Request(head, BEHIND)),
        Happening::Response(head, _) => Some(Happening::Response(head, BEHIND)),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::event::BodyEnd;

    #[tokio::test]
    async fn a_full_queue_costs_content_and_nothing_else() {
        let (queue, mut receiver) = mpsc::channel(1);
        let id = ExchangeId::new(1).unwrap();
        queue.try_send(Vec::new()).unwrap();
        let mut sink = EventSink::new(queue);
        sink.add(id, Moment::EPOCH, Happening::ResponseBody(vec![1]));
        sink.add(id, Moment::EPOCH, Happening::ResponseEnd(BodyEnd::default()));
        sink.pass_on();
        sink.add(id, Moment::EPOCH, Happening::ResponseBody(vec![2]));
        sink.add(id, Moment::EPOCH, Happening::Closed);
        receiver.recv().await.unwrap();
        sink.pass_on();
        let batch = receiver.recv().await.unwrap();
        assert_eq!(batch.len(), 2, "{batch:?}");
        assert!(matches!(batch[0].what, Happening::ResponseEnd(_)) && matches!(batch[1].what, Happening::Closed));
    }
}
