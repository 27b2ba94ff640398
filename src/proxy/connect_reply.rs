//! What a parent proxy answers to CONNECT: the tunnel stands, or a refusal that is worth keeping whole.

use crate::exchange::ResponseHead;
use crate::exchange::event::BodyEnd;
use crate::wire::http1::{HeadParse, Http1Observer, read_response_head};
use crate::wire::{End, Observed, Sender, Trouble};

/// The largest head of an answer, interim ones included.
const HEAD_LIMIT: usize = 64 * 1024;

/// Bytes kept of a refusal's content: the page on which a proxy says why.
pub const CONTENT_LIMIT: usize = 64 * 1024;

/// An answer to CONNECT that is being received.
#[derive(Debug, Default)]
pub struct ConnectReply {
    heads: Vec<u8>,
    observer: Option<Http1Observer>,
    refusal: Refusal,
    has_ended: bool,
}

/// A refusal.
#[derive(Debug, Default, Clone)]
pub struct Refusal {
    /// Status line and header fields.
    pub head: Option<ResponseHead>,
    /// The content, or the beginning of a long one.
    pub content: Vec<u8>,
    /// How the content ended.
    pub end: BodyEnd,
}

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    More,
    /// The tunnel stands.
    Open,
    /// The tunnel is refused, and all that is kept of the answer is there.
    Refused,
    /// It is no answer.
    Malformed(Trouble),
}

impl ConnectReply {
    /// Reads the next bytes; says how many of them are the answer's: after it the tunnel begins.
    pub fn bytes(&mut self, bytes: &[u8]) -> (usize, Progress) {
        if self.observer.is_some() {
            return (bytes.len(), self.observe(bytes));
        }
        let before = self.heads.len();
        self.heads.extend_from_slice(bytes);
        let mut start = 0;
        loop {
            let rest = self.heads.get(start..).unwrap_or(&[]);
            match read_response_head(rest) {
                HeadParse::Partial if self.heads.len() > HEAD_LIMIT => {
                    return (bytes.len(), Progress::Malformed(Trouble::HeadTooLarge));
                }
                HeadParse::Partial => return (bytes.len(), Progress::More),
                HeadParse::Bad(trouble) => return (bytes.len(), Progress::Malformed(trouble)),
                HeadParse::Complete(head, length) => match head.status {
                    100 | 102..=199 => start += length,
                    200..=299 => return ((start + length).saturating_sub(before), Progress::Open),
                    _ => {
                        let rest = rest.to_vec();
                        return (bytes.len(), self.refused(&rest));
                    }
                },
            }
        }
    }

    /// Notes that the proxy has closed its connection, or is not waited for any more.
    pub fn ended(&mut self) -> Progress {
        let Some(mut observer) = self.observer.take() else { return Progress::More };
        observer.end(Sender::Server, End::Clean, &mut |seen| note(&mut self.refusal, &mut self.has_ended, seen));
        Progress::Refused
    }

    /// Whether it is known to be a refusal.
    pub fn is_refusal(&self) -> bool {
        self.observer.is_some()
    }

    /// The refusal, once it is one.
    pub fn into_refusal(self) -> Refusal {
        self.refusal
    }

    /// Reads on as HTTP/1 does, so that the content's end is found.
    fn refused(&mut self, bytes: &[u8]) -> Progress {
        let mut observer = Http1Observer::new();
        observer.bytes(Sender::Client, b"CONNECT parent:443 HTTP/1.1\r\n\r\n", &mut |_| {});
        self.observer = Some(observer);
        self.observe(bytes)
    }

    fn observe(&mut self, bytes: &[u8]) -> Progress {
        let Some(observer) = &mut self.observer else { return Progress::Refused };
        observer.bytes(Sender::Server, bytes, &mut |seen| note(&mut self.refusal, &mut self.has_ended, seen));
        let is_enough = self.has_ended || observer.is_opaque() || self.refusal.content.len() == CONTENT_LIMIT;
        if is_enough { Progress::Refused } else { Progress::More }
    }
}

fn note(refusal: &mut Refusal, has_ended: &mut bool, seen: Observed<'_>) {
    match seen {
        Observed::Response { head, .. } => refusal.head = Some(head),
        Observed::ResponseBody { bytes, .. } => {
            let room = CONTENT_LIMIT.saturating_sub(refusal.content.len());
            refusal.content.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            refusal.end.length += bytes.len() as u64;
        }
        Observed::ResponseEnd { end, .. } => {
            *has_ended = true;
            refusal.end =
                BodyEnd { length: end.length, is_complete: end.is_complete, sha256: None, trailers: end.trailers };
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the answer in pieces of this size; gives how many bytes are its own, the last progress, and the refusal.
    fn read(answer: &[u8], piece: usize) -> (usize, Progress, Refusal) {
        let mut reply = ConnectReply::default();
        let mut total = 0;
        for bytes in answer.chunks(piece) {
            let (count, progress) = reply.bytes(bytes);
            total += count;
            if progress != Progress::More {
                return (total, progress, reply.into_refusal());
            }
        }
        let progress = reply.ended();
        (total, progress, reply.into_refusal())
    }

    #[test]
    fn any_2xx_opens_and_what_comes_after_its_head_is_the_tunnels() {
        for head in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 204 \r\nContent-Length: 9\r\nVia: x\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 x\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            let answer = format!("{head}the tunnel's");
            for piece in 1..=answer.len() {
                let (count, progress, _) = read(answer.as_bytes(), piece);
                assert_eq!((count, progress), (head.len(), Progress::Open), "{head} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_refusal_is_kept_whole_however_it_comes() {
        let length = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\n<p/>";
        let chunked = "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<p/>\r\n0\r\n\r\n";
        let until_the_end = "HTTP/1.0 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<p/>";
        for (answer, status) in [(length, 407), (chunked, 403), (until_the_end, 502)] {
            for piece in 1..=answer.len() {
                let (_, progress, refusal) = read(answer.as_bytes(), piece);
                assert_eq!((progress, refusal.head.unwrap().status), (Progress::Refused, status));
                assert_eq!((refusal.content.as_slice(), refusal.end.is_complete), (b"<p/>".as_slice(), true));
            }
        }
    }

    #[test]
    fn keeps_the_beginning_of_a_long_page() {
        let answer = format!("HTTP/1.1 403 No\r\nContent-Length: 900000\r\n\r\n{}", "x".repeat(100_000));
        let (_, progress, refusal) = read(answer.as_bytes(), 7_000);
        assert_eq!(
            (progress, refusal.content.len(), refusal.end.is_complete),
            (Progress::Refused, CONTENT_LIMIT, false)
        );
    }

    #[test]
    fn what_is_no_http_is_no_answer() {
        assert!(matches!(read(b"\x05\x00 what\r\n\r\n", 3).1, Progress::Malformed(_)));
        assert_eq!(read(b"HTTP/1.1 200 ", 3).1, Progress::More);
    }
}
