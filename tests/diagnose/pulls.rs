//! Whole sessions of real clients, as measured: nothing above normal in the healthy ones, one finding in the others.

use pulltap::diagnose::{Catalogue, Engine, Finding};
use pulltap::exchange::{Exchange, FailureKind};
use pulltap::language::Language;

use super::fixture;

/// The sessions below `tests/fixtures/diagnose/pulls`.
pub const NAMES: [&str; 11] = [
    "docker-login-pull",
    "docker-push",
    "podman-pull",
    "ctr-pull",
    "hub-pull",
    "az-login-pull",
    "docker-locked-push",
    "az-check-health",
    "sdk-delete-tag",
    "trust-sign",
    "vendors-pull",
];

fn engine(name: &str) -> Engine {
    let mut engine = Engine::new();
    for exchange in fixture::read(&format!("pulls/{name}.toml")).exchanges() {
        engine.update(&exchange);
    }
    engine.finish();
    engine
}

#[test]
fn finds_nothing_above_normal_in_a_healthy_session() {
    for name in NAMES {
        let expected = fixture::read(&format!("pulls/{name}.toml")).expect.unwrap_or_default();
        let found = engine(name).findings();
        let troubles: Vec<_> =
            found.iter().filter(|finding| finding.is_trouble()).map(|finding| finding.rule.id.as_str()).collect();
        assert_eq!(troubles, expected, "{name}: {found:#?}");
    }
}

#[test]
fn explains_a_pull_line_by_line() {
    let engine = engine("docker-login-pull");
    let catalogue = Catalogue::built_in();
    let mut lines = Vec::new();
    for exchange in fixture::read("pulls/docker-login-pull.toml").exchanges() {
        let notes: Vec<_> = engine.meaning(&exchange).iter().map(|note| note.text(&catalogue, Language::En)).collect();
        lines.push(format!(
            "{} {} {} {}: {}",
            exchange.id,
            exchange.method().unwrap(),
            exchange.status().unwrap(),
            engine.role(&exchange).as_str(),
            notes.join("; ")
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn says_what_happened_before_it_says_who_answered() {
    let catalogue = Catalogue::built_in();
    let notes = |exchange: &Exchange| {
        let notes = Engine::new().meaning(exchange);
        notes.iter().map(|note| note.text(&catalogue, Language::En)).collect::<Vec<_>>()
    };
    let mut refused = fixture::read("network.dns-failure/fires.toml").exchanges().remove(0);
    let by_us = "pulltap answered this itself";
    assert_eq!(notes(&refused), ["the name myregistry.azurecr.io does not resolve", by_us]);
    let failure = refused.failure.as_mut().unwrap();
    failure.kind = FailureKind::Malformed;
    failure.chain = vec!["TLS where a proxy request was expected".to_owned()];
    assert_eq!(notes(&refused), ["failed: TLS where a proxy request was expected", by_us]);
    refused.failure.as_mut().unwrap().chain.clear();
    assert_eq!(notes(&refused), ["failed: malformed (resolve)", by_us]);
}

#[test]
fn says_what_it_could_not_check() {
    let mut described = fixture::read("tls.certificate-expired/quiet.toml").exchanges();
    for exchange in &mut described {
        exchange.origin = pulltap::exchange::Origin::File;
        exchange.failure = None;
        exchange.response = None;
        (exchange.client_tls, exchange.upstream_tls) = (None, None);
    }
    let mut engine = Engine::new();
    for exchange in &described {
        engine.update(exchange);
    }
    engine.finish();
    assert_eq!(engine.findings().iter().filter(|finding| Finding::is_trouble(finding)).count(), 0);
    let not_checked: Vec<_> = engine.not_checked().iter().map(|rule| rule.rule.id.as_str()).collect();
    for rule in ["tls.certificate-expired", "tls.proxy-ca-untrusted", "network.dns-failure"] {
        assert!(not_checked.contains(&rule), "{rule} was not checked, and that is not said: {not_checked:?}");
    }
    let healthy = self::engine("docker-login-pull");
    let lacking: Vec<_> = healthy.not_checked().iter().map(|lacking| lacking.rule.id.as_str()).collect();
    assert!(lacking.is_empty(), "the fixture has all that rules need: {lacking:?}");
}

#[test]
fn follows_the_tokens_of_every_vendor() {
    let tokens: Vec<_> = engine("vendors-pull")
        .tokens()
        .into_iter()
        .map(|token| {
            let granted =
                token.granted.map(|scopes| scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
            let user = token.user.unwrap_or_else(|| "nobody".to_owned());
            format!(
                "{} from {} for {user}: {}, {} uses, {} refused",
                token.registry,
                token.issued_by,
                granted.as_deref().unwrap_or("does not say"),
                token.uses.len(),
                token.refused
            )
        })
        .collect();
    insta::assert_snapshot!(tokens.join("\n"));
}
