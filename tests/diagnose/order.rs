//! The final findings depend on the exchanges, not on the order or the rhythm in which they arrive; and what changes
//! while traffic runs is told and taken back.

use proptest::prelude::*;
use pulltap::diagnose::{Change, Engine, Finding, rules};
use pulltap::exchange::{Exchange, ExchangeId, Moment};

use super::fixture;
use super::pulls;

/// The exchanges of several fixtures, one after the other, each an hour after the one before.
fn mixed(names: &[String]) -> Vec<Exchange> {
    let mut all = Vec::new();
    for (hour, name) in (0..).zip(names) {
        let offset = u64::try_from(all.len()).unwrap();
        for mut exchange in fixture::read(name).exchanges() {
            exchange.id = renumbered(exchange.id, offset);
            exchange.connect = exchange.connect.map(|connect| renumbered(connect, offset));
            shift(&mut exchange, hour * 3_600_000_000);
            all.push(exchange);
        }
    }
    all
}

fn renumbered(id: ExchangeId, offset: u64) -> ExchangeId {
    ExchangeId::new(id.number() + offset).unwrap()
}

fn shift(exchange: &mut Exchange, micros: i64) {
    let timings = &mut exchange.timings;
    timings.opened = timings.opened.plus_micros(micros);
    for moment in [
        &mut timings.request_head,
        &mut timings.request_end,
        &mut timings.first_byte,
        &mut timings.response_head,
        &mut timings.response_end,
        &mut timings.closed,
    ] {
        *moment = moment.map(|moment| moment.plus_micros(micros));
    }
    if let Some(failure) = &mut exchange.failure {
        failure.at = failure.at.plus_micros(micros);
    }
}

fn every_fixture() -> Vec<String> {
    let of_rules = rules::all().flat_map(|rule| ["fires", "quiet"].map(|kind| format!("{}/{kind}.toml", rule.id)));
    of_rules.chain(pulls::NAMES.iter().map(|name| format!("pulls/{name}.toml"))).collect()
}

fn final_set(exchanges: &[Exchange]) -> Vec<Finding> {
    let mut engine = Engine::new();
    for exchange in exchanges {
        engine.update(exchange);
    }
    engine.finish();
    engine.findings()
}

#[test]
fn finds_the_same_in_order_of_start_and_in_order_of_end() {
    let by_start = mixed(&every_fixture());
    let mut by_end = by_start.clone();
    by_end.sort_by_key(|exchange| exchange.timings.closed);
    assert_eq!(final_set(&by_start), final_set(&by_end));
    by_end.reverse();
    assert_eq!(final_set(&by_start), final_set(&by_end));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn finds_the_same_whatever_the_order(
        names in prop::sample::subsequence(every_fixture(), 1..12),
        order in prop::collection::vec(any::<u32>(), 200),
    ) {
        let exchanges = mixed(&names);
        let mut shuffled: Vec<_> = exchanges.iter().cloned().zip(order.iter().cycle()).collect();
        shuffled.sort_by_key(|(_, place)| **place);
        let shuffled: Vec<_> = shuffled.into_iter().map(|(exchange, _)| exchange).collect();
        prop_assert_eq!(final_set(&exchanges), final_set(&shuffled));
    }

    #[test]
    fn finds_the_same_live_as_from_a_file(
        names in prop::sample::subsequence(every_fixture(), 1..8),
        rhythm in prop::collection::vec(0_i64..8_000_000, 1..40),
    ) {
        let mut exchanges = mixed(&names);
        exchanges.sort_by_key(|exchange| exchange.timings.closed);
        let mut engine = Engine::new();
        let mut told = Vec::new();
        for (exchange, pause) in exchanges.iter().zip(rhythm.iter().cycle()) {
            engine.update(exchange);
            let now = exchange.timings.closed.unwrap().plus_micros(*pause);
            told.extend(engine.settled(now));
        }
        told.extend(engine.finish());
        prop_assert_eq!(engine.findings(), final_set(&exchanges));
        // What was told and not taken back is what there is.
        let mut standing = Vec::new();
        for change in told {
            match change {
                Change::Found(finding) => {
                    prop_assert!(!standing.contains(&finding.id));
                    standing.push(finding.id);
                }
                Change::Retracted(id) => {
                    prop_assert!(standing.contains(&id));
                    standing.retain(|other| *other != id);
                }
                Change::Ended(_) => {}
            }
        }
        let mut last: Vec<_> = engine.findings().into_iter().filter(Finding::is_trouble).map(|finding| finding.id).collect();
        standing.sort();
        last.sort();
        prop_assert_eq!(standing, last);
    }
}

fn at(seconds: i64) -> Moment {
    Moment::from_micros((fixture::START + seconds) * 1_000_000)
}

fn found(changes: &[Change]) -> usize {
    changes.iter().filter(|change| matches!(change, Change::Found(_))).count()
}

#[test]
fn tells_a_finding_once_its_group_has_rested() {
    let mut engine = Engine::new();
    for exchange in fixture::read("auth.token-refused/fires.toml").exchanges() {
        engine.update(&exchange);
    }
    assert_eq!(engine.settled(at(2)), []);
    let told = engine.settled(at(6));
    assert!(matches!(
        told.as_slice(),
        [Change::Found(finding), Change::Ended(_)] if finding.id.as_str() == "auth.token-refused@2"
    ));
    assert_eq!(engine.settled(at(7)), []);
    assert_eq!(engine.finish(), []);
}

#[test]
fn takes_a_finding_back_when_the_retry_goes_well() {
    let mut exchanges = fixture::read("auth.insufficient-scope-retried/fires.toml").exchanges();
    let mut retry = exchanges.pop().unwrap();
    shift(&mut retry, 10_000_000);
    let mut engine = Engine::new();
    for exchange in &exchanges {
        engine.update(exchange);
    }
    let told = engine.settled(at(8));
    assert!(matches!(
        told.as_slice(),
        [Change::Found(finding), Change::Ended(_)] if finding.rule.id.as_str() == "auth.insufficient-scope"
    ));
    engine.update(&retry);
    // The operation failed, and then did not.
    assert!(matches!(
        engine.settled(at(20)).as_slice(),
        [Change::Retracted(id), Change::Ended(_)] if id.as_str() == "auth.insufficient-scope@3"
    ));
}

#[test]
fn knows_whom_a_client_turns_to_before_that_is_over() {
    let redirects = fixture::read("network.went-around-proxy/fires.toml").exchanges();
    let mut follows = fixture::read("network.went-around-proxy/quiet.toml").exchanges().remove(0);
    follows.id = ExchangeId::new(9).unwrap();
    shift(&mut follows, 1_000_000);
    let mut engine = Engine::new();
    for exchange in &redirects {
        engine.update(exchange);
    }
    engine.begun(&follows);
    assert_eq!(found(&engine.settled(at(30))), 0, "the download takes its time");
    engine.update(&follows);
    assert_eq!(found(&engine.finish()), 0);
}

#[test]
fn forgets_old_exchanges_and_keeps_what_was_found() {
    let mut engine = Engine::new();
    let mut told = 0;
    for round in 0..200 {
        let names = ["auth.token-refused/fires.toml", "blob.redirect/fires.toml"];
        for name in names {
            for mut exchange in fixture::read(name).exchanges() {
                exchange.id = ExchangeId::new(exchange.id.number() + round * 100 + name.len() as u64).unwrap();
                shift(&mut exchange, i64::try_from(round).unwrap() * 120_000_000);
                engine.update(&exchange);
            }
        }
        told += found(&engine.settled(at(i64::try_from(round).unwrap() * 120 + 60)));
    }
    assert_eq!(told, 200);
    assert!(engine.kept() < 300, "{} exchanges are kept", engine.kept());
    let troubles = engine.findings().iter().filter(|finding| finding.is_trouble()).count();
    assert_eq!(troubles, 200);
}

#[test]
fn settles_where_traffic_never_rests() {
    let mut engine = Engine::new();
    let mut told = 0;
    for round in 0..600_i64 {
        for mut exchange in fixture::read("auth.token-refused/fires.toml").exchanges() {
            let number = exchange.id.number() + u64::try_from(round).unwrap() * 10;
            exchange.id = ExchangeId::new(number).unwrap();
            shift(&mut exchange, round * 20_000_000);
            engine.update(&exchange);
        }
        told += found(&engine.settled(at(round * 20 + 10)));
    }
    assert!((60..=150).contains(&told), "{told} findings in 200 minutes");
    assert!(engine.kept() < 450, "{} exchanges are kept", engine.kept());
}
