//! The front end of `pulltap run`: silent while the command runs, whose terminal it is, and a report at the end.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use super::words;
use crate::capture::{Listening, Update};
use crate::cli::front_end::{End, FrontEnd};
use crate::cli::handover::{self, SavedHars};
use crate::diagnose::Catalogue;
use crate::exchange::Moment;
use crate::language::Language;
use crate::printable::printable;
use crate::report::text;

/// Reports on standard error.
pub struct Reporter {
    /// The user's language.
    pub language: Language,
}

impl FrontEnd for Reporter {
    fn listening(&mut self, _address: SocketAddr, _data_dir: &Path) -> Listening {
        Listening::Yes
    }

    fn update(&mut self, _update: &Update<'_>, _now: Moment) -> Listening {
        Listening::Yes
    }

    fn ended(&mut self, end: &End) {
        say(&report(end, self.language));
    }
}

fn report(end: &End, language: Language) -> String {
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
        [] if summary.failed > 0 => format!("pulltap: {}", words.unexplained),
        [] => format!("pulltap: {}", words.nothing_wrong),
        findings => format!("\n{}\npulltap:", findings.join("\n")),
    };
    if let Some(recorded) = &end.capture.recorded {
        let numbers = words.summary.replace("{exchanges}", &summary.exchanges.to_string());
        let numbers = numbers.replace("{failed}", &summary.failed.to_string());
        lines = format!("{lines} {}", numbers.replace("{session}", &recorded.path.display().to_string()));
        if let Some(trouble) = &recorded.health.trouble {
            lines = format!("{lines}\npulltap: !!! {}", printable(&trouble.message));
        }
    }
    for line in handover::lines(end, &SavedHars::default(), language) {
        lines = format!("{lines}\n{line}");
    }
    lines
}

/// Says something on standard error; whoever has closed it does not want to know.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
