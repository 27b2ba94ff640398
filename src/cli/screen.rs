//! The terminal UI as a front end: opened when the capture is ready, closed when either of them ends.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::front_end::{End, FrontEnd};
use super::handover::{self, SavedHars};
use super::har_file;
use super::named_file::{Force, refuse_existing};
use super::saved::Saved;
use super::settings;
use crate::capture::{Listening, Update};
use crate::diagnose::Catalogue;
use crate::exchange::{Exchange, ExchangeId, Moment};
use crate::language::Language;
use crate::language::screen::{Words, filled};
use crate::redact::Redactor;
use crate::store::Recording;
use crate::tui::app::Source;
use crate::tui::draw::Look;
use crate::tui::theme::Theme;
use crate::tui::update::Speaker;
use crate::tui::{self, Archive, Inbox, Opened, ScreenError, Setup};

/// How long a HAR waits for exchanges that are not in the session yet.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Whether there is a terminal on both ends, and one that can be drawn on.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal() && !settings::is_dumb_terminal()
}

/// How everything is said and looks.
pub fn look(language: Language) -> Look {
    Look {
        words: Words::of(language),
        speaker: Speaker { catalogue: Catalogue::built_in(), language },
        zone: TimeZone::system(),
        theme: Theme::new(settings::colours()),
    }
}

/// The terminal UI of a capture.
pub struct Screen {
    language: Language,
    inbox: Arc<Inbox>,
    closing: CancellationToken,
    listening: Vec<SocketAddr>,
    ca: PathBuf,
    opened: Option<Opened>,
    saved: SavedHars,
}

impl Screen {
    /// A screen that is not open yet; cancelling `closing` closes it, and closing it cancels `closing`.
    pub fn new(language: Language, closing: CancellationToken) -> Self {
        let inbox = Arc::default();
        let (listening, ca, saved) = (Vec::new(), PathBuf::new(), SavedHars::default());
        Self { language, inbox, closing, listening, ca, opened: None, saved }
    }

    /// Closes it and waits until the terminal is as it was.
    ///
    /// # Errors
    /// When the screen itself failed.
    pub fn close(&mut self) -> Result<(), ScreenError> {
        self.opened.take().map_or(Ok(()), |opened| opened.close(&self.closing))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where the capture failed, its own error says more.
        let _ = self.close();
    }
}

impl FrontEnd for Screen {
    fn listening(&mut self, address: SocketAddr, data_dir: &Path) -> Listening {
        self.listening.push(address);
        self.ca = data_dir.join("ca.crt");
        Listening::Yes
    }

    fn recording(&mut self, recording: &Recording, redactor: &Redactor) -> anyhow::Result<()> {
        let stem = recording.path().file_stem().unwrap_or_default().to_string_lossy();
        let har = format!("{stem}.har");
        let source = Source::Live { listening: self.listening.clone(), ca: self.ca.clone(), har };
        let archive = SessionArchive {
            recording: recording.clone(),
            redactor: redactor.clone(),
            open: Mutex::default(),
            saved: self.saved.clone(),
        };
        let setup = Setup {
            source,
            look: look(self.language),
            inbox: Arc::clone(&self.inbox),
            archive: Arc::new(archive),
            closing: self.closing.clone(),
        };
        self.opened = Some(tui::open(setup).context("the terminal cannot be used; try --headless")?);
        Ok(())
    }

    fn update(&mut self, update: &Update<'_>, _now: Moment) -> Listening {
        self.inbox.tell(update);
        Listening::Yes
    }

    fn ended(&mut self, end: &End) {
        // The capture fails if the screen did; nothing more can be said about it here.
        if self.close().is_ok() {
            say(&farewell(end, &self.saved, self.language));
        }
    }
}

/// What the user reads when the screen is gone: what there was, where it is, and how to see it again.
fn farewell(end: &End, saved: &SavedHars, language: Language) -> String {
    let words = Words::of(language);
    let summary = &end.capture.summary;
    let count = (summary.exchanges.to_string(), summary.failed.to_string());
    let mut lines = vec![filled(&words.ended, &[("count", &count.0), ("failed", &count.1)])];
    if end.capture.recorded.is_none() {
        lines.push(words.nothing_kept.clone());
    }
    if let Some(recorded) = &end.capture.recorded {
        lines.push(filled(&words.session_is, &[("file", &recorded.path.display().to_string())]));
        let command = format!("pulltap open {}", handover::argument(&recorded.path));
        lines.push(filled(&words.open_again, &[("command", &command)]));
    }
    lines.extend(handover::lines(end, saved, language));
    lines.join("\n")
}

/// Says something once the screen is gone.
pub fn say(text: &str) {
    // Where nobody reads it any more, nobody misses it.
    let _ = writeln!(io::stdout(), "{text}");
}

/// The session that is being recorded.
struct SessionArchive {
    recording: Recording,
    redactor: Redactor,
    open: Mutex<Option<Saved>>,
    saved: SavedHars,
}

impl Archive for SessionArchive {
    fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let saved = match open.take() {
            Some(saved) => saved,
            None => Saved::open(self.recording.path()).map_err(|error| format!("{error:#}"))?,
        };
        let exchange = saved.exchange(&self.redactor, id).map_err(|error| format!("{error:#}"));
        *open = Some(saved);
        exchange
    }

    fn save(&self, path: &Path) -> Result<u64, String> {
        self.recording.catch_up(CATCH_UP);
        let count = save(self.recording.path(), &self.redactor, path).map_err(|error| format!("{error:#}"))?;
        self.saved.add(path);
        Ok(count)
    }

    fn is_masking(&self) -> bool {
        !self.redactor.options().keep_secrets
    }
}

/// Writes a HAR of a session as it is now.
fn save(session: &Path, redactor: &Redactor, path: &Path) -> anyhow::Result<u64> {
    refuse_existing(path, Force::Unknown)?;
    har_file::write(&Saved::open(session)?, redactor, path)
}

/// A file that was opened.
pub struct FileArchive {
    /// The file.
    pub path: PathBuf,
    /// What masks what is not masked yet.
    pub redactor: Redactor,
    /// The same file, open.
    pub saved: Mutex<Saved>,
    /// What was saved of it.
    pub hars: SavedHars,
}

impl Archive for FileArchive {
    fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, String> {
        let saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.exchange(&self.redactor, id).map_err(|error| format!("{error:#}"))
    }

    fn save(&self, path: &Path) -> Result<u64, String> {
        let count = save(&self.path, &self.redactor, path).map_err(|error| format!("{error:#}"))?;
        self.hars.add(path);
        Ok(count)
    }

    fn is_masking(&self) -> bool {
        !self.redactor.options().keep_secrets
    }
}
