//! Servers without TLS: Debian's docker-registry that asks nobody who they are, and a host of files.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;

use super::daemon::Daemon;
use super::image::Storage;
use super::tools;
use super::world::World;

/// The registry, as docker names it.
pub const INSECURE: &str = "insecure.pulltap.test:5000";
/// The host of files.
pub const FILES: &str = "files.pulltap.test";

const INSECURE_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 30);
const FILES_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 31);

/// A registry that speaks plain HTTP.
#[derive(Debug)]
pub struct InsecureRegistry {
    pub storage: Storage,
    _daemon: Daemon,
}

impl InsecureRegistry {
    /// Starts it in `world`.
    pub fn start(world: &World) -> Self {
        tools::require(&["docker-registry", "gzip"]);
        let storage = Storage(world.path("insecure/storage"));
        fs::create_dir_all(&storage.0).unwrap();
        let (host, _) = INSECURE.split_once(':').unwrap();
        world.name_host(host, INSECURE_ADDRESS);
        let config = world.path("insecure/registry.yml");
        let text = format!(
            "version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: '{}'}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
http:
  addr: {INSECURE_ADDRESS}:5000
  secret: the same for all requests of one test
",
            storage.0.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = world.command("docker-registry");
        let mut daemon = Daemon::start(world, "insecure-registry", command.arg("serve").arg(&config));
        daemon.wait_until(|| answers((INSECURE_ADDRESS, 5000).into()));
        Self { storage, _daemon: daemon }
    }
}

/// nginx on a folder, by plain HTTP.
#[derive(Debug)]
pub struct FileHost {
    /// Where its files are.
    pub folder: PathBuf,
    _daemon: Daemon,
}

impl FileHost {
    /// Starts it in `world`.
    pub fn start(world: &World) -> Self {
        tools::require(&["nginx"]);
        let prefix = world.path("files");
        let folder = prefix.join("root");
        fs::create_dir_all(&folder).unwrap();
        world.name_host(FILES, FILES_ADDRESS);
        let config = prefix.join("nginx.conf");
        let text = format!(
            "daemon off; user root; worker_processes 1; pid '{prefix}/nginx.pid'; error_log stderr;
events {{ }}
http {{
  access_log off; default_type text/html; sendfile on; autoindex on;
  client_body_temp_path '{prefix}/nginx-body'; proxy_temp_path '{prefix}/nginx-proxy';
  fastcgi_temp_path '{prefix}/nginx-fastcgi'; uwsgi_temp_path '{prefix}/nginx-uwsgi'; scgi_temp_path '{prefix}/nginx-scgi';
  server {{ listen {FILES_ADDRESS}:80; server_name {FILES}; root '{root}'; }}
}}
",
            prefix = prefix.display(),
            root = folder.display(),
        );
        fs::write(&config, text).unwrap();
        let mut command = world.command("nginx");
        let mut daemon = Daemon::start(world, "files", command.arg("-c").arg(&config).args(["-e", "stderr"]));
        daemon.wait_until(|| answers((FILES_ADDRESS, 80).into()));
        Self { folder, _daemon: daemon }
    }
}

fn answers(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}
