//! Signals that can't be opened yet: their sender's presence is missing, or its key has changed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use peal_call::DeviceAddress;
use uuid::Uuid;

use crate::DropReason;
use crate::wire::Envelope;

/// Most signals that are held, in all and of one person.
const HELD: usize = 1024;
pub(super) const HELD_OF_ONE: usize = 64;
/// How long a signal may come before its sender's presence.
pub(super) const WAIT_FOR_PRESENCE: Duration = Duration::from_secs(5);
/// How long a signal waits for the person to trust a changed key.
pub(super) const WAIT_FOR_TRUST: Duration = Duration::from_mins(1);

/// In the order of coming.
#[derive(Debug, Default)]
pub(super) struct HeldSignals {
    all: VecDeque<Held>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) from: DeviceAddress,
    pub(super) envelope: Envelope,
    pub(super) deadline: Instant,
    /// The message's own end, by the broker's expiry.
    pub(super) end: Option<Instant>,
    pub(super) why: DropReason,
}

impl Held {
    /// Its own time is over, whatever becomes of its sender's key.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        self.end.is_some_and(|end| end <= now)
    }

    fn until(&self) -> Instant {
        self.end.map_or(self.deadline, |end| end.min(self.deadline))
    }
}

impl HeldSignals {
    /// Holds one; `false` when too much is held.
    pub(super) fn push(&mut self, held: Held) -> bool {
        let of_one = self.all.iter().filter(|other| other.from.user == held.from.user).count();
        if self.all.len() >= HELD || of_one >= HELD_OF_ONE {
            return false;
        }
        self.all.push_back(held);
        true
    }

    pub(super) fn knows(&self, id: Uuid) -> bool {
        self.all.iter().any(|held| held.envelope.id == id)
    }

    /// The first that is held of a device.
    pub(super) fn first_of(&self, from: &DeviceAddress) -> Option<&Held> {
        self.all.iter().find(|held| held.from == *from)
    }

    /// Takes all of a device.
    pub(super) fn take_of(&mut self, from: &DeviceAddress) -> Vec<Held> {
        self.take_if(|held| held.from == *from)
    }

    /// Takes what has been held too long.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<Held> {
        self.take_if(|held| held.until() <= now)
    }

    /// When [`Self::take_late`] has something.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.all.iter().map(Held::until).min()
    }

    fn take_if(&mut self, wanted: impl Fn(&Held) -> bool) -> Vec<Held> {
        let (taken, kept): (VecDeque<Held>, VecDeque<Held>) =
            std::mem::take(&mut self.all).into_iter().partition(wanted);
        self.all = kept;
        taken.into()
    }
}
