//! Logins that are not found, not right, or not yet effective, and registries that do not say how to log in.
//!
//! Not here, for want of traffic that would show it: RHEL's `--signature-verification` itself (only that a client pushed
//! with a login and then pulls without one), and an image pull secret in the wrong namespace.

use crate::registry::{Authorization, Client, ClientKind, Proof, Role, Scope};

use super::super::case::{Case, whole_seconds};
use super::super::episode::Member;
use super::super::evidence::Place;
use super::super::finding::{Parameters, Severity};
use super::super::past::Why;
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::{Sureness, names_admin_user, names_user};
use super::normal::{REGISTRY, is_repeated_as_get};
use super::token::{is_refused, token_refused, was_granted_after_all};

const TOKEN: &[Role] = &[Role::Token];
/// What a repository is asked for, without the ping that every pull begins with.
const REPOSITORY: &[Role] = &[Role::Manifest, Role::Blob, Role::Tags, Role::Referrers];

/// Azure's directory and the registry's token server take up to ten minutes between them.
const EFFECTIVE_MICROS: i64 = 600_000_000;

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("auth.permission-effective", "permissions-delay")
        .of_severity(Severity::Notice)
        .likely(&[OrIf("other-account", |case| !names_user(case) && case.member.role_assigned.is_none())])
        .logic(now_effective),
    Rule::error("auth.registry-name-port", "login-ok-docker-unauthorized")
        .on(TOKEN)
        .supersedes(&["auth.anonymous-refused"])
        .likely(&[Or("not-logged-in")])
        .logic(name_with_port),
    Rule::error("auth.user-name-newline", "wrong-credentials")
        .on(TOKEN)
        .supersedes(&["auth.token-refused", "server.gateway-error"])
        .logic(user_name_with_newline),
    Rule::error("acr.admin-user-refused", "wrong-credentials")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .supersedes(&["auth.token-refused"])
        .likely(&[Or("admin-password-other")])
        .logic(admin_user_refused),
    Rule::error("acr.admin-user-off", "admin-user-disabled")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .supersedes(&["acr.admin-user-refused", "auth.token-refused"])
        .logic(admin_user_off),
    Rule::error("auth.stale-login", "wrong-credentials")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .supersedes(&["auth.token-refused"])
        .logic(stale_login),
    Rule::error("auth.push-then-pull-refused", "push-ok-pull-unauthorized")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .supersedes(&["auth.anonymous-refused"])
        .possible(&[Or("logged-out")])
        .logic(push_then_pull_refused),
    Rule::error("auth.node-refused", "kubernetes")
        .of_severity(Severity::Notice)
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .likely(&[OrIf("by-hand", |case| Client::of(&case.facts.agent).kind == ClientKind::Containerd)])
        .logic(node_refused),
    Rule::error("auth.challenge-unanswered", "anonymous-pull")
        .of_severity(Severity::Warning)
        .on(REPOSITORY)
        .likely(&[Or("token-server-unreachable"), OrIf("only-looked", |case| !Client::of(&case.facts.agent).pulls())])
        .logic(challenge_unanswered),
    Rule::error("registry.challenge-missing", "check-health")
        .on(REGISTRY)
        .likely(&[Or("not-a-registry")])
        .logic(challenge_missing),
    Rule::error("registry.challenge-incomplete", "check-health")
        .on(REGISTRY)
        .supersedes(&["auth.challenge-unanswered"])
        .logic(challenge_incomplete),
];

/// What was refused minutes ago is granted now, to the same user as far as the traffic tells.
fn now_effective(case: &Case<'_>) -> Option<Match> {
    if !case.facts.succeeded() || case.episode.past().refusals.is_empty() {
        return None;
    }
    let refusals = || case.episode.past().refusals.iter().rev().filter(|refusal| refusal.why == Why::Permission);
    let user = case.user();
    let refusal = refusals().find(|refusal| {
        let is_same = refusal.place == case.facts.place && refusal.user.as_deref() == user;
        is_same && case.facts.opened.micros_since(refusal.ended) <= EFFECTIVE_MICROS
    })?;
    // The first that went well says it for all of them.
    let is_among = |earlier: &Member<'_>| refusals().any(|refusal| refusal.place == earlier.facts.place);
    if case.earlier().iter().any(is_among) {
        return None;
    }
    let seconds = whole_seconds(case.facts.opened.micros_since(refusal.ended));
    let parameters = Parameters::new().with("seconds", seconds.to_string());
    let mut found = Match::on(case.status_evidence()).with(parameters);
    found.also.push(refusal.exchange);
    Some(found)
}

/// Docker looks up credentials by the literal server name: `myregistry.azurecr.io:443` finds none that were saved for
/// `myregistry.azurecr.io` (MicrosoftDocs/azure-docs#58471).
fn name_with_port(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    if !case.member.names_port || !is_refused(case) || !token.request.is_anonymous() {
        return None;
    }
    let registry = case.member.registry;
    let evidence = case.evidence(Place::Target, &format!("{registry}:443"));
    let parameters = Parameters::new().with("lower_registry", registry.to_ascii_lowercase());
    Some(Match::on(case.status_evidence().into_iter().chain([evidence])).with(parameters))
}

/// A user name that was read from a file together with the end of its line: Azure Container Registry answers 500 to a
/// right one and 401 to a wrong one (fluxcd/source-controller#193).
fn user_name_with_newline(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    let user = token.request.user.as_deref().filter(|user| user.ends_with(['\n', '\r', ' ', '\t']))?;
    let is_failing = matches!(case.facts.status, Some(400 | 401 | 500));
    let evidence = case.status_evidence().into_iter().chain(case.authorization_evidence());
    let parameters = Parameters::new().with("user", user.trim_end());
    is_failing.then(|| Match::on(evidence).with(parameters))
}

/// The admin user is named like the registry. Refused, it is off (as it is by default), or its password is another one:
/// the registry answers both alike. Where it is known to be on, the password is wrong, as for any other user.
fn admin_user_refused(case: &Case<'_>) -> Option<Match> {
    case.token()?.request.user.as_deref()?;
    let is_on = case.settings().is_some_and(|settings| settings.admin_user == Some(true));
    if names_admin_user(case) && !is_on { token_refused(case) } else { None }
}

/// The same, where it is known to be off.
fn admin_user_off(case: &Case<'_>) -> Option<Match> {
    admin_user_refused(case)?;
    if case.settings()?.admin_user != Some(false) {
        return None;
    }
    let evidence =
        [case.status_evidence(), case.authorization_evidence(), case.settings_evidence(r#""adminUserEnabled":false"#)];
    Some(Match::on(evidence.into_iter().flatten()))
}

/// A saved login that is not valid any more, where none is needed: without it the pull would go well.
fn stale_login(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    let has_login = matches!(token.request.proof, Proof::Header | Proof::Password | Proof::RefreshToken);
    let is_pull = !token.request.scopes.is_empty() && token.request.scopes.iter().all(Scope::is_only_pull);
    if !has_login || !is_pull || !is_refused(case) {
        return None;
    }
    let anonymous = case.episode.granted_tokens().take(64).find(|granted| {
        let other = granted.facts.token.as_deref();
        other.is_some_and(|other| other.request.is_anonymous() && other.request.scopes == token.request.scopes)
    });
    let is_told = case.settings().is_some_and(|settings| settings.anonymous_pull == Some(true));
    let mut found = Match::on(case.status_evidence().into_iter().chain(case.authorization_evidence()));
    match anonymous {
        Some(granted) => found.also.push(granted.facts.id),
        None if is_told => found.evidence.extend(case.settings_evidence(r#""anonymousPullEnabled":true"#)),
        None => return None,
    }
    let severity = if was_granted_after_all(case) { Severity::Warning } else { Severity::Error };
    Some(found.with(Parameters::new().with_some("user", token.request.user.as_deref())).of_severity(severity))
}

/// The same client pushed to this repository shortly before, and pulls without a login now: Docker of Red Hat checks
/// signatures with a library that does not know the login (Azure/acr#54), or somebody logged out.
fn push_then_pull_refused(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    let (pushed, _) = case.episode.past().pushed?;
    let is_pull = !token.request.scopes.is_empty() && token.request.scopes.iter().all(Scope::is_only_pull);
    if !is_pull || !is_refused(case) || !token.request.is_anonymous() || was_granted_after_all(case) {
        return None;
    }
    let mut found = Match::on(case.status_evidence().into_iter().chain(case.body_evidence()));
    found.also.push(pushed);
    // docker names the kernel: those of Red Hat's family end with the release (`…el7.x86_64`).
    let is_red_hat = [".el", ".fc"].iter().any(|release| case.facts.agent.contains(release));
    Some(if is_red_hat { found.of_sureness(Sureness::Likely) } else { found })
}

/// The one that pulls is a node of a cluster (or a person with ctr or nerdctl): what has to log in is the node.
fn node_refused(case: &Case<'_>) -> Option<Match> {
    case.token()?;
    if !is_refused(case) || is_repeated_as_get(case) || was_granted_after_all(case) {
        return None;
    }
    let client = Client::of(&case.facts.agent);
    let is_node =
        matches!(client.kind, ClientKind::Containerd | ClientKind::KubeletCredentials) || client.name == "cri-o";
    is_node.then(|| Match::on(case.status_evidence()).with(Parameters::new().with("client", client.to_string())))
}

/// The registry said where to get a token, and the client did not ask there: it is not logged in, or cannot log in.
/// Only where nothing at all about this repository was asked with a login, nor any token for it.
fn challenge_unanswered(case: &Case<'_>) -> Option<Match> {
    /// Those that come after so many say the same, and each looks at all of the episode.
    const LOOKED_AT: usize = 64;
    let is_challenged = case.facts.status == Some(401) && !case.facts.challenges.is_empty() && case.at < LOOKED_AT;
    if !is_challenged || case.authorization().is_some() || case.member.repository.is_none() {
        return None;
    }
    let is_answer = |member: &Member<'_>| {
        member.role == Role::Token || member.facts.authorization.is_some() || member.facts.succeeded()
    };
    let is_unanswered = !case.episode.members().iter().any(is_answer);
    is_unanswered.then(|| Match::on(case.challenge_evidence()))
}

/// `CONNECTIVITY_CHALLENGE_ERROR` of the Azure CLI: RFC 9110, section 15.5.2, asks for a challenge in every 401.
fn challenge_missing(case: &Case<'_>) -> Option<Match> {
    let is_bare = case.facts.status == Some(401) && case.facts.challenges.is_empty() && !case.succeeded_later();
    (is_bare && case.authorization().is_none() && !case.facts.answered_by_us).then(|| Match::on(case.status_evidence()))
}

/// `CONNECTIVITY_AAD_LOGIN_ERROR` of the Azure CLI: a Bearer challenge that does not say where to get the token.
fn challenge_incomplete(case: &Case<'_>) -> Option<Match> {
    let (_, challenge) = case.bearer_challenge()?;
    let is_complete = challenge.realm().is_some_and(|realm| realm.contains("://"));
    let is_first = !matches!(case.authorization(), Some(Authorization::Bearer { .. }));
    (!is_complete && is_first && !case.succeeded_later()).then(|| Match::on(case.challenge_evidence()))
}
