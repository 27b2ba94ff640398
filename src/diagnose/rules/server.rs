//! Servers and networks that answer for themselves: failures of a gateway, pages that block, clients that leave.

use crate::exchange::{FailureKind, Side, Stage};
use crate::registry::{Role, Shape};

use super::super::case::Case;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Rule};

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

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("server.gateway-error", "gateway-error").on(ANSWERS).logic(gateway_error),
    Rule::error("network.block-page", "block-page").on(ANSWERS).supersedes(&["auth.denied"]).logic(block_page),
    Rule::error("client.timeout", "pull-client-timeout").supersedes(&["client.gave-up"]).logic(client_timeout),
    Rule::error("client.gave-up", "client-gave-up").of_severity(Severity::Notice).logic(client_gave_up),
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
    let gave_up = is_client_leaving(case) && case.facts.duration_micros() >= CLIENT_TIMEOUT_MICROS;
    let timed_out = failure.kind == FailureKind::TimedOut;
    if !is_waiting || !(gave_up || timed_out) {
        return None;
    }
    let parameters = Parameters::new().with("seconds", case.seconds());
    Some(Match::on(case.failure_evidence().into_iter().chain([case.duration_evidence()])).with(parameters))
}

fn client_gave_up(case: &Case<'_>) -> Option<Match> {
    is_client_leaving(case).then(|| Match::on(case.failure_evidence().into_iter().chain([case.duration_evidence()])))
}

fn is_client_leaving(case: &Case<'_>) -> bool {
    case.facts.failure.as_deref().is_some_and(|failure| {
        let left = matches!(failure.kind, FailureKind::GaveUp | FailureKind::Reset | FailureKind::Truncated);
        failure.side == Side::Client && left
    })
}
