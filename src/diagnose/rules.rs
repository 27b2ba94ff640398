//! The one list of rules. A rule with logic stands in its family's file, a rule that is only a match in
//! [`table`](super::table).
//!
//! Known failures without a rule, and why:
//!
//! * A name that the client itself refuses (`must be lowercase`, `invalid reference format`): no traffic.
//! * A blob that only the client finds damaged: it left pulltap as its digest says. One that came damaged has a rule.
//! * A body that is shorter than announced in a foreign HAR: such files tell lengths in too many ways to rely on. Where
//!   pulltap saw the connection end, there is a rule.
//! * Which of docker's 10, 15 and 30 s ran out: the failure's stage and time are the evidence, and the explanation says
//!   what each limit is.
//! * FAQ entries about what happens at Azure Resource Manager and of whose answers no sample is public: agent pools that
//!   time out, the home replication, runs that are cancelled. FAQ entries that leave no trace at all are in the catalogue.

use crate::registry::Role;

use super::episode::Level;
use super::rule::Rule;

mod auth;
mod connections;
mod content;
mod identity;
mod image;
mod ledger;
mod login;
mod normal;
mod policy;
mod push;
mod route;
mod server;
mod speed;
mod storage;
mod throttle;
mod token;
mod trust;

/// What a registry is asked, and the tokens for it first.
const OF_REGISTRY_OR_TOKEN: &[Role] = &[
    Role::Token,
    Role::Ping,
    Role::Manifest,
    Role::Blob,
    Role::Redirect,
    Role::Upload,
    Role::Mount,
    Role::Tags,
    Role::Catalog,
    Role::Referrers,
    Role::Delete,
    Role::Attributes,
];

/// What a registry itself is asked.
const OF_REGISTRY: &[Role] = match OF_REGISTRY_OR_TOKEN {
    [_, rest @ ..] => rest,
    [] => &[],
};

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        normal::RULES,
        token::RULES,
        auth::RULES,
        login::RULES,
        ledger::RULES,
        identity::RULES,
        policy::RULES,
        trust::RULES,
        content::RULES,
        image::RULES,
        push::RULES,
        server::RULES,
        storage::RULES,
        throttle::RULES,
        route::RULES,
        speed::RULES,
        connections::RULES,
        super::table::ROWS,
        super::table::CONNECTION_ROWS,
    ]
    .into_iter()
    .flatten()
}

/// The rule of this name.
pub fn by_name(name: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id.as_str() == name)
}

/// The rules that look at each role, so that a healthy exchange meets few of them.
#[derive(Debug)]
pub struct RulesByRole {
    requests: Vec<Vec<&'static Rule>>,
    operations: Vec<Vec<&'static Rule>>,
    connections: Vec<&'static Rule>,
}

impl RulesByRole {
    /// Sorts the rules.
    pub fn new() -> Self {
        let at = |level: Level| all().filter(move |rule| rule.level == level);
        let by_role = |level: Level| {
            let of = |role: &Role| at(level).filter(|rule| rule.on.is_empty() || rule.on.contains(role)).collect();
            Role::ALL.iter().map(of).collect()
        };
        Self {
            requests: by_role(Level::Requests),
            operations: by_role(Level::Operations),
            connections: at(Level::Connections).collect(),
        }
    }

    /// The rules for an exchange of this role, at this level.
    pub fn of(&self, level: Level, role: Role) -> &[&'static Rule] {
        match level {
            Level::Connections => &self.connections,
            Level::Requests => self.requests.get(role as usize).map_or(&[], Vec::as_slice),
            Level::Operations => self.operations.get(role as usize).map_or(&[], Vec::as_slice),
        }
    }
}

impl Default for RulesByRole {
    fn default() -> Self {
        Self::new()
    }
}
