//! How others leave: they hang up, their programs go and come back.

use std::time::Instant;

use crate::call::{Call, Phase};
use crate::phone::MISSING_CALLER;
use crate::{CallId, DeviceAddress, EndReason, GENERATION_LIMIT, HangupReason, Notice, Phone, Signal, Standing};

impl Phone {
    /// Somebody hung up: the call is over if the host says so to everyone, else they have left it.
    pub(crate) fn hung_up_there(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        generation: u32,
        reason: HangupReason,
        everyone: bool,
    ) {
        let Some(call) = self.call_mut(id) else { return };
        let gone = reason == HangupReason::Gone;
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Accepting { .. } => {
                if call.inviter.as_ref() != Some(from) {
                    return;
                }
                if matches!(call.phase, Phase::Accepting { .. }) && !gone {
                    // Who has not taken my answer withdraws; this one has, and the select is late or lost.
                    call.answered = true;
                    return self.end(now, id, crate::leaving::end_reason(reason, EndReason::Hangup));
                }
                self.notify(Notice::UserCancelled(id, from.user.clone()));
                self.end(now, id, crate::leaving::end_reason(reason, EndReason::Cancelled));
            }
            Phase::In => {
                let host = call.host == from.user;
                let me = self.me.user.clone();
                let Some(call) = self.call_mut(id) else { return };
                let Some(member) = call.member_mut(&from.user) else { return };
                if member.pending.as_ref().is_some_and(|pending| pending.has(&from.device)) {
                    return self.leg_hung_up(now, id, from, generation, reason);
                }
                let here = member.is_joined_with(from) && (gone || generation >= member.generation);
                let unheard = member.is_inviting() && member.pending.is_none() && !gone;
                if !(here || (unheard && generation >= member.generation)) {
                    return;
                }
                let plain = if gone { EndReason::IceLost } else { EndReason::Hangup };
                let by_me = member.invited_by.as_ref() == Some(&me);
                let unselected = here && !gone && !member.selected && member.answered;
                let end = crate::leaving::end_reason(reason, plain);
                member.generation = generation.max(member.generation).min(GENERATION_LIMIT);
                member.standing = Standing::Left { reason: end };
                if unselected && by_me {
                    // They have put it down before they could know that they had been in.
                    let device = from.device.clone();
                    let signal = Signal::Select { call: id, generation, device, answer: None, roster: Vec::new() };
                    self.send(from.clone(), signal);
                }
                self.gone(now, id, &from.user, end);
                if everyone && host {
                    return self.end(now, id, end);
                }
                if gone {
                    // Nobody but me may have noticed.
                    self.tell_roster(now, id);
                } else {
                    self.tell_next(now, id);
                }
                self.check_alone(now, id, end);
            }
            Phase::Ended { .. } => {}
        }
    }

    /// Somebody's program is gone: a ring of theirs ends soon; media decides about a call that runs.
    pub(crate) fn device_disappeared(&mut self, now: Instant, device: &DeviceAddress) {
        for call in self.calls.iter_mut().filter(|call| !call.is_over()) {
            if let Phase::Ringing { gone_at, .. } = &mut call.phase
                && call.inviter.as_ref() == Some(device)
            {
                *gone_at = Some(now + MISSING_CALLER);
            }
            let Some(member) = call.member_mut(&device.user) else { continue };
            if member.is_joined_with(device) {
                member.present = false;
            }
            let legs = member.pending.iter_mut().flat_map(|pending| pending.legs.iter_mut());
            for leg in legs.filter(|leg| leg.device == device.device) {
                leg.ringing = false;
            }
        }
    }

    /// Somebody who was taken for gone is there again: perhaps they still are in the call.
    pub(crate) fn ask_the_lost(&mut self, device: &DeviceAddress) {
        let me = self.me.clone();
        let was_lost = |call: &Call| {
            call.is_in()
                && !call.own
                && call.is_group()
                && call.member(&device.user).is_some_and(|it| it.was_lost(device))
        };
        for id in self.calls_that(was_lost) {
            let entries = self.call(id).map(|call| call.roster(&me)).unwrap_or_default();
            self.send(device.clone(), Signal::Roster { call: id, entries, reply: true });
        }
    }

    /// Tells a device that this one is not in the call it speaks of.
    pub(crate) fn send_gone(&mut self, id: CallId, to: DeviceAddress) {
        if self.is_blocked(&to.user) {
            return;
        }
        let generation = self.finished(id).map_or(0, |finished| finished.generation);
        let reason = HangupReason::Gone;
        self.send(to, Signal::Hangup { call: id, generation, reason, everyone: false });
    }
}
