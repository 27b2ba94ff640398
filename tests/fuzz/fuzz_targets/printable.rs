//! Text of the network never reaches a terminal with a control character in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::printable::{printable, reason_phrase};

fuzz_target!(|text: &str| {
    let safe = printable(text);
    assert!(!safe.chars().any(char::is_control));
    let reason = reason_phrase(text);
    assert!(reason.chars().all(|letter| letter.is_ascii() && !letter.is_ascii_control()));
});
