//! Why a file could not be read as HAR, and what to do about it.

use serde_json::error::Category;

/// A file that is not a HAR, or not a whole one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HarError {
    /// There is nothing in it.
    #[error("the file is empty: save the HAR again")]
    Empty,
    /// It is not text.
    #[error(
        "the file is not a HAR, which is JSON in UTF-8 (byte {at} is neither): is it compressed, or saved as UTF-16?"
    )]
    NotText {
        /// The first byte that is not UTF-8, from 0.
        at: usize,
    },
    /// It is not JSON.
    #[error("the file is not a HAR, which is JSON: line {line}, column {column} cannot be read as such")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is JSON, but has no `log` with `entries`.
    #[error("the file is JSON, but not a HAR: a HAR has an object `log` with a list `entries`")]
    NotHar,
    /// It ends too early.
    #[error("the HAR ends in the middle of its text (line {line}, column {column}): it was cut off; save it again")]
    Truncated {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A field has another type than HAR says.
    #[error("a field of the HAR is not as HAR 1.2 says: {what} (line {line}, column {column})")]
    Field {
        /// What was found and what was expected.
        what: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
}

impl From<serde_json::Error> for HarError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Eof => Self::Truncated { line, column },
            Category::Syntax | Category::Io => Self::NotJson { line, column },
            Category::Data => Self::Field { what: without_place(&error.to_string()).to_owned(), line, column },
        }
    }
}

/// The message without the place that `serde_json` appends.
fn without_place(message: &str) -> &str {
    message.rfind(" at line ").and_then(|at| message.get(..at)).unwrap_or(message)
}
