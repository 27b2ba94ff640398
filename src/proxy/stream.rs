//! The streams that the relay copies between, and how each of them can end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use super::one_request::OneRequest;
use crate::wire::End;

/// The most bytes that are kept of a client that sends before anybody reads.
const LONGEST_PREFIX: usize = 256 * 1024;

/// A TCP stream some bytes of which were read already and will be read again first.
pub struct Prefixed {
    io: TcpStream,
    prefix: Vec<u8>,
    consumed: usize,
}

impl Prefixed {
    /// A stream of which nothing was read yet.
    pub fn new(io: TcpStream) -> Self {
        Self { io, prefix: Vec::new(), consumed: 0 }
    }

    /// The bytes that were read ahead.
    pub fn peeked(&self) -> &[u8] {
        self.prefix.get(self.consumed..).unwrap_or(&[])
    }

    /// Drops the first `count` of the bytes read ahead: they are dealt with.
    pub fn consume(&mut self, count: usize) {
        self.consumed = self.consumed.saturating_add(count).min(self.prefix.len());
        if self.consumed == self.prefix.len() {
            self.prefix = Vec::new();
            self.consumed = 0;
        }
    }

    /// Puts other bytes in the place of those that were read ahead.
    pub fn replace_peeked(&mut self, bytes: &[u8]) {
        self.prefix = bytes.to_vec();
        self.consumed = 0;
    }

    /// Puts bytes back that were read too early.
    pub fn put_back(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.prefix = [bytes, self.peeked()].concat();
        self.consumed = 0;
    }

    /// Reads more bytes ahead, as [`Prefixed::peek_more`] does.
    pub fn poll_peek_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = [0; 4096];
        let mut room = ReadBuf::new(&mut buffer);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut room))?;
        self.prefix.extend_from_slice(room.filled());
        Poll::Ready(Ok(room.filled().len()))
    }

    /// Reads more bytes ahead; 0 at the end of the stream. Loses nothing when dropped midway.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn peek_more(&mut self) -> io::Result<usize> {
        self.prefix.reserve(1024);
        self.io.read_buf(&mut self.prefix).await
    }

    /// Reads ahead until the stream ends, and says how it ended. Loses nothing when dropped midway.
    pub async fn ended(&mut self) -> End {
        while self.peeked().len() < LONGEST_PREFIX {
            match self.peek_more().await {
                Ok(0) => return End::Clean,
                Ok(_) => {}
                Err(error) => return end_of(&error),
            }
        }
        // It sends and sends: whether it is still there shows when somebody reads.
        std::future::pending().await
    }

    /// Reads until the stream ends, and keeps nothing.
    pub async fn discard(&mut self) {
        self.consume(usize::MAX);
        while matches!(self.peek_more().await, Ok(1..)) {
            self.consume(usize::MAX);
        }
    }

    /// The socket alone; what was read ahead is lost.
    pub fn into_socket(self) -> TcpStream {
        self.io
    }

    /// The socket itself.
    pub fn socket(&self) -> &TcpStream {
        &self.io
    }
}

impl AsyncRead for Prefixed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let count = self.peeked().len().min(buf.remaining());
        buf.put_slice(self.peeked().get(..count).unwrap_or(&[]));
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// One end of a relay.
pub enum Stream {
    /// A socket without TLS.
    Plain(Prefixed),
    /// A client's socket of which only one request is read.
    OneRequest(OneRequest),
    /// A client's socket, its TLS ended here.
    TlsClient(Box<server::TlsStream<Prefixed>>),
    /// A server's socket, with TLS begun here.
    TlsServer(Box<client::TlsStream<TcpStream>>),
    /// pulltap itself, which answers in the server's place.
    Ourselves(DuplexStream),
}

impl Stream {
    /// Ends the writing side as a cut: the bytes before it are sent, TLS does not say goodbye.
    pub fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut *self).poll_flush(cx))?;
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::OneRequest(stream) => Pin::new(stream.client_mut()).poll_shutdown(cx),
            Self::TlsClient(stream) => Pin::new(stream.get_mut().0).poll_shutdown(cx),
            Self::TlsServer(stream) => Pin::new(stream.get_mut().0).poll_shutdown(cx),
            Self::Ourselves(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    /// Lets all be read that the client sends; whether that is more than before.
    pub fn lift_limit(&mut self) -> bool {
        match self {
            Self::OneRequest(stream) => stream.lift_limit(),
            _ => false,
        }
    }

    /// Makes closing the stream a reset.
    pub fn will_reset(&self) {
        let socket = match self {
            Self::Plain(stream) => stream.socket(),
            Self::OneRequest(stream) => stream.client().socket(),
            Self::TlsClient(stream) => stream.get_ref().0.socket(),
            Self::TlsServer(stream) => stream.get_ref().0,
            Self::Ourselves(_) => return,
        };
        // An error means that the socket is gone already.
        let _ = socket.set_zero_linger();
    }
}

/// How a stream ended, when reading or writing it gave this error.
pub fn end_of(error: &io::Error) -> End {
    match error.kind() {
        // rustls: the socket ended without close_notify.
        io::ErrorKind::UnexpectedEof => End::Cut,
        _ => End::Reset,
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::OneRequest(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::TlsClient(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::TlsServer(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Ourselves(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::OneRequest(stream) => Pin::new(stream.client_mut()).poll_write(cx, buf),
            Self::TlsClient(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::TlsServer(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Ourselves(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::OneRequest(stream) => Pin::new(stream.client_mut()).poll_flush(cx),
            Self::TlsClient(stream) => Pin::new(stream).poll_flush(cx),
            Self::TlsServer(stream) => Pin::new(stream).poll_flush(cx),
            Self::Ourselves(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::OneRequest(stream) => Pin::new(stream.client_mut()).poll_shutdown(cx),
            Self::TlsClient(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::TlsServer(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Ourselves(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
