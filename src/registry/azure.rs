//! Azure's services around a registry: Microsoft Entra ID, which gives tokens, Azure Resource Manager, which manages the
//! registry as a resource, and the metadata service of a virtual machine, which gives tokens to managed identities.

use serde_json::Value;

use crate::exchange::{Body, Exchange};

use super::network_rules::NetworkRules;
use super::parameters::decoded;
use super::role_scope::resource_path;

/// The most content that is looked into.
const LONGEST: usize = 4 * 1024 * 1024;

/// A service of Azure, by the name of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Microsoft Entra ID, formerly Azure Active Directory.
    Entra,
    /// The metadata service of a virtual machine.
    InstanceMetadata,
    /// Azure Resource Manager.
    ResourceManager,
}

impl Service {
    /// The service behind this host. The aliases of Entra ID are those that its own discovery document lists.
    pub fn of(host: &str) -> Option<Self> {
        match host.to_ascii_lowercase().as_str() {
            "login.microsoftonline.com"
            | "login.windows.net"
            | "login.microsoft.com"
            | "sts.windows.net"
            | "login.partner.microsoftonline.cn"
            | "login.chinacloudapi.cn"
            | "login.microsoftonline.us"
            | "login.usgovcloudapi.net" => Some(Self::Entra),
            "management.azure.com" | "management.chinacloudapi.cn" | "management.usgovcloudapi.net" => {
                Some(Self::ResourceManager)
            }
            "169.254.169.254" => Some(Self::InstanceMetadata),
            _ => None,
        }
    }
}

/// The number of an error of Entra ID, as its text begins: `AADSTS7000215: Invalid client secret provided. …`. The texts
/// change, the numbers do not (learn.microsoft.com/entra/identity-platform/reference-error-codes).
pub fn entra_error(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("AADSTS")?;
    let end = after.find(|character: char| !character.is_ascii_digit()).unwrap_or(after.len());
    after.get(..end)?.parse().ok()
}

/// What a call of Azure Resource Manager is for, as far as registries go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ManagementCall {
    /// A registry itself: read, created, changed or deleted.
    Registry,
    /// The admin user's passwords.
    Credentials,
    /// How much of its quota a registry uses.
    Usages,
    /// Where to upload the sources of a build.
    BuildUpload,
    /// A replication of a registry.
    Replication,
    /// What became of an operation that takes longer than its request.
    OperationStatus,
    /// Who has which role.
    RoleAssignments,
    /// The subscriptions of an account.
    Subscriptions,
    /// Something else.
    Other,
}

/// A call of Azure Resource Manager and what it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Management {
    /// What it is for.
    pub call: ManagementCall,
    /// The name of the registry, where the path names one.
    pub registry: Option<Box<str>>,
    /// Whether the answer is a list of nothing.
    pub is_empty_list: bool,
}

impl Management {
    /// What this exchange is, when it is a call of Azure Resource Manager.
    pub fn of(exchange: &Exchange) -> Option<Self> {
        if Service::of(&exchange.target.host) != Some(Service::ResourceManager) || exchange.is_connect() {
            return None;
        }
        let (call, registry) = call_of(exchange.path());
        let is_ok = exchange.status() == Some(200);
        let is_empty_list =
            is_ok && call == ManagementCall::Subscriptions && is_list_of_nothing(&exchange.response_body);
        Some(Self { call, registry, is_empty_list })
    }
}

fn is_list_of_nothing(body: &Body) -> bool {
    let json: Option<Value> = body.bytes.get(..body.bytes.len().min(LONGEST)).and_then(json);
    json.is_some_and(|json| json.get("value").and_then(Value::as_array).is_some_and(Vec::is_empty))
}

fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// Paths of Azure Resource Manager are case-insensitive.
fn call_of(path: &str) -> (ManagementCall, Option<Box<str>>) {
    use ManagementCall as Call;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is = |at: usize, name: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(name));
    let find = |name: &str| (0..parts.len()).find(|at| is(*at, name));
    if is(0, "subscriptions") && parts.len() == 1 {
        return (Call::Subscriptions, None);
    }
    let provider = find("Microsoft.ContainerRegistry");
    let registry = provider.filter(|at| is(at.saturating_add(1), "registries")).map(|at| at.saturating_add(2));
    let name = registry.and_then(|at| parts.get(at)).map(|name| decoded(name).into());
    if find("roleAssignments").is_some() {
        return (Call::RoleAssignments, name);
    }
    if provider.is_some() && (find("operationResults").is_some() || find("operationStatuses").is_some()) {
        return (Call::OperationStatus, name);
    }
    let Some(registry) = registry.filter(|_| name.is_some()) else { return (Call::Other, None) };
    let below = |wanted: &str| is(registry.saturating_add(1), wanted);
    let call = if parts.len() == registry.saturating_add(1) {
        Call::Registry
    } else if below("listCredentials") || below("regenerateCredential") {
        Call::Credentials
    } else if below("listUsages") {
        Call::Usages
    } else if below("listBuildSourceUploadUrl") {
        Call::BuildUpload
    } else if below("replications") {
        Call::Replication
    } else {
        Call::Other
    };
    (call, name)
}

/// How a registry is set up, as Azure Resource Manager tells it
/// (Azure/azure-rest-api-specs, `containerregistry.json`, `RegistryProperties`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegistrySettings {
    /// The registry's server name, lower case.
    pub server: Box<str>,
    /// The registry itself, by its path as [`resource_path`] gives it.
    pub resource: Option<Box<str>>,
    /// Whether it may be reached over the public network at all.
    pub public_access: Option<bool>,
    /// Which addresses it lets in over the public network.
    pub network_rules: Option<NetworkRules>,
    /// Whether it has private endpoints.
    pub private_endpoints: Option<bool>,
    /// Whether it has an admin user.
    pub admin_user: Option<bool>,
    /// Whether it gives tokens without a login.
    pub anonymous_pull: Option<bool>,
}

impl RegistrySettings {
    /// The settings that this exchange tells: of a registry that was read or changed, or of all in a list.
    pub fn told_by(exchange: &Exchange) -> Vec<Self> {
        let is_told = matches!(exchange.status(), Some(200 | 201));
        if !is_told || Service::of(&exchange.target.host) != Some(Service::ResourceManager) {
            return Vec::new();
        }
        let bytes = &exchange.response_body.bytes;
        let Some(answer) = bytes.get(..bytes.len().min(LONGEST)).and_then(json) else { return Vec::new() };
        match answer.get("value").and_then(Value::as_array) {
            Some(all) => all.iter().filter_map(Self::of).collect(),
            None => Self::of(&answer).into_iter().collect(),
        }
    }

    fn of(resource: &Value) -> Option<Self> {
        let kind = resource.get("type").and_then(Value::as_str)?;
        let properties = resource.get("properties")?;
        if !kind.eq_ignore_ascii_case("Microsoft.ContainerRegistry/registries") {
            return None;
        }
        let truth = |name: &str| properties.get(name).and_then(Value::as_bool);
        let access = properties.get("publicNetworkAccess").and_then(Value::as_str);
        let endpoints = properties.get("privateEndpointConnections").and_then(Value::as_array);
        Some(Self {
            resource: resource.get("id").and_then(Value::as_str).map(|id| resource_path(id).into()),
            server: properties.get("loginServer").and_then(Value::as_str)?.to_ascii_lowercase().into(),
            public_access: access.map(|access| !access.eq_ignore_ascii_case("Disabled")),
            network_rules: NetworkRules::of(properties),
            private_endpoints: endpoints.map(|endpoints| !endpoints.is_empty()),
            admin_user: truth("adminUserEnabled"),
            anonymous_pull: truth("anonymousPullEnabled"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{ExchangeId, Moment, Origin, ResponseHead, Target};

    #[test]
    fn reads_the_number_of_an_entra_error() {
        assert_eq!(entra_error("AADSTS7000215: Invalid client secret provided."), Some(7_000_215));
        assert_eq!(entra_error("x AADSTS50076"), Some(50_076));
        assert_eq!(entra_error("AADSTS"), None);
        assert_eq!(entra_error("AADSTS99999999999999999999"), None);
    }

    #[test]
    fn reads_what_a_call_of_the_resource_manager_is_for() {
        const BASE: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/MyReg";
        for (path, call, registry) in [
            ("/subscriptions", ManagementCall::Subscriptions, None),
            ("/subscriptions/s", ManagementCall::Other, None),
            (BASE, ManagementCall::Registry, Some("MyReg")),
            (&format!("{BASE}/listCredentials"), ManagementCall::Credentials, Some("MyReg")),
            (&format!("{}/LISTUSAGES", BASE.to_lowercase()), ManagementCall::Usages, Some("myreg")),
            (&format!("{BASE}/replications/westeurope"), ManagementCall::Replication, Some("MyReg")),
            (&format!("{BASE}/listBuildSourceUploadUrl"), ManagementCall::BuildUpload, Some("MyReg")),
            (
                &format!("{BASE}/providers/Microsoft.Authorization/roleAssignments/1"),
                ManagementCall::RoleAssignments,
                Some("MyReg"),
            ),
            (
                "/subscriptions/s/providers/Microsoft.ContainerRegistry/locations/l/operationResults/1",
                ManagementCall::OperationStatus,
                None,
            ),
            (&format!("{BASE}/webhooks"), ManagementCall::Other, Some("MyReg")),
        ] {
            let (is_call, is_registry) = call_of(path);
            assert_eq!((is_call, is_registry.as_deref()), (call, registry), "{path}");
        }
    }

    #[test]
    fn reads_the_settings_of_a_registry() {
        let target = Target::https("management.azure.com", 443);
        let mut exchange = Exchange::new(ExchangeId::new(1).unwrap(), Origin::Live, target, Moment::EPOCH);
        exchange.response = Some(ResponseHead::new(200, "OK"));
        exchange.response_body.bytes =
            br#"{"value":[{"type":"Microsoft.ContainerRegistry/registries","id":"/subscriptions/S/x","properties":
            {"loginServer":"MyReg.azurecr.io","adminUserEnabled":false,"publicNetworkAccess":"Disabled"}},
            {"type":"Microsoft.Compute/virtualMachines","properties":{"loginServer":"x"}}]}"#
                .to_vec();
        let told = RegistrySettings::told_by(&exchange);
        assert_eq!(told.len(), 1);
        assert_eq!((&*told[0].server, told[0].resource.as_deref()), ("myreg.azurecr.io", Some("/subscriptions/s/x")));
        assert_eq!((told[0].public_access, told[0].admin_user), (Some(false), Some(false)));
        assert_eq!((told[0].private_endpoints, told[0].anonymous_pull), (None, None));
        exchange.target = Target::https("example.com", 443);
        assert!(RegistrySettings::told_by(&exchange).is_empty());
    }
}
