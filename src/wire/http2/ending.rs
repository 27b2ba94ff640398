//! How exchanges end: answered, reset, refused, cut by the end of a side, or left uninterpreted.

use super::Http2Observer;
use super::stream::Stream;
use crate::exchange::{Headers, WhyOpaque};
use crate::wire::{ContentEnd, Observed, Outcome, Sender, StreamEnd, Trouble};

impl Http2Observer {
    /// Takes note that one side says that its message has ended.
    pub(super) fn content_ended(
        &mut self,
        from: Sender,
        id: u32,
        trailers: Option<Headers>,
        emit: &mut impl FnMut(Observed<'_>),
    ) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if let Some(end) = stream.end(from, trailers) {
            emit(content_end(stream.n, from, end));
        }
        self.settle(id, emit);
    }

    /// Ends an exchange for which nothing more can come.
    fn settle(&mut self, id: u32, emit: &mut impl FnMut(Observed<'_>)) {
        let Some(stream) = self.streams.get(&id) else { return };
        if stream.is_asked() && (stream.is_answered() || self.server.has_ended) {
            let (n, outcome) = (stream.n, self.outcome(stream));
            self.streams.remove(&id);
            emit(Observed::Over { n, outcome });
        }
    }

    /// What becomes of an exchange that ends now, with the connection or by itself.
    fn outcome(&self, stream: &Stream) -> Outcome {
        let stage = stream.stage();
        if !stream.is_waiting() {
            return Outcome::Complete;
        }
        if self.is_opaque {
            return Outcome::Opaque;
        }
        if stream.fell_short() {
            return Outcome::CutAlone { stage, by: Sender::Server, how: StreamEnd::Short };
        }
        let Some((by, end)) = self.first_end else { return Outcome::Opaque };
        let gone = if by == Sender::Client { self.client.gone } else { self.server.gone };
        match gone {
            Some((_, code)) => Outcome::CutAlone { stage, by, how: StreamEnd::GoneAway(code) },
            None => Outcome::Cut { stage, by, end },
        }
    }

    /// Takes note of RST_STREAM.
    pub(super) fn stream_reset(&mut self, by: Sender, id: u32, payload: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        let Some(code) = payload.first_chunk().map(|code| u32::from_be_bytes(*code)) else { return };
        // A client that has counted the bytes need not wait for the end of the stream.
        if by == Sender::Client && self.streams.get(&id).is_some_and(Stream::has_all_that_was_announced) {
            self.content_ended(Sender::Server, id, None, emit);
        }
        self.cut_stream(id, (by, StreamEnd::Reset(code)), emit);
    }

    /// Takes note of GOAWAY: streams after the one that it names will not be looked at.
    pub(super) fn gone_away(&mut self, by: Sender, payload: &[u8], emit: &mut impl FnMut(Observed<'_>)) {
        let Some(&[l0, l1, l2, l3, c0, c1, c2, c3]) = payload.first_chunk() else { return };
        let last = u32::from_be_bytes([l0 & 0x7f, l1, l2, l3]);
        let code = u32::from_be_bytes([c0, c1, c2, c3]);
        self.side(by).gone = Some((last, code));
        // A side judges the streams that the other opened: the client's are odd, the server's even.
        let parity = u32::from(by == Sender::Server);
        let unseen = self.streams.keys().copied().filter(|id| *id > last && id % 2 == parity);
        for id in unseen.collect::<Vec<_>>() {
            self.cut_stream(id, (by, StreamEnd::GoneAway(code)), emit);
        }
    }

    /// Ends one exchange before its time, while the connection goes on.
    pub(super) fn cut_stream(&mut self, id: u32, (by, how): (Sender, StreamEnd), emit: &mut impl FnMut(Observed<'_>)) {
        let Some(mut stream) = self.streams.remove(&id) else { return };
        let outcome =
            if stream.is_waiting() { Outcome::CutAlone { stage: stream.stage(), by, how } } else { Outcome::Complete };
        close(&mut stream, emit);
        emit(Observed::Over { n: stream.n, outcome });
    }

    /// Ends one exchange of which a head could not be read.
    pub(super) fn unreadable(&mut self, id: u32, by: Sender, trouble: Trouble, emit: &mut impl FnMut(Observed<'_>)) {
        let Some(mut stream) = self.streams.remove(&id) else { return };
        let stage = stream.stage();
        close(&mut stream, emit);
        emit(Observed::Over { n: stream.n, outcome: Outcome::Unreadable { stage, by, trouble } });
    }

    /// Takes note that the client sends no more; what it has asked may still be answered.
    pub(super) fn client_ended(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        self.client.stop();
        for id in self.streams.keys().copied().collect::<Vec<_>>() {
            if let Some(stream) = self.streams.get_mut(&id)
                && let Some(end) = stream.stop(Sender::Client)
            {
                emit(content_end(stream.n, Sender::Client, end));
            }
            self.settle(id, emit);
        }
    }

    /// Takes note that the server sends no more, so that nothing that waits is ever answered.
    pub(super) fn server_ended(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        self.server.stop();
        self.streams_over(emit);
    }

    /// Takes note that the connection is gone.
    pub(super) fn all_over(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        self.client.stop();
        self.server.stop();
        self.streams_over(emit);
    }

    /// Stops interpreting because of some trouble.
    pub(super) fn give_up(&mut self, trouble: Trouble, emit: &mut impl FnMut(Observed<'_>)) {
        self.client.stop();
        self.server.stop();
        for stream in self.streams.values_mut() {
            close(stream, emit);
        }
        self.is_opaque = true;
        emit(Observed::Opaque { n: None, why: WhyOpaque::Unparsable, trouble: Some(trouble) });
        self.streams_over(emit);
    }

    fn streams_over(&mut self, emit: &mut impl FnMut(Observed<'_>)) {
        for mut stream in std::mem::take(&mut self.streams).into_values() {
            let outcome = self.outcome(&stream);
            close(&mut stream, emit);
            emit(Observed::Over { n: stream.n, outcome });
        }
    }
}

/// Ends the contents that are being received, before their time.
fn close(stream: &mut Stream, emit: &mut impl FnMut(Observed<'_>)) {
    for from in [Sender::Client, Sender::Server] {
        if let Some(end) = stream.stop(from) {
            emit(content_end(stream.n, from, end));
        }
    }
}

fn content_end<'a>(n: u64, from: Sender, end: ContentEnd) -> Observed<'a> {
    match from {
        Sender::Client => Observed::RequestEnd { n, end },
        Sender::Server => Observed::ResponseEnd { n, end },
    }
}
