//! A client in a virtual machine, played by a network namespace: pulltap listens on the switch between the two, and
//! the machine finds out from the help page how to use it.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::clients::{expect_pull, reference};
use crate::support::origin::{Origin, REGISTRY};
use crate::support::pulltap::{Exchange, Pulltap};
use crate::support::ran::Ran;
use crate::support::token_server::{PASSWORD, USER};
use crate::support::tools;
use crate::support::world::{World, in_private_world};

#[test]
fn a_virtual_machine_reads_the_help_page_trusts_the_ca_and_pulls() {
    in_private_world(|world| {
        tools::require(&["curl", "skopeo"]);
        let origin = Origin::start(world);
        let image = origin.storage.add_small_image("team/app", "v1");
        let machine = Machine::behind("DockerNAT", 75);
        let (pulltap, proxy) = on_switch(world, &origin, &[]);

        let page = machine.curl(world, &["-A", "Mozilla/5.0 (Windows NT 10.0)", "-H", "Accept-Language: ja", &proxy]);
        assert!(page.contains("<html lang=\"ja\">") && page.contains(&format!("{proxy}/ca.der")), "{page}");
        let text = machine.curl(world, &["--proxy", &proxy, &format!("http://pulltap.internal/?registry={REGISTRY}")]);
        assert!(text.contains(&format!("/etc/docker/certs.d/{REGISTRY}/pulltap.crt {proxy}/ca.crt")), "{text}");
        let rebound = machine.curl(world, &["-H", "Host: registry.example", &proxy]);
        assert_eq!(rebound, "This is a proxy: set it as HTTPS_PROXY.\n");

        let ca = world.path("tmp/fetched.crt");
        machine.curl(world, &["--output", ca.to_str().unwrap(), &format!("{proxy}/ca.crt")]);
        assert_eq!(fs::read(&ca).unwrap(), fs::read(pulltap.ca()).unwrap());
        world.trust(REGISTRY, &ca);
        let mut copy = machine.client(world, "skopeo");
        copy.args(["copy", "--src-creds", &format!("{USER}:{PASSWORD}"), &format!("docker://{}", reference(&image))])
            .arg(format!("dir:{}", world.path("tmp/copied").display()));
        let around = Ran::new(&mut copy);
        assert!(!around.status.success(), "the machine reaches the registry without pulltap: {around}");
        Ran::ok(copy.env("HTTPS_PROXY", &proxy));
        let seen = pulltap.finish();
        expect_pull(&seen, &image);
        seen.expect_no_trouble();
        let own = seen.count(|exchange| exchange.is("GET", 200, "http://"));
        assert_eq!(own, 0, "the help page and the CA are not recorded:\n{seen}");
    });
}

#[test]
fn a_machine_outside_the_subnet_is_refused_and_told_how_to_be_let_in() {
    in_private_world(|world| {
        tools::require(&["curl"]);
        let origin = Origin::start(world);
        let _switch = Machine::behind("DockerNAT", 75);
        let outsider = Machine::behind("elsewhere", 76);
        let (pulltap, proxy) = on_switch(world, &origin, &[]);
        let reason = "pulltap: 10.0.76.2 is neither on the proxy's machine nor in its listener's subnet: to let it in, start \
                      pulltap with --allow 10.0.76.2";
        let page = outsider.curl(world, &["--write-out", "%{http_code}", &proxy]);
        assert!(page.contains(reason) && page.ends_with("403"), "{page}");
        let mut tunnel = outsider.client(world, "curl");
        let tunnel = Ran::new(tunnel.args(["--verbose", "--proxy", &proxy, &format!("https://{REGISTRY}/v2/")]));
        assert!(tunnel.stderr.contains(&format!("HTTP/1.1 403 {reason}")), "{tunnel}");
        let seen = pulltap.finish();
        assert_eq!(seen.count(|exchange| exchange.failed_as("client", "client-not-allowed")), 2, "{seen}");

        let (pulltap, proxy) = on_switch(world, &origin, &["--allow".to_owned(), "10.0.76.2".to_owned()]);
        let page = outsider.curl(world, &[&proxy]);
        assert!(page.contains("/ca.crt"), "{page}");
        assert_eq!(pulltap.finish().count(Exchange::has_failed), 0);
    });
}

/// pulltap on the Docker switch, and how the machine names it as its proxy.
fn on_switch(world: &World, origin: &Origin, options: &[String]) -> (Pulltap, String) {
    let options = [&["--listen".to_owned(), "docker:0".to_owned()], options].concat();
    let pulltap = Pulltap::start_with(world, origin.ca(), &options);
    let line = pulltap.wait_for("on the switch", |line| {
        line["type"] == "listening" && line["address"].as_str().unwrap().starts_with("10.0.75.1:")
    });
    let address: SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    (pulltap, format!("http://{address}"))
}

/// A network namespace, connected by a switch to the world that pulltap runs in.
struct Machine {
    name: String,
}

impl Machine {
    /// The machine behind a switch of this name: 10.0.NET.1 on this side, 10.0.NET.2 on its own.
    fn behind(switch: &str, net: u8) -> Self {
        let name = format!("machine{net}");
        let ip = |arguments: &str| {
            Ran::ok(Command::new("ip").args(arguments.split(' ')));
        };
        ip(&format!("netns add {name}"));
        ip(&format!("link add {switch} type veth peer name eth0 netns {name}"));
        ip(&format!("addr add 10.0.{net}.1/24 dev {switch}"));
        ip(&format!("link set {switch} up"));
        ip(&format!("-n {name} addr add 10.0.{net}.2/24 dev eth0"));
        ip(&format!("-n {name} link set eth0 up"));
        ip(&format!("-n {name} route add 10.0.0.0/16 via 10.0.{net}.1"));
        Self { name }
    }

    /// A client command that runs in the machine.
    fn client(&self, world: &World, program: &str) -> Command {
        let mut command = world.client("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// What curl prints in the machine.
    fn curl(&self, world: &World, arguments: &[&str]) -> String {
        Ran::ok(self.client(world, "curl").args(["--silent", "--show-error"]).args(arguments))
    }
}
