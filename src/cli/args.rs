//! The arguments, as they are typed. A command without options of a capture has its own here.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};

pub mod capture;
pub mod machine;

use crate::demo::Scenario;
use capture::{CaptureOptions, Show};
use machine::{Ca, Setup, Trust};

/// A debugging proxy for container-registry traffic: shows what a `docker pull` does, and says why it failed.
///
/// Without a command it captures.
#[derive(Debug, Parser)]
#[command(name = "pulltap", version, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do instead of capturing.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The capture that is made without a command.
    #[command(flatten)]
    pub capture: Capture,
}

/// The arguments of the default command.
#[derive(Debug, Clone, clap::Args)]
pub struct Capture {
    /// How it is shown.
    #[command(flatten)]
    pub show: Show,

    /// What is captured, and where it goes.
    #[command(flatten)]
    pub options: CaptureOptions,
}

/// What pulltap can do besides capturing.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at a saved capture in the terminal UI
    Open(Open),
    /// Say what went wrong in saved captures, and why
    Report(Report),
    /// Convert between session and HAR; secrets are masked on the way
    Convert(Convert),
    /// Show a pull from a registry inside the program, or one of eight faults that people meet
    Demo(Box<Demo>),
    /// Run one command through a private capture, and say what went wrong
    #[command(after_help = RUN_STATUS)]
    Run(Box<Run>),
    /// Read the explanations offline: all of them, or those that fit some words, a status or an error code
    Faq(Faq),
    /// Show the CA of this installation, or export a copy
    Ca(Ca),
    /// Let Docker, podman, containerd or the system trust the CA, and take it back
    Trust(Trust),
    /// Point Docker, podman, containerd or a shell at the proxy, and take it back
    Setup(Setup),
}

/// What every command understands.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Keep the CA here, and sessions.
    #[arg(long, value_name = "DIR", env = "PULLTAP_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// The language of explanations: en, ja or zh-Hant (default: the system's).
    #[arg(long, value_name = "LANG")]
    pub lang: Option<String>,
}

/// The arguments of `pulltap open`.
#[derive(Debug, clap::Args)]
pub struct Open {
    /// A session or HAR file, of pulltap or of another program.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Where this installation lives, and its language.
    #[command(flatten)]
    pub common: Common,
}

/// The arguments of `pulltap report`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// Sessions and HAR files, of pulltap or of other programs.
    #[arg(required_unless_present = "schema", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Write the report into this new file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Also list all exchanges, and what is normal about them.
    #[arg(long)]
    pub all: bool,

    /// Print the JSON schema of `--format json` instead of a report.
    #[arg(long, conflicts_with_all = ["files", "output"])]
    pub schema: bool,

    /// Replace the output file if it exists.
    #[arg(long, requires = "output")]
    pub force: bool,

    /// Where this installation lives, and its language.
    #[command(flatten)]
    pub common: Common,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs; `--schema` prints its schema.
    Json,
}

/// The arguments of `pulltap convert`.
#[derive(Debug, clap::Args)]
pub struct Convert {
    /// The session or HAR file to read.
    pub input: PathBuf,

    /// The file to write: a HAR if its name ends in .har, a session if in .pulltap.
    pub output: PathBuf,

    /// Replace the output file if it exists.
    #[arg(long)]
    pub force: bool,

    /// Also mask names that say who and where: hosts, repositories, users, addresses.
    #[arg(long)]
    pub mask_names: bool,

    /// Mask nothing more than is masked already.
    #[arg(long, conflicts_with = "mask_names")]
    pub keep_secrets: bool,

    /// Where this installation lives.
    #[command(flatten)]
    pub common: Common,
}

const RUN_STATUS: &str = "\
The exit status is the command's (128 and the signal where a signal ended it), 127 where there is no such command, 126 \
where it cannot be run. The report is on standard error. With a shell as COMMAND, all that is started in it is captured.";

/// The arguments of `pulltap run`.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// What is captured, and where it goes.
    #[command(flatten)]
    pub options: CaptureOptions,

    /// The command and its arguments.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// The arguments of `pulltap faq`.
#[derive(Debug, clap::Args)]
pub struct Faq {
    /// A name, words in any language, a status such as 403, or an error code; an entry has to fit all of them.
    pub words: Vec<String>,

    /// Where this installation lives.
    #[command(flatten)]
    pub common: Common,
}

/// The arguments of `pulltap demo`.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// What to show.
    #[arg(value_name = "NAME", default_value = "healthy", value_parser = scenarios())]
    pub scenario: Scenario,

    /// How it is shown.
    #[command(flatten)]
    pub show: Show,

    /// What is captured, and where it goes.
    #[command(flatten)]
    pub options: CaptureOptions,
}

fn scenarios() -> impl TypedValueParser<Value = Scenario> {
    let about = |scenario: Scenario| match scenario {
        Scenario::Healthy => "A pull that goes well",
        Scenario::UntrustedCa => "The client does not trust the proxy's certificate",
        Scenario::Timeout => "The registry does not answer",
        Scenario::WrongPassword => "The password is wrong",
        Scenario::Firewall => "The registry's firewall does not know the client",
        Scenario::NoPermission => "The user may not pull",
        Scenario::Throttled => "There are too many requests",
        Scenario::RedirectCredentials => "A script takes its token along to the blob host",
        Scenario::Locked => "A push to a repository that is locked",
    };
    let values = Scenario::ALL.map(|scenario| PossibleValue::new(scenario.as_str()).help(about(scenario)));
    PossibleValuesParser::new(values).try_map(|name| name.parse())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_command_and_options_of_the_default_one_exclude_each_other() {
        assert!(Args::try_parse_from(["pulltap", "--headless", "report", "a.har"]).is_err());
        assert!(Args::try_parse_from(["pulltap", "report", "a.har", "--lang", "ja"]).unwrap().command.is_some());
        assert!(Args::try_parse_from(["pulltap", "--lang", "ja"]).unwrap().command.is_none());
    }
}
