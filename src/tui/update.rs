//! How the screen's state changes: an event in, the state changed, and what is to be done outside.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

use super::app::{App, Direction, Focus, Held, Message, Pane, Prompt, Tab};
use super::event::{Command, Event, Loaded, News};
use super::keymap::{self, Action};
use crate::diagnose::{Catalogue, FindingId};
use crate::exchange::Moment;
use crate::filter::Filter;
use crate::language::Language;

/// In which words notes are put.
#[derive(Debug)]
pub struct Speaker {
    /// The sentences.
    pub catalogue: Catalogue,
    /// The language.
    pub language: Language,
}

impl App {
    /// Takes an event in; gives what is to be done outside.
    pub fn update(&mut self, event: Event, speaker: &Speaker) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Key(key) => commands.extend(self.key(key)),
            Event::Resized => self.is_dirty = true,
            Event::News(news) => self.news(news, speaker),
            Event::Tick(now) => self.tick(now),
        }
        commands.extend(self.wanted());
        commands
    }

    /// The exchange that the detail lacks, if it does.
    fn wanted(&mut self) -> Option<Command> {
        let wanted = self.current().map(|id| (id, self.list.row(id).cloned()));
        if wanted == self.detail.asked_for {
            return None;
        }
        let id = wanted.as_ref().map(|(id, _)| *id);
        if id != self.detail.id() {
            self.detail.exchange = Held::Nothing;
            self.detail.scroll = 0;
        }
        self.detail.asked_for = wanted;
        self.detail.revision += 1;
        self.is_dirty = true;
        id.map(Command::Load)
    }

    fn news(&mut self, news: News, speaker: &Speaker) {
        self.is_dirty |= !news.is_empty();
        for told in news.told.into_values() {
            if !told.is_listed {
                self.list.remove(told.row.id);
                continue;
            }
            let mut row = told.row;
            let notes = told.notes.iter().map(|note| note.text(&speaker.catalogue, speaker.language));
            row.notes = notes.collect::<Vec<_>>().join("\n").into();
            row.mark = self.findings.mark(row.id);
            self.list.put(row);
        }
        for change in news.findings {
            for id in self.findings.change(change) {
                self.list.mark(id, self.findings.mark(id));
            }
        }
        if let Some(health) = news.health {
            self.health = health;
        }
        if let Some(loaded) = news.loaded {
            self.loaded(loaded);
        }
        if let Some(saved) = news.saved {
            self.is_saving = false;
            self.message = Some(Message::Saved(saved));
        }
    }

    fn loaded(&mut self, loaded: Loaded) {
        let Loaded { id, result } = loaded;
        if self.detail.id() != Some(id) {
            return;
        }
        self.detail.revision += 1;
        self.detail.exchange = match result {
            Ok(Some(exchange)) => Held::Exchange(exchange),
            // It is asked for again when the clock ticks.
            Ok(None) => Held::Nothing,
            Err(why) => Held::Unreadable(why),
        };
    }

    fn tick(&mut self, now: Moment) {
        let is_new_second = now.micros() / 1_000_000 != self.now.micros() / 1_000_000;
        self.now = now;
        self.is_dirty |= self.list.filter_more();
        if is_new_second {
            // Durations of what still runs.
            self.is_dirty |=
                self.list.shown_from(self.list.top).take(self.heights.list).any(crate::index::Row::is_open);
            if matches!(self.detail.exchange, Held::Nothing) {
                self.detail.asked_for = None;
            }
        }
    }

    fn key(&mut self, key: KeyEvent) -> Option<Command> {
        self.is_dirty = true;
        self.message = None;
        match self.prompt.take() {
            Some(Prompt::Filter { input, before, .. }) => {
                self.key_in_filter(key, input, before);
                None
            }
            Some(Prompt::Save(input)) => self.key_in_name(key, input),
            None => self.act(keymap::action(&key)?),
        }
    }

    fn act(&mut self, action: Action) -> Option<Command> {
        if self.help.is_some() {
            return self.act_in_help(action);
        }
        match action {
            Action::Up => self.move_by(-1),
            Action::Down => self.move_by(1),
            Action::PageUp => self.move_by(-self.page()),
            Action::PageDown => self.move_by(self.page()),
            Action::First => self.move_by(isize::MIN / 2),
            Action::Last => self.move_by(isize::MAX / 2),
            Action::Open => self.open(),
            Action::Back => self.back(),
            Action::NextTab => self.turn_to(self.detail.tab.moved(1)),
            Action::PreviousTab => self.turn_to(self.detail.tab.moved(-1)),
            Action::Tab(tab) => self.turn_to(tab),
            Action::OtherList => self.other_list(),
            Action::NextTrouble => self.go_to_trouble(Direction::Forward),
            Action::PreviousTrouble => self.go_to_trouble(Direction::Back),
            Action::Follow => self.follow(),
            Action::Filter => {
                let (input, before) = (Input::new(self.filter.clone()), self.filter.clone());
                self.prompt = Some(Prompt::Filter { input, before, error: None });
            }
            Action::Save if self.is_saving => self.message = Some(Message::Saving),
            Action::Save => self.prompt = Some(Prompt::Save(Input::new(self.source.har().to_owned()))),
            Action::Help => self.help = Some(0),
            Action::Quit => return Some(Command::Quit),
        }
        None
    }

    fn act_in_help(&mut self, action: Action) -> Option<Command> {
        let scroll = self.help.unwrap_or(0);
        let page = self.heights.help.saturating_sub(1);
        self.help = match action {
            Action::Up => Some(scroll.saturating_sub(1)),
            Action::Down => Some(scroll.saturating_add(1)),
            Action::PageUp => Some(scroll.saturating_sub(page)),
            Action::PageDown => Some(scroll.saturating_add(page)),
            Action::First => Some(0),
            // Drawing stops it at the end.
            Action::Last => Some(usize::MAX),
            Action::Quit => return Some(Command::Quit),
            _ => None,
        };
        None
    }

    fn page(&self) -> isize {
        let height = match self.focus {
            Focus::List => self.heights.list,
            Focus::Detail => self.heights.detail,
        };
        isize::try_from(height).unwrap_or(1).saturating_sub(1).max(1)
    }

    fn move_by(&mut self, by: isize) {
        match (self.focus, self.pane) {
            // Drawing stops it at the end.
            (Focus::Detail, _) => self.detail.scroll = self.detail.scroll.saturating_add_signed(by),
            (Focus::List, Pane::Exchanges) => self.list.move_by(by),
            (Focus::List, Pane::Findings) => self.findings.move_by(by),
        }
    }

    /// What is read must not be replaced by what comes.
    fn open(&mut self) {
        if self.current().is_some() {
            self.focus = Focus::Detail;
            self.list.is_following = false;
        }
    }

    fn back(&mut self) {
        match (self.focus, self.pane) {
            (Focus::Detail, _) => self.focus = Focus::List,
            (Focus::List, Pane::Findings) => self.other_list(),
            (Focus::List, Pane::Exchanges) => self.set_filter(String::new()),
        }
    }

    fn turn_to(&mut self, tab: Tab) {
        self.detail.tab = tab;
        self.detail.scroll = 0;
    }

    /// From a finding to its exchange in the list, or from an exchange to what was found about it.
    fn other_list(&mut self) {
        let current = self.current();
        self.focus = Focus::List;
        match self.pane {
            Pane::Exchanges => {
                self.pane = Pane::Findings;
                self.turn_to(Tab::Explain);
                let about: Option<FindingId> =
                    current.and_then(|id| self.findings.about(id).next()).map(|finding| finding.id.clone());
                let unseen = self.findings.unseen_error().map(|finding| finding.id.clone());
                if let Some(id) = unseen.or(about) {
                    self.findings.select(&id);
                }
            }
            Pane::Findings => {
                self.pane = Pane::Exchanges;
                if let Some(id) = current {
                    self.list.select(id);
                    if self.list.selected_at().is_none() {
                        self.set_filter(String::new());
                    }
                }
            }
        }
    }

    fn go_to_trouble(&mut self, direction: Direction) {
        match self.pane {
            Pane::Exchanges => self.list.move_to_trouble(direction),
            Pane::Findings => self.findings.move_by(if direction == Direction::Forward { 1 } else { -1 }),
        }
    }

    fn follow(&mut self) {
        self.list.switch_following();
        if self.list.is_following {
            self.pane = Pane::Exchanges;
            self.focus = Focus::List;
        }
    }

    fn set_filter(&mut self, text: String) {
        if let Ok(filter) = Filter::new(&text) {
            self.list.set_filter(filter);
            self.filter = text;
        }
    }

    fn key_in_filter(&mut self, key: KeyEvent, mut input: Input, before: String) {
        match typed(&key) {
            Typed::Done => {
                self.pane = Pane::Exchanges;
                // Text that is no filter stays on the line until it is one or is given up.
                if let Err(error) = Filter::new(input.value()) {
                    self.prompt = Some(Prompt::Filter { input, before, error: Some(error) });
                }
            }
            Typed::GivenUp => self.set_filter(before),
            Typed::Edit(request) => {
                input.handle(request);
                self.edit_filter(input, before);
            }
            Typed::Nothing => self.edit_filter(input, before),
        }
    }

    fn edit_filter(&mut self, input: Input, before: String) {
        let error = Filter::new(input.value()).err();
        self.set_filter(input.value().to_owned());
        self.prompt = Some(Prompt::Filter { input, before, error });
    }

    fn key_in_name(&mut self, key: KeyEvent, mut input: Input) -> Option<Command> {
        match typed(&key) {
            Typed::Done if !input.value().trim().is_empty() => {
                self.is_saving = true;
                self.message = Some(Message::Saving);
                return Some(Command::Save(input.value().trim().to_owned()));
            }
            Typed::GivenUp => return None,
            Typed::Edit(request) => drop(input.handle(request)),
            Typed::Done | Typed::Nothing => {}
        }
        self.prompt = Some(Prompt::Save(input));
        None
    }

    /// Notes what the user has read by now.
    pub fn note_what_is_seen(&mut self) {
        if self.detail.tab != Tab::Explain || self.help.is_some() {
            return;
        }
        let is_reading = self.pane == Pane::Findings || self.focus == Focus::Detail;
        if let Some(id) = self.current().filter(|_| is_reading) {
            let seen: Vec<_> = self.findings.about(id).map(|finding| finding.id.clone()).collect();
            self.findings.mark_seen(&seen);
        }
    }
}

/// What a key does to a line that is being typed.
enum Typed {
    Edit(InputRequest),
    Done,
    GivenUp,
    Nothing,
}

fn typed(key: &KeyEvent) -> Typed {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    let is_other = key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META);
    Typed::Edit(match key.code {
        KeyCode::Enter => return Typed::Done,
        KeyCode::Esc => return Typed::GivenUp,
        KeyCode::Char('c') if is_control => return Typed::GivenUp,
        KeyCode::Char('u') if is_control => InputRequest::DeleteLine,
        KeyCode::Char('w') if is_control => InputRequest::DeletePrevWord,
        KeyCode::Char('a') if is_control => InputRequest::GoToStart,
        KeyCode::Char('e') if is_control => InputRequest::GoToEnd,
        // AltGr comes as Control and Alt on Windows.
        KeyCode::Char(character) if is_control == is_other => InputRequest::InsertChar(character),
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return Typed::Nothing,
    })
}
