//! What people mean by some command lines that cannot be understood.

use std::path::Path;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::handover::argument;

/// What to type instead, where that is clear.
pub fn advice(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => about_word(text(error, ContextKind::InvalidSubcommand)?),
        ErrorKind::UnknownArgument => about_option(text(error, ContextKind::InvalidArg)?),
        _ => None,
    }
}

/// Other programs take a file for their only argument.
fn about_word(word: &str) -> Option<String> {
    let path = Path::new(word);
    let typed = argument(path);
    path.is_file().then(|| {
        format!("that is a file: pulltap report {typed} says what went wrong, pulltap open {typed} shows what is in it")
    })
}

/// A capture has `--json`, a report has forms.
fn about_option(option: &str) -> Option<String> {
    (option == "--json").then(|| "a report for programs is asked for by --format json".to_owned())
}

fn text(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}
