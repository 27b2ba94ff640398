//! The only place that makes responses of our own: refusals with their reason, and pulltap's own pages.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

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

/// Answers whatever is asked on a connection with the reason of a failure, in the protocol that was agreed.
pub async fn refuse_by_alpn<S>(stream: S, alpn: Option<&[u8]>, failure: &Failure, target: &Target)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if alpn == Some(b"h2") {
        // HTTP/2 has no reason phrase: there the reason is in the content alone.
        serve_http2(stream, refusal(failure, target)).await;
    } else {
        refuse(stream, failure, target).await;
    }
}

/// Gives the same answer to all requests that come before the first is answered, and closes the connection, so that
/// who asks again later comes anew.
async fn serve_http2<S>(stream: S, answer: Answer)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let tasks = TaskTracker::new();
    let asked = Arc::new(Notify::new());
    let service = service_fn(|_: Request<Incoming>| {
        asked.notify_one();
        let answer = answer.clone();
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut connection =
        pin!(http2::Builder::new(OnTracker(tasks.clone())).serve_connection(TokioIo::new(stream), service));
    let served = tokio::select! {
        served = &mut connection => served,
        () = asked.notified() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "the client did not take our answer");
    }
    tasks.close();
    tasks.wait().await;
}

/// Runs what hyper does for single streams; the connection waits for all of it.
#[derive(Clone)]
struct OnTracker(TaskTracker);

impl<F> Executor<F> for OnTracker
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, work: F) {
        self.0.spawn(work);
    }
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
