//! What diagnosing costs: numbers for people, which only an optimised build is held to.

use std::time::{Duration, Instant};

use pulltap::diagnose::Engine;
use pulltap::exchange::Exchange;

use super::traffic::{Client, DOCKERD, OTHER, SKOPEO, Traffic, V1, V2, moment};

const EXCHANGES: u64 = 100_000;

/// `cargo test --release --test all diagnose::measured -- --ignored --nocapture`
#[test]
#[ignore = "takes a while, and only the numbers of an optimised build mean something"]
fn diagnoses_a_hundred_thousand_exchanges() {
    for is_live in [false, true] {
        let before = resident_mib();
        let mut engine = Engine::new();
        let (mut spent, mut count, mut second, mut tick) = (Duration::ZERO, 0, 0.0, 0.0);
        while count < EXCHANGES {
            let mut traffic = Traffic::after(count);
            // A build server: pulls, pushes and logins of several clients, a few at once, never at rest.
            for client in 0..4_u8 {
                let address = ["127.0.0.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"][usize::from(client)];
                let at = second + f64::from(client) * 0.3;
                traffic.login(Client { address, ..DOCKERD }, at);
                traffic.pull(Client { address, ..DOCKERD }, at + 0.5, V1, V1.layers);
                traffic.pull(Client { address, ..DOCKERD }, at + 0.6, V2, V2.layers);
                traffic.pull(Client { address, ..SKOPEO }, at + 0.7, OTHER, OTHER.layers);
                traffic.push(Client { address, ..DOCKERD }, at + 1.5, V2);
            }
            second += 1.0;
            count += traffic.exchanges.len() as u64;
            let end = |exchange: &Exchange| exchange.timings.closed.or(exchange.timings.response_end);
            traffic.exchanges.sort_by_key(end);
            let start = Instant::now();
            for exchange in &traffic.exchanges {
                while is_live && end(exchange) >= Some(moment(tick)) {
                    engine.settled(moment(tick));
                    tick += 1.0;
                }
                engine.update(exchange);
            }
            spent += start.elapsed();
        }
        let start = Instant::now();
        engine.finish();
        spent += start.elapsed();
        let exchanges = f64::from(u32::try_from(count).unwrap());
        let micros = spent.as_secs_f64() * 1e6 / exchanges;
        let kib = (resident_mib() - before) * 1024.0 / exchanges;
        println!(
            "live {is_live}: {micros:.1} µs and {kib:.2} KiB an exchange; {} operations, {} findings, {} exchanges kept",
            engine.operations().len(),
            engine.findings().len(),
            engine.kept()
        );
        assert!(cfg!(debug_assertions) || micros < 20.0, "{micros} µs an exchange");
    }
}

/// How much memory the process has.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
