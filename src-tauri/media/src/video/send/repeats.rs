//! What the peer misses goes out again, within a bound.

use std::time::{Duration, Instant};

use super::{KEPT, OVERHEAD, Outgoing, Sender};

/// One packet is repeated at most so often.
const MAX_REPEATS: u8 = 10;
/// A packet that is asked for again although it was repeated goes out so often at once: the pictures stand still for it.
const COPIES: u8 = 3;
/// From this round trip on, and with so much of the packets lost, a first repetition goes out twice as well: a second way around
/// would be seen.
const LONG: Duration = Duration::from_millis(80);
const LOSSY: f64 = 0.02;
/// Repetitions may take this share of what may be sent.
const REPEAT_SHARE: f64 = 0.35;

impl Sender {
    /// The peer asks for packets again.
    pub fn ask_again(&mut self, now: Instant, sequences: impl IntoIterator<Item = u16>) {
        if !self.can_repeat {
            return;
        }
        let round_trip = self.controller.round_trip().unwrap_or(Duration::from_millis(100));
        // A queue makes a way long as well; where one stands, more would be lost like the rest.
        let queue = Duration::from_secs_f64(self.controller.queue_ms().max(0.0) / 1_000.0);
        let twice = round_trip.saturating_sub(queue * 2) >= LONG && self.controller.loss() >= LOSSY;
        let pause = round_trip / 2;
        for sequence in sequences {
            let Some(packet) = self.find(sequence) else { continue };
            if self.useful_from.is_some_and(|from| sequence.wrapping_sub(from).cast_signed() < 0) {
                continue;
            }
            let fresh = packet.repeated_at.is_none_or(|at| now >= at + pause);
            if fresh && packet.repeated < MAX_REPEATS && !self.repeats.contains(&sequence) && self.repeats.len() < KEPT
            {
                let copies = (packet.repeated + if twice { 2 } else { 1 }).min(COPIES);
                self.repeats.extend(std::iter::repeat_n(sequence, usize::from(copies)));
            }
        }
    }

    /// The next repetition, while they have not had their share.
    pub(super) fn repeat(&mut self, now: Instant) -> Option<Outgoing> {
        let elapsed = now.saturating_duration_since(self.repeat_at).as_secs_f64();
        self.repeat_at = now;
        let rate = self.pace_kbps() * 125.0 * REPEAT_SHARE;
        self.repeat_budget = (self.repeat_budget + elapsed * rate).min(rate * 0.5 + 4_000.0);
        if self.repeat_budget < 0.0 {
            return None;
        }
        let sequence = self.repeats.pop_front()?;
        let packet = self.find_mut(sequence)?;
        packet.repeated += 1;
        packet.repeated_at = Some(now);
        let packet = packet.clone();
        self.repeat_budget -= (packet.payload.len() + OVERHEAD) as f64;
        self.counts.repeats += 1;
        Some(self.leave(now, &packet, true))
    }
}
