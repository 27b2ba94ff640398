//! How much of what a client sends belongs to one request: for a relay that has to know where the next one begins.

use super::content::{Content, Next};
use super::framing;
use crate::exchange::RequestHead;

/// Counts the bytes of a request's content, chunk lines and trailers included, as [`super::Http1Observer`] frames them.
#[derive(Debug)]
pub struct RequestContent(Rest);

#[derive(Debug)]
enum Rest {
    Content(Content),
    Nothing,
    /// Nobody can say where it ends.
    Everything,
}

impl RequestContent {
    /// The content that this head announces. Where a head contradicts itself, all that follows belongs to it.
    pub fn after(head: &RequestHead) -> Self {
        Self(match framing::of_request(head).map(Content::framed) {
            Ok(Some(content)) => Rest::Content(content),
            Ok(None) => Rest::Nothing,
            Err(_) => Rest::Everything,
        })
    }

    /// Whether no further byte belongs to the request.
    pub fn is_over(&self) -> bool {
        matches!(self.0, Rest::Nothing)
    }

    /// Counts how many of the next bytes belong to the request.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        loop {
            match &mut self.0 {
                Rest::Nothing => return bytes.len() - rest.len(),
                Rest::Everything => return bytes.len(),
                Rest::Content(content) => match content.next(&mut rest) {
                    Next::More => return bytes.len() - rest.len(),
                    Next::Bytes(_) => {}
                    Next::End(_) => self.0 = Rest::Nothing,
                    Next::Bad(_) => self.0 = Rest::Everything,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the stream in pieces of this size, and gives how much of it belongs to the request.
    fn taken(fields: &[(&str, &str)], stream: &[u8], piece: usize) -> (usize, bool) {
        let mut head = RequestHead::new("POST", "/");
        for (name, value) in fields {
            head.headers.push(name, value.as_bytes());
        }
        let mut content = RequestContent::after(&head);
        let mut total = 0;
        for bytes in stream.chunks(piece) {
            let count = content.take(bytes);
            total += count;
            if count < bytes.len() {
                break;
            }
        }
        (total, content.is_over())
    }

    #[test]
    fn ends_where_the_next_request_begins_whatever_the_split() {
        let chunked = b"4;x\r\nabcd\r\n0\r\nSum: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n";
        for piece in 1..chunked.len() {
            assert_eq!(taken(&[], b"GET /", piece), (0, true));
            assert_eq!(taken(&[("Content-Length", "0")], b"GET /", piece), (0, true));
            assert_eq!(taken(&[("Content-Length", "5")], b"12345GET /", piece), (5, true));
            assert_eq!(taken(&[("Content-Length", "50")], b"12345", piece), (5, false));
            assert_eq!(taken(&[("Transfer-Encoding", "chunked")], chunked, piece), (chunked.len() - 18, true));
        }
    }

    #[test]
    fn what_cannot_be_framed_has_no_end() {
        let contradiction = [("Content-Length", "3"), ("Content-Length", "5")];
        assert_eq!(taken(&contradiction, b"abcGET /", 3), (8, false));
        assert_eq!(taken(&[("Transfer-Encoding", "chunked")], b"no chunk\r\n\r\n", 3), (12, false));
    }
}
