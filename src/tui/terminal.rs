//! The terminal while the screen has it: raw mode and the alternate screen, and both undone whatever ends the screen.

use std::io::{self, BufWriter, Stdout, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

/// The name of the thread that owns the terminal.
pub const THREAD: &str = "screen";

/// The terminal, given back when dropped.
pub struct Screen {
    /// Where ratatui draws.
    pub terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    is_taken: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn take() -> io::Result<Self> {
        let is_taken = Arc::new(AtomicBool::new(true));
        give_back_on_panic(Arc::clone(&is_taken));
        enable_raw_mode()?;
        let begun = execute!(io::stdout(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout()))));
        match begun {
            Ok(terminal) => Ok(Self { terminal, is_taken }),
            Err(error) => {
                give_back(&is_taken);
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.is_taken);
    }
}

/// Undoes everything, once: leaving the alternate screen a second time would move the cursor.
fn give_back(is_taken: &AtomicBool) {
    if is_taken.swap(false, Ordering::SeqCst) {
        // A terminal that has gone needs nothing undone.
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// From now on a panic of the screen's own thread gives the terminal back before it is reported. What others say while
/// the screen is there goes to the log, since it would only disturb the screen.
fn give_back_on_panic(is_taken: Arc<AtomicBool>) {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| report(info, &is_taken, || give_back(&is_taken), &previous)));
}

fn report(
    info: &PanicHookInfo<'_>,
    is_taken: &AtomicBool,
    give_back: impl Fn(),
    previous: &dyn Fn(&PanicHookInfo<'_>),
) {
    let is_screen = thread::current().name() == Some(THREAD);
    if is_taken.load(Ordering::SeqCst) && !is_screen {
        tracing::error!("{info}");
        return;
    }
    give_back();
    previous(info);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_panic_of_the_screen_gives_the_terminal_back_before_it_is_reported() {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let is_taken = Arc::new(AtomicBool::new(true));
        let before = panic::take_hook();
        let hook = {
            let (said, is_taken) = (Arc::clone(&said), Arc::clone(&is_taken));
            let say = move |what: &str| said.lock().unwrap().push(what.to_owned());
            move |info: &PanicHookInfo<'_>| {
                // Other tests panic on purpose, too.
                let name = thread::current().name().unwrap_or_default().to_owned();
                if name == THREAD || name == "other" {
                    report(info, &is_taken, || say("given back"), &|info| say(&format!("{info}")));
                }
            }
        };
        panic::set_hook(Box::new(hook));
        let panic_in = |name: &str| {
            let thread = thread::Builder::new().name(name.to_owned()).spawn(|| panic!("on purpose"));
            thread.unwrap().join().unwrap_err();
        };
        panic_in("other");
        assert_eq!(*said.lock().unwrap(), [""; 0]);
        panic_in(THREAD);
        panic::set_hook(before);
        let said = said.lock().unwrap();
        assert_eq!(said[0], "given back");
        assert!(said[1].contains("on purpose"), "{said:?}");
    }
}
