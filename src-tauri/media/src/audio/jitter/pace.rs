//! When to play a little faster or slower, so that packets wait as long as they should before they are decoded.
//!
//! Voice is pulled 10 ms at a time, and a packet is decoded in the pull in which its first sample is heard. So it waits
//! for its turn, and then up to 10 ms more (its phase) while the packet before it still plays. The wait alone keeps slow
//! packets from being missed; the phase is delay for nothing, and is taken out when there is a chance.

use std::collections::VecDeque;

/// Samples in a pull: 10 ms.
const PULL: i64 = 480;
/// Time is taken out if it is at least so much (5 ms), and put in if packets wait so much too short (2 ms).
const WORTHWHILE: i64 = 240;
const SHORT: i64 = 96;
/// Waiting above the target that is skipped rather than played faster: 300 ms, which would take a second to catch up.
const SKIP: i64 = 14_400;
/// Decoded packets whose shortest wait counts (320 ms of 20 ms frames), and how many must have been seen.
const WINDOW: usize = 16;
const ENOUGH: usize = 4;

/// A likeness that only quiet has.
pub(super) const QUIET: f32 = 1.0;

/// What should be done to the voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// Play on.
    Stay,
    /// Take out up to so many samples where the voice repeats itself at least this well (correlation).
    Shorten(i64, f32),
    /// Put in up to so many.
    Lengthen(i64, f32),
    /// It is so late that only leaving out helps.
    Skip,
}

#[derive(Debug, Clone, Copy)]
struct Decoded {
    /// From the packet's timestamp (so with an offset that only the fastest packet's gives a meaning) to its being heard.
    delay: i64,
    phase: i64,
}

/// The waits of the last packets.
#[derive(Debug, Default)]
pub(super) struct Pace {
    decoded: VecDeque<Decoded>,
    since_stretch: u32,
    /// Pulls in a row in which the wait should have been another.
    wished: u32,
}

impl Pace {
    /// A packet with this timestamp is decoded in the pull at `now`, when `waiting` samples are to be heard before it. Where
    /// they are more than a pull takes, it is decoded before its turn.
    pub(super) fn decoded(&mut self, now: i64, timestamp: i64, waiting: usize) {
        if self.decoded.len() == WINDOW {
            self.decoded.pop_front();
        }
        let waiting = waiting as i64;
        self.decoded.push_back(Decoded { delay: now + waiting - timestamp, phase: waiting % PULL });
    }

    /// Time has been put in (above zero) or taken out.
    pub(super) fn stretched(&mut self, by: i64) {
        self.since_stretch = 0;
        for decoded in &mut self.decoded {
            decoded.delay += by;
            decoded.phase = (decoded.phase + by).rem_euclid(PULL);
        }
    }

    /// The voice begins anew.
    pub(super) fn restart(&mut self) {
        self.decoded.clear();
    }

    /// What to do in this pull, with the offset of the fastest packet and the wait wanted.
    pub(super) fn step(&mut self, fastest: i64, target: i64) -> Step {
        self.since_stretch += 1;
        let waits = self.decoded.iter().map(|it| it.delay - it.phase);
        let (Some(shortest), Some(last)) = (waits.min(), self.decoded.back()) else { return Step::Stay };
        let excess = shortest - fastest - target;
        if excess > SKIP {
            return Step::Skip;
        }
        // Waits change by whole pulls; what is between them is the phase.
        let by = if excess >= 0 { last.phase + excess / PULL * PULL } else { excess / PULL * PULL + last.phase - PULL };
        let (shorter, longer) = (by >= WORTHWHILE, excess < -SHORT);
        self.wished = if shorter || longer { self.wished + 1 } else { 0 };
        // In a voice each change is heard, so it waits for quiet: the less it is worth, the longer.
        let (patience, often, alike) = match by.abs() {
            0..1_200 => (if longer { 300 } else { 400 }, 50, 0.85),
            1_200..2_880 => (50, 10, 0.8),
            2_880..4_800 => (20, 4, 0.6),
            _ => (10, 2, 0.3),
        };
        let (often, alike) = if self.wished < patience { (2, QUIET) } else { (often, alike) };
        if self.since_stretch < often || self.decoded.len() < ENOUGH {
            Step::Stay
        } else if shorter {
            Step::Shorten(by, alike)
        } else if longer {
            Step::Lengthen(-by, alike)
        } else {
            Step::Stay
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets that wait so long and have this phase, and it has been wished for so many pulls that they had others.
    fn pace(wait: i64, phase: usize, wished: u32) -> Pace {
        let mut pace = Pace { since_stretch: 1_000, wished, ..Pace::default() };
        for n in 0..8 {
            pace.decoded(n * 960 + wait, n * 960, phase);
        }
        pace
    }

    #[test]
    fn phase_is_taken_out_and_the_wait_kept() {
        let mut pace = pace(500, 400, 0);
        assert_eq!(pace.step(0, 480), Step::Shorten(400, QUIET));
        pace.stretched(-300);
        assert!(pace.decoded.iter().all(|it| it.phase == 100 && it.delay - it.phase == 500));
        pace.since_stretch = 1_000;
        assert_eq!(pace.step(0, 480), Step::Stay);
    }

    #[test]
    fn what_is_decoded_before_its_turn_counts_as_what_waits_for_it() {
        let mut pace = Pace { since_stretch: 1_000, ..Pace::default() };
        for n in 0..8 {
            pace.decoded(n * 960 + 500, n * 960, 3 * 480 + 100);
        }
        assert_eq!(pace.step(0, 480), Step::Shorten(3 * 480 + 100, QUIET));
    }

    #[test]
    fn wait_is_shortened_by_whole_pulls_and_never_below_the_target() {
        assert_eq!(pace(900, 0, 0).step(0, 480), Step::Stay);
        assert_eq!(pace(970, 0, 0).step(0, 480), Step::Shorten(480, QUIET));
        assert_eq!(pace(480 + 3 * 480, 100, 0).step(0, 480), Step::Shorten(3 * 480 + 100, QUIET));
    }

    #[test]
    fn wait_that_is_too_short_becomes_a_pull_longer() {
        assert_eq!(pace(400, 0, 0).step(0, 480), Step::Stay);
        assert_eq!(pace(300, 0, 0).step(0, 480), Step::Lengthen(480, QUIET));
        let mut pace = pace(300, 380, 0);
        assert_eq!(pace.step(0, 480), Step::Lengthen(100, QUIET));
        pace.stretched(120);
        assert!(pace.decoded.iter().all(|it| it.phase == 20 && it.delay - it.phase == 780));
    }

    #[test]
    fn where_no_quiet_comes_a_voice_is_changed_the_sooner_the_more_it_is_worth() {
        for (wait, patience, alike) in [(970, 400, 0.85), (480 + 3 * 480, 50, 0.8), (480 + 7 * 480, 20, 0.6)] {
            let quiet = |wished| matches!(pace(wait, 0, wished).step(0, 480), Step::Shorten(_, QUIET));
            assert!(quiet(patience - 2) && !quiet(patience), "{wait}");
            let Step::Shorten(by, found) = pace(wait, 0, patience).step(0, 480) else { panic!("{wait}") };
            assert_eq!(Step::Shorten(by, found), Step::Shorten(by, alike), "{wait}");
        }
        // What is there once more begins anew.
        let mut pace = pace(900, 0, 1_000);
        assert_eq!(pace.step(0, 480), Step::Stay);
        assert_eq!(pace.wished, 0);
    }

    #[test]
    fn what_is_far_too_late_is_skipped() {
        assert_eq!(pace(20_000, 0, 0).step(0, 480), Step::Skip);
    }
}
