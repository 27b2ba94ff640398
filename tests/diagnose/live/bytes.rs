//! The bytes of a fixture's messages.

use pulltap::exchange::{Body, Exchange, FailureKind, Headers, Scheme};

/// The CONNECT that the fixture has, or one as Go sends it.
pub fn connect_head(exchange: &Exchange) -> Vec<u8> {
    if exchange.is_connect() {
        return request_head(exchange);
    }
    let authority = format!("{}:{}", exchange.target.host, exchange.target.port);
    format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: Go-http-client/1.1\r\n\r\n").into_bytes()
}

/// The request's head, with the length of its content.
pub fn request_head(exchange: &Exchange) -> Vec<u8> {
    let head = exchange.request.as_ref().expect("a request");
    let is_relative = exchange.target.scheme == Scheme::Http && head.target.starts_with('/');
    let origin = if is_relative { exchange.target.origin() } else { String::new() };
    let mut bytes = format!("{} {origin}{} HTTP/1.1\r\n", head.method, head.target).into_bytes();
    add_fields(&mut bytes, &head.headers);
    if exchange.request_body.length > 0 && !head.headers.contains("content-length") {
        bytes.extend(format!("Content-Length: {}\r\n", exchange.request_body.length).into_bytes());
    }
    [bytes, b"\r\n".to_vec()].concat()
}

/// The response's head as it is: where it does not say how long the content is, its end is that of the connection.
pub fn response_head(exchange: &Exchange) -> Vec<u8> {
    let head = exchange.response.as_ref().expect("a response");
    let mut bytes = format!("HTTP/1.1 {} {}\r\n", head.status, head.reason).into_bytes();
    add_fields(&mut bytes, &head.headers);
    [bytes, b"\r\n".to_vec()].concat()
}

/// What a parent proxy says that does not open the tunnel.
pub fn refusal(exchange: &Exchange) -> Vec<u8> {
    let failure = exchange.failure.as_ref().expect("a failure");
    let FailureKind::ParentProxyRefused(status) = failure.kind else { panic!("a parent proxy that refuses") };
    format!("HTTP/1.1 {status} Refused\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn add_fields(bytes: &mut Vec<u8>, headers: &Headers) {
    for header in headers.iter() {
        bytes.extend([header.name.as_bytes(), b": ", header.value, b"\r\n"].concat());
    }
}

/// A body's content: what the fixture has of it, and zeros after that.
pub fn content(body: &Body) -> Vec<u8> {
    let mut content = body.bytes.clone();
    content.resize(usize::try_from(body.length).unwrap(), 0);
    content
}

/// A ClientHello that offers this version and older ones (RFC 4346, section 7.4.1.2), without extensions.
pub fn old_hello(version: u16) -> Vec<u8> {
    let version = version.to_be_bytes();
    let hello = [&version[..], &[7; 32], &[0], &[0, 4, 0x00, 0x2f, 0x00, 0x35], &[1, 0]].concat();
    let message = [&[1, 0, 0, u8::try_from(hello.len()).unwrap()], &hello[..]].concat();
    [&[0x16, 3, 1, 0, u8::try_from(message.len()).unwrap()], &message[..]].concat()
}
