//! `pulltap run`: one command through a private capture, and what went wrong with it.
//!
//! Its exit status is the command's: 128 and the signal where a signal ended it, and, as in shells, 127 where there is no
//! such command and 126 where it cannot be run.

mod environment;
mod reporter;
mod words;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

use crate::ca::CertificateAuthority;
use crate::cli::announced::announced;
use crate::cli::args::Run as Args;
use crate::cli::capturing::{block_on, capture, start_logging};
use crate::cli::exit_status::ExitStatus;
use crate::cli::settings::{CaptureSettings, of_private_capture};
use crate::language::Language;
use crate::platform::child;
use environment::{Bundle, is_found};
use reporter::{Reporter, say};

const NOT_FOUND: ExitStatus = ExitStatus::OfCommand(127);
const NOT_RUNNABLE: ExitStatus = ExitStatus::OfCommand(126);

/// Programs that only ask a daemon to talk to registries, and what points that daemon at pulltap.
const ASK_A_DAEMON: [(&str, &str); 4] = [
    ("docker", "pulltap setup docker"),
    ("docker-compose", "pulltap setup docker"),
    ("crictl", "pulltap setup containerd"),
    ("buildctl", "pulltap setup shell"),
];

/// Runs the command.
///
/// # Errors
/// When the settings cannot be used, or the proxy cannot start.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    start_logging();
    let settings = of_private_capture(&args.options)?;
    let language = settings.language;
    let Some((program, arguments)) = args.command.split_first() else { return Ok(ExitStatus::Usage) };
    if !is_found(Path::new(program)) {
        say(&format!("pulltap: {}", filled(words::of(language).not_found, program, "")));
        return Ok(NOT_FOUND);
    }
    if let Some(setup) = setup_of_daemon(program) {
        say(&format!("pulltap: {}", filled(words::of(language).asks_a_daemon, program, setup)));
    }
    let ended = block_on(captured(program, arguments, settings))?;
    Ok(match ended {
        Ok(ended) => ExitStatus::OfCommand(child::status_of(ended)),
        Err(error) => cannot_run(program, &error, language),
    })
}

/// Runs the command within a capture; how it ended.
async fn captured(
    program: &OsStr,
    arguments: &[OsString],
    settings: CaptureSettings,
) -> anyhow::Result<io::Result<std::process::ExitStatus>> {
    // From here on Ctrl-C is the command's affair.
    let told_alone = child::told_alone().context("cannot listen for signals")?;
    let authority = CertificateAuthority::open_or_create(&settings.data_dir)?;
    let bundle = Bundle::write(authority.pem())?;
    let (mut front, address) = announced(Reporter::new(settings.language));
    let mut command = Command::new(program);
    command.args(arguments);
    let mut ended = None;
    let until = async {
        let Ok(address) = address.await else { return };
        command.envs(bundle.variables(address));
        ended = Some(ended_or_asked_to(command, told_alone).await);
    };
    capture(settings, &mut front, until).await?;
    ended.context("the capture ended before the command")
}

async fn ended_or_asked_to(
    mut command: Command,
    told_alone: impl Future<Output = ()>,
) -> io::Result<std::process::ExitStatus> {
    let mut running = command.spawn()?;
    tokio::select! {
        ended = running.wait() => return ended,
        () = told_alone => {}
    }
    if let Some(process) = running.id() {
        child::ask_to_end(process);
    }
    running.wait().await
}

fn cannot_run(program: &OsStr, error: &io::Error, language: Language) -> ExitStatus {
    if error.kind() == io::ErrorKind::NotFound {
        say(&format!("pulltap: {}", filled(words::of(language).not_found, program, "")));
        return NOT_FOUND;
    }
    say(&format!("pulltap: {}: {error}", program.display()));
    NOT_RUNNABLE
}

fn filled(text: &str, program: &OsStr, setup: &str) -> String {
    text.replace("{command}", &program.to_string_lossy()).replace("{setup}", setup)
}

/// What is to be set up in the place of `run`, if the program only asks a daemon.
fn setup_of_daemon(program: &OsStr) -> Option<&'static str> {
    let name = Path::new(program).file_stem()?.to_str()?.to_ascii_lowercase();
    ASK_A_DAEMON.iter().find(|(other, _)| *other == name).map(|(_, setup)| *setup)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::Args;

    #[test]
    fn knows_the_programs_that_only_ask_a_daemon() {
        assert_eq!(setup_of_daemon(OsStr::new("/usr/bin/docker")), Some("pulltap setup docker"));
        assert_eq!(setup_of_daemon(OsStr::new("Docker.exe")), Some("pulltap setup docker"));
        assert_eq!(setup_of_daemon(OsStr::new("skopeo")), None);
        for (_, setup) in ASK_A_DAEMON {
            Args::try_parse_from(setup.split(' ')).unwrap();
        }
    }
}
