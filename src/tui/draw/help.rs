//! The help: every key from the table that reads them, the forms of a filter, and what the symbols mean.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};

use super::Look;
use super::text::{Text, left};
use crate::diagnose::Severity;
use crate::filter::{role_names, state_names};
use crate::tui::keymap::KEYS;
use crate::tui::theme::{RUNNING, symbol};

/// Draws the help.
pub fn draw(frame: &mut Frame<'_>, area: Rect, scroll: usize, look: &Look) {
    let inside = area.inner(Margin::new(1, 0));
    for (line, row) in lines(look, area.width).iter().skip(scroll).zip(inside.rows()) {
        frame.render_widget(line, row);
    }
}

/// The lines of the help on a screen of this width.
pub fn lines(look: &Look, columns: u16) -> Vec<Line<'static>> {
    const KEY: usize = 14;
    let Look { words, theme, .. } = look;
    let mut text = Text::new(columns.saturating_sub(2));
    let column = if columns >= 80 { usize::from(columns - 2) / 2 } else { usize::from(columns) };
    text.paragraph(&words.help_keys, theme.heading());
    let entry = |shown: &str, what: &str| {
        [Span::styled(left(shown, KEY), theme.title()), Span::raw(left(what, column.saturating_sub(KEY)))]
    };
    let entries: Vec<_> = KEYS.iter().map(|binding| entry(binding.shown, (binding.what)(words))).collect();
    let per_line = if columns >= 80 { 2 } else { 1 };
    let rows = entries.len().div_ceil(per_line);
    for row in 0..rows {
        text.line(entries.iter().skip(row).step_by(rows).flatten().cloned().collect());
    }
    text.gap();
    text.paragraph(&words.help_filter, theme.heading());
    let roles = format!("role: {}", role_names());
    let states = format!("is: {}", state_names());
    for (form, what) in [
        ("word \"two words\"", words.help_words.as_str()),
        ("status:4xx", "status:401"),
        ("host: repo:", words.help_parts.as_str()),
        ("method:put", "get, head, post, …"),
        ("role:token", roles.as_str()),
        ("is:error", states.as_str()),
        ("!host:blob", words.help_not.as_str()),
    ] {
        text.pair((&left(form, 18), theme.command()), (what, theme.text()));
    }
    text.gap();
    text.paragraph(&words.help_symbols, theme.heading());
    for severity in [Severity::Error, Severity::Warning, Severity::Notice, Severity::Normal] {
        let name = words.severity(severity.as_str());
        text.pair((&format!("{} ", symbol(severity)), theme.severity(severity)), (name, theme.text()));
    }
    text.pair((&format!("{RUNNING} "), theme.title()), (&words.help_running, theme.text()));
    text.into_lines()
}
