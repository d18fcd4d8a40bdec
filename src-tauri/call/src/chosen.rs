//! What others say about an invitation of mine: this device has won, another has, or it is withdrawn.

use std::time::Instant;

use crate::call::{Call, Phase};
use crate::finished::cancel_reason;
use crate::path::Path;
use crate::record::reason_of;
use crate::screening::{RECORD_BURST, Verdict};
use crate::{
    Alert, CallId, CallRecord, CancelReason, DeviceAddress, DeviceId, Direction, EndReason, HangupReason, Notice,
    Phone, Policy, RecordStatus, RosterEntry,
};

/// What a select says.
pub(crate) struct Chosen {
    pub device: DeviceId,
    pub answer: Option<String>,
    pub roster: Vec<RosterEntry>,
}

impl Phone {
    /// The inviter has chosen a device of mine.
    pub(crate) fn selected(&mut self, now: Instant, id: CallId, from: &DeviceAddress, generation: u32, chosen: Chosen) {
        let Chosen { device, answer, roster } = chosen;
        let here = device == self.me.device;
        let Some(call) = self.call(id) else {
            return self.selected_late(from, id, generation, &device);
        };
        if call.awaits(generation) {
            return self.finish_unseen(id, generation, EndReason::AnsweredElsewhere);
        }
        if call.inviter.as_ref() != Some(from) || call.generation != generation {
            return;
        }
        match (&call.phase, here) {
            (Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Accepting { .. }, false) => {
                self.notify(Notice::AcceptedElsewhere(id, device));
                self.end_as_told(now, id, EndReason::AnsweredElsewhere);
            }
            (Phase::Accepting { sent: true, .. }, true) => {
                self.enter(now, id, &roster);
                self.answered_by(id, from, answer);
            }
            (Phase::In, true) => self.answered_by(id, from, answer),
            (Phase::Waiting { .. } | Phase::Ringing { .. }, true) => {
                // Glare: they gave way to a call of mine, which is over. My other devices believe it answered here.
                self.notify(Notice::UserCancelled(id, from.user.clone()));
                self.end_as_told(now, id, EndReason::AnsweredElsewhere);
            }
            (Phase::Accepting { sent: false, .. }, true) | (Phase::In, false) | (Phase::Ended { .. }, _) => {}
        }
    }

    /// The select's answer to the accept's offer.
    fn answered_by(&mut self, id: CallId, from: &DeviceAddress, answer: Option<String>) {
        let waits = self
            .call(id)
            .and_then(|call| call.path(from))
            .is_some_and(|path| path.attempt == 0 && path.offered && path.awaiting);
        if let Some(answer) = answer.filter(|_| waits) {
            self.take_answer(id, from, answer);
        }
    }

    /// I am in the call now: the later joiner offers to everyone else.
    pub(crate) fn enter(&mut self, now: Instant, id: CallId, roster: &[RosterEntry]) {
        let Some(call) = self.call_mut(id) else { return };
        let Some(inviter) = call.inviter.clone() else { return };
        call.phase = Phase::In;
        call.answered = true;
        for member in call.members.iter_mut().filter(|member| member.is_joined()) {
            member.answered = true;
            member.selected = true;
            member.silent_since = now;
        }
        call.expect_guests(now);
        self.merge(now, id, &inviter, roster);
        let Some(call) = self.call_mut(id).filter(|call| call.is_in()) else {
            return;
        };
        let kept = std::mem::take(&mut call.kept_offers);
        for kept in kept {
            self.offer_received(now, id, kept.from, kept.attempt, kept.sdp);
        }
        let Some(call) = self.call(id) else { return };
        let unlinked = |peer: &DeviceAddress| *peer != inviter && call.path(peer).is_none();
        let others: Vec<_> = call.joined_devices().into_iter().filter(unlinked).collect();
        for peer in others {
            self.open_offerer(now, id, &peer);
        }
        let previewed = self.call(id).and_then(|call| call.path(&inviter)).is_some_and(|path| path.path == Path::Up);
        if previewed {
            self.heard(now, id, &inviter);
        }
        self.tell_roster(now, id);
        let replaced = self.call_mut(id).and_then(|call| call.replaces.take());
        if let Some(replaced) = replaced.filter(|replaced| self.call(*replaced).is_some_and(Call::is_in)) {
            self.depart(now, replaced, HangupReason::Transferred, false, EndReason::Transferred);
        }
    }

    /// The inviter withdraws.
    pub(crate) fn cancelled_there(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        generation: u32,
        cancel: CancelReason,
    ) {
        let Some(call) = self.call(id) else {
            return self.withdrawn_late(from, id, generation, &cancel);
        };
        if call.awaits(generation) {
            return self.finish_unseen(id, generation, cancel_reason(&cancel));
        }
        if call.inviter.as_ref() != Some(from) || call.generation != generation {
            return;
        }
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Accepting { .. } => {
                let reason = cancel_reason(&cancel);
                let user = from.user.clone();
                match cancel {
                    CancelReason::Cancelled => self.notify(Notice::UserCancelled(id, user)),
                    CancelReason::TimedOut => self.notify(Notice::CallTimedOut(id, user)),
                    CancelReason::RejectedElsewhere(device) => self.notify(Notice::RejectedElsewhere(id, device)),
                    CancelReason::BusyElsewhere(_) => {}
                }
                self.end_as_told(now, id, reason);
            }
            Phase::In | Phase::Ended { .. } => {}
        }
    }

    /// The caller tells how the call ended; if it still rings here, the withdrawal was lost.
    pub(crate) fn recorded_there(&mut self, now: Instant, from: &DeviceAddress, generation: u32, record: CallRecord) {
        let id = record.call;
        let Some(call) = self.call(id) else {
            let known = self.line(id).is_some();
            let welcome = known || !self.is_blocked(&from.user);
            if welcome && (known || self.record_flood.admits(now, &from.user, RECORD_BURST)) {
                self.record_received(from, generation, record);
            }
            return;
        };
        let theirs = call.inviter.as_ref() == Some(from) && generation >= call.generation;
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } if theirs => self.end_as_told(now, id, record.reason),
            Phase::Waiting { .. }
            | Phase::Ringing { .. }
            | Phase::Accepting { .. }
            | Phase::In
            | Phase::Ended { .. } => {}
        }
    }

    /// Another device of mine tells how the call ended there; if it still rings here, the inviter's word was lost.
    pub(crate) fn recorded_elsewhere(&mut self, now: Instant, from: &DeviceAddress, record: CallRecord) {
        let id = record.call;
        if from.user != self.me.user {
            return;
        }
        if let Some(call) = self.call_mut(id) {
            let rings = matches!(call.phase, Phase::Waiting { .. } | Phase::Ringing { .. });
            // An earlier part of a call to which I am invited again says nothing about this ring.
            if !rings || call.own || call.generation > 0 || record.direction != Direction::Incoming {
                if call.generation > 0 && record.status == RecordStatus::Completed {
                    call.answered = true;
                    call.talked_before = call.talked_before.max(record.duration);
                }
                return;
            }
            let device = from.device.clone();
            match record.status {
                RecordStatus::Completed => self.notify(Notice::AcceptedElsewhere(id, device)),
                RecordStatus::Rejected => self.notify(Notice::RejectedElsewhere(id, device)),
                RecordStatus::Cancelled | RecordStatus::Missed | RecordStatus::Busy => {}
            }
            self.end(now, id, reason_of(record.status));
        }
        self.shared_received(from, record);
    }

    /// Who rings now and should not any more falls silent.
    pub(crate) fn policy_changed(&mut self, now: Instant, policy: Policy) {
        self.policy = policy;
        for id in self.calls_that(|call| matches!(call.phase, Phase::Ringing { .. }) && !call.own) {
            let Some(call) = self.calls.iter_mut().find(|call| call.id == id) else {
                continue;
            };
            let Some(inviter) = call.inviter.as_ref() else { continue };
            let verdict = self.policy.verdict(&inviter.user);
            match (&mut call.phase, verdict) {
                (_, Verdict::Block) => self.end(now, id, EndReason::Blocked),
                (Phase::Ringing { alert, .. }, Verdict::Silent | Verdict::SilentHere) => *alert = Alert::Silent,
                (Phase::Ringing { .. }, Verdict::Ring)
                | (
                    Phase::Waiting { .. } | Phase::Accepting { .. } | Phase::In | Phase::Ended { .. },
                    Verdict::Ring | Verdict::Silent | Verdict::SilentHere,
                ) => {}
            }
        }
    }
}
