//! What the demo's servers answer with: heads as Azure Container Registry and Azure Storage write them.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::response::Builder;
use http::{Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use super::tokens::identifier;

/// An answer.
pub type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// The media type of the registry's own JSON.
pub const JSON: &str = "application/json; charset=utf-8";

/// A head with the fields that every answer of Azure Container Registry has (recordings of azure-sdk-for-js); one of
/// them is there twice.
pub fn of_registry(status: StatusCode) -> Builder {
    const SECURITY: &str = "max-age=31536000; includeSubDomains";
    Response::builder()
        .status(status)
        .header(header::SERVER, "openresty")
        .header("Docker-Distribution-Api-Version", "registry/2.0")
        .header(header::STRICT_TRANSPORT_SECURITY, SECURITY)
        .header("X-Content-Type-Options", "nosniff")
        .header("X-Ms-Correlation-Request-Id", identifier())
        .header(header::STRICT_TRANSPORT_SECURITY, SECURITY)
        .header(
            "Access-Control-Expose-Headers",
            "Docker-Content-Digest, WWW-Authenticate, Link, X-Ms-Correlation-Request-Id",
        )
}

/// A head with the fields that every answer of Azure Storage has.
pub fn of_storage(status: StatusCode) -> Builder {
    Response::builder()
        .status(status)
        .header(header::SERVER, "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0")
        .header("x-ms-request-id", identifier())
}

/// The head with a content that is at hand.
pub fn with(head: Builder, media_type: &str, content: impl Into<Bytes>) -> Answer {
    finished(head.header(header::CONTENT_TYPE, media_type).body(Full::new(content.into()).boxed_unsync()))
}

/// The head with a content that is made while it is sent.
pub fn with_parts(head: Builder, length: u64, parts: Box<dyn Iterator<Item = Bytes> + Send>) -> Answer {
    let frames = parts.map(|part| Ok(Frame::data(part)));
    let head = head.header(header::CONTENT_TYPE, "application/octet-stream").header(header::CONTENT_LENGTH, length);
    finished(head.body(StreamBody::new(stream::iter(frames)).boxed_unsync()))
}

/// A head that only fails where one of our own values cannot stand in it.
fn finished(answer: http::Result<Answer>) -> Answer {
    answer.unwrap_or_else(|error| {
        let mut answer = Response::new(Full::new(Bytes::from(error.to_string())).boxed_unsync());
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        answer
    })
}
