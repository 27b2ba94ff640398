//! Redacting twice changes nothing, nothing makes it panic, and what is remembered for speed changes nothing either.

use proptest::prelude::*;
use pulltap::exchange::{Body, Exchange};

use super::*;

/// Pieces that secrets and their surroundings are made of.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "\\\"",
    "\\",
    ":",
    ",",
    ".",
    "=",
    "&",
    "&amp;",
    "?",
    "#",
    ";",
    "/",
    "//",
    "://",
    "@",
    "%",
    "%25",
    "%22",
    "%3D",
    "%26",
    "%3d",
    "+",
    " ",
    "\n",
    "\r\n",
    "<",
    ">",
    "&quot;",
    "&#43;",
    "\\u0026",
    "\\u003d",
    "token",
    "password",
    "access_token",
    "sig",
    "signature",
    "auth",
    "code",
    "state",
    "name",
    "value",
    "Authorization",
    "Cookie",
    "Bearer ",
    "Basic ",
    "NTLM ",
    "verify=1683836357-",
    "X-Amz-Credential=",
    "StringToSign",
    "PASSWORD=",
    "eyJhbGciOiJSUzI1NiJ9",
    "eyJzdWIiOiJhIiwicGFzc3dvcmQiOiJodW50ZXIyIn0",
    "c2lnbmF0dXJl",
    "Ym9iOmh1bnRlcjI=",
    "eyJwYXNzd29yZCI6Imh1bnRlcjIifQ==",
    "cGFzc3dvcmQ9aHVudGVyMiZ4PTE",
    "hunter2",
    "aB3dE5gH7jK9mN1pQ3sT5",
    "1234567",
    "true",
    "null",
    "https://bob:hunter2@h.test/x?sig=abc&se=1",
    "pulltap-masked-token-9f3a1c2b",
    "pulltap-masked-password",
    "pulltap-masked-",
    "ghp_abcdefghijkl",
    "\u{fffd}",
    "é",
    "\u{0}",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..14).prop_map(|pieces| pieces.concat())
}

fn media_type() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["application/json", "application/x-www-form-urlencoded", "text/html", ""][..])
}

fn header() -> impl Strategy<Value = (&'static str, String)> {
    let names = &[
        "Authorization",
        "Cookie",
        "Set-Cookie",
        "Location",
        "X-Registry-Auth",
        "Link",
        "WWW-Authenticate",
        "X-A",
        "x-auth-token",
    ];
    (prop::sample::select(&names[..]), text())
}

prop_compose! {
    fn any_exchange()(
        target in text(), headers in prop::collection::vec(header(), 0..4), media_type in media_type(),
        request in text(), response in text(), message in text(),
    ) -> Exchange {
        let mut made = failing(exchange(&target), &message);
        for (name, value) in headers {
            made.request.as_mut().unwrap().headers.push(name, value.as_bytes());
            made.response.as_mut().unwrap().headers.push(name, value.as_bytes());
        }
        made.response.as_mut().unwrap().headers.push("content-type", media_type.as_bytes());
        made.response.as_mut().unwrap().reason = message;
        made.request_body = Body { bytes: request.into_bytes(), ..Body::default() };
        made.response_body = Body { bytes: response.into_bytes(), ..Body::default() };
        made
    }
}

fn unchanged_by_a_second_time(redactor: &Redactor, exchange: Exchange) -> Result<(), TestCaseError> {
    let given = everything(&exchange);
    let once = redactor.redact(exchange);
    let twice = redactor.redact(once.clone().into_inner());
    for ((first, second), given) in everything(&once).iter().zip(&everything(&twice)).zip(given) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        prop_assert_eq!(text(first), text(second), "given {}", text(&given));
    }
    prop_assert_eq!(once, twice);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redacting_twice_changes_nothing(exchange in any_exchange()) {
        unchanged_by_a_second_time(&redactor(), exchange)?;
    }

    #[test]
    fn what_came_before_does_not_matter(exchanges in prop::collection::vec(any_exchange(), 1..5)) {
        let busy = redactor();
        for exchange in exchanges.iter().chain(&exchanges) {
            prop_assert_eq!(busy.redact(exchange.clone()), redactor().redact(exchange.clone()));
        }
    }

    #[test]
    fn foreign_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let made = Exchange { response_body: Body { bytes, ..Body::default() }, ..exchange("/") };
        unchanged_by_a_second_time(&redactor(), made)?;
    }

    #[test]
    fn names_are_masked_once(exchange in any_exchange()) {
        let options = Options { mask_names: true, ..Options::default() };
        let redactor = Redactor::new(FingerprintKey::new([7; 32]), options);
        unchanged_by_a_second_time(&redactor, exchange)?;
    }
}
