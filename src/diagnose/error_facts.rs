//! What is kept of an error answer: what it says, and the header fields that help to explain it.

use std::ops::Range;

use crate::exchange::{Exchange, Headers};
use crate::registry::{Endpoint, ErrorBody, ErrorEntry, Shape, error_body};

/// An error answer.
#[derive(Debug, Clone)]
pub struct ErrorFacts {
    /// What it says.
    pub body: ErrorBody,
    /// Where in the kept content the first error stands.
    pub range: Range<usize>,
    /// The header fields that help to explain it.
    pub headers: Box<[KeptHeader]>,
}

/// A response header field worth keeping.
#[derive(Debug, Clone)]
pub struct KeptHeader {
    /// Its number among the fields.
    pub at: usize,
    /// Its name, lower case.
    pub name: &'static str,
    /// Its value.
    pub value: Box<str>,
}

impl ErrorFacts {
    /// The facts of an error answer, or of a page where data may have been due.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        if is_first_challenge(exchange) {
            return None;
        }
        let response = exchange.response.as_ref()?;
        let is_page = || is_html(&response.headers);
        if response.status < 400 && !(response.status < 300 && is_page()) {
            return None;
        }
        let content = &exchange.response_body.bytes;
        let mut body = ErrorBody::of(content);
        if body.shape == Shape::Empty && is_page() {
            body.shape = Shape::Html;
        }
        // Azure Storage names its error in a header field too, which a HEAD has when there is no content.
        if body.errors.is_empty()
            && let Some(code) = response.headers.text("x-ms-error-code")
        {
            body.errors.push(ErrorEntry { code: Some(code.into_owned()), ..ErrorEntry::default() });
        }
        let first = body.errors.first();
        let code = first.and_then(|error| error.code.as_deref().or(error.message.as_deref())).unwrap_or("");
        let range = error_body::range_of(content, code);
        Some(Self { range, headers: kept_headers(&response.headers), body })
    }
}

/// The 401 that every session begins with says all in its challenge.
fn is_first_challenge(exchange: &Exchange) -> bool {
    let has = |headers: Option<&Headers>, name: &str| headers.is_some_and(|headers| headers.contains(name));
    exchange.status() == Some(401)
        && has(exchange.response.as_ref().map(|response| &response.headers), "www-authenticate")
        && !has(exchange.request.as_ref().map(|request| &request.headers), "authorization")
        && Endpoint::of(exchange.path(), None).is_registry()
}

fn is_html(headers: &Headers) -> bool {
    headers.text("content-type").is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

fn kept_headers(headers: &Headers) -> Box<[KeptHeader]> {
    const NAMES: [&str; 17] = [
        "content-type",
        "date",
        "docker-distribution-api-version",
        "docker-ratelimit-source",
        "proxy-agent",
        "proxy-authenticate",
        "ratelimit-limit",
        "ratelimit-remaining",
        "retry-after",
        "server",
        "via",
        "www-authenticate",
        "x-cache",
        "x-ms-correlation-request-id",
        "x-ms-error-code",
        "x-ms-ratelimit-remaining-calls-per-second",
        "x-ms-request-id",
    ];
    let kept = headers.iter().enumerate().filter_map(|(at, header)| {
        let name = NAMES.iter().find(|name| header.name.eq_ignore_ascii_case(name))?;
        Some(KeptHeader { at, name, value: super::evidence::shortened(&header.text()).into() })
    });
    kept.take(32).collect()
}
