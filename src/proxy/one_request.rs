//! A client's socket out of which no more than one request is read, so that the next one can go elsewhere.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::stream::Prefixed;
use crate::wire::http1::RequestContent;

/// The most bytes that are read ahead of a client while its request is under way: that it leaves must be noticed.
const READ_AHEAD: usize = 64 * 1024;

/// A client's socket that gives out the content of one request, and keeps what comes after it.
pub struct OneRequest {
    client: Prefixed,
    content: RequestContent,
    is_limited: bool,
}

impl OneRequest {
    /// The content of a request whose head has just been taken off the socket.
    pub fn new(client: Prefixed, content: RequestContent) -> Self {
        Self { client, content, is_limited: true }
    }

    /// The socket.
    pub fn client(&self) -> &Prefixed {
        &self.client
    }

    /// The socket, for writing.
    pub fn client_mut(&mut self) -> &mut Prefixed {
        &mut self.client
    }

    /// The socket, when the request is over.
    pub fn into_client(self) -> Prefixed {
        self.client
    }

    /// Lets everything be read from now on; whether that is more than before.
    pub fn lift_limit(&mut self) -> bool {
        std::mem::replace(&mut self.is_limited, false)
    }

    /// Reads ahead what comes after the request, which is nobody's business yet. Ready when the client has ended, and
    /// has not asked for anything more before.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.client.peeked().len() < READ_AHEAD {
            if ready!(self.client.poll_peek_more(cx))? == 0 {
                return if self.client.peeked().is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
        }
        Poll::Pending
    }
}

impl AsyncRead for OneRequest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_limited && self.content.is_over() {
            return self.poll_end(cx);
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.client).poll_read(cx, buf))?;
        if self.is_limited {
            let fresh = buf.filled().get(before..).unwrap_or(&[]);
            let count = self.content.take(fresh);
            self.client.put_back(fresh.get(count..).unwrap_or(&[]));
            buf.set_filled(before + count);
        }
        Poll::Ready(Ok(()))
    }
}
