//! Whether a path loses packets again and again, so that it is worth waiting for what replaces them.
//!
//! A queue that overflows once loses many packets within a moment, and none afterwards. Had one waited for that, the voice would
//! have been changed twice for nothing.

/// What is lost within so many packets (0.8 s of 20 ms frames) belongs to the same moment.
const MOMENT: i64 = 40;
/// Two moments within so many packets (5 s), and the path loses again and again.
const AGAIN: i64 = 250;
/// After so many packets (7 s) without a loss it does not any more.
const NO_MORE: i64 = 350;
/// Before so many packets (3 s) nothing is known of what the path loses: it is taken for one that does, as its sender takes it.
const UNKNOWN: u64 = 150;

/// The losses of one voice, by sequence numbers unwrapped.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// When the last moment began, and the last packet that was lost.
    moment: Option<i64>,
    last: i64,
    packets: u64,
    again: bool,
}

impl Losses {
    /// This packet did not come.
    pub(super) fn lost(&mut self, sequence: i64) {
        self.last = sequence;
        if self.moment.is_none_or(|moment| sequence - moment > MOMENT) {
            self.again |= self.moment.is_some_and(|moment| sequence - moment <= AGAIN);
            self.moment = Some(sequence);
        }
    }

    /// The turn of this packet is over.
    pub(super) fn over(&mut self, sequence: i64) {
        self.packets += 1;
        self.again &= sequence - self.last <= NO_MORE;
    }

    /// Whether what replaces lost packets is worth waiting for.
    pub(super) fn come_again(&self) -> bool {
        self.packets < UNKNOWN || self.again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After so many packets of which these were lost.
    fn after(packets: i64, lost: impl Fn(i64) -> bool) -> bool {
        let mut losses = Losses::default();
        for sequence in 0..packets {
            if lost(sequence) {
                losses.lost(sequence);
            } else {
                losses.over(sequence);
            }
        }
        losses.come_again()
    }

    #[test]
    fn a_path_that_nothing_is_known_of_is_taken_for_one_that_loses() {
        assert!(after(149, |_| false) && !after(151, |_| false));
    }

    #[test]
    fn one_moment_however_bad_is_no_path_that_loses() {
        for length in [1, 5, 30] {
            assert!(!after(600, |n| (300..300 + length).contains(&n)), "{length}");
            assert!(!after(600, |n| (300..300 + length).contains(&n) && n % 2 == 0), "{length}, every other");
        }
    }

    #[test]
    fn losses_that_come_again_are_waited_for_until_none_came_for_a_while() {
        for every in [10, 20, 50, 100, 200] {
            assert!(after(1_000, |n| n % every == 7), "every {every}th");
            assert!(!after(1_000, |n| n < 500 && n % every == 7), "every {every}th, and then none");
        }
        assert!(!after(2_000, |n| n % 300 == 7), "so few are cheaper to make up");
    }
}
