//! The arguments of the commands about this machine: its CA, who trusts it, and who goes through the proxy.

use std::path::PathBuf;

use clap::ValueEnum;

use super::Common;

/// The arguments of `pulltap ca`.
#[derive(Debug, clap::Args)]
pub struct Ca {
    /// What to do with it.
    #[arg(value_enum, default_value_t = CaAction::Show)]
    pub action: CaAction,

    /// With export: DER instead of PEM.
    #[arg(long)]
    pub der: bool,

    /// With export: write it into this new file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// With rotate: also while the old one is still trusted.
    #[arg(long)]
    pub force: bool,

    /// Where this installation lives.
    #[command(flatten)]
    pub common: Common,
}

/// What `pulltap ca` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CaAction {
    /// Say what certificate it is: name, validity, fingerprints
    Show,
    /// Print the path of its file
    Path,
    /// Print or write a copy
    Export,
    /// Make a new one and delete the old key
    Rotate,
}

/// The arguments of `pulltap trust`.
#[derive(Debug, clap::Args)]
pub struct Trust {
    /// What to do.
    #[arg(value_enum, default_value_t = TrustAction::Status)]
    pub action: TrustAction,

    /// Who is to trust the CA.
    #[arg(long = "for", value_enum, value_name = "STORE")]
    pub store: Option<Store>,

    /// For which registry; repeatable, commas. The system's store is for all of them.
    #[arg(long, value_name = "REGISTRY", value_delimiter = ',')]
    pub host: Vec<String>,

    /// Only say what would be done.
    #[arg(long)]
    pub dry_run: bool,

    /// With uninstall: bring back what stood in a file before, even if somebody else has changed it since.
    #[arg(long)]
    pub force: bool,

    /// Take this folder for the machine.
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,

    /// Where this installation lives.
    #[command(flatten)]
    pub common: Common,
}

/// What `pulltap trust` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TrustAction {
    /// Say where the CA is trusted
    Status,
    /// Let a store trust it
    Install,
    /// Take that back
    Uninstall,
}

/// Who can trust the CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// The whole machine; Docker Hub needs it
    System,
    /// Docker Engine, for one registry
    Docker,
    /// podman, skopeo and buildah, for one registry
    Podman,
    /// containerd, for one registry
    Containerd,
}

/// The arguments of `pulltap setup`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches are what a command line is made of")]
pub struct Setup {
    /// What to send through the proxy.
    #[arg(value_enum)]
    pub target: Target,

    /// Do it. Without this it is only said what would be done.
    #[arg(long, conflicts_with = "undo")]
    pub apply: bool,

    /// Take it back, exactly.
    #[arg(long)]
    pub undo: bool,

    /// Also restart the service, which stops or interrupts what it runs.
    #[arg(long)]
    pub restart: bool,

    /// The address of the proxy.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8888", value_parser = address)]
    pub proxy: String,

    /// With shell: for which one (default: the usual one of this system).
    #[arg(long, value_enum)]
    pub shell: Option<Shell>,

    /// With desktop: the registry in the commands.
    #[arg(long, value_name = "REGISTRY")]
    pub host: Option<String>,

    /// With --undo: bring back what stood in a file before, even if somebody else has changed it since.
    #[arg(long)]
    pub force: bool,

    /// Take this folder for the machine.
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,

    /// Where this installation lives.
    #[command(flatten)]
    pub common: Common,
}

/// What can be sent through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// Docker Engine
    Docker,
    /// Docker Desktop: the steps to do by hand
    Desktop,
    /// containerd as a service of its own
    Containerd,
    /// podman
    Podman,
    /// Programs started from a shell: the lines to type
    Shell,
}

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash, zsh and other Unix shells
    Bash,
    /// Windows' cmd.exe
    Cmd,
    /// PowerShell
    Powershell,
}

/// The address of a proxy, which people also write as a URL.
fn address(text: &str) -> Result<String, String> {
    let bare = text.trim_start_matches("http://").trim_end_matches('/');
    let read = bare.parse::<http::uri::Authority>().ok().filter(|read| read.port().is_some() && !bare.contains('@'));
    read.map(|read| read.to_string()).ok_or_else(|| "write HOST:PORT, as in 127.0.0.1:8888".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_address_of_a_proxy_as_people_write_it() {
        for text in ["127.0.0.1:8888", "http://127.0.0.1:8888/"] {
            assert_eq!(address(text).unwrap(), "127.0.0.1:8888");
        }
        assert_eq!(address("[::1]:9").unwrap(), "[::1]:9");
        for bad in ["127.0.0.1", "https://a:1", "a:1\nX", "u:p@a:1", ""] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
