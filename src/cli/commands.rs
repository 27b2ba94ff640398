//! One file per command.

mod ca;
mod capture;
mod convert;
mod demo;
mod faq;
mod open;
mod report;
mod run;
mod setup;
mod trust;

use super::args::{Args, Command};
use super::exit_status::ExitStatus;

/// Does what the arguments say.
///
/// # Errors
/// When the program itself fails.
pub fn run(args: Args) -> anyhow::Result<ExitStatus> {
    match args.command {
        None => capture::run(&args.capture),
        Some(Command::Open(open)) => open::run(&open),
        Some(Command::Report(report)) => report::run(&report),
        Some(Command::Convert(convert)) => convert::run(&convert),
        Some(Command::Demo(demo)) => demo::run(&demo),
        Some(Command::Run(run)) => run::run(&run),
        Some(Command::Faq(faq)) => faq::run(&faq),
        Some(Command::Ca(ca)) => ca::run(&ca),
        Some(Command::Trust(trust)) => trust::run(&trust),
        Some(Command::Setup(setup)) => setup::run(&setup),
    }
}
