//! Connections that do not come about: who does not trust whom, who waits for whom.

use crate::exchange::{Failure, FailureKind, Side, Stage, Verdict};
use crate::registry::Role;

use super::super::case::Case;
use super::super::evidence::Place;
use super::super::facts::Facts;
use super::super::finding::Severity;
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::{Sureness, others_failed};

/// Go clients give a TLS handshake 10 s, docker a whole ping 15 s (moby daemon/pkg/registry/registry.go).
const PATIENCE_MICROS: i64 = 9_000_000;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    rule("tls.proxy-ca-untrusted", "proxy-ca-untrusted")
        .needs(&[Need::ClientTls])
        .supersedes(&["tls.proxy-ca-doubted", "connection.client-gave-up"])
        .likely(&[
            OrIf("clock-wrong", |case| client_alert(case) == Some(42)),
            OrIf("certificate-pinned", |case| client_alert(case) == Some(46)),
        ])
        .logic(proxy_ca_untrusted),
    rule("tls.proxy-ca-doubted", "proxy-ca-untrusted")
        .of_severity(Severity::Warning)
        .needs(&[Need::ClientTls])
        .supersedes(&["connection.client-gave-up"])
        .likely(&[Or("opened-ahead")])
        .logic(proxy_ca_doubted),
    rule("tls.client-too-old", "enable-tls12")
        .needs(&[Need::ClientTls])
        .supersedes(&["proxy.limitation", "tls.proxy-ca-doubted"])
        .logic(client_too_old),
    rule("tls.certificate-expired", "certificate-expired")
        .needs(&[Need::UpstreamTls])
        .possible(&[Or("clock-wrong")])
        .logic(|case| certificate(case, |verdict| matches!(verdict, Verdict::Expired | Verdict::NotYetValid))),
    rule("tls.certificate-wrong-name", "certificate-wrong-name")
        .needs(&[Need::UpstreamTls])
        .likely(&[Or("intercepted"), Or("alias-not-covered")])
        .logic(|case| certificate(case, |verdict| *verdict == Verdict::WrongName)),
    rule("tls.certificate-untrusted", "certificate-untrusted")
        .needs(&[Need::UpstreamTls])
        .possible(&[OrIf("own-ca-not-trusted", is_unknown_issuer), OrIf("intermediate-missing", is_unknown_issuer)])
        .logic(|case| {
            certificate(case, |verdict| {
                matches!(verdict, Verdict::UnknownIssuer | Verdict::Revoked | Verdict::Refused(_))
            })
        }),
    rule("connection.timeout", "connect-timeout")
        .needs(&[Need::Failure])
        .likely(&[Or("host-down")])
        .logic(|case| timed_out(case, is_connecting)),
    rule("tls.handshake-timeout", "tls-handshake-timeout")
        .needs(&[Need::Failure])
        .possible(&[Or("firewall-in-tls")])
        .logic(handshake_timeout),
    rule("connection.client-gave-up", "client-gave-up")
        .of_severity(Severity::Notice)
        .likely(&[OrIf("other-request-failed", others_failed)])
        .logic(client_gave_up),
];

const fn rule(name: &'static str, slug: &'static str) -> Rule {
    Rule::error(name, slug).of_connections()
}

/// Alerts `bad_certificate`, `certificate_unknown`, `unknown_ca` (RFC 8446, section 6) from the client: Go sends 42,
/// OpenSSL 48, Java and Schannel 46. Go's stands for whatever it does not like about a certificate, its time included.
fn proxy_ca_untrusted(case: &Case<'_>) -> Option<Match> {
    let alert = client_alert(case)?;
    matches!(alert, 42 | 46 | 48).then(|| Match::on([case.evidence(Place::ClientTls, &format!("tls alert {alert}"))]))
}

fn client_alert(case: &Case<'_>) -> Option<u8> {
    case.facts.tls.client_alert.or_else(|| alert_that_failed(case))
}

fn alert_that_failed(case: &Case<'_>) -> Option<u8> {
    let failure = case.facts.failure.as_deref()?;
    match failure.kind {
        FailureKind::TlsAlert(alert) if failure.stage == Stage::ClientTls && failure.side == Side::Client => {
            Some(alert)
        }
        _ => None,
    }
}

/// The client finished the handshake, or left in the middle of it, and sent nothing: some clients check the certificate
/// only then. Once may be a connection opened ahead of time; repeated it is likely.
fn proxy_ca_doubted(case: &Case<'_>) -> Option<Match> {
    /// Two are enough to say so; looking at more than this many changes nothing.
    const LOOKED_AT: usize = 64;
    let is_silent = |case: &Case<'_>| {
        let facts = case.facts;
        let left = facts.failure.as_deref().is_some_and(|failure| {
            failure.side == Side::Client
                && matches!(failure.stage, Stage::ClientTls | Stage::Accept)
                && !matches!(failure.kind, FailureKind::TlsAlert(_))
        });
        let ended_silently = facts.failure.is_none() && facts.tls.client_is_done && facts.status == Some(200);
        case.role == Role::Connect && facts.tunnel.is_none() && !case.member.tunnel_is_used && (left || ended_silently)
    };
    if !is_silent(case) || case.episode.has_used_tunnel() {
        return None;
    }
    let silent =
        (0..case.episode.members().len().min(LOOKED_AT)).filter_map(|at| Case::new(case.episode, at)).filter(is_silent);
    let (severity, sureness) = match silent.count() {
        0 | 1 => (Severity::Notice, Sureness::Possible),
        _ => (Severity::Warning, Sureness::Likely),
    };
    let evidence = case.failure_evidence().unwrap_or_else(|| case.evidence(Place::ClientTls, "no request"));
    Some(Match::on([evidence]).of_severity(severity).of_sureness(sureness))
}

/// TLS 1.1 and older are refused by Azure Container Registry since 2020, and by pulltap.
fn client_too_old(case: &Case<'_>) -> Option<Match> {
    let offers = case.facts.tls.client_offers.filter(|version| *version < 0x0303)?;
    let name = match offers {
        0x0302 => "TLS 1.1",
        0x0301 => "TLS 1.0",
        _ => "SSL 3.0",
    };
    Some(Match::on([case.evidence(Place::ClientTls, &format!("the client offers {name} at most"))]))
}

fn certificate(case: &Case<'_>, is_such: fn(&Verdict) -> bool) -> Option<Match> {
    if let Some(FailureKind::Certificate(verdict)) = case.facts.failure.as_deref().map(|failure| &failure.kind) {
        return is_such(verdict).then(|| Match::on(case.failure_evidence()));
    }
    // With --insecure-upstream the exchange goes on all the same.
    let verdict = case.facts.tls.verdict.as_deref().filter(|verdict| is_such(verdict))?;
    let evidence = case.evidence(Place::UpstreamTls, verdict.as_str());
    Some(Match::on([evidence]).of_severity(Severity::Warning))
}

/// Up to here pulltap's own limit ends before a client's patience does: a client that leaves has other reasons.
fn is_connecting(stage: Stage) -> bool {
    matches!(stage, Stage::Connect | Stage::ParentProxy)
}

fn timed_out(case: &Case<'_>, is_such: fn(Stage) -> bool) -> Option<Match> {
    let failure = case.facts.failure.as_deref().filter(|failure| is_such(failure.stage))?;
    (failure.kind == FailureKind::TimedOut).then(|| duration(case))
}

fn handshake_timeout(case: &Case<'_>) -> Option<Match> {
    let timed_out = timed_out(case, |stage| stage == Stage::UpstreamTls);
    timed_out.or_else(|| has_waited_for_handshake(case.facts).then(|| duration(case)))
}

/// Whether the client waited for the server's handshake until it had no patience left: when connecting took its time
/// before, that is sooner than pulltap gives up.
pub(super) fn has_waited_for_handshake(facts: &Facts) -> bool {
    let left = |failure: &Failure| failure.kind == FailureKind::GaveUp && failure.stage == Stage::UpstreamTls;
    facts.failure.as_deref().is_some_and(left) && facts.duration_micros() >= PATIENCE_MICROS
}

fn client_gave_up(case: &Case<'_>) -> Option<Match> {
    let failure = case.facts.failure.as_deref()?;
    let left = matches!(failure.kind, FailureKind::GaveUp | FailureKind::Reset | FailureKind::Truncated);
    let is_early = case.facts.duration_micros() < PATIENCE_MICROS || is_connecting(failure.stage);
    (failure.side == Side::Client && left && is_early).then(|| duration(case))
}

fn duration(case: &Case<'_>) -> Match {
    Match::on(case.failure_evidence().into_iter().chain([case.duration_evidence()]))
}

/// Revoked, or refused for a reason that the verifier names: then it is no missing trust.
fn is_unknown_issuer(case: &Case<'_>) -> bool {
    let is_it = |verdict: &Verdict| *verdict == Verdict::UnknownIssuer;
    let failed = case.facts.failure.as_deref().map(|failure| &failure.kind);
    matches!(failed, Some(FailureKind::Certificate(verdict)) if is_it(verdict))
        || case.facts.tls.verdict.as_deref().is_some_and(is_it)
}
