//! Signals of one person wait in a lane of their own when they come too fast.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use peal_call::{DeviceAddress, UserId};

use super::bucket::Bucket;

/// Messages at once from one person, and then per second. A call with many devices and candidates takes some dozens.
const MESSAGES: (f64, f64) = (512.0, 200.0);
/// Bytes likewise.
const BYTES: (f64, f64) = (2.0 * 1024.0 * 1024.0, 512.0 * 1024.0);
/// What waits of one person at most; more is dropped.
const QUEUE: usize = 1024;
const QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// What waits of all together, in bytes.
const ALL_BYTES: usize = 32 * 1024 * 1024;
/// What is taken of one person out of the queue that the broker kept.
const BACKLOG: usize = 1024;
const BACKLOG_BYTES: usize = 8 * 1024 * 1024;
/// People who are watched at once.
const LANES: usize = 4096;

/// Everyone's lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    people: HashMap<UserId, Lane>,
    /// Whose turn it is: those for whom something waits.
    turns: VecDeque<UserId>,
    bytes: usize,
}

#[derive(Debug)]
struct Lane {
    messages: Bucket,
    bytes: Bucket,
    queue: VecDeque<Waiting>,
    queued: usize,
    backlog: (usize, usize),
    /// Something was dropped since the queue was last empty.
    overflowed: bool,
}

/// A message that waits for its lane.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Whose inbox it stood in.
    pub(crate) to: UserId,
    pub(crate) from: DeviceAddress,
    pub(crate) payload: Bytes,
    /// Its own end, by the broker's expiry.
    pub(crate) end: Option<Instant>,
}

/// What becomes of a message.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Now.
    Now(Waiting),
    /// Later; it is kept.
    Later,
    /// Never: too much waits. `first`: and this is news.
    Never { first: bool },
}

impl Lanes {
    /// Decides about a message that has just come; `backlog`: out of the queue that the broker kept, which has to be
    /// through before anything rings.
    pub(crate) fn admit(&mut self, message: Waiting, backlog: bool, now: Instant) -> Admission {
        let size = message.payload.len();
        let user = message.from.user.clone();
        if !self.people.contains_key(&user) && self.people.len() >= LANES {
            self.forget_idle(now);
        }
        let all = self.bytes;
        let lane = self.people.entry(user.clone()).or_insert_with(|| Lane::new(now));
        if backlog && lane.queue.is_empty() {
            return if lane.backlog.0 < BACKLOG && lane.backlog.1 < BACKLOG_BYTES {
                lane.backlog = (lane.backlog.0 + 1, lane.backlog.1 + size);
                Admission::Now(message)
            } else {
                lane.never()
            };
        }
        if lane.queue.is_empty() && lane.is_open(now) {
            lane.spend(size);
            return Admission::Now(message);
        }
        if lane.queue.len() >= QUEUE || lane.queued + size > QUEUE_BYTES || all + size > ALL_BYTES {
            return lane.never();
        }
        if lane.queue.is_empty() {
            self.turns.push_back(user);
        }
        lane.queued += size;
        self.bytes += size;
        lane.queue.push_back(message);
        Admission::Later
    }

    /// The next message whose time has come; everyone in turn.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Waiting> {
        for _ in 0..self.turns.len() {
            let user = self.turns.pop_front()?;
            let Some(lane) = self.people.get_mut(&user) else { continue };
            let message = if lane.is_open(now) { lane.queue.pop_front() } else { None };
            if let Some(message) = &message {
                let size = message.payload.len();
                lane.spend(size);
                lane.queued -= size;
                self.bytes -= size;
            }
            if lane.queue.is_empty() {
                lane.overflowed = false;
            } else {
                self.turns.push_back(user);
            }
            if message.is_some() {
                return message;
            }
        }
        None
    }

    /// When [`Self::next`] has something.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.turns.iter().filter_map(|user| self.people.get(user)).map(Lane::ready_at).min()
    }

    /// Everything that waits, whatever its time: the connection is gone, and it won't come again.
    pub(crate) fn drain(&mut self) -> Vec<Waiting> {
        let mut all = Vec::new();
        for user in std::mem::take(&mut self.turns) {
            if let Some(lane) = self.people.get_mut(&user) {
                all.extend(lane.queue.drain(..));
                lane.queued = 0;
                lane.overflowed = false;
            }
        }
        self.bytes = 0;
        all
    }

    /// The broker's queue is through.
    pub(crate) fn end_backlog(&mut self) {
        for lane in self.people.values_mut() {
            lane.backlog = (0, 0);
            lane.overflowed &= !lane.queue.is_empty();
        }
    }

    /// Makes room: those first of whom nothing would be forgotten, then all for whom nothing waits.
    fn forget_idle(&mut self, now: Instant) {
        self.people.retain(|_, lane| !lane.queue.is_empty() || !lane.messages.is_full(now) || !lane.bytes.is_full(now));
        if self.people.len() >= LANES {
            self.people.retain(|_, lane| !lane.queue.is_empty());
        }
    }
}

impl Lane {
    fn new(now: Instant) -> Self {
        Self {
            messages: Bucket::new(MESSAGES.0, MESSAGES.1, now),
            bytes: Bucket::new(BYTES.0, BYTES.1, now),
            queue: VecDeque::new(),
            queued: 0,
            backlog: (0, 0),
            overflowed: false,
        }
    }

    fn is_open(&mut self, now: Instant) -> bool {
        self.messages.is_open(now) && self.bytes.is_open(now)
    }

    fn spend(&mut self, size: usize) {
        self.messages.spend(1.0);
        self.bytes.spend(size as f64);
    }

    fn ready_at(&self) -> Instant {
        self.messages.ready_at().max(self.bytes.ready_at())
    }

    fn never(&mut self) -> Admission {
        Admission::Never { first: !std::mem::replace(&mut self.overflowed, true) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::names::address;

    fn message(from: &str, size: usize) -> Waiting {
        let from = address(from, "desk").expect("names");
        let to = UserId::new("bob").expect("a name");
        Waiting { to, from, payload: Bytes::from(vec![0; size]), end: None }
    }

    /// How many of `n` messages are taken now, later, never, and how often "never" was news.
    fn admit(lanes: &mut Lanes, from: &str, size: usize, n: usize, backlog: bool, now: Instant) -> [usize; 4] {
        let mut count = [0; 4];
        for _ in 0..n {
            match lanes.admit(message(from, size), backlog, now) {
                Admission::Now(_) => count[0] += 1,
                Admission::Later => count[1] += 1,
                Admission::Never { first } => {
                    count[2] += 1;
                    count[3] += usize::from(first);
                }
            }
        }
        count
    }

    #[test]
    fn one_persons_flood_waits_in_its_own_lane_and_is_bounded() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        assert_eq!(admit(&mut lanes, "mallory", 100, 10_000, false, now), [512, QUEUE, 10_000 - 512 - QUEUE, 1]);
        assert_eq!(admit(&mut lanes, "ann", 100, 10, false, now), [10, 0, 0, 0]);
        assert!(lanes.next(now).is_none());
        let due = lanes.next_deadline().expect("something waits");
        assert!(due > now && due < now + Duration::from_millis(10));
        assert!(lanes.next(due).is_some());
        // In ten seconds the whole queue is through, at 200 a second.
        let mut through = 1;
        for ms in (0..=10_000).step_by(5) {
            while lanes.next(now + Duration::from_millis(ms)).is_some() {
                through += 1;
            }
        }
        assert_eq!(through, QUEUE);
        assert!(lanes.next_deadline().is_none());
        assert_eq!(lanes.bytes, 0);
    }

    #[test]
    fn bytes_count_too() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        let [taken, waiting, never, _] = admit(&mut lanes, "mallory", 60_000, 500, false, now);
        assert_eq!((taken, waiting), (35, QUEUE_BYTES / 60_000));
        assert_eq!(taken + waiting + never, 500);
    }

    #[test]
    fn who_waits_longest_is_next_and_everyone_in_turn() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        for who in ["ann", "carol"] {
            admit(&mut lanes, who, 1, 512 + 3, false, now);
        }
        let later = now + Duration::from_secs(1);
        let order: Vec<String> = std::iter::from_fn(|| lanes.next(later)).map(|it| it.from.user.to_string()).collect();
        assert_eq!(order, ["ann", "carol", "ann", "carol", "ann", "carol"]);
    }

    #[test]
    fn all_queues_together_are_bounded() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        for i in 0..20 {
            admit(&mut lanes, &format!("mallory{i}"), 60_000, 200, false, now);
        }
        assert!(lanes.bytes <= ALL_BYTES && lanes.bytes > ALL_BYTES - 60_000);
        assert_eq!(admit(&mut lanes, "ann", 1000, 5, false, now), [5, 0, 0, 0], "who sends little isn't held up");
    }

    #[test]
    fn the_brokers_queue_is_taken_at_once_up_to_a_bound() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        assert_eq!(admit(&mut lanes, "ann", 100, BACKLOG + 7, true, now), [BACKLOG, 0, 7, 1]);
        lanes.end_backlog();
        assert_eq!(admit(&mut lanes, "ann", 100, 2, true, now), [2, 0, 0, 0]);
    }

    #[test]
    fn order_is_kept_between_the_lane_and_the_brokers_queue() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        admit(&mut lanes, "ann", 1, 512 + 2, false, now);
        assert_eq!(admit(&mut lanes, "ann", 1, 1, true, now), [0, 1, 0, 0], "behind what waits");
        assert_eq!(lanes.drain().len(), 3);
        assert_eq!(admit(&mut lanes, "ann", 1, 1, true, now), [1, 0, 0, 0]);
    }

    #[test]
    fn people_who_are_watched_are_bounded_and_floods_are_remembered_longest() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        admit(&mut lanes, "mallory", 1, 600, false, now);
        for i in 0..LANES * 2 {
            admit(&mut lanes, &format!("u{i}"), 1, 1, false, now);
        }
        assert!(lanes.people.len() <= LANES);
        assert_eq!(admit(&mut lanes, "mallory", 1, 1, false, now), [0, 1, 0, 0]);
    }
}
