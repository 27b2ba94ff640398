//! What the rules say about one episode: matches, what supersedes what, and equal matches made into one finding.

use std::collections::{BTreeMap, HashSet};

use crate::registry::Role;

use super::case::Case;
use super::episode::{Episode, Level};
use super::finding::{Finding, FindingId, Parameters, Severity};
use super::rule::{Match, Rule};
use super::rules::RulesByRole;
use super::sureness::Alternative;

/// The most pieces of evidence that a finding carries.
const MOST_EVIDENCE: usize = 8;

/// The findings about an episode.
pub(super) fn of(episode: &Episode<'_>, level: Level, rules: &RulesByRole) -> Vec<Finding> {
    let mut found: Vec<(&'static Rule, Case<'_>, Match)> = Vec::new();
    for at in 0..episode.members().len() {
        let Some(case) = Case::new(episode, at) else { continue };
        for rule in rules.of(level, case.role) {
            if is_made_good(&case, rule) {
                continue;
            }
            if let Some(matched) = rule.check(&case) {
                found.push((rule, case, matched));
            }
        }
    }
    let superseded: HashSet<&str> = found.iter().flat_map(|(rule, ..)| rule.supersedes).copied().collect();
    let mut merged: BTreeMap<(&'static str, Parameters), Finding> = BTreeMap::new();
    for (rule, case, matched) in found {
        if superseded.contains(rule.id.as_str()) {
            continue;
        }
        let severity = weighed(matched.severity.unwrap_or(rule.severity), &case);
        let (sureness, alternatives) = rule.doubt(&case, &matched);
        let mut exchanges = vec![case.facts.id];
        exchanges.extend(&matched.also);
        let mut finding = Finding {
            id: FindingId::of(rule.id, case.facts.id),
            rule,
            severity,
            sureness,
            alternatives,
            exchanges,
            operation: None,
            evidence: matched.evidence,
            parameters: matched.parameters.clone(),
        };
        finding.parameters.fill_from(&case.parameters());
        match merged.get_mut(&(rule.id.as_str(), matched.parameters.clone())) {
            Some(same) => join(same, &finding),
            None => drop(merged.insert((rule.id.as_str(), matched.parameters), finding)),
        }
    }
    merged.into_values().map(in_order).collect()
}

/// docker asks a registry that it was told to be insecure over TLS first, and then over plain HTTP: where that was
/// answered, the failed tunnel is part of how it works.
fn is_made_good(case: &Case<'_>, rule: &Rule) -> bool {
    case.role == Role::Connect && case.member.went_on && rule.severity > Severity::Normal
}

/// What failed once and then went well is worth a warning. (Of token requests the URL alone does not tell that it is
/// the same request: their rules judge by scope.)
fn weighed(severity: Severity, case: &Case<'_>) -> Severity {
    let is_mended = case.role != Role::Token && case.succeeded_later();
    if is_mended { severity.min(Severity::Warning) } else { severity }
}

/// Adds another finding of the same rule about the same thing, and is as sure as the less sure of both; the exchanges are put in order by the caller.
pub(super) fn join(finding: &mut Finding, other: &Finding) {
    finding.severity = finding.severity.max(other.severity);
    finding.sureness = finding.sureness.min(other.sureness);
    let is_open = |name: &&str| finding.alternatives.contains(name) || other.alternatives.contains(name);
    finding.alternatives = finding.rule.alternatives.iter().map(Alternative::name).filter(is_open).collect();
    finding.exchanges.extend(&other.exchanges);
    for evidence in &other.evidence {
        if finding.evidence.len() < MOST_EVIDENCE && !finding.evidence.contains(evidence) {
            finding.evidence.push(evidence.clone());
        }
    }
    finding.parameters.fill_from(&other.parameters);
}

fn in_order(mut finding: Finding) -> Finding {
    finding.exchanges.sort_unstable();
    finding.exchanges.dedup();
    if let Some(first) = finding.exchanges.first() {
        finding.id = FindingId::of(finding.rule.id, *first);
    }
    finding
}
