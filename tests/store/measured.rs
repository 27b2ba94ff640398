//! How fast it records, and how much it takes on the disk: numbers for people, which no test asserts.

use std::time::{Duration, Instant};

use pulltap::exchange::{Exchange, Headers};

use super::queries::asking;
use super::{answering, asks, connect, exchanges, record, redacted};
use crate::support::scripted::authority::Authority;
use crate::support::scripted::proxy::Setup;
use crate::support::scripted::scene::HOST;

const EXCHANGES: u64 = 50_000;

fn headers(fields: &[(&str, &str)]) -> Headers {
    fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
}

/// A HEAD for a manifest as docker sends it, and an answer as registries give it.
fn small(id: u64) -> Exchange {
    let target = pulltap::exchange::Target::https("myregistry.azurecr.io", 443);
    let mut exchange = asking(id, target, "HEAD", &format!("/v2/team/app/manifests/v{id}"));
    let opened = pulltap::exchange::Moment::from_micros(1_764_000_000_000_000 + i64::try_from(id).unwrap() * 200);
    exchange.timings = pulltap::exchange::Timings::starting(opened);
    exchange.timings.closed = Some(opened.plus_micros(87_000));
    exchange.connection = pulltap::exchange::ConnectionId::new(1 + id / 10);
    exchange.client = Some("127.0.0.1:54321".parse().unwrap());
    exchange.state = pulltap::exchange::State::Complete;
    exchange.request.as_mut().unwrap().headers = headers(&[
        ("Host", "myregistry.azurecr.io"),
        ("User-Agent", "docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0 os/linux arch/amd64"),
        ("Accept", "application/vnd.docker.distribution.manifest.v2+json"),
        ("Authorization", "Bearer ***"),
    ]);
    let mut response = pulltap::exchange::ResponseHead::new(200, "OK");
    response.headers = headers(&[
        ("Content-Type", "application/vnd.docker.distribution.manifest.v2+json"),
        ("Docker-Content-Digest", "sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b"),
        ("Content-Length", "1362"),
        ("Date", "Sun, 22 Nov 2026 06:55:12 GMT"),
    ]);
    exchange.response = Some(response);
    exchange
}

/// `cargo test --release --test all store::measured -- --ignored --nocapture`
#[test]
#[ignore = "prints numbers; only those of a release build mean something"]
fn records_small_exchanges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let mut facts = None;
    let all: Vec<_> = (1..=EXCHANGES)
        .map(|id| {
            let mut exchange = small(id);
            if id % 10 == 1 {
                // A connection carries ten.
                let mut handshake =
                    pulltap::exchange::TlsFacts::starting(exchange.timings.opened, "myregistry.azurecr.io");
                handshake.chain = vec![vec![1; 1500], vec![2; 1200]];
                (handshake.version, handshake.suite, handshake.group) = (Some(0x0304), Some(0x1301), Some(0x001d));
                facts = Some(std::sync::Arc::new(handshake));
            }
            exchange.upstream_tls.clone_from(&facts);
            redacted(exchange)
        })
        .collect();
    for chunk in all.chunks(10_000) {
        let _ = std::fs::remove_file(&path);
        let start = Instant::now();
        let recorded = record(&path, chunk);
        let micros = start.elapsed().as_micros();
        assert!(recorded.health.lost == 0 && recorded.health.trouble.is_none(), "{recorded:?}");
        let (count, size) = (chunk.len() as u64, std::fs::metadata(&path).unwrap().len());
        println!("{} exchanges/s, {} bytes each", u128::from(count) * 1_000_000 / micros, size / count);
    }
}

/// The whole program under clients that never rest, on the cores that it shares with them and with the server.
#[test]
#[ignore = "prints numbers; only those of a release build mean something"]
fn records_a_flood() {
    let origin = answering(0);
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("flood.pulltap");
    let setup = Setup::trusting(&Authority::new()).resolving(HOST, 80, origin.address());
    let pulltap = setup.arg("--session").arg(session.to_str().unwrap()).start();
    let start = Instant::now();
    let answers: usize = std::thread::scope(|scope| {
        let clients = [0; 3].map(|_| connect(&pulltap)).map(|mut wire| {
            scope.spawn(move || {
                let mut answers = 0;
                while start.elapsed() < Duration::from_secs(3) && asks(&mut wire, "/flood") {
                    answers += 1;
                }
                answers
            })
        });
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    let printed = pulltap.conclude();
    let summary = printed.iter().find(|line| line["type"] == "summary").unwrap();
    let recorded = exchanges(&session).into_iter().filter(|exchange| exchange.path() == "/flood").count();
    println!("{} answers/s; of {answers} {recorded} are recorded; {summary}", answers / 3);
}
