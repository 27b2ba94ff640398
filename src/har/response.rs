//! A response as it is written, or the place of one that never came.

use std::borrow::Cow;

use serde::Serialize;

use super::content::{self, Form};
use super::cookie::{self, Cookie};
use super::message::{BodyFacts, HeaderField, fields, not_kept};
use crate::exchange::{Body, Exchange, Failure};

/// What HAR calls `response`. Status 0 is a response that never came, as browsers write it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    status: u16,
    status_text: &'a str,
    http_version: String,
    cookies: Vec<Cookie>,
    headers: Vec<HeaderField<'a>>,
    content: Content<'a>,
    #[serde(rename = "redirectURL")]
    redirect_url: Cow<'a, str>,
    headers_size: i8,
    body_size: i64,
    /// Chrome shows it as the size that was transferred.
    #[serde(rename = "_transferSize")]
    transfer_size: u64,
    /// Chrome and mitmproxy have the reason of a failure here.
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(rename = "_body")]
    body: BodyFacts<'a>,
}

impl<'a> Response<'a> {
    /// The response of an exchange.
    pub(super) fn of(exchange: &'a Exchange) -> Self {
        let head = exchange.response.as_ref();
        let headers = head.map(|head| &head.headers);
        let body = &exchange.response_body;
        let content_type = headers.and_then(|headers| headers.text("content-type"));
        Self {
            status: exchange.status().unwrap_or(0),
            status_text: head.map_or("", |head| &head.reason),
            http_version: head.map_or("unknown".to_owned(), |head| head.version.to_string()),
            cookies: headers.map(cookie::set).unwrap_or_default(),
            headers: headers.map(fields).unwrap_or_default(),
            content: Content::of(body, content_type),
            redirect_url: headers.and_then(|headers| headers.text("location")).unwrap_or_default(),
            headers_size: -1,
            body_size: if head.is_some() { i64::try_from(body.length).unwrap_or(-1) } else { -1 },
            transfer_size: body.length,
            error: exchange.failure.as_ref().map(sentence),
            body: BodyFacts::of(body),
        }
    }
}

fn sentence(failure: &Failure) -> String {
    let Failure { stage, side, kind, chain, .. } = failure;
    let mut sentence = format!("{} ({}, {})", kind.as_str(), stage.as_str(), side.as_str());
    for message in chain {
        sentence.push_str(": ");
        sentence.push_str(message);
    }
    sentence
}

/// What HAR calls `content`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<i64>,
    mime_type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
    #[serde(rename = "_byteOrderMark", skip_serializing_if = "std::ops::Not::not")]
    mark: bool,
    #[serde(rename = "_tail", skip_serializing_if = "Option::is_none")]
    tail: Option<String>,
}

impl<'a> Content<'a> {
    fn of(body: &'a Body, content_type: Option<Cow<'a, str>>) -> Self {
        let is_decoded = !body.decoded_from.is_empty();
        let size = if is_decoded { body.bytes.len() as u64 } else { body.length };
        let saved = i64::try_from(size).ok().zip(i64::try_from(body.length).ok());
        let mut written = Self {
            size,
            compression: saved.filter(|_| is_decoded).map(|(size, length)| size.saturating_sub(length)),
            mime_type: content_type.unwrap_or("x-unknown".into()),
            text: None,
            encoding: None,
            comment: not_kept(body),
            mark: false,
            tail: None,
        };
        if body.bytes.is_empty() {
            return written;
        }
        match content::form(&body.bytes, &written.mime_type) {
            Form::Text(found) => {
                written.text = Some(found.characters.into());
                written.mark = found.has_mark;
                written.tail = (!found.tail.is_empty()).then(|| content::base64(found.tail));
            }
            Form::Base64 => {
                written.text = Some(content::base64(&body.bytes).into());
                written.encoding = Some("base64");
            }
        }
        written
    }
}
