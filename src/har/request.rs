//! A request as it is written.

use std::borrow::Cow;

use serde::Serialize;

use super::address::{self, Parameter};
use super::content::{self, Form};
use super::cookie::{self, Cookie};
use super::message::{BodyFacts, HeaderField, fields, not_kept};
use crate::exchange::{Exchange, Headers};

/// The method of an exchange whose request was never read: readers want one.
pub(super) const NO_METHOD: &str = "-";

/// What HAR calls `request`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    method: &'a str,
    url: String,
    http_version: String,
    cookies: Vec<Cookie>,
    headers: Vec<HeaderField<'a>>,
    query_string: Vec<Parameter<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData<'a>>,
    headers_size: i8,
    body_size: u64,
    /// The request target as it stood on the wire; without it no request was read.
    #[serde(rename = "_target", skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(rename = "_body")]
    body: BodyFacts<'a>,
}

impl<'a> Request<'a> {
    /// The request of an exchange.
    pub(super) fn of(exchange: &'a Exchange) -> Self {
        let head = exchange.request.as_ref();
        let headers = head.map(|head| &head.headers);
        Self {
            method: exchange.method().unwrap_or(NO_METHOD),
            url: address::url(exchange),
            http_version: head.map_or("HTTP/1.1".to_owned(), |head| head.version.to_string()),
            cookies: headers.map(cookie::sent).unwrap_or_default(),
            headers: headers.map(fields).unwrap_or_default(),
            query_string: exchange.query().map(address::parameters).unwrap_or_default(),
            post_data: PostData::of(exchange, headers),
            // Header fields are masked and their white space is gone: there is no exact number.
            headers_size: -1,
            body_size: exchange.request_body.length,
            target: exchange.request_target(),
            body: BodyFacts::of(&exchange.request_body),
        }
    }
}

/// What HAR calls `postData`. mitmproxy refuses a file with one that lacks `text`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData<'a> {
    mime_type: Cow<'a, str>,
    text: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<Parameter<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
    #[serde(rename = "_byteOrderMark", skip_serializing_if = "std::ops::Not::not")]
    mark: bool,
    #[serde(rename = "_tail", skip_serializing_if = "Option::is_none")]
    tail: Option<String>,
    #[serde(rename = "_bytes", skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

impl<'a> PostData<'a> {
    fn of(exchange: &'a Exchange, headers: Option<&'a Headers>) -> Option<Self> {
        let body = &exchange.request_body;
        if body.length == 0 && body.bytes.is_empty() {
            return None;
        }
        let content_type = headers.and_then(|headers| headers.text("content-type"));
        let mime_type = content_type.unwrap_or("application/octet-stream".into());
        let mut data = Self {
            mime_type,
            text: "",
            params: Vec::new(),
            comment: not_kept(body),
            mark: false,
            tail: None,
            bytes: None,
        };
        match content::form(&body.bytes, &data.mime_type) {
            Form::Text(found) => {
                data.text = found.characters;
                data.mark = found.has_mark;
                data.tail = (!found.tail.is_empty()).then(|| content::base64(found.tail));
                if is_form(&data.mime_type) {
                    data.params = address::parameters(found.characters);
                }
            }
            Form::Base64 => {
                data.bytes = Some(content::base64(&body.bytes));
                data.comment = Some("binary content: it is in _bytes, in base64");
            }
        }
        Some(data)
    }
}

fn is_form(mime_type: &str) -> bool {
    let essence = mime_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
