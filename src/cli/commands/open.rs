//! `pulltap open`: the terminal UI on a saved capture.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

use crate::cli::args::Open;
use crate::cli::capturing::{block_on, log_into};
use crate::cli::exit_status::ExitStatus;
use crate::cli::handover::{SavedHars, argument};
use crate::cli::redactor;
use crate::cli::saved::Saved;
use crate::cli::screen::{FileArchive, is_possible, look, say};
use crate::cli::settings::{data_dir, language};
use crate::diagnose::Engine;
use crate::index::Row;
use crate::platform;
use crate::redact::Redactor;
use crate::tui::app::Source;
use crate::tui::event::Told;
use crate::tui::{self, Inbox, Setup};

/// Shows a saved capture until the user leaves.
///
/// # Errors
/// When the file cannot be read, or there is no terminal to show it on.
pub fn run(args: &Open) -> anyhow::Result<ExitStatus> {
    let path = &args.file;
    if !is_possible() {
        bail!("this is no terminal; `pulltap report {}` prints what is in the file", argument(path));
    }
    let folder = data_dir(&args.common)?;
    let redactor = redactor::for_reading(&folder)?;
    let saved = Saved::open(path)?;
    log_into(&folder);
    let inbox: Arc<Inbox> = Arc::default();
    let closing = CancellationToken::new();
    let hars = SavedHars::default();
    let language = language(&args.common)?;
    block_on(async {
        let asked_to_end = platform::asked_to_end().context("cannot listen for signals")?;
        let setup = Setup {
            source: Source::File { name: path.display().to_string(), har: har_name(path) },
            look: look(language),
            inbox: Arc::clone(&inbox),
            archive: Arc::new(FileArchive {
                path: path.clone(),
                redactor: redactor.clone(),
                saved: Mutex::new(Saved::open(path)?),
                hars: hars.clone(),
            }),
            closing: closing.clone(),
        };
        let screen = tui::open(setup).context("the terminal cannot be used")?;
        let reading = thread::Builder::new().name("opening".to_owned()).spawn({
            let closing = closing.clone();
            move || tell(&saved, &redactor, &inbox, &closing)
        })?;
        tokio::select! {
            () = asked_to_end => closing.cancel(),
            () = closing.cancelled() => {}
        }
        screen.close(&closing)?;
        match reading.join() {
            Ok(result) => result,
            Err(_) => bail!("reading the file failed"),
        }
    })?;
    // What is saved of a file is masked, whatever the file is.
    for line in hars.lines(true, language) {
        say(&line);
    }
    Ok(ExitStatus::Fine)
}

/// What a HAR is called unless the user says otherwise: never like the file itself.
fn har_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_har = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("har"));
    if is_har { format!("{stem}-pulltap.har") } else { format!("{stem}.har") }
}

/// Tells the screen what is in the file, and in the end what there is to say about it.
fn tell(saved: &Saved, redactor: &Redactor, inbox: &Inbox, closing: &CancellationToken) -> anyhow::Result<()> {
    let mut engine = Engine::new();
    saved.each(redactor, |exchange| {
        if closing.is_cancelled() {
            return Ok(());
        }
        engine.update(&exchange);
        let row = Row::of(&exchange, engine.context());
        inbox.tell_saved(Told { row, notes: engine.meaning(&exchange), is_listed: exchange.is_listed() });
        Ok(())
    })?;
    inbox.tell_findings(engine.finish());
    Ok(())
}
