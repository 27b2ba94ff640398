//! URLs and query strings as HAR wants them: valid for every reader. What stood on the wire is kept beside them.

use std::borrow::Cow;
use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::exchange::{Exchange, Target};

/// What a path or query may not hold (RFC 3986); `%` is looked at by [`encoded`].
const NOT_IN_URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b'?');

/// A parameter of a query string or of a form, decoded.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Parameter<'a> {
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

/// The URL of an exchange, absolute, valid and without a fragment. A CONNECT has `https://host:port/`.
pub(super) fn url(exchange: &Exchange) -> String {
    let target = &exchange.target;
    let host = host(target);
    if exchange.is_connect() {
        return format!("https://{host}:{}/", target.port);
    }
    let scheme = target.scheme;
    let mut url = format!("{}://{host}", scheme.as_str());
    if target.port != scheme.default_port() {
        url.push(':');
        url.push_str(&target.port.to_string());
    }
    let path = exchange.path();
    if !path.starts_with('/') {
        url.push('/');
    }
    url.push_str(&encoded(path));
    if let Some(query) = exchange.query() {
        url.push('?');
        url.push_str(&encoded(query));
    }
    url
}

/// The host as mitmproxy's reader and browsers accept it: the one refuses a whole file for a host with an odd character,
/// the others take `a.0` for a broken address.
fn host(target: &Target) -> String {
    match target.ip() {
        Some(IpAddr::V4(address)) => return address.to_string(),
        Some(IpAddr::V6(address)) => return format!("[{address}]"),
        None => {}
    }
    let host: String =
        target.host.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    let fits = labels.iter().all(|label| label.len() <= 63) && host.len() <= 253;
    let host = labels.join(".");
    if fits && url::Host::parse(&host).is_ok() { host } else { "unknown".to_owned() }
}

/// Text of a path or query with everything encoded that may not stand there; what is encoded already stays.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let mut pieces = text.split('%');
    encoded.extend(utf8_percent_encode(pieces.next().unwrap_or(""), NOT_IN_URL));
    for piece in pieces {
        let is_code = piece.as_bytes().get(..2).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit));
        encoded.push_str(if is_code { "%" } else { "%25" });
        encoded.extend(utf8_percent_encode(piece, NOT_IN_URL));
    }
    encoded
}

/// The parameters of a query string or of a form, decoded.
pub(super) fn parameters(query: &str) -> Vec<Parameter<'_>> {
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| Parameter { name, value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{ExchangeId, Moment, Origin, RequestHead};

    fn asking(host: &str, target: &str) -> Exchange {
        let target_of = Target::https(host, 443);
        let mut exchange = Exchange::new(ExchangeId::new(1).unwrap(), Origin::Live, target_of, Moment::EPOCH);
        exchange.request = Some(RequestHead::new("GET", target));
        exchange
    }

    #[test]
    fn makes_a_valid_url_of_any_target() {
        for (host, target, expected) in [
            ("r.test", "/a//b/%41?x=%2F#z", "https://r.test/a//b/%41?x=%2F"),
            ("r.test", "/50%/ü|\"?a b", "https://r.test/50%25/%C3%BC%7C%22?a%20b"),
            ("r.test", "*", "https://r.test/*"),
            ("r.test", "", "https://r.test/"),
            ("r.test", "http://user:word@r.test:99999/v2/?n=1", "https://r.test/v2/?n=1"),
            ("::1", "/v2/", "https://[::1]/v2/"),
            ("A_b..", "/", "https://A_b/"),
            ("", "/", "https://unknown/"),
            ("a.0", "/", "https://unknown/"),
            ("ex ample\n.test", "/", "https://ex-ample-.test/"),
        ] {
            assert_eq!(url(&asking(host, target)), expected);
        }
    }

    #[test]
    fn decodes_parameters() {
        let found = parameters("scope=repository%3Aapp%3Apull&a+b=&c");
        let pairs: Vec<_> = found.iter().map(|pair| (&*pair.name, &*pair.value)).collect();
        assert_eq!(pairs, [("scope", "repository:app:pull"), ("a b", ""), ("c", "")]);
    }
}
