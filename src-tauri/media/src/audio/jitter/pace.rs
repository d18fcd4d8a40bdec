//! When to play a little faster or slower, so that packets wait as long as they should before they are decoded.

use std::collections::VecDeque;

/// Waiting beyond the target that is left alone (5 ms), and short of it (3 ms).
const SLACK_ABOVE: i64 = 240;
const SLACK_BELOW: i64 = 144;
/// Waiting above the target that is skipped rather than played faster: 300 ms, which would take a second to catch up.
const SKIP: i64 = 14_400;
/// Decoded packets whose shortest wait counts (320 ms of 20 ms frames), and how many must have been seen.
const WINDOW: usize = 16;
const ENOUGH: usize = 4;

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

/// The waits of the last packets.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// From a packet's timestamp (so with an offset that only the fastest packet's gives a meaning) to its decoding.
    waits: VecDeque<i64>,
    since_stretch: u32,
}

impl Pace {
    /// A packet with this timestamp was decoded because its first sample is wanted now.
    pub(super) fn decoded(&mut self, now: i64, timestamp: i64) {
        if self.waits.len() == WINDOW {
            self.waits.pop_front();
        }
        self.waits.push_back(now - timestamp);
    }

    /// Time has been put in (above zero) or taken out.
    pub(super) fn stretched(&mut self, by: i64) {
        self.since_stretch = 0;
        for wait in &mut self.waits {
            *wait += by;
        }
    }

    /// The voice begins anew.
    pub(super) fn restart(&mut self) {
        self.waits.clear();
    }

    /// What to do in this pull, with the offset of the fastest packet and the wait wanted.
    pub(super) fn step(&mut self, fastest: i64, target: i64) -> Step {
        self.since_stretch += 1;
        let Some(shortest) = self.waits.iter().min() else { return Step::Stay };
        let excess = shortest - fastest - target;
        if excess > SKIP {
            return Step::Skip;
        }
        let (often, alike) = match excess.abs() {
            0..1_920 => (10, 0.85),
            1_920..4_800 => (4, 0.6),
            _ => (2, 0.3),
        };
        if self.since_stretch < often || self.waits.len() < ENOUGH {
            Step::Stay
        } else if excess > SLACK_ABOVE {
            Step::Shorten(excess, alike)
        } else if excess < -SLACK_BELOW {
            Step::Lengthen(-excess, alike)
        } else {
            Step::Stay
        }
    }
}
