//! Refused and reduced tokens.

use crate::registry::{Client, ClientKind, Proof, Role, Scope, Vendor, scope};

use super::super::case::Case;
use super::super::episode::Member;
use super::super::evidence::{Evidence, Place};
use super::super::facts::TokenFacts;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Need, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::{is_acr, is_not_acr, may_hide, names_admin_user, names_application};
use super::normal::is_repeated_as_get;

const TOKEN: &[Role] = &[Role::Token];

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    Rule::error("auth.token-refused", "wrong-credentials")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .supersedes(&["auth.anonymous-refused"])
        .likely(&[
            OrIf("login-too-old", is_saved_login),
            OrIf("service-principal-secret-expired", names_application),
            OrIf("role-missing", may_lack_role),
            OrIf("password-not-taken", is_not_acr),
            OrIf("login-needless", may_need_no_login),
        ])
        .logic(token_refused),
    Rule::error("token.login-expired", "token-expired")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .supersedes(&["auth.token-refused"])
        .likely(&[Or("login-revoked")])
        .logic(login_expired),
    Rule::error("auth.entra-token-refused", "wrong-credentials")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .likely(&[Or("login-too-old"), Or("entra-other-tenant")])
        .logic(entra_token_refused),
    Rule::error("auth.anonymous-refused", "anonymous-pull")
        .on(TOKEN)
        .needs(&[Need::RequestBody])
        .likely(&[
            Or("login-not-found"),
            OrIf("earlier-attempt-failed", from_node),
            OrIf("repository-hidden", may_hide),
        ])
        .logic(anonymous_refused),
    Rule::error("auth.registry-name-case", "login-ok-docker-unauthorized")
        .on(TOKEN)
        .supersedes(&["auth.anonymous-refused"])
        .likely(&[Or("not-logged-in")])
        .logic(name_in_upper_case),
    Rule::error("token.scope-reduced", "scope-reduced")
        .of_severity(Severity::Warning)
        .on(TOKEN)
        .needs(&[Need::ResponseBody])
        .logic(scope_reduced),
];

/// 401 and, on some registries (that of GitHub), 403. A firewall's 403 has a rule of its own.
pub(super) fn is_refused(case: &Case<'_>) -> bool {
    let status = case.facts.status;
    status == Some(401) || (status == Some(403) && case.has_code("DENIED") && !case.says("is not allowed access"))
}

/// A token request with credentials was refused, and that was the last word.
pub(super) fn token_refused(case: &Case<'_>) -> Option<Match> {
    let token = case.token().filter(|token| token.request.proof != Proof::AccessToken)?;
    if !is_refused(case) || token.request.is_anonymous() || is_repeated_as_get(case) {
        return None;
    }
    let severity = if was_granted_after_all(case) { Severity::Warning } else { Severity::Error };
    let parameters = Parameters::new().with_some("user", token.request.user.as_deref());
    Some(Match::on(evidence(case)).with(parameters).of_severity(severity))
}

/// A saved login, itself a token, that was good for a token before and is refused now: it outlived its time, as in a long
/// push (moby/moby#33558, MicrosoftDocs/azure-docs#13258).
fn login_expired(case: &Case<'_>) -> Option<Match> {
    let found = token_refused(case)?;
    let login = case.token()?.request.presented?;
    let was_good = |granted: &&Member<'_>| {
        let presented = granted.facts.token.as_deref().and_then(|token| token.request.presented);
        presented == Some(login) && granted.facts.opened < case.facts.opened
    };
    let granted = case.episode.granted_tokens().rev().find(was_good)?;
    let value = "the same login was good for this token".to_owned();
    let good = Evidence { exchange: granted.facts.id, place: Place::RequestBody, value };
    let mut found = Match { also: vec![granted.facts.id], ..found };
    found.evidence.push(good);
    Some(found)
}

/// `POST /oauth2/exchange`: Azure Container Registry refuses the Entra token (azure-cli acr, `_docker_utils.py`).
pub(super) fn entra_token_refused(case: &Case<'_>) -> Option<Match> {
    let token = case.token().filter(|token| token.request.proof == Proof::AccessToken)?;
    (is_refused(case) && !token.request.is_anonymous()).then(|| Match::on(evidence(case)))
}

fn anonymous_refused(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    if !is_refused(case) || !token.request.is_anonymous() {
        return None;
    }
    let severity = if was_granted_after_all(case) { Severity::Notice } else { Severity::Error };
    Some(Match::on(evidence(case)).of_severity(severity))
}

/// Docker looks up credentials by the literal server name, so `MyRegistry.azurecr.io` finds none that were saved for
/// `myregistry.azurecr.io` (measured with docker 20.10; MicrosoftDocs/azure-docs#42794).
fn name_in_upper_case(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    let registry = case.member.registry;
    let is_upper = registry.bytes().any(|byte| byte.is_ascii_uppercase());
    if !is_refused(case) || !token.request.is_anonymous() || !is_upper {
        return None;
    }
    let evidence = case.evidence(Place::Target, registry);
    let parameters = Parameters::new().with("lower_registry", registry.to_ascii_lowercase());
    Some(Match::on(case.status_evidence().into_iter().chain([evidence])).with(parameters))
}

fn evidence(case: &Case<'_>) -> impl Iterator<Item = Evidence> {
    let status = case.status_evidence();
    let body = case.body_evidence().filter(|body| Some(body) != status.as_ref());
    status.into_iter().chain(body).chain(case.authorization_evidence())
}

/// A kubelet tries one saved credential after the other: a later token for the same scopes makes the refusal harmless.
pub(super) fn was_granted_after_all(case: &Case<'_>) -> bool {
    let Some(token) = case.token() else { return false };
    case.episode.granted_tokens().any(|granted| {
        let same = granted.facts.token.as_deref().is_some_and(|other| other.request.scopes == token.request.scopes);
        granted.facts.opened > case.facts.opened && same
    })
}

/// The token is granted with 200, but for less than was asked: the specification allows it
/// (distribution docs/content/spec/auth/oauth.md); Docker Hub answers `"access":[]` so.
fn scope_reduced(case: &Case<'_>) -> Option<Match> {
    let token = case.token()?;
    let granted = token.answer.as_ref().filter(|answer| !answer.is_refresh_token)?.granted()?;
    let missing: Vec<_> = token.request.scopes.iter().filter_map(|scope| scope.missing_from(granted)).collect();
    if missing.is_empty() {
        return None;
    }
    let value = format!("asked {} granted {}", scope::listed(&token.request.scopes), scope::listed(granted));
    let evidence = case.evidence(Place::ResponseBody(0..0), &value);
    let parameters = Parameters::new().with("scope", scope::listed(&missing));
    let found = Match::on([evidence]).with(parameters);
    let is_harmless = case.vendor() != Vendor::DockerHub && went_well_without(case);
    Some(if is_harmless { found.of_severity(Severity::Notice) } else { found })
}

fn went_well_without(case: &Case<'_>) -> bool {
    let mut requests = case.later().iter().filter(|later| later.role.is_registry());
    let mut answered = 0_usize;
    let all_well = requests.all(|later| {
        answered = answered.saturating_add(1);
        later.facts.succeeded()
    });
    all_well && answered > 0
}

/// Whether the login is one that was saved as a token, as `az acr login` does.
fn is_saved_login(case: &Case<'_>) -> bool {
    case.token().is_some_and(|token| token.request.proof == Proof::RefreshToken)
}

/// Azure Container Registry refuses a right login that has no role; the admin user needs none.
fn may_lack_role(case: &Case<'_>) -> bool {
    is_acr(case) && !names_admin_user(case)
}

/// What everybody may pull is refused to a login that is not valid.
fn may_need_no_login(case: &Case<'_>) -> bool {
    let is_pull = |token: &TokenFacts| token.request.scopes.iter().all(Scope::is_only_pull);
    is_not_acr(case) && case.token().is_some_and(|token| !token.request.scopes.is_empty() && is_pull(token))
}

/// kubelet tries without a login, too, after a login did not work: it asks through containerd or CRI-O.
fn from_node(case: &Case<'_>) -> bool {
    let client = Client::of(&case.facts.agent);
    client.kind == ClientKind::Containerd || client.name == "cri-o"
}
