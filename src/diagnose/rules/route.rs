//! The way that traffic takes: around the proxy, through something that answers in the registry's place; and lists that a
//! browser could not fetch, or did not fetch to the end.

use crate::registry::{Client, ClientKind, Role, Shape};

use super::super::case::Case;
use super::super::evidence::Place;
use super::super::facts::Method;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::Or;

const LISTS: &[Role] = &[Role::Tags, Role::Catalog];

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("network.went-around-proxy", "went-around-proxy")
        .of_severity(Severity::Warning)
        .on(&[Role::Redirect])
        .likely(&[Or("blob-host-blocked")])
        .logic(went_around),
    Rule::error("network.empty-refusal", "block-page")
        .on(&[Role::Ping, Role::Token, Role::Manifest, Role::Blob, Role::Tags, Role::Catalog])
        .needs(&[Need::ResponseBody])
        .likely(&[Or("registry-policy")])
        .logic(empty_refusal),
    Rule::error("portal.list-cut", "portal-list-limit").of_severity(Severity::Notice).on(LISTS).logic(list_cut),
    Rule::error("portal.fetch-failed", "portal-fetch-failure")
        .of_severity(Severity::Notice)
        .on(&[Role::Tags, Role::Catalog, Role::Attributes])
        .logic(fetch_failed),
];

/// A registry leads to the host of its blobs, and the client never turns to that host here: it goes there without the
/// proxy (an entry of `NO_PROXY`), or something keeps it from going there at all.
fn went_around(case: &Case<'_>) -> Option<Match> {
    let host = case.facts.details.as_ref()?.leads_to.as_deref()?;
    let is_pull = case.facts.method == Method::Get && Client::of(&case.facts.agent).pulls();
    if !is_pull || case.member.went_on {
        return None;
    }
    let evidence =
        [
            case.status_evidence(),
            Some(case.evidence(
                Place::ResponseHeader(case.facts.details.as_ref()?.leads_to_at),
                &format!("location: {host}"),
            )),
        ];
    Some(Match::on(evidence.into_iter().flatten()).with(Parameters::new().with("host", host)))
}

/// 403 without a word: registries say why, filters and firewalls in front of them often do not
/// (fabric8io/docker-maven-plugin#364). Registries of the distribution family name themselves in a header field.
fn empty_refusal(case: &Case<'_>) -> Option<Match> {
    let is_empty = case.facts.error.as_ref().is_some_and(|error| error.body.shape == Shape::Empty);
    let is_refusal = case.facts.status == Some(403) && case.facts.method != Method::Head && !case.facts.answered_by_us;
    let names_itself = case.header("docker-distribution-api-version").is_some();
    if !is_refusal || !is_empty || names_itself || case.succeeded_later() {
        return None;
    }
    let told = ["proxy-agent", "via", "server"].into_iter().filter_map(|name| case.header_evidence(name));
    Some(Match::on(case.status_evidence().into_iter().chain(told)))
}

fn is_browser(case: &Case<'_>) -> bool {
    Client::of(&case.facts.agent).kind == ClientKind::Browser
}

/// The answer says where the list goes on, and nobody asked for it there.
fn list_cut(case: &Case<'_>) -> Option<Match> {
    let at = case.facts.details.as_ref()?.next_page?;
    if !is_browser(case) || case.soon_after().any(|later| later.facts.place == case.facts.place) {
        return None;
    }
    Some(Match::on([case.evidence(Place::ResponseHeader(at), "link: … rel=\"next\"")]))
}

/// What a page of the portal asks the registry for, from the browser.
fn fetch_failed(case: &Case<'_>) -> Option<Match> {
    let is_challenge = case.facts.status == Some(401) && case.authorization().is_none();
    let has_failed = case.facts.failure.is_some() || case.facts.status.is_some_and(|status| status >= 400);
    if !is_browser(case) || !has_failed || is_challenge || case.succeeded_later() {
        return None;
    }
    Some(Match::on(case.failure_evidence().or_else(|| case.status_evidence())))
}
