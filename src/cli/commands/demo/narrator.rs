//! The front end of a demo without a screen: the capture's lines, and around them what they are about.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use tokio::sync::oneshot;

use super::story::Story;
use crate::capture::{Listening, Update};
use crate::cli::front_end::{End, FrontEnd};
use crate::cli::headless::Printer;
use crate::demo::Outcome;
use crate::diagnose::Catalogue;
use crate::exchange::Moment;
use crate::language::Language;
use crate::report::text;

/// Prints the story of a demo.
pub struct Narrator {
    /// Prints the lines of the capture.
    pub printer: Printer,
    /// The story.
    pub story: Story,
    /// What the user types.
    pub command: String,
    /// Comes when the client is done.
    pub outcome: oneshot::Receiver<Outcome>,
    /// The user's language.
    pub language: Language,
}

impl FrontEnd for Narrator {
    fn listening(&mut self, _address: SocketAddr, _data_dir: &Path) -> Listening {
        print(&format!("{}\n\n{}", self.story.beginning(&self.command), self.story.words.lines))
    }

    fn update(&mut self, update: &Update<'_>, now: Moment) -> Listening {
        match update {
            // They are told in full at the end, which is near.
            Update::Finding(_) => Listening::Yes,
            _ => self.printer.update(update, now),
        }
    }

    fn ended(&mut self, end: &End) {
        // Nobody may be listening any more.
        let _ = print(&self.ending(end));
    }
}

impl Narrator {
    fn ending(&mut self, end: &End) -> String {
        let words = &self.story.words;
        let mut page = String::new();
        if let Ok(outcome) = self.outcome.try_recv() {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(page, "\n{}", self.story.printed(&outcome));
        }
        let _ = writeln!(page, "\n{}", words.said);
        let catalogue = Catalogue::built_in();
        let mut trouble = end.capture.summary.findings.iter().filter(|finding| finding.is_trouble()).peekable();
        if trouble.peek().is_none() {
            let _ = writeln!(page, "\n{}", words.nothing_wrong);
        }
        for finding in trouble {
            let _ = write!(page, "\n{}", text::finding(finding, &catalogue, self.language));
        }
        if let Some(recorded) = &end.capture.recorded {
            let _ = writeln!(page, "\n{} {}", words.recorded, recorded.path.display());
        }
        if let Some(har) = &end.har {
            let _ = writeln!(page, "HAR: {}", har.display());
        }
        page.push_str(&self.story.going_on());
        page
    }
}

/// Prints a text at once.
pub fn print(text: &str) -> Listening {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Listening::Yes,
        Err(_) => Listening::No,
    }
}
