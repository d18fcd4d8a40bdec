//! A path that became narrow at once: more is under way than it will carry in any useful time.

use std::time::{Duration, Instant};

/// What is under way takes so much longer than it should: it fills the queue, and the rest of it is lost.
pub const EXCESS: Duration = Duration::from_millis(300);
/// That shows in the measured queue only after this long; until then the queue is taken to be of [`Overfull::least_queue_ms`].
const UNSEEN: Duration = Duration::from_millis(200);
const QUEUE_MS: f64 = 180.0;

/// When it was so last, and what follows from it.
#[derive(Debug, Default)]
pub struct Overfull {
    at: Option<Instant>,
    unseen: bool,
    untold: bool,
}

impl Overfull {
    /// It is so now.
    pub fn note(&mut self, now: Instant) {
        *self = Self { at: Some(now), unseen: true, untold: true };
    }

    /// Time passed.
    pub fn tick(&mut self, now: Instant) {
        self.unseen = self.at.is_some_and(|at| now < at + UNSEEN);
    }

    /// The queue that there must be, however short the measured one, ms.
    pub fn least_queue_ms(&self) -> f64 {
        if self.unseen { QUEUE_MS } else { 0.0 }
    }

    /// Answers once each time.
    pub fn take(&mut self) -> bool {
        std::mem::take(&mut self.untold)
    }

    /// Whether the fate of what left then says something of the present rate: what the queue lost is answered for.
    pub fn counts(&self, left: Instant) -> bool {
        self.at.is_none_or(|at| left >= at)
    }
}
