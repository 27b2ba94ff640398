//! The keys: one table, from which keys are read and the help and the last line are drawn.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::{App, Focus, Source, Tab};
use crate::language::screen::Words;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Into the detail.
    Open,
    /// Out of the detail; or the filter away.
    Back,
    /// The detail's next page.
    NextTab,
    /// The detail's previous page.
    PreviousTab,
    /// This page of the detail.
    Tab(Tab),
    /// The other list.
    OtherList,
    /// The next exchange with trouble.
    NextTrouble,
    /// The previous exchange with trouble.
    PreviousTrouble,
    /// Keep the selection on what comes, or not.
    Follow,
    /// Type a filter.
    Filter,
    /// Save a HAR.
    Save,
    /// Show the keys.
    Help,
    /// Leave.
    Quit,
}

/// Where a key is named in the last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Everywhere.
    Always,
    /// While the list has the keys.
    InList,
    /// While the list has the keys and grows.
    InLiveList,
    /// While the detail has the keys.
    InDetail,
    /// In the help only.
    InHelp,
}

impl Hint {
    /// Whether the last line names the key now.
    pub fn is_given(self, app: &App) -> bool {
        let focus = app.focus;
        match self {
            Self::InLiveList => focus == Focus::List && matches!(app.source, Source::Live { .. }),
            Self::Always => true,
            Self::InList => focus == Focus::List,
            Self::InDetail => focus == Focus::Detail,
            Self::InHelp => false,
        }
    }
}

/// Some keys and what they do.
pub struct Binding {
    /// The keys.
    pub keys: &'static [(KeyModifiers, KeyCode)],
    /// How the help and the last line write them.
    pub shown: &'static str,
    /// What they do.
    pub action: Action,
    /// What that is, in the user's language.
    pub what: fn(&Words) -> &str,
    /// Where they are named.
    pub hint: Hint,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

const fn char(character: char) -> (KeyModifiers, KeyCode) {
    (NONE, KeyCode::Char(character))
}

const fn ctrl(character: char) -> (KeyModifiers, KeyCode) {
    (CTRL, KeyCode::Char(character))
}

const fn key(code: KeyCode) -> (KeyModifiers, KeyCode) {
    (NONE, code)
}

macro_rules! binding {
    ($shown:literal, [$($key:expr),*], $action:expr, $what:ident, $hint:ident) => {
        Binding { keys: &[$($key),*], shown: $shown, action: $action, what: |words| &words.$what, hint: Hint::$hint }
    };
}

/// Every key, in the order of the help.
pub const KEYS: &[Binding] = &[
    binding!("Enter", [key(KeyCode::Enter)], Action::Open, key_open, InList),
    binding!("Esc", [key(KeyCode::Esc), key(KeyCode::Backspace)], Action::Back, key_back, InDetail),
    binding!("↑ k", [key(KeyCode::Up), char('k')], Action::Up, key_up, InHelp),
    binding!("↓ j", [key(KeyCode::Down), char('j')], Action::Down, key_down, InHelp),
    binding!("PgUp b", [key(KeyCode::PageUp), char('b'), ctrl('u')], Action::PageUp, key_page_up, InHelp),
    binding!("PgDn Space", [key(KeyCode::PageDown), char(' '), ctrl('d')], Action::PageDown, key_page_down, InHelp),
    binding!("Home g", [key(KeyCode::Home), char('g')], Action::First, key_first, InHelp),
    binding!("End G", [key(KeyCode::End), char('G')], Action::Last, key_last, InHelp),
    binding!("→ l", [key(KeyCode::Right), char('l')], Action::NextTab, key_next_tab, InHelp),
    binding!("← h", [key(KeyCode::Left), char('h')], Action::PreviousTab, key_previous_tab, InHelp),
    binding!("1", [char('1')], Action::Tab(Tab::Explain), tab_explain, InHelp),
    binding!("2", [char('2')], Action::Tab(Tab::Request), tab_request, InHelp),
    binding!("3", [char('3')], Action::Tab(Tab::Response), tab_response, InHelp),
    binding!("4", [char('4')], Action::Tab(Tab::Timing), tab_timing, InHelp),
    binding!("5", [char('5')], Action::Tab(Tab::Tls), tab_tls, InHelp),
    binding!("Tab", [key(KeyCode::Tab), key(KeyCode::BackTab)], Action::OtherList, key_other_list, Always),
    binding!("n", [char('n')], Action::NextTrouble, key_next_trouble, InHelp),
    binding!("N", [char('N')], Action::PreviousTrouble, key_previous_trouble, InHelp),
    binding!("/", [char('/')], Action::Filter, key_filter, Always),
    binding!("f", [char('f')], Action::Follow, key_follow, InLiveList),
    binding!("s", [char('s')], Action::Save, key_save, Always),
    binding!("?", [char('?'), key(KeyCode::F(1))], Action::Help, key_help, Always),
    binding!("q", [char('q'), ctrl('c')], Action::Quit, key_quit, Always),
];

/// What this key does.
pub fn action(event: &KeyEvent) -> Option<Action> {
    // A capital letter comes with or without Shift, depending on the terminal; Shift+Tab has a code of its own.
    let modifiers = event.modifiers.difference(KeyModifiers::SHIFT);
    let binding = KEYS.iter().find(|binding| binding.keys.contains(&(modifiers, event.code)));
    binding.map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_meaning() {
        let mut keys: Vec<_> = KEYS.iter().flat_map(|binding| binding.keys).collect();
        let all = keys.len();
        keys.sort_by_key(|key| format!("{key:?}"));
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn capitals_count_with_and_without_shift() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            assert_eq!(action(&KeyEvent::new(KeyCode::Char('G'), modifiers)), Some(Action::Last));
        }
        assert_eq!(action(&KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT)), None);
        assert_eq!(action(&KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Action::Quit));
    }
}
