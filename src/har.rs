//! HAR files: the writer is strict, the reader is tolerant.
//!
//! What is written is plain HAR 1.2 for everyone, plus fields of our own (their names begin with an underscore, as the
//! format allows) from which [`read()`] restores each exchange completely: its exact moments, bytes that are no UTF-8,
//! TLS facts, the failure. What another program wrote is read from the plain fields alone, and what it lacks stays absent.
//!
//! The demands of other readers are kept in mind where a field is made: npm's `har-validator`, the importers of Chrome
//! and Firefox, mitmproxy and haralyzer. `tests/har` holds what is written against them.

mod address;
mod content;
mod cookie;
mod entry;
mod error;
mod message;
mod model;
mod phases;
mod read;
mod reason;
mod record;
mod request;
mod response;
mod restore;
mod tls_record;
mod write;

pub use error::HarError;
pub use read::{Creator, HarFile, Repair, read};
pub use write::Writer;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What other rooms concluded from the exchanges of a file, carried along without being understood here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conclusions {
    /// The operations (pull, push, login, …) that the exchanges belong to.
    #[serde(default)]
    pub operations: Vec<Value>,
    /// The findings. They name their exchanges by `_id`, and are known only when the last entry is written.
    #[serde(default)]
    pub findings: Vec<Value>,
}
