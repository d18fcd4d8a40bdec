//! How many bits a second went by.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// Counts bytes over the last second.
#[derive(Debug, Default)]
pub struct Meter {
    bytes: VecDeque<(Instant, usize)>,
    sum: usize,
}

impl Meter {
    pub fn add(&mut self, now: Instant, bytes: usize) {
        self.bytes.push_back((now, bytes));
        self.sum += bytes;
        self.forget(now);
    }

    pub fn kbps(&mut self, now: Instant) -> f64 {
        self.forget(now);
        self.sum as f64 * 8.0 / 1000.0 / WINDOW.as_secs_f64()
    }

    fn forget(&mut self, now: Instant) {
        while let Some(&(at, bytes)) = self.bytes.front()
            && at + WINDOW < now
        {
            self.sum -= bytes;
            self.bytes.pop_front();
        }
    }
}
