//! The options of a capture, as they are typed.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;

use super::Common;

use crate::proxy::settings::{HostPattern, ResolveRule};
use crate::proxy::upstream_proxy::{ParentProxy, ProxyUrlError};

/// How a capture is shown.
#[derive(Debug, Clone, clap::Args)]
pub struct Show {
    /// Print one line per exchange and per finding instead of the terminal UI.
    #[arg(long)]
    pub headless: bool,

    /// With --headless: print one JSON object per line.
    #[arg(long, requires = "headless")]
    pub json: bool,
}

/// The options of everything that captures.
#[derive(Debug, Clone, clap::Args)]
pub struct CaptureOptions {
    /// Where this installation lives, and its language.
    #[command(flatten)]
    pub common: Common,

    /// Listen on this address; repeatable. `docker` is this machine's address for Docker's virtual machine, port 0 any
    /// free port [default: 127.0.0.1:8888, for `demo` and `run` any free port of 127.0.0.1].
    #[arg(long, value_name = "ADDR[:PORT]|docker[:PORT]")]
    pub listen: Vec<String>,

    /// Write a HAR of the capture into this new file when it ends.
    #[arg(long, value_name = "FILE")]
    pub har: Option<PathBuf>,

    /// Record into this session file (default: a new one in the data directory, named by the time).
    #[arg(long, value_name = "FILE")]
    pub session: Option<PathBuf>,

    /// Continue the session file if it exists.
    #[arg(long, requires = "session")]
    pub append: bool,

    /// Trust the certificates in this PEM file, too, when connecting to servers; repeatable.
    #[arg(long, value_name = "FILE")]
    pub upstream_ca: Vec<PathBuf>,

    /// Go on where a server's certificate fails verification (of this host only, if one is given).
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true, default_missing_value = "*")]
    #[arg(value_delimiter = ',')]
    pub insecure_upstream: Vec<HostPattern>,

    /// Reach servers through this proxy, `http://[USER:PASSWORD@]HOST:PORT`; `env` takes what the environment and the
    /// system say (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY), `none` none.
    #[arg(long, value_name = "URL|none|env", default_value = "env")]
    pub upstream_proxy: ParentChoice,

    /// Dial ADDR instead of what HOST resolves to; repeatable.
    #[arg(long, value_name = "HOST:PORT:ADDR[:PORT]")]
    pub resolve: Vec<ResolveRule>,

    /// Intercept these hosts only; repeatable, commas, *.wildcards.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub only: Vec<HostPattern>,

    /// Pass these hosts through without looking; repeatable, commas, *.wildcards.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub ignore: Vec<HostPattern>,

    /// Let clients from this network (or address) connect, besides this machine and the listener's own subnet;
    /// repeatable.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub allow: Vec<IpNet>,

    /// Keep at most this many bytes of any content (suffix k, M or G), layers included.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub body_limit: Option<u64>,

    /// Also mask names that say who and where: hosts, repositories, users, addresses.
    #[arg(long)]
    pub mask_names: bool,

    /// Mask nothing: passwords and tokens stand readable in everything that is written.
    #[arg(long, conflicts_with = "mask_names")]
    pub keep_secrets: bool,
}

/// What `--upstream-proxy` can say.
#[derive(Debug, Clone)]
pub enum ParentChoice {
    /// No proxy.
    None,
    /// Those of the environment and the system.
    Environment,
    /// This one.
    Given(ParentProxy),
}

impl FromStr for ParentChoice {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "env" => Ok(Self::Environment),
            url => url.parse().map(Self::Given),
        }
    }
}

/// A network such as `10.0.0.0/8`, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(single).ok_or_else(|| "write a network or an address, as in 10.0.75.0/24".to_owned())
}

/// A number of bytes such as `64k`.
fn size(text: &str) -> Result<u64, String> {
    const FORM: &str = "a size is a number with k, M or G behind it, as in 16M";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..).unwrap_or("").to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(FORM.to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| FORM.to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "that is more than fits".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::Args;

    #[test]
    fn insecure_takes_a_host_or_stands_alone() {
        let read = |words: &[&str]| {
            Args::try_parse_from([&["pulltap"], words].concat()).unwrap().capture.options.insecure_upstream
        };
        assert!(read(&[]).is_empty());
        assert!(read(&["--insecure-upstream"])[0].matches("any.test"));
        assert!(!read(&["--insecure-upstream=a.test", "--headless"])[0].matches("b.test"));
    }

    #[test]
    fn a_single_address_is_a_network_of_its_own() {
        assert_eq!(network("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
        assert_eq!(network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert!(network("docker").is_err());
    }

    #[test]
    fn reads_sizes() {
        assert_eq!(size("16M"), Ok(16 << 20));
        assert_eq!(size("0"), Ok(0));
        assert!(size("x").is_err() && size("1T").is_err() && size("99999999999G").is_err());
    }
}
