//! Content codings undone: what a body says once gzip, deflate, zstd and brotli are taken off.
//!
//! Everything is bounded: a small body may unfold into gigabytes, and a captured one may end in the middle.
//! Whatever could be read is given, with a word on why there is not more.

pub mod pretty;

use std::io::Read;

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::exchange::Headers;

/// More codings than this on one body are an attack, not a transfer.
const MOST_CODINGS: usize = 8;

/// A body without its content codings, as far as they could be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The content.
    pub bytes: Vec<u8>,
    /// The codings that were undone, outermost first.
    pub undone: Vec<String>,
    /// Whether this is all of it.
    pub end: End,
}

/// How decoding ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every coding was undone to its end.
    Whole,
    /// The input ended too early, or is damaged: this is what came before.
    Cut,
    /// The content is larger than the limit: this is its beginning.
    LimitReached,
    /// This coding is unknown, and `bytes` is still in it.
    Unknown(String),
}

/// The content codings that header fields name, outermost (last applied) first; `identity` is none.
pub fn codings(headers: &Headers) -> Vec<String> {
    let mut codings: Vec<String> = headers
        .all("content-encoding")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect();
    codings.reverse();
    codings
}

/// Undoes content codings, outermost first, and gives at most `limit` bytes.
pub fn decode(bytes: &[u8], codings: &[String], limit: usize) -> Decoded {
    let mut decoded = Decoded { bytes: Vec::new(), undone: Vec::new(), end: End::Whole };
    for (n, coding) in codings.iter().enumerate() {
        let input = if n == 0 { bytes } else { decoded.bytes.as_slice() };
        let Some(mut reader) = reader(coding, input).filter(|_| n < MOST_CODINGS) else {
            decoded.end = End::Unknown(coding.clone());
            break;
        };
        let (content, end) = read_up_to(&mut reader, limit);
        if content.is_empty() && end == End::Cut && !input.is_empty() {
            decoded.end = End::Cut;
            break;
        }
        drop(reader);
        decoded.bytes = content;
        decoded.undone.push(coding.clone());
        if decoded.end == End::Whole {
            decoded.end = end;
        }
    }
    if decoded.undone.is_empty() {
        decoded.bytes = bytes.to_vec();
    }
    decoded
}

/// Whether bytes are text, as far as their beginning tells: UTF-8 without control characters that no text has.
pub fn is_text(bytes: &[u8]) -> bool {
    /// Formats that are no text show it here: in a magic number, in lengths, in padding.
    const BEGINNING: usize = 512;
    let beginning = bytes.get(..BEGINNING).unwrap_or(bytes);
    let is_utf8 = match str::from_utf8(beginning) {
        Ok(_) => true,
        // Cut within a character.
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !beginning.iter().any(|byte| is_binary(*byte))
}

/// Whether a byte of UTF-8 is a control character that no text has.
pub fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

fn reader<'a>(coding: &str, input: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
    Some(match coding {
        "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(input)),
        // RFC 9110 says zlib; some servers send bare deflate, and every browser takes both.
        "deflate" if is_zlib(input) => Box::new(ZlibDecoder::new(input)),
        "deflate" => Box::new(DeflateDecoder::new(input)),
        "br" => Box::new(brotli_decompressor::Decompressor::new(input, 4096)),
        "zstd" => Box::new(zstd::stream::read::Decoder::with_buffer(input).ok()?),
        _ => return None,
    })
}

/// Whether the first two bytes are a zlib header (RFC 1950, section 2.2).
fn is_zlib(input: &[u8]) -> bool {
    let [method, flags, ..] = input else { return false };
    method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
}

fn read_up_to(reader: &mut dyn Read, limit: usize) -> (Vec<u8>, End) {
    let mut content = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return (content, End::Whole),
            Ok(read) => {
                let room = limit.saturating_sub(content.len());
                content.extend_from_slice(piece.get(..read.min(room)).unwrap_or(&[]));
                if read > room {
                    return (content, End::LimitReached);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return (content, End::Cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// `hello`, as the reference encoder writes it.
    const BROTLI: &[u8] = b"\x0b\x02\x80hello\x03";

    #[test]
    fn undoes_each_coding() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"hello").unwrap();
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(b"hello").unwrap();
        for (coding, bytes) in [
            ("gzip", gzip(b"hello")),
            ("x-gzip", gzip(b"hello")),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", bare.finish().unwrap()),
            ("zstd", zstd::encode_all(&b"hello"[..], 3).unwrap()),
        ] {
            let decoded = decode(&bytes, &names(&[coding]), 100);
            assert_eq!(decoded.bytes, b"hello", "{coding}");
            assert_eq!((decoded.undone, decoded.end), (names(&[coding]), End::Whole));
        }
    }

    #[test]
    fn tells_text_by_its_beginning() {
        for text in [&b""[..], b"{\"a\":1}", b"404 page not found\n", "\u{feff}<?xml?>".as_bytes(), b"gr\xc3\xbc\xc3"] {
            assert!(is_text(text), "{}", text.escape_ascii());
        }
        for binary in [&b"\x1f\x8b\x08\0"[..], b"PK\x03\x04", b"etc/hosts\0\0\0", b"{\0\"\0a\0", b"gr\xfc\xdf"] {
            assert!(!is_text(binary), "{}", binary.escape_ascii());
        }
        let cut_in_the_middle: Vec<u8> = "é".bytes().cycle().skip(1).take(600).collect();
        assert!(!is_text(&cut_in_the_middle) && is_text(&cut_in_the_middle[1..]));
    }

    #[test]
    fn undoes_brotli() {
        let decoded = decode(BROTLI, &names(&["br"]), 100);
        assert_eq!(String::from_utf8_lossy(&decoded.bytes), "hello");
    }

    #[test]
    fn undoes_a_stack_from_the_outside() {
        let mut headers = Headers::default();
        headers.push("Content-Encoding", b"identity, zstd");
        headers.push("content-encoding", b"GZIP");
        assert_eq!(codings(&headers), names(&["gzip", "zstd"]));
        let stacked = gzip(&zstd::encode_all(&b"hello"[..], 3).unwrap());
        assert_eq!(decode(&stacked, &codings(&headers), 100).bytes, b"hello");
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let bomb = gzip(&gzip(&vec![0; 10_000_000]));
        let decoded = decode(&bomb, &names(&["gzip", "gzip"]), 100_000);
        assert_eq!((decoded.bytes.len(), decoded.end), (100_000, End::LimitReached));
    }

    #[test]
    fn gives_what_there_is_of_a_cut_body() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|n| (n * n).to_string().into_bytes()).collect();
        for whole in [gzip(&text), zstd::encode_all(&text[..], 3).unwrap()] {
            let coding = if whole[0] == 0x1f { "gzip" } else { "zstd" };
            let half = decode(&whole[..whole.len() - 9], &names(&[coding]), usize::MAX);
            assert_eq!(half.end, End::Cut, "{coding}");
            assert!(half.bytes.len() > 1000 && text.starts_with(&half.bytes), "{coding}");
        }
    }

    #[test]
    fn leaves_what_it_does_not_know_or_is_not_coded_at_all() {
        let decoded = decode(b"hello", &names(&["aws-chunked"]), 100);
        assert_eq!((decoded.bytes.as_slice(), decoded.end), (&b"hello"[..], End::Unknown("aws-chunked".to_owned())));
        let plain = decode(b"{\"plain\":true}", &names(&["gzip"]), 100);
        assert_eq!((plain.bytes.as_slice(), plain.undone.len(), plain.end), (&b"{\"plain\":true}"[..], 0, End::Cut));
    }
}
