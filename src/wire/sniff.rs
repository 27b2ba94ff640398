//! Which protocol a client speaks, from the first bytes that it sends.

/// What the first bytes of a client say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// A TLS record with a handshake in it.
    Tls,
    /// An HTTP/1 request line, or enough of one.
    Http1,
    /// The preface of HTTP/2 without negotiation.
    Http2Preface,
    /// Anything else.
    Other,
    /// Too few bytes to tell: one short read never decides.
    NeedMore,
}

/// The first line of the HTTP/2 preface (RFC 9113, section 3.4), which no HTTP/1 request can have.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// No method that anybody uses is longer.
const METHOD_LIMIT: usize = 64;

/// A request line that is longer is no request line.
const LINE_LIMIT: usize = 64 * 1024;

/// Decides from all the bytes that a client has sent so far.
///
/// A token and a space are not enough for HTTP (SSH and SMTP begin so, too): it takes a target that begins with a slash,
/// or a whole line that ends in a version.
pub fn sniff(bytes: &[u8]) -> Speaks {
    match bytes {
        [0x16] | [0x16, 0x03] => return Speaks::NeedMore,
        [0x16, 0x03, 0..=4, ..] => return Speaks::Tls,
        _ => {}
    }
    if bytes.starts_with(PREFACE) {
        return Speaks::Http2Preface;
    }
    if PREFACE.starts_with(bytes) {
        return Speaks::NeedMore;
    }
    request_line(super::http1::without_blank_lines(bytes))
}

fn request_line(bytes: &[u8]) -> Speaks {
    let method = bytes.iter().take_while(|byte| is_token(**byte)).count();
    let after_method = bytes.get(method..).unwrap_or(&[]);
    match after_method {
        _ if method > METHOD_LIMIT => return Speaks::Other,
        [] | [b' '] => return if method > 0 || bytes.is_empty() { Speaks::NeedMore } else { Speaks::Other },
        [b' ', b'/', ..] if method > 0 => return Speaks::Http1,
        [b' ', ..] if method > 0 => {}
        _ => return Speaks::Other,
    }
    let no_text = |byte: &u8| *byte < b' ' && *byte != b'\r';
    let line = after_method.get(..LINE_LIMIT).unwrap_or(after_method);
    let Some(end) = line.iter().position(no_text) else {
        return if after_method.len() < LINE_LIMIT { Speaks::NeedMore } else { Speaks::Other };
    };
    match line.split_at(end) {
        (line, [b'\n', ..]) if ends_in_version(line) => Speaks::Http1,
        _ => Speaks::Other,
    }
}

fn ends_in_version(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

/// Whether this byte may be part of a method (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECIDED: &[(&[u8], Speaks)] = &[
        (b"\x16\x03\x01\x02\x00\x01", Speaks::Tls),
        (b"GET / HTTP/1.1\r\n", Speaks::Http1),
        (b"\r\nPOST /v2/ HTTP/1.1\r\n", Speaks::Http1),
        (b"CONNECT registry.test:443 HTTP/1.1\r\n", Speaks::Http1),
        (b"OPTIONS * HTTP/1.1\r\n", Speaks::Http1),
        (b"GET http://registry.test/v2/ HTTP/1.0\n", Speaks::Http1),
        (b"PROPFIND /x", Speaks::Http1),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Speaks::Http2Preface),
        (b"PRI * HTTP/1.1\r\n", Speaks::Http1),
        (b"SSH-2.0-OpenSSH_9.6 Debian\r\n", Speaks::Other),
        (b"EHLO registry.test\r\n", Speaks::Other),
        (b"\x80\x2e\x01\x03\x01\x00", Speaks::Other),
        (b"\x16\x02\x00", Speaks::Other),
        (b"\x00", Speaks::Other),
        // A control byte decides before the version is seen; found by fuzzing.
        (b"CONNECT a\x0b:443 HTTP/1.1\r\n", Speaks::Other),
        (b" GET", Speaks::Other),
        (b"*1\r\n$4\r\nPING\r\n", Speaks::Other),
    ];

    #[test]
    fn decides_once_and_never_takes_it_back() {
        for (bytes, expected) in DECIDED {
            assert_eq!(sniff(bytes), *expected, "{:?}", bytes.escape_ascii().to_string());
            let first = (0..=bytes.len()).find_map(|end| Some(sniff(&bytes[..end])).filter(|s| *s != Speaks::NeedMore));
            assert_eq!(first, Some(*expected));
        }
    }

    #[test]
    fn waits_for_more() {
        for bytes in
            [&b""[..], b"\x16", b"\x16\x03", b"P", b"PRI * HT", b"GET", b"GET ", b"CONNECT a:443 HTTP/1", b"\r\n"]
        {
            assert_eq!(sniff(bytes), Speaks::NeedMore, "{:?}", bytes.escape_ascii().to_string());
        }
    }
}
