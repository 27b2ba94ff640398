//! The HTTP/1 observer keeps its word about any bytes, however they are split.
#![no_main]

#[path = "../../wire/conversation.rs"]
#[allow(dead_code, reason = "the written conversations are not read here")]
mod conversation;
#[path = "../../wire/frames.rs"]
#[allow(dead_code, reason = "no frames are read here")]
mod frames;
#[path = "../../wire/laws.rs"]
mod laws;

use conversation::Protocol;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| laws::hold(Protocol::Http1, bytes));
