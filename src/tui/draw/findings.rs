//! The list of findings, the worst first.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};

use super::Look;
use super::text::{Text, cut, left, width};
use crate::diagnose::Finding;
use crate::tui::app::{App, Focus, Source};
use crate::tui::theme::symbol;

/// Draws the findings on the screen.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let findings = app.findings.all();
    if findings.is_empty() {
        draw_none(frame, area, app, look);
    }
    let selected = app.findings.selected().map(|finding| &finding.id);
    for (finding, area) in findings.iter().skip(app.findings.top).zip(area.rows()) {
        let mut line = line(finding, area.width, look);
        if selected == Some(&finding.id) {
            line = match app.focus {
                Focus::List => line.style(look.theme.selected()),
                Focus::Detail => line.style(look.theme.selected_elsewhere()),
            };
        }
        frame.render_widget(line, area);
    }
}

/// Says that there are none, and what that means.
fn draw_none(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let words = match &app.source {
        Source::Live { .. } => &look.words.no_findings,
        Source::File { .. } => &look.words.no_findings_in_file,
    };
    let inside = area.inner(Margin::new(1, 0));
    let mut text = Text::new(inside.width);
    text.paragraph(words, look.theme.quiet());
    for (line, row) in text.into_lines().iter().zip(inside.rows()) {
        frame.render_widget(line, row);
    }
}

fn line(finding: &Finding, columns: u16, look: &Look) -> Line<'static> {
    const EXCHANGES: usize = 16;
    const TITLE: usize = 40;
    let title = finding.explained(&look.speaker.catalogue, look.speaker.language).title;
    let exchanges: Vec<_> = finding.exchanges.iter().map(|id| format!("#{id}")).collect();
    let severity =
        format!(" {} {} ", symbol(finding.severity), left(look.words.severity(finding.severity.as_str()), 8));
    let severity = Span::styled(severity, look.theme.severity(finding.severity));
    let exchanges = cut(&exchanges.join(" "), EXCHANGES);
    let rest = usize::from(columns).saturating_sub(severity.width() + width(&exchanges) + 2).max(TITLE);
    Line::from(vec![
        severity,
        Span::raw(left(&title, rest)),
        Span::styled(format!(" {exchanges} "), look.theme.quiet()),
    ])
}
