//! Undoing chunked transfer coding (RFC 9112, section 7.1), touching only the lines between the chunks.
//!
//! Strict where two readers might disagree: every line ends in CRLF, a size has 1 to 16 hexadecimal digits. White space
//! after the size is accepted, extensions are passed over. The trailer section is read like a head.

use super::content::{Next, take};
use super::head;
use super::section::{Section, Taken};
use crate::wire::Trouble;

/// A line with a chunk's size may be this long, extensions included.
const SIZE_LINE_LIMIT: u32 = 16 * 1024;

/// A chunked content that is being received.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    at: Place,
    size: u64,
    digits: u32,
    line: u32,
    trailers: Section,
}

#[derive(Debug, Default, Clone, Copy)]
enum Place {
    #[default]
    Size,
    AfterSize,
    Extension,
    SizeLf,
    Bytes,
    BytesCr,
    BytesLf,
    Trailers,
    Over,
}

impl Chunked {
    /// Takes the next thing off the beginning of `input`.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Next<'a> {
        loop {
            match self.at {
                Place::Bytes if self.size > 0 => return take(input, &mut self.size),
                Place::Bytes => self.at = Place::BytesCr,
                Place::Trailers => return self.trailers(input),
                Place::Over => return Next::End(None),
                _ => {
                    let Some((byte, rest)) = input.split_first() else {
                        return Next::More;
                    };
                    *input = rest;
                    if self.line_byte(*byte).is_none() {
                        return Next::Bad(Trouble::BadChunk);
                    }
                }
            }
        }
    }

    /// Steps over one byte between two chunks; `None` if it may not stand there.
    fn line_byte(&mut self, byte: u8) -> Option<()> {
        self.line += 1;
        self.at = match (self.at, byte) {
            (_, _) if self.line > SIZE_LINE_LIMIT => return None,
            (Place::Size, _) if byte.is_ascii_hexdigit() => {
                self.digit(byte)?;
                Place::Size
            }
            (Place::Size, b' ' | b'\t' | b';' | b'\r') if self.digits == 0 => return None,
            (Place::Size | Place::AfterSize, b' ' | b'\t') => Place::AfterSize,
            (Place::Size | Place::AfterSize, b';') => Place::Extension,
            (Place::Size | Place::AfterSize | Place::Extension, b'\r') => Place::SizeLf,
            (Place::Extension, other) if other != b'\n' => Place::Extension,
            (Place::SizeLf, b'\n') if self.size == 0 => {
                self.trailers = Section::trailers();
                Place::Trailers
            }
            (Place::SizeLf, b'\n') => Place::Bytes,
            (Place::BytesCr, b'\r') => Place::BytesLf,
            (Place::BytesLf, b'\n') => {
                (self.size, self.digits, self.line) = (0, 0, 0);
                Place::Size
            }
            _ => return None,
        };
        Some(())
    }

    fn digit(&mut self, byte: u8) -> Option<()> {
        let value = char::from(byte).to_digit(16)?;
        self.digits += 1;
        self.size = self.size.checked_mul(16)?.checked_add(u64::from(value))?;
        (self.digits <= 16).then_some(())
    }

    fn trailers<'a>(&mut self, input: &mut &'a [u8]) -> Next<'a> {
        let (section, used) = match self.trailers.take(input) {
            Taken::Part => {
                *input = &[];
                return Next::More;
            }
            Taken::TooLarge => return Next::Bad(Trouble::HeadTooLarge),
            Taken::Whole(section, used) => (section, used),
        };
        *input = input.get(used..).unwrap_or(&[]);
        let fields = head::trailers(section);
        self.trailers = Section::default();
        self.at = Place::Over;
        match fields {
            Ok(fields) if fields.is_empty() => Next::End(None),
            Ok(fields) => Next::End(Some(fields)),
            Err(trouble) => Next::Bad(trouble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content, whether its end came, and what was left over.
    fn undo(mut input: &[u8]) -> Result<(Vec<u8>, bool, &[u8]), Trouble> {
        let mut chunked = Chunked::default();
        let mut content = Vec::new();
        loop {
            match chunked.next(&mut input) {
                Next::More => return Ok((content, false, input)),
                Next::Bytes(bytes) => content.extend_from_slice(bytes),
                Next::End(_) => return Ok((content, true, input)),
                Next::Bad(trouble) => return Err(trouble),
            }
        }
    }

    #[test]
    fn stops_where_the_content_ends() {
        assert_eq!(undo(b"2\r\nab\r\n0\r\n\r\nGET"), Ok((b"ab".to_vec(), true, &b"GET"[..])));
        assert_eq!(undo(b"0\r\nA: b\r\n\r\nGET"), Ok((vec![], true, &b"GET"[..])));
        assert_eq!(undo(b"2\r\nab\r\n0\r\n"), Ok((b"ab".to_vec(), false, &b""[..])));
    }

    #[test]
    fn a_chunk_is_one_slice() {
        let mut input = &b"5\r\nhello\r\n"[..];
        assert_eq!(Chunked::default().next(&mut input), Next::Bytes(b"hello"));
    }

    #[test]
    fn a_size_line_has_a_limit() {
        let line = |length: usize| [b"1;".to_vec(), vec![b'x'; length], b"\r\na\r\n".to_vec()].concat();
        let limit = SIZE_LINE_LIMIT as usize;
        assert!(undo(&line(limit - 10)).is_ok());
        assert_eq!(undo(&line(limit)), Err(Trouble::BadChunk));
    }
}
