//! The list of exchanges: only the rows on the screen are made.

use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Look;
use super::text::{cut, left, right, ruled, width};
use crate::diagnose::Severity;
use crate::exchange::Moment;
use crate::index::{Progress, Row};
use crate::language::screen::filled;
use crate::registry::reference::short_digest;
use crate::report::quantity;
use crate::tui::app::{App, Focus, Pane};
use crate::tui::theme::{RUNNING, symbol};

/// From this width on the host has a column of its own.
const WIDE: u16 = 130;

/// From so many columns on for host and subject, what an exchange means has room beside them.
const ROOMY: usize = 64;

/// With fewer columns than these for host and subject, they take those of size and duration, too.
const CRAMPED: usize = 20;

/// Draws the names of the two lists, how many each has, and the filter.
pub fn draw_title(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let words = &look.words;
    let mut count = app.list.rows().len().to_string();
    if !app.filter.is_empty() {
        count = format!("{}/{count}", app.list.len());
    }
    let name = |pane: Pane, text: String| {
        let is_shown = app.pane == pane;
        let style = match (is_shown, app.focus) {
            (true, Focus::List) => look.theme.heading().patch(look.theme.selected()),
            (true, Focus::Detail) => look.theme.heading(),
            (false, _) => look.theme.quiet(),
        };
        Span::styled(format!(" {text} "), style)
    };
    let names = vec![
        name(Pane::Exchanges, format!("{} {count}", words.exchanges)),
        Span::styled("─", look.theme.quiet()),
        name(Pane::Findings, format!("{} {}", words.findings, app.findings.all().len())),
    ];
    let mut states = Vec::new();
    if !app.filter.is_empty() {
        states.push(filled(&words.filter_is, &[("filter", &app.filter)]));
    }
    if app.list.is_filtering() {
        states.push(words.filtering.clone());
    }
    if app.list.is_following && app.pane == Pane::Exchanges {
        states.push(words.following.clone());
    }
    let mut state = Vec::new();
    if !states.is_empty() {
        let used: usize = names.iter().map(Span::width).sum();
        let columns = usize::from(area.width).saturating_sub(used + 6);
        state.push(Span::raw(format!(" {} ", cut(&states.join("  "), columns))));
        state.push(Span::styled("─", look.theme.quiet()));
    }
    frame.render_widget(ruled(names, state, area.width, look.theme.quiet()), area);
}

/// Draws the rows on the screen.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    if app.list.is_empty() {
        let text = if app.list.is_filtering() { &look.words.filtering } else { &look.words.nothing_passes };
        frame.render_widget(Line::styled(format!(" {}", cut(text, usize::from(area.width))), look.theme.quiet()), area);
        return;
    }
    for (row, area) in app.list.shown_from(app.list.top).zip(area.rows()) {
        let mut line = line(row, area.width, app.now, look);
        if app.list.selected() == Some(row.id) {
            line = match app.focus {
                Focus::List => line.style(look.theme.selected()),
                Focus::Detail => line.style(look.theme.selected_elsewhere()),
            };
        }
        frame.render_widget(line, area);
    }
}

/// One row.
fn line(row: &Row, columns: u16, now: Moment, look: &Look) -> Line<'static> {
    let theme = look.theme;
    let (mark, mark_style) = mark(row, look);
    let (outcome, outcome_style) = outcome(row, look);
    let is_wide = columns >= WIDE;
    let mut spans = vec![
        Span::styled(format!(" {mark} "), mark_style),
        Span::styled(format!("{} ", time(row.started, &look.zone, is_wide)), theme.quiet()),
        Span::raw(left(&row.method, 7)),
        Span::raw(" "),
        Span::styled(left(&outcome, 6), outcome_style),
        Span::raw(" "),
        Span::raw(left(row.role.as_str(), if is_wide { 9 } else { 8 })),
        Span::raw(" "),
    ];
    let size = if row.size == 0 { String::new() } else { quantity::bytes(row.size) };
    let duration = duration(row.duration_micros(now));
    let size = Span::raw(format!(" {}", right(&size, 7)));
    let duration = Span::styled(format!(" {} ", right(&duration, 7)), theme.quiet());
    let used: usize = spans.iter().chain([&size, &duration]).map(Span::width).sum();
    let rest = usize::from(columns).saturating_sub(used);
    if rest < CRAMPED {
        let rest = rest + size.width() + duration.width();
        spans.push(Span::raw(left(&target(row, rest), rest)));
        return Line::from(spans);
    }
    if is_wide {
        let host = (rest * 3 / 10).clamp(16, 40);
        let what = (rest * 27 / 100).clamp(16, 50);
        let notes = rest.saturating_sub(host + what + 2);
        let note = row.notes.lines().next().unwrap_or("");
        spans.extend([
            Span::raw(format!("{} ", left(&row.host, host))),
            Span::raw(left(&subject(row), what)),
            size,
            duration,
            Span::styled(format!(" {}", left(note, notes)), theme.quiet()),
        ]);
        return Line::from(spans);
    }
    let what = if rest >= ROOMY { rest * 6 / 10 } else { rest };
    spans.push(Span::raw(left(&target(row, what), what)));
    spans.extend([size, duration]);
    if rest > what {
        let note = row.notes.lines().next().unwrap_or("");
        spans.push(Span::styled(format!(" {}", left(note, rest - what - 1)), theme.quiet()));
    }
    Line::from(spans)
}

fn mark(row: &Row, look: &Look) -> (&'static str, Style) {
    let severity = row.severity();
    match (severity, row.is_open()) {
        (Severity::Normal, true) => (RUNNING, look.theme.title()),
        // What is as it should be needs no mark in a long list.
        (Severity::Normal, false) => (" ", look.theme.text()),
        _ => (symbol(severity), look.theme.severity(severity)),
    }
}

fn outcome(row: &Row, look: &Look) -> (String, Style) {
    match (row.progress, row.status) {
        (Progress::Failed(..), None) => (look.words.failed.clone(), look.theme.severity(Severity::Error)),
        (Progress::Failed(..), Some(status)) => (format!("{status}✖"), look.theme.severity(Severity::Error)),
        (_, Some(status)) => (status.to_string(), look.theme.status(status)),
        (Progress::Waiting, None) => (look.words.waiting.clone(), look.theme.title()),
        (_, None) => ("-".to_owned(), look.theme.quiet()),
    }
}

/// The time of day, to the millisecond where there is room.
pub fn time(moment: Moment, zone: &TimeZone, is_wide: bool) -> String {
    let zoned = jiff::Timestamp::from_microsecond(moment.micros()).unwrap_or_default().to_zoned(zone.clone());
    zoned.strftime(if is_wide { "%H:%M:%S%.3f" } else { "%H:%M:%S" }).to_string()
}

/// A duration in seven columns.
fn duration(micros: i64) -> String {
    match micros / 1_000_000 {
        ..60 => quantity::duration(micros),
        seconds @ 60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// What an exchange is about: the repository and its reference, else the path.
fn subject(row: &Row) -> String {
    let Some(repository) = &row.repository else { return row.path.to_string() };
    match row.reference.as_deref() {
        // Twelve digits, as docker shows them.
        Some(digest) if digest.contains(':') => {
            let short = short_digest(digest);
            format!("{repository}@{}", short.split_once(':').map_or(short, |(_, hash)| hash))
        }
        Some(tag) => format!("{repository}:{tag}"),
        None => repository.to_string(),
    }
}

/// Host and subject in one, as people write image names. Where it is too long, the host gives way.
fn target(row: &Row, columns: usize) -> String {
    let subject = subject(row);
    let separator = if subject.starts_with(['/', ':']) { "" } else { "/" };
    let whole = format!("{}{separator}{subject}", row.host);
    if width(&whole) <= columns {
        return whole;
    }
    let room = columns.saturating_sub(width(&subject) + width(separator)).max(columns / 4);
    let host = match row.host.split_once('.') {
        Some((first, _)) if width(first) < room => format!("{}…", cut(first, room)),
        _ => cut(&row.host, room),
    };
    format!("{host}{separator}{subject}")
}
