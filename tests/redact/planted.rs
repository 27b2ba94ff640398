//! A random secret in each place of the list, and not a part of it left.

use pulltap::exchange::{Body, Exchange, Headers, ResponseHead};

use super::*;

/// Redacts exchanges made with several secrets and looks for each of them.
fn none_survives(place: &str, letters: &str, make: impl Fn(&str) -> Exchange) {
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    for round in 0..12 {
        let secret = random(&mut seed, letters, 14 + round * 3);
        let redacted = redactor().redact(make(&secret));
        for text in everything(&redacted) {
            assert!(!leaks(&text, &secret), "{place}: {secret}\n  left in {}", String::from_utf8_lossy(&text));
        }
    }
}

fn with_header(name: &str, value: &str) -> Exchange {
    let mut made = exchange("/v2/");
    made.request.as_mut().unwrap().headers.push(name, value.as_bytes());
    made.response.as_mut().unwrap().headers.push(name, value.as_bytes());
    let mut interim = ResponseHead::new(103, "Early Hints");
    interim.headers.push(name, value.as_bytes());
    made.interim.push(interim);
    let mut trailers = Headers::default();
    trailers.push(name, value.as_bytes());
    made.response_body.trailers = Some(trailers);
    made
}

fn with_body(media_type: &str, body: &str) -> Exchange {
    let mut made = exchange("/v2/");
    let body = Body { bytes: body.as_bytes().to_vec(), length: body.len() as u64, ..Body::default() };
    made.request.as_mut().unwrap().headers.push("content-type", media_type.as_bytes());
    made.request_body = body.clone();
    made.response.as_mut().unwrap().headers.push("content-type", media_type.as_bytes());
    made.response_body = body;
    made
}

#[test]
fn in_header_fields() {
    for name in [
        "X-Jfrog-Art-Api",
        "x-auth-token",
        "X-Amz-Security-Token",
        "Private-Token",
        "X-Registry-Auth",
        "Authorization",
        "proxy-authorization",
        "X-Registry-Config",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "X-Vault-Token",
        "Job-Token",
        "x-ms-encryption-key",
    ] {
        none_survives(name, WORD, |secret| with_header(name, secret));
    }
}

#[test]
fn in_authorization_of_every_scheme() {
    for scheme in ["Bearer", "bearer", "NTLM", "Negotiate", "Token", "PrivateKey", "SharedKey account:", "AWS key:"] {
        none_survives(scheme, WORD, |secret| {
            with_header("AUTHORIZATION", &format!("{scheme} {secret}").replace(": ", ":"))
        });
    }
    let basic = |user: &'static str| {
        move |secret: &str| with_header("Authorization", &format!("Basic {}", base64(format!("{user}:{secret}"))))
    };
    for user in ["bob", "AWS", "00000000-0000-0000-0000-000000000000", "_json_key", "<token>", ""] {
        none_survives(user, NASTY, basic(user));
        none_survives(user, NASTY, |secret| {
            with_header("Authorization", &format!("Basic {}", base64_url(format!("{user}:{secret}"))))
        });
    }
    none_survives("aws4", WORD, |secret| {
        with_header(
            "Authorization",
            &format!(
                "AWS4-HMAC-SHA256 Credential={secret}/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range, Signature={secret}"
            ),
        )
    });
    none_survives("digest", WORD, |secret| {
        with_header(
            "Authorization",
            &format!("Digest username=\"bob\", realm=\"r\", nonce=\"{secret}\", response=\"{secret}\""),
        )
    });
    none_survives("auxiliary", WORD, |secret| {
        with_header("x-ms-authorization-auxiliary", &format!("Bearer {secret}, Bearer {secret}x"))
    });
    none_survives("challenge", WORD, |secret| with_header("WWW-Authenticate", &format!("NTLM {secret}")));
    none_survives("challenge", WORD, |secret| with_header("Proxy-Authenticate", &format!("Negotiate {secret}==")));
}

#[test]
fn in_jwts_wherever_they_stand() {
    none_survives("bearer", WORD, |secret| with_header("Authorization", &format!("Bearer {}", jwt(secret))));
    none_survives("unknown field", WORD, |secret| with_header("X-Something", &jwt(secret)));
    none_survives("unknown query", WORD, |secret| exchange(&format!("/x?zz={}", jwt(secret))));
    none_survives("path", WORD, |secret| exchange(&format!("/x/{}/y", jwt(secret))));
    none_survives("text", WORD, |secret| with_body("text/plain", &format!("the token {} is bad", jwt(secret))));
    none_survives("basic", WORD, |secret| {
        with_header("Authorization", &format!("Basic {}", base64(format!("u:{}", jwt(secret)))))
    });
    none_survives("failure", WORD, |secret| failing(exchange("/"), &format!("refused {}", jwt(secret))));
    none_survives("five parts", WORD, |secret| {
        with_body("text/plain", &format!("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.{secret}.{secret}.{secret}.{secret}"))
    });
    none_survives("claims", NASTY, |secret| {
        let claims = format!("{{\"sub\":\"a\",\"password\":{}}}", json(secret));
        with_header("X-A", &format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", base64_url(claims).trim_end_matches('=')))
    });
}

#[test]
fn in_docker_credentials() {
    none_survives("auth config", NASTY, |secret| {
        let config = format!("{{\"username\":\"bob\",\"password\":{0},\"identitytoken\":{0}}}", json(secret));
        with_header("X-Registry-Auth", &base64_url(config))
    });
    none_survives("config.json", NASTY, |secret| {
        let auth = base64(format!("bob:{secret}"));
        with_body(
            "application/json",
            &format!("{{\"auths\":{{\"r.test\":{{\"auth\":\"{auth}\",\"identitytoken\":{}}}}}}}", json(secret)),
        )
    });
    none_survives("config in base64 in json", NASTY, |secret| {
        let auth = base64(format!("{{\"auths\":{{\"r.test\":{{\"password\":{}}}}}}}", json(secret)));
        with_body("application/json", &format!("{{\"data\":{{\".dockerconfigjson\":\"{auth}\"}}}}"))
    });
}

#[test]
fn in_urls_of_every_cloud() {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    let urls: &[fn(&str) -> String] = &[
        |s| {
            format!(
                "https://a.blob.core.windows.net/c//data?se=2023-05-11T20%3A19%3A17Z&sig={}&sp=r&spr=https",
                percent(s)
            )
        },
        |s| {
            format!(
                "https://h.r2.cloudflarestorage.com/x?X-Amz-Date=20230101T000000Z&X-Amz-Signature={0}&X-Amz-Security-Token={0}",
                percent(s)
            )
        },
        |s| {
            format!(
                "https://h.test/x?X-Amz-Credential={0}%2F20230101%2Fauto%2Fs3%2Faws4_request&X-Amz-Expires=1200",
                percent(&s.replace('/', "a"))
            )
        },
        |s| {
            format!(
                "https://h.test/x?X-Goog-Signature={0}&X-Goog-Credential={1}%2F2",
                percent(s),
                percent(&s.replace('/', "a"))
            )
        },
        |s| format!("https://d1.cloudfront.net/x?Expires=17&Signature={0}&Key-Pair-Id={0}&Policy={0}", percent(s)),
        |s| format!("https://production.cloudflare.docker.com/x?verify=1683836357-{}", percent(s)),
        |s| format!("https://eastus.data.mcr.microsoft.com/x?P1=1683836357&P2=404&P3={0}&P4={0}", percent(s)),
        |s| format!("/v2/a/blobs/uploads/1?_nouploadcache=false&_state={}", percent(s)),
        |s| format!("https://h.test/x?access_token={0}&refresh_token={0}&token={0}", percent(s)),
        |s| format!("https://h.test/x?code={0}&client_secret={0}&password={0}#access_token={0}", percent(s)),
        |s| format!("https://bob:{}@h.test/x", percent(s)),
        |s| format!("https://{}@h.test/x", percent(&format!("{s}0123456789"))),
        |s| format!("https://h.test/x?s%69g={}", percent(s)),
        |s| format!("https://h.test/login?next={}", percent(&format!("https://h.test/x?sig={}&se=1", percent(s)))),
        |s| {
            format!(
                "https://h.test/login?next={}",
                percent(&percent(&format!("https://h.test/x?sig={}&se=1", percent(s))))
            )
        },
        |s| format!("https://h.test/login?next={}", base64_url(format!("https://h.test/x?sig={}&se=1", percent(s)))),
    ];
    for (n, url) in urls.iter().enumerate() {
        let place = |what: &str| format!("{what} {n}: {}", url("SECRET"));
        none_survives(&place("target"), letters, |secret| exchange(&url(secret)));
        for name in ["Location", "Content-Location", "Referer", "x-ms-copy-source", "X-Unknown"] {
            none_survives(&place(name), letters, |secret| with_header(name, &url(secret)));
        }
        none_survives(&place("Link"), letters, |secret| {
            with_header("Link", &format!("<{}>; rel=\"next\"", url(secret)))
        });
        none_survives(&place("Refresh"), letters, |secret| with_header("Refresh", &format!("0; url={}", url(secret))));
        none_survives(&place("html"), letters, |secret| {
            let html = url(secret).replace('&', "&amp;");
            with_body(
                "text/html; charset=utf-8",
                &format!("<a href=\"{html}\">Temporary Redirect</a>.\n\n<p>{html}</p>"),
            )
        });
        none_survives(&place("json"), letters, |secret| {
            with_body(
                "application/json",
                &format!("{{\"url\":{}}}", json(&url(secret)).replace('&', "\\u0026").replace('=', "\\u003d")),
            )
        });
        none_survives(&place("json as text"), letters, |secret| {
            with_body("text/plain", &format!("got {{\"url\":{}}} then", json(&url(secret)).replace('&', "\\u0026")))
        });
        none_survives(&place("failure"), letters, |secret| {
            failing(exchange("/"), &format!("Get \"{}\": dial tcp: timeout", url(secret)))
        });
        none_survives(&place("base64"), letters, |secret| {
            with_body("text/plain", &format!("x {} y", base64(url(secret))))
        });
    }
}

#[test]
fn in_forms() {
    for name in [
        "password",
        "refresh_token",
        "access_token",
        "client_secret",
        "client_assertion",
        "assertion",
        "code",
        "code_verifier",
        "p%61ssword",
        "device_code",
    ] {
        let form = |secret: &str| format!("grant_type=x&service=r.test&{name}={}&scope=a", percent(secret));
        none_survives(name, NASTY, |secret| with_body("application/x-www-form-urlencoded", &form(secret)));
        none_survives(name, NASTY, |secret| with_body("", &form(secret)));
        none_survives(name, NASTY, |secret| {
            with_body("application/x-www-form-urlencoded", &form(secret).replace("%20", "+"))
        });
    }
    let raw = "ABCDEFabcdef0123456789\"'\\<>+ ;,:@/#?=!$(){}[]|^~`";
    none_survives("not encoded", raw, |secret| {
        with_body("application/x-www-form-urlencoded", &format!("username=bob&password={secret}&scope=a"))
    });
    none_survives("multipart", WORD, |secret| {
        with_body(
            "multipart/form-data; boundary=x",
            &format!("--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{secret}\r\n--x--\r\n"),
        )
    });
}

#[test]
fn in_json_under_every_name_and_type() {
    for name in [
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "identitytoken",
        "password",
        "client_secret",
        "authorizationToken",
        "assertion",
        "device_code",
        "secretAccessKey",
        "SessionToken",
        "Authorization",
        "registrytoken",
        "accessToken",
        "auth",
        "acc\\u0065ss_token",
    ] {
        let document =
            |secret: &str| format!("{{ \"a\":[1,\"x\"], \"{name}\" : {}, \"expires_in\":300}}", json(secret));
        for media_type in ["application/json", "text/plain", "", "application/octet-stream"] {
            none_survives(name, NASTY, |secret| with_body(media_type, &document(secret)));
        }
        none_survives(name, NASTY, |secret| {
            with_body("", &format!("\u{feff}\n{}\n{}", document(secret), document(secret)))
        });
        none_survives(name, NASTY, |secret| with_body("", &format!("{{\"inner\":{}}}", json(&document(secret)))));
        none_survives(name, NASTY, |secret| {
            with_body("", &format!("{{\"inner\":{}}}", json(&json(&document(secret)))))
        });
        none_survives(name, NASTY, |secret| with_body("", &format!("{{\"inner\":\"{}\"}}", base64(document(secret)))));
        none_survives(name, NASTY, |secret| with_header("X-A", &percent(&document(secret))));
        none_survives(name, WORD, |secret| with_body("text/plain", &format!("got {} from there", document(secret))));
        none_survives(name, WORD, |secret| with_body("text/plain", &format!("got {} from", json(&document(secret)))));
        none_survives(name, WORD, |secret| {
            with_body("text/html", &format!("<pre>{}</pre>", document(secret).replace('"', "&quot;")))
        });
    }
    none_survives("nested", NASTY, |secret| with_body("", &format!("{{\"token\":{{\"value\":[{}]}}}}", json(secret))));
    none_survives("number", "123456789", |secret| with_body("", &format!("{{\"password\":{secret}}}")));
    none_survives("env", WORD, |secret| {
        with_body("", &format!("{{\"Env\":[\"DB_PASSWORD={secret} {secret}\",\"A=b\"]}}"))
    });
    none_survives("har", WORD, |secret| with_body("", &format!("[{{\"name\":\"Cookie\",\"value\":\"a={secret}\"}}]")));
}

#[test]
fn in_text_and_xml() {
    let texts: &[fn(&str) -> String] = &[
        |s| format!("Authorization: Bearer {s}\r\nHost: x"),
        |s| format!("  password: {s}\n"),
        |s| format!("curl -H \"Authorization: Bearer {s}\" https://x"),
        |s| format!("curl -H 'X-Auth-Token: {s}' https://x"),
        |s| format!("docker login -u bob --password={s} r.test"),
        |s| format!("sent Basic {} to it", base64(format!("bob:{s}"))),
        |s| format!("export API_TOKEN=\"{s}\""),
        |s| format!("{{'password': '{s}'}}"),
        |s| format!("dckr_pat_{s}"),
        |s| format!("token ghp_{s} is revoked"),
        |s| format!("<Error><Code>SignatureDoesNotMatch</Code><SignatureProvided>{s}</SignatureProvided></Error>"),
        |s| format!("<Error><StringToSign>AWS4\n{s}</StringToSign></Error>"),
        |s| format!("The MAC signature found in the HTTP request '{s}=' is not the same as any computed signature."),
        |s| {
            format!("<Credentials><SecretAccessKey>{s}</SecretAccessKey><SessionToken>{s}</SessionToken></Credentials>")
        },
        |s| format!("Set-Cookie: sid={s}; Path=/"),
    ];
    for text in texts {
        let place = text("SECRET");
        none_survives(&place, WORD, |secret| with_body("text/plain", &text(secret)));
        none_survives(&place, WORD, |secret| failing(exchange("/"), &text(secret)));
        none_survives(&place, WORD, |secret| {
            with_body("application/json", &format!("{{\"message\":{}}}", json(&text(secret))))
        });
    }
}

#[test]
fn under_content_codings() {
    none_survives("gzip", WORD, |secret| {
        let mut made = exchange("/");
        made.response.as_mut().unwrap().headers.push("Content-Encoding", b"gzip");
        made.response_body.bytes = gzip(format!("{{\"token\":\"{secret}\"}}").as_bytes());
        made
    });
    let mut unknown = exchange("/");
    unknown.response.as_mut().unwrap().headers.push("Content-Encoding", b"exotic");
    unknown.response_body.bytes = vec![0, 1, 2, 3, 0xff];
    let keeping = Redactor::new(FingerprintKey::new([7; 32]), Options { keep_secrets: true, ..Options::default() });
    assert_eq!(keeping.redact(unknown.clone()).response_body, unknown.response_body);
    assert_eq!(redactor().redact(unknown).response_body.bytes, b"", "what cannot be read cannot be masked");
}

#[test]
fn unless_they_are_to_be_kept() {
    let keeping = Redactor::new(FingerprintKey::new([7; 32]), Options { keep_secrets: true, ..Options::default() });
    let made = with_header("Authorization", "Bearer abcdefgh");
    assert_eq!(*keeping.redact(made.clone()), made);
}
