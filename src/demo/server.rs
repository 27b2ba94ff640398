//! The demo's two servers: TLS on ports of this machine's own that nobody but the proxy is told.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::registry::Registry;
use super::storage::Storage;

/// What answers behind a name.
#[derive(Debug, Clone)]
pub enum Site {
    /// The registry.
    Registry(Arc<Registry>),
    /// The blob host.
    Storage(Arc<Storage>),
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        // A manifest that is pushed is read before it is answered, as servers do; what stands in it is known.
        let _ = body.collect().await;
        let request = Request::from_parts(head, ());
        match self {
            Self::Registry(registry) => registry.answer(&request).await,
            Self::Storage(storage) => storage.answer(&request),
        }
    }
}

/// The tasks of the servers, and what ends them.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Serves a site on a free port, which is told.
    ///
    /// # Errors
    /// When there is no such port.
    pub async fn serve(&self, site: Site, tls: Arc<ServerConfig>) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        self.tracker.spawn(accept(self.clone(), listener, site, TlsAcceptor::from(tls)));
        Ok(address)
    }

    /// Ends the servers.
    pub async fn end(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

async fn accept(tasks: Tasks, listener: TcpListener, site: Site, tls: TlsAcceptor) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = tasks.stop.cancelled() => return,
        };
        // Out of descriptors: the client is told by its own time limit.
        let Ok((socket, _)) = accepted else { continue };
        let connection = serve(socket, site.clone(), tls.clone());
        let stop = tasks.stop.clone();
        tasks.tracker.spawn(async move {
            tokio::select! {
                () = connection => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

/// Answers what comes over one connection; a client that goes away is its own affair.
async fn serve(socket: TcpStream, site: Site, tls: TlsAcceptor) {
    let Ok(stream) = tls.accept(socket).await else { return };
    let service = service_fn(|request: Request<Incoming>| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(site.answer(request).await) }
    });
    let connection = http1::Builder::new().title_case_headers(true).serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection of the demo's server ended early");
    }
}
