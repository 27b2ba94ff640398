//! How sure findings are: words for every alternative, alternatives in order, and fewer of them where the evidence tells.

use std::collections::BTreeSet;

use pulltap::diagnose::catalogue::placeholders;
use pulltap::diagnose::{Alternative, Catalogue, Parameters, Severity, Sureness, rules};
use pulltap::language::Language;

use super::fixture::{self, Fixture};
use super::rules::findings;

#[test]
fn a_rule_has_alternatives_where_it_is_not_certain_and_nowhere_else() {
    for rule in rules::all() {
        assert_eq!(rule.sureness == Sureness::Certain, rule.alternatives.is_empty(), "{}", rule.id);
        assert!(rule.severity > Severity::Normal || rule.alternatives.is_empty(), "{} is no trouble", rule.id);
        let names: Vec<_> = rule.alternatives.iter().map(Alternative::name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{}: {names:?}", rule.id);
    }
}

#[test]
fn every_alternative_has_words_in_every_language_and_a_rule_that_names_it() {
    let catalogue = Catalogue::parsed().unwrap();
    let named: BTreeSet<_> = rules::all().flat_map(|rule| rule.alternatives).map(Alternative::name).collect();
    assert_eq!(catalogue.alternatives().names().collect::<BTreeSet<_>>(), named);
    for name in named {
        let words = |language| {
            let texts = catalogue.alternatives().texts(name, language).unwrap();
            for text in texts {
                assert!(!text.trim().is_empty() && !text.contains('<'), "{name}, {}: {text}", language.tag());
            }
            texts
        };
        let marks = |texts: &[String; 2]| {
            texts.each_ref().map(|text| placeholders(text).into_iter().map(str::to_owned).collect::<BTreeSet<_>>())
        };
        let english = words(Language::En);
        for language in [Language::Ja, Language::ZhHant] {
            assert_eq!(marks(words(language)), marks(english), "{name}, {}", language.tag());
            assert_ne!(words(language)[0], english[0], "{name} is not translated");
            assert_ne!(words(language)[1], english[1], "{name} is not translated");
        }
    }
}

#[test]
fn an_alternative_leads_to_an_entry_that_exists_and_is_another() {
    let catalogue = Catalogue::parsed().unwrap();
    for rule in rules::all() {
        let names = rule.alternatives.iter().map(Alternative::name);
        let nothing = Parameters::new();
        let explained = catalogue.alternatives().explained(names, rule.slug, &nothing, Language::En);
        assert_eq!(explained.len(), rule.alternatives.len(), "{}", rule.id);
        for other in explained {
            let Some(faq) = other.faq else { continue };
            assert!(catalogue.entry(&faq).is_some(), "{} leads to {faq}", other.name);
            assert_ne!(faq, rule.slug, "{} leads from {} to itself", other.name, rule.id);
        }
    }
}

/// How sure a rule's finding is in a fixture, and what else it may be.
#[track_caller]
fn doubt(rule: &str, fixture: &Fixture) -> (&'static str, Vec<&'static str>) {
    let found = findings(fixture);
    let finding = found.into_iter().find(|finding| finding.rule.id.as_str() == rule);
    let finding = finding.unwrap_or_else(|| panic!("{rule} does not fire"));
    (finding.sureness.as_str(), finding.alternatives)
}

#[test]
fn what_the_capture_rules_out_is_no_alternative() {
    let told = "acr.public-access-disabled/fires.toml";
    let open = fixture::read_changed(told, "Disabled", "Enabled");
    assert_eq!(doubt("acr.firewall-denied", &open), ("likely", vec!["rule-just-added"]));

    let private = "acr.private-endpoint-bypassed/fires.toml";
    let rule = "acr.private-endpoint-bypassed";
    assert_eq!(doubt(rule, &fixture::read(private)), ("certain", vec![]));
    let open = fixture::read_changed(private, "Disabled", "Enabled");
    assert_eq!(doubt(rule, &open), ("likely", vec!["rule-missing"]));

    let on = fixture::read_changed(
        "acr.admin-user-off/fires.toml",
        "\"adminUserEnabled\":false",
        "\"adminUserEnabled\":true",
    );
    assert_eq!(doubt("auth.token-refused", &on), ("certain", vec![]));
}

#[test]
fn the_evidence_tells_more_or_less_of_the_cause() {
    for (rule, from, to, sureness, alternatives) in [
        ("push.content-refused", "form = 'layer'", "sent = 5", "possible", &["client-sent-wrong"][..]),
        ("tls.proxy-ca-untrusted", "42", "48", "certain", &[]),
        ("tls.proxy-ca-untrusted", "42", "46", "likely", &["certificate-pinned"]),
        (
            "auth.token-refused",
            "'alice'",
            "'0f0f0f0f-1111-2222-3333-444444444444'",
            "likely",
            &["service-principal-secret-expired", "role-missing"],
        ),
        (
            "auth.permission-effective",
            "'alice'",
            "'00000000-0000-0000-0000-000000000000'",
            "likely",
            &["other-account"],
        ),
        ("entra.client-secret", "7000215", "7000222", "certain", &[]),
        (
            "auth.insufficient-scope",
            ",error=\"insufficient_scope\"",
            "",
            "likely",
            &["role-just-assigned", "repository-hidden", "token-not-accepted", "authorization-stripped"],
        ),
        ("acr.disallowed-operation", "'PUT ", "'DELETE ", "likely", &["classic-tier"]),
    ] {
        let changed = fixture::read_changed(&format!("{rule}/fires.toml"), from, to);
        assert_eq!(doubt(rule, &changed), (sureness, alternatives.to_vec()), "{rule}, {to}");
    }
}

#[test]
fn one_silent_connection_is_less_telling_than_two() {
    let mut fixture = fixture::read("tls.proxy-ca-doubted/fires.toml");
    let second = fixture.split_off(1);
    assert_eq!(doubt("tls.proxy-ca-doubted", &fixture), ("possible", vec!["opened-ahead"]));
    assert_eq!(second, 1);
}

#[test]
fn docker_of_red_hat_makes_it_likelier_that_signatures_are_why() {
    let agent = fixture::DOCKER.replace("kernel/6.1.0", "kernel/3.10.0-1160.el7.x86_64");
    let red_hat = fixture::read("auth.push-then-pull-refused/fires.toml").of_agent(&agent);
    assert_eq!(doubt("auth.push-then-pull-refused", &red_hat), ("likely", vec!["logged-out"]));
}

#[test]
fn registries_of_other_vendors_have_other_reasons() {
    let elsewhere = fixture::read("auth.token-refused/fires.toml").at_host("registry.example");
    assert_eq!(doubt("auth.token-refused", &elsewhere), ("likely", vec!["password-not-taken", "login-needless"]));
}

#[test]
fn a_change_counts_for_ten_minutes_and_only_where_it_was_one_of_the_network() {
    let changed = "acr.firewall-just-changed/fires.toml";
    let rules = |fixture: Fixture| {
        let found = findings(&fixture);
        let trouble = found.iter().filter(|finding| finding.is_trouble());
        trouble.map(|finding| (finding.rule.id.as_str(), finding.sureness.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(rules(fixture::read(changed)), [("acr.firewall-just-changed", "certain")]);
    let late = fixture::read_changed(changed, "at = 4", "at = 64");
    assert_eq!(rules(late), [("acr.firewall-denied", "likely")]);
    let other = fixture::read_changed(
        changed,
        r#"form = '{"properties":{"networkRuleSet""#,
        r#"form = '{"properties":{"policies""#,
    );
    assert_eq!(rules(other), [("acr.firewall-denied", "likely")]);
    let closed =
        fixture::read_changed(changed, r#""publicNetworkAccess":"Enabled""#, r#""publicNetworkAccess":"Disabled""#);
    assert_eq!(rules(closed), [("acr.public-access-disabled", "certain")]);
    let subnets = fixture::read_changed(
        changed,
        r#""ipRules":[{"action":"Allow","value":"192.0.2.9"}]},"private"#,
        r#""virtualNetworkRules":[{"id":"subnet"}],"ipRules":[]},"private"#,
    );
    assert_eq!(rules(subnets), [("acr.firewall-just-changed", "likely")]);
}

#[test]
fn a_change_that_was_seen_is_why_the_client_is_let_in() {
    let changed = fixture::read_changed(
        "acr.firewall-just-changed/fires.toml",
        "at = 46.2\nrequest = 'GET /v2/'\nresponse = '403 Forbidden'\nbody = '{\"errors\":[{\"code\":\"DENIED\"",
        "at = 146.5\nrequest = 'GET /v2/'\nresponse = '401 Unauthorized'\nbody = '{\"errors\":[{\"code\":\"UNAUTHORIZED\"",
    );
    assert_eq!(doubt("acr.firewall-opened", &changed), ("certain", vec![]));
    let unseen = fixture::read("acr.firewall-opened/fires.toml");
    assert_eq!(doubt("acr.firewall-opened", &unseen), ("likely", vec!["other-address"]));
}
