//! A packet train: a few packets that left close together and came far apart tell what the path carries, before the
//! queue that they stand in can be measured.

use std::collections::VecDeque;
use std::time::Duration;

use super::delay::Passage;

/// Packets of a train.
const PACKETS: usize = 4;
/// It took at least this long to come; less may be the whim of a moment.
const LEAST: Duration = Duration::from_millis(40);
/// From one packet to the next it took so many times as long to come as to leave. Jitter does that to a pair, and hardly ever
/// to each of three in a row.
const STRETCHED: u32 = 2;

/// The last packets, in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Train {
    packets: VecDeque<(Passage, usize)>,
}

impl Train {
    /// Takes a packet of `bytes` that came.
    pub fn add(&mut self, passage: Passage, bytes: usize) {
        if self.packets.len() == PACKETS {
            self.packets.pop_front();
        }
        self.packets.push_back((passage, bytes));
    }

    /// What the path carries, kbit/s, if it was the path that drew the last packets apart.
    pub fn kbps(&self) -> Option<f64> {
        if self.packets.len() < PACKETS {
            return None;
        }
        let mut rates = Vec::with_capacity(PACKETS - 1);
        let mut took = Duration::ZERO;
        for ((before, _), (after, bytes)) in self.packets.iter().zip(self.packets.iter().skip(1)) {
            let left = after.sent.saturating_duration_since(before.sent);
            let came = after.arrived.saturating_sub(before.arrived);
            if came.is_zero() || came < left * STRETCHED {
                return None;
            }
            took += came;
            rates.push(*bytes as f64 * 8.0 / 1_000.0 / came.as_secs_f64());
        }
        // The one in the middle: the first may have come while the path was wide.
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().filter(|_| took >= LEAST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Packets of 1000 bytes that leave and come at these moments, ms.
    fn train(passages: &[(u64, u64)]) -> Option<f64> {
        let start = Instant::now();
        let mut train = Train::default();
        for &(left, came) in passages {
            let sent = start + Duration::from_millis(left);
            train.add(Passage { sent, arrived: Duration::from_millis(came) }, 1_000);
        }
        train.kbps()
    }

    #[test]
    fn packets_that_are_drawn_apart_tell_what_the_path_carries() {
        assert_eq!(train(&[(0, 20), (4, 30), (8, 50), (12, 70)]), Some(400.0), "the first came while it was wider");
        assert_eq!(train(&[(0, 20), (4, 40), (8, 60)]), None, "too few");
        assert_eq!(train(&[(0, 20), (1, 30), (2, 40), (3, 50)]), None, "too soon over");
    }

    #[test]
    fn packets_that_left_far_apart_or_were_held_up_together_tell_nothing() {
        assert_eq!(train(&[(0, 20), (20, 40), (40, 60), (60, 80)]), None);
        assert_eq!(train(&[(0, 20), (4, 90), (8, 91), (12, 92)]), None);
        assert_eq!(train(&[(0, 20), (4, 40), (30, 60), (34, 80)]), None);
    }
}
