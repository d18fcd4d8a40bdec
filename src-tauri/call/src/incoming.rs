//! The callee's side, until the caller has chosen.

use std::time::Instant;

use crate::call::{Call, Early, Path, State};
use crate::phone::{CONNECT_LIMIT, FRESH_CALL, Finished, MISSING_CALLER};
use crate::{
    CallId, CallRecord, CancelReason, DeviceAddress, DeviceId, Direction, EndReason, HangupReason, Invite, Link,
    MAX_RING, Notice, Output, Phone, RecordStatus, Refusal, RejectReason, Signal, UserId,
};

impl Phone {
    pub(crate) fn invited(&mut self, now: Instant, from: DeviceAddress, invite: Invite, at: u64) {
        let id = invite.call;
        if let Some(call) = self.call_mut(id) {
            // The broker repeats itself; the caller may have missed that it rings here.
            if matches!(&call.state, State::Ringing { from: caller, .. } if *caller == from) {
                self.send(from, Signal::Ringing { call: id, generation: 0 });
            }
            return;
        }
        let deadline = now + invite.lifetime.min(MAX_RING);
        let mut call =
            Call::new(id, Direction::Incoming, from.user.clone(), invite.media, State::Waiting { from, deadline });
        call.invited = invite.invited;
        call.group = invite.group;
        call.message = invite.message;
        call.started_at = at;
        match self.finished(id) {
            Some(Finished::Unseen(reason)) => {
                // Cancelled before its invite came: it leaves a record and never rings.
                self.calls.push(call);
                self.end(now, id, reason);
                self.calls.retain(|call| call.id != id);
            }
            Some(Finished::Recorded) => {}
            None => {
                self.calls.push(call);
                if self.catching_up.is_none() {
                    self.ring(now, id);
                }
            }
        }
    }

    pub(crate) fn caught_up(&mut self, now: Instant) {
        self.catching_up = None;
        let waiting = |call: &&Call| matches!(call.state, State::Waiting { .. });
        for id in self.calls.iter().filter(waiting).map(|call| call.id).collect::<Vec<_>>() {
            self.ring(now, id);
        }
    }

    /// A waiting invite rings, unless glare or another call forbids it.
    fn ring(&mut self, now: Instant, id: CallId) {
        let Some(State::Waiting { from, deadline }) = self.call_mut(id).map(|call| call.state.clone()) else {
            return;
        };
        let other = self
            .calls
            .iter()
            .find(|call| call.id != id && !call.is_over() && !matches!(call.state, State::Waiting { .. }));
        let mut glare = false;
        if let Some(other) = other {
            let other_id = other.id;
            match &other.state {
                State::Calling { only: false, .. } if other.peer == from.user => {
                    if other_id < id {
                        // They will answer mine.
                        self.calls.retain(|call| call.id != id);
                        return;
                    }
                    glare = true;
                    self.yield_to(other_id, &from.device);
                }
                State::Talking { peer, path, .. } if *peer == from && path_is_old(path, other.connected_at, now) => {
                    // Their program started anew and left the old call hanging.
                    self.end(now, other_id, EndReason::IceLost);
                }
                State::Calling { .. }
                | State::Waiting { .. }
                | State::Ringing { .. }
                | State::Accepting { .. }
                | State::Talking { .. }
                | State::Ended { .. } => {
                    self.send(
                        from,
                        Signal::Reject { call: id, generation: 0, reason: RejectReason::Busy, message: None },
                    );
                    self.end(now, id, EndReason::Busy);
                    // The running call keeps the screen.
                    self.calls.retain(|call| call.id != id);
                    return;
                }
            }
        }
        self.calls.retain(|call| !call.is_over());
        let link = Link { call: id, peer: from.clone() };
        let Some(call) = self.call_mut(id) else { return };
        call.state = if glare {
            State::Accepting { from, deadline: now + CONNECT_LIMIT, sent: false, early: Early::default() }
        } else {
            State::Ringing { from, deadline, gone_at: None, offer: None, early: Early::default() }
        };
        self.outputs.push_back(Output::OpenOfferer(link.clone()));
        if glare {
            self.notify(Notice::Connecting(id));
        } else {
            self.send(link.peer, Signal::Ringing { call: id, generation: 0 });
            self.notify(Notice::Invited(id));
        }
    }

    /// Glare lost: my own call gives way, without a trace; its devices stop ringing.
    fn yield_to(&mut self, mine: CallId, winner: &DeviceId) {
        let Some(position) = self.calls.iter().position(|call| call.id == mine) else {
            return;
        };
        let call = self.calls.remove(position);
        self.finish(mine, Finished::Recorded);
        if let State::Calling { legs, .. } = call.state {
            for leg in legs {
                let to = DeviceAddress { user: call.peer.clone(), device: leg.device };
                self.send(
                    to,
                    Signal::Select {
                        call: mine,
                        generation: 0,
                        roster: Vec::new(),
                        device: winner.clone(),
                        answer: None,
                    },
                );
            }
        }
    }

    pub(crate) fn accept(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        let State::Ringing { from, offer, early, .. } = &mut call.state else {
            return self.refuse(id, Refusal::WrongState);
        };
        let (from, offer, early) = (from.clone(), offer.take(), std::mem::take(early));
        let link = Link { call: id, peer: from.clone() };
        call.state = State::Accepting { from, deadline: now + CONNECT_LIMIT, sent: false, early };
        self.notify(Notice::Connecting(id));
        if let Some(sdp) = offer {
            self.offer_ready(&link, sdp);
        }
    }

    pub(crate) fn reject(&mut self, now: Instant, id: CallId, message: Option<String>) {
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        match &call.state {
            State::Waiting { from, .. } | State::Ringing { from, .. } => {
                let from = from.clone();
                self.send(from, Signal::Reject { call: id, generation: 0, reason: RejectReason::Declined, message });
                self.end(now, id, EndReason::Rejected);
            }
            State::Calling { .. } | State::Accepting { .. } | State::Talking { .. } | State::Ended { .. } => {
                self.refuse(id, Refusal::WrongState);
            }
        }
    }

    pub(crate) fn selected(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        device: DeviceId,
        answer: Option<String>,
    ) {
        let here = device == self.me.device;
        let Some(call) = self.call_mut(id) else {
            if self.finished(id).is_none() {
                self.finish(id, Finished::Unseen(EndReason::AnsweredElsewhere));
            }
            return;
        };
        match &call.state {
            State::Waiting { from: caller, .. } | State::Ringing { from: caller, .. } if caller == from && !here => {
                self.notify(Notice::AcceptedElsewhere(id, device));
                self.end(now, id, EndReason::AnsweredElsewhere);
            }
            State::Accepting { from: caller, deadline, sent, .. } if caller == from => {
                let (deadline, sent) = (*deadline, *sent);
                if !here {
                    self.notify(Notice::AcceptedElsewhere(id, device));
                    return self.end(now, id, EndReason::AnsweredElsewhere);
                }
                let Some(answer) = answer.filter(|_| sent) else { return };
                call.answered = true;
                let early = call.take_remote(from);
                call.state =
                    State::Talking { peer: from.clone(), path: Path::New { deadline }, offered: true, settled: true };
                let link = Link { call: id, peer: from.clone() };
                self.outputs.push_back(Output::AcceptAnswer { link: link.clone(), answer });
                if !early.candidates.is_empty() || early.complete {
                    self.outputs.push_back(Output::AddCandidates {
                        link,
                        candidates: early.candidates,
                        complete: early.complete,
                    });
                }
            }
            State::Calling { .. }
            | State::Waiting { .. }
            | State::Ringing { .. }
            | State::Accepting { .. }
            | State::Talking { .. }
            | State::Ended { .. } => {}
        }
    }

    pub(crate) fn cancelled_there(&mut self, now: Instant, id: CallId, from: &DeviceAddress, cancel: CancelReason) {
        let reason = match &cancel {
            CancelReason::Cancelled => EndReason::Cancelled,
            CancelReason::TimedOut => EndReason::NoResponse,
            CancelReason::RejectedElsewhere(_) => EndReason::RejectedElsewhere,
            CancelReason::BusyElsewhere(_) => EndReason::Busy,
        };
        let Some(call) = self.call_mut(id) else {
            if self.finished(id).is_none() {
                self.finish(id, Finished::Unseen(reason));
            }
            return;
        };
        let peer = call.peer.clone();
        match &call.state {
            State::Waiting { from: caller, .. }
            | State::Ringing { from: caller, .. }
            | State::Accepting { from: caller, .. }
                if caller == from =>
            {
                match cancel {
                    CancelReason::Cancelled => self.notify(Notice::UserCancelled(id, peer)),
                    CancelReason::TimedOut => self.notify(Notice::CallTimedOut(id, peer)),
                    CancelReason::RejectedElsewhere(device) => self.notify(Notice::RejectedElsewhere(id, device)),
                    CancelReason::BusyElsewhere(_) => {}
                }
                self.end(now, id, reason);
            }
            State::Calling { .. }
            | State::Waiting { .. }
            | State::Ringing { .. }
            | State::Accepting { .. }
            | State::Talking { .. }
            | State::Ended { .. } => {}
        }
    }

    pub(crate) fn device_disappeared(&mut self, now: Instant, device: &DeviceAddress) {
        for call in self.calls.iter_mut().filter(|call| call.peer == device.user) {
            match &mut call.state {
                State::Ringing { from, gone_at, .. } if from == device => *gone_at = Some(now + MISSING_CALLER),
                State::Calling { legs, .. } => {
                    for leg in legs.iter_mut().filter(|leg| leg.device == device.device) {
                        leg.state = crate::call::LegState::Invited;
                    }
                }
                // A running call outlives the broker: its media decides.
                State::Ringing { .. }
                | State::Waiting { .. }
                | State::Accepting { .. }
                | State::Talking { .. }
                | State::Ended { .. } => {}
            }
        }
    }

    pub(crate) fn sound_failed(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        let Some(peer) = call.device().cloned() else {
            return self.refuse(id, Refusal::WrongState);
        };
        self.send(
            peer,
            Signal::Hangup { call: id, generation: 0, everyone: false, reason: HangupReason::DeviceFailed },
        );
        self.end(now, id, EndReason::DeviceFailed);
    }

    pub(crate) fn record_received(&mut self, now: Instant, from: UserId, mut record: CallRecord) {
        let id = record.call;
        record.peer = from;
        record.reason = match record.status {
            RecordStatus::Completed => EndReason::AnsweredElsewhere,
            RecordStatus::Cancelled => EndReason::Cancelled,
            RecordStatus::Rejected => EndReason::RejectedElsewhere,
            RecordStatus::Missed => EndReason::NoResponse,
            RecordStatus::Busy => EndReason::Busy,
        };
        if let Some(call) = self.call_mut(id) {
            let unanswered = matches!(call.state, State::Waiting { .. } | State::Ringing { .. });
            if unanswered && call.peer == record.peer {
                self.end(now, id, record.reason);
            }
            return;
        }
        if self.finished(id) == Some(Finished::Recorded) {
            return;
        }
        self.finish(id, Finished::Recorded);
        self.outputs.push_back(Output::Record(record));
    }
}

/// Whether a call with the very device that invites anew can be a leftover.
fn path_is_old(path: &Path, connected_at: Option<Instant>, now: Instant) -> bool {
    match path {
        Path::New { .. } => false,
        Path::Up => connected_at.is_some_and(|since| now.saturating_duration_since(since) > FRESH_CALL),
        Path::Down { .. } => true,
    }
}
