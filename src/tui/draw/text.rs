//! Text laid out in columns: cut, padded and wrapped by the width that each character has on a terminal, where Chinese
//! and Japanese characters take two columns. All of it passes `printable` here.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::printable::printable;

/// Stands where text was cut off.
const CUT: &str = "…";

/// Characters that no line begins with.
const NEVER_FIRST: &str = "、。，．：；！？）」』】〕》…・ー)]},.;:!?";

/// The columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text made printable and cut where it is wider than `columns`.
pub fn cut(text: &str, columns: usize) -> String {
    let text = printable(text);
    if width(&text) <= columns {
        return text.into_owned();
    }
    let mut cut = start(&text, columns.saturating_sub(1)).to_owned();
    if columns > 0 {
        cut.push_str(CUT);
    }
    cut
}

/// The longest beginning that fits.
fn start(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > columns
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// The text without its first `columns`.
pub fn without_start(text: &str, columns: usize) -> &str {
    text.get(start(text, columns).len()..).unwrap_or("")
}

/// The text cut or filled up to exactly `columns`, at the left.
pub fn left(text: &str, columns: usize) -> String {
    let mut text = cut(text, columns);
    let missing = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// The text cut or filled up to exactly `columns`, at the right.
pub fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let missing = columns.saturating_sub(width(&text));
    let mut filled = " ".repeat(missing);
    filled.push_str(&text);
    filled
}

/// A line with something at its left and at its right and a rule between them.
pub fn ruled(left: Vec<Span<'static>>, right: Vec<Span<'static>>, columns: u16, style: Style) -> Line<'static> {
    let used: usize = left.iter().chain(&right).map(Span::width).sum();
    let rule = "─".repeat(usize::from(columns).saturating_sub(used + 1));
    let mut spans = vec![Span::styled("─", style)];
    spans.extend(left);
    spans.push(Span::styled(rule, style));
    spans.extend(right);
    Line::from(spans)
}

/// The text in lines of at most `columns`: broken at spaces and between wide characters, else anywhere.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    // Where the line can be broken: how many bytes of it stay.
    let mut opportunity: Option<usize> = None;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        let own = character.width().unwrap_or(0);
        let is_between_wide = (own == 2 || before.width() == Some(2)) && !NEVER_FIRST.contains(character);
        if !line.is_empty() && own > 0 && (before == ' ' || is_between_wide) {
            opportunity = Some(line.len());
        }
        if used + own > columns {
            // A word that no line has room for is broken where it stands.
            let fits = |stays: &usize| {
                let begun = line.get(*stays..).unwrap_or("");
                let rest = text.get(at..).unwrap_or("").split(' ').next().unwrap_or("");
                width(begun) + width(rest) <= columns || begun.is_empty() || before.width() == Some(2)
            };
            // Before a space that no longer fits the whole line stays.
            let last = opportunity.take().filter(|_| character != ' ');
            let stays = last.filter(fits).unwrap_or(line.len());
            let rest = line.split_off(stays);
            lines.push(line.trim_end().to_owned());
            rest.trim_start().clone_into(&mut line);
            used = width(&line);
        }
        if !(character == ' ' && line.is_empty() && !lines.is_empty()) {
            line.push(character);
            used += own;
        }
        before = character;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Lines of a page of text, made one under the other.
pub struct Text {
    columns: usize,
    lines: Vec<Line<'static>>,
}

impl Text {
    /// An empty page of this width.
    pub fn new(columns: u16) -> Self {
        Self { columns: usize::from(columns), lines: Vec::new() }
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<Line<'static>> {
        self.lines
    }

    /// The columns of the page.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// An empty line, unless there is one.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| line.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    /// A line of ready-made parts; whoever makes them sees to their width.
    pub fn line(&mut self, parts: Vec<Span<'static>>) {
        self.lines.push(Line::from(parts));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str, style: Style) {
        self.item("", text, style);
    }

    /// A paragraph that hangs behind its beginning.
    pub fn item(&mut self, beginning: &str, text: &str, style: Style) {
        self.pair((beginning, style), (text, style));
    }

    /// A name and its value, which hangs behind it where the name is short.
    pub fn pair(&mut self, name: (&str, Style), value: (&str, Style)) {
        const LONG: usize = 24;
        let beginning = cut(name.0, self.columns);
        let indent = if width(&beginning) > LONG { 4 } else { width(&beginning) };
        let first_columns = self.columns.saturating_sub(width(&beginning));
        let text = printable(value.0);
        let mut spans = vec![Span::styled(beginning, name.1)];
        let mut rest: &str = &text;
        // The first line is shorter than the others where the name is long.
        if first_columns >= 8 {
            let first = wrap(rest, first_columns).into_iter().next().unwrap_or_default();
            rest = rest.get(first.len()..).unwrap_or("").trim_start();
            spans.push(Span::styled(first, value.1));
        }
        self.lines.push(Line::from(spans));
        if rest.is_empty() {
            return;
        }
        for line in wrap(rest, self.columns.saturating_sub(indent)) {
            self.lines.push(Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(line, value.1)]));
        }
    }

    /// Text that has lines of its own, such as a body.
    pub fn lines_of(&mut self, text: &str, style: Style) {
        for line in text.lines() {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            let indent = " ".repeat(spaces.min(self.columns / 2));
            let line = line.trim_start_matches(' ').replace('\t', "    ");
            self.item(&indent, &line, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_fills_by_columns() {
        assert_eq!(left("日本語", 6), "日本語");
        assert_eq!(left("日本語", 5), "日本…");
        assert_eq!(left("日本語", 4), "日… ");
        assert_eq!(right("日本", 6), "  日本");
        assert_eq!(left("a\u{1b}[2J", 20), "a\\u{1b}[2J          ");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn wraps_at_spaces_between_wide_characters_and_else_anywhere() {
        assert_eq!(wrap("the registry asks for a token", 12), ["the registry", "asks for a", "token"]);
        assert_eq!(wrap("レジストリは認証を求めます。", 10), ["レジストリ", "は認証を求", "めます。"]);
        assert_eq!(wrap("sha256:0123456789", 8), ["sha256:0", "12345678", "9"]);
        assert_eq!(wrap("GET 0123456789", 8), ["GET 0123", "456789"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let text = "Kürzung 日本語のテキスト with-a-very-long-word-in-it 以及中文。 e\u{301}e\u{301} end";
        for columns in 2..40 {
            let lines = wrap(text, columns);
            assert!(lines.iter().all(|line| width(line) <= columns), "{columns}: {lines:?}");
            let kept: String = lines.concat().split_whitespace().collect();
            assert_eq!(kept, text.split_whitespace().collect::<String>());
        }
    }
}
