//! Who may reach the registry from where: firewall rules, disabled public access, private endpoints, data endpoints.
//!
//! A missing rule and disabled public access give the same 403, and so does a private endpoint that the name does not lead
//! to. They are told apart where Azure Resource Manager told how the registry is set up, as it does before `az acr login`;
//! without that the general rule names all three, the likeliest first.
//!
//! Not here: the firewall that refuses an agent of ACR Tasks, or App Service without "pull over VNet" (the traffic is
//! between machines of Azure).

use std::net::IpAddr;

use crate::exchange::{FailureKind, Moment, Stage};
use crate::registry::{Vendor, vendors};

use super::super::case::{Case, whole_seconds};
use super::super::evidence::{Evidence, Place};
use super::super::facts::Facts;
use super::super::finding::{Parameters, Severity};
use super::super::past::Why;
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::OF_REGISTRY_OR_TOKEN;
use super::connections::has_waited_for_handshake;

/// A change of the rules needs minutes; ten at most, as for permissions.
const EFFECTIVE_MICROS: i64 = 600_000_000;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("acr.firewall-denied", "firewall-rule-delay")
        .needs(&[Need::ResponseBody])
        .supersedes(OF_ACCOUNTS)
        .likely(&[
            OrIf("rule-just-added", |case| let_in(case) != Some(false)),
            OrIf("public-access-off", may_be_closed),
            OrIf("private-endpoint-missed", may_have_private_endpoint),
        ])
        .logic(firewall_denied),
    Rule::error("acr.firewall-just-changed", "firewall-rule-delay")
        .needs(&[Need::ResponseBody])
        .supersedes(&["acr.firewall-denied"])
        .likely(&[OrIf("rule-missing", |case| let_in(case) != Some(true))])
        .logic(firewall_just_changed),
    Rule::error("acr.public-access-disabled", "public-access-disabled")
        .needs(&[Need::ResponseBody])
        .supersedes(&["acr.firewall-denied", "acr.firewall-just-changed"])
        .logic(public_access_disabled),
    Rule::error("acr.private-endpoint-bypassed", "private-endpoint-dns")
        .needs(&[Need::ResponseBody])
        .supersedes(&["acr.firewall-denied", "acr.firewall-just-changed", "acr.public-access-disabled"])
        .likely(&[OrIf("rule-missing", may_be_open)])
        .logic(private_endpoint_bypassed),
    Rule::error("acr.firewall-opened", "firewall-rule-delay")
        .of_severity(Severity::Notice)
        .on(OF_REGISTRY_OR_TOKEN)
        .likely(&[OrIf("other-address", |case| !was_changed_since_refusal(case))])
        .logic(firewall_opened),
    Rule::error("network.private-endpoint-unreachable", "private-endpoint-dns")
        .of_connections()
        .needs(&[Need::Failure])
        .supersedes(&[
            "connection.timeout",
            "network.connection-refused",
            "network.data-endpoint-blocked",
            "network.unreachable",
        ])
        .likely(&[Or("way-blocked")])
        .logic(private_endpoint_unreachable),
    Rule::error("network.data-endpoint-blocked", "data-endpoint-blocked")
        .of_connections()
        .needs(&[Need::Failure])
        .supersedes(&[
            "connection.timeout",
            "network.connection-refused",
            "network.connection-reset",
            "network.dns-failure",
            "network.parent-proxy-refused",
            "network.resolver-failed",
            "network.unreachable",
            "tls.handshake-timeout",
        ])
        .likely(&[Or("host-down")])
        .logic(data_endpoint_blocked),
];

/// Rules that take a refusal to be about the account.
const OF_ACCOUNTS: &[&str] =
    &["auth.denied", "auth.anonymous-refused", "auth.token-refused", "auth.entra-token-refused", "auth.stale-login"];

/// `client with IP '…' is not allowed access` (docker/build-push-action#1214, aka.ms/acr/firewall). The address is the
/// one that the registry saw.
fn firewall_denied(case: &Case<'_>) -> Option<Match> {
    if case.facts.status != Some(403) || !case.says("is not allowed access") {
        return None;
    }
    let parameters = Parameters::new().with_some("address", refused_address(case));
    let evidence = [case.status_evidence(), case.body_evidence(), case.header_evidence("x-ms-correlation-request-id")];
    Some(Match::on(evidence.into_iter().flatten()).with(parameters))
}

/// The address that the registry saw, as its refusal names it.
fn refused_address<'a>(case: &Case<'a>) -> Option<&'a str> {
    let text = case.error()?.body.texts().find(|text| text.contains("is not allowed access"))?;
    text.split(['\'', '"']).nth(1)
}

/// The same, minutes after the rules were changed, and by the rules as they are now it should be let in.
fn firewall_just_changed(case: &Case<'_>) -> Option<Match> {
    let mut found = firewall_denied(case)?;
    let change = case.member.network_change?;
    let age = case.facts.opened.micros_since(change.opened);
    let is_closed = case.settings().is_some_and(|settings| settings.public_access == Some(false));
    if age > EFFECTIVE_MICROS || is_closed || let_in(case) == Some(false) {
        return None;
    }
    // All that an episode asked since then was asked so long after the change: it makes one finding.
    let members = case.episode.members();
    let first = members.partition_point(|member| member.facts.opened < change.opened);
    let waited = members.get(first).map_or(age, |member| member.facts.opened.micros_since(change.opened));
    let seconds = whole_seconds(waited).to_string();
    let value = format!("the network rules were changed {seconds} s before");
    found.evidence.push(Evidence { exchange: change.exchange, place: Place::RequestBody, value });
    found.parameters = found.parameters.with("seconds", seconds);
    Some(found)
}

/// Whether the rules that were told let in the address that was refused; `None` where that cannot be told.
fn let_in(case: &Case<'_>) -> Option<bool> {
    let address = refused_address(case)?.parse().ok()?;
    case.settings()?.network_rules.as_ref()?.let_in(address)
}

fn public_access_disabled(case: &Case<'_>) -> Option<Match> {
    let mut found = firewall_denied(case)?;
    if case.settings()?.public_access != Some(false) {
        return None;
    }
    found.evidence.extend(case.settings_evidence(r#""publicNetworkAccess":"Disabled""#));
    Some(found)
}

/// The registry has a private endpoint, and the client goes to its public address all the same.
fn private_endpoint_bypassed(case: &Case<'_>) -> Option<Match> {
    let mut found = firewall_denied(case)?;
    let is_public = case.facts.address().is_some_and(|address| !is_private(address));
    if case.settings()?.private_endpoints != Some(true) || !is_public {
        return None;
    }
    found.evidence.extend(case.address_evidence());
    found.evidence.extend(case.settings_evidence(r#""privateEndpointConnections":[…]"#));
    Some(found)
}

/// The firewall refused this client before, and lets it in now.
fn firewall_opened(case: &Case<'_>) -> Option<Match> {
    let is_answered = case.facts.succeeded() || case.facts.status == Some(401);
    let is_first = case.earlier().iter().all(|earlier| earlier.facts.status.is_none());
    if !is_answered || !is_first || case.facts.answered_by_us {
        return None;
    }
    let refusals = case.episode.past().refusals.iter().rev();
    let mut of_network = refusals.filter(|refusal| refusal.why == Why::Network);
    let refusal = of_network.find(|refusal| case.facts.opened.micros_since(refusal.ended) <= EFFECTIVE_MICROS)?;
    let mut found = Match::on(case.status_evidence());
    found.also.push(refusal.exchange);
    Some(found)
}

/// Whether the rules were seen to change before the client was let in, minutes ago at most.
fn was_changed_since_refusal(case: &Case<'_>) -> bool {
    let is_recent = |opened: Moment| case.facts.opened.micros_since(opened) <= 2 * EFFECTIVE_MICROS;
    case.member.network_change.is_some_and(|change| is_recent(change.opened))
}

/// Addresses of private networks (RFC 1918, RFC 4193).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

/// The name leads to a private endpoint, and nothing comes back from there: route, peering, network security group.
fn private_endpoint_unreachable(case: &Case<'_>) -> Option<Match> {
    let address = case.facts.address().filter(|address| is_private(*address))?;
    let is_acr = Vendor::of(&case.facts.host) == Vendor::Acr;
    if !is_acr || !is_cut_off(case.facts, |stage| stage == Stage::Connect) {
        return None;
    }
    let evidence = case.failure_evidence().into_iter().chain(case.address_evidence());
    Some(Match::on(evidence).with(Parameters::new().with("address", address.to_string())))
}

/// The registry was reached and led here, and here there is no way through. The names of cloud storage serve others, too:
/// only a host of a registry's own is taken for one without a redirect to it.
fn data_endpoint_blocked(case: &Case<'_>) -> Option<Match> {
    let stages =
        |stage: Stage| matches!(stage, Stage::Resolve | Stage::Connect | Stage::ParentProxy | Stage::UpstreamTls);
    let host = &*case.facts.host;
    let is_led_to = case.member.lead != host || Vendor::of(host) == Vendor::Acr;
    if !vendors::keeps_blobs(host) || !is_led_to || !is_cut_off(case.facts, stages) {
        return None;
    }
    let found = Match::on(case.failure_evidence().into_iter().chain([case.duration_evidence()]));
    Some(found.with(Parameters::new().with("registry", case.member.lead)))
}

/// Whether there is no way through: not a TLS error, not a proxy that wants a login, not a client that changed its mind.
fn is_cut_off(facts: &Facts, is_such: impl Fn(Stage) -> bool) -> bool {
    facts.failure.as_deref().filter(|failure| is_such(failure.stage)).is_some_and(|failure| match failure.kind {
        FailureKind::GaveUp => has_waited_for_handshake(facts),
        FailureKind::ParentProxyRefused(status) => status != 407,
        FailureKind::NameNotFound
        | FailureKind::Refused
        | FailureKind::Reset
        | FailureKind::ResolverFailed
        | FailureKind::TimedOut
        | FailureKind::Truncated
        | FailureKind::Unreachable => true,
        _ => false,
    })
}

/// Whether public access may be disabled, for all that was told.
fn may_be_closed(case: &Case<'_>) -> bool {
    case.settings().and_then(|settings| settings.public_access) != Some(true)
}

/// Whether public access may be enabled, for all that was told.
fn may_be_open(case: &Case<'_>) -> bool {
    case.settings().and_then(|settings| settings.public_access) != Some(false)
}

/// Whether there may be a private endpoint that the name does not lead to.
fn may_have_private_endpoint(case: &Case<'_>) -> bool {
    let is_there = case.facts.address().is_some_and(is_private);
    case.settings().and_then(|settings| settings.private_endpoints) != Some(false) && !is_there
}
