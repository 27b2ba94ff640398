//! From what was typed to what the program needs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use etcetera::BaseStrategy;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::args::Common;
use super::args::capture::{CaptureOptions, ParentChoice};
use super::docker_switch;
use super::help_page::Guide;
use super::session::SessionPlace;
use crate::language::Language;
use crate::platform;
use crate::proxy::settings::{Insecure, Limits};
use crate::proxy::{Settings, UpstreamProxy};
use crate::redact::Options;
use crate::tui::theme::Colours;

/// The port that the Azure Container Registry FAQ tells people to use.
const USUAL_PORT: u16 = 8888;
/// Where a capture listens that was told no address.
const USUAL_ADDRESS: &str = "127.0.0.1:8888";

/// Everything a capture needs.
pub struct CaptureSettings {
    /// What the proxy is told.
    pub proxy: Settings,
    /// Where the CA lives.
    pub data_dir: PathBuf,
    /// Where the capture is recorded.
    pub session: SessionPlace,
    /// What is masked.
    pub redaction: Options,
    /// Extra roots for servers.
    pub upstream_roots: Vec<CertificateDer<'static>>,
    /// The HAR that is written at the end, if one was asked for.
    pub har: Option<PathBuf>,
    /// The user's language.
    pub language: Language,
}

/// Makes the settings of a capture from the arguments and the environment.
///
/// # Errors
/// When a value or a file that the arguments name cannot be used.
pub fn of_capture(args: &CaptureOptions) -> anyhow::Result<CaptureSettings> {
    let listen: &[String] = if args.listen.is_empty() { &[USUAL_ADDRESS.to_owned()] } else { &args.listen };
    let language = language(&args.common)?;
    let listen = listen.iter().map(|text| listen_address(text, language)).collect::<anyhow::Result<_>>()?;
    let proxy = Settings {
        listen,
        resolve: args.resolve.clone(),
        only: args.only.clone(),
        ignore: args.ignore.clone(),
        allow: args.allow.clone(),
        insecure_upstream: Insecure::of(args.insecure_upstream.clone()),
        upstream_proxy: upstream_proxy(&args.upstream_proxy),
        limits: Limits::default(),
        body_limit: args.body_limit,
        help: Some(Arc::new(Guide)),
    };
    let data_dir = data_dir(&args.common)?;
    Ok(CaptureSettings {
        proxy,
        session: SessionPlace::of(args, &data_dir),
        data_dir,
        upstream_roots: roots(&args.upstream_ca)?,
        redaction: Options { mask_names: args.mask_names, keep_secrets: args.keep_secrets },
        har: args.har.clone(),
        language,
    })
}

/// The same for a capture that only a command of ours uses: it listens on any free port of this machine, unless the
/// arguments say where.
///
/// # Errors
/// When a value or a file that the arguments name cannot be used.
pub fn of_private_capture(args: &CaptureOptions) -> anyhow::Result<CaptureSettings> {
    let mut settings = of_capture(args)?;
    if args.listen.is_empty() {
        settings.proxy.listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    }
    // The capture ends when its only client has ended, whose last words may still be on their way.
    settings.proxy.limits.grace = Duration::from_secs(1);
    Ok(settings)
}

/// Through which proxy servers are reached; here the environment and the system are asked.
fn upstream_proxy(asked: &ParentChoice) -> UpstreamProxy {
    match asked {
        ParentChoice::None => UpstreamProxy::None,
        ParentChoice::Environment => UpstreamProxy::Environment(Arc::new(Matcher::from_system())),
        ParentChoice::Given(parent) => UpstreamProxy::Given(parent.clone()),
    }
}

/// `ADDR`, `ADDR:PORT`, `localhost:PORT`, `docker` or `docker:PORT`.
fn listen_address(text: &str, language: Language) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(ip) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, USUAL_PORT));
    }
    if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
        return Ok(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port));
    }
    if text == "docker" {
        return docker_switch::address(&platform::interfaces(), USUAL_PORT, language);
    }
    if let Some(port) = text.strip_prefix("docker:").and_then(|port| port.parse().ok()) {
        return docker_switch::address(&platform::interfaces(), port, language);
    }
    bail!("--listen {text}: not an address; write IP:PORT, as in 127.0.0.1:8888, or `docker`")
}

/// Where this installation keeps its CA and its sessions.
///
/// # Errors
/// When nobody says where, and there is no home directory.
pub fn data_dir(args: &Common) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &args.data_dir {
        return Ok(folder.clone());
    }
    let strategy =
        etcetera::choose_base_strategy().context("no home directory: say where to keep the CA with --data-dir")?;
    Ok(strategy.data_dir().join("pulltap"))
}

fn roots(files: &[PathBuf]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let mut roots = Vec::new();
    for file in files {
        roots.extend(roots_in(file)?);
    }
    Ok(roots)
}

fn roots_in(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let shown = file.display();
    let text = std::fs::read(file).with_context(|| format!("--upstream-ca {shown}"))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .with_context(|| format!("--upstream-ca {shown}: damaged PEM"))?;
    if found.is_empty() {
        bail!(
            "--upstream-ca {shown}: no certificate in it; PEM is expected (BEGIN CERTIFICATE): convert DER with openssl x509"
        );
    }
    Ok(found)
}

/// The language that the user asked for, or the system's.
///
/// # Errors
/// When it is none of ours.
#[expect(clippy::disallowed_methods, reason = "settings are where the environment is read")]
pub fn language(args: &Common) -> anyhow::Result<Language> {
    if let Some(tag) = &args.lang {
        return Language::from_tag(tag).with_context(|| format!("--lang {tag}: pulltap speaks en, ja and zh-Hant"));
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
    Ok(Language::from_locale(&locale.unwrap_or_default()))
}

/// Whether the terminal says that it shows lines and nothing else.
#[expect(clippy::disallowed_methods, reason = "settings are where the environment is read")]
pub fn is_dumb_terminal() -> bool {
    std::env::var("TERM").is_ok_and(|name| name == "dumb")
}

/// Whether the user wants colours (<https://no-color.org>).
#[expect(clippy::disallowed_methods, reason = "settings are where the environment is read")]
pub fn colours() -> Colours {
    let is_off = std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
    if is_off { Colours::Off } else { Colours::On }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_how_people_write_addresses() {
        for (text, address) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("10.0.75.1", "10.0.75.1:8888"),
            ("::1", "[::1]:8888"),
            ("[::1]:9", "[::1]:9"),
            ("localhost:9", "127.0.0.1:9"),
        ] {
            assert_eq!(listen_address(text, Language::En).unwrap(), address.parse().unwrap());
        }
        for bad in ["nowhere", "docker:port", "docker0"] {
            assert!(listen_address(bad, Language::En).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused_with_a_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = format!("{:#}", roots(&[file.path().to_owned()]).unwrap_err());
        assert!(error.contains("PEM is expected"), "{error}");
    }
}
