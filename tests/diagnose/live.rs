//! Every fixture once more, live: a client that asks as the fixture has it, a pulltap, and servers that answer as the
//! fixture has it. What is found in the capture is what is found in the fixture.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use pulltap::diagnose::{Engine, Evidence, Finding, Operation};
use pulltap::exchange::{Exchange, ExchangeId};

use self::player::Played;
use self::servers::Rig;
use super::alike::{all_fixtures, engine};
use super::fixture;
use crate::support::world::in_private_world;

mod bytes;
mod player;
mod servers;

/// How many fixtures are played at the same time.
const AT_ONCE: usize = 6;

#[test]
fn findings_are_the_same_when_a_fixture_is_played_through_the_proxy() {
    in_private_world(|world| {
        let rig = Rig::new(world);
        let files = all_fixtures();
        let (next, wrong) = (Mutex::new(files.iter()), Mutex::new(Vec::new()));
        let play_all = || {
            while let Some(file) = { next.lock().unwrap().next() } {
                if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| assert_alike_live(&rig, file))) {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                    wrong.lock().unwrap().push(format!("{}: {}", file.display(), text.unwrap_or_default()));
                }
            }
        };
        thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(play_all))));
        let wrong = wrong.into_inner().unwrap();
        assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), files.len(), wrong.join("\n"));
    });
}

fn assert_alike_live(rig: &Rig, file: &Path) {
    let exchanges = fixture::read(file.to_str().unwrap()).exchanges();
    let own_names: BTreeMap<_, _> = exchanges.iter().map(|exchange| (exchange.id, exchange.id.to_string())).collect();
    let expected = told(&engine(&exchanges), &own_names);
    let Played { captured, names, printed } = player::play(rig, &exchanges);
    let found = engine(&captured);
    let findings = found.findings();
    let trouble = findings.iter().filter(|finding| finding.is_trouble());
    let trouble: BTreeMap<_, _> =
        trouble.map(|finding| (finding.id.to_string(), finding.rule.id.to_string())).collect();
    assert_eq!(printed, trouble, "what was printed, and what is found in the session");
    let live = told(&found, &names);
    assert!(live == expected, "{}", difference(&expected, &live, &captured, &names));
}

/// What was found, a line for each finding and each operation: all of them but times, and the words of the evidence, in
/// which times and masks stand.
fn told(found: &Engine, names: &BTreeMap<ExchangeId, String>) -> Vec<String> {
    let mut told: Vec<_> = found.findings().iter().map(|finding| finding_told(finding, names)).collect();
    told.sort();
    told.extend(found.operations().iter().map(|operation| operation_told(operation, names)));
    told
}

fn finding_told(finding: &Finding, names: &BTreeMap<ExchangeId, String>) -> String {
    let exchanges: Vec<_> = finding.exchanges.iter().map(|id| names[id].as_str()).collect();
    let place = |evidence: &Evidence| format!("{} {}", names[&evidence.exchange], evidence.place);
    // The slower of two that are equally fast comes first.
    let mut evidence: Vec<_> = finding.evidence.iter().map(place).collect();
    evidence.sort();
    let parameters: Vec<_> = finding.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let [exchanges, evidence, parameters] = [exchanges.join(", "), evidence.join(", "), parameters.join(", ")];
    let (severity, sureness, rule) = (finding.severity.as_str(), finding.sureness.as_str(), finding.rule.id);
    let (or, operation) = (finding.alternatives.join(", "), finding.operation);
    format!(
        "{severity}, {sureness}: {rule} of {exchanges} by {evidence} with {parameters}, else {or}; in {operation:?}"
    )
}

fn operation_told(operation: &Operation, names: &BTreeMap<ExchangeId, String>) -> String {
    let Operation { id, kind, client, address, registry, repository, reference, outcome, .. } = operation;
    let Operation { layers, sent, received, retries, missing, .. } = operation;
    let exchanges: Vec<_> = operation.exchanges.iter().map(|id| names[id].as_str()).collect();
    let phases: Vec<_> = operation.phases.iter().map(|phase| (phase.role, phase.exchanges)).collect();
    format!(
        "{id:?}: {kind:?} by {client:?} at {address:?} of {registry}, {repository:?}, {reference:?}: {outcome:?}, \
         {layers} layers, {sent} B sent, {received} B received, {retries} retries, missing {missing:?}, \
         {exchanges:?}, {phases:?}"
    )
}

fn difference(
    expected: &[String],
    live: &[String],
    captured: &[Exchange],
    names: &BTreeMap<ExchangeId, String>,
) -> String {
    let only = |these: &[String], others: &[String], mark: &str| {
        let lines = these.iter().filter(|line| !others.contains(line)).map(|line| format!("\n    {mark} {line}"));
        lines.collect::<Vec<_>>().concat()
    };
    let seen = |exchange: &Exchange| {
        let (name, method) = (&names[&exchange.id], exchange.method().unwrap_or("-"));
        let (status, failure) = (exchange.status().unwrap_or(0), exchange.failure.as_ref());
        let failure = failure.map(|failure| (failure.stage, failure.side, &failure.kind));
        format!("\n    captured {name}: {method} {} {status} {failure:?}", exchange.url())
    };
    let captured = captured.iter().map(seen).collect::<Vec<_>>().concat();
    [only(expected, live, "fixture:"), only(live, expected, "live:   "), captured].concat()
}
