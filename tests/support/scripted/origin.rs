//! A scripted server: one thread per connection, each of which runs the script.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::authority::{Authority, Identity, roots};
use super::wire::Wire;

/// How a server speaks TLS.
pub struct ServerTls {
    /// Its certificate.
    pub identity: Identity,
    /// What it picks from by ALPN.
    pub alpn: Vec<&'static str>,
    /// The versions it takes.
    pub versions: Vec<&'static SupportedProtocolVersion>,
    /// Who must have signed the certificate that it asks clients for.
    pub asks_clients_for: Option<rustls::pki_types::CertificateDer<'static>>,
}

impl ServerTls {
    /// A server with this certificate, no ALPN, all versions.
    pub fn new(identity: Identity) -> Self {
        Self { identity, alpn: Vec::new(), versions: rustls::ALL_VERSIONS.to_vec(), asks_clients_for: None }
    }

    /// The same as a configuration for rustls.
    pub fn config(&self) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_protocol_versions(&self.versions);
        let builder = match &self.asks_clients_for {
            None => builder.with_no_client_auth(),
            Some(root) => {
                let store = Arc::new(roots(std::slice::from_ref(root)));
                builder.with_client_cert_verifier(WebPkiClientVerifier::builder(store).build().unwrap())
            }
        };
        let key = aws_lc_rs::sign::any_supported_type(&self.identity.key).unwrap();
        let own = CertifiedKey::new(self.identity.chain.clone(), key);
        // Not `with_single_cert`, which insists that certificate and key belong together.
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
        config.alpn_protocols = self.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// A listening server; it stops listening when dropped.
pub struct Origin {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Origin {
    /// Runs the script on the bare socket of every connection.
    pub fn bare(script: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let (count, over, script) = (Arc::clone(&accepted), Arc::clone(&is_over), Arc::new(script));
        thread::spawn(move || {
            for socket in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(socket), script) = (socket, Arc::clone(&script)) else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || script(socket));
            }
        });
        Self { address, accepted, is_over }
    }

    /// Shakes hands on every connection and, if that succeeds, runs the script.
    pub fn tls(tls: &ServerTls, script: impl Fn(&mut Wire) + Send + Sync + 'static) -> Self {
        let config = tls.config();
        Self::bare(move |socket| {
            let mut wire = Wire::over(socket);
            if wire.start_tls(ServerConnection::new(Arc::clone(&config)).unwrap()).is_ok() {
                script(&mut wire);
                wire.conclude();
            }
        })
    }

    /// Answers the first request on each connection with `200` and the content `fine`.
    pub fn healthy(authority: &Authority, name: &str) -> Self {
        Self::tls(&ServerTls::new(authority.identity(&[name])), |wire| {
            wire.receive_head();
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections came.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}
