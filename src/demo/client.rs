//! How the demo's client asks: one request at a time through a tunnel of the proxy, each on a connection of its own, as
//! docker, skopeo and podman do.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::DemoError;
use super::image::written;

/// Contents up to this length are kept; of longer ones the hash is enough.
const MOST_KEPT: usize = 64 * 1024;

/// The longest answer to a CONNECT.
const LONGEST_REPLY: usize = 16 * 1024;

/// A client that reaches everything through one proxy.
pub struct Client {
    proxy: SocketAddr,
    tls: TlsConnector,
    agent: &'static str,
    patience: Duration,
}

/// An answer, as far as the client needs it.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The content, if it is not long.
    pub content: Bytes,
    /// The content's hash, as a digest.
    pub digest: String,
    /// The content's length.
    pub length: u64,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NoAnswer {
    /// The server's certificate is not trusted, or is wrong.
    #[error("tls: failed to verify certificate: x509: {0}")]
    Certificate(String),
    /// It took longer than the client waits.
    #[error("net/http: request canceled (Client.Timeout exceeded while awaiting headers)")]
    TimedOut,
    /// The proxy did not make a tunnel.
    #[error("proxyconnect tcp: {0}")]
    Proxy(String),
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
}

impl Client {
    /// A client that trusts exactly this root, calls itself so, and waits for the head of an answer for so long.
    ///
    /// # Errors
    /// When the certificate cannot be used as a root.
    pub fn new(
        proxy: SocketAddr,
        root: &CertificateDer<'static>,
        agent: &'static str,
        patience: Duration,
    ) -> Result<Self, DemoError> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { proxy, tls: TlsConnector::from(Arc::new(config)), agent, patience })
    }

    /// Asks, with these header fields besides those that every request has.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(&self, method: &str, url: &str, fields: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        self.send(method, url, fields, Bytes::new()).await
    }

    /// The same, with a content.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        fields: &[(&str, &str)],
        content: Bytes,
    ) -> Result<Answer, NoAnswer> {
        let (host, target) = parts_of(url).ok_or_else(|| NoAnswer::Broken(format!("{url}: not an https URL")))?;
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, host)
            .header(header::USER_AGENT, self.agent);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.header(header::CONNECTION, "close").body(Full::new(content)).map_err(broken)?;
        let stream = timeout(self.patience, self.reach(host)).await.map_err(|_| NoAnswer::TimedOut)??;
        answer_on(stream, request, self.patience).await
    }

    async fn reach(&self, host: &str) -> Result<TlsStream<TcpStream>, NoAnswer> {
        let tunnel = self.tunnel(host).await?;
        self.tls(host, tunnel).await
    }

    async fn tunnel(&self, host: &str) -> Result<TcpStream, NoAnswer> {
        let mut stream = TcpStream::connect(self.proxy).await.map_err(|error| NoAnswer::Proxy(error.to_string()))?;
        // Go's own User-Agent: dockerd's proxy code does not set another.
        let head = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nUser-Agent: Go-http-client/1.1\r\n\r\n");
        stream.write_all(head.as_bytes()).await.map_err(broken)?;
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n\r\n") && reply.len() < LONGEST_REPLY {
            // Not a byte more than the head: what follows belongs to TLS.
            reply.push(stream.read_u8().await.map_err(broken)?);
        }
        let reply = String::from_utf8_lossy(&reply);
        let status = reply.lines().next().and_then(|line| line.split_once(' ')).map_or("", |(_, status)| status);
        if status.starts_with("200") { Ok(stream) } else { Err(NoAnswer::Proxy(status.to_owned())) }
    }

    async fn tls(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, NoAnswer> {
        let name = ServerName::try_from(host.to_owned()).map_err(broken)?;
        self.tls.connect(name, stream).await.map_err(|error| {
            let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match cause {
                Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                    NoAnswer::Certificate("certificate signed by unknown authority".to_owned())
                }
                Some(rustls::Error::InvalidCertificate(why)) => NoAnswer::Certificate(why.to_string()),
                _ => broken(error),
            }
        })
    }
}

/// Host and request target of an https URL.
fn parts_of(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let (host, _) = rest.split_once('/')?;
    Some((host, rest.get(host.len()..)?))
}

/// Asks, and reads the answer, the head of which must be there in time.
async fn answer_on(
    stream: TlsStream<TcpStream>,
    request: Request<Full<Bytes>>,
    patience: Duration,
) -> Result<Answer, NoAnswer> {
    let builder = http1::Builder::new().title_case_headers(true).to_owned();
    let (mut sender, mut connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let mut asking = pin!(async move {
        let response = timeout(patience, sender.send_request(request)).await;
        read(response.map_err(|_| NoAnswer::TimedOut)?.map_err(broken)?).await
    });
    let answer = tokio::select! {
        answer = &mut asking => answer,
        _ = &mut connection => return asking.await,
    };
    // Go's clients end TLS in order, also when they give up.
    let _ = connection.into_parts().io.into_inner().shutdown().await;
    answer
}

async fn read(response: Response<Incoming>) -> Result<Answer, NoAnswer> {
    let (head, mut body) = response.into_parts();
    let mut hash = Context::new(&SHA256);
    let mut content = Vec::new();
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(broken)?.into_data() else { continue };
        hash.update(&part);
        length = length.saturating_add(part.len() as u64);
        let room = MOST_KEPT.saturating_sub(content.len()).min(part.len());
        content.extend(part.get(..room).unwrap_or_default());
    }
    let digest = written(&hash.finish());
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, content: content.into(), digest, length })
}

fn broken(error: impl std::fmt::Display) -> NoAnswer {
    NoAnswer::Broken(error.to_string())
}

impl Answer {
    /// Whether it went well.
    pub fn is_fine(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header field as text.
    pub fn field(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
