//! A scope that can be read is written so that it reads the same, and is granted by itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pulltap::registry::Scope;

fuzz_target!(|text: &str| {
    for scope in Scope::list(text) {
        assert_eq!(Scope::new(&scope.to_string()).as_ref(), Some(&scope));
        assert_eq!(scope.missing_from(std::slice::from_ref(&scope)), None);
    }
});
