//! Header and trailer sections that arrive in pieces: finding their end without reading anything twice.

use super::HEAD_LIMIT;

/// A section that is being received.
///
/// A section that comes in one piece is never copied; only pieces are gathered, and given back when it is done.
#[derive(Debug, Default)]
pub(super) struct Section {
    pieces: Vec<u8>,
    line: Line,
    first_line: FirstLine,
}

/// Where the search for the empty line stands.
#[derive(Debug, Default, Clone, Copy)]
enum Line {
    /// Within a line.
    #[default]
    Text,
    /// At the beginning of a line.
    Start,
    /// After a CR at the beginning of a line.
    StartCr,
}

/// What is known of the first line.
#[derive(Debug, Clone, Copy)]
enum FirstLine {
    /// This many bytes of it were looked at.
    Within(usize),
    /// It was looked at whole.
    Done,
}

impl Default for FirstLine {
    fn default() -> Self {
        Self::Within(0)
    }
}

/// What there is of a section after the next piece.
pub(super) enum Taken<'a> {
    /// A part.
    Part,
    /// All of it, with its last byte at this place of the piece.
    Whole(&'a [u8], usize),
    /// More than [`HEAD_LIMIT`].
    TooLarge,
}

impl Section {
    /// A section that may be empty, as trailers are.
    pub(super) fn trailers() -> Self {
        Self { line: Line::Start, ..Self::default() }
    }

    /// Whether nothing of it has been taken.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Takes the next piece, up to the end of the section.
    pub(super) fn take<'a>(&'a mut self, piece: &'a [u8]) -> Taken<'a> {
        let room = HEAD_LIMIT.saturating_sub(self.pieces.len());
        let within = piece.get(..room).unwrap_or(piece);
        let end = self.line.find_end(within);
        let part = within.get(..end.unwrap_or(within.len())).unwrap_or(within);
        if end.is_some() && self.pieces.is_empty() {
            return Taken::Whole(part, part.len());
        }
        self.pieces.extend_from_slice(part);
        match end {
            Some(end) => Taken::Whole(&self.pieces, end),
            None if piece.len() > room => Taken::TooLarge,
            None => Taken::Part,
        }
    }

    /// The first line, once, when it has arrived; also what there is of it when it holds a byte that no line may hold.
    ///
    /// It lets a caller refuse what is no head long before the end of a head is found or given up.
    pub(super) fn new_first_line(&mut self) -> Option<&[u8]> {
        let FirstLine::Within(seen) = self.first_line else {
            return None;
        };
        let fresh = self.pieces.get(seen..).unwrap_or(&[]);
        let Some(end) = fresh.iter().position(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\r')) else {
            self.first_line = FirstLine::Within(self.pieces.len());
            return None;
        };
        self.first_line = FirstLine::Done;
        self.pieces.get(..=seen + end)
    }
}

impl Line {
    /// The place after the empty line that ends the section; searches on in the next piece if there is none.
    fn find_end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = piece.get(at..)?;
            match self {
                Self::Text => {
                    at += memchr::memchr(b'\n', rest)? + 1;
                    *self = Self::Start;
                }
                Self::Start | Self::StartCr => {
                    let byte = *rest.first()?;
                    at += 1;
                    *self = match (byte, &self) {
                        (b'\n', _) => return Some(at),
                        (b'\r', Self::Start) => Self::StartCr,
                        _ => Self::Text,
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(section: &mut Section, piece: &[u8]) -> Option<(Vec<u8>, usize)> {
        match section.take(piece) {
            Taken::Whole(bytes, end) => Some((bytes.to_vec(), end)),
            Taken::Part | Taken::TooLarge => None,
        }
    }

    #[test]
    fn finds_the_end_wherever_it_is_split() {
        for head in ["A\r\nB: 1\r\n\r\n", "A\nB: 1\n\n", "A\r\nB: 1\n\r\n", "A\n\n"] {
            let stream = format!("{head}content\r\n\r\n");
            for split in 0..head.len() {
                let (first, second) = stream.as_bytes().split_at(split);
                let mut section = Section::default();
                assert_eq!(whole(&mut section, first), None, "{head:?} split at {split}");
                let (bytes, end) = whole(&mut section, second).unwrap();
                assert_eq!(bytes, head.as_bytes());
                assert_eq!(split + end, head.len());
            }
        }
    }

    #[test]
    fn an_empty_trailer_section_ends_at_once() {
        assert_eq!(whole(&mut Section::trailers(), b"\r\nGET"), Some((b"\r\n".to_vec(), 2)));
    }

    #[test]
    fn gives_up_at_the_limit_whatever_the_split() {
        let large = vec![b'a'; HEAD_LIMIT + 1];
        assert!(matches!(Section::default().take(&large), Taken::TooLarge));
        let mut section = Section::default();
        let (most, last) = large.split_at(HEAD_LIMIT);
        assert!(matches!(section.take(most), Taken::Part));
        assert!(matches!(section.take(last), Taken::TooLarge));
    }
}
