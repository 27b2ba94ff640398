//! How docker words a refusal to its user: the text that people search the web for.
//!
//! moby `distribution/errors.go` and the distribution client's `errors.go`, and measured with docker 20.10.24.

use crate::registry::{Challenge, ErrorBody};

use super::client::Answer;
use super::image::{REGISTRY, REPOSITORY};

/// What docker says of an answer that refuses.
pub fn of(answer: &Answer) -> String {
    let challenges = Challenge::list(answer.field("www-authenticate"));
    if challenges.iter().any(|challenge| challenge.error() == Some("insufficient_scope")) {
        return "denied: requested access to the resource is denied".to_owned();
    }
    let body = ErrorBody::of(&answer.content);
    let Some(error) = body.errors.first() else { return format!("unexpected status: {}", answer.status) };
    let message = error.message.as_deref().unwrap_or_default();
    match error.code.as_deref() {
        // docker knows the codes of the specification only.
        Some("REGISTRY_DISALLOWED_OPERATION") | None => format!("unknown: {message}"),
        Some(code) => format!("{}: {message}", code.to_ascii_lowercase()),
    }
}

/// How a pull words it: what is denied may just as well not exist.
pub fn of_pull(complaint: String) -> String {
    if !complaint.starts_with("denied: ") {
        return complaint;
    }
    format!(
        "pull access denied for {REGISTRY}/{REPOSITORY}, repository does not exist or may require 'docker login': {complaint}"
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn said(status: u16, challenge: &'static str, content: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("www-authenticate", HeaderValue::from_static(challenge));
        let digest = String::new();
        of_pull(of(&Answer { status, headers, content: content.into(), digest, length: content.len() as u64 }))
    }

    #[test]
    fn speaks_as_docker_does() {
        let denied = said(401, r#"Bearer realm="https://r/t",error="insufficient_scope""#, "");
        assert!(
            denied.starts_with("pull access denied for demoregistry.azurecr.io/samples/hello, repository does not")
        );
        assert!(denied.ends_with("'docker login': denied: requested access to the resource is denied"));
        let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"Too many requests."}]}"#;
        assert_eq!(said(429, "", body), "toomanyrequests: Too many requests.");
        let body = r#"{"errors":[{"code":"REGISTRY_DISALLOWED_OPERATION","message":"Disallowed."}]}"#;
        assert_eq!(said(405, "", body), "unknown: Disallowed.");
        assert_eq!(said(502, "", ""), "unexpected status: 502");
    }
}
