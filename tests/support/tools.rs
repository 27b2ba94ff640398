//! The programs of other people that the tests need.

use std::env;
use std::path::{Path, PathBuf};

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

/// Where `scripts/install-test-tools` puts what is no package of the system.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").expect("HOME")).join(".cache");
    env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("pulltap-tests")
}

/// Python with the packages that tests use.
pub fn python() -> PathBuf {
    require_file(&cache().join("python/ready"));
    cache().join("python/bin/python3")
}

/// Fails the test, with the way out, where this file of the cache is not there.
pub fn require_file(file: &Path) {
    assert!(
        file.exists(),
        "not installed: {}; `scripts/test` installs what the tests need (by `scripts/install-test-tools`)",
        file.display()
    );
}
