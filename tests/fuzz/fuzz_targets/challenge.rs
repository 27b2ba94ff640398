//! A challenge is read whatever stands in it, and so are its scopes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::registry::Challenge;

fuzz_target!(|text: &str| {
    for challenge in Challenge::list(text) {
        let read = [challenge.realm(), challenge.service(), challenge.error()];
        assert!(read.into_iter().flatten().all(|value| value.len() <= text.len()));
        let _ = challenge.scopes();
    }
});
