//! `--listen docker`: the address that this machine has on the network of Docker's virtual machine or containers.

use std::net::{IpAddr, SocketAddr};

use anyhow::bail;

use crate::guide;
use crate::language::Language;
use crate::platform::Interface;

/// The address to listen on; `text` is what stands behind `--listen docker`, nothing or a colon and a port.
///
/// It looks as the Azure Container Registry FAQ does: for a network interface with Docker in its name (Windows:
/// `vEthernet (DockerNAT)`, Linux: `docker0`) and its IPv4 address.
///
/// # Errors
/// When there is no such interface, or more than one: then with what there is.
pub fn address(interfaces: &[Interface], port: u16, language: Language) -> anyhow::Result<SocketAddr> {
    let found: Vec<_> = interfaces.iter().filter(|interface| is_of_docker(interface)).collect();
    match found.as_slice() {
        [one] => Ok(SocketAddr::new(one.address.ip, port)),
        [] => {
            let rest: Vec<_> = interfaces.iter().filter(|interface| is_offered(interface)).collect();
            bail!("--listen docker: {}\n{}", guide::sentence("no_docker_switch", language), choices(&rest, port))
        }
        several => {
            bail!(
                "--listen docker: {}\n{}",
                guide::sentence("several_docker_switches", language),
                choices(several, port)
            )
        }
    }
}

fn is_of_docker(interface: &Interface) -> bool {
    interface.address.ip.is_ipv4() && interface.name.to_ascii_lowercase().contains("docker")
}

/// Addresses that a virtual machine may reach: neither loopback nor one that nobody has given out.
fn is_offered(interface: &Interface) -> bool {
    matches!(interface.address.ip, IpAddr::V4(v4) if !v4.is_loopback() && !v4.is_link_local())
}

/// One line to copy for each interface.
fn choices(interfaces: &[&Interface], port: u16) -> String {
    let line = |interface: &&Interface| format!("  --listen {}:{port}    {}", interface.address.ip, interface.name);
    interfaces.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::LocalAddress;

    fn on(interfaces: &[(&str, &str)]) -> Result<String, String> {
        let interfaces: Vec<_> = interfaces
            .iter()
            .map(|(name, ip)| {
                let address = LocalAddress { ip: ip.parse().unwrap(), prefix: 24 };
                Interface { name: (*name).to_owned(), address }
            })
            .collect();
        match address(&interfaces, 8888, Language::En) {
            Ok(address) => Ok(address.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn finds_the_switch_by_its_name() {
        let windows =
            [("Ethernet", "192.168.1.7"), ("vEthernet (DockerNAT)", "10.0.75.1"), ("vEthernet (WSL)", "172.20.0.1")];
        assert_eq!(on(&windows).unwrap(), "10.0.75.1:8888");
        assert_eq!(
            on(&[("lo", "127.0.0.1"), ("docker0", "fe80::1"), ("docker0", "172.17.0.1")]).unwrap(),
            "172.17.0.1:8888"
        );
    }

    #[test]
    fn offers_what_there_is_where_the_name_does_not_decide() {
        let several =
            on(&[("docker0", "172.17.0.1"), ("docker_gwbridge", "172.18.0.1"), ("eth0", "10.0.0.1")]).unwrap_err();
        assert!(several.contains("--listen 172.17.0.1:8888    docker0"), "{several}");
        assert!(several.contains("--listen 172.18.0.1:8888") && !several.contains("10.0.0.1"), "{several}");
        let none =
            on(&[("Loopback", "127.0.0.1"), ("vEthernet (WSL)", "172.20.0.1"), ("x", "169.254.1.1")]).unwrap_err();
        assert!(none.contains("WSL 2") && none.contains("Docker Desktop"), "{none}");
        assert!(none.contains("--listen 172.20.0.1:8888    vEthernet (WSL)"), "{none}");
        assert!(!none.contains("--listen 127") && !none.contains("169.254"), "{none}");
    }
}
