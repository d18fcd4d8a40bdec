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
/// A path that carries less than this share of what it did has become narrow at once, and its queue overflowed: what it lost
/// says nothing of what it will. The reports of so long speak of that moment.
const FAR_LESS: f64 = 0.7;
const NARROWED: Duration = Duration::from_secs(3);

/// What is known of a path at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    /// Share of my packets that the peer has lost of late, 0 to 1; none: it has said nothing yet.
    pub loss: Option<f64>,
    /// Its round trip, ms.
    pub round_trip_ms: Option<f64>,
    /// What it carries beside the voice, kbit/s, as a picture has found out.
    pub carries_kbps: Option<f64>,
    /// My picture goes out beside the voice.
    pub beside_picture: bool,
}

/// The losses of one path of late.
#[derive(Debug, Default)]
pub(crate) struct Redundancy {
    losses: VecDeque<(Instant, f64)>,
    shortest_ms: Option<f64>,
    carried_kbps: Option<f64>,
    narrowed_at: Option<Instant>,
}

impl Redundancy {
    /// How many earlier frames go with each packet from now on.
    ///
    /// A path that nothing is known of is taken for one that loses. Where my picture is beside the voice it has to share a
    /// path whose width nobody knows yet.
    pub fn copies(&mut self, now: Instant, known: Known) -> usize {
        if let Some(kbps) = known.carries_kbps
            && self.carried_kbps.replace(kbps).is_some_and(|before| kbps < before * FAR_LESS)
        {
            self.narrowed_at = Some(now);
        }
        let narrowed = self.narrowed_at.is_some_and(|at| now.duration_since(at) < NARROWED);
        if let Some(loss) = known.loss {
            if self.losses.is_empty() {
                self.losses.push_back((now, ONCE));
            }
            if !narrowed {
                self.losses.push_back((now, loss));
            }
        }
        while self.losses.front().is_some_and(|(at, _)| now.duration_since(*at) > REMEMBERED) {
            self.losses.pop_front();
        }
        if let Some(ms) = known.round_trip_ms {
            let shortest = self.shortest_ms.map_or(ms, |shortest| shortest.min(ms));
            self.shortest_ms = Some(shortest);
            if ms > shortest + QUEUE_MS {
                return 0;
            }
        }
        let Some(worst) = self.losses.iter().map(|(_, loss)| *loss).max_by(f64::total_cmp) else {
            return if known.beside_picture { 1 } else { 2 };
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
        let mut at = |seconds, loss| {
            let known = Known { loss, round_trip_ms: Some(40.0), ..Known::default() };
            redundancy.copies(start + Duration::from_secs(seconds), known)
        };
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
        let known = Known { beside_picture: true, ..Known::default() };
        assert_eq!(redundancy.copies(now, known), 1);
        let known = Known { loss: Some(0.1), ..known };
        assert_eq!(redundancy.copies(now, known), 2, "what is needed goes, picture or not");
    }

    #[test]
    fn nothing_more_is_put_into_a_queue_that_overflows() {
        let start = Instant::now();
        let mut redundancy = Redundancy::default();
        let mut at =
            |round_trip_ms| redundancy.copies(start, Known { loss: Some(0.03), round_trip_ms, ..Known::default() });
        assert_eq!(at(None), 1);
        assert_eq!(at(Some(60.0)), 1);
        assert_eq!(at(Some(260.0)), 0);
        assert_eq!(at(Some(90.0)), 1);
    }

    #[test]
    fn what_is_lost_while_a_path_becomes_narrow_is_no_reason_for_copies() {
        let start = Instant::now();
        let mut redundancy = Redundancy::default();
        let mut at = |seconds, loss, kbps| {
            let known = Known { loss: Some(loss), carries_kbps: Some(kbps), beside_picture: true, ..Known::default() };
            redundancy.copies(start + Duration::from_secs(seconds), known)
        };
        assert_eq!(at(0, 0.0, 2_000.0), 1);
        assert_eq!(at(12, 0.0, 2_000.0), 0);
        assert_eq!(at(14, 0.1, 330.0), 0);
        assert_eq!(at(16, 0.1, 300.0), 0, "the same moment, in the next report");
        assert_eq!(at(18, 0.1, 300.0), 2, "it goes on: the path loses");
    }

    #[test]
    fn a_frame_is_missed_when_all_packets_with_it_are_lost() {
        assert!((missed(0.1, 0) - 0.1).abs() < 1e-12);
        assert!((missed(0.1, 2) - 0.001).abs() < 1e-12);
    }
}
