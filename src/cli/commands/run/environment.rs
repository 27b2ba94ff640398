//! The environment that sends a command through the proxy and lets it trust the proxy's CA.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::platform;
use crate::setup::shell::{BUNDLES, EXCEPTIONS, EXTRA_ROOTS, PROXY};

/// Where systems keep the roots that they trust, as one file: Debian and others, Fedora, openSUSE, Alpine and macOS.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A file with the roots of the system, those that the user has set, and our CA. It goes when this is dropped.
pub struct Bundle {
    folder: PathBuf,
}

impl Bundle {
    /// Writes the file into a folder of its own that only the user can read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(ca: &str) -> anyhow::Result<Self> {
        let mut number = [0; 8];
        aws_lc_rs::rand::fill(&mut number).context("no random numbers")?;
        let name = format!("pulltap-run-{:016x}", u64::from_be_bytes(number));
        let bundle = Self { folder: std::env::temp_dir().join(name) };
        let shown = bundle.path();
        bundle.fill(ca).with_context(|| format!("cannot write {}", shown.display()))?;
        Ok(bundle)
    }

    fn fill(&self, ca: &str) -> io::Result<()> {
        platform::create_private_folder(&self.folder)?;
        let mut file = platform::create_private_file(&self.path())?;
        for roots in users().chain(system()) {
            file.write_all(&roots)?;
            file.write_all(b"\n")?;
        }
        file.write_all(ca.as_bytes())
    }

    fn path(&self) -> PathBuf {
        self.folder.join("ca-bundle.pem")
    }

    /// The variables for a command that is to go through this proxy.
    pub fn variables(&self, proxy: SocketAddr) -> Vec<(&'static str, OsString)> {
        let proxy = OsString::from(format!("http://{proxy}"));
        let mut variables: Vec<_> = PROXY.into_iter().map(|name| (name, proxy.clone())).collect();
        for name in EXCEPTIONS {
            if let Some(exceptions) = set(name) {
                variables.push((name, kept(&exceptions.to_string_lossy()).into()));
            }
        }
        variables.extend(BUNDLES.into_iter().chain([EXTRA_ROOTS]).map(|name| (name, self.path().into_os_string())));
        variables
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The roots in the files that the user has set for any tool.
fn users() -> impl Iterator<Item = Vec<u8>> {
    let mut files: Vec<_> = BUNDLES.into_iter().chain([EXTRA_ROOTS]).filter_map(set).collect();
    files.sort_unstable();
    files.dedup();
    files.into_iter().filter_map(|file| fs::read(file).ok())
}

/// The system's roots. Where they are no file, the CA alone will do: all that the command sees is signed by it.
fn system() -> Option<Vec<u8>> {
    SYSTEM_BUNDLES.iter().find_map(|path| fs::read(path).ok())
}

/// Of the hosts that are reached without a proxy: this machine itself. The others are still reached without a parent
/// proxy, since pulltap reads the same list.
fn kept(exceptions: &str) -> String {
    let is_here = |host: &&str| {
        let name = host.split(':').next().unwrap_or(host);
        name.eq_ignore_ascii_case("localhost") || name.starts_with("127.") || host.trim_matches(['[', ']']) == "::1"
    };
    exceptions.split([',', ' ']).filter(is_here).collect::<Vec<_>>().join(",")
}

/// Whether a shell would find this command.
pub fn is_found(program: &Path) -> bool {
    if program.components().count() > 1 {
        return true;
    }
    let Some(path) = set("PATH") else { return true };
    // Windows has many endings for a program's name; the system is to say there whether it finds it.
    cfg!(windows) || std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[expect(clippy::disallowed_methods, reason = "the environment of the command is made from ours")]
fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_stays_out_of_the_proxy() {
        assert_eq!(
            kept("localhost,127.0.0.1:5000, .azurecr.io,10.0.0.0/8,::1,[::1]"),
            "localhost,127.0.0.1:5000,::1,[::1]"
        );
        assert_eq!(kept("*"), "");
    }

    #[test]
    fn the_bundle_holds_the_ca_and_is_gone_with_its_folder() {
        let bundle = Bundle::write("the CA").unwrap();
        let variables = bundle.variables("127.0.0.1:1".parse().unwrap());
        let value = |name: &str| variables.iter().find(|(other, _)| *other == name).unwrap().1.clone();
        assert_eq!(value("https_proxy"), "http://127.0.0.1:1");
        let path = PathBuf::from(value("SSL_CERT_FILE"));
        assert!(fs::read_to_string(&path).unwrap().ends_with("the CA"));
        drop(bundle);
        assert!(!path.parent().unwrap().exists());
    }
}
