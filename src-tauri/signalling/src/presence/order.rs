//! In which order one run of a program says who it is.

use std::sync::atomic::{AtomicU64, Ordering};

/// Changes of a presence that one connection can number.
const CHANGES: u64 = 1 << 16;

/// A run logs in and out and in again, always as the same boot id: its connections are counted together.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Numbers what one connection says of its device: above everything that earlier connections said, and with the last
/// will, which is written first and said after everything else, as the last.
#[derive(Debug)]
pub(crate) struct Order {
    next: u64,
    will: u64,
}

impl Order {
    /// That of a new connection.
    pub(crate) fn begin() -> Self {
        let first = CONNECTIONS.fetch_add(1, Ordering::Relaxed).saturating_mul(CHANGES);
        Self { next: first, will: first.saturating_add(CHANGES - 1) }
    }

    /// The number of the next thing said. Whoever says more than can be numbered stays at the last number: equal ones
    /// count as they come.
    pub(crate) fn advance(&mut self) -> u64 {
        let number = self.next;
        self.next = (number + 1).min(self.will - 1);
        number
    }

    /// The number of the last will.
    pub(crate) const fn will(&self) -> u64 {
        self.will
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connections_will_comes_after_all_it_says_and_before_all_the_next_one_says() {
        let mut earlier = Order::begin();
        let mut later = Order::begin();
        let mut last = 0;
        for n in 0..CHANGES + 5 {
            let number = earlier.advance();
            assert!(number > last || n >= CHANGES - 1, "{n}: {number} after {last}");
            last = number;
        }
        assert!(last < earlier.will());
        assert!(earlier.will() < later.advance());
    }
}
