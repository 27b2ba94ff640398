//! Every rule's pair of fixtures: one that it fires on, and a near miss.

use pulltap::diagnose::{Engine, Finding, Severity, rules};
use pulltap::exchange::{FailureKind, Stage};

use super::fixture::{self, Fixture};

/// What the engine finds in these exchanges.
pub fn findings(fixture: &Fixture) -> Vec<Finding> {
    let mut engine = Engine::new();
    for exchange in fixture.exchanges() {
        engine.update(&exchange);
    }
    engine.finish();
    engine.findings()
}

fn troubles(findings: &[Finding]) -> Vec<&str> {
    let mut rules: Vec<_> =
        findings.iter().filter(|finding| finding.is_trouble()).map(|finding| finding.rule.id.as_str()).collect();
    rules.sort_unstable();
    rules
}

/// Its host works as well or as badly when it is passed through.
#[test]
fn a_proxy_that_is_asked_wrongly_is_not_called_limited() {
    for rule in ["proxy.limitation", "proxy.request-limitation"] {
        let mut exchanges = fixture::read(&format!("{rule}/fires.toml")).exchanges();
        let failure = exchanges[0].failure.as_mut().unwrap();
        (failure.stage, failure.kind) = (Stage::Accept, FailureKind::Unsupported);
        let mut engine = Engine::new();
        engine.update(&exchanges[0]);
        engine.finish();
        assert_eq!(troubles(&engine.findings()), [""; 0], "{rule}");
    }
}

fn assert_fires(rule: &str) {
    let fixture = fixture::read(&format!("{rule}/fires.toml"));
    let found = findings(&fixture);
    let finding = found.iter().find(|finding| finding.rule.id.as_str() == rule);
    let finding = finding.unwrap_or_else(|| panic!("{rule} does not fire; found {:?}", troubles(&found)));
    let is_normal = finding.rule.severity == Severity::Normal;
    let expected = fixture.expect.clone().unwrap_or(if is_normal { Vec::new() } else { vec![rule.to_owned()] });
    assert_eq!(troubles(&found), expected, "{rule}");
    let severity = fixture.severity.as_deref().unwrap_or(finding.rule.severity.as_str());
    assert_eq!(finding.severity.as_str(), severity, "{rule}");
    if let Some(sureness) = &fixture.sureness {
        assert_eq!(finding.sureness.as_str(), sureness, "{rule}");
    }
    if let Some(alternatives) = &fixture.alternatives {
        assert_eq!(&finding.alternatives, alternatives, "{rule}");
    }
    for wanted in &fixture.evidence {
        let (at, value) = wanted.split_once(": ").unwrap();
        let has = finding.evidence.iter().any(|evidence| {
            format!("{} {}", evidence.exchange, evidence.place) == at && evidence.value.contains(value)
        });
        assert!(has, "{rule}: no evidence {wanted:?} in {:#?}", finding.evidence);
    }
    for (name, value) in &fixture.parameters {
        assert_eq!(finding.parameters.value(name), Some(value.as_str()), "{rule}: {name}");
    }
}

fn assert_quiet(rule: &str) {
    let fixture = fixture::read(&format!("{rule}/quiet.toml"));
    let found = findings(&fixture);
    assert!(!found.iter().any(|finding| finding.rule.id.as_str() == rule), "{rule} is not quiet: {found:#?}");
    if let Some(expected) = &fixture.expect {
        assert_eq!(&troubles(&found), expected, "{rule}, quiet");
    }
}

#[test]
fn a_client_that_leaves_while_the_proxy_connects_gave_up_however_long_it_took() {
    let late = fixture::read_changed("connection.client-gave-up/fires.toml", "took = 1.0", "took = 9.5");
    assert_eq!(troubles(&findings(&late)), ["connection.client-gave-up"]);
}

#[test]
fn every_rule_fires_on_its_fixture_and_is_quiet_on_a_near_miss() {
    let mut wrong = Vec::new();
    for rule in rules::all() {
        for check in [assert_fires, assert_quiet] {
            if let Err(panic) = std::panic::catch_unwind(|| check(rule.id.as_str())) {
                let text = panic.downcast_ref::<String>().cloned();
                wrong.push(text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default());
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn facts_stay_small() {
    let size = size_of::<pulltap::diagnose::Facts>();
    assert!(size <= 296, "{size} bytes: the engine keeps one for every exchange of the last hour");
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    for entry in std::fs::read_dir(fixture::folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "pulls" || rules::by_name(&name).is_some(), "{name}");
    }
}

#[test]
fn rules_have_names_of_their_own_and_supersede_rules_that_exist() {
    let mut names: Vec<_> = rules::all().map(|rule| rule.id.as_str()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for rule in rules::all() {
        for other in rule.supersedes {
            assert!(rules::by_name(other).is_some(), "{} supersedes {other}", rule.id);
        }
    }
}
