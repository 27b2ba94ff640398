//! Findings are the same before and after redaction, and after a HAR was written and read.

use std::path::{Path, PathBuf};

use pulltap::diagnose::{Engine, Finding};
use pulltap::exchange::Exchange;
use pulltap::har::{self, Conclusions, Writer};
use pulltap::redact::{FingerprintKey, Options, Redactor};

use super::fixture;

/// All files of fixtures, below their folder.
pub fn all_fixtures() -> Vec<PathBuf> {
    let folder = fixture::folder();
    let folders = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = folders.flat_map(|rule| std::fs::read_dir(rule).unwrap().map(|entry| entry.unwrap().path()));
    let mut files: Vec<_> = files.map(|file| file.strip_prefix(&folder).unwrap().to_owned()).collect();
    files.sort();
    files
}

/// The engine after all of these exchanges.
pub fn engine(exchanges: &[Exchange]) -> Engine {
    let mut engine = Engine::new();
    for exchange in exchanges {
        engine.update(exchange);
    }
    engine.finish();
    engine
}

fn findings(exchanges: &[Exchange]) -> Vec<Finding> {
    engine(exchanges).findings()
}

/// All of a finding but the words of its evidence, in which a mask may stand.
fn without_words(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.iter_mut().flat_map(|finding| &mut finding.evidence).for_each(|evidence| evidence.value.clear());
    findings
}

fn assert_alike(file: &Path) {
    let exchanges = fixture::read(file.to_str().unwrap()).exchanges();
    let redactor = Redactor::new(FingerprintKey::new([7; 32]), Options::default());
    let redacted: Vec<_> = exchanges.iter().cloned().map(|exchange| redactor.redact(exchange)).collect();
    let mut writer = Writer::new(Vec::new(), "").unwrap();
    let mut in_order: Vec<_> = redacted.iter().collect();
    in_order.sort_by_key(|exchange| exchange.id);
    for exchange in in_order {
        writer.entry(exchange, None).unwrap();
    }
    let har = har::read(&writer.finish(&Conclusions::default()).unwrap()).unwrap();
    let redacted: Vec<Exchange> = redacted.into_iter().map(pulltap::redact::Redacted::into_inner).collect();
    let after_redaction = findings(&redacted);
    assert_eq!(
        without_words(findings(&exchanges)),
        without_words(after_redaction.clone()),
        "{}, redacted",
        file.display()
    );
    assert_eq!(findings(&har.exchanges), after_redaction, "{}, as a HAR", file.display());
}

#[test]
fn findings_are_the_same_before_and_after_redaction_and_in_a_har() {
    let files = all_fixtures();
    assert!(files.len() > 100);
    let mut wrong = Vec::new();
    for file in &files {
        if let Err(panic) = std::panic::catch_unwind(|| assert_alike(file)) {
            wrong.push(panic.downcast_ref::<String>().cloned().unwrap_or_default());
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
