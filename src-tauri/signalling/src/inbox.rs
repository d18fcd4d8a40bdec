//! From bytes in a topic to a signal that is worth reporting.

mod backlog;
mod held;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use peal_call::{DeviceAddress, Signal};
use uuid::Uuid;

use crate::directory::{DeviceKey, Directory};
use crate::flood::{Admission, Lanes, Waiting};
use crate::keys::SealError;
use crate::wire::{Body, Envelope, WireError};
use crate::{AppKey, DeviceKeys, DevicePublicKey, DropReason, Notice, ReplayGuard};

use backlog::Backlog;
use held::{Held, HeldSignals, WAIT_FOR_PRESENCE, WAIT_FOR_TRUST};

/// Opens what arrives, and holds for a while what can't be opened yet.
#[derive(Debug)]
pub(crate) struct Inbox {
    app: AppKey,
    me: DeviceAddress,
    keys: DeviceKeys,
    guard: ReplayGuard,
    lanes: Lanes,
    held: HeldSignals,
    backlog: Option<Backlog>,
    drops: HashMap<DropReason, u64>,
}

/// What became of an envelope.
enum Outcome {
    Report(Vec<Notice>),
    Drop(DropReason),
    Hold(DropReason, Duration),
}

impl Inbox {
    pub(crate) fn new(app: AppKey, me: DeviceAddress, keys: DeviceKeys, guard: ReplayGuard) -> Self {
        let (lanes, held) = (Lanes::default(), HeldSignals::default());
        Self { app, me, keys, guard, lanes, held, backlog: None, drops: HashMap::new() }
    }

    /// A connection begins: what comes now was queued, and is kept until [`Self::end_backlog`].
    pub(crate) fn begin_backlog(&mut self) {
        self.backlog.get_or_insert_default();
    }

    /// Everything queued has come: gives it with each sender's signals in the order of sending.
    pub(crate) fn end_backlog(&mut self) -> Vec<Notice> {
        self.lanes.end_backlog();
        self.backlog.take().unwrap_or_default().in_order()
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

    /// Takes a message that has just come, or lets it wait for its sender's turn ([`Self::next`]).
    pub(crate) fn take(&mut self, directory: &mut Directory, message: Waiting, now: Instant) -> Vec<Notice> {
        let from = message.from.clone();
        match self.lanes.admit(message, self.backlog.is_some(), now) {
            Admission::Now(message) => self.read(directory, message, now),
            Admission::Later => Vec::new(),
            Admission::Never { first } => {
                let notices = self.drop_one(DropReason::Flooded, Some(from));
                // Counted each time; told once, or the telling would be the flood.
                if first { notices } else { Vec::new() }
            }
        }
    }

    /// Reads the next message that waited for its turn, if any may be read now.
    pub(crate) fn next(&mut self, directory: &mut Directory, now: Instant) -> Option<Vec<Notice>> {
        let message = self.lanes.next(now)?;
        Some(self.read(directory, message, now))
    }

    /// When [`Self::next`] has something.
    pub(crate) fn next_turn(&self) -> Option<Instant> {
        self.lanes.next_deadline()
    }

    /// The connection is gone, and what waits has been acknowledged: reads all of it, and ends the backlog.
    pub(crate) fn end_connection(&mut self, directory: &mut Directory, now: Instant) -> Vec<Notice> {
        let waiting = self.lanes.drain();
        let mut notices: Vec<Notice> =
            waiting.into_iter().flat_map(|message| self.read(directory, message, now)).collect();
        notices.extend(self.end_backlog());
        notices
    }

    /// The sender's presence has come, or its key is trusted: what is held of it may be opened now.
    pub(crate) fn release(&mut self, directory: &mut Directory, from: &DeviceAddress, now: Instant) -> Vec<Notice> {
        let mut notices = Vec::new();
        for held in self.held.take_of(from) {
            if held.is_stale(now) {
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
        let mut notices = Vec::new();
        for held in self.held.take_late(now) {
            if held.is_stale(now) {
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
        self.held.next_deadline()
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

    /// Reads an envelope out of an inbox, written by `from` according to the broker.
    fn read(&mut self, directory: &mut Directory, message: Waiting, now: Instant) -> Vec<Notice> {
        let Waiting { to, from, payload, end } = message;
        let envelope = match Envelope::read(&payload) {
            Ok(envelope) => envelope,
            Err(error) => return self.drop_one(reason(&error), Some(from)),
        };
        if to != self.me.user || !envelope.is_to_user_of(&self.me) {
            return self.drop_one(DropReason::Misaddressed, Some(from));
        }
        if !envelope.is_from(&from) {
            return self.drop_one(DropReason::Forged, Some(from));
        }
        // Every device of the account reads the same inbox.
        if !envelope.is_to(&self.me) {
            return Vec::new();
        }
        if self.guard.knows(envelope.id) || self.held.knows(envelope.id) {
            return self.drop_one(DropReason::Replayed, Some(from));
        }
        if end.is_some_and(|end| end <= now) {
            return self.drop_one(DropReason::Stale, Some(from));
        }
        // What is held goes first, or the sender's order would be lost.
        let outcome = match self.held.first_of(&from) {
            Some(first) => Outcome::Hold(first.why, first.deadline.saturating_duration_since(now)),
            None => self.open(directory, &from, &envelope, true),
        };
        match outcome {
            Outcome::Report(notices) => notices,
            Outcome::Drop(why) => self.drop_one(why, Some(from)),
            Outcome::Hold(why, wait) => {
                let mut notices = Vec::new();
                if let Some(DeviceKey::Changed { pinned, shown }) = directory.key_of(&from) {
                    notices.push(Notice::KeyChanged { address: from.clone(), old: pinned, new: shown });
                }
                notices.extend(self.hold(Held { from, envelope, deadline: now + wait, end, why }));
                notices
            }
        }
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
            Some(DeviceKey::Pinned(key)) => (key, false),
            Some(DeviceKey::Shown(key)) => (key, true),
            None => return Outcome::Hold(DropReason::UnknownSender, WAIT_FOR_PRESENCE),
            Some(DeviceKey::Changed { .. }) => return Outcome::Hold(DropReason::UntrustedKey, WAIT_FOR_TRUST),
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
        if first_contact && !directory.may_pin(&from.user) {
            return Outcome::Drop(DropReason::Flooded);
        }
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
            Some(backlog) => backlog.push(from.clone(), body.boot, body.seq, notice),
            None => notices.push(notice),
        }
        Outcome::Report(notices)
    }

    fn hold(&mut self, held: Held) -> Vec<Notice> {
        let (why, from) = (held.why, held.from.clone());
        if self.held.push(held) { Vec::new() } else { self.drop_one(why, Some(from)) }
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
