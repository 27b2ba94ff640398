//! Where a role was assigned in Azure Resource Manager, and which registries are under it.

use crate::exchange::Exchange;

use super::azure::{Management, ManagementCall};
use super::parameters::decoded;
use super::vendors;

/// A subscription, a resource group or a registry on which a role was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleScope {
    /// Its path, as [`resource_path`] gives it.
    path: Box<str>,
    /// The domain of registries in its cloud.
    domain: &'static str,
}

impl RoleScope {
    /// Where this exchange assigned a role, if it did and registries may be under it.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        let is_done = exchange.method() == Some("PUT") && matches!(exchange.status(), Some(200 | 201));
        Management::of(exchange).filter(|call| is_done && call.call == ManagementCall::RoleAssignments)?;
        let path = resource_path(exchange.path());
        let (scope, _) = path.split_once("/providers/microsoft.authorization/roleassignments/")?;
        let parts: Vec<&str> = scope.split('/').skip(1).collect();
        let may_have_registries = matches!(
            parts.as_slice(),
            ["subscriptions", _]
                | ["subscriptions", _, "resourcegroups", _]
                | [.., "providers", "microsoft.containerregistry", "registries", _]
        );
        let domain = match exchange.target.host.rsplit('.').next() {
            Some("cn") => "azurecr.cn",
            Some("us" | "net") => "azurecr.us",
            _ => "azurecr.io",
        };
        may_have_registries.then(|| Self { path: scope.into(), domain })
    }

    /// The name of the registry, where it is one.
    pub fn registry(&self) -> Option<&str> {
        self.path.rsplit_once("/providers/microsoft.containerregistry/registries/").map(|(_, name)| name)
    }

    /// Whether a registry of this path is under it.
    pub fn covers(&self, registry: &str) -> bool {
        registry.strip_prefix(&*self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether it is a registry, and this may be its server: of names alone that is all that can be told.
    pub fn may_be_served_by(&self, server: &str) -> bool {
        server.ends_with(self.domain) && self.registry().is_some() && self.registry() == vendors::acr_name(server)
    }

    /// Whether it is another registry of the same name.
    pub fn is_namesake_of(&self, other: &Self) -> bool {
        self.path != other.path && self.domain == other.domain && self.registry() == other.registry()
    }

    /// Whether it is this registry.
    pub fn is(&self, registry: &str) -> bool {
        &*self.path == registry
    }
}

/// The path of a resource in one spelling: Azure Resource Manager does not tell upper from lower case.
pub fn resource_path(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.flat_map(|part| ["/".to_owned(), decoded(part).to_ascii_lowercase()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{ExchangeId, Moment, Origin, RequestHead, ResponseHead, Target};

    const GROUP: &str = "/subscriptions/s/resourceGroups/g";

    fn assigned(host: &str, (method, status): (&str, u16), scope: &str) -> Option<RoleScope> {
        let target = Target::https(host, 443);
        let mut exchange = Exchange::new(ExchangeId::new(1).unwrap(), Origin::Live, target, Moment::EPOCH);
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/1?api-version=2022-04-01");
        exchange.request = Some(RequestHead::new(method, &path));
        exchange.response = Some(ResponseHead::new(status, ""));
        RoleScope::of(&exchange)
    }

    #[test]
    fn reads_on_what_a_role_was_assigned() {
        let registry = format!("{GROUP}/providers/Microsoft.ContainerRegistry/registries/MyReg");
        let azure = "management.azure.com";
        let on_registry = assigned(azure, ("PUT", 201), &registry).unwrap();
        assert_eq!(on_registry.registry(), Some("myreg"));
        for (server, may_be) in [
            ("myreg.azurecr.io", true),
            ("myreg-a1b2c3.azurecr.io", true),
            ("myreg2.azurecr.io", false),
            ("myreg.azurecr.cn", false),
        ] {
            assert_eq!(on_registry.may_be_served_by(server), may_be, "{server}");
        }
        let china = assigned("management.chinacloudapi.cn", ("PUT", 201), &registry).unwrap();
        assert!(china.may_be_served_by("myreg.azurecr.cn"));
        let government = assigned("management.usgovcloudapi.net", ("PUT", 200), &registry).unwrap();
        assert!(government.may_be_served_by("myreg.azurecr.us"));
        assert_eq!(assigned(azure, ("PUT", 403), &registry), None);
        assert_eq!(assigned(azure, ("GET", 200), &registry), None);
        assert_eq!(assigned("example.com", ("PUT", 201), &registry), None);
    }

    #[test]
    fn a_group_and_a_subscription_cover_what_is_below_them() {
        let registry = resource_path(&format!("{GROUP}/providers/Microsoft.ContainerRegistry/registries/MyReg"));
        let scope = |path: &str| assigned("management.azure.com", ("PUT", 201), path);
        for (path, covers) in [
            (GROUP, true),
            ("/subscriptions/S/resourcegroups/G/", true),
            ("/subscriptions/s", true),
            ("/subscriptions/s/resourceGroups/g2", false),
            ("/subscriptions/other", false),
        ] {
            assert_eq!(scope(path).unwrap().covers(&registry), covers, "{path}");
            assert!(!scope(path).unwrap().may_be_served_by("myreg.azurecr.io"), "{path}");
        }
        for path in ["", "/providers/Microsoft.Management/managementGroups/m"] {
            assert_eq!(scope(path), None, "{path}");
        }
    }
}
