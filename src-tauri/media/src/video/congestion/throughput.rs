//! What came through, on the peer's clock.

use std::collections::VecDeque;
use std::time::Duration;

/// The rate is taken over this long.
const LONG: Duration = Duration::from_millis(500);
/// A change is judged over as little as this, if enough packets came in it.
const SHORT: Duration = Duration::from_millis(150);
const SHORT_PACKETS: usize = 8;
/// A queue is long enough to tell from, with so many packets out of it.
const QUEUED: Duration = Duration::from_millis(60);
const QUEUED_PACKETS: usize = 4;
/// Packets are kept for at most this long.
const KEPT: Duration = Duration::from_secs(1);

/// The rate at which packets arrived.
#[derive(Debug, Default)]
pub struct Throughput {
    packets: VecDeque<(Duration, usize)>,
}

impl Throughput {
    pub fn add(&mut self, arrived: Duration, bytes: usize) {
        // Reports may speak of packets that were overtaken; the order of arrival is what counts.
        let place = self.packets.iter().rposition(|&(at, _)| at <= arrived).map_or(0, |at| at + 1);
        self.packets.insert(place, (arrived, bytes));
        let newest = self.packets.back().map_or(arrived, |&(at, _)| at);
        while self.packets.front().is_some_and(|&(at, _)| at + KEPT < newest) {
            self.packets.pop_front();
        }
    }

    /// kbit/s over half a second.
    pub fn kbps(&self) -> Option<f64> {
        self.over(LONG, 2)
    }

    /// kbit/s over the last moments.
    pub fn recent_kbps(&self) -> Option<f64> {
        let enough = self.packets.len().checked_sub(SHORT_PACKETS + 1).and_then(|at| self.packets.get(at));
        let newest = self.packets.back()?.0;
        let span = enough.map_or(KEPT, |&(at, _)| newest.saturating_sub(at)).max(SHORT);
        self.over(span, 2)
    }

    /// kbit/s over the time that the last packets stood in a queue: so long the path gave all that it has. `None` if that
    /// was too short, or too few came to tell.
    pub fn queued_kbps(&self, queue: Duration) -> Option<f64> {
        if queue < QUEUED { None } else { self.over(queue.min(SHORT), QUEUED_PACKETS) }
    }

    fn over(&self, span: Duration, least: usize) -> Option<f64> {
        let newest = self.packets.back()?.0;
        let mut within = self.packets.iter().filter(|&&(at, _)| at + span >= newest);
        // The first packet marks the beginning: its bytes came before.
        let (first, _) = within.next()?;
        let (count, bytes) = within.fold((1, 0), |(count, bytes), &(_, more)| (count + 1, bytes + more));
        let seconds = newest.saturating_sub(*first).as_secs_f64();
        (count >= least && seconds > 0.001).then(|| bytes as f64 * 8.0 / 1000.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_arrival_and_changes_are_seen_early() {
        let mut throughput = Throughput::default();
        assert_eq!(throughput.kbps(), None);
        for number in 0..100_u64 {
            throughput.add(Duration::from_millis(number * 10), 1000);
        }
        assert!((throughput.kbps().unwrap() - 800.0).abs() < 1.0);
        for number in 0..10_u64 {
            throughput.add(Duration::from_millis(1000 + number * 40), 1000);
        }
        assert!((throughput.recent_kbps().unwrap() - 200.0).abs() < 20.0, "{:?}", throughput.recent_kbps());
        assert!(throughput.kbps().unwrap() > 250.0);
    }
}
