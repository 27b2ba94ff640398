//! The lower half: its tabs, and the page of the one that is chosen.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};

use super::text::{Text, ruled};
use super::{Look, explain, message, timing, tls};
use crate::exchange::Exchange;
use crate::language::screen::Words;
use crate::tui::app::{App, Focus, Held, Page, PageKey, Tab};

/// The name of a tab.
fn name(tab: Tab, words: &Words) -> &str {
    match tab {
        Tab::Explain => &words.tab_explain,
        Tab::Request => &words.tab_request,
        Tab::Response => &words.tab_response,
        Tab::Timing => &words.tab_timing,
        Tab::Tls => &words.tab_tls,
    }
}

/// Draws the number of the exchange and the tabs.
pub fn draw_title(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let id = app.current().map(|id| format!("#{id} ")).unwrap_or_default();
    let mut names = vec![Span::styled(format!(" {id}"), look.theme.title())];
    for tab in Tab::ALL {
        let style = match (tab == app.detail.tab, app.focus) {
            (true, Focus::Detail) => look.theme.heading().patch(look.theme.selected()),
            (true, Focus::List) => look.theme.heading(),
            (false, _) => look.theme.quiet(),
        };
        names.push(Span::styled(format!(" {} ", name(tab, &look.words)), style));
    }
    let below = app.detail.page.lines.len().saturating_sub(app.detail.scroll + app.heights.detail);
    let more = match below {
        0 => Vec::new(),
        _ => vec![Span::raw(format!(" ↓ {below} ")), Span::styled("─", look.theme.quiet())],
    };
    frame.render_widget(ruled(names, more, area.width, look.theme.quiet()), area);
}

/// Draws the lines of the page that are on the screen.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let area = area.inner(Margin::new(1, 0));
    for (line, row) in app.detail.page.lines.iter().skip(app.detail.scroll).zip(area.rows()) {
        frame.render_widget(line, row);
    }
}

/// Makes the page, where it is not the one that was made last, and keeps the scroll position inside.
pub fn prepare(app: &mut App, look: &Look, width: u16) {
    let key = PageKey {
        id: app.current(),
        tab: app.detail.tab,
        pane: app.pane,
        width,
        revision: (app.detail.revision, app.findings.revision),
    };
    if app.detail.page.key.as_ref() != Some(&key) {
        let lines = lines(app, look, width);
        app.detail.page = Page { key: Some(key), lines };
    }
    let last = app.detail.page.lines.len().saturating_sub(app.heights.detail);
    app.detail.scroll = app.detail.scroll.min(last);
}

fn lines(app: &App, look: &Look, width: u16) -> Vec<Line<'static>> {
    let mut text = Text::new(width);
    let exchange: Option<&Arc<Exchange>> = match &app.detail.exchange {
        Held::Exchange(exchange) => Some(exchange),
        Held::Nothing | Held::Unreadable(_) => None,
    };
    if app.detail.tab == Tab::Explain {
        explain::write(&mut text, app, exchange.map(Arc::as_ref), look);
    }
    if let Held::Unreadable(why) = &app.detail.exchange {
        text.gap();
        text.item(&format!("{}: ", look.words.unreadable), why, look.theme.severity(crate::diagnose::Severity::Error));
    }
    let Some(exchange) = exchange else { return text.into_lines() };
    match app.detail.tab {
        Tab::Explain => {}
        Tab::Request => message::write_request(&mut text, exchange, look),
        Tab::Response => message::write_response(&mut text, exchange, look),
        Tab::Timing => timing::write(&mut text, exchange, look),
        Tab::Tls => tls::write(&mut text, exchange, look),
    }
    text.into_lines()
}
