//! The door: an exchange goes in, the same exchange without its secrets comes out.
//!
//! Writers (the store, HAR, SAZ) accept [`Redacted`] and nothing else, and only this room can make one. Bodies
//! leave it masked and decoded, with the codings that were undone noted, so that no later room decodes.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

mod body;
mod names;

use crate::exchange::{Exchange, Headers, RequestHead, ResponseHead, TlsFacts, Verdict};
pub use crate::secrets::FingerprintKey;
use crate::secrets::Masker;

/// Something whose secrets are masked; only a [`Redactor`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// The thing itself. It stays redacted, but nothing says so any more.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Redacted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What to mask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Also replace names that are no secrets but say who and where: hosts, repositories, users, client addresses.
    pub mask_names: bool,
    /// Mask nothing: the one explicit way around.
    pub keep_secrets: bool,
}

/// Masks the secrets of exchanges.
#[derive(Debug, Clone)]
pub struct Redactor {
    masker: Masker,
    options: Options,
}

impl Redactor {
    /// A redactor with this installation's key.
    pub fn new(key: FingerprintKey, options: Options) -> Self {
        Self { masker: Masker::new(key), options }
    }

    /// What it masks.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The exchange with its secrets masked and its bodies decoded.
    pub fn redact(&self, mut exchange: Exchange) -> Redacted<Exchange> {
        let request_headers = exchange.request.as_ref().map(|head| &head.headers);
        body::read(&mut exchange.request_body, request_headers);
        let response_headers = exchange.response.as_ref().map(|head| &head.headers);
        body::read(&mut exchange.response_body, response_headers);
        if self.options.keep_secrets {
            return Redacted(exchange);
        }
        mask(&self.masker, &mut exchange);
        if self.options.mask_names {
            // Names are taken from what is masked already, so that a second time finds the same ones.
            let names = names::of(&exchange, self.masker.key());
            let masker = self.masker.with_names(names);
            mask(&masker, &mut exchange);
            names::replace(&masker, &mut exchange);
        }
        Redacted(exchange)
    }

    /// A line of text (a log line, an error message) with its secrets masked.
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.options.keep_secrets { Cow::Borrowed(text) } else { self.masker.text(text) }
    }

    /// A URL with its secrets masked.
    pub fn redact_url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        if self.options.keep_secrets { Cow::Borrowed(url) } else { self.masker.url(url) }
    }
}

fn mask(masker: &Masker, exchange: &mut Exchange) {
    let request_headers = exchange.request.as_ref().map(|head| &head.headers);
    body::mask(masker, &mut exchange.request_body, request_headers);
    let response_headers = exchange.response.as_ref().map(|head| &head.headers);
    body::mask(masker, &mut exchange.response_body, response_headers);
    if let Some(head) = &mut exchange.request {
        mask_request(masker, head);
    }
    for head in exchange.interim.iter_mut().chain(&mut exchange.response) {
        mask_response(masker, head);
    }
    for facts in [&mut exchange.client_tls, &mut exchange.upstream_tls].into_iter().flatten() {
        mask_tls(masker, facts);
    }
    if let Some(failure) = &mut exchange.failure {
        for message in &mut failure.chain {
            mask_text(masker, message);
        }
    }
}

fn mask_request(masker: &Masker, head: &mut RequestHead) {
    if let Cow::Owned(target) = masker.url(&head.target) {
        head.target = target;
    }
    mask_headers(masker, &mut head.headers);
}

fn mask_response(masker: &Masker, head: &mut ResponseHead) {
    mask_text(masker, &mut head.reason);
    mask_headers(masker, &mut head.headers);
}

/// Masks the values of header fields in place; names, order and duplicates stay.
fn mask_headers(masker: &Masker, headers: &mut Headers) {
    let masked = masker.headers(headers.iter().map(|field| (field.name, field.value)));
    if masked.is_empty() {
        return;
    }
    let mut masked = masked.into_iter().peekable();
    let mut new = Headers::with_capacity(headers.len(), 0);
    for (at, field) in headers.iter().enumerate() {
        let masked = masked.next_if(|(masked, _)| *masked == at);
        new.push(field.name, masked.as_ref().map_or(field.value, |(_, value)| value));
    }
    *headers = new;
}

fn mask_text(masker: &Masker, text: &mut String) {
    if let Cow::Owned(masked) = masker.text(text) {
        *text = masked;
    }
}

/// A verifier's own words may quote what it was given.
fn mask_tls(masker: &Masker, facts: &mut Arc<TlsFacts>) {
    let Verdict::Refused(words) = &facts.verdict else { return };
    if let Cow::Owned(masked) = masker.text(words) {
        Arc::make_mut(facts).verdict = Verdict::Refused(masked);
    }
}
