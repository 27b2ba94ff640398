//! Header blocks: gathered, decoded, and taken for the heads and trailers that they are.

use super::fields::{Fields, announced_length};
use super::frame::{FrameHead, Kind};
use super::{Block, Http2Observer};
use crate::wire::{Observed, Sender, StreamEnd, Trouble};

impl Http2Observer {
    /// Takes a part of a header block; decodes the block when it is complete.
    pub(super) fn fragment(
        &mut self,
        from: Sender,
        frame: FrameHead,
        payload: &[u8],
        emit: &mut impl FnMut(Observed<'_>),
    ) {
        let Some((promised, fragment)) = frame.fragment(payload) else {
            return self.give_up(Trouble::BadFrame, emit);
        };
        let side = self.side(from);
        let begun = side.block.take();
        match (begun, frame.ends_block()) {
            (None, true) => self.block((from, frame, promised), fragment, emit),
            (None, false) => {
                side.block = Some(Block { begun_by: frame, promised, fragments: fragment.to_vec() });
            }
            (Some(mut block), ends) => {
                block.fragments.extend_from_slice(fragment);
                if ends {
                    self.block((from, block.begun_by, block.promised), &block.fragments, emit);
                } else {
                    side.block = Some(block);
                }
            }
        }
    }

    /// Decodes a block, also one that nobody is waiting for: the next one builds on it.
    fn block(
        &mut self,
        (from, begun_by, promised): (Sender, FrameHead, u32),
        block: &[u8],
        emit: &mut impl FnMut(Observed<'_>),
    ) {
        let mut fields = Fields::default();
        if let Err(error) = self.side(from).decoder.decode(block, &mut |name, value| fields.add(name, value)) {
            return self.give_up(Trouble::BadHeaderBlock(error), emit);
        }
        match (from, begun_by.kind) {
            (Sender::Server, Kind::PushPromise) => self.promise(promised, fields, emit),
            (_, Kind::PushPromise) => {}
            _ => self.headers(from, begun_by, fields, emit),
        }
    }

    fn headers(&mut self, from: Sender, frame: FrameHead, fields: Fields, emit: &mut impl FnMut(Observed<'_>)) {
        let id = frame.stream;
        let Some(message) = self.streams.get_mut(&id).map(|stream| stream.message(from)) else { return };
        if message.is_content() {
            // Trailers end the stream, or they are malformed.
            if frame.ends_stream() {
                self.content_ended(from, id, fields.trailers(), emit);
            }
            return;
        }
        if !message.is_awaited() {
            return;
        }
        match from {
            Sender::Client => self.request(id, fields, emit),
            Sender::Server => self.response(id, fields, emit),
        }
        if frame.ends_stream() {
            self.content_ended(from, id, None, emit);
        }
        if let (Sender::Client, Some((last, code))) = (from, self.server.gone)
            && id > last
        {
            self.cut_stream(id, (Sender::Server, StreamEnd::GoneAway(code)), emit);
        }
    }

    fn request(&mut self, id: u32, fields: Fields, emit: &mut impl FnMut(Observed<'_>)) {
        let head = match fields.request() {
            Ok(head) => head,
            Err(trouble) => return self.unreadable(id, Sender::Client, trouble, emit),
        };
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.is_head = head.method == "HEAD";
        stream.message(Sender::Client).begin();
        emit(Observed::Request { n: stream.n, head });
    }

    fn response(&mut self, id: u32, fields: Fields, emit: &mut impl FnMut(Observed<'_>)) {
        let head = match fields.response() {
            Ok(head) => head,
            Err(trouble) => return self.unreadable(id, Sender::Server, trouble, emit),
        };
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let n = stream.n;
        if head.status < 200 {
            return emit(Observed::Interim { n, head });
        }
        let has_content = !stream.is_head && !matches!(head.status, 204 | 304);
        stream.announce(if has_content { announced_length(&head.headers) } else { Some(0) });
        stream.message(Sender::Server).begin();
        emit(Observed::Response { n, head });
    }

    /// A promised request comes whole; that the server sends it makes no difference to an exchange.
    fn promise(&mut self, id: u32, fields: Fields, emit: &mut impl FnMut(Observed<'_>)) {
        if id % 2 == 1 || id <= self.last_promised {
            return;
        }
        self.last_promised = id;
        self.open(id, emit);
        self.request(id, fields, emit);
        self.content_ended(Sender::Client, id, None, emit);
    }
}
