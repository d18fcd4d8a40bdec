//! How much of my voice goes out again with the packets after it, as the path needs it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Losses come in showers: what was lost so lately counts.
const REMEMBERED: Duration = Duration::from_secs(10);
/// From this share of packets lost on, one earlier frame goes with each packet, and from that share on two.
const ONCE: f64 = 0.01;
const TWICE: f64 = 0.08;
/// A round trip that is so much longer (ms) than the shortest one: a queue stands, and what is lost is lost for want of
/// room. More bytes would make it worse.
const QUEUE_MS: f64 = 150.0;

/// The losses of one path of late.
#[derive(Debug)]
pub(crate) struct Redundancy {
    losses: VecDeque<(Instant, f64)>,
    shortest_ms: Option<f64>,
}

impl Redundancy {
    /// Of a path that nothing is known of: until it is, it is taken for one that loses.
    pub fn new(now: Instant) -> Self {
        Self { losses: VecDeque::from([(now, ONCE)]), shortest_ms: None }
    }

    /// How many earlier frames go with each packet, now that the peer has lost this share (0 to 1) of them of late, and
    /// with a round trip of so many ms.
    pub fn copies(&mut self, now: Instant, loss: f64, round_trip_ms: Option<f64>) -> usize {
        self.losses.push_back((now, loss));
        while self.losses.front().is_some_and(|(at, _)| now.duration_since(*at) > REMEMBERED) {
            self.losses.pop_front();
        }
        if let Some(ms) = round_trip_ms {
            let shortest = self.shortest_ms.map_or(ms, |shortest| shortest.min(ms));
            self.shortest_ms = Some(shortest);
            if ms > shortest + QUEUE_MS {
                return 0;
            }
        }
        let worst = self.losses.iter().map(|(_, loss)| *loss).fold(0.0, f64::max);
        usize::from(worst >= ONCE) + usize::from(worst >= TWICE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_goes_out_again_until_nothing_was_lost_for_a_while() {
        let start = Instant::now();
        let mut redundancy = Redundancy::new(start);
        let mut at = |seconds, loss| redundancy.copies(start + Duration::from_secs(seconds), loss, Some(40.0));
        assert_eq!(at(2, 0.0), 1, "nobody knows yet");
        assert_eq!(at(11, 0.0), 0);
        assert_eq!(at(12, 0.02), 1);
        assert_eq!(at(14, 0.0), 1, "losses come in showers");
        assert_eq!(at(16, 0.2), 2);
        assert_eq!(at(25, 0.0), 2);
        assert_eq!(at(27, 0.0), 0);
    }

    #[test]
    fn nothing_more_is_put_into_a_queue_that_overflows() {
        let start = Instant::now();
        let mut redundancy = Redundancy::new(start);
        assert_eq!(redundancy.copies(start, 0.05, None), 1);
        assert_eq!(redundancy.copies(start, 0.05, Some(60.0)), 1);
        assert_eq!(redundancy.copies(start, 0.05, Some(260.0)), 0);
        assert_eq!(redundancy.copies(start, 0.05, Some(90.0)), 1);
    }
}
