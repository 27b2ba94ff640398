//! One end of a connection, plain or TLS, driven by a script.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::PATIENCE;
use super::difference::assert_same_bytes;
pub use super::ending::{Ending, Seen};
use super::meeting::Meeting;

/// One end of a connection.
pub struct Wire {
    socket: Option<TcpStream>,
    tls: Option<rustls::Connection>,
    received: Vec<u8>,
    taken: usize,
    ended: Option<Ending>,
    said_end: Option<Ending>,
    one_byte_writes: bool,
    meeting: Option<Meeting>,
}

impl Wire {
    /// Connects to this address.
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect_timeout(&address, PATIENCE).expect("connects"))
    }

    /// The end that this socket is.
    pub fn over(socket: TcpStream) -> Self {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            socket: Some(socket),
            tls: None,
            received: Vec::new(),
            taken: 0,
            ended: None,
            said_end: None,
            one_byte_writes: false,
            meeting: None,
        }
    }

    /// From now on waits at most this long for bytes.
    pub fn wait_at_most(&mut self, limit: Duration) {
        self.socket().set_read_timeout(Some(limit)).unwrap();
    }

    /// From now on waits at most this long for room to write.
    pub fn write_at_most(&mut self, limit: Duration) {
        self.socket().set_write_timeout(Some(limit)).unwrap();
    }

    /// Writes the bytes of a TLS handshake one by one.
    pub fn write_handshake_bytewise(&mut self) {
        self.one_byte_writes = true;
    }

    /// Lets this end meet the other one.
    pub fn attend(&mut self, meeting: Meeting) {
        self.meeting = Some(meeting);
    }

    /// Waits until the other end's script has come to the same meeting.
    #[track_caller]
    pub fn meet(&mut self) {
        self.meeting.as_ref().expect("only scenes have meetings").meet();
    }

    /// Drops from the record what the script has taken: the talk with a proxy is not part of a conversation.
    pub fn forget(&mut self) {
        self.received.drain(..self.taken);
        self.taken = 0;
    }

    /// Shakes hands; what was received and not taken yet is the handshake's beginning.
    pub fn start_tls(&mut self, connection: impl Into<rustls::Connection>) -> io::Result<()> {
        self.forget();
        let early = std::mem::take(&mut self.received);
        let mut tls: rustls::Connection = connection.into();
        tls.set_buffer_limit(None);
        let mut early = early.as_slice();
        while !early.is_empty() {
            tls.read_tls(&mut early)?;
            tls.process_new_packets().map_err(io::Error::other)?;
        }
        let result = shake_hands(&mut tls, self.socket.as_mut().expect("open"), self.one_byte_writes);
        self.tls = Some(tls);
        result
    }

    /// Sends the ClientHello; [`Wire::finish_tls`] does the rest of the handshake.
    pub fn greet(&mut self, mut connection: rustls::ClientConnection) {
        self.forget();
        let mut hello = Vec::new();
        connection.write_tls(&mut hello).unwrap();
        self.send(hello);
        self.tls = Some(connection.into());
    }

    /// Takes a ClientHello and answers it; [`Wire::finish_tls`] does the rest of the handshake.
    pub fn answer_greeting(&mut self, mut connection: rustls::ServerConnection) {
        let socket = self.socket.as_mut().expect("open");
        while !connection.wants_write() {
            assert_ne!(uninterrupted(|| connection.read_tls(socket)).unwrap(), 0, "ended in its greeting");
            connection.process_new_packets().expect("a greeting");
        }
        while connection.wants_write() {
            connection.write_tls(socket).unwrap();
        }
        self.tls = Some(connection.into());
    }

    /// Goes on with the handshake that a greeting began.
    pub fn finish_tls(&mut self) -> io::Result<()> {
        shake_hands(self.tls.as_mut().expect("a greeting"), self.socket.as_mut().expect("open"), false)
    }

    /// The bare socket, of which nothing was read yet.
    pub fn into_socket(self) -> TcpStream {
        assert!(self.received.is_empty() && self.tls.is_none(), "bytes were read");
        self.socket.expect("open")
    }

    /// The TLS connection.
    pub fn tls(&self) -> &rustls::Connection {
        self.tls.as_ref().expect("a TLS connection")
    }

    /// The negotiated application protocol.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.tls().alpn_protocol()
    }

    /// The peer's own certificate.
    pub fn peer_certificate(&self) -> CertificateDer<'static> {
        self.tls().peer_certificates().expect("the peer has certificates")[0].clone().into_owned()
    }

    /// Sends these bytes.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if let Err(error) = self.try_send(bytes) {
            panic!("cannot send {} bytes ({}…): {error}", bytes.len(), bytes[..bytes.len().min(40)].escape_ascii());
        }
    }

    /// Sends these bytes, or says why not.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let socket = self.socket.as_mut().expect("open");
        let Some(tls) = &mut self.tls else { return socket.write_all(bytes) };
        for part in bytes.chunks(64 * 1024) {
            tls.writer().write_all(part)?;
            while tls.wants_write() {
                tls.write_tls(socket)?;
            }
        }
        Ok(())
    }

    /// Receives exactly these bytes.
    #[track_caller]
    pub fn expect(&mut self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        while self.untaken().len() < expected.len() && self.ended.is_none() && expected.starts_with(self.untaken()) {
            self.fill();
        }
        let count = self.untaken().len().min(expected.len());
        assert_same_bytes("received", &self.untaken()[..count], expected);
        self.taken += count;
    }

    /// Receives up to and including this mark.
    #[track_caller]
    pub fn receive_until(&mut self, mark: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.untaken().windows(mark.len()).position(|window| window == mark) {
                return self.take(at + mark.len());
            }
            assert!(
                self.ended.is_none(),
                "ended ({:?}) before {:?}, after {:?}",
                self.ended,
                mark.escape_ascii().to_string(),
                self.untaken().escape_ascii().to_string(),
            );
            self.fill();
        }
    }

    /// The same; `None` where the other side ends before the mark.
    pub fn try_receive_until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        while !self.untaken().windows(mark.len()).any(|window| window == mark) {
            if self.ended.is_some() {
                return None;
            }
            self.fill();
        }
        Some(self.receive_until(mark))
    }

    /// Receives a message's head, with its empty line.
    #[track_caller]
    pub fn receive_head(&mut self) -> String {
        String::from_utf8(self.receive_until(b"\r\n\r\n")).expect("a head in UTF-8")
    }

    /// Receives this many bytes.
    #[track_caller]
    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        while self.untaken().len() < count {
            assert!(self.ended.is_none(), "ended ({:?}) after {} of {count} bytes", self.ended, self.untaken().len());
            self.fill();
        }
        self.take(count)
    }

    /// Receives this many bytes in pieces as they come, and keeps none of them.
    #[track_caller]
    pub fn receive_pieces(&mut self, mut count: usize, mut piece: impl FnMut(&[u8])) {
        while count > 0 {
            if self.untaken().is_empty() {
                assert!(self.ended.is_none(), "ended ({:?}) with {count} bytes missing", self.ended);
                self.fill();
            }
            let length = self.untaken().len().min(count);
            piece(&self.untaken()[..length]);
            self.received.drain(self.taken..self.taken + length);
            count -= length;
        }
    }

    /// Receives everything until the other side ends its direction.
    #[track_caller]
    pub fn receive_to_end(&mut self) -> (Vec<u8>, Ending) {
        while self.ended.is_none() {
            self.fill();
        }
        let rest = self.untaken().len();
        (self.take(rest), self.ended.expect("just ended"))
    }

    /// Waits for the other side's end, before which nothing more may come.
    #[track_caller]
    pub fn expect_end(&mut self, expected: Ending) {
        let (rest, ending) = self.receive_to_end();
        assert_same_bytes("before the end", &rest, b"");
        assert_eq!(ending, expected, "how the other side ended");
    }

    /// Ends this direction, or with a reset both.
    pub fn end(&mut self, how: Ending) {
        self.said_end = Some(how);
        let socket = self.socket.as_mut().expect("open");
        match how {
            Ending::CloseNotify => {
                let tls = self.tls.as_mut().expect("only TLS has a close_notify");
                tls.send_close_notify();
                while tls.wants_write() {
                    if tls.write_tls(socket).is_err() {
                        return;
                    }
                }
                let _ = socket.shutdown(Shutdown::Write);
            }
            Ending::Fin => {
                let _ = socket.shutdown(Shutdown::Write);
            }
            Ending::Reset => {
                socket2::SockRef::from(&*socket).set_linger(Some(Duration::ZERO)).unwrap();
                self.socket = None;
            }
        }
    }

    /// Ends politely what the script left open, waits for the other side's end, and gives what this end has seen.
    pub fn conclude(mut self) -> Seen {
        let polite = if self.tls.is_some() { Ending::CloseNotify } else { Ending::Fin };
        let mine = self.said_end.unwrap_or(polite);
        if self.said_end.is_none() && self.socket.is_some() {
            self.end(polite);
        }
        // Who cut the connection does not look back: what comes after its cut is nobody's promise.
        let ending = (mine == polite).then(|| self.receive_to_end().1);
        Seen { bytes: std::mem::take(&mut self.received), ending }
    }

    fn socket(&mut self) -> &mut TcpStream {
        self.socket.as_mut().expect("open")
    }

    fn untaken(&self) -> &[u8] {
        &self.received[self.taken..]
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let bytes = self.untaken()[..count].to_vec();
        self.taken += count;
        bytes
    }

    #[track_caller]
    fn fill(&mut self) {
        let socket = self.socket.as_mut().expect("open");
        let result = match &mut self.tls {
            None => read_plain(socket, &mut self.received),
            Some(tls) => read_tls(tls, socket, &mut self.received),
        };
        match result {
            Ok(ending) => self.ended = ending,
            Err(error) if is_reset(&error) => self.ended = Some(Ending::Reset),
            Err(error) => panic!("cannot read, after {:?}: {error}", self.untaken().escape_ascii().to_string()),
        }
    }
}

fn shake_hands(tls: &mut rustls::Connection, socket: &mut TcpStream, bytewise: bool) -> io::Result<()> {
    loop {
        while tls.wants_write() {
            let mut flight = Vec::new();
            tls.write_tls(&mut flight)?;
            let step = if bytewise { 1 } else { flight.len().max(1) };
            flight.chunks(step).try_for_each(|piece| socket.write_all(piece))?;
        }
        if !tls.is_handshaking() {
            return Ok(());
        }
        if uninterrupted(|| tls.read_tls(socket))? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Err(error) = tls.process_new_packets() {
            // The alert that says why is the other side's only explanation.
            let _ = tls.write_tls(socket);
            return Err(io::Error::other(error));
        }
    }
}

fn read_plain(socket: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<Option<Ending>> {
    let mut buffer = [0; 16 * 1024];
    let count = uninterrupted(|| socket.read(&mut buffer))?;
    received.extend_from_slice(&buffer[..count]);
    Ok((count == 0).then_some(Ending::Fin))
}

fn read_tls(
    tls: &mut rustls::Connection,
    socket: &mut TcpStream,
    received: &mut Vec<u8>,
) -> io::Result<Option<Ending>> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match tls.reader().read(&mut buffer) {
            Ok(0) => return Ok(Some(Ending::CloseNotify)),
            Ok(count) => {
                received.extend_from_slice(&buffer[..count]);
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(Ending::Fin)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        uninterrupted(|| tls.read_tls(socket))?;
        tls.process_new_packets().map_err(io::Error::other)?;
    }
}

/// Reads again where a signal came between: a read with a timeout is not restarted by Linux (signal(7)).
fn uninterrupted(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether the peer has reset the connection (Windows names it in two ways).
pub fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
    )
}
