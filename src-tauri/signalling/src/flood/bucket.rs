//! The usual token bucket.

use std::time::{Duration, Instant};

/// Holds up to `burst` tokens and gets `rate` of them back per second. May be overdrawn by one taking, which is then
/// paid back.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    level: f64,
    at: Instant,
    burst: f64,
    rate: f64,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(burst: f64, rate: f64, now: Instant) -> Self {
        Self { level: burst, at: now, burst, rate }
    }

    /// Whether there is anything to take.
    pub(super) fn is_open(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.level >= 1.0
    }

    /// Takes `amount`, also if it is more than there is.
    pub(super) fn spend(&mut self, amount: f64) {
        self.level -= amount;
    }

    /// When [`Self::is_open`].
    pub(super) fn ready_at(&self) -> Instant {
        let missing = (1.0 - self.level).max(0.0);
        // A hair later, so that rounding doesn't wake anybody in vain.
        self.at + Duration::from_secs_f64(missing / self.rate) + Duration::from_micros(1)
    }

    /// Whether nothing of it is in use: a new one would be the same.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.level >= self.burst
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        self.level = (self.level + passed.as_secs_f64() * self.rate).min(self.burst);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(bucket: &mut Bucket, now: Instant) -> bool {
        let open = bucket.is_open(now);
        if open {
            bucket.spend(1.0);
        }
        open
    }

    #[test]
    fn a_burst_and_then_a_steady_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3.0, 2.0, start);
        assert!((0..3).all(|_| take(&mut bucket, start)));
        assert!(!take(&mut bucket, start));
        let ready = bucket.ready_at();
        assert!(ready > start + Duration::from_millis(499) && ready < start + Duration::from_millis(502));
        assert!(take(&mut bucket, ready) && !take(&mut bucket, ready));
        assert!(!bucket.is_full(ready));
        assert!(bucket.is_full(start + Duration::from_secs(60)));
        assert!((0..3).all(|_| take(&mut bucket, start + Duration::from_secs(60))), "never more than the burst");
        assert!(!take(&mut bucket, start + Duration::from_secs(60)));
    }

    #[test]
    fn what_was_overdrawn_is_paid_back() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, 10.0, start);
        bucket.spend(30.0);
        assert!(!bucket.is_open(start + Duration::from_secs(2)));
        assert!(bucket.ready_at() > start + Duration::from_millis(2099));
        assert!(bucket.is_open(bucket.ready_at()));
    }
}
