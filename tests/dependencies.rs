//! What the program is made of: licences that may be shipped, crates that must not come back, and no crate
//! in two versions but those named here.
//!
//! `cargo tree` is asked, not `Cargo.lock`: the lock file also names what optional features would bring.
//! This stands where `cargo deny` could: it asks the same three questions of the same data, and a machine
//! that checks this repository for the first time need not build a tool of some hundred crates for them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Licences whose terms a binary of ours meets.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    // Data, not code: the roots of the system's certificate verifier.
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that stay out, each with its reason.
const BANNED: &[(&str, &str)] = &[
    ("ring", "one crypto library: aws-lc-rs does TLS, certificates and hashes"),
    ("openssl", "one crypto library, and none of the system's"),
    ("openssl-sys", "one crypto library, and none of the system's"),
    ("native-tls", "it hides the handshake that we are here to explain"),
    ("reqwest", "it follows redirects and pools connections by itself; `probe` must see each step"),
    ("async-std", "one runtime: tokio"),
    ("serde_yaml", "deprecated by its author"),
    ("rustls-pemfile", "unmaintained; rustls-pki-types reads PEM"),
];

/// Crates that may be there twice, each with its reason. A line that is no longer needed fails.
const TWICE: &[(&str, &str)] = &[
    ("core-foundation", "macOS only: hyper-util's system proxy settings stay at 0.9"),
    ("syn", "build time only: asn1-rs's derive stays at 2"),
    ("synstructure", "build time only, with syn"),
    ("untrusted", "aws-lc-rs stays at 0.7, rustls-webpki is at 0.9"),
];

#[test]
fn licences_bans_and_duplicates_are_in_order() {
    let packages = packages("normal,build");
    let faults = [
        packages.iter().filter_map(unlicensed).collect::<Vec<_>>(),
        packages.iter().filter_map(banned).collect(),
        duplicates(&packages, TWICE),
        foreign_sources(include_str!("../Cargo.lock")),
    ]
    .concat();
    assert!(faults.is_empty(), "dependencies:\n  {}", faults.join("\n  "));
}

/// Dev-dependencies are not shipped, but must be free to use; two versions among them hurt nobody.
#[test]
fn what_only_tests_use_is_in_order_too() {
    let packages = packages("normal,build,dev");
    let faults =
        [packages.iter().filter_map(unlicensed).collect::<Vec<_>>(), packages.iter().filter_map(banned).collect()]
            .concat();
    assert!(faults.is_empty(), "dependencies:\n  {}", faults.join("\n  "));
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
}

/// What is built for any target, over the given kinds of edges.
fn packages(edges: &str) -> BTreeSet<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--locked", "--target", "all", "--edges", edges])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"])
        .output()
        .expect("cargo can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {errors}");
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    text.lines().filter(|line| !line.is_empty()).map(package).collect()
}

/// One line of `cargo tree`: `name v1.2.3 (proc-macro)|licence`.
fn package(line: &str) -> Package {
    let (name, licence) = line.split_once('|').expect("the format has a bar");
    let mut words = name.split(' ');
    Package {
        name: words.next().unwrap_or_default().to_owned(),
        version: words.next().unwrap_or_default().to_owned(),
        licence: licence.to_owned(),
    }
}

fn unlicensed(package: &Package) -> Option<String> {
    (!is_permitted(&package.licence))
        .then(|| format!("{} {}: the licence `{}` is not on the list", package.name, package.version, package.licence))
}

/// Does an SPDX expression leave a choice that the list allows? `/` is an older way of writing OR.
fn is_permitted(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let permitted = any_of(&mut words);
    permitted && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words) -> bool {
    let mut permitted = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        permitted |= all_of(words);
    }
    permitted
}

fn all_of(words: &mut Words) -> bool {
    let mut permitted = one(words);
    while words.next_if_eq(&"AND").is_some() {
        permitted &= one(words);
    }
    permitted
}

fn one(words: &mut Words) -> bool {
    let Some(word) = words.next() else {
        return false;
    };
    if word == "(" {
        let permitted = any_of(words);
        return words.next() == Some(")") && permitted;
    }
    if words.next_if_eq(&"WITH").is_some() {
        let with = format!("{word} WITH {}", words.next().unwrap_or_default());
        return LICENCES.contains(&with.as_str());
    }
    LICENCES.contains(&word)
}

fn banned(package: &Package) -> Option<String> {
    let (name, reason) = BANNED.iter().find(|(name, _)| *name == package.name)?;
    Some(format!("{name} {} must stay out: {reason}", package.version))
}

fn duplicates(packages: &BTreeSet<Package>, allowed: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        let seen = versions.entry(&package.name).or_default();
        seen.insert(&package.version);
    }
    versions.retain(|_, seen| seen.len() > 1);
    let unknown = versions
        .iter()
        .filter(|(name, _)| !allowed.iter().any(|(allowed, _)| allowed == *name))
        .map(|(name, seen)| format!("{name} is there more than once: {seen:?}"));
    let stale = allowed
        .iter()
        .filter(|(name, _)| !versions.contains_key(name))
        .map(|(name, _)| format!("{name} is no longer there twice: take it off the list"));
    unknown.chain(stale).collect()
}

/// Packages that come from anywhere but one registry.
fn foreign_sources(lock: &str) -> Vec<String> {
    let sources: BTreeSet<&str> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    let mut registries = 0;
    sources
        .into_iter()
        .filter(|source| {
            registries += usize::from(source.starts_with("\"registry+"));
            !source.starts_with("\"registry+") || registries > 1
        })
        .map(|source| format!("packages come from {source} too"))
        .collect()
}

/// The checker itself.
mod checker {
    use super::{BTreeSet, banned, duplicates, foreign_sources, is_permitted, package};

    #[test]
    fn reads_licence_expressions() {
        for (expression, expected) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
            ("ISC AND (GPL-2.0-only OR AGPL-3.0-only)", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("GPL-3.0-only WITH Classpath-exception-2.0 OR MIT", true),
            ("", false),
            ("MIT)", false),
        ] {
            assert_eq!(is_permitted(expression), expected, "{expression}");
        }
    }

    #[test]
    fn reports_a_banned_crate() {
        let ring = package("ring v0.17.14|Apache-2.0 AND ISC");
        assert!(banned(&ring).unwrap().starts_with("ring v0.17.14 must stay out"));
    }

    #[test]
    fn reports_new_duplicates_and_stale_exceptions() {
        let packages: BTreeSet<_> = ["a v1.0.0|MIT", "a v2.0.0|MIT", "b v1.0.0 (proc-macro)|MIT"].map(package).into();
        let found = duplicates(&packages, &[("b", "a reason")]);
        assert_eq!(
            found,
            [r#"a is there more than once: {"v1.0.0", "v2.0.0"}"#, "b is no longer there twice: take it off the list"]
        );
    }

    #[test]
    fn reports_a_package_from_elsewhere() {
        let one = "source = \"registry+https://one.example\"\n";
        let other = "source = \"registry+https://other.example\"\n";
        let git = "source = \"git+https://git.example/fork\"\n";
        assert_eq!(foreign_sources(&[one, one].concat()), [""; 0]);
        assert_eq!(foreign_sources(&[one, git].concat()).len(), 1);
        assert_eq!(foreign_sources(&[one, other].concat()).len(), 1);
    }
}
