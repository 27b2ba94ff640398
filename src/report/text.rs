//! A report as text: what is wrong first, with its evidence and what to do, then what happened.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::tz::TimeZone;

use super::words::{self, Words};
use super::{FileReport, Report, line, quantity, tokens};
use crate::diagnose::{Catalogue, Finding, Place};
use crate::language::Language;
use crate::printable::printable;

/// How a text report is made.
#[derive(Debug, Clone)]
pub struct Style {
    /// Its language.
    pub language: Language,
    /// The time zone of its times.
    pub zone: TimeZone,
    /// Whether it has every exchange, and the findings that only explain what is normal.
    pub has_all: bool,
}

/// A report as text.
pub fn report(report: &Report, catalogue: &Catalogue, style: &Style) -> String {
    let mut page = Page { text: String::new(), catalogue, style, words: words::of(style.language) };
    for (number, file) in report.files.iter().enumerate() {
        if number > 0 {
            page.line("");
        }
        page.file(file);
    }
    page.text
}

/// A finding as text: what, why, from what it is concluded, and what to do.
pub fn finding(finding: &Finding, catalogue: &Catalogue, language: Language) -> String {
    let explained = finding.explained(catalogue, language);
    let words = words::of(language);
    let severity = words.severity.get(finding.severity as usize).unwrap_or(&"");
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&format!("{severity}: {}", printable(&explained.title)));
    line(&format!("  {}", printable(&explained.cause)));
    line(&format!("  {}:", words.evidence));
    for evidence in &finding.evidence {
        line(&format!("    #{} {}: {}", evidence.exchange, place(&evidence.place), printable(&evidence.value)));
    }
    if !explained.fix.is_empty() || !explained.commands.is_empty() {
        line(&format!("  {}:", words.to_do));
    }
    for (number, step) in (1..).zip(&explained.fix) {
        line(&format!("    {number}. {}", printable(step)));
    }
    for command in &explained.commands {
        line(&format!("    $ {}", printable(command)));
    }
    if let Some(heading) = words.sureness.get(finding.sureness as usize) {
        line(&format!("  {heading}:"));
    }
    for other in &explained.alternatives {
        line(&format!("    - {}", printable(&other.cause)));
        line(&format!("      {}: {}{}", words.tell, printable(&other.tell), other.in_full()));
    }
    if let Some(doc) = &explained.doc {
        line(&format!("  {}: {doc}", words.more));
    }
    let ids: Vec<_> = finding.exchanges.iter().map(|id| format!("#{id}")).collect();
    line(&format!("  [{}; {}; pulltap faq {}]", ids.join(" "), finding.rule.id, explained.faq));
    text
}

/// Where evidence stands. Which of the header fields it is, its own text says better than a number.
fn place(place: &Place) -> String {
    match place {
        Place::RequestHeader(_) => "request.header".to_owned(),
        Place::ResponseHeader(_) => "response.header".to_owned(),
        other => other.to_string(),
    }
}

struct Page<'a> {
    text: String,
    catalogue: &'a Catalogue,
    style: &'a Style,
    words: &'static Words,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn file(&mut self, file: &FileReport) {
        let mut head = printable(&file.name).into_owned();
        if let Some(creator) = &file.creator {
            // Writing to a String cannot fail, here and below.
            let _ = write!(head, " ({})", printable(creator));
        }
        self.line(&head);
        let Some(first) = file.exchanges.first() else {
            self.line(self.words.no_exchanges);
            return;
        };
        let opened = first.exchange.timings.opened;
        let lasted = quantity::duration(file.last_moment().micros_since(opened));
        let date = jiff::Timestamp::from_microsecond(opened.micros()).unwrap_or_default();
        let date = date.to_zoned(self.style.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z");
        self.line(&format!("{date}, {lasted}, {}: {}", self.words.exchanges, file.exchanges.len()));
        if file.trouble().next().is_none() {
            self.line("");
            self.line(&match file.unexplained() {
                0 => self.words.nothing_wrong.to_owned(),
                count => format!("{}: {count}", self.words.unexplained),
            });
        }
        let mut findings: Vec<_> =
            file.findings.iter().filter(|finding| self.style.has_all || finding.is_trouble()).collect();
        // Whoever reads one of them only reads what is worst.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        for finding in findings {
            self.finding(finding);
        }
        let operations: Vec<_> =
            file.operations.iter().map(|operation| line::operation(operation, self.style.language)).collect();
        self.list(self.words.operations, &operations);
        let tokens = tokens::lines(&file.tokens, self.words, &self.style.zone, self.style.has_all);
        self.list(self.words.tokens, &tokens);
        self.list(self.words.repaired, &file.repairs);
        self.not_checked(file);
        self.exchanges(file);
    }

    fn finding(&mut self, finding: &Finding) {
        self.line("");
        self.text.push_str(&self::finding(finding, self.catalogue, self.style.language));
    }

    fn list(&mut self, heading: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.line("");
        self.line(&format!("{heading}:"));
        for item in items {
            self.line(&format!("  {}", printable(item)));
        }
    }

    /// By what is missing: the rules themselves would be a long list.
    fn not_checked(&mut self, file: &FileReport) {
        let mut needs: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for rule in &file.not_checked {
            needs.entry(rule.need as usize).or_default().push(rule.rule.id.as_str());
        }
        let lines: Vec<_> = needs
            .into_iter()
            .map(|(need, rules)| {
                let need = self.words.need.get(need).unwrap_or(&"");
                if self.style.has_all {
                    format!("{need}: {}", rules.join(", "))
                } else {
                    format!("{need} ({} {})", rules.len(), self.words.rules)
                }
            })
            .collect();
        self.list(self.words.not_checked, &lines);
    }

    fn exchanges(&mut self, file: &FileReport) {
        let now = file.last_moment();
        self.line("");
        self.line(&format!("{}:", self.words.exchanges));
        for reported in &file.exchanges {
            let notes: Vec<_> =
                reported.notes.iter().map(|note| note.text(self.catalogue, self.style.language)).collect();
            let line = line::exchange(&reported.exchange, &notes, now, &self.style.zone);
            self.line(&format!("  {line}"));
        }
    }
}
