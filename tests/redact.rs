//! Secrets that are planted in every place they were ever seen in, and looked for in what comes out.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use pulltap::exchange::{
    Exchange, ExchangeId, Failure, FailureKind, Headers, Moment, Origin, RequestHead, ResponseHead, Side, Stage, Target,
};
use pulltap::redact::{FingerprintKey, Options, Redactor};

// Text that ends in the middle of a secret.
mod cut;
// Masking twice.
mod idempotent;
// What must stay, and in which shape.
mod kept;
// Pseudonyms of names.
mod names;
// A secret in every place.
mod planted;

/// A redactor with default options.
fn redactor() -> Redactor {
    Redactor::new(FingerprintKey::new([7; 32]), Options::default())
}

/// An exchange that asks for `target`, and its answer.
fn exchange(target: &str) -> Exchange {
    let id = ExchangeId::new(1).unwrap();
    let mut exchange = Exchange::new(id, Origin::Live, Target::https("registry.test", 443), Moment::EPOCH);
    exchange.request = Some(RequestHead::new("GET", target));
    exchange.response = Some(ResponseHead::new(200, "OK"));
    exchange
}

/// All of an exchange that a writer would write.
fn everything(exchange: &Exchange) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let mut headers = |headers: &Headers| texts.extend(headers.iter().map(|field| field.value.to_vec()));
    let request = exchange.request.as_ref().unwrap();
    headers(&request.headers);
    for head in exchange.interim.iter().chain(&exchange.response) {
        headers(&head.headers);
    }
    for body in [&exchange.request_body, &exchange.response_body] {
        body.trailers.as_ref().map(&mut headers);
    }
    texts.push(request.target.clone().into_bytes());
    texts.extend(exchange.response.iter().map(|head| head.reason.clone().into_bytes()));
    texts.push(exchange.request_body.bytes.clone());
    texts.push(exchange.response_body.bytes.clone());
    texts
        .extend(exchange.failure.iter().flat_map(|failure| failure.chain.iter().map(|text| text.clone().into_bytes())));
    texts
}

fn failing(mut exchange: Exchange, message: &str) -> Exchange {
    exchange.failure = Some(Failure {
        stage: Stage::AwaitHead,
        side: Side::Origin,
        kind: FailureKind::Reset,
        chain: vec!["outer".to_owned(), message.to_owned()],
        os_code: None,
        at: Moment::EPOCH,
    });
    exchange
}

/// How many bytes of a secret in a row are a leak.
const LEAK: usize = 6;

/// Whether a part of the secret can be read in the text, in any encoding.
fn leaks(text: &[u8], secret: &str) -> bool {
    let windows: Vec<&[u8]> = secret.as_bytes().windows(LEAK).collect();
    let mut views = vec![text.to_vec()];
    let mut seen = 0;
    for _ in 0..4 {
        let more: Vec<Vec<u8>> = views[seen..].iter().flat_map(|view| decoded(view)).collect();
        seen = views.len();
        views.extend(more);
    }
    views.iter().any(|view| windows.iter().any(|window| memchr::memmem::find(view, window).is_some()))
}

/// Every way to decode a text by one step.
fn decoded(text: &[u8]) -> Vec<Vec<u8>> {
    let mut views = Vec::new();
    let percent: Vec<u8> = percent_encoding::percent_decode(text).collect();
    if percent != text {
        views.push(percent);
    }
    let lossy = String::from_utf8_lossy(text);
    if lossy.contains('\\')
        && let Ok(unescaped) =
            serde_json::from_str::<String>(&format!("\"{}\"", lossy.replace('"', "\\\"").replace("\\\\\"", "\\\"")))
    {
        views.push(unescaped.into_bytes());
    }
    if lossy.contains('&') {
        let plain = lossy.replace("&amp;", "&").replace("&quot;", "\"").replace("&#43;", "+").replace("&lt;", "<");
        views.push(plain.into_bytes());
    }
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    for run in text.split(|byte| !is_base64(byte)).filter(|run| run.len() >= 8) {
        let engines: [&GeneralPurpose; 2] = [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
        for engine in engines {
            for from in 0..4 {
                let run = &run[from..];
                views.extend(engine.decode(&run[..run.len() / 4 * 4]));
            }
        }
    }
    views.retain(|view| view != text);
    views
}

/// The next pseudo-random number.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// A random text of these letters.
fn random(seed: &mut u64, letters: &str, length: usize) -> String {
    let letters = letters.as_bytes();
    (0..length).map(|_| char::from(letters[usize::try_from(next(seed) % letters.len() as u64).unwrap()])).collect()
}

const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const NASTY: &str = "ABCDEFabcdef0123456789\"'\\&<>%+ ;,:@/#?=!$(){}[]|^~`";

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn base64(text: impl AsRef<[u8]>) -> String {
    STANDARD.encode(text)
}

fn base64_url(text: impl AsRef<[u8]>) -> String {
    URL_SAFE.encode(text)
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A JWT with this signature.
fn jwt(signature: &str) -> String {
    let claims = r#"{"sub":"alice","aud":"registry.test","access":[{"type":"repository","name":"a/b"}]}"#;
    format!(
        "{}.{}.{signature}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    )
}
