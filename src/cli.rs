//! The command line: arguments, settings, exit status, and one file per command. Only this room sees everything.

use std::process::ExitCode;

use clap::Parser;

mod announced;
mod args;
mod capturing;
mod commands;
mod docker_switch;
mod exit_status;
mod front_end;
mod handover;
mod har_file;
mod headless;
mod help_page;
mod machine;
mod named_file;
mod redactor;
mod saved;
mod screen;
mod session;
mod settings;
mod usage;

use args::Args;
use exit_status::ExitStatus;

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Where it cannot be printed there is nobody to read it.
            let _ = error.print();
            if let Some(advice) = usage::advice(&error) {
                complain(&advice);
            }
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Fine }.into();
        }
    };
    match commands::run(args) {
        Ok(status) => status.into(),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitStatus::Failed.into()
        }
    }
}

#[expect(clippy::print_stderr, reason = "the last word of a program that fails")]
fn complain(text: &str) {
    eprintln!("pulltap: {text}");
}
