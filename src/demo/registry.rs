//! The demo registry: Azure Container Registry's answers to a pull and a push, and its refusals.
//!
//! Heads and bodies follow recordings: azure-sdk-for-js (challenge, token, redirect), Azure/azure-sdk-for-net#22827
//! (lock), docker/build-push-action#1214 (firewall), microsoft/containerregistry#108 (throttling).

use std::sync::Arc;

use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::registry::token::{Authorization, base64_decoded};
use crate::registry::{Endpoint, Scope, parameters};

use super::Scenario;
use super::answer::{Answer, JSON, of_registry, with};
use super::image::{Document, Image, REGISTRY, REPOSITORY};
use super::storage::Storage;
use super::tokens::Signer;

/// The user that the registry knows.
pub const USER: &str = "demo-user";
/// The password of that user.
pub const PASSWORD: &str = "demo-password";

/// The address from which the registry sees its client come, an address for documentation (RFC 5737).
const CLIENT_ADDRESS: &str = "203.0.113.24";

/// What the registry says where it wants to know who asks.
const AUTHENTICATE: &str = "authentication required, visit https://aka.ms/acr/authorization for more information.";

/// The registry.
#[derive(Debug)]
pub struct Registry {
    /// How it behaves.
    pub scenario: Scenario,
    /// The only image it has.
    pub image: Arc<Image>,
    /// Where it sends its clients for blobs.
    pub storage: Arc<Storage>,
    /// Signs its tokens.
    pub signer: Signer,
}

impl Registry {
    /// The answer to a request.
    pub async fn answer<Body>(&self, request: &Request<Body>) -> Answer {
        let (path, query) = (request.uri().path(), request.uri().query());
        match (request.method().as_str(), Endpoint::of(path, query)) {
            ("GET", Endpoint::Ping) => self.ping(request).await,
            ("GET", Endpoint::Token) => self.token(request),
            ("GET" | "HEAD", Endpoint::Manifest { repository, reference }) => {
                self.guarded(request, &repository, "pull", || self.manifest(request.method(), &reference))
            }
            ("PUT", Endpoint::Manifest { repository, .. }) => {
                self.guarded(request, &repository, "push", || self.put_manifest())
            }
            ("GET" | "HEAD", Endpoint::Blob { repository, digest }) => {
                self.guarded(request, &repository, "pull", || self.blob(request.method(), &digest))
            }
            _ => with(of_registry(StatusCode::NOT_FOUND), "text/plain; charset=utf-8", "404 page not found\n"),
        }
    }

    async fn ping<Body>(&self, request: &Request<Body>) -> Answer {
        if self.scenario == Scenario::Timeout {
            // The client leaves, and the connection's task ends with it.
            std::future::pending::<()>().await;
        }
        match bearer(request).map(|token| self.signer.claims(token)) {
            Some(Some(_)) => with(of_registry(StatusCode::OK), JSON, "{}"),
            Some(None) => challenge(None, Some("invalid_token")),
            None => challenge(None, None),
        }
    }

    /// What is asked of a repository, if the token allows it.
    fn guarded<Body>(
        &self,
        request: &Request<Body>,
        repository: &str,
        action: &str,
        answer: impl FnOnce() -> Answer,
    ) -> Answer {
        let actions = if action == "push" { ["pull", "push"].as_slice() } else { &["pull"] };
        let scope = Scope::of("repository", repository, actions.iter().copied());
        let Some(token) = bearer(request) else { return challenge(Some(&scope), None) };
        let Some(claims) = self.signer.claims(token) else { return challenge(Some(&scope), Some("invalid_token")) };
        if scope.missing_from(&claims.access.unwrap_or_default()).is_some() {
            return challenge(Some(&scope), Some("insufficient_scope"));
        }
        if repository != REPOSITORY {
            return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", "repository name not known to registry", &json!({}));
        }
        answer()
    }

    /// A token for who proves to be the user; for what it allows, see the scenario.
    fn token<Body>(&self, request: &Request<Body>) -> Answer {
        if self.scenario == Scenario::Firewall {
            // The quotes are escaped on the wire.
            let body = format!(
                r#"{{"errors":[{{"code":"DENIED","message":"client with IP \u0027{CLIENT_ADDRESS}\u0027 is not allowed access. Refer https://aka.ms/acr/firewall to grant access."}}]}}"#
            );
            return with(of_registry(StatusCode::FORBIDDEN), JSON, body);
        }
        let query = request.uri().query().unwrap_or_default();
        let scope = parameters::first(query, "scope").and_then(|scope| Scope::new(&scope));
        if credentials(request).is_none_or(|(user, password)| user != USER || password != PASSWORD) {
            return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", AUTHENTICATE, &detail(scope.as_ref()));
        }
        let Some(scope) = scope else {
            return error(StatusCode::BAD_REQUEST, "UNSUPPORTED", "a scope is wanted", &json!({}));
        };
        let allowed = if self.scenario == Scenario::NoPermission { &[] } else { scope.actions() };
        let token = json!({"access_token": self.signer.token(USER, &scope, allowed)});
        let head = of_registry(StatusCode::OK).header("x-ms-ratelimit-remaining-calls-per-second", "166.65");
        with(head, JSON, token.to_string())
    }

    fn manifest(&self, method: &Method, reference: &str) -> Answer {
        if self.scenario == Scenario::Throttled && method == Method::GET {
            let message = "Too many requests. Please visit https://aka.ms/acr/skus#sku-feature-matrix to view limits \
                           of all service tiers.";
            return error(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", message, &json!({}));
        }
        let Some(Document { media_type, digest, content }) = self.image.document(reference) else {
            let message = format!("manifest tagged by \"{reference}\" is not found");
            return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", &message, &json!({}));
        };
        let head = of_registry(StatusCode::OK)
            .header("Docker-Content-Digest", digest)
            .header(header::ETAG, format!("\"{digest}\""))
            // Told for HEAD, too, whose answer has no content.
            .header(header::CONTENT_LENGTH, content.len());
        with(head, media_type, content.clone())
    }

    fn put_manifest(&self) -> Answer {
        if self.scenario == Scenario::Locked {
            let message = "The operation is disallowed on this registry, repository or image. View troubleshooting \
                           steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation";
            return error(StatusCode::METHOD_NOT_ALLOWED, "REGISTRY_DISALLOWED_OPERATION", message, &json!({}));
        }
        with(of_registry(StatusCode::CREATED), JSON, "")
    }

    /// That it is there, or the way to it.
    fn blob(&self, method: &Method, digest: &str) -> Answer {
        let Some(blob) = self.image.blob(digest) else {
            return error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry", &json!({}));
        };
        let head = |status| of_registry(status).header("Docker-Content-Digest", digest);
        if method == Method::HEAD {
            let head = head(StatusCode::OK).header(header::CONTENT_LENGTH, blob.size);
            return with(head, "application/octet-stream", "");
        }
        let url = self.storage.signed_url(digest);
        let page = format!("<a href=\"{}\">Temporary Redirect</a>.\n\n", url.replace('&', "&amp;"));
        with(head(StatusCode::TEMPORARY_REDIRECT).header(header::LOCATION, url), "text/html; charset=utf-8", page)
    }
}

/// 401: who asks, and for what? Or: this token will not do.
fn challenge(scope: Option<&Scope>, why: Option<&str>) -> Answer {
    let mut value = format!("Bearer realm=\"https://{REGISTRY}/oauth2/token\",service=\"{REGISTRY}\"");
    for (name, text) in [("scope", scope.map(Scope::to_string)), ("error", why.map(str::to_owned))] {
        if let Some(text) = text {
            value = format!("{value},{name}=\"{text}\"");
        }
    }
    let head = of_registry(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, value);
    with(head, JSON, errors("UNAUTHORIZED", AUTHENTICATE, &detail(scope)))
}

/// What was asked for, one entry per action.
fn detail(scope: Option<&Scope>) -> Value {
    let Some(scope) = scope else { return Value::Null };
    let entry = |action| json!({"Type": scope.kind(), "Name": scope.name(), "Action": action});
    scope.actions().iter().map(entry).collect()
}

fn error(status: StatusCode, code: &str, message: &str, detail: &Value) -> Answer {
    with(of_registry(status), JSON, errors(code, message, detail))
}

fn errors(code: &str, message: &str, detail: &Value) -> String {
    json!({"errors": [{"code": code, "message": message, "detail": detail}]}).to_string()
}

fn authorization<Body>(request: &Request<Body>) -> Option<&str> {
    request.headers().get(header::AUTHORIZATION)?.to_str().ok()
}

fn bearer<Body>(request: &Request<Body>) -> Option<&str> {
    let value = authorization(request)?;
    matches!(Authorization::kind_of(value), Authorization::Bearer { .. }).then(|| value.get(7..)).flatten()
}

/// The user and password that a request carries.
fn credentials<Body>(request: &Request<Body>) -> Option<(String, String)> {
    let basic = String::from_utf8(base64_decoded(authorization(request)?.strip_prefix("Basic ")?)?).ok()?;
    basic.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}
