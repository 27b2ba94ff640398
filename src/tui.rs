//! The screen: a terminal UI on a thread of its own. What it shows comes through the [`Inbox`], what it reads and
//! writes goes through an [`Archive`] on other threads, and everything it decides is in pure modules: [`app`] holds the
//! state, [`update`] changes it, [`draw`] draws it, [`keymap`] is the one table of keys.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self as terminal_event, KeyEventKind};
use tokio_util::sync::CancellationToken;

pub mod app;
pub mod draw;
pub mod event;
pub mod inbox;
pub mod job;
pub mod keymap;
pub mod terminal;
pub mod theme;
pub mod update;

use app::{App, Source};
use draw::Look;
use event::{Command, Event};
pub use inbox::Inbox;
pub use job::Archive;
use job::Jobs;
use terminal::Screen;

use crate::exchange::Moment;
use crate::platform;

/// The time between two frames: about thirty a second at most.
const FRAME: Duration = Duration::from_millis(33);

/// A terminal that takes so long to be given back never will be.
const STUCK: Duration = Duration::from_secs(3);

/// What the screen needs.
pub struct Setup {
    /// What is shown.
    pub source: Source,
    /// How it is said and looks.
    pub look: Look,
    /// Where what is shown comes from.
    pub inbox: Arc<Inbox>,
    /// Where everything else is.
    pub archive: Arc<dyn Archive>,
    /// Cancelled when the screen is left, and when it has to go.
    pub closing: CancellationToken,
}

/// A screen that is open.
pub struct Opened {
    thread: JoinHandle<io::Result<()>>,
    over: mpsc::Receiver<()>,
}

/// Opens the screen. It ends when `closing` is cancelled, by the user or by others.
///
/// # Errors
/// When there is no terminal that it can use.
pub fn open(setup: Setup) -> io::Result<Opened> {
    let mut screen = Screen::take()?;
    let (given_back, over) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name(terminal::THREAD.to_owned()).spawn(move || {
        // However the screen ends, nothing goes on behind it.
        let _close = setup.closing.clone().drop_guard();
        let mut jobs = Jobs::start(Arc::clone(&setup.archive), Arc::clone(&setup.inbox))?;
        let result = run(&mut screen, &mut jobs, setup);
        // The terminal first: writing a large file may take a while.
        drop(screen);
        // Whoever waits has a place for it.
        let _ = given_back.send(());
        drop(jobs);
        result
    })?;
    Ok(Opened { thread, over })
}

impl Opened {
    /// Closes the screen and waits until the terminal is as it was, and every file written.
    ///
    /// # Errors
    /// When the screen has failed.
    pub fn close(self, closing: &CancellationToken) -> Result<(), ScreenError> {
        closing.cancel();
        // A terminal that takes nothing more, such as one that was stopped by Ctrl-S, must not keep the program.
        if self.over.recv_timeout(STUCK) == Err(RecvTimeoutError::Timeout) {
            return Err(ScreenError::Stuck);
        }
        self.thread.join().map_err(|_| ScreenError::Panicked)?.map_err(ScreenError::Terminal)
    }
}

/// How a screen can fail.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// The terminal does not take what is drawn.
    #[error("the terminal takes nothing more")]
    Stuck,
    /// A fault of ours, which has been reported.
    #[error("the screen failed (see above); what was captured is in the session")]
    Panicked,
    /// The terminal reports an error.
    #[error("the terminal cannot be used any more")]
    Terminal(#[source] io::Error),
}

fn run(screen: &mut Screen, jobs: &mut Jobs, setup: Setup) -> io::Result<()> {
    let Setup { source, look, inbox, closing, .. } = setup;
    let clock = Clock::new();
    let mut app = App::new(source, clock.now());
    let mut drawn: Option<Instant> = None;
    while !closing.is_cancelled() {
        let since_drawn = drawn.map_or(FRAME, |drawn| drawn.elapsed());
        let Some(mut events) = typed(if app.is_dirty { FRAME.saturating_sub(since_drawn) } else { FRAME })? else {
            break;
        };
        let news = inbox.take();
        if !news.is_empty() {
            events.push(Event::News(news));
        }
        events.push(Event::Tick(clock.now()));
        for command in events.into_iter().flat_map(|event| app.update(event, &look.speaker)) {
            match command {
                Command::Load(id) => jobs.load(id),
                Command::Save(path) => jobs.save(path),
                Command::Quit => closing.cancel(),
            }
        }
        if app.is_dirty && drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) {
            drawn = Some(Instant::now());
            app.is_dirty = false;
            screen.terminal.draw(|frame| {
                draw::prepare(&mut app, &look, frame.area());
                draw::draw(frame, &app, &look);
            })?;
        }
    }
    Ok(())
}

/// What was typed, waiting for it as long as this; `None` if nothing more will be.
fn typed(wait: Duration) -> io::Result<Option<Vec<Event>>> {
    let mut events = Vec::new();
    if platform::wait_for_input(wait)? == platform::Input::Gone {
        return Ok(None);
    }
    // The waiting is over where the platform can wait.
    let mut wait = if cfg!(windows) { wait } else { Duration::ZERO };
    while terminal_event::poll(wait)? {
        wait = Duration::ZERO;
        match terminal_event::read()? {
            // Windows tells of the release, too.
            terminal_event::Event::Key(key) if key.kind != KeyEventKind::Release => events.push(Event::Key(key)),
            terminal_event::Event::Resize(..) => events.push(Event::Resized),
            _ => {}
        }
    }
    Ok(Some(events))
}

/// The time, steady however somebody sets the machine's clock.
struct Clock {
    started: Instant,
    at: Moment,
}

impl Clock {
    fn new() -> Self {
        Self { started: Instant::now(), at: Moment::from_micros(jiff::Timestamp::now().as_microsecond()) }
    }

    fn now(&self) -> Moment {
        self.at.plus_micros(i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}
