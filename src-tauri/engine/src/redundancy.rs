//! How much of my voice goes out again with the packets after it, as the path needs it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Losses come in showers: what was lost so lately counts.
const REMEMBERED: Duration = Duration::from_secs(10);
/// From this share of packets lost on, one earlier frame goes with each packet, and from that share on two.
const ONCE: f64 = 0.01;
const TWICE: f64 = 0.04;
/// A round trip that is so much longer (ms) than the shortest one: a queue stands, and what is lost is lost for want of
/// room. More bytes would make it worse.
const QUEUE_MS: f64 = 150.0;

/// The losses of one path of late.
#[derive(Debug, Default)]
pub(crate) struct Redundancy {
    losses: VecDeque<(Instant, f64)>,
    shortest_ms: Option<f64>,
}

impl Redundancy {
    /// How many earlier frames go with each packet, now that the peer has lost this share (0 to 1) of them of late (`None`:
    /// it has said nothing yet), and with a round trip of so many ms.
    ///
    /// A path that nothing is known of is taken for one that loses. Where my picture is beside the voice it has to share a
    /// path whose width nobody knows yet.
    pub fn copies(
        &mut self,
        now: Instant,
        loss: Option<f64>,
        round_trip_ms: Option<f64>,
        beside_picture: bool,
    ) -> usize {
        if let Some(loss) = loss {
            if self.losses.is_empty() {
                self.losses.push_back((now, ONCE));
            }
            self.losses.push_back((now, loss));
        }
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
        let Some(worst) = self.losses.iter().map(|(_, loss)| *loss).max_by(f64::total_cmp) else {
            return if beside_picture { 1 } else { 2 };
        };
        usize::from(worst >= ONCE) + usize::from(worst >= TWICE)
    }
}

/// The share of frames that stays lost where `loss` of the packets are and each frame is in `copies` more of them.
pub(crate) fn missed(loss: f64, copies: usize) -> f64 {
    loss.clamp(0.0, 1.0).powi(i32::try_from(copies).unwrap_or(i32::MAX).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_goes_out_again_until_nothing_was_lost_for_a_while() {
        let start = Instant::now();
        let mut redundancy = Redundancy::default();
        let mut at = |seconds, loss| redundancy.copies(start + Duration::from_secs(seconds), loss, Some(40.0), false);
        assert_eq!(at(40, None), 2, "it rang for long, and nobody knows yet");
        assert_eq!(at(42, Some(0.0)), 1, "one report is little");
        assert_eq!(at(53, Some(0.0)), 0);
        assert_eq!(at(54, Some(0.02)), 1);
        assert_eq!(at(56, Some(0.0)), 1, "losses come in showers");
        assert_eq!(at(58, Some(0.05)), 2);
        assert_eq!(at(67, Some(0.0)), 2);
        assert_eq!(at(69, Some(0.0)), 0);
    }

    #[test]
    fn a_picture_that_looks_for_its_room_leaves_less_for_copies() {
        let (now, mut redundancy) = (Instant::now(), Redundancy::default());
        assert_eq!(redundancy.copies(now, None, None, true), 1);
        assert_eq!(redundancy.copies(now, Some(0.1), None, true), 2, "what is needed goes, picture or not");
    }

    #[test]
    fn nothing_more_is_put_into_a_queue_that_overflows() {
        let start = Instant::now();
        let mut redundancy = Redundancy::default();
        assert_eq!(redundancy.copies(start, Some(0.03), None, false), 1);
        assert_eq!(redundancy.copies(start, Some(0.03), Some(60.0), false), 1);
        assert_eq!(redundancy.copies(start, Some(0.03), Some(260.0), false), 0);
        assert_eq!(redundancy.copies(start, Some(0.03), Some(90.0), false), 1);
    }

    #[test]
    fn a_frame_is_missed_when_all_packets_with_it_are_lost() {
        assert!((missed(0.1, 0) - 0.1).abs() < 1e-12);
        assert!((missed(0.1, 2) - 0.001).abs() < 1e-12);
    }
}
