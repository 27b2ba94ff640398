//! Work grows with the number of exchanges, not with its square, however unkind they are to the rules.

use std::time::{Duration, Instant};

use pulltap::diagnose::Engine;
use pulltap::exchange::{Exchange, ExchangeId, Moment};

use super::fixture;

/// Fixtures whose last exchange, repeated, makes rules look around them: for a success, a push, a manifest, a next page.
const UNKIND: [&str; 13] = [
    "acr.disallowed-operation/fires.toml",
    "acr.quarantined/fires.toml",
    "acr.tag-unknown/fires.toml",
    "auth.insufficient-scope/fires.toml",
    "content.truncated-body/fires.toml",
    "image.foreign-layer-missing/fires.toml",
    "image.platform-missing/fires.toml",
    "network.went-around-proxy/fires.toml",
    "portal.list-cut/fires.toml",
    "pull.slow-layer/fires.toml",
    "push.other-replica/fires.toml",
    "push.session-state-lost/fires.toml",
    "throttle.registry/fires.toml",
];

/// The fixture with its last exchange repeated, all of it within one episode.
fn repeated(name: &str, times: u64) -> Vec<Exchange> {
    let mut exchanges = fixture::read(name).exchanges();
    let last = exchanges.last().unwrap().clone();
    for more in 1..=times {
        let mut again = last.clone();
        again.id = ExchangeId::new(last.id.number() + more).unwrap();
        again.timings.opened = again.timings.opened.plus_micros(i64::try_from(more).unwrap());
        exchanges.push(again);
    }
    exchanges
}

fn time_to_diagnose(exchanges: &[Exchange]) -> Duration {
    let begin = Instant::now();
    let mut engine = Engine::new();
    for exchange in exchanges {
        engine.update(exchange);
    }
    engine.settled(Moment::from_micros(i64::MAX / 2));
    engine.finish();
    begin.elapsed()
}

#[test]
fn ten_times_the_exchanges_take_not_a_hundred_times_the_time() {
    for name in UNKIND {
        let (few, many) = (repeated(name, 600), repeated(name, 6_000));
        // The best of several: other work of the machine can only make it longer.
        let best = |exchanges: &[Exchange]| (0..3).map(|_| time_to_diagnose(exchanges)).min().unwrap();
        let (few, many) = (best(&few), best(&many));
        assert!(many < few * 40 + Duration::from_millis(200), "{name}: {few:?} for 600, {many:?} for 6000");
    }
}
