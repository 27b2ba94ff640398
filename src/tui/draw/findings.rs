//! The list of findings, the worst first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Look;
use super::text::{cut, left, width};
use crate::diagnose::Finding;
use crate::tui::app::{App, Focus};
use crate::tui::theme::symbol;

/// Draws the findings on the screen.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let findings = app.findings.all();
    if findings.is_empty() {
        let text = cut(&look.words.no_findings, usize::from(area.width).saturating_sub(1));
        frame.render_widget(Line::styled(format!(" {text}"), look.theme.quiet()), area);
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
