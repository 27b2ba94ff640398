//! A token, or what looks like one, alone, in a header field and in an answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::registry::{Authorization, Claims, TokenAnswer};

fuzz_target!(|text: &str| {
    if let Some(claims) = Claims::of(text) {
        let _ = claims.lifetime();
    }
    let _ = Authorization::of(text);
    if let Some(answer) = TokenAnswer::of(text.as_bytes()) {
        let _ = (answer.lifetime(), answer.granted().map(<[_]>::len));
    }
});
