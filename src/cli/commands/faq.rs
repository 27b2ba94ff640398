//! `pulltap faq`: the catalogue, to be read and searched offline.

use std::io::{self, IsTerminal, Write};

use ratatui::crossterm::terminal;

use crate::cli::args::Faq as Args;
use crate::cli::exit_status::ExitStatus;
use crate::cli::settings::language;
use crate::diagnose::Catalogue;
use crate::report::faq::{Style, faq};

/// The most columns in which text is good to read.
const WIDEST: u16 = 100;

/// Shows what was searched for.
///
/// # Errors
/// When it cannot be printed.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    let mut out = io::stdout();
    let columns = if out.is_terminal() { terminal::size().ok().map(|(columns, _)| columns) } else { None };
    let width = columns.unwrap_or(WIDEST).clamp(40, WIDEST).into();
    let style = Style { language: language(&args.common)?, width };
    let (text, is_found) = faq(&Catalogue::built_in(), &args.words, style);
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        result => result?,
    }
    Ok(if is_found { ExitStatus::Fine } else { ExitStatus::Trouble })
}
