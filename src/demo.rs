//! A registry and a client of our own, which show what the program does where there is no registry at hand.
//!
//! The registry answers as Azure Container Registry does and the client asks as docker does; between them stands the real
//! proxy, with real TLS on both of its sides. Nothing leaves the machine: the two host names lead to ports of
//! 127.0.0.1, and their certificates come from an authority that is thrown away with the demo.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use thiserror::Error;

use crate::ca::{CaError, CertificateAuthority, LeafCertificates, LeafName};

pub mod answer;
pub mod client;
pub mod complaint;
pub mod docker;
pub mod image;
pub mod registry;
pub mod scenario;
pub mod script;
pub mod server;
pub mod storage;
pub mod tokens;

use client::Client;
use docker::Docker;
use image::{BLOBS, Image, REGISTRY};
use registry::{PASSWORD, Registry, USER};
pub use scenario::{Scenario, UnknownScenario};
use server::{Site, Tasks};
use storage::Storage;
use tokens::Signer;

/// How long docker waits for an answer to its first request and for a token (moby daemon/pkg/registry/auth.go).
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the client waits where it is to wait in vain, so that nobody has to watch it for longer.
const SHORT_PATIENCE: Duration = Duration::from_secs(3);

/// What docker has saved where the password has changed since.
const OLD_PASSWORD: &str = "last-years-password";

/// Why a demo cannot start.
#[derive(Debug, Error)]
pub enum DemoError {
    /// A certificate could not be made.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// There is no port to listen on.
    #[error("the demo's registry cannot listen on 127.0.0.1")]
    Listen(#[from] io::Error),
    /// The system gives no random numbers.
    #[error("no random numbers")]
    NoRandomNumbers,
    /// The TLS library refused a certificate.
    #[error("the TLS library refused a certificate")]
    Tls(#[from] rustls::Error),
}

/// A demo whose registry is running.
pub struct Demo {
    scenario: Scenario,
    hosts: [(&'static str, SocketAddr); 2],
    root: CertificateDer<'static>,
    image: Arc<Image>,
    tasks: Tasks,
}

/// What the client did in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What it would have printed, or what it would have complained about.
    pub said: Result<String, String>,
}

impl Demo {
    /// Starts the registry and the blob host.
    ///
    /// # Errors
    /// When they cannot be started.
    pub async fn start(scenario: Scenario) -> Result<Self, DemoError> {
        let authority = Arc::new(CertificateAuthority::throw_away("pulltap demo: the registry's own CA")?);
        let root = authority.der().clone();
        let leaves = LeafCertificates::new(authority)?;
        let image = Arc::new(Image::made());
        let storage = Arc::new(Storage { image: Arc::clone(&image), signer: Signer::new()? });
        let registry =
            Registry { scenario, image: Arc::clone(&image), storage: Arc::clone(&storage), signer: Signer::new()? };
        let tasks = Tasks::default();
        let sites = [(REGISTRY, Site::Registry(Arc::new(registry))), (BLOBS, Site::Storage(storage))];
        let [registry, blobs] = sites.map(|(host, site)| (host, leaves.leaf(&LeafName::of(host), None), site));
        let registry = (registry.0, tasks.serve(registry.2, registry.1?.config).await?);
        let blobs = (blobs.0, tasks.serve(blobs.2, blobs.1?.config).await?);
        Ok(Self { scenario, hosts: [registry, blobs], root, image, tasks })
    }

    /// The host names, all with port 443, and where they lead.
    pub fn hosts(&self) -> &[(&'static str, SocketAddr)] {
        &self.hosts
    }

    /// The root that the proxy must trust to reach them.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// What a user would type.
    pub fn command(&self) -> String {
        let image = format!("{REGISTRY}/{}:{}", image::REPOSITORY, image::TAG);
        match self.scenario {
            Scenario::Locked => format!("docker push {image}"),
            Scenario::RedirectCredentials => format!("./download-first-layer {image}"),
            _ => format!("docker pull {image}"),
        }
    }

    /// Lets the client do what the demo is about, through this proxy, whose CA this is.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub async fn play(&self, proxy: SocketAddr, ca: &CertificateDer<'static>) -> Result<Outcome, DemoError> {
        let docker = |root: &CertificateDer<'static>, patience: Duration| {
            let client = Client::new(proxy, root, docker::AGENT, patience)?;
            let password = if self.scenario == Scenario::WrongPassword { OLD_PASSWORD } else { PASSWORD };
            Ok::<_, DemoError>(Docker::new(client, USER, password))
        };
        let said = match self.scenario {
            Scenario::Locked => docker(ca, PATIENCE)?.push(&self.image).await,
            Scenario::RedirectCredentials => {
                let curl = Client::new(proxy, ca, script::AGENT, PATIENCE)?;
                script::download(&Docker::new(curl, USER, PASSWORD)).await
            }
            Scenario::Timeout => {
                let docker = docker(ca, SHORT_PATIENCE)?;
                let first = docker.pull().await;
                // People try again.
                if first.is_err() { docker.pull().await } else { first }
            }
            // It trusts what it always did: the registry's own CA, and not the proxy's.
            Scenario::UntrustedCa => docker(&self.root, PATIENCE)?.pull().await,
            _ => docker(ca, PATIENCE)?.pull().await,
        };
        Ok(Outcome { said })
    }

    /// Ends the registry and the blob host.
    pub async fn end(self) {
        self.tasks.end().await;
    }
}
