//! The default command: the proxy, until the user or the system ends it.

use anyhow::Context;

use crate::cli::args::Capture;
use crate::cli::capturing::{block_on, capture, start_logging};
use crate::cli::exit_status::ExitStatus;
use crate::cli::headless::Printer;
use crate::cli::settings::of_capture;
use crate::platform;

/// Captures.
///
/// # Errors
/// When the settings cannot be used, the proxy cannot start, or the HAR cannot be written.
pub fn run(args: &Capture) -> anyhow::Result<ExitStatus> {
    start_logging();
    let settings = of_capture(&args.options)?;
    let mut printer = Printer::new(&args.show, settings.language);
    block_on(async {
        // Before anybody is told that we listen, so that whoever stops us right after finds us ready for it.
        let asked_to_end = platform::asked_to_end().context("cannot listen for signals")?;
        capture(settings, &mut printer, asked_to_end).await
    })?;
    Ok(ExitStatus::Fine)
}
