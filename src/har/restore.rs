//! An entry becomes an exchange again: from our own fields where they are, else from HAR's.

use std::sync::Arc;

use super::Repair;
use super::content::{self, from_base64};
use super::model::{BodyFacts, Content, Entry, HeaderField, Request, Response, Text};
use super::reason;
use super::tls_record::TlsRecord;
use crate::content::codings;
use crate::exchange::{
    Body, ConnectionId, Exchange, ExchangeId, Headers, Kept, Moment, Origin, RequestHead, ResponseHead, Scheme, State,
    Target, Timings, Version, WhyNotKept,
};

/// An exchange whose certificates are still to come: they stand at the end of the file.
pub(super) struct Restored {
    /// The exchange, under the number of its entry until all ids are known.
    pub(super) exchange: Exchange,
    /// The id that the file gives it.
    pub(super) id: Option<ExchangeId>,
    /// What the file says it is to a registry client.
    pub(super) role: Option<String>,
    /// TLS with the client.
    pub(super) client_tls: Option<TlsRecord>,
    /// TLS with the server.
    pub(super) upstream_tls: Option<TlsRecord>,
}

/// Restores the exchange of an entry; `number` is the entry's, from 1.
pub(super) fn restore(entry: Entry<'_>, number: ExchangeId, repairs: &mut Vec<Repair>) -> Restored {
    let mut reader = Reader { number, repairs };
    let is_ours = entry.timings.is_some();
    let timings = reader.timings(&entry);
    let target = entry.target.map(|target| target.0);
    let target = target.unwrap_or_else(|| reader.target(entry.request.as_ref()));
    // What pulltap saw and wrote lacks nothing for having been in a file.
    let origin = if is_ours && !entry.is_foreign { Origin::Live } else { Origin::File };
    let mut exchange = Exchange::new(number, origin, target, timings.opened);
    exchange.timings = timings;
    exchange.connection = entry.connection.and_then(ConnectionId::new);
    exchange.connect = entry.connect.and_then(ExchangeId::new);
    exchange.client = entry.client;
    if let Some(mut request) = entry.request {
        exchange.request_body = reader.request_body(&mut request);
        exchange.request = reader.request_head(request, is_ours);
    }
    exchange.interim = entry.interim.into_iter().filter_map(|head| reader.response_head(head)).collect();
    exchange.failure = entry.failure.map(|failure| failure.0);
    if let Some(mut response) = entry.response {
        let error = response.error.take().filter(|_| !is_ours);
        let last = timings.closed.unwrap_or(timings.opened);
        let told = error.and_then(|error| reason::failure(error.as_str()?, last));
        exchange.failure = exchange.failure.or(told);
        let facts = response.body.take();
        let content = response.content.take().unwrap_or_default();
        exchange.response_body = reader.body(facts, &content, response.body_size);
        exchange.response = reader.response_head(response);
        if !is_ours && let Some(head) = &exchange.response {
            // HAR's content is what the codings hid.
            exchange.response_body.decoded_from = codings(&head.headers);
        }
    }
    exchange.upstream = entry.upstream.map(|upstream| Arc::new(upstream.0));
    exchange.tunnel = entry.tunnel.map(|tunnel| tunnel.0);
    exchange.answered_by_us = entry.answered_by_us;
    let state = if exchange.failure.is_some() { State::Failed } else { State::Complete };
    exchange.state = entry.state.map_or(state, |state| state.0);
    Restored {
        exchange,
        id: entry.id.and_then(ExchangeId::new),
        role: entry.role,
        client_tls: entry.client_tls,
        upstream_tls: entry.upstream_tls,
    }
}

struct Reader<'a> {
    number: ExchangeId,
    repairs: &'a mut Vec<Repair>,
}

impl Reader<'_> {
    fn timings(&mut self, entry: &Entry<'_>) -> Timings {
        if let Some(timings) = &entry.timings {
            return timings.0;
        }
        let written = entry.started_date_time.as_ref().and_then(|date| date.0.parse::<jiff::Timestamp>().ok());
        if written.is_none() {
            self.repairs.push(Repair::NoDate { entry: self.number.number() });
        }
        let opened = written.map_or(Moment::EPOCH, |date| Moment::from_micros(date.as_microsecond()));
        let mut timings = Timings::starting(opened);
        #[expect(clippy::cast_possible_truncation, reason = "a float that is no i64 becomes the nearest one")]
        let took = entry.time.filter(|time| *time >= 0.0).map(|millis| (millis * 1000.0) as i64);
        timings.closed = took.map(|micros| opened.plus_micros(micros));
        timings
    }

    fn target(&mut self, request: Option<&Request<'_>>) -> Target {
        let url = request.and_then(|request| request.url.as_ref()).and_then(|url| url::Url::parse(&url.0).ok());
        let found = url.as_ref().and_then(|url| {
            let scheme = if url.scheme() == "http" { Scheme::Http } else { Scheme::Https };
            let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
            Some(Target { scheme, host: host.to_owned(), port: url.port().unwrap_or(scheme.default_port()) })
        });
        found.unwrap_or_else(|| {
            self.repairs.push(Repair::NoAddress { entry: self.number.number() });
            Target::http("", 0)
        })
    }

    fn request_head(&mut self, request: Request<'_>, is_ours: bool) -> Option<RequestHead> {
        let target = match request.target {
            Some(target) => target.0.into_owned(),
            // No request was read of this exchange.
            None if is_ours => return None,
            None => request.url.as_ref().map_or("/", |url| path_and_query(&url.0)).to_owned(),
        };
        let method = request.method.map_or(String::new(), |method| method.0.into_owned());
        let headers = self.headers(request.headers);
        Some(RequestHead { method, target, version: version(request.http_version.as_ref()), headers })
    }

    /// The head, unless the status says that no response came.
    fn response_head(&mut self, response: Response<'_>) -> Option<ResponseHead> {
        let status = u16::try_from(response.status?).ok().filter(|status| *status > 0)?;
        let reason = response.status_text.map_or(String::new(), |text| text.0.into_owned());
        let headers = self.headers(response.headers);
        Some(ResponseHead { status, reason, version: version(response.http_version.as_ref()), headers })
    }

    fn headers(&mut self, fields: Vec<HeaderField<'_>>) -> Headers {
        let mut headers = Headers::with_capacity(fields.len(), 0);
        for field in fields {
            let bytes = self.base64(field.bytes.as_ref());
            headers.push(&field.name, bytes.as_deref().unwrap_or(field.value.as_bytes()));
        }
        headers
    }

    fn request_body(&mut self, request: &mut Request<'_>) -> Body {
        let facts = request.body.take();
        let content = request.post_data.take().unwrap_or_default();
        self.body(facts, &content, request.body_size)
    }

    fn body(&mut self, facts: Option<BodyFacts<'_>>, content: &Content<'_>, size: Option<i64>) -> Body {
        let bytes = self.bytes(content);
        let Some(facts) = facts else {
            return foreign_body(bytes, content.text.is_some(), size);
        };
        Body {
            length: facts.length,
            is_complete: facts.is_complete,
            sha256: facts.sha256.as_ref().and_then(|text| digest(&text.0)),
            kept: facts.kept.0,
            bytes,
            decoded_from: facts.decoded_from,
            trailers: facts.trailers.map(|fields| self.headers(fields)),
        }
    }

    fn bytes(&mut self, content: &Content<'_>) -> Vec<u8> {
        if content.bytes.is_some() {
            return self.base64(content.bytes.as_ref()).unwrap_or_default();
        }
        if content.encoding.as_ref().is_some_and(|encoding| encoding.0.eq_ignore_ascii_case("base64")) {
            return self.base64(content.text.as_ref()).unwrap_or_default();
        }
        let tail = self.base64(content.tail.as_ref()).unwrap_or_default();
        let characters = content.text.as_ref().map_or("", |text| &text.0);
        content::join(&content::Text { characters, has_mark: content.mark, tail: &tail })
    }

    /// The bytes of a field in base64, if it is there and can be read.
    fn base64(&mut self, text: Option<&Text<'_>>) -> Option<Vec<u8>> {
        let bytes = from_base64(&text?.0);
        if bytes.is_none() {
            self.repairs.push(Repair::NotBase64 { entry: self.number.number() });
        }
        bytes
    }
}

/// A content of which nothing is known but HAR's own fields.
fn foreign_body(bytes: Vec<u8>, has_text: bool, size: Option<i64>) -> Body {
    let length = size.and_then(|size| u64::try_from(size).ok()).unwrap_or(bytes.len() as u64);
    let kept = if has_text || length == 0 { Kept::All } else { Kept::None(WhyNotKept::NotInFile) };
    Body { length, is_complete: true, kept, bytes, ..Body::default() }
}

/// Path and query of a URL as they are written.
fn path_and_query(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/");
    path.split('#').next().unwrap_or(path)
}

/// The version under the names that programs give it (`HTTP/1.1`, `h2`, `http/2.0`).
fn version(name: Option<&Text<'_>>) -> Version {
    let name = name.map_or("", |name| &name.0).to_ascii_lowercase();
    match name.trim_start_matches("http/") {
        "1.0" => Version::Http10,
        "2" | "2.0" | "h2" => Version::Http2,
        _ => Version::Http11,
    }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(digest)
}
