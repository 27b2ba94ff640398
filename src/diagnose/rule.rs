//! What a rule is: a constant that the engine evaluates. A rule that is only a match is a list of [`Condition`]s, a rule
//! that needs logic a function.

use std::fmt;

use crate::exchange::{ExchangeId, FailureKind, Side, Stage};
use crate::registry::Role;

use super::case::Case;
use super::episode::Level;
use super::evidence::Evidence;
use super::finding::{Parameters, Severity};
use super::sureness::{Alternative, Sureness};

/// The name of a rule: `area.words-with-dashes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(&'static str);

impl RuleId {
    /// The id of the rule of this name, if there is one.
    pub fn new(name: &str) -> Option<Self> {
        super::rules::by_name(name).map(|rule| rule.id)
    }

    /// The name itself.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A fact that a rule cannot do without. Where an exchange lacks it, the rule was *not checked* there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The content of the request (a token request's form).
    RequestBody,
    /// The content of the response.
    ResponseBody,
    /// The SHA-256 of the response's content.
    Digest,
    /// TLS between client and pulltap.
    ClientTls,
    /// TLS between pulltap and server.
    UpstreamTls,
    /// How the exchange failed.
    Failure,
}

impl Need {
    /// Every need.
    pub const ALL: [Self; 6] =
        [Self::RequestBody, Self::ResponseBody, Self::Digest, Self::ClientTls, Self::UpstreamTls, Self::Failure];

    /// The name that JSON outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestBody => "request-body",
            Self::ResponseBody => "response-body",
            Self::Digest => "digest",
            Self::ClientTls => "client-tls",
            Self::UpstreamTls => "upstream-tls",
            Self::Failure => "failure",
        }
    }

    /// The bit that stands for it in a [`Needs`].
    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// A set of [`Need`]s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs(u8);

impl Needs {
    /// Adds one.
    pub fn add(&mut self, need: Need) {
        self.0 |= need.bit();
    }

    /// Whether it is in the set.
    pub fn has(self, need: Need) -> bool {
        self.0 & need.bit() != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// The catalogue entry that explains it.
    pub slug: &'static str,
    /// How much a match matters, unless the match says otherwise.
    pub severity: Severity,
    /// Whether it looks at requests, connections or operations.
    pub level: Level,
    /// The roles it looks at; all of them when empty.
    pub on: &'static [Role],
    /// The facts it cannot do without.
    pub needs: &'static [Need],
    /// The rules whose matches in the same episode say less than this one's.
    pub supersedes: &'static [&'static str],
    /// How sure a match is while an alternative is open, unless the match says otherwise.
    pub sureness: Sureness,
    /// What else may be the cause, the likeliest first.
    pub alternatives: &'static [Alternative],
    /// How it decides.
    pub check: Check,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

/// How a rule decides.
#[derive(Debug)]
pub enum Check {
    /// It matches where all of these hold.
    When(&'static [Condition]),
    /// It has logic of its own.
    Logic(fn(&Case<'_>) -> Option<Match>),
}

/// Something that holds for an exchange or does not.
#[derive(Debug, Clone, Copy)]
pub enum Condition {
    /// The status is one of these.
    Status(&'static [u16]),
    /// An error of the answer has one of these codes.
    Code(&'static [&'static str]),
    /// The error's text contains one of these (any case).
    Says(&'static [&'static str]),
    /// It failed in one of these stages.
    Stage(&'static [Stage]),
    /// It failed by the doing of one of these.
    Side(&'static [Side]),
    /// It failed in such a way.
    Kind(fn(&FailureKind) -> bool),
    /// A response header field contains this (both in any case).
    Header(&'static str, &'static str),
    /// Something else that is one line of code.
    Is(fn(&Case<'_>) -> bool),
}

/// What a rule found in one exchange.
#[derive(Debug, Clone, Default)]
pub struct Match {
    /// What it concludes from.
    pub evidence: Vec<Evidence>,
    /// What it knows beyond the parameters that every case has. Matches with equal ones become one finding.
    pub parameters: Parameters,
    /// How much it matters, where that differs from the rule.
    pub severity: Option<Severity>,
    /// How sure it is, where that differs from the rule. A certain match has no alternatives.
    pub sureness: Option<Sureness>,
    /// Other exchanges that it is about.
    pub also: Vec<ExchangeId>,
}

impl Match {
    /// A match with this evidence.
    pub fn on(evidence: impl IntoIterator<Item = Evidence>) -> Self {
        Self { evidence: evidence.into_iter().collect(), ..Self::default() }
    }

    /// This match with these parameters.
    #[must_use]
    pub fn with(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// This match with another severity than the rule's.
    #[must_use]
    pub fn of_severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// This match, as sure as this.
    #[must_use]
    pub fn of_sureness(mut self, sureness: Sureness) -> Self {
        self.sureness = Some(sureness);
        self
    }
}

impl Rule {
    /// A rule about requests whose match is an error; the methods below say the rest.
    pub(super) const fn error(name: &'static str, slug: &'static str) -> Self {
        Self {
            id: RuleId(name),
            slug,
            severity: Severity::Error,
            level: Level::Requests,
            on: &[],
            needs: &[],
            supersedes: &[],
            sureness: Sureness::Certain,
            alternatives: &[],
            check: Check::When(&[]),
        }
    }

    /// The rule with another severity.
    pub(super) const fn of_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The rule, looking at connections.
    pub(super) const fn of_connections(mut self) -> Self {
        self.level = Level::Connections;
        self
    }

    /// The rule, looking at these roles only.
    pub(super) const fn on(mut self, roles: &'static [Role]) -> Self {
        self.on = roles;
        self
    }

    /// The rule, needing these facts.
    pub(super) const fn needs(mut self, needs: &'static [Need]) -> Self {
        self.needs = needs;
        self
    }

    /// The rule, silencing these others.
    pub(super) const fn supersedes(mut self, rules: &'static [&'static str]) -> Self {
        self.supersedes = rules;
        self
    }

    /// The rule, whose cause is by far the most frequent; the others come in order.
    pub(super) const fn likely(mut self, alternatives: &'static [Alternative]) -> Self {
        self.sureness = Sureness::Likely;
        self.alternatives = alternatives;
        self
    }

    /// The rule, whose cause is the first of several that are about as frequent.
    pub(super) const fn possible(mut self, alternatives: &'static [Alternative]) -> Self {
        self.sureness = Sureness::Possible;
        self.alternatives = alternatives;
        self
    }

    /// The rule, matching where all of these hold.
    pub(super) const fn when(mut self, conditions: &'static [Condition]) -> Self {
        self.check = Check::When(conditions);
        self
    }

    /// The rule, deciding by this function.
    pub(super) const fn logic(mut self, logic: fn(&Case<'_>) -> Option<Match>) -> Self {
        self.check = Check::Logic(logic);
        self
    }

    /// How sure a match in this case is, and what else it may be.
    pub(super) fn doubt(&self, case: &Case<'_>, matched: &Match) -> (Sureness, Vec<&'static str>) {
        let sureness = matched.sureness.unwrap_or(self.sureness);
        let open = self.alternatives.iter().filter(|other| sureness < Sureness::Certain && other.is_open(case));
        let open: Vec<_> = open.map(Alternative::name).collect();
        (if open.is_empty() { Sureness::Certain } else { sureness }, open)
    }

    /// What this rule says about a case.
    pub fn check(&self, case: &Case<'_>) -> Option<Match> {
        match &self.check {
            Check::When(conditions) => super::table::check(conditions, case),
            Check::Logic(logic) => logic(case),
        }
    }
}
