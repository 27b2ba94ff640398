//! Foreign text of any kind: no parser panics, and none takes more than linear time.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use pulltap::diagnose::Engine;
use pulltap::exchange::{Body, Exchange, ExchangeId, Moment, Origin, RequestHead, ResponseHead, State, Target};
use pulltap::registry::{
    Address, Authorization, Challenge, Claims, Client, Digest, Endpoint, ErrorBody, Manifest, RepositoryName, Scope,
    Tag, TokenAnswer, parameters,
};

fn read_everything(text: &str) {
    for challenge in Challenge::list(text) {
        let _ = challenge.scopes();
    }
    let scopes = Scope::list(text);
    for scope in &scopes {
        let again = Scope::new(&scope.to_string());
        assert_eq!(again.as_ref(), Some(scope));
        assert_eq!(scope.missing_from(std::slice::from_ref(scope)), None);
    }
    let _ = Claims::of(text);
    let _ = TokenAnswer::of(text.as_bytes());
    let _ = Authorization::of(text);
    let _ = ErrorBody::of(text.as_bytes()).summary();
    let _ = Endpoint::of(text, Some(text)).repository();
    if let Some(manifest) = Manifest::of(text.as_bytes(), Some(text)) {
        let _ = (manifest.foreign_layers().count(), manifest.has_image_for("linux", "amd64"));
    }
    let _ = Client::of(text);
    let _ = Address::of(text);
    let _ = parameters::pairs(text).count();
    let _ = (RepositoryName::new(text), Tag::new(text), Digest::new(text));
}

fn exchange(number: u64, text: &str, bytes: &[u8], status: u16) -> Exchange {
    let id = ExchangeId::new(number).unwrap();
    let mut exchange = Exchange::new(id, Origin::Live, Target::https(text, 443), Moment::EPOCH);
    let mut request = RequestHead::new(if number.is_multiple_of(2) { "POST" } else { "GET" }, text);
    request.headers.push("Authorization", bytes);
    request.headers.push("User-Agent", bytes);
    exchange.request = Some(request);
    let mut response = ResponseHead::new(status, "");
    for name in ["WWW-Authenticate", "Location", "Content-Type"] {
        response.headers.push(name, bytes);
    }
    exchange.response = Some(response);
    exchange.request_body = Body { bytes: bytes.to_vec(), ..Body::default() };
    exchange.response_body = Body { bytes: bytes.to_vec(), ..Body::default() };
    exchange.state = State::Complete;
    exchange
}

/// Text made of what the parsers look for.
fn suggestive() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "Bearer ",
        "Basic ",
        "realm=",
        "\"",
        "'",
        "\\",
        ",",
        "=",
        "scope=",
        "repository:",
        ":pull",
        "https://",
        "/v2/",
        "/",
        "manifests/",
        "blobs/",
        "uploads/",
        "sha256:",
        "{",
        "}",
        "[",
        "]",
        "errors",
        ":",
        "<",
        ">",
        "<Code>",
        "</Code>",
        "<Message",
        "%",
        "%2",
        "&",
        "?",
        "#",
        "@",
        ".",
        "eyJ9",
        " ",
        "\n",
        "é",
        "\u{feff}",
        "se=",
        "docker/",
        "(",
        "tags/list",
        "{\"schemaVersion\":1",
        "\"manifests\":[",
        "\"layers\":[{\"digest\":\"sha256:",
        "\"urls\":[\"https://",
        ".foreign.",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_parser_panics_on_any_text(text in any::<String>()) {
        read_everything(&text);
    }

    #[test]
    fn no_parser_panics_on_suggestive_text(text in suggestive()) {
        read_everything(&text);
    }

    #[test]
    fn the_engine_takes_any_exchange(
        texts in prop::collection::vec((suggestive(), any::<Vec<u8>>(), 100_u16..600), 1..6),
    ) {
        let mut engine = Engine::new();
        for (number, (text, bytes, status)) in (1..).zip(&texts) {
            let first = exchange(number * 2, text, text.as_bytes(), *status);
            let second = exchange(number * 2 + 1, text, bytes, *status);
            for exchange in [first, second] {
                let _ = engine.meaning(&exchange);
                let _ = engine.waiting(&exchange, Moment::from_micros(60_000_000));
                engine.update(&exchange);
            }
        }
        engine.finish();
    }

    #[test]
    fn error_bodies_take_any_bytes(bytes in any::<Vec<u8>>()) {
        let _ = ErrorBody::of(&bytes).summary();
        let _ = TokenAnswer::of(&bytes);
    }
}

#[test]
fn no_parser_takes_quadratic_time() {
    let repeated = [
        ",",
        "=",
        "\"",
        "Bearer ",
        "a,",
        "a=b,",
        "\\\"",
        "/",
        "/manifests",
        "/blobs/uploads",
        "<",
        "<Code>",
        "<Code",
        "{",
        "[",
        "{\"errors\":[",
        "repository:a:pull ",
        ":",
        "%",
        "%2",
        "&",
        "&a=",
        "a.",
        ".",
        "\"\\",
        "'",
        "a ",
        "<title",
        "</title>",
        "{\"manifests\":[",
        "{\"a\":",
        "os/",
    ];
    for piece in repeated {
        let text = piece.repeat(400_000 / piece.len());
        let begin = Instant::now();
        read_everything(&text);
        let took = begin.elapsed();
        // Quadratic work on 400 kB would take minutes; a debug build on a busy machine stays far below this.
        assert!(took < Duration::from_secs(8), "{piece:?} took {took:?}");
    }
}
