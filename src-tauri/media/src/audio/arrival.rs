//! How regularly packets come, and how long to wait for the slow ones.
//!
//! Every packet has an offset: when it came, less when its first sample was taken (its timestamp). The clocks at both
//! ends differ, so only differences mean something: how much later than the fastest recent packet this one came.

use std::collections::VecDeque;

/// Width of a histogram step: 2.5 ms, in samples at 48 kHz.
const STEP: i64 = 120;
/// Steps: delays up to 400 ms are told apart.
const STEPS: usize = 160;
/// How long the fastest packet is remembered: 3 s. Clocks that differ by 200 ppm part by 0.6 ms in that time.
const WINDOW: i64 = 3 * 48_000;
/// Share of packets that the target must be late enough for.
const QUANTILE: f32 = 0.97;
/// How much of the histogram one packet leaves standing once it is warm (about 2.5 s of packets).
const FORGET: f32 = 0.992;
/// How many packets the first guess counts for.
const PRIOR_WEIGHT: f32 = 2.0;
/// Kept above the measured delay: 5 ms, for the steps of the histogram and of the play-out.
const GUARD: i64 = 240;
/// The first guess, until packets have been seen: 25 ms.
const FIRST_GUESS: i64 = 1_200;

/// Bounds of the target, in samples at 48 kHz: 10 ms and 400 ms.
pub const TARGET_RANGE: (i64, i64) = (480, 19_200);

/// Statistics of packet arrival; all times in samples at 48 kHz.
#[derive(Debug, Clone)]
pub struct Arrivals {
    /// Candidates for the fastest packet: (when it came, its offset), both rising.
    fastest: VecDeque<(i64, i64)>,
    histogram: Vec<f32>,
    seen: f32,
    /// What moving the histogram by whole steps has left over.
    remainder: i64,
}

impl Default for Arrivals {
    fn default() -> Self {
        let mut histogram = vec![0.0; STEPS];
        histogram[(FIRST_GUESS / STEP) as usize - 1] = 1.0;
        Self { fastest: VecDeque::new(), histogram, seen: PRIOR_WEIGHT, remainder: 0 }
    }
}

impl Arrivals {
    /// Takes in a packet that came at `at` with this timestamp; returns how much later than the fastest it was.
    pub fn record(&mut self, at: i64, timestamp: i64) -> i64 {
        let offset = at - timestamp;
        let before = self.fastest();
        while self.fastest.front().is_some_and(|(came, _)| at - came > WINDOW) {
            self.fastest.pop_front();
        }
        while self.fastest.back().is_some_and(|(_, slower)| *slower >= offset) {
            self.fastest.pop_back();
        }
        self.fastest.push_back((at, offset));
        let fastest = self.fastest().unwrap_or(offset);
        if let Some(before) = before {
            // All delays so far were measured against the old fastest packet.
            self.shift(before - fastest);
        }
        let late = (offset - fastest).max(0);
        self.seen = (self.seen + 1.0).min(1.0 / (1.0 - FORGET));
        let keep = 1.0 - 1.0 / self.seen;
        for share in &mut self.histogram {
            *share *= keep;
        }
        self.histogram[((late / STEP) as usize).min(STEPS - 1)] += 1.0 - keep;
        late
    }

    /// The offset of the fastest packet of the last 3 s.
    pub fn fastest(&self) -> Option<i64> {
        self.fastest.front().map(|(_, offset)| *offset)
    }

    /// How long a packet without delay should wait, so that all but the slowest few are there in time; with `extra`
    /// when it is worth waiting that much longer (for the packet that repairs a lost one).
    pub fn target(&self, extra: i64) -> i64 {
        let mut sum = 0.0;
        let total: f32 = self.histogram.iter().sum();
        let step = self.histogram.iter().position(|share| {
            sum += share;
            sum >= QUANTILE * total
        });
        let quantile = (step.unwrap_or(STEPS - 1) as i64 + 1) * STEP;
        (quantile + GUARD + extra).clamp(TARGET_RANGE.0, TARGET_RANGE.1)
    }

    /// Forgets the offsets (the sender's clock jumped) but not how unsteady the network is.
    pub fn forget_offsets(&mut self) {
        self.fastest.clear();
        self.remainder = 0;
    }

    fn shift(&mut self, by: i64) {
        let sum = self.remainder + by;
        let steps = sum / STEP;
        self.remainder = sum % STEP;
        if steps == 0 {
            return;
        }
        let mut moved = vec![0.0; STEPS];
        for (from, share) in self.histogram.iter().enumerate() {
            let to = (from as i64 + steps).clamp(0, STEPS as i64 - 1);
            moved[to as usize] += share;
        }
        self.histogram = moved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_packets_bring_the_target_to_the_floor() {
        let mut arrivals = Arrivals::default();
        for n in 0..200 {
            arrivals.record(5_000 + n * 960, n * 960);
        }
        assert_eq!(arrivals.target(0), TARGET_RANGE.0);
    }

    #[test]
    fn target_covers_the_jitter_seen() {
        let mut arrivals = Arrivals::default();
        for n in 0..500i64 {
            let jitter = (n * 7_919 % 41) * 48;
            arrivals.record(n * 960 + jitter, n * 960);
        }
        let target = arrivals.target(0);
        assert!((36 * 48..=50 * 48).contains(&target), "40 ms of jitter, target {} ms", target / 48);
    }

    #[test]
    fn one_straggler_does_not_move_the_target() {
        let mut arrivals = Arrivals::default();
        for n in 0..300 {
            arrivals.record(n * 960 + if n == 250 { 9_600 } else { 0 }, n * 960);
        }
        assert_eq!(arrivals.target(0), TARGET_RANGE.0);
    }

    #[test]
    fn slower_route_is_not_taken_for_jitter_for_ever() {
        let mut arrivals = Arrivals::default();
        for n in 0..200 {
            arrivals.record(n * 960, n * 960);
        }
        for n in 200..400 {
            arrivals.record(n * 960 + 4_800, n * 960);
        }
        assert_eq!(arrivals.fastest(), Some(4_800));
        assert!(arrivals.target(0) <= 720, "target {} ms", arrivals.target(0) / 48);
    }

    #[test]
    fn drifting_clocks_do_not_look_like_jitter() {
        for ppm in [-200i64, 200] {
            let mut arrivals = Arrivals::default();
            for n in 0..20_000i64 {
                arrivals.record(n * 960 + n * 960 * ppm / 1_000_000, n * 960);
            }
            assert!(arrivals.target(0) <= 720, "{ppm} ppm: target {} ms", arrivals.target(0) / 48);
        }
    }
}
