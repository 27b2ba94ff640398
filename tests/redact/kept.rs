//! What a diagnosis needs stays, byte for byte, and a mask has the shape of what it hides.

use pulltap::exchange::{Body, Exchange, Kept, WhyNotKept};

use super::*;

fn header(name: &str, value: &str) -> String {
    let mut made = exchange("/v2/");
    made.response.as_mut().unwrap().headers.push(name, value.as_bytes());
    let redacted = redactor().redact(made);
    redacted.response.as_ref().unwrap().headers.text(name).unwrap().into_owned()
}

fn body(text: &str) -> String {
    let made = Exchange { response_body: Body { bytes: text.into(), ..Body::default() }, ..exchange("/") };
    String::from_utf8(redactor().redact(made).into_inner().response_body.bytes).unwrap()
}

#[test]
fn header_fields_without_secrets() {
    for (name, value) in [
        (
            "WWW-Authenticate",
            "Bearer realm=\"https://myregistry.azurecr.io/oauth2/token\",service=\"myregistry.azurecr.io\",scope=\"repository:oci-artifact:pull,push\",error=\"invalid_token\"",
        ),
        (
            "WWW-Authenticate",
            "Basic realm=\"https://1234.dkr.ecr.eu-west-2.amazonaws.com/\",service=\"ecr.amazonaws.com\"",
        ),
        (
            "Www-Authenticate",
            "Bearer authorization_uri=https://login.microsoftonline.com/6b6ea6b6-0de0-4a71-99e2-aa7f83f8bb1a/oauth2/authorize resource_id=https://storage.azure.com",
        ),
        ("WWW-Authenticate", "Negotiate"),
        ("Docker-Content-Digest", "sha256:654b93f61054e4ce90ed203bb8d556a6200d5f906cf3eca0620738d6dc18cbed"),
        ("X-Ms-Correlation-Request-Id", "6b6ea6b6-0de0-4a71-99e2-aa7f83f8bb1a"),
        ("ETag", "\"0x8DB5260F2E4A9E8\""),
        (
            "User-Agent",
            "docker/20.10.24 go/go1.19.7 git-commit/5d6db84 kernel/5.15 UpstreamClient(Docker-Client/20.10.24 \\(linux\\))",
        ),
        ("Docker-Upload-Uuid", "a7e5b0a1-1111-2222-3333-444455556666"),
        ("Location", "/v2/oci-artifact/blobs/uploads/6b6ea6b6-0de0-4a71-99e2-aa7f83f8bb1a?_nouploadcache=false"),
        ("Link", "</v2/_catalog?last=team%2Fapp&n=100>; rel=\"next\""),
        ("Authorization", "Bearer"),
        ("Date", "Thu, 11 May 2023 19:59:17 GMT"),
        ("Content-MD5", "XrY7u+Ae7tCTyyK7j1rNww=="),
    ] {
        assert_eq!(header(name, value), value, "{name}");
    }
}

#[test]
fn targets_without_secrets() {
    for target in [
        "/oauth2/token?account=zapic&scope=repository%3Aimage%2Fname%3Apull&service=zapic.azurecr.io",
        "/oauth2/token?service=r.test&client_id=docker&offline_token=true",
        "/v2/team/app/manifests/sha256:654b93f61054e4ce90ed203bb8d556a6200d5f906cf3eca0620738d6dc18cbed",
        "/v2/team/app/blobs/uploads/?mount=sha256%3A654b93f61054e4ce90ed203bb8d556a6200d5f906cf3eca0620738d6dc18cbed&from=other",
        "/a//b/%41?x=%2F#z",
        "/v2/_catalog?n=100&last=a",
        "registry.test:443",
        "*",
    ] {
        let redacted = redactor().redact(exchange(target));
        assert_eq!(redacted.request_target(), Some(target));
        assert_eq!(redactor().redact_url(target), target);
    }
}

#[test]
fn documents_without_secrets() {
    for text in [
        r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr/authorization for more information.","detail":[{"Type":"repository","Name":"oci-artifact","Action":"pull"}]}]}"#,
        r#"{"errors":[{"code":"DENIED","message":"client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access."}]}"#,
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":7023,"digest":"sha256:b5b2b2c507a0944348e0303114d8d93aaaa081732b86451d9bce1f432a537bc7"},"annotations":{"org.opencontainers.image.created":"2023-05-11T19:59:17Z"}}"#,
        r#"{"token_type":"Bearer","expires_in":86399,"ext_expires_in":86399,"issued_at":"2016-08-24T11:17:52Z","scope":"a b","refresh_token":""}"#,
        r#"{"error":"invalid_grant","error_description":"AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks by conditional access."}"#,
        r##"{"config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin","LANG=C.UTF-8"],"Cmd":["/bin/sh","-c","#(nop) COPY"]}}"##,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.\nRequestId:7630dc0c-0000-0000-0000-000000000000\nTime:2023-05-11T20:19:17Z</Message><AuthenticationErrorDetail>Signature not valid in the specified time frame: Start [Thu, 11 May 2023 19:59:17 GMT] - Expiry [Thu, 11 May 2023 20:19:17 GMT]</AuthenticationErrorDetail></Error>",
        "unauthorized: authentication required",
        "denied: Your authorization token has expired. Reauthenticate and try again.",
        "Get \"https://myregistry.azurecr.io/v2/\": net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
        "failed to fetch anonymous token: unexpected status: 401 Unauthorized",
        "404 page not found\n",
    ] {
        assert_eq!(body(text), text);
        assert_eq!(redactor().redact_text(text), text);
    }
}

#[test]
fn a_jwt_stays_readable() {
    let masked = header("Authorization", &format!("Bearer {}", jwt("c2lnbmF0dXJl")));
    let whole = jwt("");
    let signature = masked.strip_prefix(&format!("Bearer {whole}")).unwrap();
    assert!(signature.starts_with("pulltap-masked-signature-"), "{signature}");
}

#[test]
fn equal_tokens_are_equal_wherever_they_stand() {
    let token = "a+b/c=d1e2f3g4h5i6j7k8";
    let mask = redactor().redact_text(&format!("token={token}")).strip_prefix("token=").unwrap().to_owned();
    assert!(mask.starts_with("pulltap-masked-token-"), "{mask}");
    assert_eq!(header("Authorization", &format!("Bearer {token}")), format!("Bearer {mask}"));
    assert_eq!(
        body(&format!("{{\"access_token\":\"{}\"}}", token.replace('/', "\\/"))),
        format!("{{\"access_token\":\"{mask}\"}}")
    );
    assert_eq!(body(&format!("refresh_token={}&service=x", percent(token))), format!("refresh_token={mask}&service=x"));
    assert_eq!(redactor().redact_url(&format!("/x?token={}", percent(token))), format!("/x?token={mask}"));
    let basic = format!("Basic {}", base64(format!("<token>:{token}")));
    assert_eq!(header("Authorization", &basic), format!("Basic {}", base64(format!("<token>:{mask}"))));
    let other = Redactor::new(FingerprintKey::new([8; 32]), Options::default());
    assert_ne!(other.redact_text(&format!("token={token}")), format!("token={mask}"));
}

#[test]
fn a_decoded_body_says_what_it_was() {
    let mut made = exchange("/");
    made.response.as_mut().unwrap().headers.push("Content-Encoding", b"gzip");
    made.response_body = Body { bytes: gzip(b"{\"a\":1}"), length: 27, ..Body::default() };
    let once = redactor().redact(made);
    assert_eq!((once.response_body.bytes.as_slice(), once.response_body.length), (&b"{\"a\":1}"[..], 27));
    assert_eq!(once.response_body.decoded_from, ["gzip"]);
    assert_eq!(redactor().redact(once.clone().into_inner()), once);
}

/// A content whose type says nothing, as the proxy hands it over.
fn untyped(bytes: &[u8], coding: Option<&str>) -> Body {
    let mut made = exchange("/");
    if let Some(coding) = coding {
        made.response.as_mut().unwrap().headers.push("Content-Encoding", coding.as_bytes());
    }
    let length = bytes.len() as u64;
    made.response_body =
        Body { bytes: bytes.to_vec(), length, kept: Kept::IfText(65_536), sha256: Some([1; 32]), ..Body::default() };
    let redacted = redactor().redact(made);
    assert_eq!(redactor().redact(redacted.clone().into_inner()), redacted);
    redacted.into_inner().response_body
}

#[test]
fn content_of_no_type_is_kept_if_it_is_text() {
    for (bytes, coding) in
        [(&b"{\"a\":1}"[..], None), (b"404 page not found\n", None), (&gzip(b"{\"a\":1}"), Some("gzip"))]
    {
        let body = untyped(bytes, coding);
        assert_eq!((body.kept, body.length, body.bytes.is_empty()), (Kept::All, bytes.len() as u64, false));
    }
    let masked = untyped(b"password=hunter2-hunter2", None);
    assert!(!masked.bytes.is_empty() && !masked.bytes.windows(7).any(|part| part == b"hunter2"), "{masked:?}");
}

#[test]
fn of_binary_content_of_no_type_nothing_is_kept_but_length_and_digest() {
    let utf16: Vec<u8> = "password=hunter2".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let layer = gzip(b"etc/passwd\0\0password=hunter2");
    for (bytes, coding) in [
        (&b"etc/passwd\0\0\0password=hunter2"[..], None),
        (&utf16, None),
        (&layer, None),
        (&gzip(b"\x7fELF\0password=hunter2"), Some("gzip")),
        (&layer, Some("unheard-of")),
    ] {
        let body = untyped(bytes, coding);
        assert_eq!((body.kept, body.bytes), (Kept::None(WhyNotKept::Binary), Vec::new()));
        assert_eq!((body.length, body.sha256), (bytes.len() as u64, Some([1; 32])));
    }
}

#[test]
fn a_form_that_lost_a_secret_loses_its_digest() {
    let mut made = exchange("/oauth2/token");
    made.request.as_mut().unwrap().headers.push("Content-Type", b"application/x-www-form-urlencoded");
    made.request_body =
        Body { bytes: b"username=bob&password=hunter2".to_vec(), sha256: Some([1; 32]), ..Body::default() };
    assert_eq!(redactor().redact(made).request_body.sha256, None);
}
