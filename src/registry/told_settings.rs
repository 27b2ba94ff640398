//! What Azure Resource Manager told about registries while their traffic ran: `az acr login` and `az acr show` ask it
//! before they talk to the registry.

use std::collections::HashMap;

use crate::exchange::{Exchange, ExchangeId, Moment};

use super::azure::RegistrySettings;
use super::role_scope::RoleScope;
use super::{network_rules, vendors};

/// The most registries remembered, and the most answers about one.
const MOST_SERVERS: usize = 1_000;
const MOST_OF_ONE: usize = 32;

/// The most assignments of roles remembered.
const MOST_ROLES: usize = 256;

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

/// A role that was assigned on a registry, or on what it belongs to.
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
    /// In the order of their exchanges.
    roles: Vec<(RoleAssigned, RoleScope)>,
}

impl ToldSettings {
    /// Learns from an exchange that has its answer. Says about which registries more is known now, as [`known_as`] names
    /// them.
    pub fn learn(&mut self, exchange: &Exchange) -> Vec<Box<str>> {
        let mut names = RoleScope::of(exchange).map_or_else(Vec::new, |scope| self.learn_role(scope, exchange));
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
            names.push(known_as(&server).into());
        }
        names
    }

    fn learn_role(&mut self, scope: RoleScope, exchange: &Exchange) -> Vec<Box<str>> {
        let role = RoleAssigned { opened: exchange.timings.opened, exchange: exchange.id };
        let Err(at) = self.roles.binary_search_by_key(&role, |(known, _)| *known) else { return Vec::new() };
        let under = |told: &&RegistrySettings| told.resource.as_deref().is_some_and(|resource| scope.covers(resource));
        let told = self.by_server.values().flatten().map(|told| &told.settings);
        let told = told.filter(under).map(|told| known_as(&told.server));
        let mut names: Vec<Box<str>> = told.chain(scope.registry()).map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        self.roles.insert(at, (role, scope));
        if self.roles.len() > MOST_ROLES {
            self.roles.remove(0);
        }
        names
    }

    /// The last role that was assigned before this moment on a registry, or on the group or subscription that it is in.
    pub fn role_assigned(&self, server: &str, moment: Moment) -> Option<&RoleAssigned> {
        if self.roles.is_empty() {
            return None;
        }
        let server = server.to_ascii_lowercase();
        let earlier = self.roles.iter().rev().filter(|(role, _)| role.opened <= moment);
        earlier.filter(|(_, scope)| self.is_under(&server, scope)).map(|(role, _)| role).next()
    }

    /// Where the registry is, its settings tell; else its name has to, and no other registry may be meant by it.
    fn is_under(&self, server: &str, scope: &RoleScope) -> bool {
        if let Some(registry) = self.by_server.get(server).and_then(|told| resource(told)) {
            return scope.covers(registry);
        }
        let is_anothers = |told: &Vec<Told>| resource(told).is_some_and(|registry| scope.is(registry));
        scope.may_be_served_by(server)
            && !self.roles.iter().any(|(_, other)| other.is_namesake_of(scope))
            && !self.by_server.values().any(is_anothers)
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

/// What a server is known as to Azure Resource Manager: by its registry's name, which others may have, too.
pub fn known_as(server: &str) -> &str {
    vendors::acr_name(server).unwrap_or(server)
}

/// The registry's path, as it was told last.
fn resource(told: &[Told]) -> Option<&str> {
    told.iter().rev().find_map(|told| told.settings.resource.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Origin, RequestHead, ResponseHead, Target};

    const GROUP: &str = "/subscriptions/s/resourceGroups/g";

    /// What is known after these exchanges: roles on these scopes, and `server=resource` for settings.
    fn told(exchanges: &[&str]) -> ToldSettings {
        let mut told = ToldSettings::default();
        for (number, what) in (1..).zip(exchanges) {
            let (id, target) = (ExchangeId::new(number).unwrap(), Target::https("management.azure.com", 443));
            let opened = Moment::from_micros(i64::try_from(number).unwrap());
            let mut exchange = Exchange::new(id, Origin::Live, target, opened);
            exchange.response = Some(ResponseHead::new(200, "OK"));
            let request = match what.split_once('=') {
                Some((server, resource)) => {
                    exchange.response_body.bytes = format!(
                        r#"{{"id":"{resource}","type":"Microsoft.ContainerRegistry/registries",
                            "properties":{{"loginServer":"{server}"}}}}"#
                    )
                    .into_bytes();
                    RequestHead::new("GET", resource)
                }
                None => RequestHead::new("PUT", &format!("{what}/providers/Microsoft.Authorization/roleAssignments/1")),
            };
            exchange.request = Some(request);
            assert!(!told.learn(&exchange).is_empty() || !what.contains("registries"), "{what}");
        }
        told
    }

    fn registry(group: &str) -> String {
        format!("{group}/providers/Microsoft.ContainerRegistry/registries/MyReg")
    }

    /// The exchange that last assigned a role for this server.
    fn role(told: &ToldSettings, server: &str) -> Option<u64> {
        told.role_assigned(server, Moment::from_micros(1_000)).map(|role| role.exchange.number())
    }

    #[test]
    fn a_role_on_a_registry_is_for_the_server_with_its_name_and_hash() {
        let (mine, namesake) = (registry(GROUP), registry("/subscriptions/s/resourceGroups/other"));
        let by_name = told(&[&mine]);
        assert_eq!(role(&by_name, "MyReg-a1b2.azurecr.io"), Some(1));
        assert_eq!(role(&by_name, "myreg.azurecr.io"), Some(1));
        assert_eq!(role(&by_name, "myreg2.azurecr.io"), None);
        assert_eq!(role(&told(&[&mine, &namesake]), "myreg-a1b2.azurecr.io"), None, "which of the two is it?");
        let settings = format!("myreg-a1b2.azurecr.io={mine}");
        let by_path = told(&[&mine, &settings, &namesake]);
        assert_eq!(role(&by_path, "myreg-a1b2.azurecr.io"), Some(1));
        assert_eq!(role(&by_path, "myreg-ffff.azurecr.io"), None, "one of the two is told to be another server");
    }

    #[test]
    fn a_role_on_a_group_is_for_registries_that_are_told_to_be_in_it() {
        let settings = format!("myreg.azurecr.io={}", registry("/subscriptions/S/RESOURCEGROUPS/G"));
        assert_eq!(role(&told(&[GROUP]), "myreg.azurecr.io"), None);
        assert_eq!(role(&told(&[GROUP, &settings]), "myreg.azurecr.io"), Some(1));
        assert_eq!(role(&told(&[&settings, "/subscriptions/s"]), "myreg.azurecr.io"), Some(2));
        assert_eq!(role(&told(&[&settings, "/subscriptions/s/resourceGroups/g2"]), "myreg.azurecr.io"), None);
    }
}
