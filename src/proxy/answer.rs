//! The only place that makes responses of our own: refusals with their reason, and pulltap's own pages.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::reason;
use crate::exchange::{Failure, Target};

/// A response of ours.
pub type Answer = Response<Full<Bytes>>;

/// Answers whatever is asked on a connection with the reason of a failure, once.
pub async fn refuse<S>(stream: S, failure: &Failure, target: &Target)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    serve_once(stream, |_| refusal(failure, target)).await;
}

/// Answers one request on a connection and closes it.
pub async fn serve_once<S>(stream: S, answer: impl Fn(&Request<Incoming>) -> Answer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .half_close(true)
        .max_headers(1024)
        .max_buf_size(512 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "the client did not take our answer");
    }
}

/// The response that says why a request could not be passed on.
pub fn refusal(failure: &Failure, target: &Target) -> Answer {
    let reason = reason::reason(failure, target);
    let mut response = page(reason::status(failure), "application/json", reason::content(failure, &reason).into());
    if let Ok(phrase) = ReasonPhrase::try_from(format!("pulltap: {reason}")) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// A response with this content, never cached.
pub fn page(status: u16, media_type: &'static str, content: Bytes) -> Answer {
    let mut response = Response::new(Full::new(content));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::SERVER, HeaderValue::from_static("pulltap"));
    response
}
