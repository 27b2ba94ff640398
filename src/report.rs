//! Reports: what was found in saved captures, as text for people and as JSON for programs.

use std::collections::HashSet;

use crate::diagnose::{Engine, Finding, IssuedToken, NotChecked, Note, Severity};
use crate::exchange::{Exchange, ExchangeId, Moment};
use crate::redact::Redacted;
use crate::registry::Operation;

mod columns;
pub mod faq;
pub mod json;
pub mod line;
pub mod quantity;
pub mod text;
mod tokens;
mod words;

/// The JSON schema of a report as [`json::report`] makes it.
pub const SCHEMA: &str = include_str!("report/schema.json");

/// A report about one file or several.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The files, in the order in which they were given.
    pub files: Vec<FileReport>,
}

/// What there is to say about one file.
#[derive(Debug, Clone, Default)]
pub struct FileReport {
    /// Its name, as it was given.
    pub name: String,
    /// The program that wrote it.
    pub creator: Option<String>,
    /// What had to be repaired to read it, in words.
    pub repairs: Vec<String>,
    /// Its exchanges, in order: those that lists show, and those that a finding is about.
    pub exchanges: Vec<Reported>,
    /// The findings, those that explain what is normal included.
    pub findings: Vec<Finding>,
    /// The pulls, pushes and whatever else it shows.
    pub operations: Vec<Operation>,
    /// The tokens that clients got, and who carried them.
    pub tokens: Vec<IssuedToken>,
    /// The rules that could not be checked everywhere.
    pub not_checked: Vec<NotChecked>,
    /// The exchanges that findings are about.
    found: HashSet<ExchangeId>,
}

/// An exchange in a report.
#[derive(Debug, Clone)]
pub struct Reported {
    /// The exchange, without the bytes of its content.
    pub exchange: Exchange,
    /// What it is to a registry client.
    pub role: &'static str,
    /// What it means.
    pub notes: Vec<Note>,
}

impl FileReport {
    /// A report about this file, with what an engine says that has seen all of it and is finished.
    pub fn of(name: String, engine: &Engine) -> Self {
        let findings = engine.findings();
        let found = findings.iter().flat_map(|finding| &finding.exchanges).copied().collect();
        let (operations, tokens, not_checked) = (engine.operations(), engine.tokens(), engine.not_checked());
        Self { name, findings, operations, tokens, not_checked, found, ..Self::default() }
    }

    /// Adds an exchange, if it is to be shown.
    pub fn add(&mut self, exchange: Redacted<Exchange>, engine: &Engine) {
        if !exchange.is_listed() && !self.found.contains(&exchange.id) {
            return;
        }
        let (role, notes) = (engine.role(&exchange).as_str(), engine.meaning(&exchange));
        let mut exchange = exchange.into_inner();
        for body in [&mut exchange.request_body, &mut exchange.response_body] {
            body.bytes = Vec::new();
        }
        self.exchanges.push(Reported { exchange, role, notes });
    }

    /// The findings that are more than explanations of normal traffic.
    pub fn trouble(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_trouble())
    }

    /// How many requests ended without an answer of their server, and no finding says why; where trouble was found, that
    /// is to be looked at first.
    pub fn unexplained(&self) -> usize {
        if self.trouble().next().is_some() {
            return 0;
        }
        let has_failed = |exchange: &Exchange| {
            let is_answered = exchange.status().is_some() && !exchange.answered_by_us;
            exchange.is_over() && exchange.tunnel.is_none() && (exchange.failure.is_some() || !is_answered)
        };
        let exchanges = self.exchanges.iter().map(|reported| &reported.exchange);
        exchanges.filter(|exchange| has_failed(exchange) && !self.found.contains(&exchange.id)).count()
    }

    /// When the last thing happened that is known: for what did not end, how long it took until then.
    pub fn last_moment(&self) -> Moment {
        let moments = self.exchanges.iter().map(|reported| {
            let timings = &reported.exchange.timings;
            timings.closed.or(timings.response_end).or(timings.request_end).unwrap_or(timings.opened)
        });
        moments.max().unwrap_or(Moment::EPOCH)
    }
}

impl Report {
    /// Whether something failed.
    pub fn has_errors(&self) -> bool {
        let has_error = |file: &FileReport| file.findings.iter().any(|one| one.severity == Severity::Error);
        self.files.iter().any(|file| has_error(file) || file.unexplained() > 0)
    }
}
