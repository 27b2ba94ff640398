//! Masking twice changes nothing, and a secret with any text around it is masked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::secrets::{FingerprintKey, Masker, Shape};

const SECRET: &str = "Zq8Xw2Kv9Tn4Rb7M";

fuzz_target!(|bytes: &[u8]| {
    let masker = Masker::new(FingerprintKey::new([7; 32]));
    for shape in [Shape::Form, Shape::Any] {
        if let Some(once) = masker.body(shape, bytes) {
            assert_eq!(masker.body(shape, &once), None);
        }
    }
    let text = String::from_utf8_lossy(bytes);
    for name in ["authorization", "cookie", "set-cookie", "location", "link", "x-registry-auth"] {
        if let Some(once) = masker.header(name, bytes) {
            assert_eq!(masker.header(name, &once), None, "{name}");
        }
    }
    let url = masker.url(&text);
    assert_eq!(masker.url(&url), url);

    let around: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let around = around.replace('\\', "\\\\").replace('"', "\\\"");
    let hex: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    // The fuzzer knows the secret as well and may have written a part of it.
    if leaks(bytes) || leaks(around.as_bytes()) {
        return;
    }
    let json = format!("{{\"a\":\"{around}\",\"password\":\"{SECRET}\",\"b\":\"{around}\"}}");
    assert_masked(masker.body(Shape::Any, json.as_bytes()));
    assert_masked(masker.body(Shape::Form, format!("a={hex}&password={SECRET}&b={hex}").as_bytes()));
    assert_masked(Some(masker.url(&format!("https://h.test/x?a={hex}&sig={SECRET}&{hex}")).into_owned().into_bytes()));
});

fn assert_masked(text: Option<Vec<u8>>) {
    let text = text.expect("there is a secret to mask");
    assert!(!leaks(&text), "{}", String::from_utf8_lossy(&text));
}

fn leaks(text: &[u8]) -> bool {
    SECRET.as_bytes().windows(6).any(|part| text.windows(6).any(|window| window == part))
}
