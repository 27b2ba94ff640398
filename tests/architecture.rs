//! Who may import whom. The table below is the plan of the house; a path that it does not allow fails.
//!
//! Two questions are asked of every file under `src`. May its room name the other rooms that it names?
//! And, if the room is pure, does it keep away from sockets, files, clocks, the environment and tokio?
//! Paths are read from the tokens, so that those inside macros count as well. Unit tests may do I/O, but
//! are held to the import table: a test that joins rooms belongs under `tests`.

use crate::sources::{self, Source};
use paths::{Named, Scope};

// Reads the paths that a file names.
mod paths;

/// Whether a room may do I/O.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Pure,
    Plumbing,
}
use Kind::{Plumbing, Pure};

/// What a room may import.
enum May {
    /// These rooms.
    Import(&'static [&'static str]),
    /// These rooms, and every pure one besides.
    ImportPureAnd(&'static [&'static str]),
    /// Every room.
    ImportAll,
}
use May::{Import, ImportAll, ImportPureAnd};

/// The import table, bottom up. To add a room: a line here, and one in the map of `src/lib.rs`.
const ROOMS: &[(&str, Kind, May)] = &[
    // Knowledge.
    ("exchange", Pure, Import(&[])),
    ("language", Pure, Import(&[])),
    ("printable", Pure, Import(&[])),
    ("guide", Pure, Import(&["language"])),
    ("x509", Pure, Import(&["exchange"])),
    ("content", Pure, Import(&["exchange"])),
    ("wire", Pure, Import(&["exchange"])),
    ("secrets", Pure, Import(&["exchange"])),
    ("registry", Pure, Import(&["exchange", "content", "secrets"])),
    ("redact", Pure, Import(&["exchange", "content", "secrets"])),
    ("diagnose", Pure, Import(&["exchange", "registry", "x509", "language"])),
    ("index", Pure, Import(&["exchange", "registry", "diagnose"])),
    ("filter", Pure, Import(&["exchange", "registry", "diagnose", "index"])),
    ("har", Pure, Import(&["exchange", "redact", "wire", "content"])),
    ("saz", Pure, Import(&["exchange", "redact", "wire", "content"])),
    ("report", Pure, ImportPureAnd(&[])),
    // Plumbing.
    ("platform", Plumbing, Import(&[])),
    ("ca", Plumbing, Import(&["exchange", "x509", "platform"])),
    ("changes", Plumbing, Import(&["platform"])),
    ("trust", Plumbing, Import(&["changes"])),
    ("setup", Plumbing, Import(&["changes"])),
    ("proxy", Plumbing, Import(&["exchange", "wire", "ca", "x509", "printable", "platform"])),
    ("store", Plumbing, Import(&["exchange", "redact", "index", "platform"])),
    ("capture", Plumbing, Import(&["exchange", "redact", "ca", "proxy", "store", "diagnose", "index"])),
    ("probe", Plumbing, ImportPureAnd(&["ca", "platform", "setup", "trust"])),
    ("demo", Plumbing, Import(&["exchange", "registry", "ca"])),
    ("tui", Plumbing, ImportPureAnd(&["capture", "demo", "platform", "probe", "setup", "store", "trust"])),
    ("cli", Plumbing, ImportAll),
    // The two roots: `lib` is the map and imports nothing, `main` hands over to `cli`.
    ("lib", Pure, Import(&[])),
    ("main", Plumbing, Import(&["cli"])),
];

/// Modules inside plumbing rooms that decide or draw, and are pure like a room of knowledge.
const PURE_MODULES: &[&str] = &[
    "proxy::absolute_form",
    "proxy::connect_reply",
    "proxy::intercept",
    "setup::daemon_json",
    "setup::engine",
    "setup::shell",
    "tui::app",
    "tui::draw",
    "tui::event",
    "tui::keymap",
    "tui::theme",
    "tui::update",
];

/// What a pure module may not name. Addresses (`std::net::IpAddr`), `Duration`, `Read` and `Write` are data
/// and stay allowed. A glob import of a parent (`std::time::*`) counts as naming it.
const IMPURE: &[&str] = &[
    // Standard library.
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    // Clocks of others.
    "Timestamp::now",
    "TimeZone::system",
    "Zoned::now",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "jiff::tz::TimeZone::system",
    // Crates that do I/O.
    "etcetera",
    "hyper",
    "hyper_util",
    "if_addrs",
    "rusqlite",
    "rustls_platform_verifier",
    "socket2",
    "tempfile",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tracing_subscriber",
];

#[test]
fn every_import_is_in_the_table() {
    let faults: Vec<String> = sources::all().iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "the import table in tests/architecture.rs does not allow:\n  {}", faults.join("\n  "));
}

/// What is wrong with one file, one sentence each.
fn faults(source: &Source) -> Vec<String> {
    let room = source.room();
    let Some((_, kind, may)) = ROOMS.iter().find(|(name, ..)| *name == room) else {
        return vec![format!("src/{}: the room `{room}` is not listed", source.path)];
    };
    let module = source.module();
    let mut faults = Vec::new();
    for path in paths::of(source, Scope::Everything) {
        if let Some(other) = path.room()
            && !is_allowed(&room, may, other)
        {
            faults.push(format!("src/{}:{}: `{room}` may not import `{other}`", source.path, path.line));
        }
    }
    if *kind == Pure || PURE_MODULES.iter().any(|pure| is_below(&module, pure)) {
        for path in paths::of(source, Scope::Production) {
            if let Some(impure) = impure(&path) {
                faults.push(format!("src/{}:{}: a pure module names `{impure}`", source.path, path.line));
            }
        }
    }
    faults.dedup();
    faults
}

fn is_allowed(room: &str, may: &May, other: &str) -> bool {
    let listed = ROOMS.iter().find(|(name, ..)| *name == other);
    if room == other || listed.is_none() {
        // Not a room: an item that lib.rs exports, or a macro.
        return true;
    }
    match may {
        Import(rooms) => rooms.contains(&other),
        ImportPureAnd(rooms) => rooms.contains(&other) || listed.is_some_and(|(_, kind, _)| *kind == Pure),
        ImportAll => true,
    }
}

fn is_below(module: &[String], pure: &str) -> bool {
    let mut module = module.iter();
    pure.split("::").all(|part| module.next().is_some_and(|name| name == part))
}

/// The entry of [`IMPURE`] that the path names.
fn impure(path: &Named) -> Option<&'static str> {
    let written = path.segments.join("::");
    let glob = written.strip_suffix('*');
    IMPURE.iter().copied().find(|impure| {
        let continues = written.strip_prefix(impure).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        continues || glob.is_some_and(|parent| impure.starts_with(parent))
    })
}

/// The checker itself.
mod checker {
    use super::{ROOMS, faults};
    use crate::sources::Source;

    /// Faults of a file made of `text`.
    fn faults_of(path: &str, text: &str) -> Vec<String> {
        faults(&Source::new(path, text))
    }

    #[test]
    fn allows_what_the_table_lists() {
        let text = "use crate::exchange::{Exchange, event::Event};\nuse std::net::IpAddr;\nuse std::time::Duration;";
        assert_eq!(faults_of("wire/http1.rs", text), [""; 0]);
    }

    #[test]
    fn reports_a_forbidden_import_with_its_line() {
        let text = "\nuse crate::store::Session;";
        assert_eq!(faults_of("proxy/relay.rs", text), ["src/proxy/relay.rs:2: `proxy` may not import `store`"]);
    }

    #[test]
    fn reports_it_in_every_way_of_writing() {
        for text in [
            "use crate::{exchange::Exchange, store::Session};",
            "use crate::store::*;",
            "use pulltap::store::Session;",
            "use super::super::store::Session;",
            "mod inside { use super::super::super::store::Session; }",
            "fn f() { crate::store::open(); }",
            "fn f() -> crate::store::Session { g() }",
            "fn f() { assert_eq!(1, crate::store::count()); }",
            "fn f() { <crate::store::Session as Drop>::drop(s); }",
            "macro_rules! m { () => { $crate::store::open() } }",
            "#[cfg(test)] mod tests { use crate::store::Session; }",
        ] {
            assert_eq!(faults_of("proxy/relay.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_super_inside_the_room_is_no_import() {
        let text = "use super::store::Row; mod inside { use super::super::store::Row; }";
        assert_eq!(faults_of("proxy/relay.rs", text), [""; 0]);
    }

    #[test]
    fn reports_a_room_that_is_not_listed() {
        let found = faults_of("helpers/strings.rs", "");
        assert_eq!(found, ["src/helpers/strings.rs: the room `helpers` is not listed"]);
    }

    #[test]
    fn reports_input_and_output_in_a_pure_room() {
        for text in [
            "use tokio::sync::mpsc;",
            "use std::fs;",
            "use std::{env, io::Read};",
            "use std::net::{IpAddr, TcpStream};",
            "use std::net::*;",
            "use std::time::{Duration, Instant};",
            "fn f() { std::time::SystemTime::now(); }",
            "fn f() { let now = Timestamp::now(); }",
            "fn f() { log!(std::env::var(\"HOME\")); }",
        ] {
            assert_eq!(faults_of("registry/token.rs", text).len(), 1, "{text}");
            assert_eq!(faults_of("tui/update.rs", text).len(), 1, "{text}");
            assert_eq!(faults_of("platform.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn unit_tests_of_a_pure_room_may_read_files() {
        let text = "#[cfg(test)]\nmod tests { use std::fs; }\nuse std::env;";
        assert_eq!(faults_of("har.rs", text), ["src/har.rs:3: a pure module names `std::env`"]);
    }

    #[test]
    fn the_table_names_only_rooms_that_it_lists_above() {
        for (at, (name, _, may)) in ROOMS.iter().enumerate() {
            let (super::Import(rooms) | super::ImportPureAnd(rooms)) = may else {
                continue;
            };
            for room in *rooms {
                assert!(
                    ROOMS[..at].iter().any(|(above, ..)| above == room),
                    "`{name}` imports `{room}`, which is not above it"
                );
            }
        }
    }
}
