//! What Azure Resource Manager told about registries while their traffic ran: `az acr login` and `az acr show` ask it
//! before they talk to the registry.

use std::collections::HashMap;

use crate::exchange::{Exchange, ExchangeId, Moment};

use super::azure::{RegistrySettings, role_assigned_on};
use super::network_rules;

/// The most registries remembered, and the most answers about one.
const MOST_SERVERS: usize = 1_000;
const MOST_OF_ONE: usize = 32;

/// Whoever was refused asks how the registry is set up within this time; later it may be set up in another way.
const SOON_MICROS: i64 = 600_000_000;

/// One answer about one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When its exchange began.
    pub opened: Moment,
    /// The exchange whose answer told it.
    pub exchange: ExchangeId,
    /// What it told.
    pub settings: RegistrySettings,
    /// Whether the exchange changed who may reach the registry.
    pub changes_network: bool,
}

/// A role that was assigned on a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleAssigned {
    /// When its exchange began.
    pub opened: Moment,
    /// The exchange that assigned it.
    pub exchange: ExchangeId,
}

/// All such answers.
#[derive(Debug, Clone, Default)]
pub struct ToldSettings {
    by_server: HashMap<Box<str>, Vec<Told>>,
    roles: HashMap<Box<str>, Vec<RoleAssigned>>,
}

impl ToldSettings {
    /// Learns from an exchange that has its answer. Says about which registries more is known now.
    pub fn learn(&mut self, exchange: &Exchange) -> Vec<Box<str>> {
        let mut servers = Vec::new();
        servers.extend(role_assigned_on(exchange).filter(|server| self.learn_role(server, exchange)));
        let changes_network = network_rules::are_changed_by(exchange);
        for settings in RegistrySettings::told_by(exchange) {
            let server = settings.server.clone();
            if self.by_server.len() >= MOST_SERVERS && !self.by_server.contains_key(&server) {
                continue;
            }
            let told = Told { opened: exchange.timings.opened, exchange: exchange.id, settings, changes_network };
            let known = self.by_server.entry(server.clone()).or_default();
            if known.contains(&told) {
                continue;
            }
            known.retain(|other| other.exchange != told.exchange);
            let at = known.partition_point(|other| (other.opened, other.exchange) < (told.opened, told.exchange));
            known.insert(at, told);
            if known.len() > MOST_OF_ONE {
                known.remove(0);
            }
            servers.push(server);
        }
        servers
    }

    /// Says whether it is news.
    fn learn_role(&mut self, server: &str, exchange: &Exchange) -> bool {
        if self.roles.len() >= MOST_SERVERS && !self.roles.contains_key(server) {
            return false;
        }
        let role = RoleAssigned { opened: exchange.timings.opened, exchange: exchange.id };
        let known = self.roles.entry(server.into()).or_default();
        let Err(at) = known.binary_search(&role) else { return false };
        known.insert(at, role);
        if known.len() > MOST_OF_ONE {
            known.remove(0);
        }
        true
    }

    /// The last role that was assigned on a registry before this moment.
    pub fn role_assigned(&self, server: &str, moment: Moment) -> Option<&RoleAssigned> {
        if self.roles.is_empty() {
            return None;
        }
        let known = self.roles.get(server.to_ascii_lowercase().as_str())?;
        known.iter().rev().find(|role| role.opened <= moment)
    }

    /// The last change, before this moment, of who may reach a registry.
    pub fn network_change(&self, server: &str, moment: Moment) -> Option<&Told> {
        if self.by_server.is_empty() {
            return None;
        }
        let known = self.by_server.get(server.to_ascii_lowercase().as_str())?;
        known.iter().rev().find(|told| told.changes_network && told.opened <= moment)
    }

    /// How a registry was set up at a moment: what was told last before it, else first soon after it.
    pub fn at(&self, server: &str, moment: Moment) -> Option<&Told> {
        if self.by_server.is_empty() {
            return None;
        }
        let known = self.by_server.get(server.to_ascii_lowercase().as_str())?;
        let is_soon = |told: &&Told| told.opened.micros_since(moment) <= SOON_MICROS;
        known.iter().rev().find(|told| told.opened <= moment).or_else(|| known.first().filter(is_soon))
    }
}
