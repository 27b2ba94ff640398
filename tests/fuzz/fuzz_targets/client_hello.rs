//! What the first bytes of a connection are is decided once, whatever follows and however it arrives.
#![no_main]

#[path = "../../wire/hello.rs"]
#[allow(dead_code, reason = "hellos are not built here")]
mod hello;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hello::is_decided_once(bytes));
