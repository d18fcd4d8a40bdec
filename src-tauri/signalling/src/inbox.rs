//! From bytes in a topic to a signal that is worth reporting.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use peal_call::{DeviceAddress, Signal, UserId};
use uuid::Uuid;

use crate::directory::{Directory, KeyOf};
use crate::keys::SealError;
use crate::wire::{Body, Envelope, WireError};
use crate::{AppKey, DeviceKeys, DevicePublicKey, DropReason, Notice, ReplayGuard};

/// Most signals that are held, in all and of one sender.
const HELD: usize = 256;
const HELD_OF_ONE: usize = 64;
/// How long a signal may come before its sender's presence.
const WAIT_FOR_PRESENCE: Duration = Duration::from_secs(5);
/// How long a signal waits for the person to trust a changed key.
const WAIT_FOR_TRUST: Duration = Duration::from_mins(1);

/// Opens what arrives, and holds for a while what can't be opened yet.
#[derive(Debug)]
pub(crate) struct Inbox {
    app: AppKey,
    me: DeviceAddress,
    keys: DeviceKeys,
    guard: ReplayGuard,
    held: VecDeque<Held>,
    /// Signals since the connection began, until it has caught up.
    backlog: Option<Vec<Opened>>,
    drops: HashMap<DropReason, u64>,
}

#[derive(Debug)]
struct Held {
    from: DeviceAddress,
    envelope: Envelope,
    deadline: Instant,
    /// The message's own end, by the broker's expiry.
    end: Option<Instant>,
    why: DropReason,
}

/// A signal that may have been swapped with others of its sender while the broker stored it.
#[derive(Debug)]
struct Opened {
    from: DeviceAddress,
    boot: Uuid,
    seq: u64,
    notice: Notice,
}

/// What became of an envelope.
enum Outcome {
    Report(Vec<Notice>),
    Drop(DropReason),
    Hold(DropReason, Duration),
}

impl Inbox {
    pub(crate) fn new(app: AppKey, me: DeviceAddress, keys: DeviceKeys, guard: ReplayGuard) -> Self {
        Self { app, me, keys, guard, held: VecDeque::new(), backlog: None, drops: HashMap::new() }
    }

    /// A connection begins: what comes now was queued, and is kept until [`Self::end_backlog`].
    pub(crate) fn begin_backlog(&mut self) {
        self.backlog.get_or_insert_default();
    }

    /// Everything queued has come: gives it with each sender's signals in the order of sending. Brokers keep that
    /// order on the line, but not all do on their disks.
    pub(crate) fn end_backlog(&mut self) -> Vec<Notice> {
        let backlog = self.backlog.take().unwrap_or_default();
        let mut places: HashMap<(DeviceAddress, Uuid), Vec<usize>> = HashMap::new();
        for (place, opened) in backlog.iter().enumerate() {
            places.entry((opened.from.clone(), opened.boot)).or_default().push(place);
        }
        let mut target = vec![0; backlog.len()];
        for of_one in places.into_values() {
            let mut sorted = of_one.clone();
            sorted.sort_by_key(|place| backlog[*place].seq);
            for (to, from) in of_one.into_iter().zip(sorted) {
                target[from] = to;
            }
        }
        let mut placed: Vec<(usize, Notice)> =
            target.into_iter().zip(backlog).map(|(place, opened)| (place, opened.notice)).collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, notice)| notice).collect()
    }

    /// Seals a body as this device.
    pub(crate) fn seal(
        &self,
        to: &DeviceAddress,
        key: &DevicePublicKey,
        sent_at: u64,
        body: &Body,
    ) -> Result<(Uuid, Vec<u8>), WireError> {
        Envelope::seal(&self.app, &self.keys, &self.me, (to, key), sent_at, body)
    }

    /// Takes an envelope out of `to`'s inbox, written by `from` according to the broker. `life` is what the broker
    /// says is left of it.
    pub(crate) fn take(
        &mut self,
        directory: &mut Directory,
        (to, from): (&UserId, DeviceAddress),
        bytes: &[u8],
        life: Option<Duration>,
        now: Instant,
    ) -> Vec<Notice> {
        let envelope = match Envelope::read(bytes) {
            Ok(envelope) => envelope,
            Err(error) => return self.drop_one(reason(&error), Some(from)),
        };
        if *to != self.me.user || !envelope.is_to_user_of(&self.me) {
            return self.drop_one(DropReason::Misaddressed, Some(from));
        }
        if !envelope.is_from(&from) {
            return self.drop_one(DropReason::Forged, Some(from));
        }
        // Every device of the account reads the same inbox.
        if !envelope.is_to(&self.me) {
            return Vec::new();
        }
        if self.guard.knows(envelope.id) || self.held.iter().any(|held| held.envelope.id == envelope.id) {
            return self.drop_one(DropReason::Replayed, Some(from));
        }
        let end = life.map(|life| now + life);
        // What is held goes first, or the sender's order would be lost.
        if let Some(first) = self.held.iter().find(|held| held.from == from) {
            let (why, deadline) = (first.why, first.deadline);
            return self.hold(Held { from, envelope, deadline, end, why });
        }
        match self.open(directory, &from, &envelope, true) {
            Outcome::Report(notices) => notices,
            Outcome::Drop(why) => self.drop_one(why, Some(from)),
            Outcome::Hold(why, wait) => self.hold(Held { from, envelope, deadline: now + wait, end, why }),
        }
    }

    /// The sender's presence has come, or its key is trusted: what is held of it may be opened now.
    pub(crate) fn release(&mut self, directory: &mut Directory, from: &DeviceAddress, now: Instant) -> Vec<Notice> {
        let (mine, others): (VecDeque<Held>, VecDeque<Held>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.from == *from);
        self.held = others;
        let mut notices = Vec::new();
        for held in mine {
            if held.end.is_some_and(|end| end <= now) {
                notices.extend(self.drop_one(DropReason::Stale, Some(held.from)));
                continue;
            }
            match self.open(directory, &held.from, &held.envelope, true) {
                Outcome::Report(more) => notices.extend(more),
                Outcome::Drop(why) => notices.extend(self.drop_one(why, Some(held.from))),
                Outcome::Hold(why, wait) => {
                    let deadline = if why == held.why { held.deadline } else { now + wait };
                    notices.extend(self.hold(Held { deadline, why, ..held }));
                }
            }
        }
        notices
    }

    /// Gives up on what has been held too long.
    pub(crate) fn expire(&mut self, directory: &mut Directory, now: Instant) -> Vec<Notice> {
        let (late, kept): (VecDeque<Held>, VecDeque<Held>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.until() <= now);
        self.held = kept;
        let mut notices = Vec::new();
        for held in late {
            if held.end.is_some_and(|end| end <= now) {
                notices.extend(self.drop_one(DropReason::Stale, Some(held.from)));
                continue;
            }
            match self.open(directory, &held.from, &held.envelope, false) {
                Outcome::Report(more) => notices.extend(more),
                Outcome::Drop(why) | Outcome::Hold(why, _) => notices.extend(self.drop_one(why, Some(held.from))),
            }
        }
        notices
    }

    /// When [`Self::expire`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.held.iter().map(Held::until).min()
    }

    /// Counts something that was thrown away before it was an envelope.
    pub(crate) fn drop_one(&mut self, why: DropReason, from: Option<DeviceAddress>) -> Vec<Notice> {
        let count = self.drops.entry(why).or_default();
        *count += 1;
        tracing::debug!(?why, count, "a received message was dropped");
        vec![Notice::Dropped { why, from }]
    }

    pub(crate) fn drops(&self) -> HashMap<DropReason, u64> {
        self.drops.clone()
    }

    pub(crate) fn guard(&self) -> ReplayGuard {
        self.guard.clone()
    }

    /// Tries to open. `may_hold`: the key may still turn up.
    fn open(
        &mut self,
        directory: &mut Directory,
        from: &DeviceAddress,
        envelope: &Envelope,
        may_hold: bool,
    ) -> Outcome {
        let (key, first_contact) = match directory.key_of(from) {
            KeyOf::Pinned(key) => (key, false),
            KeyOf::New(key) => (key, true),
            KeyOf::Unknown => return Outcome::Hold(DropReason::UnknownSender, WAIT_FOR_PRESENCE),
            KeyOf::Changed => return Outcome::Hold(DropReason::UntrustedKey, WAIT_FOR_TRUST),
        };
        let body = match envelope.open(&self.app, &self.keys, (from, &key), &self.me) {
            Ok(body) => body,
            Err(WireError::UnknownKind { kind, call, boot, seq }) => {
                if !self.guard.take(from, envelope.id, boot, seq) {
                    return Outcome::Drop(DropReason::Replayed);
                }
                let mut notices = self.drop_one(DropReason::UnknownKind, Some(from.clone()));
                notices.push(Notice::UnknownKind { from: from.clone(), kind, call });
                return Outcome::Report(notices);
            }
            // Perhaps the sender has a new key, and its presence is still on the way.
            Err(WireError::Seal(SealError::Broken)) if may_hold && !directory.is_fresh(from) => {
                return Outcome::Hold(DropReason::Forged, WAIT_FOR_PRESENCE);
            }
            Err(error) => return Outcome::Drop(reason(&error)),
        };
        if !self.guard.take(from, envelope.id, body.boot, body.seq) {
            return Outcome::Drop(DropReason::Replayed);
        }
        // A line of the history is believed from one's own devices alone.
        if matches!(body.signal, Signal::Shared(_)) && from.user != self.me.user {
            return Outcome::Drop(DropReason::Forged);
        }
        let mut notices = Vec::new();
        if first_contact && directory.pin(from, key) {
            notices.push(Notice::Pinned { address: from.clone(), key });
        }
        let notice = Notice::Signal { from: from.clone(), signal: body.signal, id: envelope.id, first_contact };
        match &mut self.backlog {
            Some(backlog) => {
                backlog.push(Opened { from: from.clone(), boot: body.boot, seq: body.seq, notice });
            }
            None => notices.push(notice),
        }
        Outcome::Report(notices)
    }

    fn hold(&mut self, held: Held) -> Vec<Notice> {
        let of_one = self.held.iter().filter(|other| other.from == held.from).count();
        if self.held.len() >= HELD || of_one >= HELD_OF_ONE {
            return self.drop_one(held.why, Some(held.from));
        }
        self.held.push_back(held);
        Vec::new()
    }
}

impl Held {
    fn until(&self) -> Instant {
        self.end.map_or(self.deadline, |end| end.min(self.deadline))
    }
}

fn reason(error: &WireError) -> DropReason {
    match error {
        WireError::Oversized => DropReason::Oversized,
        WireError::Malformed => DropReason::Malformed,
        WireError::Version(_) => DropReason::Version,
        WireError::UnknownKind { .. } => DropReason::UnknownKind,
        WireError::Seal(_) => DropReason::Forged,
    }
}

#[cfg(test)]
mod tests;
