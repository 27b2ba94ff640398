//! Lines that point the programs of one shell at the proxy, and lines that take it back.

use std::path::Path;

/// A kind of shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellKind {
    /// bash, zsh and other Unix shells.
    Bash,
    /// Windows' cmd.exe.
    Cmd,
    /// PowerShell.
    PowerShell,
}

impl ShellKind {
    /// The name that people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash, zsh",
            Self::Cmd => "cmd.exe",
            Self::PowerShell => "PowerShell",
        }
    }
}

/// Where programs look for their proxy. curl takes HTTP_PROXY in lower case only.
pub const PROXY: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
/// Where programs look for hosts that they reach without it.
pub const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Where programs are told a file of all roots that they trust: Go programs and OpenSSL, curl, Python's requests (and so the
/// Azure CLI), git, the AWS CLI, pip, programs built with Nix.
pub const BUNDLES: [&str; 7] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "NIX_SSL_CERT_FILE",
];
/// Where Node.js is told a file of roots besides its own.
pub const EXTRA_ROOTS: &str = "NODE_EXTRA_CA_CERTS";

/// The lines that set the variables.
pub fn lines(shell: ShellKind, proxy: &str, ca: &Path) -> Vec<String> {
    let ca = ca.display().to_string();
    let pairs = names(shell, &PROXY)
        .map(|name| (name, proxy))
        .chain(names(shell, &EXCEPTIONS).map(|name| (name, "")))
        .chain(roots().map(|name| (name, ca.as_str())));
    pairs
        .map(|(name, value)| match shell {
            ShellKind::Bash => format!("export {name}='{}'", value.replace('\'', "'\\''")),
            ShellKind::Cmd => format!("set \"{name}={value}\""),
            ShellKind::PowerShell => format!("$env:{name} = '{}'", value.replace('\'', "''")),
        })
        .collect()
}

/// The lines that take them away again.
pub fn undo_lines(shell: ShellKind) -> Vec<String> {
    let names = names(shell, &PROXY).chain(names(shell, &EXCEPTIONS)).chain(roots());
    match shell {
        ShellKind::Bash => vec![format!("unset {}", names.collect::<Vec<_>>().join(" "))],
        ShellKind::Cmd => names.map(|name| format!("set \"{name}=\"")).collect(),
        // An empty variable is none in PowerShell, and removing none an error.
        ShellKind::PowerShell => {
            vec![format!("Remove-Item -ErrorAction Ignore Env:{}", names.collect::<Vec<_>>().join(", Env:"))]
        }
    }
}

fn roots() -> impl Iterator<Item = &'static str> {
    BUNDLES.into_iter().chain([EXTRA_ROOTS])
}

/// Windows does not tell upper from lower case in the names of variables.
fn names(shell: ShellKind, all: &[&'static str]) -> impl Iterator<Item = &'static str> + use<> {
    let count = if shell == ShellKind::Bash { all.len() } else { all.len() / 2 };
    all.iter().copied().take(count).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_each_shell_wants_it() {
        let ca = Path::new("/it's here/ca.crt");
        let line = |shell| lines(shell, "http://127.0.0.1:8888", ca);
        assert_eq!(line(ShellKind::Bash)[6], "export SSL_CERT_FILE='/it'\\''s here/ca.crt'");
        assert_eq!(line(ShellKind::PowerShell)[3], "$env:SSL_CERT_FILE = '/it''s here/ca.crt'");
        assert_eq!(line(ShellKind::Cmd)[0], "set \"HTTP_PROXY=http://127.0.0.1:8888\"");
    }

    #[test]
    fn what_is_set_is_taken_away() {
        for shell in [ShellKind::Bash, ShellKind::Cmd, ShellKind::PowerShell] {
            let undo = undo_lines(shell).join(" ");
            for name in PROXY.into_iter().take(2).chain(roots()) {
                assert!(undo.contains(name), "{name} in {undo}");
            }
        }
    }
}
