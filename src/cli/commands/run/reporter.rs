//! The front end of `pulltap run`: silent while the command runs, whose terminal it is, and a report at the end.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use jiff::tz::TimeZone;

use super::words;
use crate::capture::{Listening, Understood, Update};
use crate::cli::front_end::{End, FrontEnd};
use crate::cli::handover::{self, SavedHars};
use crate::diagnose::Catalogue;
use crate::exchange::Moment;
use crate::language::Language;
use crate::printable::printable;
use crate::report::{line, text};

/// So many failed requests are told, if that is all there is to tell.
const FAILED: usize = 3;

/// Reports on standard error.
pub struct Reporter {
    language: Language,
    /// The first requests that failed.
    failed: Vec<String>,
}

impl Reporter {
    /// A reporter in the user's language.
    pub fn new(language: Language) -> Self {
        Self { language, failed: Vec::new() }
    }

    fn note_failed(&mut self, understood: &Understood<'_>, now: Moment) {
        if understood.exchange.failure.is_none() || self.failed.len() == FAILED {
            return;
        }
        // Read only where it is needed: no command is to wait for it.
        let catalogue = Catalogue::built_in();
        let notes = understood.notes.iter().map(|note| note.text(&catalogue, self.language));
        let notes: Vec<_> = notes.collect();
        self.failed.push(line::exchange(understood.exchange, &notes, now, &TimeZone::system()));
    }

    fn report(&self, end: &End) -> String {
        let language = self.language;
        let words = words::of(language);
        let summary = &end.capture.summary;
        let catalogue = Catalogue::built_in();
        let findings = summary.findings.iter().filter(|finding| finding.is_trouble());
        let findings: Vec<_> = findings.map(|one| text::finding(one, &catalogue, language)).collect();
        if findings.is_empty() && summary.exchanges == 0 {
            let kept = if end.capture.recorded.is_none() { words.nothing_kept } else { "" };
            return format!("pulltap: {} {kept}", words.nothing_seen).trim_end().to_owned();
        }
        let mut lines = match findings.as_slice() {
            [] if summary.failed > 0 => format!("\n{}\npulltap: {}", self.failed.join("\n"), words.unexplained),
            [] => format!("pulltap: {}", words.nothing_wrong),
            findings => format!("\n{}\npulltap:", findings.join("\n")),
        };
        if let Some(recorded) = &end.capture.recorded {
            let numbers = words.summary.replace("{exchanges}", &summary.exchanges.to_string());
            let numbers = numbers.replace("{failed}", &summary.failed.to_string());
            lines = format!("{lines} {}", numbers.replace("{session}", &handover::argument(&recorded.path)));
            if let Some(trouble) = &recorded.health.trouble {
                lines = format!("{lines}\npulltap: !!! {}", printable(&trouble.message));
            }
        }
        for line in handover::lines(end, &SavedHars::default(), language) {
            lines = format!("{lines}\n{line}");
        }
        lines
    }
}

impl FrontEnd for Reporter {
    fn listening(&mut self, _address: SocketAddr, _data_dir: &Path) -> Listening {
        Listening::Yes
    }

    fn update(&mut self, update: &Update<'_>, now: Moment) -> Listening {
        if let Update::Over(understood) = update {
            self.note_failed(understood, now);
        }
        Listening::Yes
    }

    fn ended(&mut self, end: &End) {
        say(&self.report(end));
    }
}

/// Says something on standard error; whoever has closed it does not want to know.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
