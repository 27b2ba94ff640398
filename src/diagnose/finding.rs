//! Findings: what a rule says about some exchanges, as data.

use std::collections::BTreeMap;
use std::fmt;

use crate::exchange::ExchangeId;
pub use crate::registry::OperationId;

use super::evidence::Evidence;
use super::rule::{Rule, RuleId};
use super::sureness::Sureness;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As it should be; explained, never counted as trouble.
    Normal,
    /// Good to know.
    Notice,
    /// It went well in the end, or may go wrong soon.
    Warning,
    /// It failed.
    Error,
}

impl Severity {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Normal, Self::Notice, Self::Warning, Self::Error].into_iter().find(|severity| severity.as_str() == name)
    }
}

/// The stable name of a finding: its rule and its first exchange.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(String);

impl FindingId {
    /// The id of this rule's finding that begins with this exchange.
    pub fn of(rule: RuleId, first: ExchangeId) -> Self {
        Self(format!("{rule}@{first}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What fills the placeholders of sentences and commands: `registry`, `repository`, `user`, `address`, …
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parameters(BTreeMap<&'static str, String>);

impl Parameters {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// These with one more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.insert(name, value.into());
        self
    }

    /// These with one more, if there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The value of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Adds what is not there yet.
    pub fn fill_from(&mut self, others: &Self) {
        for (name, value) in &others.0 {
            self.0.entry(name).or_insert_with(|| value.clone());
        }
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// What a rule says about some exchanges.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its stable name.
    pub id: FindingId,
    /// The rule that says it.
    pub rule: &'static Rule,
    /// How much it matters here: usually the rule's own severity.
    pub severity: Severity,
    /// How sure it is of its cause.
    pub sureness: Sureness,
    /// What else may be the cause, the likeliest first, by the names of the catalogue; none where it is certain.
    pub alternatives: Vec<&'static str>,
    /// The exchanges it is about, in order.
    pub exchanges: Vec<ExchangeId>,
    /// The pull, push or login that it belongs to.
    pub operation: Option<OperationId>,
    /// What it is concluded from, at most a handful.
    pub evidence: Vec<Evidence>,
    /// What fills the placeholders of its sentences and commands.
    pub parameters: Parameters,
}

impl Finding {
    /// The slug of the catalogue entry that explains it.
    pub fn slug(&self) -> &'static str {
        self.rule.slug
    }

    /// Whether it is more than an explanation of normal traffic.
    pub fn is_trouble(&self) -> bool {
        self.severity > Severity::Normal
    }
}
