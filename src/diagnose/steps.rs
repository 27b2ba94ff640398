//! Next steps: what an exchange leads one to expect of its client, and whether that came. A redirect is to be followed;
//! docker tries plain HTTP where HTTPS did not work.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use crate::exchange::{Exchange, ExchangeId, FailureKind, Moment, Scheme, Side, Stage};
use crate::registry::Role;

use super::facts::Facts;

/// A next step follows within this time. Clients take it at once; docker's slowest time limit, the dial's, is 30 s.
const SOON_MICROS: i64 = 60_000_000;

/// A step that a client takes at a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// It turns to the host, if only for a tunnel.
    Turned,
    /// It gets an answer over plain HTTP.
    PlainHttp,
}

impl Kind {
    /// How long before it was expected it may have been taken: a tunnel may be open, and be used again.
    fn earliest_micros(self) -> i64 {
        match self {
            Self::Turned => 3_600_000_000,
            Self::PlainHttp => 0,
        }
    }
}

/// A kind of step, with its client and host as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step {
    kind: Kind,
    key: u64,
}

impl Step {
    fn of(kind: Kind, client: Option<IpAddr>, host: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (client, host.to_ascii_lowercase()).hash(&mut hasher);
        Self { kind, key: hasher.finish() }
    }

    /// The step that these facts lead one to expect.
    pub(super) fn expected_after(facts: &Facts) -> Option<Self> {
        if let Some(host) = facts.details.as_ref().and_then(|details| details.leads_to.as_deref()) {
            return Some(Self::of(Kind::Turned, facts.client, host));
        }
        let failure = facts.failure.as_deref().filter(|_| facts.role == Role::Connect)?;
        let is_early = matches!(failure.stage, Stage::Connect | Stage::UpstreamTls) && failure.side == Side::Origin;
        // Who does not trust a certificate shall hear of it, whatever worked instead.
        let is_certificate = matches!(failure.kind, FailureKind::Certificate(_) | FailureKind::ClientCertificateWanted);
        (is_early && !is_certificate).then(|| Self::of(Kind::PlainHttp, facts.client, &facts.host))
    }

    /// The steps that an exchange is.
    fn taken_by(facts: &Facts) -> impl Iterator<Item = Self> {
        let is_plain = facts.scheme == Scheme::Http && facts.status.is_some() && !facts.answered_by_us;
        let plain = is_plain.then(|| Self::of(Kind::PlainHttp, facts.client, &facts.host));
        plain.into_iter().chain([Self::of(Kind::Turned, facts.client, &facts.host)])
    }
}

/// The steps that were taken, and those that are waited for.
#[derive(Debug, Default)]
pub(super) struct Steps {
    taken: HashMap<Step, BTreeSet<Moment>>,
    expected: HashMap<Step, BTreeSet<(Moment, ExchangeId)>>,
}

impl Steps {
    /// Notes what an exchange does and what it leads one to expect. Says which exchanges had waited for it.
    pub(super) fn learn(&mut self, facts: &Facts) -> Vec<ExchangeId> {
        let mut met = Vec::new();
        for step in Step::taken_by(facts) {
            met.extend(self.take(step, facts.opened));
        }
        if let Some(step) = Step::expected_after(facts)
            && !self.was_taken(step, facts.opened)
        {
            self.expected.entry(step).or_default().insert((facts.opened, facts.id));
        }
        met
    }

    /// Notes that an exchange has begun.
    pub(super) fn begun(&mut self, exchange: &Exchange) -> Vec<ExchangeId> {
        let client = exchange.client.map(|client| client.ip());
        self.take(Step::of(Kind::Turned, client, &exchange.target.host), exchange.timings.opened)
    }

    fn take(&mut self, step: Step, at: Moment) -> Vec<ExchangeId> {
        self.taken.entry(step).or_default().insert(at);
        let (Some(waiting), Some(first)) = (self.expected.get_mut(&step), ExchangeId::new(1)) else {
            return Vec::new();
        };
        let from = (at.plus_micros(-SOON_MICROS), first);
        let until = at.plus_micros(step.kind.earliest_micros());
        let met: Vec<_> = waiting.range(from..).take_while(|(since, _)| *since <= until).copied().collect();
        for waited in &met {
            waiting.remove(waited);
        }
        if waiting.is_empty() {
            self.expected.remove(&step);
        }
        met.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether the step that these facts lead one to expect was taken.
    pub(super) fn came_after(&self, facts: &Facts) -> bool {
        Step::expected_after(facts).is_some_and(|step| self.was_taken(step, facts.opened))
    }

    fn was_taken(&self, step: Step, since: Moment) -> bool {
        let (from, until) = (since.plus_micros(-step.kind.earliest_micros()), since.plus_micros(SOON_MICROS));
        self.taken.get(&step).is_some_and(|taken| taken.range(from..=until).next().is_some())
    }

    /// Forgets what no exchange that began at this moment or later asks for.
    pub(super) fn forget_before(&mut self, before: Moment) {
        self.taken.retain(|step, moments| {
            *moments = moments.split_off(&before.plus_micros(-step.kind.earliest_micros()));
            !moments.is_empty()
        });
        self.expected.retain(|_, waiting| {
            waiting.retain(|(since, _)| *since >= before);
            !waiting.is_empty()
        });
    }
}
