//! A client is recognised by any User-Agent, and its name stays short.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::registry::Client;

fuzz_target!(|text: &str| {
    let client = Client::of(text);
    assert!(client.to_string().chars().count() <= 121);
    let _ = (client.pulls(), client.platform);
});
