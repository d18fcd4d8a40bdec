//! Who may ring here, and how: the person's policy, and a limit for those who ask too often.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::{Policy, Unknown, UserId};

/// One invite is granted to each sender in this time...
const REFILL: Duration = Duration::from_secs(6);
/// ...and so many at once, if they were quiet before.
pub(crate) const INVITE_BURST: u32 = 10;
/// The same for lines in my history that somebody's device writes: those of days may wait at the broker.
pub(crate) const RECORD_BURST: u32 = 100;
/// The most calls of one sender that may ring or wait at once.
pub(crate) const OPEN_LIMIT: usize = 3;
/// How many senders are kept in mind; the one heard of longest ago goes first.
const SENDERS_LIMIT: usize = 1024;

/// What the policy says of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It rings.
    Ring,
    /// It is shown and recorded; the caller hears ringing and in the end "no response".
    Silent,
    /// It is shown and recorded, and the caller is not told that this device has it.
    SilentHere,
    /// As if there were nobody.
    Block,
}

impl Policy {
    /// What becomes of an invite by `caller`.
    pub(crate) fn verdict(&self, caller: &UserId) -> Verdict {
        let stranger = !self.known.contains(caller);
        if self.blocked.contains(caller) || (stranger && self.unknown == Unknown::Block) {
            Verdict::Block
        } else if !self.ring_here {
            Verdict::SilentHere
        } else if self.do_not_disturb
            || self.silenced.contains(caller)
            || (stranger && self.unknown == Unknown::Silence)
        {
            Verdict::Silent
        } else {
            Verdict::Ring
        }
    }
}

/// How much each sender may still send: a leaky bucket for each (GCRA, ITU-T I.371).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Flood {
    /// The sender, and when their bucket will be full again. The one heard of last is at the end.
    senders: VecDeque<(UserId, Instant)>,
    /// How much was dropped.
    pub dropped: u64,
}

impl Flood {
    /// Takes one out of the sender's bucket, which holds `burst`; false if it is empty.
    pub fn admits(&mut self, now: Instant, sender: &UserId, burst: u32) -> bool {
        let position = self.senders.iter().position(|(user, _)| user == sender);
        let (user, full_at) =
            position.and_then(|position| self.senders.remove(position)).unwrap_or_else(|| (sender.clone(), now));
        let next = full_at.max(now) + REFILL;
        let admitted = next.saturating_duration_since(now) <= REFILL * burst;
        self.senders.push_back((user, if admitted { next } else { full_at }));
        if self.senders.len() > SENDERS_LIMIT {
            self.senders.pop_front();
        }
        if !admitted {
            self.dropped += 1;
        }
        admitted
    }

    /// Puts one back into the sender's bucket: what was welcome is no flood.
    pub fn give_back(&mut self, sender: &UserId) {
        if let Some((_, full_at)) = self.senders.iter_mut().find(|(user, _)| user == sender) {
            *full_at = full_at.checked_sub(REFILL).unwrap_or(*full_at);
        }
    }

    /// How many senders are kept in mind.
    pub fn senders(&self) -> usize {
        self.senders.len()
    }
}
