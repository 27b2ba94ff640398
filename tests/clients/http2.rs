//! HTTP/2 between implementations that know nothing of each other: nghttp2's clients and server, and Python's h2.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::bridge;
use crate::support::certificates::Authority;
use crate::support::daemon::Daemon;
use crate::support::pulltap::{Exchange, Pulltap, Seen};
use crate::support::ran::Ran;
use crate::support::tools;
use crate::support::world::{World, in_private_world};

const HOST: &str = "h2.pulltap.test";

/// Where clients find the host: a bridge into pulltap.
const NEAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);

/// Where the server is.
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 21);

/// The length of the larger file.
const LARGE: usize = 300_000;

/// nghttpd on a few files, and pulltap before it.
struct Stage {
    pulltap: Pulltap,
    _server: Daemon,
}

impl Stage {
    fn set(world: &World, options: &[&str]) -> Self {
        tools::require(&["nghttpd", "nghttp", "h2load"]);
        let files = world.path("files");
        fs::create_dir_all(&files).unwrap();
        fs::write(files.join("small"), "small\n").unwrap();
        fs::write(files.join("style.css"), "a { color: red }\n").unwrap();
        fs::write(files.join("large"), (0..=255).cycle().take(LARGE).collect::<Vec<u8>>()).unwrap();
        let authority = Authority::new(&world.path("origin"), "Origin CA of a pulltap test");
        let identity = authority.issue(HOST);
        world.name_host(HOST, NEAR);
        world.name_host("far.pulltap.test", FAR);
        let mut command = world.command("nghttpd");
        command.arg(format!("--address={FAR}")).arg("-d").arg(&files).args(options).arg("443");
        let mut server = Daemon::start(world, "nghttpd", command.arg(&identity.key).arg(&identity.certificate));
        server.wait_until(|| TcpStream::connect(SocketAddr::from((FAR, 443))).is_ok());
        let resolve = ["--resolve".to_owned(), format!("{HOST}:443:{FAR}")];
        let pulltap = Pulltap::start_with(world, authority.certificate(), &resolve);
        bridge::start((NEAR, 443).into(), pulltap.address(), &format!("{HOST}:443"));
        Self { pulltap, _server: server }
    }

    /// Ends pulltap; no exchange may have failed but those that were meant to.
    #[track_caller]
    fn expect_failures(self, failures: usize) -> Seen {
        let seen = self.pulltap.finish();
        let failed = seen.count(Exchange::has_failed);
        assert_eq!(failed, failures, "failed exchanges:\n{seen}");
        seen
    }
}

fn url(path: &str) -> String {
    format!("https://{HOST}{path}")
}

#[test]
fn nghttp_gets_pushes_trailers_and_padding() {
    in_private_world(|world| {
        let stage = Stage::set(world, &["--push=/small=/style.css", "--trailer=x-sum: 1", "--padding=100"]);
        let ran = Ran::new(world.client("nghttp").args(["-nv", "--padding=50", "--continuation"]).arg(url("/small")));
        assert!(ran.status.success() && ran.stdout.contains("x-sum: 1"), "{ran}");
        assert!(ran.stdout.contains("PUSH_PROMISE"), "{ran}");
        let seen = stage.expect_failures(0);
        seen.expect("GET", 200, &url("/small"));
        seen.expect("GET", 200, &url("/style.css"));
    });
}

#[test]
fn nghttp_sends_a_hundred_contents_at_once() {
    in_private_world(|world| {
        let stage = Stage::set(world, &["--early-response"]);
        let content = world.path("files/large");
        let ran = Ran::new(
            world
                .client("nghttp")
                .args(["-n", "--multiply=100", "--padding=255", "--trailer=x-sum: 1"])
                .arg("--data")
                .arg(&content)
                .arg(url("/small")),
        );
        assert!(ran.status.success(), "{ran}");
        let seen = stage.expect_failures(0);
        assert_eq!(seen.count(|exchange| exchange.is("POST", 200, &url("/small"))), 100, "{seen}");
    });
}

#[test]
fn h2load_asks_thousands_of_times() {
    in_private_world(|world| {
        let stage = Stage::set(world, &[]);
        let ran = Ran::new(
            world
                .client("h2load")
                .args(["--requests=3000", "--clients=4", "--max-concurrent-streams=100"])
                .args([url("/small")]),
        );
        assert!(ran.status.success() && ran.stdout.contains("3000 succeeded"), "{ran}");
        println!("{}", ran.stdout);
        let seen = stage.expect_failures(0);
        assert_eq!(seen.count(|exchange| exchange.is("GET", 200, "https://")), 3000);
    });
}

#[test]
fn python_h2_has_a_hundred_streams_and_cancels_some() {
    in_private_world(|world| {
        let stage = Stage::set(world, &["--padding=30"]);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/http2_streams.py");
        let python: PathBuf = tools::python();
        let address = stage.pulltap.address();
        let ran = Ran::new(
            world
                .client(python.to_str().unwrap())
                .arg(script)
                .args([address.ip().to_string(), address.port().to_string(), HOST.to_owned()])
                .arg(stage.pulltap.ca()),
        );
        assert!(ran.status.success(), "{ran}");
        let told: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(told["cancelled"], 30, "{ran}");
        assert_eq!(told["complete"], 70, "{ran}");
        assert_eq!(told["bytes"], 70 * LARGE, "{ran}");
        let seen = stage.expect_failures(30);
        assert_eq!(seen.count(|exchange| exchange.is("GET", 200, &url("/large")) && !exchange.has_failed()), 35);
        assert_eq!(seen.count(|exchange| exchange.is("POST", 200, &url("/large")) && !exchange.has_failed()), 35);
        assert_eq!(seen.count(|exchange| exchange.failed_as("client", "gave-up")), 30, "{seen}");
    });
}
