//! The network rules of a registry, as Azure Resource Manager tells them, and requests that change them
//! (Azure/azure-rest-api-specs, `containerregistry.json`, `NetworkRuleSet`; recordings of `az acr network-rule`).

use std::net::IpAddr;

use serde_json::Value;

use crate::exchange::Exchange;

use super::azure::{Management, ManagementCall};

/// Which addresses a registry lets in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetworkRules {
    /// Whether it lets in whom no rule names.
    is_open: bool,
    /// Whether there are rules that name no addresses, or that were not understood.
    has_others: bool,
    /// The networks that are let in, each with the length of its prefix.
    networks: Box<[(IpAddr, u8)]>,
}

impl NetworkRules {
    /// The rules in the properties of a registry.
    pub fn of(properties: &Value) -> Option<Self> {
        let rules = properties.get("networkRuleSet")?;
        let default = rules.get("defaultAction").and_then(Value::as_str)?;
        let list = |name: &str| rules.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let addresses = list("ipRules");
        let networks: Box<[_]> = addresses.iter().filter_map(network).collect();
        let has_others = networks.len() < addresses.len() || !list("virtualNetworkRules").is_empty();
        Some(Self { is_open: default.eq_ignore_ascii_case("Allow"), has_others, networks })
    }

    /// Whether they let this address in; `None` where that cannot be told.
    pub fn let_in(&self, address: IpAddr) -> Option<bool> {
        let is_named = || self.networks.iter().any(|(network, length)| contains(*network, *length, address));
        if self.is_open || is_named() {
            return Some(true);
        }
        (!self.has_others).then_some(false)
    }
}

fn network(rule: &Value) -> Option<(IpAddr, u8)> {
    let value = rule.get("value").or_else(|| rule.get("ipAddressOrRange")).and_then(Value::as_str)?;
    let (address, length) = value.split_once('/').map_or((value, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(longest), |length| length.parse().ok())?;
    (length <= longest).then_some((address, length))
}

fn contains(network: IpAddr, length: u8, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, true),
        IpAddr::V6(address) => (u128::from(address), false),
    };
    let ((network, is_v4), (address, is_too)) = (bits(network), bits(address));
    let differs = (network ^ address).checked_shr(128_u32.saturating_sub(u32::from(length))).unwrap_or(0);
    is_v4 == is_too && differs == 0
}

/// Whether this exchange changed who may reach a registry, and was told that it did.
pub fn are_changed_by(exchange: &Exchange) -> bool {
    let is_change = matches!(exchange.method(), Some("PATCH" | "PUT")) && matches!(exchange.status(), Some(200 | 201));
    if !is_change || Management::of(exchange).is_none_or(|call| call.call != ManagementCall::Registry) {
        return false;
    }
    let Ok(asked) = serde_json::from_slice::<Value>(&exchange.request_body.bytes) else { return false };
    let properties = asked.get("properties");
    let names = |name: &str| properties.is_some_and(|properties| properties.get(name).is_some());
    names("networkRuleSet") || names("publicNetworkAccess")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lets_in_whom_a_rule_names() {
        let rules = json!({"networkRuleSet": {"defaultAction": "Deny", "ipRules": [
            {"action": "Allow", "value": "192.0.2.0/24"}, {"action": "Allow", "value": "198.51.100.7"}]}});
        let rules = NetworkRules::of(&rules).unwrap();
        for (address, is_let_in) in [
            ("192.0.2.9", true),
            ("::ffff:192.0.2.9", true),
            ("192.0.3.9", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(rules.let_in(address.parse().unwrap()), Some(is_let_in), "{address}");
        }
    }

    #[test]
    fn says_nothing_where_it_cannot_tell() {
        let address = "192.0.2.9".parse().unwrap();
        let let_in = |rules: Value| NetworkRules::of(&json!({"networkRuleSet": rules}))?.let_in(address);
        assert_eq!(let_in(json!({"defaultAction": "Allow"})), Some(true));
        assert_eq!(let_in(json!({"defaultAction": "Deny"})), Some(false));
        assert_eq!(let_in(json!({"defaultAction": "Deny", "ipRules": [{"value": "0.0.0.0/0"}]})), Some(true));
        assert_eq!(let_in(json!({"defaultAction": "Deny", "ipRules": [{"value": "masked"}]})), None);
        assert_eq!(let_in(json!({"defaultAction": "Deny", "virtualNetworkRules": [{"id": "subnet"}]})), None);
        assert_eq!(let_in(json!({})), None);
    }
}
