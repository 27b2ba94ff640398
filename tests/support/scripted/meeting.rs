//! Where the scripts of a conversation's two ends wait for each other.

use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// A place where the scripts of both ends wait for each other.
#[derive(Clone)]
pub struct Meeting {
    arrivals: Arc<(Mutex<[u32; 2]>, Condvar)>,
    side: usize,
}

impl Meeting {
    /// The two ends of a meeting.
    pub fn new() -> (Self, Self) {
        let arrivals = Arc::new((Mutex::new([0; 2]), Condvar::new()));
        (Self { arrivals: Arc::clone(&arrivals), side: 0 }, Self { arrivals, side: 1 })
    }

    /// Waits until the other side has called this as often as this one.
    #[track_caller]
    pub fn meet(&self) {
        let (arrivals, changed) = &*self.arrivals;
        let mut counts = arrivals.lock().unwrap();
        counts[self.side] += 1;
        changed.notify_all();
        let others_are_late = |counts: &mut [u32; 2]| counts[1 - self.side] < counts[self.side];
        let (counts, wait) = changed.wait_timeout_while(counts, PATIENCE, others_are_late).unwrap();
        drop(counts);
        assert!(!wait.timed_out(), "the other side did not come to the meeting");
    }
}
