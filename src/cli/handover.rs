//! What to hand over to whoever helps: which file it is, that its credentials are masked, and how to make one.

use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Mutex, PoisonError};

use super::front_end::End;
use crate::language::Language;
use crate::language::screen::{Words, filled};

/// The HAR files that the user has saved.
#[derive(Debug, Clone, Default)]
pub struct SavedHars(Arc<Mutex<Vec<PathBuf>>>);

impl SavedHars {
    /// Notes one more.
    pub fn add(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
    }

    fn all(&self) -> Vec<PathBuf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What to do with each of them.
    pub fn lines(&self, is_masked: bool, language: Language) -> Vec<String> {
        self.all().iter().map(|har| of_har(har, is_masked, language)).collect()
    }
}

/// What a capture leaves for others: its HAR files, or how to make one of its session.
pub fn lines(end: &End, saved: &SavedHars, language: Language) -> Vec<String> {
    let har = end.har.iter().map(|har| of_har(har, end.is_masked, language));
    let mut lines: Vec<_> = har.chain(saved.lines(end.is_masked, language)).collect();
    let is_worth_one = lines.is_empty() && end.capture.summary.exchanges > 0;
    if let Some(recorded) = end.capture.recorded.as_ref().filter(|_| is_worth_one) {
        let command = convert(&recorded.path, "trace.har");
        lines.push(filled(&Words::of(language).har_to_make, &[("command", &command)]));
    }
    lines
}

/// What to do with a HAR.
pub fn of_har(har: &Path, is_masked: bool, language: Language) -> String {
    let words = Words::of(language);
    // The name is to hold in any folder.
    let har = absolute(har).unwrap_or_else(|_| har.to_owned());
    let text = if is_masked { &words.har_to_send } else { &words.har_unmasked };
    filled(text, &[("file", &har.display().to_string()), ("command", &convert(&har, "masked.har"))])
}

fn convert(from: &Path, to: &str) -> String {
    format!("pulltap convert {} {to}", argument(from))
}

/// A path as it is typed.
pub fn argument(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(' ') { format!("\"{path}\"") } else { path }
}
