//! What was sent, until the peer has told what came of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Acknowledged;

/// A packet that left so long before one that is told of will not be told of any more: that report was lost.
const OVERTAKEN: Duration = Duration::from_millis(100);
/// Packets remembered until the peer speaks of them.
const MOST: usize = 8_000;
/// Packets that may still be spoken of, although so many later ones were.
const LATE: u64 = 500;

/// One packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    number: u64,
    /// With its headers.
    pub bytes: usize,
    pub at: Instant,
    /// The burst that it belongs to.
    pub probe: Option<u32>,
    fate: Fate,
}

/// What was said of a packet last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Came,
    /// Never spoken of, though later ones were.
    Passed,
}

/// What is new in what the peer says of a packet.
#[derive(Debug, Clone, Copy)]
pub(super) enum News {
    Came(Sent, Duration),
    Lost(Sent),
}

/// The packets of one path that were sent lately.
#[derive(Debug, Default)]
pub(super) struct History {
    sent: VecDeque<Sent>,
    next: u64,
    highest_known: Option<u64>,
    /// What was sent before this number is told of, or will not be any more.
    settled: u64,
    in_flight: usize,
}

impl History {
    /// A packet leaves; answers its number across the transport.
    pub fn add(&mut self, bytes: usize, at: Instant, probe: Option<u32>) -> u16 {
        let number = self.next;
        self.next += 1;
        self.sent.push_back(Sent { number, bytes, at, probe, fate: Fate::Unknown });
        self.in_flight += bytes;
        if self.sent.len() > MOST {
            self.forget_first();
        }
        number as u16
    }

    /// When the last packet left.
    pub fn last_at(&self) -> Option<Instant> {
        self.sent.back().map(|last| last.at)
    }

    /// Bytes under way: nothing was told of them yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The peer has told of a packet.
    pub fn is_known(&self) -> bool {
        self.highest_known.is_some()
    }

    /// Takes what the peer tells of one packet. A number that is not of the last ones sent is another stream's, or made up.
    pub fn told(&mut self, Acknowledged { sequence, arrived }: Acknowledged) -> Option<News> {
        let newest = self.sent.back()?;
        let back = (newest.number as u16).wrapping_sub(sequence);
        let index = self.sent.len().checked_sub(1 + usize::from(back))?;
        let sent = self.sent.get_mut(index)?;
        let before = sent.fate;
        let news = match (arrived, before) {
            (Some(arrived), Fate::Unknown | Fate::Lost | Fate::Passed) => {
                sent.fate = Fate::Came;
                self.highest_known = self.highest_known.max(Some(sent.number));
                News::Came(*sent, arrived)
            }
            (None, Fate::Unknown) => {
                sent.fate = Fate::Lost;
                News::Lost(*sent)
            }
            (Some(_), Fate::Came) | (None, Fate::Lost | Fate::Came | Fate::Passed) => return None,
        };
        if before == Fate::Unknown {
            self.in_flight = self.in_flight.saturating_sub(sent.bytes);
        }
        Some(news)
    }

    /// What the peer passed over in its reports: those reports were lost, and the packets are no longer under way.
    pub fn settle(&mut self) {
        let Some(known) = self.highest_known else { return };
        let first = self.sent.front().map_or(0, |sent| sent.number);
        self.settled = self.settled.max(first);
        let Some(newest) = known.checked_sub(first).and_then(|index| self.sent.get(index as usize)) else { return };
        let newest = newest.at;
        while self.settled < known {
            let Some(sent) = self.sent.get_mut((self.settled - first) as usize) else { break };
            if sent.at + OVERTAKEN > newest {
                break;
            }
            if sent.fate == Fate::Unknown {
                sent.fate = Fate::Passed;
                self.in_flight = self.in_flight.saturating_sub(sent.bytes);
            }
            self.settled += 1;
        }
        while self.sent.front().is_some_and(|first| first.number + LATE < known) {
            self.forget_first();
        }
    }

    /// Nothing of what is under way will be told of any more.
    pub fn give_up(&mut self) {
        for sent in self.sent.iter_mut().filter(|sent| sent.fate == Fate::Unknown) {
            sent.fate = Fate::Passed;
        }
        self.in_flight = 0;
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.sent.pop_front()
            && first.fate == Fate::Unknown
        {
            self.in_flight = self.in_flight.saturating_sub(first.bytes);
        }
    }
}
