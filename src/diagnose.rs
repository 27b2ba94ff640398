//! Says what went wrong: exchanges in, findings out. One engine for live traffic and saved files.
//!
//! [`Engine::update`] takes each exchange when it is over and keeps compact [`Facts`] of it. Exchanges of one client
//! with one repository form a group, and a group is cut into [`episode::Episode`]s where it rests; every rule looks at
//! each exchange of an episode as a [`Case`]. What a rule says is a function of the set of exchanges, whatever their
//! order. No prose stands in code: the sentences are the [`Catalogue`]'s.

pub mod alternatives;
pub mod case;
pub mod catalogue;
pub mod details;
mod ended;
pub mod engine;
pub mod episode;
pub mod error_facts;
pub mod evidence;
pub mod facts;
pub mod finding;
mod groups;
pub mod meaning;
pub mod past;
mod placing;
pub mod rule;
pub mod rules;
pub mod search;
mod standing;
mod steps;
pub mod sureness;
pub mod table;
pub mod tokens;
mod verdict;

pub use alternatives::OtherCause;
pub use case::Case;
pub use catalogue::{Catalogue, Entry, Explained};
pub use engine::{Change, Engine, NotChecked};
pub use error_facts::ErrorFacts;
pub use evidence::{Evidence, Phase, Place};
pub use facts::Facts;
pub use finding::{Finding, FindingId, OperationId, Parameters, Severity};
pub use meaning::{Note, meaning, waiting};
pub use rule::{Check, Match, Need, Rule, RuleId};
pub use sureness::{Alternative, Sureness};
pub use tokens::IssuedToken;

pub use crate::registry::Operation;
pub use search::search;
