//! Pseudonyms: one name is one pseudonym wherever it stands, and none is left.

use std::net::SocketAddr;

use pulltap::exchange::Body;

use super::*;

fn pull() -> Exchange {
    let target = "/v2/team/backend/manifests/v1?scope=repository%3Ateam%2Fbackend%3Apull&account=alice.smith";
    let mut made = exchange(target);
    made.target = Target::https("contoso.azurecr.io", 443);
    made.client = Some(SocketAddr::from(([10, 20, 30, 40], 5000)));
    let request = made.request.as_mut().unwrap();
    request.headers.push("Host", b"contoso.azurecr.io");
    request.headers.push("Authorization", format!("Basic {}", base64("alice.smith:hunter2")).as_bytes());
    let response = made.response.as_mut().unwrap();
    let challenge = "Bearer realm=\"https://contoso.azurecr.io/oauth2/token\",service=\"contoso.azurecr.io\",scope=\"repository:team/backend:pull\"";
    response.headers.push("WWW-Authenticate", challenge.as_bytes());
    response.headers.push(
        "X-Token-Info",
        format!(
            "{}.{}.c2ln",
            base64_url("{\"alg\":\"RS256\"}").trim_end_matches('='),
            base64_url("{\"aud\":\"contoso.azurecr.io\",\"x\":\"team/backend\"}").trim_end_matches('=')
        )
        .as_bytes(),
    );
    let body = r#"{"errors":[{"code":"DENIED","message":"client with IP '203.0.113.77' is not allowed access to contoso","detail":[{"Name":"team/backend"}]}]}"#;
    made.response_body = Body { bytes: body.into(), ..Body::default() };
    failing(made, "Get https://contoso.azurecr.io/v2/team/backend: refused, said 10.20.30.40")
}

fn masking() -> Redactor {
    Redactor::new(FingerprintKey::new([7; 32]), Options { mask_names: true, ..Options::default() })
}

#[test]
fn no_name_is_left_anywhere() {
    let redacted = masking().redact(pull());
    for text in everything(&redacted) {
        for name in ["contoso", "team/backend", "alice.smith", "203.0.113.77", "10.20.30.40", "hunter2"] {
            assert!(!leaks(&text, name), "{name} in {}", String::from_utf8_lossy(&text));
        }
    }
    assert!(redacted.target.host.ends_with(".azurecr.io") && !redacted.target.host.contains("contoso"));
    assert_ne!(redacted.client.unwrap().ip(), pull().client.unwrap().ip());
}

#[test]
fn one_name_is_one_pseudonym() {
    let redacted = masking().redact(pull()).into_inner();
    let host = &redacted.target.host;
    let request = redacted.request.as_ref().unwrap();
    assert_eq!(request.headers.text("host").as_deref(), Some(host.as_str()));
    let challenge = redacted.response.as_ref().unwrap().headers.text("www-authenticate").unwrap().into_owned();
    assert!(
        challenge.starts_with(&format!("Bearer realm=\"https://{host}/oauth2/token\",service=\"{host}\"")),
        "{challenge}"
    );
    let repository = redacted.path().strip_prefix("/v2/").unwrap().strip_suffix("/manifests/v1").unwrap();
    assert!(repository.starts_with("repository-") && challenge.contains(&format!("repository:{repository}:pull")));
}

#[test]
fn names_stay_unless_asked() {
    let redacted = redactor().redact(pull()).into_inner();
    assert_eq!((redacted.target.clone(), redacted.client), (pull().target, pull().client));
    assert_eq!(redacted.request_target(), pull().request_target());
}
