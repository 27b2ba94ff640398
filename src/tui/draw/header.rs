//! The first line: what is shown, and how bad it is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Look;
use super::text::{cut, width};
use crate::language::screen::filled;
use crate::tui::app::{App, Source};
use crate::tui::theme::symbol;

/// Draws the first line.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let theme = look.theme;
    let right = findings(app, look);
    let right_width: usize = right.iter().map(Span::width).sum();
    let columns = usize::from(area.width).saturating_sub(right_width + width(" pulltap  "));
    let subject = cut(&subject(app, look), columns);
    let gap = columns.saturating_sub(width(&subject));
    let mut spans = vec![Span::styled(" pulltap", theme.title()), Span::raw("  "), Span::raw(subject)];
    spans.push(Span::raw(" ".repeat(gap)));
    spans.extend(right);
    frame.render_widget(Line::from(spans), area);
}

fn subject(app: &App, look: &Look) -> String {
    match &app.source {
        Source::File { name, .. } => name.clone(),
        Source::Live { listening, .. } => {
            let addresses: Vec<_> = listening.iter().map(ToString::to_string).collect();
            filled(&look.words.listening, &[("address", &addresses.join(", "))])
        }
    }
}

/// How many findings of which severity there are.
fn findings(app: &App, look: &Look) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for (severity, count) in app.findings.counts() {
        spans.push(Span::raw("  "));
        spans.push(Span::styled(format!("{} {count}", symbol(severity.0)), look.theme.severity(severity.0)));
    }
    spans.push(Span::raw(" "));
    spans
}
