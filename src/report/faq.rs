//! The catalogue as text for a terminal: a list of entries, or one entry in full.

use unicode_width::UnicodeWidthStr;

use super::columns::{padded, wrapped};
use super::words::{self, Words};
use crate::diagnose::{Catalogue, Entry, OtherCause};
use crate::language::Language;

/// How the catalogue is shown.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Its language.
    pub language: Language,
    /// How many columns there are.
    pub width: usize,
}

/// What was searched for: one entry in full, several as a list, or the word that there is none.
pub fn faq(catalogue: &Catalogue, words: &[String], style: Style) -> (String, bool) {
    let found = crate::diagnose::search(catalogue, words);
    let is_named = words.len() == 1;
    let named = found.iter().find(|(slug, _)| is_named && words.iter().any(|word| word.eq_ignore_ascii_case(slug)));
    let text = match (found.as_slice(), named) {
        ([], _) => format!("{}\n", words::of(style.language).faq_none),
        (_, Some((slug, found))) | ([(slug, found)], None) => entry(catalogue, slug, found, style),
        (found, None) => list(found, style),
    };
    (text, !found.is_empty())
}

fn list(found: &[(&str, &Entry)], style: Style) -> String {
    let words = words::of(style.language);
    let mut page = Page { text: String::new(), width: style.width, words };
    let column = found.iter().map(|(slug, _)| slug.width()).max().unwrap_or(0);
    for (slug, found) in found {
        let title = found.explained(slug, style.language).title;
        page.paragraph("", &format!("{}  ", padded(slug, column)), &title);
    }
    page.line("");
    page.line(words.faq_several);
    page.text
}

/// One entry in full.
fn entry(catalogue: &Catalogue, slug: &str, entry: &Entry, style: Style) -> String {
    let words = words::of(style.language);
    let explained = entry.explained(slug, style.language);
    let mut page = Page { text: String::new(), width: style.width, words };
    page.paragraph("", "", &explained.title);
    page.line("");
    page.paragraph("  ", "", &explained.cause);
    let own: Vec<_> = entry.rule_words(style.language).map(|(rule, _)| rule).collect();
    let alternatives = catalogue.alternatives().of_entry(slug, |rule| !own.contains(&rule), style.language);
    page.steps(&explained.fix, &explained.commands);
    page.alternatives("  ", &alternatives);
    for (rule, own) in entry.rules_explained(style.language) {
        page.line("");
        page.paragraph("  ", "* ", &format!("{} [{rule}]", own.title));
        page.paragraph("    ", "", &own.cause);
        if own.fix != explained.fix {
            page.numbered("    ", &own.fix);
        }
        let alternatives = catalogue.alternatives().of_entry(slug, |other| other == rule, style.language);
        page.alternatives("    ", &alternatives);
    }
    page.line("");
    if !entry.codes.is_empty() {
        page.paragraph("  ", "", &format!("{}: {}", words.codes, entry.codes.join(", ")));
    }
    if let Some(doc) = &explained.doc {
        page.line(&format!("  {}: {doc}", words.more));
    }
    page.line(&format!("  [faq {slug}]"));
    page.text
}

struct Page {
    text: String,
    width: usize,
    words: &'static Words,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn alternatives(&mut self, indent: &str, alternatives: &[OtherCause]) {
        if alternatives.is_empty() {
            return;
        }
        self.line("");
        self.line(&format!("{indent}{}:", self.words.alternatives));
        for other in alternatives {
            let text = format!("{} {}: {}{}", other.cause, self.words.tell, other.tell, other.in_full());
            self.paragraph(&format!("{indent}  "), "- ", &text);
        }
    }

    fn steps(&mut self, fix: &[String], commands: &[String]) {
        if fix.is_empty() && commands.is_empty() {
            return;
        }
        self.line("");
        self.line(&format!("  {}:", self.words.to_do));
        self.numbered("    ", fix);
        // A command stays on its line: it is there to be copied.
        for command in commands {
            self.line(&format!("    $ {command}"));
        }
    }

    fn numbered(&mut self, indent: &str, steps: &[String]) {
        for (number, step) in (1..).zip(steps) {
            self.paragraph(indent, &format!("{number}. "), step);
        }
    }

    fn paragraph(&mut self, indent: &str, mark: &str, text: &str) {
        let before = indent.width().saturating_add(mark.width());
        let mut start = format!("{indent}{mark}");
        for line in wrapped(text, self.width.saturating_sub(before).max(20)) {
            self.line(&format!("{start}{line}"));
            start = " ".repeat(before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_columns_and_lines_them_up_in_every_language() {
        let catalogue = Catalogue::built_in();
        for language in Language::ALL {
            let style = Style { language, width: 60 };
            let (list, _) = faq(&catalogue, &[], style);
            let titles = list.lines().take_while(|line| !line.is_empty()).map(UnicodeWidthStr::width);
            assert!(titles.max() <= Some(60), "{list}");
            for (slug, _) in catalogue.entries() {
                let (text, is_found) = faq(&catalogue, &[slug.to_owned()], style);
                assert!(is_found && text.contains(&format!("[faq {slug}]")), "{text}");
                // Commands and addresses are not broken.
                let is_prose = |line: &&str| !line.contains("    $ ") && !line.contains("https://");
                for line in text.lines().filter(is_prose) {
                    let has_long_word = line.split_whitespace().any(|word| word.width() > 40);
                    assert!(line.width() <= 60 || has_long_word, "{slug}: {line:?}");
                }
            }
        }
    }

    #[test]
    fn says_that_nothing_was_found() {
        let style = Style { language: Language::En, width: 80 };
        let (text, is_found) = faq(&Catalogue::built_in(), &["xyzzy".to_owned()], style);
        assert!(!is_found && text.lines().count() == 1);
    }
}
