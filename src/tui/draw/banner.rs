//! Lines under the header that must not be overlooked: trouble with recording, and an error that nobody has read yet.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Look;
use super::text::{left, width};
use crate::diagnose::Finding;
use crate::language::screen::filled;
use crate::tui::app::{App, Pane};
use crate::tui::theme::symbol;

/// How many lines there are.
pub fn count(app: &App) -> usize {
    usize::from(is_in_trouble(app)) + usize::from(unread(app).is_some())
}

/// An error that nobody has read; the list of findings shows them all itself.
fn unread(app: &App) -> Option<&Finding> {
    app.findings.unseen_error().filter(|_| app.pane == Pane::Exchanges)
}

fn is_in_trouble(app: &App) -> bool {
    app.health.trouble.is_some() || app.health.lost > 0
}

/// Draws the lines.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let mut lines = Vec::new();
    if is_in_trouble(app) {
        lines.push(line(&recording(app, look), "", area.width, look));
    }
    if let Some(finding) = unread(app) {
        let title = finding.explained(&look.speaker.catalogue, look.speaker.language).title;
        let text = format!("{} {title}", symbol(finding.severity));
        lines.push(line(&text, &look.words.banner_read, area.width, look));
    }
    for (line, row) in lines.into_iter().zip(area.rows()) {
        frame.render_widget(line, row);
    }
}

fn recording(app: &App, look: &Look) -> String {
    let lost = app.health.lost.to_string();
    match &app.health.trouble {
        Some(trouble) => filled(&look.words.not_recorded, &[("why", &trouble.message), ("lost", &lost)]),
        None => filled(&look.words.recorded_again, &[("lost", &lost)]),
    }
}

fn line(text: &str, hint: &str, columns: u16, look: &Look) -> Line<'static> {
    let hint = if hint.is_empty() { String::new() } else { format!("  {hint} ") };
    let text = left(&format!(" {text}"), usize::from(columns).saturating_sub(width(&hint)));
    Line::from(vec![Span::raw(text), Span::raw(hint)]).style(look.theme.alarm())
}
