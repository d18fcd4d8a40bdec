//! Inviting: what rings because of me, and what comes back until somebody answers.

use std::time::{Duration, Instant};

use crate::call::{Call, Direction, Phase};
use crate::member::{LEGS_LIMIT, Leg, Member, Pending};
use crate::phone::CALL_LIMIT;
use crate::{
    CallId, Callee, DeviceAddress, DeviceId, Dial, GENERATION_LIMIT, Invite, MAX_RING, MEMBER_LIMIT, Notice, Output,
    Phone, ROSTER_LIMIT, Refusal, RosterEntry, Signal, Standing, UserId,
};

/// What an invitation says besides whom it invites.
pub(crate) struct Asking {
    pub only: bool,
    pub message: Option<String>,
    pub lifetime: Duration,
    pub transfer: bool,
    pub replaces: Option<CallId>,
}

impl Phone {
    /// Calls one or several (kit B04, C03, E06).
    pub(crate) fn place(&mut self, now: Instant, dial: Dial) {
        let Dial { call: id, to, only, media, group, message, lifetime, early_media, started_at } = dial;
        let own = to.iter().all(|callee| callee.user == self.me.user);
        let to = distinct(to, (!own).then_some(&self.me.user));
        if self.calls.iter().any(|call| call.id == id) || self.finished(id).is_some() {
            return self.refuse(id, Refusal::WrongState);
        }
        if self.calls.iter().any(|call| call.is_open() && !call.on_hold) {
            return self.refuse(id, Refusal::Busy);
        }
        if self.calls.iter().filter(|call| call.is_open()).count() >= CALL_LIMIT {
            return self.refuse(id, Refusal::CallLimit);
        }
        if to.iter().all(|callee| callee.devices.is_empty()) {
            return self.refuse(id, Refusal::UnknownUser);
        }
        if to.len() >= MEMBER_LIMIT {
            return self.refuse(id, Refusal::Full);
        }
        // A call's screen makes room for the next call.
        self.calls.retain(|call| !call.is_over());
        let mut call = Call::new(id, Direction::Outgoing, self.me.user.clone(), media, Phase::In);
        call.own = own;
        call.group = group;
        call.message.clone_from(&message);
        call.started_at = started_at;
        call.early_media = early_media;
        let asking = Asking { only, message, lifetime: lifetime.min(MAX_RING), transfer: false, replaces: None };
        for callee in &to {
            let standing = Standing::Inviting { by: self.me.user.clone(), transfer: false };
            call.members.push(Member::new(now, RosterEntry { user: callee.user.clone(), generation: 0, standing }));
        }
        self.calls.push(call);
        for callee in to {
            self.ask(now, id, callee, &asking);
        }
        self.notify(Notice::Outgoing(id));
    }

    /// Invites more people into a call that runs; any member may (kit C07).
    pub(crate) fn invite(
        &mut self,
        now: Instant,
        id: CallId,
        callees: Vec<Callee>,
        message: Option<String>,
        lifetime: Duration,
    ) {
        let asking = Asking { only: false, message, lifetime: lifetime.min(MAX_RING), transfer: false, replaces: None };
        if let Err(refusal) = self.ask_in(now, id, callees, &asking) {
            self.refuse(id, refusal);
        }
    }

    /// Brings people into a call that I am in.
    pub(crate) fn ask_in(
        &mut self,
        now: Instant,
        id: CallId,
        callees: Vec<Callee>,
        asking: &Asking,
    ) -> Result<(), Refusal> {
        let me = self.me.user.clone();
        let call = self.call_mut(id).ok_or(Refusal::UnknownCall)?;
        if !call.is_in() || call.own {
            return Err(Refusal::WrongState);
        }
        let absent = |callee: &Callee| call.member(&callee.user).is_none_or(Member::is_left);
        let fresh: Vec<_> = distinct(callees, Some(&me)).into_iter().filter(absent).collect();
        if fresh.is_empty() {
            return Err(Refusal::WrongState);
        }
        if fresh.iter().all(|callee| callee.devices.is_empty()) {
            return Err(Refusal::UnknownUser);
        }
        let strangers = fresh.iter().filter(|callee| call.member(&callee.user).is_none()).count();
        let worn_out = |callee: &Callee| call.member(&callee.user).is_some_and(|it| it.generation >= GENERATION_LIMIT);
        if fresh.iter().any(worn_out) {
            return Err(Refusal::Full);
        }
        if call.size() + fresh.len() > MEMBER_LIMIT || 1 + call.members.len() + strangers > ROSTER_LIMIT {
            return Err(Refusal::Full);
        }
        for callee in &fresh {
            let standing = Standing::Inviting { by: me.clone(), transfer: asking.transfer };
            if let Some(member) = call.member_mut(&callee.user) {
                member.generation += 1;
                member.standing = standing;
                member.forget_media(now);
            } else {
                let entry = RosterEntry { user: callee.user.clone(), generation: 0, standing };
                call.members.push(Member::new(now, entry));
            }
        }
        for callee in fresh {
            self.ask(now, id, callee, asking);
        }
        self.tell_roster(now, id);
        Ok(())
    }

    /// Rings every device of somebody who stands as invited.
    fn ask(&mut self, now: Instant, id: CallId, callee: Callee, asking: &Asking) {
        let me = self.me.clone();
        let Callee { user, devices } = callee;
        let Some(call) = self.call_mut(id) else { return };
        let Some(member) = call.member_mut(&user) else { return };
        member.invited_by = Some(me.user.clone());
        member.transfer = asking.transfer;
        member.went = None;
        member.stale_at = None;
        let legs: Vec<_> = devices
            .into_iter()
            .filter(|device| user != me.user || *device != me.device)
            .map(|device| Leg { device, ringing: false })
            .take(LEGS_LIMIT)
            .collect();
        let called: Vec<_> =
            legs.iter().map(|leg| DeviceAddress { user: user.clone(), device: leg.device.clone() }).collect();
        member.pending = Some(Pending {
            legs,
            deadline: now + asking.lifetime,
            only: asking.only,
            message: asking.message.clone(),
            transfer: asking.transfer,
            replaces: asking.replaces,
        });
        let signal = invite_signal(call, &me, &user, asking.lifetime);
        for to in called {
            let Some(signal) = signal.clone() else { continue };
            self.outputs.push_back(Output::Send { to, signal, lifetime: asking.lifetime });
        }
    }

    /// Somebody's device has come online: it rings too, and whoever was missed is there again.
    pub(crate) fn device_appeared(&mut self, now: Instant, device: &DeviceAddress) {
        let me = self.me.clone();
        let mut sends = Vec::new();
        for call in self.calls.iter_mut().filter(|call| !call.is_over()) {
            if let Phase::Ringing { gone_at, .. } = &mut call.phase
                && call.inviter.as_ref() == Some(device)
            {
                *gone_at = None;
            }
            let Some(member) = call.member_mut(&device.user) else { continue };
            if member.is_joined_with(device) {
                member.present = true;
            }
            let Some(pending) = member.pending.as_mut().filter(|_| *device != me) else { continue };
            let known = pending.legs.iter().find(|leg| leg.device == device.device).map(|leg| leg.ringing);
            // A program that has just started may have lost its queue: the invite is harmless twice.
            let room = !pending.only && pending.legs.len() < LEGS_LIMIT;
            let wanted = known.map_or(room, |ringing| !ringing);
            if known.is_none() && wanted {
                pending.legs.push(Leg { device: device.device.clone(), ringing: false });
            }
            let left = pending.deadline.saturating_duration_since(now);
            if wanted {
                sends.extend(invite_signal(call, &me, &device.user, left).map(|signal| (signal, left)));
            }
        }
        for (signal, lifetime) in sends {
            self.outputs.push_back(Output::Send { to: device.clone(), signal, lifetime });
        }
        self.ask_the_lost(device);
    }
}

/// Each person once; `without` not at all.
fn distinct(callees: Vec<Callee>, without: Option<&UserId>) -> Vec<Callee> {
    let mut distinct: Vec<Callee> = Vec::with_capacity(callees.len());
    for callee in callees {
        if Some(&callee.user) == without {
            continue;
        }
        if let Some(known) = distinct.iter_mut().find(|known| known.user == callee.user) {
            let new: Vec<DeviceId> = callee.devices.into_iter().filter(|it| !known.devices.contains(it)).collect();
            known.devices.extend(new);
        } else {
            distinct.push(callee);
        }
    }
    distinct
}

/// What I send to the devices of somebody whom I invite.
fn invite_signal(call: &Call, me: &DeviceAddress, user: &UserId, lifetime: Duration) -> Option<Signal> {
    let member = call.member(user)?;
    let pending = member.pending.as_ref()?;
    let here = call.members.iter().filter(|member| !member.is_left());
    Some(Signal::Invite(Invite {
        call: call.id,
        media: call.media,
        host: call.host.clone(),
        generation: member.generation,
        invited: here.map(|member| member.user.clone()).filter(|user| *user != call.host || call.own).collect(),
        roster: call.roster(me),
        group: call.group.clone(),
        message: pending.message.clone(),
        lifetime,
        transfer: pending.transfer,
        replaces: pending.replaces,
        early_media: call.early_media,
    }))
}
