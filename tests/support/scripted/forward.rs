//! A client that asks pulltap as a forward proxy, and the servers (or the parent proxy) that it is passed on to.

use std::net::{SocketAddr, TcpListener};
use std::panic::resume_unwind;
use std::thread;

use serde_json::Value;

use super::PATIENCE;
use super::authority::Authority;
use super::meeting::Meeting;
use super::proxy::{Proxy, Setup, WELL};
use super::scene::accept_within;
use super::wire::Wire;

/// Servers under their names, and what pulltap is started with.
pub struct Forward {
    servers: Servers,
    setup: Setup,
}

/// The listening servers of a conversation.
pub struct Servers {
    listeners: Vec<(String, TcpListener)>,
    meeting: Option<Meeting>,
}

impl Forward {
    /// Servers for plain HTTP under these names, which resolve nowhere else.
    pub fn to(hosts: &[&str]) -> Self {
        Self::trusting(&Authority::new(), hosts)
    }

    /// The same, and pulltap trusts this authority.
    pub fn trusting(authority: &Authority, hosts: &[&str]) -> Self {
        let mut forward =
            Self { servers: Servers { listeners: Vec::new(), meeting: None }, setup: Setup::trusting(authority) };
        for host in hosts {
            let address = forward.listen(host);
            forward.setup =
                [80, 443].into_iter().fold(forward.setup, |setup, port| setup.resolving(host, port, address));
        }
        forward
    }

    /// Has pulltap's environment name a parent proxy called `parent`, with these credentials before its address
    /// (`me:secret@`, or none), and these hosts besides that are reached without it.
    pub fn through_parent(mut self, credentials: &str, without: &str) -> Self {
        let address = self.listen("parent");
        self.setup = self
            .setup
            .variable("ALL_PROXY", &format!("http://{credentials}{address}"))
            .variable("NO_PROXY", &format!("{WELL},{without}"));
        self
    }

    /// One more argument of pulltap's.
    pub fn arg(mut self, argument: &str) -> Self {
        self.setup = self.setup.arg(argument);
        self
    }

    /// Another server, or parent proxy, of this name.
    fn listen(&mut self, name: &str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        self.servers.listeners.push((name.to_owned(), listener));
        address
    }

    /// Plays both scripts at the same time, and gives what pulltap printed.
    #[track_caller]
    pub fn play(self, client: impl FnOnce(&mut Wire), servers: impl FnOnce(&Servers) + Send) -> Vec<Value> {
        self.play_with(|_, wire| client(wire), servers)
    }

    /// The same with a client that also looks at pulltap itself.
    #[track_caller]
    pub fn play_with(
        mut self,
        client: impl FnOnce(&Proxy, &mut Wire),
        servers: impl FnOnce(&Servers) + Send,
    ) -> Vec<Value> {
        let pulltap = self.setup.start();
        let (ours, theirs) = Meeting::new();
        self.servers.meeting = Some(theirs);
        thread::scope(|scope| {
            let listening = &self.servers;
            let server = scope.spawn(move || servers(listening));
            let mut wire = Wire::connect(pulltap.address());
            wire.attend(ours);
            client(&pulltap, &mut wire);
            wire.conclude();
            server.join().unwrap_or_else(|panic| resume_unwind(panic));
        });
        pulltap.conclude()
    }
}

impl Servers {
    /// The next connection to this server.
    #[track_caller]
    pub fn accept(&self, name: &str) -> Wire {
        let mut wire = Wire::over(accept_within(PATIENCE, self.listener(name)).expect("somebody connects"));
        wire.attend(self.meeting.clone().expect("a running conversation"));
        wire
    }

    /// Holds that nobody else has connected to this server.
    #[track_caller]
    pub fn assert_no_more(&self, name: &str) {
        assert!(
            accept_within(std::time::Duration::ZERO, self.listener(name)).is_none(),
            "another connection to {name}"
        );
    }

    #[track_caller]
    fn listener(&self, name: &str) -> &TcpListener {
        &self.listeners.iter().find(|(listening, _)| listening == name).expect("a listening server").1
    }
}
