//! A false clock for the program under test: libfaketime, told by a file that a test rewrites while the program runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use pulltap::exchange::Moment;

use super::scripted::proxy::Setup;
use super::tools;

/// What programs under a false clock load.
pub fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path().join("faketime"));
    let library = folders.map(|folder| folder.join("libfaketimeMT.so.1")).find(|library| library.exists());
    tools::require(&["faketime"]);
    library.expect("the library of faketime")
}

/// A clock that a test moves: all clocks of a program show its time, the monotonic one too. Between two moves it runs
/// [`SLOWED`] times slower than ours, so that what the machine needs for the steps of a script takes next to no time in it.
pub struct Clock {
    file: PathBuf,
    set_to: Moment,
    set_at: Instant,
}

/// How much slower than ours the clock of the program runs.
const SLOWED: u32 = 50;

impl Clock {
    /// A clock in this folder that shows this time.
    pub fn new(folder: &Path, now: Moment) -> Self {
        let clock = Self { file: folder.join("clock"), set_to: now, set_at: Instant::now() };
        clock.write(SLOWED);
        clock
    }

    /// Has a program live by this clock.
    pub fn under(&self, setup: Setup) -> Setup {
        setup
            .variable("LD_PRELOAD", library().to_str().unwrap())
            .variable("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap())
            .variable("FAKETIME_NO_CACHE", "1")
            .variable("TZ", "UTC")
    }

    /// What it shows, or a little more than that.
    fn now(&self) -> Moment {
        let passed = self.set_at.elapsed() / SLOWED;
        self.set_to.plus_micros(i64::try_from(passed.as_micros()).unwrap())
    }

    /// Moves it forward to this moment, if that is not past.
    pub fn move_to(&mut self, moment: Moment) {
        if moment > self.now() {
            self.set(moment, SLOWED);
        }
    }

    /// Lets it run as fast as ours from now on.
    pub fn run(&mut self) {
        self.set(self.now(), 1);
    }

    fn set(&mut self, moment: Moment, slowed: u32) {
        self.set_to = moment;
        self.write(slowed);
        self.set_at = Instant::now();
    }

    fn write(&self, slowed: u32) {
        let time = jiff::Timestamp::from_microsecond(self.set_to.micros()).unwrap();
        let new = self.file.with_extension("new");
        let rate = 1.0 / f64::from(slowed);
        fs::write(&new, format!("@{} x{rate}\n", time.strftime("%Y-%m-%d %H:%M:%S%.6f"))).unwrap();
        // In one step: the program must not find half a file.
        fs::rename(new, &self.file).unwrap();
    }
}
