//! An error answer of any bytes; what is pointed to lies within it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::registry::ErrorBody;
use pulltap::registry::error_body::range_of;

fuzz_target!(|content: &[u8]| {
    let body = ErrorBody::of(content);
    let _ = body.summary();
    for text in body.codes().chain(body.texts()) {
        assert!(content.get(range_of(content, text)).is_some());
        assert!(text.is_empty() || body.has_code(text) || body.says(text));
    }
});
