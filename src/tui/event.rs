//! What happens to the screen: keys, news from the capture, the passing of time; and what the screen wants done.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::crossterm::event::KeyEvent;

use crate::diagnose::{Change, Note};
use crate::exchange::{Exchange, ExchangeId, Moment};
use crate::index::Row;
use crate::store::Health;

/// Something that happens to the screen.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The terminal has another size, or has to be painted again.
    Resized,
    /// What was told since the last time.
    News(News),
    /// It is this late.
    Tick(Moment),
}

/// What was told since the last time, coalesced: of each exchange only the last.
#[derive(Debug, Default)]
pub struct News {
    /// Exchanges that are new or have changed.
    pub told: BTreeMap<ExchangeId, Told>,
    /// What changed among the findings, in order.
    pub findings: Vec<Change>,
    /// How the recorder is.
    pub health: Option<Health>,
    /// The exchange that was asked for last.
    pub loaded: Option<Loaded>,
    /// How saving ended.
    pub saved: Option<Saved>,
}

impl News {
    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        let Self { told, findings, health, loaded, saved } = self;
        told.is_empty() && findings.is_empty() && health.is_none() && loaded.is_none() && saved.is_none()
    }
}

/// What was told about an exchange.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its row, without notes.
    pub row: Row,
    /// What it means.
    pub notes: Vec<Note>,
    /// Whether the list shows it: a tunnel that went well is left out.
    pub is_listed: bool,
}

/// An exchange that was asked for; `None` if it is not recorded yet, or why it cannot be read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Which one.
    pub id: ExchangeId,
    /// What came of it.
    pub result: Result<Option<Arc<Exchange>>, String>,
}

/// How saving a HAR ended: how many exchanges are in the file, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The file.
    pub path: String,
    /// Whether credentials are masked in it.
    pub is_masked: bool,
    /// What came of it.
    pub result: Result<u64, String>,
}

/// What the screen wants done that it cannot do itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Get this exchange.
    Load(ExchangeId),
    /// Write everything into a HAR of this name.
    Save(String),
    /// Leave.
    Quit,
}
