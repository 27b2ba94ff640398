//! Operations: exchanges grouped into what a person asked for: one pull, push, login, delete, list or REST call.
//!
//! Not by connection, for docker opens one per request, but by client, registry, repository, and by what answers name:
//! a manifest its layers, a token endpoint the token that later requests carry, an upload where it goes on. A layer that
//! two pulls share is fetched once and belongs to both.

use std::net::IpAddr;

use crate::exchange::{ExchangeId, Moment};

use super::{Client, Role};

mod attempts;
mod draft;
mod grouping;
mod lane;
mod leads;
mod step;
mod summary;

pub use grouping::grouped;
pub use step::{Step, TokenStep};

/// The number of an operation within a capture, from 1, in order of start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(u64);

impl OperationId {
    /// The id with this number; 0 is no operation and gives `None`.
    pub fn new(number: u64) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number itself.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// What somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Reading an image, or what describes it.
    Pull,
    /// Writing an image.
    Push,
    /// Trying out credentials.
    Login,
    /// Deleting.
    Delete,
    /// Listing tags, repositories or referrers.
    List,
    /// One call of the registry's API, by a tool that makes single calls.
    Rest,
    /// It ended before it showed what it was.
    Unknown,
}

impl Kind {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Login => "login",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Rest => "rest",
            Self::Unknown => "unknown",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It went well.
    Ok,
    /// Something in it failed for good.
    Failed,
    /// Nothing failed, and yet a step never came.
    Stopped,
    /// An exchange of it is still open.
    Running,
}

impl Outcome {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Running => "running",
        }
    }
}

/// The step that never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// A challenge was answered by no token request.
    Token,
    /// A token was granted, and no request carried it.
    TokenUse,
    /// A redirect named a blob host that was not asked.
    BlobHost,
    /// Blobs were uploaded, and no manifest that names them.
    ManifestPush,
}

impl Missing {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::TokenUse => "token-use",
            Self::BlobHost => "blob-host",
            Self::ManifestPush => "manifest-push",
        }
    }
}

/// The exchanges of an operation that do the same, and the time that they took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// What they do.
    pub role: Role,
    /// How many there are.
    pub exchanges: usize,
    /// When the first began.
    pub started: Moment,
    /// When the last ended.
    pub ended: Moment,
    /// For how long at least one of them was open, in microseconds.
    pub busy_micros: i64,
}

/// One pull, push, login, delete, list or REST call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// What was asked for.
    pub kind: Kind,
    /// The program.
    pub client: Client,
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The registry, as the client wrote its name.
    pub registry: String,
    /// The repository.
    pub repository: Option<String>,
    /// The tag or digest.
    pub reference: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Its exchanges, in the order in which they began.
    pub exchanges: Vec<ExchangeId>,
    /// What it consisted of, in the order in which it began.
    pub phases: Vec<Phase>,
    /// How many layers came or went.
    pub layers: usize,
    /// Bytes of content that the client sent.
    pub sent: u64,
    /// Bytes of content that the servers sent.
    pub received: u64,
    /// How often something was asked for again after it had failed.
    pub retries: usize,
    /// The step that never came.
    pub missing: Option<Missing>,
    /// When it began.
    pub started: Moment,
    /// When the last thing happened.
    pub ended: Moment,
}

impl Operation {
    /// How long it took, in microseconds.
    pub fn duration_micros(&self) -> i64 {
        self.ended.micros_since(self.started)
    }

    /// The bytes that it was about: those sent by a push, those received by all others.
    pub fn bytes(&self) -> u64 {
        if self.kind == Kind::Push { self.sent } else { self.received }
    }

    /// What it spent most time on.
    pub fn waited_for(&self) -> Option<&Phase> {
        // Of equal ones the first.
        self.phases.iter().rev().max_by_key(|phase| phase.busy_micros)
    }

    /// What it is about: `team/app:v1`, `team/app@sha256:…`, the repository or the registry.
    pub fn subject(&self) -> String {
        match (&self.repository, &self.reference) {
            (Some(repository), Some(reference)) if reference.contains(':') => format!("{repository}@{reference}"),
            (Some(repository), Some(reference)) => format!("{repository}:{reference}"),
            (Some(repository), None) => repository.clone(),
            (None, _) => self.registry.clone(),
        }
    }
}
