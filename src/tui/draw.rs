//! The screen, one file per pane.
//!
//! ```text
//!  pulltap  127.0.0.1:8888                      41 exchanges  2 failed  ✖ 1  ! 2     header
//!  ✖ The registry's firewall refuses this client                 Tab: why, and what to do     banner, where needed
//!  Exchanges 41   Findings 3                                        filter: host:azurecr     list (title)
//!  ✔ 12:00:01 GET     401  ping      myregistry.azurecr.io            231 B   45 ms     list or findings
//!  ✖ 12:00:01 GET     403  manifest  myregistry.azurecr.io/app:v1     412 B   61 ms
//!  #2  Explain  Request  Response  Timing  TLS                                      detail (tabs)
//!  ✖ The registry's firewall refuses this client                                    explain, message, timing, tls
//!  …
//!  Enter read  Tab findings  / filter  f follow  s save  ? help  q quit              footer
//! ```
//!
//! Before anything has come, `welcome` fills everything between header and footer; so does `help` when it is asked for.

use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::app::{App, Focus, Heights, Pane};
use super::theme::Theme;
use super::update::Speaker;
use crate::language::screen::Words;

mod banner;
mod body;
mod detail;
mod explain;
mod findings;
mod footer;
mod header;
mod help;
mod list;
mod message;
pub mod text;
mod timing;
mod tls;
mod welcome;

/// How everything is said and looks.
#[derive(Debug)]
pub struct Look {
    /// The words of the screen.
    pub words: Words,
    /// The words of findings and notes.
    pub speaker: Speaker,
    /// The user's time zone.
    pub zone: TimeZone,
    /// Colours and symbols.
    pub theme: Theme,
}

/// Where everything is.
struct Areas {
    header: Rect,
    banner: Rect,
    middle: Rect,
    list_title: Rect,
    list: Rect,
    detail_title: Rect,
    detail: Rect,
    footer: Rect,
}

impl Areas {
    fn of(app: &App, screen: Rect) -> Self {
        let banners = u16::try_from(banner::count(app)).unwrap_or(0);
        let [header, banner, middle, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(banners),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(screen);
        let most = match app.focus {
            Focus::List => middle.height.div_ceil(2),
            Focus::Detail => (middle.height / 4).max(4).min(middle.height / 2),
        };
        // What a short list does not need is the detail's.
        let entries = match app.pane {
            Pane::Exchanges => app.list.len(),
            Pane::Findings => app.findings.all().len(),
        };
        let upper = u16::try_from(entries.max(2) + 2).unwrap_or(most).min(most);
        let [list_title, list, detail_title, detail] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(upper.saturating_sub(1)),
            Constraint::Length(1),
            Constraint::Fill(1),
        ])
        .areas(middle);
        Self { header, banner, middle, list_title, list, detail_title, detail, footer }
    }
}

/// Lays out what depends on the size of the screen: scroll positions and the page of the detail.
pub fn prepare(app: &mut App, look: &Look, screen: Rect) {
    let areas = Areas::of(app, screen);
    let height = |area: Rect| usize::from(area.height);
    app.heights = Heights { list: height(areas.list), detail: height(areas.detail), help: height(areas.middle) };
    app.list.scroll_to_selection(app.heights.list);
    app.findings.scroll_to_selection(app.heights.list);
    detail::prepare(app, look, areas.detail.width.saturating_sub(2));
    app.note_what_is_seen();
    if let Some(scroll) = &mut app.help {
        *scroll = (*scroll).min(help::lines(look, areas.middle.width).len().saturating_sub(height(areas.middle)));
    }
}

/// Draws the screen.
pub fn draw(frame: &mut Frame<'_>, app: &App, look: &Look) {
    let areas = Areas::of(app, frame.area());
    header::draw(frame, areas.header, app, look);
    banner::draw(frame, areas.banner, app, look);
    if let Some(scroll) = app.help {
        help::draw(frame, areas.middle, scroll, look);
    } else if app.is_empty() {
        welcome::draw(frame, areas.middle, app, look);
    } else {
        list::draw_title(frame, areas.list_title, app, look);
        match app.pane {
            Pane::Exchanges => list::draw(frame, areas.list, app, look),
            Pane::Findings => findings::draw(frame, areas.list, app, look),
        }
        detail::draw_title(frame, areas.detail_title, app, look);
        detail::draw(frame, areas.detail, app);
    }
    footer::draw(frame, areas.footer, app, look);
}
