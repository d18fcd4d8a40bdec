//! How regularly packets come, and how long to wait for the slow ones.
//!
//! Every packet has an offset: when it came, less when its first sample was taken (its timestamp). The clocks at both
//! ends differ, so only differences mean something: how much later than the fastest recent packet this one came.
//!
//! Waiting is worth it for what keeps happening. A packet that is late alone is cheaper to conceal, and so is a moment
//! in which the network, or a busy computer at either end, held back everything: had one waited for that, the voice
//! would be late for long after.

use std::collections::VecDeque;

/// How long the fastest packet is remembered: 3 s. Clocks that differ by 200 ppm part by 0.6 ms in that time.
const FASTEST_MEMORY: i64 = 3 * 48_000;
/// How long every packet's lateness is remembered: 10 s.
const MEMORY: i64 = 10 * 48_000;
/// No more packets than that are looked at: twice what 10 s of 20 ms frames are.
const MOST_PACKETS: usize = 1_000;
/// Share of packets that the target must be late enough for.
const QUANTILE: f32 = 0.98;
/// On a path that is unsteady anyway (15 ms), as one is that a picture shares, all packets are waited for and a tenth longer,
/// if that takes at most so much more (40 ms): who is a little late over and over has time made up and taken out again, and
/// that is heard more than the wait. The slowest moment counts there too, unless it was by so much (25 ms) the slowest.
const UNSTEADY: i64 = 720;
const LITTLE: i64 = 1_920;
const ALONE: i64 = 1_200;
/// What comes within 400 ms before or after the slowest packet belongs to the same moment.
const MOMENT: i64 = 19_200;
/// Kept above the measured lateness: 3 ms.
const GUARD: i64 = 144;
/// The first guess, 25 ms, which no target is below until packets have come for three seconds: it is lowered once, when much
/// is known. Beside a picture, whose sender is only finding out what the path carries, 60 ms.
const GUESS: (i64, i64) = (1_200, 3 * 48_000);
const GUESS_BESIDE_PICTURE: (i64, i64) = (2_880, 3 * 48_000);

/// Bounds of the target, in samples at 48 kHz: 5 ms and 400 ms.
pub const TARGET_RANGE: (i64, i64) = (240, 19_200);

#[derive(Debug, Clone, Copy)]
struct Arrival {
    at: i64,
    offset: i64,
    /// How much later than the fastest packet it came, as far as is known by now.
    late: i64,
}

/// Statistics of packet arrival; all times in samples at 48 kHz.
#[derive(Debug, Clone)]
pub struct Arrivals {
    /// Candidates for the fastest packet: (when it came, its offset), both rising.
    fastest: VecDeque<(i64, i64)>,
    /// In the order in which they came.
    packets: VecDeque<Arrival>,
    /// When the first packet came, or the picture beside it began.
    since: Option<i64>,
    guess: (i64, i64),
    lateness: i64,
    scratch: Vec<i64>,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            fastest: VecDeque::new(),
            packets: VecDeque::new(),
            since: None,
            guess: GUESS,
            lateness: 0,
            scratch: Vec::new(),
        }
    }
}

impl Arrivals {
    /// From `at` on a picture shares the path.
    pub fn expect_picture(&mut self, at: i64) {
        self.guess = GUESS_BESIDE_PICTURE;
        self.since = self.since.map(|_| at);
    }

    /// Takes in a packet that came at `at` (never earlier than the one before) with this timestamp; returns how much later
    /// than the fastest it was.
    pub fn record(&mut self, at: i64, timestamp: i64) -> i64 {
        let offset = at - timestamp;
        let before = self.fastest();
        while self.fastest.front().is_some_and(|(came, _)| at - came > FASTEST_MEMORY) {
            self.fastest.pop_front();
        }
        while self.fastest.back().is_some_and(|(_, slower)| *slower >= offset) {
            self.fastest.pop_back();
        }
        self.fastest.push_back((at, offset));
        let fastest = self.fastest().unwrap_or(offset);
        if before.is_some_and(|before| before < fastest) {
            // Since then the route is a slower one: what came by it was not late.
            for packet in self.packets.iter_mut().rev().take_while(|it| at - it.at <= FASTEST_MEMORY) {
                packet.late = packet.late.min((packet.offset - fastest).max(0));
            }
        }
        while self.packets.front().is_some_and(|it| at - it.at > MEMORY) || self.packets.len() >= MOST_PACKETS {
            self.packets.pop_front();
        }
        let late = offset - fastest;
        self.packets.push_back(Arrival { at, offset, late });
        let since = *self.since.get_or_insert(at);
        let (guess, learnt) = self.guess;
        self.lateness = self.usual().max(if at - since < learnt { guess } else { 0 });
        late
    }

    /// The offset of the fastest packet of the last 3 s.
    pub fn fastest(&self) -> Option<i64> {
        self.fastest.front().map(|(_, offset)| *offset)
    }

    /// How long a packet without delay should wait, so that those that are late again and again are there in time; with
    /// `extra` when it is worth waiting that much longer (for the packet that repairs a lost one).
    pub fn target(&self, extra: i64) -> i64 {
        let lateness = if self.since.is_some() { self.lateness } else { self.guess.0 };
        (lateness + GUARD + extra).clamp(TARGET_RANGE.0, TARGET_RANGE.1)
    }

    /// Forgets the offsets (the sender's clock jumped) but not how unsteady the network is.
    pub fn forget_offsets(&mut self) {
        self.fastest.clear();
        for packet in &mut self.packets {
            // Never again the measure of another packet's lateness.
            packet.offset = i64::MAX / 2;
        }
    }

    /// Lateness that all but a few packets stay below.
    fn usual(&mut self) -> i64 {
        self.scratch.clear();
        self.scratch.extend(self.packets.iter().map(|it| it.late));
        let (usual, (worst, again)) = (self.quantile(QUANTILE), self.worst_moments());
        let most = usual.min(again);
        if usual < UNSTEADY {
            return most;
        }
        let all = if worst <= again + ALONE { worst } else { again };
        let with_air = all + all / 10;
        if with_air - usual <= LITTLE { with_air } else { most }
    }

    fn quantile(&mut self, share: f32) -> i64 {
        let rank = (self.scratch.len() as f32 * share) as usize;
        let Some(last) = self.scratch.len().checked_sub(1) else { return 0 };
        *self.scratch.select_nth_unstable(rank.min(last)).1
    }

    /// Lateness that no packet was above, and that none but those around the slowest one was above.
    fn worst_moments(&self) -> (i64, i64) {
        let Some(worst) = self.packets.iter().max_by_key(|it| it.late) else { return (0, 0) };
        let others = self.packets.iter().filter(|it| (it.at - worst.at).abs() > MOMENT);
        (worst.late, others.map(|it| it.late).max().unwrap_or(0))
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

    /// Every 1.5 s a queue grows and empties that the slowest packets stand in this long, ms.
    fn beside_a_picture(n: i64) -> i64 {
        let (round, step) = (n / 75, n % 75);
        n * 960 + if step < 12 { (30 + round * 7 % 20) * 48 * (6 - (step - 6).abs()) / 6 } else { step % 3 * 240 }
    }

    #[test]
    fn queues_that_grow_again_and_again_are_waited_for_up_to_the_longest() {
        let mut arrivals = Arrivals::default();
        let late = (0..3_000).filter(|n| {
            let target = arrivals.target(0);
            let late = arrivals.record(beside_a_picture(*n), n * 960);
            *n > 500 && late > target
        });
        assert_eq!(late.count(), 0);
        assert!(arrivals.target(0) < 62 * 48, "{}", arrivals.target(0) / 48);
    }

    #[test]
    fn beside_a_picture_the_first_seconds_have_more_time() {
        let mut arrivals = Arrivals::default();
        arrivals.expect_picture(0);
        assert_eq!(arrivals.target(0), GUESS_BESIDE_PICTURE.0 + GUARD);
        for n in 0..140 {
            arrivals.record(n * 960, n * 960);
            assert_eq!(arrivals.target(0), GUESS_BESIDE_PICTURE.0 + GUARD);
        }
        for n in 140..200 {
            arrivals.record(n * 960, n * 960);
        }
        assert_eq!(arrivals.target(0), TARGET_RANGE.0);
        // One that begins in the middle of a call.
        arrivals.expect_picture(200 * 960);
        arrivals.record(200 * 960, 200 * 960);
        assert_eq!(arrivals.target(0), GUESS_BESIDE_PICTURE.0 + GUARD);
    }

    #[test]
    fn one_straggler_does_not_move_the_target() {
        let mut arrivals = Arrivals::default();
        for n in 0..300 {
            arrivals.record(n * 960 + if n == 250 { 9_600 } else { 0 }, n * 960);
            assert!(n < 250 || arrivals.target(0) == TARGET_RANGE.0);
        }
    }

    #[test]
    fn rare_stragglers_are_not_waited_for() {
        let mut arrivals = Arrivals::default();
        for n in 0..1_000 {
            arrivals.record(n * 960 + if n % 70 == 0 { 4_800 } else { 0 }, n * 960);
        }
        assert_eq!(arrivals.target(0), TARGET_RANGE.0);
    }

    /// `held` packets from `first` on come together with the one after them.
    fn stalled(n: i64, first: i64, held: i64) -> i64 {
        if (first..first + held).contains(&n) { (first + held) * 960 } else { n * 960 }
    }

    #[test]
    fn one_stall_does_not_move_the_target() {
        // 60 to 500 ms, also early in the call.
        for held in [3, 10, 25] {
            for first in [60, 100, 400] {
                let mut arrivals = Arrivals::default();
                for n in 0..600 {
                    arrivals.record(stalled(n, first, held), n * 960);
                    let most = if n < 150 { GUESS.0 + GUARD } else { 720 };
                    assert!(
                        n < first || arrivals.target(0) <= most,
                        "{held} held at {first}: {}",
                        arrivals.target(0) / 48
                    );
                }
            }
        }
    }

    #[test]
    fn stalls_that_come_again_and_again_are_waited_for() {
        let mut arrivals = Arrivals::default();
        for n in 0..1_000 {
            // Every two seconds the last 100 ms come at once.
            arrivals.record(stalled(n, n / 100 * 100, 5), n * 960);
        }
        let target = arrivals.target(0) / 48;
        assert!((40..=110).contains(&target), "target {target} ms");
    }

    #[test]
    fn backlog_at_the_start_is_no_jitter() {
        let mut arrivals = Arrivals::default();
        for n in 0..300 {
            // Half a second of voice comes at once, then it flows.
            arrivals.record(n.max(25) * 960, n * 960);
            assert!(arrivals.target(0) <= GUESS.0 + GUARD, "packet {n}: target {} ms", arrivals.target(0) / 48);
        }
        assert_eq!(arrivals.target(0), TARGET_RANGE.0);
    }

    #[test]
    fn pauses_of_the_speaker_let_a_bad_moment_be_forgotten() {
        let mut arrivals = Arrivals::default();
        for n in 0..200 {
            arrivals.record(stalled(n, n / 50 * 50, 10), n * 960);
        }
        assert!(arrivals.target(0) > 4_800);
        // One packet each 400 ms: 12 s of silence.
        for n in 0..30 {
            let timestamp = (200 + n * 20) * 960;
            arrivals.record(timestamp, timestamp);
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
    fn faster_route_is_no_jitter_at_all() {
        let mut arrivals = Arrivals::default();
        for n in 0..400 {
            arrivals.record(n * 960 + if n < 200 { 4_800 } else { 0 }, n * 960);
            assert!(n < 150 || arrivals.target(0) <= 720, "packet {n}: target {} ms", arrivals.target(0) / 48);
        }
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
