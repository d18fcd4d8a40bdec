//! Passing a call on, and making one call of two. Both are an invitation; who passes on leaves once they have come.

use std::time::{Duration, Instant};

use crate::call::{Call, Transfer};
use crate::member::Member;
use crate::outgoing::Asking;
use crate::{CallId, Callee, DEFAULT_RING, DeviceAddress, EndReason, HangupReason, MAX_RING, Notice, Phone, Refusal};

impl Phone {
    /// Passes a call on to somebody without asking them first.
    pub(crate) fn transfer(&mut self, now: Instant, id: CallId, callee: Callee, lifetime: Duration) {
        let asking =
            Asking { only: false, message: None, lifetime: lifetime.min(MAX_RING), transfer: true, replaces: None };
        self.pass_on(now, id, callee, &asking);
    }

    /// Passes a call on to the one whom I talk with in another (`target`).
    pub(crate) fn transfer_to(&mut self, now: Instant, id: CallId, target: CallId) {
        let other = self.call(target).filter(|call| call.is_in() && !call.own).and_then(Call::only_other);
        let Some(callee) = other.and_then(this_device).filter(|_| id != target) else {
            let refusal = if self.call(target).is_some() { Refusal::WrongState } else { Refusal::UnknownCall };
            return self.refuse(id, refusal);
        };
        let replaces = Some(target);
        let asking = Asking { only: true, message: None, lifetime: DEFAULT_RING, transfer: true, replaces };
        self.pass_on(now, id, callee, &asking);
    }

    fn pass_on(&mut self, now: Instant, id: CallId, callee: Callee, asking: &Asking) {
        let me = self.me.user.clone();
        let to = callee.user.clone();
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        if call.is_calling() || call.transfer.is_some() {
            return self.refuse(id, Refusal::WrongState);
        }
        if let Err(refusal) = self.ask_in(now, id, vec![callee], asking) {
            return self.refuse(id, refusal);
        }
        if let Some(call) = self.call_mut(id) {
            call.transfer = Some(Transfer { to: to.clone(), leave_at: None });
        }
        self.notify(Notice::Transferring(id, me, to));
    }

    /// Brings the one whom I talk with in `id` into another call of mine.
    pub(crate) fn merge_calls(&mut self, now: Instant, id: CallId, into: CallId) {
        let other = self.call(id).filter(|call| call.is_in() && !call.own).and_then(Call::only_other);
        let runs = self.call(into).is_some_and(|call| call.is_in() && !call.is_calling());
        let Some(callee) = other.and_then(this_device).filter(|_| id != into && runs) else {
            let known = self.call(id).is_some() && self.call(into).is_some();
            return self.refuse(id, if known { Refusal::WrongState } else { Refusal::UnknownCall });
        };
        let replaces = Some(id);
        let asking = Asking { only: true, message: None, lifetime: DEFAULT_RING, transfer: false, replaces };
        if let Err(refusal) = self.ask_in(now, into, vec![callee], &asking) {
            self.refuse(id, refusal);
        }
    }

    /// I am needed no more.
    pub(crate) fn transfer_done(&mut self, now: Instant, id: CallId) {
        let Some(transfer) = self.call_mut(id).and_then(|call| call.transfer.take()) else {
            return;
        };
        self.notify(Notice::Transferred(id, transfer.to));
        self.depart(now, id, HangupReason::Transferred, false, EndReason::Transferred);
    }

    /// Somebody with whom I talked in `old` has come into `new`, which takes its place.
    pub(crate) fn replaced(&mut self, now: Instant, old: CallId, new: CallId, by: &DeviceAddress) {
        let talks = self.call(old).filter(|call| call.is_in()).is_some_and(|call| call.is_joined(by));
        if !talks {
            return;
        }
        self.depart(now, old, HangupReason::Transferred, false, EndReason::Transferred);
        if self.call(new).is_some_and(|call| call.on_hold && call.transfer.is_none()) {
            self.resume(new);
        }
    }
}

/// A person by the very device with which they are in a call.
fn this_device(member: &Member) -> Option<Callee> {
    member.device().map(|device| Callee { user: member.user.clone(), devices: vec![device.clone()] })
}
