//! The lines of JSON that pulltap prints, read while it runs.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

/// The lines so far, for whoever waits for one.
#[derive(Clone, Default)]
pub struct Lines(Arc<(Mutex<Printed>, Condvar)>);

#[derive(Default)]
struct Printed {
    lines: Vec<Value>,
    is_all: bool,
}

impl Lines {
    /// Reads an output on a thread of its own until it is closed; a line that is not JSON is kept as text.
    pub fn of(output: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let lines = Self::default();
        let all = lines.clone();
        let reading = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                all.change(|printed| printed.lines.push(value));
            }
            all.change(|printed| printed.is_all = true);
        });
        (lines, reading)
    }

    fn change(&self, change: impl FnOnce(&mut Printed)) {
        let (printed, changed) = &*self.0;
        change(&mut printed.lock().unwrap());
        changed.notify_all();
    }

    /// The first line that is as wanted; nothing where none comes in time, or the output is closed before.
    pub fn wait(&self, limit: Duration, is_wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let (printed, changed) = &*self.0;
        let not_yet = |printed: &mut Printed| !printed.is_all && !printed.lines.iter().any(&is_wanted);
        let (printed, _) = changed.wait_timeout_while(printed.lock().unwrap(), limit, not_yet).unwrap();
        printed.lines.iter().find(|line| is_wanted(line)).cloned()
    }

    /// All of them so far.
    pub fn all(&self) -> Vec<Value> {
        self.0.0.lock().unwrap().lines.clone()
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "printed:")?;
        self.all().iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
