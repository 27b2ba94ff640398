//! Written and read back, an exchange is the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use pulltap::exchange::{Exchange, ExchangeId};
use pulltap::har::{self, Conclusions, Writer};
use pulltap::redact::Redacted;
use serde_json::json;

use super::{examples, generated, masked, unmasked, written};

/// What reading back has to give.
fn expected(exchanges: &[Redacted<Exchange>]) -> Vec<Exchange> {
    exchanges.iter().map(|exchange| (**exchange).clone()).collect()
}

proptest! {
    #[test]
    fn restores_any_exchange(exchanges in generated::exchanges()) {
        for redacted in [unmasked, masked] {
            let exchanges: Vec<_> = exchanges.iter().cloned().map(redacted).collect();
            let file = har::read(&written(&exchanges)).unwrap();
            prop_assert_eq!(file.exchanges, expected(&exchanges));
            prop_assert_eq!(file.repairs, []);
        }
    }

    #[test]
    fn a_second_writing_changes_nothing(exchanges in generated::exchanges()) {
        let exchanges: Vec<_> = exchanges.into_iter().map(masked).collect();
        let first = written(&exchanges);
        let again: Vec<_> = har::read(&first).unwrap().exchanges.into_iter().map(masked).collect();
        prop_assert_eq!(String::from_utf8(written(&again)).unwrap(), String::from_utf8(first).unwrap());
    }
}

#[test]
fn restores_the_examples() {
    let exchanges: Vec<_> = examples::all().into_iter().map(unmasked).collect();
    let file = har::read(&written(&exchanges)).unwrap();
    for (restored, expected) in file.exchanges.iter().zip(expected(&exchanges)) {
        assert_eq!(*restored, expected);
    }
    assert_eq!(file.exchanges.len(), exchanges.len());
    assert_eq!(file.repairs, []);
}

#[test]
fn restores_what_was_said_about_exchanges_and_the_capture() {
    let conclusions =
        Conclusions { operations: vec![json!({"id": 1, "kind": "pull"})], findings: vec![json!({"rule": "a.rule"})] };
    let mut writer = Writer::new(Vec::new(), "credentials are masked").unwrap();
    for (exchange, n) in examples::all().into_iter().zip(0..) {
        writer.entry(&masked(exchange), (n == 1).then_some("token")).unwrap();
    }
    let file = har::read(&writer.finish(&conclusions).unwrap()).unwrap();
    assert_eq!(file.roles, BTreeMap::from([(ExchangeId::new(2).unwrap(), "token".to_owned())]));
    assert_eq!(file.conclusions, conclusions);
    assert_eq!(file.redaction.as_deref(), Some("credentials are masked"));
    assert_eq!(file.creator.unwrap().name, "pulltap");
}

#[test]
fn keeps_a_certificate_once() {
    let exchanges: Vec<_> = examples::all().into_iter().map(unmasked).collect();
    let file: serde_json::Value = serde_json::from_slice(&written(&exchanges)).unwrap();
    assert_eq!(file["log"]["_pulltap"]["certificates"].as_array().unwrap().len(), 3);
}
