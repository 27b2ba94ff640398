//! What all connections of the proxy share, read-only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::hashing::Hashing;
use super::recording::Numbers;
use super::relay::Buffers;
use super::settings::Settings;
use super::upstream::Dialer;
use crate::ca::LeafCertificates;
use crate::exchange::event::CaptureEvent;

/// What all connections share.
pub struct Shared {
    /// What the user set.
    pub settings: Arc<Settings>,
    /// Certificates for clients.
    pub leaves: LeafCertificates,
    /// The way to servers.
    pub dialer: Dialer,
    /// Where events go.
    pub events: mpsc::Sender<Vec<CaptureEvent>>,
    /// Gives out ids.
    pub numbers: Arc<Numbers>,
    /// The clock.
    pub clock: Clock,
    /// Hashes contents whose digest is known.
    pub hashing: Arc<Hashing>,
    /// Copy buffers.
    pub buffers: Buffers,
    /// The subnets of this machine's addresses.
    pub subnets: Vec<IpNet>,
    /// Cancelled when the program is to end.
    pub stopping: CancellationToken,
}

impl Shared {
    /// Whether a client may use this listener: it is on this machine, in the listener's subnet, or `--allow` covers it.
    pub fn admits(&self, client: IpAddr, listener: SocketAddr) -> bool {
        admits(client, listener.ip(), &self.subnets, &self.settings.allow)
    }
}

fn admits(client: IpAddr, listener: IpAddr, subnets: &[IpNet], allow: &[IpNet]) -> bool {
    let client = client.to_canonical();
    let listener = listener.to_canonical();
    client.is_loopback()
        || client == listener
        || allow.iter().any(|net| net.contains(&client))
        || subnets.iter().any(|net| net.addr() == listener && net.contains(&client))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_this_machine_its_subnet_and_whom_the_user_allows() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let nets = |text: &str| vec![text.parse::<IpNet>().unwrap()];
        let subnets = nets("10.0.75.1/24");
        assert!(admits(ip("127.0.0.1"), ip("10.0.75.1"), &subnets, &[]));
        assert!(admits(ip("::ffff:10.0.75.2"), ip("10.0.75.1"), &subnets, &[]));
        assert!(!admits(ip("10.0.76.2"), ip("10.0.75.1"), &subnets, &[]));
        assert!(!admits(ip("10.0.75.2"), ip("0.0.0.0"), &subnets, &[]));
        assert!(admits(ip("10.0.75.2"), ip("0.0.0.0"), &subnets, &nets("10.0.0.0/8")));
    }
}
