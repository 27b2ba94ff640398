//! What was recorded is read back, every field of it.

use std::time::Duration;

use proptest::prelude::*;
use pulltap::exchange::{Exchange, ExchangeId, State};
use pulltap::redact::Redacted;
use pulltap::store::{Recorder, Session};

use super::generated::Dice;
use super::{assert_sound, exchanges, record, redacted};

/// Exchanges of a capture, in any order of their numbers.
fn capture() -> impl Strategy<Value = Vec<Redacted<Exchange>>> {
    let dice = proptest::collection::vec(any::<u64>(), 0..200).prop_map(Dice::of);
    proptest::collection::btree_map(1..10_000_u64, dice, 0..12)
        .prop_map(|all| all.into_iter().map(|(id, mut dice)| redacted(dice.exchange(id))).collect::<Vec<_>>())
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_field_comes_back(capture in capture()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pulltap");
        let recorded = record(&path, &capture);
        prop_assert!(recorded.health.trouble.is_none() && recorded.health.lost == 0, "{:?}", recorded);
        let mut expected: Vec<Exchange> = capture.into_iter().map(Redacted::into_inner).collect();
        expected.sort_by_key(|exchange| exchange.id);
        let session = Session::open(&path).unwrap();
        prop_assert_eq!(session.count().unwrap(), expected.len() as u64);
        for exchange in &expected {
            let read = session.exchange(exchange.id).unwrap();
            prop_assert_eq!(read.as_ref(), Some(exchange));
        }
        prop_assert_eq!(exchanges(&path), expected);
        assert_sound(&path);
    }
}

#[test]
fn a_later_snapshot_takes_the_place_of_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let earlier = Dice::seeded(1).exchange(7);
    let later = Dice::seeded(2).exchange(7);
    record(&path, &[redacted(earlier)]);
    let session = Session::append(&path).unwrap();
    let recorder = pulltap::store::Recorder::start(session).unwrap();
    recorder.record(redacted(later.clone()), "other");
    recorder.finish();
    assert_eq!(exchanges(&path), [redacted(later).into_inner()]);
}

#[test]
fn exchanges_of_a_connection_share_its_facts_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let facts = Dice::seeded(5).handshake();
    let all: Vec<_> = (1..=3)
        .map(|id| {
            let mut exchange = Dice::seeded(id).exchange(id);
            exchange.upstream_tls = Some(facts.clone());
            redacted(exchange)
        })
        .collect();
    record(&path, &all);
    let read = exchanges(&path);
    let pointers: Vec<_> =
        read.iter().map(|exchange| std::sync::Arc::as_ptr(exchange.upstream_tls.as_ref().unwrap())).collect();
    assert!(pointers.iter().all(|pointer| *pointer == pointers[0]));
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = "SELECT count(DISTINCT upstream_tls) FROM exchange";
    assert_eq!(connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[test]
fn what_is_fetched_again_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let all: Vec<_> = (1..=40)
        .map(|id| {
            let mut exchange = Dice::seeded(id).exchange(id);
            exchange.state = State::Complete;
            exchange.request_body.bytes = b"the same".to_vec();
            exchange.response_body.bytes = if id == 20 { b"another".to_vec() } else { vec![b'm'; 2000] };
            redacted(exchange)
        })
        .collect();
    record(&path, &all);
    let expected: Vec<_> = all.into_iter().map(pulltap::redact::Redacted::into_inner).collect();
    assert_eq!(exchanges(&path), expected);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = "SELECT count(*) FROM content";
    assert_eq!(connection.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 3);
}

#[test]
fn what_grows_takes_the_place_of_what_was_written_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let recorder = Recorder::start(Session::create(&path).unwrap()).unwrap();
    let write = |id: u64, state, length| {
        let mut exchange = Dice::seeded(id).exchange(id);
        exchange.state = state;
        exchange.request_body.bytes = b"the same".to_vec();
        exchange.response_body.bytes = vec![b'm'; length];
        recorder.record(redacted(exchange), "other");
        recorder.recording().catch_up(Duration::from_secs(10));
        let connection = rusqlite::Connection::open(&path).unwrap();
        let lengths = "SELECT length(bytes) FROM content JOIN exchange e ON content.id = response_body ORDER BY e.id";
        let mut lengths = connection.prepare(lengths).unwrap();
        let lengths: Vec<i64> = lengths.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let all = connection.query_row("SELECT count(*) FROM content", [], |row| row.get::<_, i64>(0)).unwrap();
        (lengths, all)
    };
    assert_eq!(write(1, State::Open, 10), (vec![10], 2));
    assert_eq!(write(1, State::Open, 20), (vec![20], 2));
    assert_eq!(write(2, State::Complete, 20), (vec![20, 20], 4), "what grows is not shared");
    assert_eq!(write(1, State::Open, 30), (vec![30, 20], 4));
    assert_eq!(write(3, State::Complete, 30), (vec![30, 20, 30], 5));
    assert_eq!(write(1, State::Complete, 40), (vec![40, 20, 30], 5));
    assert_eq!(write(4, State::Complete, 40), (vec![40, 20, 30, 40], 5));
    assert_eq!(write(5, State::Open, 50), (vec![40, 20, 30, 40, 50], 7));
    assert_eq!(write(5, State::Complete, 0), (vec![40, 20, 30, 40], 6), "it turned out to be no text");
    assert_eq!(recorder.finish().health.lost, 0);
    assert_sound(&path);
}

#[test]
fn order_is_that_of_the_numbers_also_where_the_clock_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pulltap");
    let all: Vec<_> = (1..=3)
        .map(|id| {
            let mut exchange = Dice::seeded(id).exchange(id);
            exchange.timings.opened =
                pulltap::exchange::Moment::from_micros(-i64::try_from(id).unwrap() * 3_600_000_000);
            redacted(exchange)
        })
        .collect();
    record(&path, &[all[2].clone(), all[0].clone(), all[1].clone()]);
    let read: Vec<_> = exchanges(&path).into_iter().map(|exchange| exchange.id).collect();
    assert_eq!(read, [1, 2, 3].map(|id| ExchangeId::new(id).unwrap()));
}
