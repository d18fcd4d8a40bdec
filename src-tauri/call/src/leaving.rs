//! How people leave a call, and how a call ends.

use std::time::Instant;

use crate::call::{Call, Phase};
use crate::finished::{Finished, Line, Word};
use crate::member::Member;
use crate::path::MediaPath;
use crate::phone::{RECORD_LIFETIME, SHOWN_AFTER_FAILURE, SHOWN_AFTER_HANGUP, STALE_INVITE};
use crate::record::unanswered_status;
use crate::{
    CallId, CallRecord, CancelReason, DeviceAddress, EndReason, HangupReason, Link, Notice, Output, Phone,
    RecordStatus, Refusal, Signal, Standing, UserId,
};

impl Phone {
    /// Ends a call: for all if I am its host; before it connects: withdraws it, or declines it (kit B10, E10).
    pub(crate) fn hang_up(&mut self, now: Instant, id: CallId) {
        let mine = self.me.user.clone();
        let Some(call) = self.call(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        let everyone = call.host == mine;
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } => self.reject(now, id, false, None),
            Phase::Accepting { .. } => self.depart(now, id, HangupReason::Hangup, false, EndReason::Hangup),
            Phase::In if call.is_calling() => {
                self.depart(now, id, HangupReason::Hangup, everyone, EndReason::Cancelled);
            }
            Phase::In => self.depart(now, id, HangupReason::Hangup, everyone, EndReason::Hangup),
            Phase::Ended { .. } => {}
        }
    }

    /// Leaves a call that the others go on with (kit B09).
    pub(crate) fn leave(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } => self.refuse(id, Refusal::WrongState),
            Phase::In if call.is_calling() => self.depart(now, id, HangupReason::Hangup, false, EndReason::Cancelled),
            Phase::Accepting { .. } | Phase::In => {
                self.depart(now, id, HangupReason::Hangup, false, EndReason::Hangup);
            }
            Phase::Ended { .. } => {}
        }
    }

    /// Withdraws what rings because of me (kit B07); `record`: those who were never reached get a record (kit B08).
    pub(crate) fn cancel(&mut self, now: Instant, id: CallId, record: bool) {
        let Some(call) = self.call(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        let open: Vec<_> = call.members.iter().filter(|it| it.pending.is_some()).map(|it| it.user.clone()).collect();
        if !call.is_in() || open.is_empty() {
            return self.refuse(id, Refusal::WrongState);
        }
        if call.is_calling() {
            return self.depart_with(now, id, HangupReason::Hangup, true, EndReason::Cancelled, record);
        }
        for user in open {
            self.withdraw(now, id, &user, &CancelReason::Cancelled, EndReason::Cancelled, record);
        }
    }

    pub(crate) fn log_out(&mut self, now: Instant, reason: EndReason) {
        for id in self.calls_that(|_| true) {
            let Some(call) = self.call(id) else { continue };
            match &call.phase {
                // The person's other devices go on ringing.
                Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Ended { .. } => self.end(now, id, reason),
                Phase::Accepting { .. } | Phase::In => self.depart(now, id, HangupReason::Hangup, false, reason),
            }
        }
    }

    pub(crate) fn sound_failed(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        match &call.phase {
            Phase::Ringing { .. } | Phase::Accepting { .. } | Phase::In if !call.is_calling() => {
                self.depart(now, id, HangupReason::DeviceFailed, false, EndReason::DeviceFailed);
            }
            Phase::Waiting { .. }
            | Phase::Ringing { .. }
            | Phase::Accepting { .. }
            | Phase::In
            | Phase::Ended { .. } => self.refuse(id, Refusal::WrongState),
        }
    }

    /// Goes, and tells everyone in the call.
    pub(crate) fn depart(&mut self, now: Instant, id: CallId, why: HangupReason, everyone: bool, reason: EndReason) {
        self.depart_with(now, id, why, everyone, reason, true);
    }

    fn depart_with(
        &mut self,
        now: Instant,
        id: CallId,
        why: HangupReason,
        everyone: bool,
        reason: EndReason,
        record: bool,
    ) {
        let withdrawn = self.withdraw_all(now, id, record);
        let me = self.me.clone();
        let Some(call) = self.call(id) else { return };
        let generation = call.generation;
        let mut told = call.joined_devices();
        match &call.phase {
            // Nobody knows of me yet but the one who invited me.
            Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Accepting { .. } => {
                told = call.inviter.iter().cloned().collect();
            }
            Phase::In | Phase::Ended { .. } => {}
        }
        // Who has won and has not heard of it yet is told, so that it is in their history, too.
        let unselected: Vec<_> = call
            .members
            .iter()
            .filter(|member| call.is_in() && member.invited_by.as_ref() == Some(&me.user) && !member.selected)
            .filter_map(Member::address)
            .collect();
        // Those who stay must not wait for the ones whom I had invited.
        let entries = (withdrawn && call.is_group()).then(|| call.roster(&me));
        for winner in unselected {
            self.select(id, &winner);
        }
        for to in told {
            if let Some(entries) = entries.clone() {
                self.send(to.clone(), Signal::Roster { call: id, entries, reply: false });
            }
            self.send(to, Signal::Hangup { call: id, generation, reason: why, everyone });
        }
        self.end(now, id, reason);
    }

    /// Takes back all my open invitations of a call that ends for me; true if there were any.
    fn withdraw_all(&mut self, now: Instant, id: CallId, record: bool) -> bool {
        let Some(call) = self.call_mut(id) else { return false };
        let open: Vec<_> = call.members.iter().filter(|it| it.pending.is_some()).map(|it| it.user.clone()).collect();
        for user in &open {
            self.stop_asking(now, id, user, &CancelReason::Cancelled, EndReason::Cancelled, record);
        }
        !open.is_empty()
    }

    /// Takes back my open invitation of this person, and what follows from it.
    pub(crate) fn withdraw(
        &mut self,
        now: Instant,
        id: CallId,
        user: &UserId,
        cancel: &CancelReason,
        reason: EndReason,
        record: bool,
    ) {
        self.stop_asking(now, id, user, cancel, reason, record);
        self.gone(now, id, user, reason);
        self.tell_roster(now, id);
        self.check_alone(now, id, reason);
    }

    /// Tells every device that still rings to stop, and leaves a record for those that were never heard of.
    fn stop_asking(
        &mut self,
        now: Instant,
        id: CallId,
        user: &UserId,
        cancel: &CancelReason,
        reason: EndReason,
        record: bool,
    ) {
        let Some(call) = self.call_mut(id) else { return };
        let (media, started_at, group) = (call.media, call.started_at, call.is_group());
        let Some(member) = call.member_mut(user) else { return };
        let Some(pending) = member.pending.take() else { return };
        let generation = member.generation;
        member.standing = Standing::Left { reason };
        member.forget_media(now);
        let left = Signal::Record {
            call: id,
            generation,
            media,
            status: unanswered_status(reason),
            started_at,
            // After a decline, the message of a call of two is the callee's own.
            message: if reason == EndReason::Rejected && !group { None } else { pending.message },
        };
        for leg in pending.legs {
            let to = DeviceAddress { user: user.clone(), device: leg.device };
            self.close_path(id, &to);
            self.send(to.clone(), Signal::Cancel { call: id, generation, reason: cancel.clone() });
            if !leg.ringing && record {
                self.outputs.push_back(Output::Send { to, signal: left.clone(), lifetime: RECORD_LIFETIME });
            }
        }
    }

    /// Somebody has left, or is not coming: says so.
    pub(crate) fn gone(&mut self, now: Instant, id: CallId, user: &UserId, reason: EndReason) {
        let me = self.me.user.clone();
        let Some(call) = self.call_mut(id) else { return };
        let group = call.is_group();
        let Some(member) = call.member_mut(user) else { return };
        let was_in = member.entered;
        let transfer = std::mem::take(&mut member.transfer);
        let fetcher = member.invited_by.clone();
        member.stale_at = None;
        member.forget_media(now);
        let taken_over_by = call
            .members
            .iter()
            .find(|it| it.transfer && it.is_joined() && it.invited_by.as_ref() == Some(user))
            .map(|it| it.user.clone());
        let fetcher_here = fetcher.is_some_and(|by| by == me || call.member(&by).is_some_and(Member::is_joined));
        for other in call.members.iter_mut().filter(|it| it.is_inviting() && it.invited_by.as_ref() == Some(user)) {
            // Their invitation may have been withdrawn without my hearing of it.
            let stale_at = now + STALE_INVITE;
            other.stale_at = Some(other.stale_at.map_or(stale_at, |at| at.min(stale_at)));
        }
        let ends = |path: &&MediaPath| path.peer.user == *user && path.lingers_until.is_none();
        let open: Vec<_> = call.paths.iter().filter(ends).map(|it| it.peer.clone()).collect();
        if call.transfer.as_ref().is_some_and(|it| it.to == *user) {
            call.transfer = None;
        }
        if call.switch.is_some() && call.only_other().is_none() {
            call.switch = None;
        }
        call.kept_offers.retain(|kept| kept.from.user != *user);
        for peer in open {
            self.close_path(id, &peer);
        }
        if group || was_in {
            self.notify(Notice::UserLeft(id, user.clone(), reason));
        }
        if transfer && fetcher_here {
            self.notify(Notice::TransferFailed(id, user.clone(), reason));
        }
        if let Some(to) = taken_over_by.filter(|_| reason == EndReason::Transferred) {
            self.notify(Notice::Transferred(id, to));
        }
    }

    /// The last one left ends the call.
    pub(crate) fn check_alone(&mut self, now: Instant, id: CallId, last: EndReason) {
        let Some(call) = self.call(id).filter(|call| call.is_in()) else {
            return;
        };
        let fetching = call.transfer.is_some() && call.answered && call.is_calling();
        if fetching {
            // Nobody is there any more to be passed on.
            return self.depart(now, id, HangupReason::Hangup, false, last);
        }
        if call.members.iter().all(Member::is_left) {
            let reason = alone_reason(call, last);
            self.end(now, id, reason);
        }
    }

    /// Ends a call as the one who invited me says: that is what the history keeps.
    pub(crate) fn end_as_told(&mut self, now: Instant, id: CallId, reason: EndReason) {
        self.end(now, id, reason);
        let finished = self.finished.iter_mut().rev().find(|it| it.call == id);
        if let Some(line) = finished.and_then(|it| it.line.as_mut()) {
            line.word = Word::Callers;
        }
    }

    /// The one way in which a call ends: closes its peer connections, leaves its record, says so.
    pub(crate) fn end(&mut self, now: Instant, id: CallId, reason: EndReason) {
        self.withdraw_all(now, id, true);
        let me = self.me.user.clone();
        let Some(call) = self.call_mut(id) else { return };
        let record = call.record(now, reason, &me);
        let (generation, inviter, answered) = (call.generation, call.inviter.clone(), call.answered);
        let group = call.is_group();
        let shared = !call.own && took_part(call, &record);
        let accepted = matches!(call.phase, Phase::Accepting { .. } | Phase::In);
        let unheard = call.is_waiting();
        let open = std::mem::take(&mut call.paths);
        let leaving: Vec<_> = call
            .members
            .iter()
            .filter(|member| member.is_joined() && member.entered && !group)
            .map(|member| member.user.clone())
            .collect();
        let calm = matches!(
            reason,
            EndReason::Hangup
                | EndReason::Cancelled
                | EndReason::AnsweredElsewhere
                | EndReason::RejectedElsewhere
                | EndReason::Transferred
        );
        let shown = if calm { SHOWN_AFTER_HANGUP } else { SHOWN_AFTER_FAILURE };
        let duration = record.duration;
        call.phase = Phase::Ended { reason, duration, until: now + shown };
        call.forget();
        let word = if answered { Word::Callers } else { Word::Mine };
        let line = Line { record: record.clone(), generation, inviter, word, shared, accepted };
        self.finish(Finished { call: id, generation, unseen: None, line: Some(line) });
        for path in open {
            self.outputs.push_back(Output::ClosePeer(Link { call: id, peer: path.peer }));
        }
        for user in leaving {
            self.notify(Notice::UserLeft(id, user, reason));
        }
        if shared {
            self.outputs.push_back(Output::ShareRecord(record.clone()));
        }
        self.outputs.push_back(Output::Record(record));
        self.notify(Notice::Ended(id, reason, duration));
        if unheard {
            // It never was on the screen.
            self.calls.retain(|call| call.id != id);
        }
        if !self.is_busy() {
            self.muted = false;
            self.video = false;
            self.stream = None;
            self.media_revision = 0;
        }
    }
}

impl Call {
    /// Lets go of what only a running call needs.
    fn forget(&mut self) {
        self.early_remote.clear();
        self.kept_offers.clear();
        self.switch = None;
        self.transfer = None;
        self.replaces = None;
        self.cut_off_since = None;
    }
}

/// This device made the call, was in it, or declined it: my other devices want to know. What only the caller knows for
/// sure they hear from the caller.
fn took_part(call: &Call, record: &CallRecord) -> bool {
    match &call.phase {
        Phase::In => record.reason != EndReason::AnsweredElsewhere,
        Phase::Accepting { .. } => record.status == RecordStatus::Rejected && record.reason == EndReason::Hangup,
        Phase::Waiting { .. } | Phase::Ringing { .. } => call.declined_here,
        Phase::Ended { .. } => false,
    }
}

/// Why a call ended that nobody came to, or that everybody left.
fn alone_reason(call: &Call, last: EndReason) -> EndReason {
    if call.answered {
        return last;
    }
    let reasons: Vec<_> = call.members.iter().filter_map(Member::left_for).collect();
    if reasons.iter().all(|reason| *reason == last) {
        return last;
    }
    let telling = [EndReason::Rejected, EndReason::Busy, EndReason::NoResponse, EndReason::Unreachable];
    telling.into_iter().find(|reason| reasons.contains(reason)).unwrap_or(last)
}

/// How a hang-up from the other side is shown here.
pub(crate) const fn end_reason(reason: HangupReason, plain: EndReason) -> EndReason {
    match reason {
        HangupReason::Hangup | HangupReason::Gone => plain,
        HangupReason::IceFailed => EndReason::IceFailed,
        HangupReason::IceLost => EndReason::IceLost,
        HangupReason::DeviceFailed => EndReason::DeviceFailed,
        HangupReason::Transferred => EndReason::Transferred,
    }
}
