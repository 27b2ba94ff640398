//! Rules that are only a match: how their conditions are judged, and what evidence they leave.

use crate::registry::error_body::contains_ignoring_case;

use crate::exchange::{FailureKind, Side, Stage};
use crate::registry::{Role, Vendor};

use super::case::Case;
use super::facts::Method;
use super::rule::Condition::{Code, Is, Kind, Says, Side as By, Stage as During, Status};
use super::rule::{Condition, Match, Need, Rule};
use super::sureness::Alternative::{Or, OrIf};

const BODY: &[Need] = &[Need::ResponseBody];
const FAILURE: &[Need] = &[Need::Failure];

/// The rules about requests.
pub(super) const ROWS: &[Rule] = &[
    // Texts of Azure Container Registry's token endpoint: Azure/docker-login#46, Azure/acr#366, vscode-docker#3780.
    Rule::error("auth.client-secret-invalid", "service-principal-expired")
        .on(&[Role::Token, Role::Ping, Role::Manifest])
        .needs(BODY)
        .supersedes(&["auth.token-refused", "auth.basic-refused", "auth.anonymous-refused"])
        .likely(&[Or("client-id-wrong"), Or("secret-id-sent")])
        .when(&[Status(&[401]), Says(&["Invalid clientid or client secret"])]),
    Rule::error("auth.application-not-registered", "service-principal-expired")
        .on(&[Role::Token, Role::Ping, Role::Manifest])
        .needs(BODY)
        .supersedes(&["auth.token-refused", "auth.basic-refused", "auth.anonymous-refused"])
        .likely(&[Or("application-missing"), Or("token-with-wrong-user")])
        .when(&[Status(&[401]), Says(&["Application not registered with AAD"])]),
    Rule::error("auth.user-name-not-guid", "wrong-credentials")
        .on(&[Role::Token, Role::Ping, Role::Manifest])
        .needs(BODY)
        .supersedes(&["auth.token-refused", "auth.basic-refused", "auth.anonymous-refused"])
        .when(&[Status(&[401]), Says(&["client id must be guid"])]),
    // The only text that names it is Azure Resource Manager's (MicrosoftDocs/azure-docs#57954).
    Rule::error("acr.admin-user-disabled", "admin-user-disabled")
        .needs(BODY)
        .supersedes(&["auth.token-refused", "auth.basic-refused"])
        .when(&[Status(&[400, 401, 403, 409]), Says(&["admin user is disabled"])]),
    // Azure/azure-sdk-for-net#22827, recorded.
    Rule::error("acr.disallowed-operation", "disallowed-operation")
        .needs(BODY)
        .likely(&[OrIf("quarantined-image", is_no_deletion), OrIf("storage-full", is_no_deletion), Or("classic-tier")])
        .when(&[Status(&[405]), Code(&["REGISTRY_DISALLOWED_OPERATION"])]),
    // distribution's code for what a registry does not do: deletion that is off, a push to a mirror. containerd asks again
    // with GET where a HEAD is not supported (core/remotes/docker/resolver.go).
    Rule::error("registry.unsupported", "disallowed-operation")
        .needs(BODY)
        .likely(&[OrIf("read-only-mirror", |case| !is_no_deletion(case))])
        .when(&[Status(&[405]), Code(&["UNSUPPORTED"]), Is(|case| case.facts.method != Method::Head)]),
    Rule::error("registry.name-invalid", "repository-format").needs(BODY).when(&[Code(&["NAME_INVALID"])]),
    // A path outside the routes of the registry, as for upper-case names (azure-sdk-for-python recording, Azure/acr#166).
    Rule::error("registry.path-unknown", "repository-format")
        .on(&[Role::Manifest, Role::Blob, Role::Upload, Role::Tags, Role::Referrers, Role::Delete])
        .needs(BODY)
        .supersedes(&["manifest.unknown", "blob.unknown"])
        .likely(&[Or("path-altered")])
        .when(&[Status(&[404]), Says(&["404 page not found"])]),
    // The password of `aws ecr get-login-password` holds for 12 hours (aws/aws-cli#6580; older texts name the command).
    Rule::error("ecr.login-expired", "token-expired")
        .needs(BODY)
        .supersedes(&["auth.denied", "auth.basic-refused", "auth.token-refused", "auth.token-invalid"])
        .when(&[Status(&[400, 401, 403]), Says(&["authorization token has expired"])]),
    // goharbor/harbor#8802, #17390: DENIED, as for a missing permission.
    Rule::error("harbor.quota-exceeded", "quota-exceeded")
        .needs(BODY)
        .supersedes(&["auth.denied"])
        .when(&[Status(&[400, 403, 412]), Says(&["will exceed the configured upper limit"])]),
    // Harbor's policies against vulnerable and unsigned images (goharbor/harbor#11202).
    Rule::error("harbor.policy-violation", "image-policy")
        .needs(BODY)
        .supersedes(&["auth.denied"])
        .when(&[Status(&[403, 412]), Code(&["PROJECTPOLICYVIOLATION"])]),
    // MCR and Azure Front Door answer in plain text (Azure/acr#754).
    Rule::error("throttle.front-door", "throttled")
        .needs(BODY)
        .supersedes(&["throttle.registry"])
        .when(&[Status(&[429]), Says(&["Ref A:"])]),
    Rule::error("throttle.hub", "hub-rate-limit")
        .supersedes(&["throttle.registry"])
        .when(&[Status(&[429]), Is(is_hub_limit)]),
    // Codes: learn.microsoft.com, "Common REST API error codes" and "SAS error codes"; S3's and CloudFront's own.
    Rule::error("storage.signature-invalid", "sas-invalid")
        .on(&[Role::Storage])
        .needs(BODY)
        .likely(&[Or("storage-key-changed")])
        .when(&[Status(&[403]), Code(&["AuthenticationFailed", "SignatureDoesNotMatch", "MissingKey", "InvalidKey"])]),
    // The part of the URL that is its key was lost: what is left is an anonymous request.
    Rule::error("storage.signature-missing", "sas-invalid")
        .on(&[Role::Storage])
        .needs(BODY)
        .supersedes(&["blob.unknown"])
        .possible(&[Or("client-used-path")])
        .when(&[Status(&[401, 403, 404, 409]), Code(&["PublicAccessNotPermitted", "NoAuthenticationInformation"])]),
    // "The server is currently unable to receive requests": Azure Storage's and S3's own limits.
    Rule::error("throttle.storage", "throttled")
        .on(&[Role::Storage])
        .needs(BODY)
        .supersedes(&["server.gateway-error"])
        .when(&[Status(&[500, 503]), Code(&["ServerBusy", "SlowDown", "OperationTimedOut"])]),
    // An Entra token (not the registry's) was sent to the storage, and is not accepted (azcopy).
    Rule::error("storage.bearer-refused", "rest-auth-format")
        .on(&[Role::Storage])
        .needs(BODY)
        .when(&[Status(&[401]), Code(&["InvalidAuthenticationInfo"])]),
    Rule::error("storage.access-refused", "storage-firewall").on(&[Role::Storage]).needs(BODY).when(&[
        Status(&[403, 409]),
        Code(&[
            "AuthorizationFailure",
            "AuthorizationSourceIPMismatch",
            "AuthorizationProtocolMismatch",
            "AuthorizationPermissionMismatch",
            "AccountIsDisabled",
        ]),
    ]),
    Rule::error("content.truncated-body", "truncated-body").needs(FAILURE).possible(&[Or("transfer-limit")]).when(&[
        During(&[Stage::ReadBody]),
        By(&[Side::Origin]),
        Kind(|kind| matches!(kind, FailureKind::Truncated | FailureKind::Reset | FailureKind::TimedOut)),
    ]),
    Rule::error("network.answer-reset", "connection-reset")
        .needs(FAILURE)
        .possible(&[Or("firewall-cut-off"), Or("network-broken")])
        .when(&[
            During(&[Stage::Send, Stage::AwaitHead]),
            By(&[Side::Origin]),
            Kind(|kind| matches!(kind, FailureKind::Reset | FailureKind::Truncated)),
        ]),
    // A proxy answers a plain-HTTP request itself; for TLS it refuses the tunnel.
    Rule::error("network.proxy-wants-login", "parent-proxy-auth")
        .supersedes(&["network.block-page"])
        .likely(&[Or("proxy-password-wrong")])
        .when(&[Status(&[407]), Is(|case| !case.facts.answered_by_us)]),
    // Azure's policies (FAQ: built-in policies that keep the admin user disabled).
    Rule::error("arm.disallowed-by-policy", "policy-admin-credentials")
        .needs(BODY)
        .when(&[Status(&[403]), Code(&["RequestDisallowedByPolicy"])]),
    Rule::error("proxy.request-limitation", "proxy-limitation").when(&[Kind(is_limitation), Is(is_relayed)]),
];

/// The rules about connections.
pub(super) const CONNECTION_ROWS: &[Rule] = &[
    connection("network.dns-failure", "dns-failure")
        .possible(&[OrIf("private-zone-missing", is_acr_host), Or("resolver-filters")])
        .when(&[During(&[Stage::Resolve]), By(&[Side::Origin]), Kind(|kind| *kind == FailureKind::NameNotFound)]),
    // Who gets no answer has not asked for a wrong name.
    connection("network.resolver-failed", "dns-failure")
        .likely(&[OrIf("forwarder-unreachable", is_acr_host), Or("zone-unanswered")])
        .when(&[
            During(&[Stage::Resolve]),
            By(&[Side::Origin]),
            Kind(|kind| !matches!(kind, FailureKind::GaveUp | FailureKind::NameNotFound)),
        ]),
    connection("network.connection-refused", "connection-refused").likely(&[Or("firewall-answers")]).when(&[
        During(&[Stage::Connect]),
        By(&[Side::Origin]),
        Kind(|kind| *kind == FailureKind::Refused),
    ]),
    connection("network.unreachable", "connection-refused").likely(&[Or("local-rule")]).when(&[
        During(&[Stage::Connect]),
        By(&[Side::Origin]),
        Kind(|kind| *kind == FailureKind::Unreachable),
    ]),
    connection("network.connection-reset", "connection-reset")
        .possible(&[Or("server-overloaded"), Or("network-broken")])
        .when(&[
            During(&[Stage::Connect, Stage::UpstreamTls]),
            By(&[Side::Origin]),
            Kind(|kind| matches!(kind, FailureKind::Reset | FailureKind::Truncated)),
        ]),
    connection("network.parent-proxy-auth", "parent-proxy-auth")
        .supersedes(&["network.parent-proxy-refused"])
        .likely(&[Or("proxy-password-wrong")])
        .when(&[Kind(|kind| *kind == FailureKind::ParentProxyRefused(407))]),
    connection("network.parent-proxy-refused", "parent-proxy-refused")
        .likely(&[OrIf("proxy-cannot-connect", |case| refused_by_proxy(case).is_none_or(|status| status >= 500))])
        .when(&[Kind(|kind| matches!(kind, FailureKind::ParentProxyRefused(_)))]),
    // What failed on the way to the proxy says nothing about the host behind it. One that took the connection and then
    // leaves open whether there is a tunnel may itself be waiting for that host.
    connection("network.parent-proxy-unreachable", "parent-proxy-refused")
        .supersedes(&[
            "connection.timeout",
            "network.connection-refused",
            "network.connection-reset",
            "network.data-endpoint-blocked",
            "network.dns-failure",
            "network.private-endpoint-unreachable",
            "network.resolver-failed",
            "network.unreachable",
        ])
        .likely(&[OrIf("not-a-proxy", was_reached), OrIf("proxy-fenced-off", |case| !was_reached(case))])
        .when(&[
            By(&[Side::ParentProxy]),
            Kind(|kind| !matches!(kind, FailureKind::GaveUp | FailureKind::ParentProxyRefused(_))),
            Is(|case| !(was_reached(case) && failed_as(case, &FailureKind::TimedOut))),
        ]),
    connection("tls.rejected-by-server", "tls-rejected-by-server")
        .likely(&[OrIf("firewall-cut-off", |case| !failed_as(case, &FailureKind::TlsNothingInCommon))])
        .when(&[
            During(&[Stage::UpstreamTls]),
            By(&[Side::Origin]),
            Kind(|kind| {
                matches!(kind, FailureKind::TlsAlert(_) | FailureKind::TlsFailed | FailureKind::TlsNothingInCommon)
            }),
        ]),
    connection("tls.plain-http", "plain-http-on-tls")
        .when(&[During(&[Stage::UpstreamTls]), Kind(|kind| *kind == FailureKind::NotTls)]),
    connection("proxy.limitation", "proxy-limitation").when(&[Kind(is_limitation), Is(is_relayed)]),
];

const fn connection(name: &'static str, slug: &'static str) -> Rule {
    Rule::error(name, slug).of_connections().needs(FAILURE)
}

/// Docker Hub's own limit, wherever it comes from (docker/docs#13499, Azure/azure-sdk-for-js#34390).
pub(super) fn is_hub_limit(case: &Case<'_>) -> bool {
    case.vendor() == Vendor::DockerHub || case.says("pull rate limit")
}

fn failed_as(case: &Case<'_>, kind: &FailureKind) -> bool {
    case.facts.failure.as_deref().is_some_and(|failure| failure.kind == *kind)
}

/// The status with which the parent proxy refused the tunnel, if it was reached.
fn refused_by_proxy(case: &Case<'_>) -> Option<u16> {
    match case.facts.failure.as_deref()?.kind {
        FailureKind::ParentProxyRefused(status) => Some(status),
        _ => None,
    }
}

/// Whether the parent proxy took the connection.
fn was_reached(case: &Case<'_>) -> bool {
    case.facts.failure.as_deref().is_some_and(|failure| failure.stage == Stage::ParentProxy)
}

fn is_acr_host(case: &Case<'_>) -> bool {
    Vendor::of(&case.facts.host) == Vendor::Acr
}

fn is_no_deletion(case: &Case<'_>) -> bool {
    case.facts.method != Method::Delete
}

/// What pulltap does not do, whoever asked for it.
fn is_limitation(kind: &FailureKind) -> bool {
    matches!(kind, FailureKind::ClientCertificateWanted | FailureKind::Unsupported | FailureKind::HeadTooLarge)
}

/// Whether the proxy was asked for what a proxy does: a client that asks for `https://` without a CONNECT, or for FTP,
/// would not be helped by passing its host through.
fn is_relayed(case: &Case<'_>) -> bool {
    let failure = case.facts.failure.as_deref();
    !failure.is_some_and(|failure| failure.stage == Stage::Accept && failure.kind == FailureKind::Unsupported)
}

/// A match when all conditions hold, with the evidence of those that point somewhere.
pub(super) fn check(conditions: &[Condition], case: &Case<'_>) -> Option<Match> {
    if !conditions.iter().all(|condition| holds(condition, case)) {
        return None;
    }
    let mut found = Match::default();
    if case.facts.failure.is_some() {
        found.evidence.extend(case.failure_evidence());
    }
    for condition in conditions {
        match condition {
            Condition::Header(name, _) => found.evidence.extend(case.header_evidence(name)),
            Condition::Code(_) | Condition::Says(_) => found.evidence.extend(case.body_evidence()),
            _ => {}
        }
    }
    if found.evidence.is_empty() {
        found.evidence.extend(case.status_evidence());
    }
    found.evidence.dedup();
    Some(found)
}

fn holds(condition: &Condition, case: &Case<'_>) -> bool {
    let failure = case.facts.failure.as_deref();
    match condition {
        Condition::Status(statuses) => case.facts.status.is_some_and(|status| statuses.contains(&status)),
        Condition::Code(codes) => case.error().is_some_and(|error| codes.iter().any(|code| error.body.has_code(code))),
        Condition::Says(texts) => case.error().is_some_and(|error| texts.iter().any(|text| error.body.says(text))),
        Condition::Stage(stages) => failure.is_some_and(|failure| stages.contains(&failure.stage)),
        Condition::Side(sides) => failure.is_some_and(|failure| sides.contains(&failure.side)),
        Condition::Kind(is_such) => failure.is_some_and(|failure| is_such(&failure.kind)),
        Condition::Header(name, part) => {
            case.header(name).is_some_and(|header| contains_ignoring_case(&header.value, part))
        }
        Condition::Is(is_so) => is_so(case),
    }
}
