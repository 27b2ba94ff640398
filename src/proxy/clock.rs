//! The one place of the proxy that reads the clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::exchange::Moment;

/// A clock that is set once from the wall and then runs with the monotonic clock, so that durations stay true when
/// somebody sets the machine's time.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    set_to: Moment,
    set_at: Instant,
}

impl Clock {
    /// A clock set to the wall's time now.
    pub fn from_the_wall() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let set_to = Moment::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX));
        Self { set_to, set_at: Instant::now() }
    }

    /// The moment that it is now.
    pub fn now(&self) -> Moment {
        self.set_to.plus_micros(i64::try_from(self.set_at.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}
