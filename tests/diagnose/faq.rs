//! The FAQ of Azure Container Registry, entry by entry: what in the traffic leads to it, or why nothing does.

use pulltap::diagnose::{Catalogue, rules};

use super::fixture;
use super::rules::findings;

/// What leads to an entry.
enum Trace {
    /// These rules; each has a fixture that fires it.
    Rules(&'static [&'static str]),
    /// Nothing that a proxy sees, for this reason.
    None(&'static str),
}

use Trace::{None, Rules};

/// The 42 entries of the FAQ in its own order.
const ENTRIES: [(&str, Trace); 42] = [
    ("arm-template", None("a deployment of any kind of resource; nothing in it fails in a way of its own")),
    ("vulnerability-scanning", None("a scanner is a client like others")),
    ("kubernetes", Rules(&["auth.node-refused"])),
    ("admin-credentials", Rules(&["arm.credentials-read"])),
    ("admin-credentials-in-template", None("Resource Manager evaluates the template on its own side")),
    ("replication-delete-forbidden", Rules(&["arm.replication-forbidden"])),
    ("firewall-rule-delay", Rules(&["acr.firewall-denied", "acr.firewall-just-changed", "acr.firewall-opened"])),
    ("registry-http-api", Rules(&["auth.challenge", "token.fetched", "token.refreshed", "blob.redirect"])),
    ("delete-untagged-manifests", Rules(&["acr.manifests-listed"])),
    ("quota-not-reduced", Rules(&["acr.manifest-deleted"])),
    ("verify-storage-quota", Rules(&["arm.usages-read"])),
    ("cli-in-container", None("the docker command is missing, and is asked nothing")),
    ("enable-tls12", Rules(&["tls.client-too-old"])),
    ("content-trust", Rules(&["trust.not-signed", "trust.refused"])),
    ("thumbprint-files", None("files of the client's own machine")),
    (
        "pull-push-permissions",
        Rules(&["auth.insufficient-scope", "auth.denied", "arm.forbidden", "arm.build-forbidden"]),
    ),
    ("image-quarantine", Rules(&["acr.quarantined", "acr.read-disallowed"])),
    ("anonymous-pull", Rules(&["auth.anonymous-refused", "auth.challenge-unanswered"])),
    (
        "non-distributable-layers",
        Rules(&["image.foreign-layers", "image.foreign-layer-missing", "image.foreign-host-unreachable"]),
    ),
    ("check-health", Rules(&["registry.challenge-missing", "registry.challenge-incomplete", "arm.registry-not-found"])),
    ("pull-client-timeout", Rules(&["client.timeout"])),
    (
        "slow-pull",
        Rules(&[
            "pull.slow-first-byte",
            "pull.slow-layer",
            "pull.slow-transfer",
            "pull.slowed-by-throttling",
            "pull.many-retries",
        ]),
    ),
    ("slow-push", Rules(&["push.slow-answer", "push.slow-transfer", "push.slowed-by-throttling"])),
    ("push-ok-pull-unauthorized", Rules(&["auth.push-then-pull-refused"])),
    ("login-ok-docker-unauthorized", Rules(&["auth.registry-name-case", "auth.registry-name-port"])),
    ("daemon-debug-logs", None("a file of the client's own machine")),
    ("permissions-delay", Rules(&["auth.role-just-assigned", "auth.permission-effective"])),
    ("home-replication", None("the answer to the attempt is not known from any public source")),
    ("rest-auth-format", Rules(&["storage.credentials-forwarded"])),
    ("portal-list-limit", Rules(&["portal.list-cut"])),
    ("portal-fetch-failure", Rules(&["portal.fetch-failed"])),
    ("disallowed-operation", Rules(&["acr.disallowed-operation"])),
    ("repository-format", Rules(&["registry.name-invalid", "registry.path-unknown"])),
    ("http-trace-windows", None("what pulltap itself is for")),
    ("cancel-runs", None("a request like others; nothing in it goes wrong in a way of its own")),
    ("include-git-folder", None("what is packed into an archive before it is sent")),
    ("gitlab-triggers", None("between the registry and the source host")),
    ("git-services", None("between the registry and the source host")),
    ("run-error-no-subscriptions", Rules(&["arm.no-subscriptions"])),
    ("ci-cd-integration", None("no question about a failure")),
    ("agent-pool-timeout", None("between machines of Azure")),
    ("policy-admin-credentials", Rules(&["arm.disallowed-by-policy"])),
];

#[test]
fn every_entry_is_in_the_catalogue_and_its_rules_lead_to_it() {
    let catalogue = Catalogue::parsed().unwrap();
    for (slug, trace) in &ENTRIES {
        assert!(catalogue.entry(slug).is_some(), "{slug} is not in the catalogue");
        let Rules(names) = trace else { continue };
        assert!(!names.is_empty(), "{slug}");
        for name in *names {
            let found = findings(&fixture::read(&format!("{name}/fires.toml")));
            let finding = found.iter().find(|finding| finding.rule.id.as_str() == *name);
            let finding = finding.unwrap_or_else(|| panic!("{slug}: the fixture of {name} does not fire it"));
            assert_eq!(finding.slug(), *slug, "{name}");
        }
    }
}

#[test]
fn an_entry_without_a_trace_has_no_rule() {
    for (slug, trace) in &ENTRIES {
        let None(reason) = trace else { continue };
        let rule = rules::all().find(|rule| rule.slug == *slug);
        assert!(rule.is_none() && !reason.is_empty(), "{slug}: {rule:?}");
    }
}
