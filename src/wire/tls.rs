//! The ClientHello at the beginning of a TLS connection: what a client offers, before anything is negotiated.
//!
//! GREASE values are kept: they say which library the client is made of.

use crate::exchange::ClientHello;

/// The largest ClientHello that is read, in bytes.
pub const HELLO_LIMIT: usize = 64 * 1024;

/// The largest record that a client may send before encryption begins (RFC 8446, section 5.1).
const RECORD_LIMIT: usize = 1 << 14;

/// The type of a ClientHello among handshake messages.
const CLIENT_HELLO: u8 = 1;

/// Type and length of a handshake message.
const MESSAGE_HEADER: usize = 4;

/// What there is of a ClientHello in the first bytes of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelloParse {
    /// It is not all there.
    Partial,
    /// The connection does not begin with a TLS handshake record. SSL 2 hellos are not read.
    NotTls,
    /// The whole of it.
    Complete(ClientHello),
    /// It begins like TLS, but is no ClientHello.
    Malformed,
}

/// Reads the ClientHello from all the bytes that a client has sent so far, over as many records as it takes.
pub fn client_hello(bytes: &[u8]) -> HelloParse {
    match bytes {
        [] | [0x16] | [0x16, 3] => return HelloParse::Partial,
        [0x16, 3, 0..=4, ..] => {}
        _ => return HelloParse::NotTls,
    }
    match handshake_message(bytes) {
        Ok(None) => HelloParse::Partial,
        Ok(Some(message)) => hello(&message).map_or(HelloParse::Malformed, HelloParse::Complete),
        Err(Malformed) => HelloParse::Malformed,
    }
}

struct Malformed;

/// The content of the first handshake message, gathered from its records, once it is there.
fn handshake_message(bytes: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    let Some(length) = message_length(bytes)? else {
        return Ok(None);
    };
    let mut message = Vec::with_capacity(length);
    for record in Records(bytes) {
        let missing = length.saturating_sub(message.len());
        if missing == 0 {
            break;
        }
        message.extend(record?.iter().take(missing));
    }
    message.drain(..MESSAGE_HEADER.min(message.len()));
    Ok(Some(message))
}

/// The length of the first handshake message with its header, once all of it is there.
///
/// It touches only the beginning of each record, so that asking again after every read is cheap.
fn message_length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut header = Vec::with_capacity(MESSAGE_HEADER);
    let mut available = 0;
    for record in Records(bytes) {
        let record = record?;
        header.extend(record.iter().take(MESSAGE_HEADER - header.len()));
        available += record.len();
        match *header.as_slice() {
            [CLIENT_HELLO, high, middle, low] => {
                let length = MESSAGE_HEADER + number(&[high, middle, low]);
                if length > HELLO_LIMIT {
                    return Err(Malformed);
                }
                if available >= length {
                    return Ok(Some(length));
                }
            }
            [CLIENT_HELLO, ..] | [] => {}
            _ => return Err(Malformed),
        }
    }
    Ok(None)
}

/// The number that these bytes are, the highest first.
fn number<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> usize {
    bytes.into_iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// The contents of handshake records, the last one as far as it has come.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = match self.0 {
            [0x16, 3, 0..=4, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            [] | [0x16] | [0x16, 3] | [0x16, 3, 0..=4] | [0x16, 3, 0..=4, _] => return None,
            _ => {
                self.0 = &[];
                return Some(Err(Malformed));
            }
        };
        if header == 0 || header > RECORD_LIMIT {
            self.0 = &[];
            return Some(Err(Malformed));
        }
        let (record, after) = rest.split_at_checked(header).unwrap_or((rest, &[]));
        self.0 = after;
        Some(Ok(record))
    }
}

/// The content of a ClientHello message (RFC 8446, section 4.1.2).
fn hello(message: &[u8]) -> Option<ClientHello> {
    let mut reader = Reader(message);
    let legacy_version = reader.number()?;
    reader.skip(32)?;
    reader.vector(1)?;
    let suites = reader.vector(2)?.numbers()?;
    reader.vector(1)?;
    let mut hello = ClientHello { versions: vec![legacy_version], suites, ..ClientHello::default() };
    if reader.is_empty() {
        return Some(hello);
    }
    let mut extensions = reader.vector(2)?;
    while !extensions.is_empty() {
        let number = extensions.number()?;
        let content = extensions.vector(2)?;
        extension(&mut hello, number, content)?;
    }
    reader.is_empty().then_some(hello)
}

fn extension(hello: &mut ClientHello, number: u16, mut content: Reader<'_>) -> Option<()> {
    match number {
        0 => server_name(hello, content.vector(2)?)?,
        10 => hello.groups = content.vector(2)?.numbers()?,
        16 => {
            let mut names = content.vector(2)?;
            while !names.is_empty() {
                hello.alpn.push(names.vector(1)?.rest().to_vec());
            }
        }
        43 => hello.versions = content.vector(1)?.numbers()?,
        _ => {}
    }
    Some(())
}

/// The first host name of the list; names of other types are passed over (RFC 6066, section 3).
fn server_name(hello: &mut ClientHello, mut names: Reader<'_>) -> Option<()> {
    while !names.is_empty() && hello.sni.is_none() {
        let kind = names.byte()?;
        let name = names.vector(2)?.rest();
        if kind == 0 {
            hello.sni = Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    Some(())
}

/// Reads TLS's own notation from the beginning of some bytes; `None` where they do not suffice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// Bytes after their own length, which takes this many bytes.
    fn vector(&mut self, length_bytes: usize) -> Option<Reader<'a>> {
        let length = number(self.take(length_bytes)?);
        self.take(length).map(Reader)
    }

    /// All the rest as numbers of two bytes.
    fn numbers(&mut self) -> Option<Vec<u16>> {
        let mut numbers = Vec::with_capacity(self.0.len() / 2);
        while !self.is_empty() {
            numbers.push(self.number()?);
        }
        Some(numbers)
    }
}
