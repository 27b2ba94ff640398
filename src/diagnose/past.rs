//! What earlier episodes of a group leave behind: refusals and pushes. A permission or a rule that needs minutes to be
//! effective shows only when a refusal is held against the success that follows it.

use crate::exchange::{ExchangeId, Moment};
use crate::registry::{PlaceKey, Proof};

use super::case::Case;
use super::episode::Episode;
use super::finding::{Finding, Severity};

/// The most refusals that one episode leaves behind.
const MOST_REFUSALS: usize = 32;

/// Rules whose findings say that the account may not do it.
const OF_PERMISSION: [&str; 5] = [
    "auth.denied",
    "auth.entra-token-refused",
    "auth.insufficient-scope",
    "auth.role-just-assigned",
    "auth.token-refused",
];
/// Rules whose findings say that the network may not do it.
const OF_NETWORK: [&str; 4] =
    ["acr.firewall-denied", "acr.firewall-just-changed", "acr.private-endpoint-bypassed", "acr.public-access-disabled"];

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// By the rules for networks.
    Network,
    /// For lack of a permission.
    Permission,
}

/// A request that was refused, and nothing in its episode mended it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// The exchange.
    pub exchange: ExchangeId,
    /// When its answer was there.
    pub ended: Moment,
    /// What was asked for.
    pub place: PlaceKey,
    /// Why.
    pub why: Why,
    /// For whom, where that is known.
    pub user: Option<Box<str>>,
}

/// What earlier episodes of a group leave behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Past {
    /// Refusals.
    pub refusals: Vec<Refusal>,
    /// The last manifest that was written.
    pub pushed: Option<(ExchangeId, Moment)>,
}

impl Past {
    /// What an episode leaves behind, by what was found in it.
    pub(super) fn of(episode: &Episode<'_>, findings: &[Finding]) -> Self {
        let mut refusals = Vec::new();
        for finding in findings {
            let rule = finding.rule.id.as_str();
            let is_of = |rules: &[&str]| rules.contains(&rule);
            let why = match (is_of(&OF_PERMISSION), is_of(&OF_NETWORK)) {
                (true, _) => Why::Permission,
                (_, true) => Why::Network,
                _ => continue,
            };
            if finding.severity < Severity::Error {
                continue;
            }
            let members = (0..episode.members().len()).filter_map(|at| Case::new(episode, at));
            let refused = members.filter(|case| finding.exchanges.contains(&case.facts.id) && !may_be_mistyped(case));
            refusals.extend(refused.map(|case| Refusal {
                exchange: case.facts.id,
                ended: case.facts.ended,
                place: case.facts.place,
                why,
                user: case.user().map(Into::into),
            }));
        }
        refusals.truncate(MOST_REFUSALS);
        Self { refusals, pushed: episode.last_push() }
    }

    /// Adds what a later episode leaves behind.
    pub(super) fn extend(&mut self, later: &Self) {
        self.refusals.extend(later.refusals.iter().cloned());
        self.pushed = later.pushed.or(self.pushed);
    }
}

/// A login by hand: the next attempt may go well because another password was typed.
fn may_be_mistyped(case: &Case<'_>) -> bool {
    case.token().is_some_and(|token| token.request.scopes.is_empty() && token.request.proof != Proof::AccessToken)
}
