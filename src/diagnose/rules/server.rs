//! Servers and networks that answer for themselves: failures of a gateway, pages that block, clients that leave.

use crate::exchange::{FailureKind, Side, Stage};
use crate::registry::{Role, Shape, Vendor};

use super::super::case::Case;
use super::super::facts::Facts;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::others_failed;

/// What can be a registry's or its blob host's answer.
const ANSWERS: &[Role] = &[
    Role::Ping,
    Role::Token,
    Role::Manifest,
    Role::Blob,
    Role::Storage,
    Role::Upload,
    Role::Mount,
    Role::Tags,
    Role::Catalog,
    Role::Referrers,
    Role::Delete,
];

/// docker's ping and token clients wait 15 s in all (moby daemon/pkg/registry/auth.go).
const CLIENT_TIMEOUT_MICROS: i64 = 14_000_000;
/// Other clients wait for less; a time limit below this one is no client's.
const SHORT_TIMEOUT_MICROS: i64 = 2_000_000;
/// Timers of one length end this far apart at most, on a machine that is busy.
const TIMER_ERROR_MICROS: i64 = 250_000;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("server.gateway-error", "gateway-error")
        .on(ANSWERS)
        .likely(&[OrIf("gateway-on-the-way", |case| case.facts.status != Some(500))])
        .logic(gateway_error),
    Rule::error("network.block-page", "block-page")
        .on(ANSWERS)
        .supersedes(&["auth.denied"])
        .likely(&[OrIf("not-a-registry", may_be_web_site)])
        .logic(block_page),
    Rule::error("client.timeout", "pull-client-timeout")
        .supersedes(&["client.gave-up"])
        .likely(&[Or("answer-held-back")])
        .logic(client_timeout),
    Rule::error("client.gave-up", "client-gave-up")
        .of_severity(Severity::Notice)
        .likely(&[OrIf("other-request-failed", others_failed)])
        .logic(client_gave_up),
];

fn gateway_error(case: &Case<'_>) -> Option<Match> {
    let status = case.facts.status.filter(|status| matches!(status, 500 | 502..=504))?;
    if case.facts.answered_by_us {
        return None;
    }
    let parameters = Parameters::new().with("status", status.to_string());
    let evidence = [case.status_evidence(), case.header_evidence("server"), case.header_evidence("via")];
    Some(Match::on(evidence.into_iter().flatten()).with(parameters))
}

/// A page for people where a client expects data: a block page, a captive portal
/// (docker-library/official-images#4309).
fn block_page(case: &Case<'_>) -> Option<Match> {
    let is_page = case.facts.error.as_ref().is_some_and(|error| error.body.shape == Shape::Html);
    let is_telling = matches!(case.facts.status, Some(200..=299 | 400 | 403 | 407 | 451 | 511));
    // Blob hosts may well serve layers that are called HTML by a wrong content type.
    let is_data = matches!(case.role, Role::Blob | Role::Storage) && case.facts.succeeded();
    if !is_page || !is_telling || is_data || case.facts.answered_by_us {
        return None;
    }
    let evidence = [
        case.header_evidence("content-type"),
        case.body_evidence(),
        case.header_evidence("proxy-agent"),
        case.header_evidence("via"),
        case.header_evidence("server"),
    ];
    Some(Match::on(evidence.into_iter().flatten()))
}

fn client_timeout(case: &Case<'_>) -> Option<Match> {
    let failure = case.facts.failure.as_deref()?;
    let is_waiting = matches!(failure.stage, Stage::Send | Stage::AwaitHead);
    let waited = case.facts.duration_micros();
    let gave_up = is_client_leaving(case.facts)
        && (waited >= CLIENT_TIMEOUT_MICROS || (waited >= SHORT_TIMEOUT_MICROS && left_alike_again(case)));
    let timed_out = failure.kind == FailureKind::TimedOut;
    if !is_waiting || !(gave_up || timed_out) {
        return None;
    }
    let parameters = Parameters::new().with("seconds", case.seconds());
    Some(Match::on(case.failure_evidence().into_iter().chain([case.duration_evidence()])).with(parameters))
}

/// Whether the client asked the same again, before or after, and left after the same time: a timer does so, no person.
fn left_alike_again(case: &Case<'_>) -> bool {
    /// Enough for any client that tries again, and a bound for one that never ends.
    const LOOKED_AT: usize = 64;
    let facts = case.facts;
    let near = case.earlier().iter().rev().take(LOOKED_AT).chain(case.later().iter().take(LOOKED_AT));
    near.map(|member| member.facts).any(|other| {
        let is_apart = other.ended <= facts.opened || facts.ended <= other.opened;
        let difference = (other.duration_micros() - facts.duration_micros()).abs();
        other.place == facts.place && is_apart && is_client_leaving(other) && difference <= TIMER_ERROR_MICROS
    })
}

fn client_gave_up(case: &Case<'_>) -> Option<Match> {
    is_client_leaving(case.facts)
        .then(|| Match::on(case.failure_evidence().into_iter().chain([case.duration_evidence()])))
}

fn is_client_leaving(facts: &Facts) -> bool {
    facts.failure.as_deref().is_some_and(|failure| {
        let left = matches!(failure.kind, FailureKind::GaveUp | FailureKind::Reset | FailureKind::Truncated);
        failure.side == Side::Client && left
    })
}

/// A name that is no known registry's may be a web site's; these statuses are never one's own.
fn may_be_web_site(case: &Case<'_>) -> bool {
    let is_of_network = matches!(case.facts.status, Some(407 | 451 | 511));
    case.vendor() == Vendor::Other && !is_of_network && case.header("proxy-agent").is_none()
}
