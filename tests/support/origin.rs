//! What pulltap stands in front of: Debian's docker-registry, a token server and a blob host, under three names.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;

use super::certificates::{Authority, Identity};
use super::daemon::Daemon;
use super::image::Storage;
use super::token_server::{self, ISSUER, Signer};
use super::tools;
use super::world::World;

/// The names; `.test` exists nowhere, and Go uses the proxy for them as it does not for localhost.
pub const REGISTRY: &str = "registry.pulltap.test";
pub const AUTH: &str = "auth.pulltap.test";
pub const BLOBS: &str = "blobs.pulltap.test";

const REGISTRY_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const AUTH_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
const BLOBS_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 12);

const HOSTS: [(&str, Ipv4Addr); 3] = [(REGISTRY, REGISTRY_ADDRESS), (AUTH, AUTH_ADDRESS), (BLOBS, BLOBS_ADDRESS)];

/// A registry that asks for tokens and sends its clients elsewhere for blobs, as the big ones do.
#[derive(Debug)]
pub struct Origin {
    pub storage: Storage,
    authority: Authority,
    _daemons: [Daemon; 2],
}

impl Origin {
    /// Starts all three in `world`.
    pub fn start(world: &World) -> Self {
        tools::require(&["docker-registry", "nginx", "gzip"]);
        let authority = Authority::new(&world.path("origin"), "Origin CA of a pulltap test");
        let storage = Storage(world.path("origin/storage"));
        fs::create_dir_all(&storage.0).unwrap();
        for (host, address) in HOSTS {
            world.name_host(host, address);
        }
        let bundle = world.path("origin/tokens.crt");
        token_server::start((AUTH_ADDRESS, 443).into(), &authority.issue(AUTH), Signer::new(&bundle));
        let registry = start_registry(world, &storage, &authority.issue(REGISTRY), &bundle);
        let blobs = start_blob_host(world, &storage, &authority.issue(BLOBS));
        Self { storage, authority, _daemons: [registry, blobs] }
    }

    /// pulltap's options for the case that nobody else knows where the three names lead.
    pub fn resolve_options() -> Vec<String> {
        let option = |(host, address)| ["--resolve".to_owned(), format!("{host}:443:{address}")];
        HOSTS.into_iter().flat_map(option).collect()
    }

    /// The CA certificate of all three.
    pub fn ca(&self) -> &Path {
        self.authority.certificate()
    }
}

fn start_registry(world: &World, storage: &Storage, identity: &Identity, bundle: &Path) -> Daemon {
    let config = world.path("origin/registry.yml");
    fs::write(&config, registry_config(storage, identity, bundle)).unwrap();
    let mut daemon =
        Daemon::start(world, "docker-registry", world.command("docker-registry").arg("serve").arg(&config));
    daemon.wait_until(|| answers(REGISTRY_ADDRESS));
    daemon
}

fn registry_config(storage: &Storage, identity: &Identity, bundle: &Path) -> String {
    format!(
        "version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: '{storage}'}}
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
middleware:
  storage:
    - name: redirect
      options: {{baseurl: 'https://{BLOBS}'}}
auth:
  token:
    realm: https://{AUTH}/oauth2/token
    service: {REGISTRY}
    issuer: {ISSUER}
    rootcertbundle: '{bundle}'
http:
  addr: {REGISTRY_ADDRESS}:443
  host: https://{REGISTRY}
  secret: the same for all requests of one test
  tls: {{certificate: '{certificate}', key: '{key}'}}
",
        storage = storage.0.display(),
        bundle = bundle.display(),
        certificate = identity.certificate.display(),
        key = identity.key.display(),
    )
}

/// The blob host is nginx on the registry's files: it knows Range, and nothing of registries or credentials.
fn start_blob_host(world: &World, storage: &Storage, identity: &Identity) -> Daemon {
    let config = world.path("origin/nginx.conf");
    let prefix = world.path("origin");
    let text = format!(
        "daemon off; user root; worker_processes 1; pid '{prefix}/nginx.pid'; error_log stderr;
events {{ }}
http {{
  access_log off; default_type application/octet-stream; sendfile on;
  client_body_temp_path '{prefix}/nginx-body'; proxy_temp_path '{prefix}/nginx-proxy';
  fastcgi_temp_path '{prefix}/nginx-fastcgi'; uwsgi_temp_path '{prefix}/nginx-uwsgi'; scgi_temp_path '{prefix}/nginx-scgi';
  server {{
    listen {BLOBS_ADDRESS}:443 ssl; server_name {BLOBS};
    ssl_certificate '{certificate}'; ssl_certificate_key '{key}';
    root '{storage}';
  }}
}}
",
        prefix = prefix.display(),
        certificate = identity.certificate.display(),
        key = identity.key.display(),
        storage = storage.0.display(),
    );
    fs::write(&config, text).unwrap();
    let mut daemon =
        Daemon::start(world, "nginx", world.command("nginx").arg("-c").arg(&config).args(["-e", "stderr"]));
    daemon.wait_until(|| answers(BLOBS_ADDRESS));
    daemon
}

fn answers(address: Ipv4Addr) -> bool {
    TcpStream::connect(SocketAddr::from((address, 443))).is_ok()
}
