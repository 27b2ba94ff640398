//! What the screen knows: rows, findings, what is selected, and how far it is scrolled. Pure: [`super::update`] changes
//! it, [`super::draw`] draws it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::text::Line;
use tui_input::Input;

use crate::exchange::{Exchange, ExchangeId, Moment};
use crate::filter::FilterError;
use crate::index::Row;
use crate::store::Health;

mod findings;
mod list;

pub use findings::Findings;
pub use list::{Direction, List};

use super::event::Saved;

/// The screen's state.
#[derive(Debug)]
pub struct App {
    /// What is shown: a running capture, or a file.
    pub source: Source,
    /// The exchanges.
    pub list: List,
    /// The text of the filter in force.
    pub filter: String,
    /// The findings.
    pub findings: Findings,
    /// Which of the two lists is shown.
    pub pane: Pane,
    /// Where the keys go.
    pub focus: Focus,
    /// The lower half.
    pub detail: Detail,
    /// A line that is being typed.
    pub prompt: Option<Prompt>,
    /// Whether the help is shown, and how far it is scrolled.
    pub help: Option<usize>,
    /// What the last line says until the next key.
    pub message: Option<Message>,
    /// How the recorder is.
    pub health: Health,
    /// Whether a file is being written.
    pub is_saving: bool,
    /// The time.
    pub now: Moment,
    /// How many lines the panes have.
    pub heights: Heights,
    /// Whether the screen has to be drawn again.
    pub is_dirty: bool,
}

/// Where the exchanges come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A running capture.
    Live {
        /// Where the proxy listens.
        listening: Vec<SocketAddr>,
        /// The certificate that clients have to trust.
        ca: PathBuf,
        /// What a HAR is called unless the user says otherwise.
        har: String,
    },
    /// A file that was opened.
    File {
        /// Its name.
        name: String,
        /// What a HAR is called unless the user says otherwise.
        har: String,
    },
}

impl Source {
    /// What a HAR is called unless the user says otherwise.
    pub fn har(&self) -> &str {
        match self {
            Self::Live { har, .. } | Self::File { har, .. } => har,
        }
    }
}

/// The lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// One line per exchange.
    Exchanges,
    /// One line per finding.
    Findings,
}

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The list above.
    List,
    /// The detail below.
    Detail,
}

/// The pages of the detail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// What it means and what to do.
    #[default]
    Explain,
    /// The request.
    Request,
    /// The response.
    Response,
    /// How long each phase took.
    Timing,
    /// Both TLS connections.
    Tls,
}

impl Tab {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Explain, Self::Request, Self::Response, Self::Timing, Self::Tls];

    /// The tab so many places on, around the end.
    #[must_use]
    pub fn moved(self, by: isize) -> Self {
        let count = Self::ALL.len();
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        let moved = (at + count).saturating_add_signed(by) % count;
        Self::ALL.get(moved).copied().unwrap_or(self)
    }
}

/// The lower half of the screen.
#[derive(Debug, Default)]
pub struct Detail {
    /// The page.
    pub tab: Tab,
    /// How many lines are scrolled away.
    pub scroll: usize,
    /// The exchange that was asked for, and the row that it had then.
    pub asked_for: Option<(ExchangeId, Option<Row>)>,
    /// What came of it.
    pub exchange: Held,
    /// Grows with every exchange that arrives.
    pub revision: u64,
    /// The lines of the page, laid out for a width.
    pub page: Page,
}

impl Detail {
    /// The exchange that was asked for.
    pub fn id(&self) -> Option<ExchangeId> {
        self.asked_for.as_ref().map(|(id, _)| *id)
    }
}

/// The exchange that the detail shows.
#[derive(Debug, Clone, Default)]
pub enum Held {
    /// None yet, or nothing is selected.
    #[default]
    Nothing,
    /// This one.
    Exchange(Arc<Exchange>),
    /// It cannot be read, and why.
    Unreadable(String),
}

/// The lines of a detail page, and what they were made for.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What they were made for.
    pub key: Option<PageKey>,
    /// The lines.
    pub lines: Vec<Line<'static>>,
}

/// What a detail page depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    /// The exchange.
    pub id: Option<ExchangeId>,
    /// The page.
    pub tab: Tab,
    /// The list whose selection it belongs to.
    pub pane: Pane,
    /// The columns there are.
    pub width: u16,
    /// How often the exchange, its row and the findings have changed.
    pub revision: (u64, u64),
}

/// A line that is being typed.
#[derive(Debug, Clone)]
pub enum Prompt {
    /// A filter: the text, what it was before, and what is wrong with it.
    Filter {
        /// The line.
        input: Input,
        /// The text that was in force before.
        before: String,
        /// Why the text is no filter.
        error: Option<FilterError>,
    },
    /// The name of a file.
    Save(Input),
}

/// A line for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// How saving ended.
    Saved(Saved),
    /// A file is still being written.
    Saving,
}

/// How many lines the panes have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heights {
    /// Rows of the list.
    pub list: usize,
    /// Lines of the detail.
    pub detail: usize,
    /// Lines of the help.
    pub help: usize,
}

impl App {
    /// The state at the start.
    pub fn new(source: Source, now: Moment) -> Self {
        let list = match source {
            Source::Live { .. } => List::following(),
            Source::File { .. } => List::default(),
        };
        Self {
            source,
            list,
            filter: String::new(),
            findings: Findings::default(),
            pane: Pane::Exchanges,
            focus: Focus::List,
            detail: Detail::default(),
            prompt: None,
            help: None,
            message: None,
            health: Health::default(),
            is_saving: false,
            now,
            heights: Heights::default(),
            is_dirty: true,
        }
    }

    /// The exchange that the detail is about.
    pub fn current(&self) -> Option<ExchangeId> {
        match self.pane {
            Pane::Exchanges => self.list.selected(),
            Pane::Findings => {
                let finding = self.findings.selected()?;
                let evidence = finding.evidence.first().map(|evidence| evidence.exchange);
                evidence.or(finding.exchanges.first().copied())
            }
        }
    }

    /// Whether nothing has been captured yet.
    pub fn is_empty(&self) -> bool {
        self.list.rows().is_empty() && self.findings.all().is_empty()
    }
}
