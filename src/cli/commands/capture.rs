//! The default command: the proxy, until the user or the system ends it.

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::cli::args::Capture;
use crate::cli::capturing::{block_on, capture, log_into, start_logging};
use crate::cli::exit_status::ExitStatus;
use crate::cli::front_end::FrontEnd;
use crate::cli::headless::Printer;
use crate::cli::screen::{self, Screen};
use crate::cli::settings::{CaptureSettings, of_capture};
use crate::platform;

/// Captures.
///
/// # Errors
/// When the settings cannot be used, the proxy cannot start, or the HAR cannot be written.
pub fn run(args: &Capture) -> anyhow::Result<ExitStatus> {
    let settings = of_capture(&args.options)?;
    if args.show.headless || !screen::is_possible() {
        start_logging();
        if !args.show.headless {
            say("this is no terminal: going on as with --headless");
        }
        let printer = Printer::new(&args.show, settings.language);
        return shown_by(printer, settings, &CancellationToken::new());
    }
    log_into(&settings.data_dir);
    let closing = CancellationToken::new();
    shown_by(Screen::new(settings.language, closing.clone()), settings, &closing)
}

/// Captures until the user or the system ends it, or whoever shows it cancels `closing`.
fn shown_by(
    mut front: impl FrontEnd,
    settings: CaptureSettings,
    closing: &CancellationToken,
) -> anyhow::Result<ExitStatus> {
    block_on(async {
        // Before anybody is told that we listen, so that whoever stops us right after finds us ready for it.
        let asked_to_end = platform::asked_to_end().context("cannot listen for signals")?;
        let until = async {
            tokio::select! {
                () = asked_to_end => closing.cancel(),
                () = closing.cancelled() => {}
            }
        };
        capture(settings, &mut front, until).await
    })?;
    Ok(ExitStatus::Fine)
}

#[expect(clippy::print_stderr, reason = "for the person who started it, not for a log")]
fn say(text: &str) {
    eprintln!("pulltap: {text}");
}
