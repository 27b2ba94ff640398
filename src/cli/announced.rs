//! A front end with somebody beside it who waits to hear where the proxy listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use tokio::sync::oneshot;

use super::front_end::{End, FrontEnd};
use crate::capture::{Listening, Update};
use crate::exchange::Moment;
use crate::redact::Redactor;
use crate::store::Recording;

/// Passes everything on to a front end, and tells the first address that the proxy listens on.
pub struct Announced<Front> {
    front: Front,
    address: Option<oneshot::Sender<SocketAddr>>,
}

/// The front end with its announcement, and where that arrives.
pub fn announced<Front: FrontEnd>(front: Front) -> (Announced<Front>, oneshot::Receiver<SocketAddr>) {
    let (address, announcement) = oneshot::channel();
    (Announced { front, address: Some(address) }, announcement)
}

impl<Front: FrontEnd> FrontEnd for Announced<Front> {
    fn listening(&mut self, address: SocketAddr, data_dir: &Path) -> Listening {
        if let Some(waiting) = self.address.take() {
            // Whoever waited may have left.
            let _ = waiting.send(reachable(address));
        }
        self.front.listening(address, data_dir)
    }

    fn recording(&mut self, recording: &Recording, redactor: &Redactor) -> anyhow::Result<()> {
        self.front.recording(recording, redactor)
    }

    fn update(&mut self, update: &Update<'_>, now: Moment) -> Listening {
        self.front.update(update, now)
    }

    fn ended(&mut self, end: &End) {
        self.front.ended(end);
    }
}

/// Where a listener of all addresses is reached from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
