//! Text that ends in the middle of a secret is masked like a whole one, at every byte.

use pulltap::exchange::Body;

use super::*;

/// Redacts every beginning of a body and looks for parts of the secret.
fn body_never_leaks(media_type: &str, text: &str, secret: &str) {
    for end in 0..=text.len() {
        let mut made = exchange("/");
        made.response.as_mut().unwrap().headers.push("content-type", media_type.as_bytes());
        made.response_body = Body { bytes: text.as_bytes()[..end].to_vec(), ..Body::default() };
        let redacted = redactor().redact(made);
        let out = &redacted.response_body.bytes;
        assert!(!leaks(out, secret), "{}\n  became {}", &text[..end], String::from_utf8_lossy(out));
    }
}

const SECRET: &str = "kJ8sQ2xV7bN4mZ1cR5tY9wL3";

#[test]
fn a_cut_body_leaks_nothing() {
    let signed = format!("https://a.blob.core.windows.net/x?se=2023&sig={SECRET}%3D&sp=r");
    let json_document =
        format!("{{\"n\":1,\"access_token\":\"{SECRET}\",\"u\":\"{signed}\",\"password\":\"{SECRET}\"}}");
    for (media_type, text) in [
        ("application/json", json_document.clone()),
        ("application/json", format!("{{\"t\":{},\"x\":1}}", json(&json_document))),
        ("application/json", format!("{{\"access_token\":\"{}\",\"x\":\"{}\"}}", jwt(SECRET), jwt(SECRET))),
        (
            "application/json",
            format!("{{\"auth\":\"{}\",\"data\":\"{}\"}}", base64(format!("bob:{SECRET}")), base64(&json_document)),
        ),
        (
            "application/json",
            format!("{{\"Authorization\":\"Bearer {SECRET}\",\"b\":\"Basic {}\"}}", base64(format!("bob:{SECRET}"))),
        ),
        ("application/json", json(&signed).replace('&', "\\u0026")),
        ("application/x-www-form-urlencoded", format!("grant_type=password&username=bob&password={SECRET}&scope=a")),
        ("application/x-www-form-urlencoded", format!("access_token={}&tenant=x", percent(&jwt(SECRET)))),
        ("application/x-www-form-urlencoded", format!("next={}&tenant=x", percent(&percent(&signed)))),
        ("text/html", format!("<a href=\"{0}\">x</a>{0}", signed.replace('&', "&amp;"))),
        ("text/plain", format!("see https://bob:{SECRET}@h.test/x and {}", jwt(SECRET))),
        ("text/plain", format!("Authorization: Bearer {SECRET}\r\nCookie: a={SECRET}; b={SECRET}\r\n")),
        ("application/xml", format!("<Error><SignatureProvided>{SECRET}</SignatureProvided></Error>")),
        ("text/plain", format!("escaped {{\\\"token\\\":\\\"{SECRET}\\\"}} and {}", base64(&json_document))),
    ] {
        body_never_leaks(media_type, &text, SECRET);
    }
}

#[test]
fn a_cut_url_or_line_leaks_nothing() {
    let redactor = redactor();
    for text in [
        format!(
            "https://bob:{SECRET}@a.test/x?sig={SECRET}&X-Amz-Credential={SECRET}%2F2023&verify=1683836357-{SECRET}"
        ),
        format!("/v2/a/blobs/uploads/1?_state={SECRET}&digest=sha256%3A00"),
        format!("/x?next={}", percent(&format!("https://h.test/?access_token={SECRET}"))),
    ] {
        for end in 0..=text.len() {
            assert!(!leaks(redactor.redact_url(&text[..end]).as_bytes(), SECRET), "{}", &text[..end]);
            assert!(!leaks(redactor.redact_text(&text[..end]).as_bytes(), SECRET), "{}", &text[..end]);
        }
    }
}

#[test]
fn a_cut_header_leaks_nothing() {
    for (name, value) in [
        ("Authorization", format!("Basic {}", base64(format!("bob:{SECRET}")))),
        ("Authorization", format!("Bearer {SECRET}")),
        ("Authorization", format!("Bearer {}", jwt(SECRET))),
        ("X-Registry-Auth", base64_url(format!("{{\"username\":\"bob\",\"password\":\"{SECRET}\"}}"))),
        ("Cookie", format!("a={SECRET}; b={SECRET}")),
    ] {
        for end in 0..=value.len() {
            let mut made = exchange("/");
            made.request.as_mut().unwrap().headers.push(name, &value.as_bytes()[..end]);
            let redacted = redactor().redact(made);
            let out = redacted.request.as_ref().unwrap().headers.first(name).unwrap().to_vec();
            assert!(!leaks(&out, SECRET), "{} became {}", &value[..end], String::from_utf8_lossy(&out));
        }
    }
}

#[test]
fn a_cut_coded_body_leaks_nothing() {
    let coded = gzip(format!("{{\"n\":1,\"access_token\":\"{SECRET}\"}}").as_bytes());
    for end in 0..coded.len() {
        let mut made = exchange("/");
        made.response.as_mut().unwrap().headers.push("Content-Encoding", b"gzip");
        made.response_body = Body { bytes: coded[..end].to_vec(), ..Body::default() };
        let redacted = redactor().redact(made);
        assert!(!leaks(&redacted.response_body.bytes, SECRET), "{end}");
    }
}
