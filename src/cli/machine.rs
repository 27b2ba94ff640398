//! What the commands about this machine have in common: whose installation it is, what is printed, who may do it.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use etcetera::BaseStrategy;

use super::args::Common;
use super::settings::data_dir;
use crate::changes::{Change, ChangeError, Foreign, Machine, Outcome, Plan};
use crate::platform;

/// The data directory; under sudo that of the user who has typed the command, whose CA it is about.
///
/// # Errors
/// When nobody says where, and there is no home directory.
#[expect(clippy::disallowed_methods, reason = "settings are where the environment is read")]
pub fn data_dir_of_user(common: &Common) -> anyhow::Result<PathBuf> {
    let usual = data_dir(common)?;
    if common.data_dir.is_some() || !platform::is_root() {
        return Ok(usual);
    }
    let Some((user, home)) = std::env::var("SUDO_USER").ok().and_then(|user| Some((user.clone(), home_of(&user)?)))
    else {
        return Ok(usual);
    };
    let of_user = home.join(".local/share/pulltap");
    if ca_file(&of_user).exists() {
        return Ok(of_user);
    }
    if !ca_file(&usual).exists() {
        // One that root made now would not be the one that the user's pulltap makes later.
        bail!("{user} has no CA yet: make it with `pulltap ca`, without sudo, and then type this again");
    }
    Ok(usual)
}

/// The home directory of a user, as the machine's own list of users has it.
fn home_of(user: &str) -> Option<PathBuf> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.into_iter().find(|fields| fields.first() == Some(&user))?.get(5).map(PathBuf::from)
}

/// The folder for the user's own settings; `None` for root, whose settings are the machine's.
pub fn user_config() -> Option<PathBuf> {
    if platform::is_root() {
        return None;
    }
    etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir())
}

/// Where Windows keeps the settings of services.
#[expect(clippy::disallowed_methods, reason = "settings are where the environment is read")]
pub fn program_data() -> Option<PathBuf> {
    cfg!(windows)
        .then(|| std::env::var_os("ProgramData").map_or_else(|| PathBuf::from("C:\\ProgramData"), PathBuf::from))
}

/// What a change means for its file, in a few lines.
pub fn described(change: &Change, machine: &Machine) -> String {
    let place = machine.place(&change.path);
    let verb = if place.exists() { "changes" } else { "creates" };
    let mut text = format!("  {verb} {}", place.display());
    let content = String::from_utf8_lossy(&change.content);
    if content.starts_with("-----BEGIN CERTIFICATE-----") {
        text.push_str(" (the CA certificate)");
    } else {
        for line in content.lines() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n    | {line}");
        }
    }
    text.push('\n');
    text
}

/// Makes the changes of a plan; of one that is in place, what it changed before is put back first.
///
/// # Errors
/// When files cannot be changed.
pub fn apply(plan: &Plan, machine: &Machine) -> anyhow::Result<Outcome> {
    machine.undo(&plan.name, Foreign::Keep).map_err(|error| explained(error, machine))?;
    machine.apply(plan).map_err(|error| explained(error, machine))
}

/// Puts back what a plan has changed.
///
/// # Errors
/// When files cannot be put back.
pub fn undo(name: &str, machine: &Machine, foreign: Foreign) -> anyhow::Result<Outcome> {
    machine.undo(name, foreign).map_err(|error| explained(error, machine))
}

/// The names of all plans in place.
///
/// # Errors
/// When only root may know.
pub fn in_place(machine: &Machine) -> anyhow::Result<Vec<String>> {
    machine.in_place().map_err(|error| explained(error, machine))
}

/// The files that were changed, one a line.
pub fn done(outcome: &Outcome, nothing: &str) -> String {
    match outcome {
        Outcome::Nothing => format!("{nothing}\n"),
        Outcome::Done(paths) => {
            let lines: Vec<_> = paths.iter().map(|path| format!("  done: {}\n", path.display())).collect();
            lines.concat()
        }
    }
}

/// The error, with what to do where it is a matter of rights.
fn explained(error: ChangeError, machine: &Machine) -> anyhow::Error {
    let is_denied =
        matches!(&error, ChangeError::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied);
    let error = anyhow::Error::new(error);
    if !is_denied {
        return error;
    }
    if cfg!(windows) {
        return anyhow!("{error:#}\nThis needs an administrator's PowerShell (right-click: Run as administrator).");
    }
    anyhow!("{error:#}\nThis needs root. Type:\n  {}", as_root(machine.data_dir()))
}

/// The command that was typed, as root and with this user's own data directory, which sudo would lose.
fn as_root(data_dir: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("pulltap"));
    let mut words = vec!["sudo".to_owned(), program.display().to_string()];
    words.extend(std::env::args().skip(1));
    if !words.iter().any(|word| word.starts_with("--data-dir")) {
        words.extend(["--data-dir".to_owned(), data_dir.display().to_string()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// The word as a Unix shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_=./:,@+".contains(character);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Prints to standard output; a reader that has gone has read enough.
///
/// # Errors
/// When it cannot be written for another reason.
pub fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// The same for what may be no text.
///
/// # Errors
/// When it cannot be written.
pub fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output"),
    }
}

/// The path of the CA certificate in the data directory.
pub fn ca_file(data_dir: &Path) -> PathBuf {
    data_dir.join("ca.crt")
}
