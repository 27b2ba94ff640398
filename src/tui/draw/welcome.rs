//! Before anything has come: what a first-time user has to do, in the order in which it is done.

use std::net::SocketAddr;
use std::path::Path;

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::Line;

use super::Look;
use super::text::Text;
use crate::tui::app::{App, Source};

/// Draws the steps.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let lines = match &app.source {
        Source::Live { listening, ca, .. } => live(listening, ca, area.width, look),
        Source::File { .. } => {
            let mut text = Text::new(area.width.saturating_sub(4));
            text.paragraph(&look.words.file_empty, look.theme.text());
            text.into_lines()
        }
    };
    for (line, row) in lines.iter().zip(area.inner(Margin::new(2, 1)).rows()) {
        frame.render_widget(line, row);
    }
}

fn live(listening: &[SocketAddr], ca: &Path, columns: u16, look: &Look) -> Vec<Line<'static>> {
    let Look { words, theme, .. } = look;
    let proxy = listening.first().map(|address| format!("http://{address}")).unwrap_or_default();
    let ca = ca.display().to_string();
    let mut text = Text::new(columns.saturating_sub(4));
    text.paragraph(&words.welcome, theme.title());
    text.gap();
    text.item("1. ", &words.welcome_proxy, theme.text());
    text.item("     ", &format!("export HTTPS_PROXY={proxy}"), theme.command());
    text.item("     ", &format!("$env:HTTPS_PROXY = '{proxy}'"), theme.command());
    text.gap();
    text.item("2. ", &words.welcome_trust, theme.text());
    text.item("     ", &ca, theme.command());
    text.gap();
    text.item("3. ", &words.welcome_try, theme.text());
    let quoted = if ca.contains(' ') { format!("\"{ca}\"") } else { ca };
    text.item("     ", &format!("curl --cacert {quoted} \\"), theme.command());
    text.item("          ", "https://mcr.microsoft.com/v2/", theme.command());
    text.gap();
    text.item("Docker: ", &words.welcome_docker, theme.text());
    text.pair((&format!("{proxy}/ "), theme.command()), (&words.welcome_page, theme.text()));
    text.into_lines()
}
