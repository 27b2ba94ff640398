//! The programs of other people that the tests need.

use std::env;

/// Fails the test, with the way out, where one of `programs` is not installed or the test does not run as root.
pub fn require(programs: &[&str]) {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_installed = |program: &&str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing: Vec<_> = programs.iter().filter(|program| !is_installed(program)).collect();
    assert!(
        missing.is_empty(),
        "not installed: {missing:?}; `scripts/test` installs what the tests need (by `scripts/install-test-tools`)"
    );
}
