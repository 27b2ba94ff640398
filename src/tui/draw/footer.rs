//! The last line: the keys that help now, what is being typed, or what has just happened.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::Look;
use super::text::{cut, left, width, without_start};
use crate::filter::{FilterError, role_names, state_names};
use crate::language::screen::{Words, filled};
use crate::tui::app::{App, Message, Prompt};
use crate::tui::event::Saved;
use crate::tui::keymap::{Action, Binding, KEYS};

/// Draws the last line.
pub fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, look: &Look) {
    let words = &look.words;
    match (&app.prompt, &app.message) {
        (Some(Prompt::Filter { input, error, .. }), _) => {
            let error = error.as_ref().map(|error| filter_error(error, words));
            draw_prompt(frame, area, (&words.prompt_filter, input, error), look);
        }
        (Some(Prompt::Save(input)), _) => draw_prompt(frame, area, (&words.prompt_save, input, None), look),
        (None, Some(message)) => {
            let (text, style) = match message {
                Message::Saving => (words.saving.clone(), look.theme.title()),
                Message::Saved(Saved { path, is_masked, result: Ok(count) }) => {
                    let (text, style) = match is_masked {
                        true => (&words.saved, look.theme.title()),
                        false => (&words.saved_unmasked, look.theme.alarm()),
                    };
                    (filled(text, &[("count", &count.to_string()), ("file", path)]), style)
                }
                Message::Saved(Saved { result: Err(why), .. }) => {
                    (filled(&words.not_saved, &[("why", why)]), look.theme.alarm())
                }
            };
            let text = left(&format!(" {text}"), usize::from(area.width));
            frame.render_widget(Line::styled(text, style), area);
        }
        (None, None) => frame.render_widget(keys(app, area.width, look), area),
    }
}

/// What is typed, with the cursor in it, and what is wrong with it.
fn draw_prompt(frame: &mut Frame<'_>, area: Rect, prompt: (&str, &Input, Option<String>), look: &Look) {
    let (name, input, error) = prompt;
    let name = format!(" {name} ");
    let error = error.map(|error| format!(" {} ", cut(&error, usize::from(area.width) / 2))).unwrap_or_default();
    let columns = usize::from(area.width).saturating_sub(width(&name) + width(&error));
    let scroll = input.visual_scroll(columns.saturating_sub(1));
    let cursor = input.visual_cursor().saturating_sub(scroll);
    let shown = without_start(input.value(), scroll);
    let spans = vec![
        Span::styled(name.clone(), look.theme.title()),
        Span::raw(left(shown, columns)),
        Span::styled(error, look.theme.alarm()),
    ];
    frame.render_widget(Line::from(spans), area);
    let at = u16::try_from(width(&name) + cursor).unwrap_or(0);
    frame.set_cursor_position(Position::new(area.x.saturating_add(at), area.y));
}

fn filter_error(error: &FilterError, words: &Words) -> String {
    match error {
        FilterError::Status(value) => filled(&words.filter_status, &[("value", value)]),
        FilterError::Role(value) => filled(&words.filter_role, &[("value", value), ("names", &role_names())]),
        FilterError::State(value) => filled(&words.filter_state, &[("value", value), ("names", &state_names())]),
        FilterError::Value(key) => filled(&words.filter_value, &[("key", key)]),
        FilterError::Quote => words.filter_quote.clone(),
    }
}

/// The keys that are of use now, as many as fit.
fn keys(app: &App, columns: u16, look: &Look) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    let is_given = |binding: &&Binding| match (app.help.is_some(), app.is_empty()) {
        (false, false) => binding.hint.is_given(app),
        // There is nothing else to go to.
        (true, _) => matches!(binding.action, Action::Back | Action::Quit),
        (false, true) => matches!(binding.action, Action::Help | Action::Quit),
    };
    for binding in KEYS.iter().filter(is_given) {
        let (key, what) = (binding.shown.to_owned(), format!(" {}  ", name(binding.action, binding.what, app, look)));
        let own = width(&key) + width(&what);
        if used + own > usize::from(columns) + 2 {
            continue;
        }
        used += own;
        spans.push(Span::styled(key, look.theme.title()));
        spans.push(Span::styled(what, look.theme.quiet()));
    }
    Line::from(spans)
}

fn name(action: Action, what: fn(&Words) -> &str, app: &App, look: &Look) -> String {
    use crate::tui::app::Pane;
    match (action, app.pane) {
        (Action::OtherList, Pane::Exchanges) => look.words.findings.clone(),
        (Action::OtherList, Pane::Findings) => look.words.exchanges.clone(),
        _ => what(&look.words).to_owned(),
    }
}
