//! Other programs read what pulltap writes: npm's har-validator, haralyzer and mitmproxy.
//!
//! `scripts/install-test-tools` puts them into the user's cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use pulltap::exchange::Exchange;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{examples, generated, masked, unmasked, written};
use crate::support::tools::{cache, python as interpreter, require_file};

/// HARs of random exchanges that each judge reads, besides those of the examples.
const RANDOM_FILES: usize = 60;

/// A judge: how it is started.
struct Judge {
    program: PathBuf,
    arguments: Vec<String>,
}

fn npm() -> Judge {
    let modules = cache().join("npm/node_modules");
    require_file(&cache().join("npm/ready"));
    let script = judges().join("npm.js").display().to_string();
    Judge { program: "env".into(), arguments: vec![format!("NODE_PATH={}", modules.display()), "node".into(), script] }
}

fn python(reader: &str) -> Judge {
    let script = judges().join("readers.py").display().to_string();
    Judge { program: interpreter(), arguments: vec![script, reader.to_owned()] }
}

fn judges() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/har/judges")
}

impl Judge {
    /// What the judge complains about; nothing, if it accepts every file.
    fn complaints(&self, files: &[PathBuf]) -> String {
        let mut command = Command::new(&self.program);
        let ran = command.args(&self.arguments).args(files).output().expect("the judge starts");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.stderr.is_empty(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(ran.status.success(), said.is_empty(), "{said}");
        said
    }
}

/// The examples and random exchanges, masked and not, as files.
fn corpus(folder: &TempDir) -> Vec<PathBuf> {
    let mut files = vec![examples::all(), Vec::new()];
    let mut runner = TestRunner::deterministic();
    for _ in 0..RANDOM_FILES {
        let mut exchanges = generated::exchanges().new_tree(&mut runner).unwrap().current();
        exchanges.retain(has_one_coding_at_most);
        files.push(exchanges);
    }
    let mut paths = Vec::new();
    for (exchanges, n) in files.into_iter().zip(0..) {
        let redacted = if n % 2 == 0 { masked } else { unmasked };
        let exchanges: Vec<_> = exchanges.into_iter().map(redacted).collect();
        paths.push(save(folder, &format!("{n}.har"), &written(&exchanges)));
    }
    paths
}

/// mitmproxy 11 refuses a whole file for a response with two content codings, whatever else it says.
fn has_one_coding_at_most(exchange: &Exchange) -> bool {
    let codings = exchange.response.as_ref().map_or(0, |head| head.headers.all("content-encoding").count());
    codings <= 1
}

fn save(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn har_validator_haralyzer_and_mitmproxy_accept_what_is_written() {
    let folder = TempDir::new().unwrap();
    let files = corpus(&folder);
    for judge in [npm(), python("haralyzer"), python("mitmproxy")] {
        assert_eq!(judge.complaints(&files), "");
    }
}

/// Judges that accept everything would prove nothing.
#[test]
fn the_judges_complain_about_what_others_write() {
    let folder = TempDir::new().unwrap();
    let exchanges: Vec<_> = examples::all().into_iter().map(unmasked).collect();
    let har: Value = serde_json::from_slice(&written(&exchanges)).unwrap();
    let spoiled = |pointer: &str, value: Value| {
        let mut har = har.clone();
        *har.pointer_mut(pointer).unwrap() = value;
        vec![save(&folder, "spoiled.har", har.to_string().as_bytes())]
    };
    let files = spoiled("/log/entries/0/serverIPAddress", json!(""));
    assert!(npm().complaints(&files).contains("serverIPAddress"));
    let files = spoiled("/log/entries/1/request/postData", json!({"mimeType": "x/y"}));
    assert!(python("mitmproxy").complaints(&files).contains("KeyError: 'text'"));
    let files = spoiled("/log/entries/2/startedDateTime", json!("yesterday evening"));
    assert!(python("haralyzer").complaints(&files).contains("no start"));
}
