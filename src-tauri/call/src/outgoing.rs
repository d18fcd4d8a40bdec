//! Inviting: what rings because of me, and what comes back until somebody answers.

use std::time::{Duration, Instant};

use crate::call::{Call, Direction, Phase};
use crate::member::{Leg, Member, Pending};
use crate::path::{MediaPath, Path};
use crate::phone::{CALL_LIMIT, CONNECT_LIMIT};
use crate::{
    CallId, Callee, CancelReason, DeviceAddress, DeviceId, Dial, EndReason, HangupReason, Invite, MAX_RING,
    MEMBER_LIMIT, MediaKind, Notice, Output, Phone, ROSTER_LIMIT, Refusal, RejectReason, RosterEntry, Signal, Standing,
    UserId,
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
            if let Phase::Ringing { gone_at, .. } = &mut call.phase {
                if call.inviter.as_ref() == Some(device) {
                    *gone_at = None;
                }
            }
            let Some(member) = call.member_mut(&device.user) else { continue };
            if member.is_joined_with(device) {
                member.present = true;
            }
            let Some(pending) = member.pending.as_mut().filter(|_| *device != me) else { continue };
            let known = pending.legs.iter().find(|leg| leg.device == device.device).map(|leg| leg.ringing);
            // A program that has just started may have lost its queue: the invite is harmless twice.
            let wanted = known.map_or(!pending.only, |ringing| !ringing);
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

    pub(crate) fn rings_there(&mut self, id: CallId, from: &DeviceAddress, generation: u32) {
        let Some(pending) = self.pending_mut(id, from, generation) else { return };
        let first = !pending.rings();
        if let Some(leg) = pending.legs.iter_mut().find(|leg| leg.device == from.device) {
            leg.ringing = true;
        }
        if first {
            self.notify(Notice::Ringing(id, from.user.clone()));
        }
    }

    /// A callee lets me be heard before the answer: several devices may (kit A10).
    pub(crate) fn previewed_there(
        &mut self,
        now: Instant,
        id: CallId,
        from: DeviceAddress,
        generation: u32,
        offer: String,
    ) {
        if self.pending_mut(id, &from, generation).is_none() {
            return;
        }
        let said_again = |call: &Call| call.path(&from).is_some_and(|path| path.remote.as_ref() == Some(&offer));
        if !self.call(id).is_some_and(|call| call.early_media && !said_again(call)) {
            return;
        }
        self.close_path(id, &from);
        let Some(call) = self.call_mut(id) else { return };
        call.paths.push(MediaPath::answering(from.clone(), 0, now + CONNECT_LIMIT, offer.clone()));
        self.open_answerer(id, from, offer);
    }

    /// The first accept wins; all others hear who won.
    pub(crate) fn accepted_there(
        &mut self,
        now: Instant,
        id: CallId,
        from: DeviceAddress,
        generation: u32,
        media: MediaKind,
        offer: Option<String>,
    ) {
        if let Some(pending) = self.pending_mut(id, &from, generation) {
            let replaces = pending.replaces;
            return self.won(now, id, &from, media, offer, replaces);
        }
        let winner = self.call(id).filter(|call| call.is_in()).and_then(|call| call.member(&from.user)).cloned();
        match winner.as_ref().map(|member| (member.generation == generation, &member.standing)) {
            Some((true, Standing::Joined { device })) if *device == from.device => self.select_again(id, from),
            Some((true, Standing::Joined { device })) => {
                let device = device.clone();
                let roster = Vec::new();
                self.send(from, Signal::Select { call: id, generation, device, answer: None, roster });
            }
            Some((_, Standing::Inviting { .. } | Standing::Joined { .. } | Standing::Left { .. })) | None => {
                self.send_gone(id, from);
            }
        }
    }

    fn won(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        media: MediaKind,
        offer: Option<String>,
        replaces: Option<CallId>,
    ) {
        let Some(call) = self.call_mut(id) else { return };
        let first = !call.answered;
        let group = call.is_group();
        // A voice caller is not made to show a picture.
        if media == MediaKind::Audio && !group {
            call.media = MediaKind::Audio;
        }
        self.joined(now, id, &from.user, from.device.clone());
        let Some(call) = self.call_mut(id) else { return };
        let connected = call.path(from).is_some_and(|path| path.path == Path::Up);
        let same = |path: &MediaPath| path.path == Path::Up || offer.is_none() || path.remote == offer;
        let prepared = call.path(from).is_some_and(same);
        if !prepared {
            self.close_path(id, from);
        }
        let Some(call) = self.call_mut(id) else { return };
        if prepared {
            if let Some(path) = call.path_mut(from).filter(|path| path.path != Path::Up) {
                path.path = Path::New { deadline: now + CONNECT_LIMIT };
            }
        } else if let Some(offer) = offer {
            call.paths.push(MediaPath::answering(from.clone(), 0, now + CONNECT_LIMIT, offer.clone()));
            self.open_answerer(id, from.clone(), offer);
        } else if let Some(member) = call.member_mut(&from.user) {
            // Their preview never came here: a link of my own.
            member.offer_at = Some(now);
        }
        self.notify(Notice::UserAccepted(id, from.user.clone()));
        if first {
            self.notify(Notice::Connecting(id));
        }
        let answered = self.call(id).and_then(|call| call.path(from)).is_none_or(|path| path.sdp.is_some());
        if answered {
            self.select(id, from);
        }
        if connected {
            self.heard(now, id, from);
        }
        self.tell_roster(now, id);
        if let Some(replaced) = replaces {
            self.replaced(now, replaced, id, from);
        }
    }

    pub(crate) fn rejected_there(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        generation: u32,
        reason: RejectReason,
        message: Option<String>,
    ) {
        let Some(pending) = self.pending_mut(id, from, generation) else { return };
        let last = pending.legs.len() == 1;
        if last || reason == RejectReason::Incompatible {
            // With others, it hears as they do what came of it: they may have declined at once.
            pending.legs.retain(|leg| leg.device != from.device);
        }
        self.close_path(id, from);
        let user = from.user.clone();
        match reason {
            RejectReason::Declined => {
                if let Some(call) = self.call_mut(id).filter(|call| !call.is_group()) {
                    call.message.clone_from(&message);
                }
                self.notify(Notice::UserRejected(id, user.clone(), message));
                let cancel = CancelReason::RejectedElsewhere(from.device.clone());
                self.withdraw(now, id, &user, &cancel, EndReason::Rejected, true);
            }
            RejectReason::Busy => {
                self.notify(Notice::UserBusy(id, user.clone()));
                let cancel = CancelReason::BusyElsewhere(from.device.clone());
                self.withdraw(now, id, &user, &cancel, EndReason::Busy, true);
            }
            // One device that can't does not speak for the others.
            RejectReason::Incompatible => {
                if last {
                    self.withdraw(now, id, &user, &CancelReason::Cancelled, EndReason::Incompatible, true);
                }
            }
        }
    }

    /// A device that rang takes itself out of it, having answered: its hang-up has overtaken its accept.
    pub(crate) fn leg_hung_up(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        generation: u32,
        reason: HangupReason,
    ) {
        match reason {
            HangupReason::Hangup | HangupReason::Transferred => {
                self.rejected_there(now, id, from, generation, RejectReason::Declined, None);
            }
            HangupReason::IceFailed | HangupReason::IceLost | HangupReason::DeviceFailed => {
                let Some(pending) = self.pending_mut(id, from, generation) else { return };
                pending.legs.retain(|leg| leg.device != from.device);
                let last = pending.legs.is_empty();
                self.close_path(id, from);
                if last {
                    let end = crate::leaving::end_reason(reason, EndReason::Unreachable);
                    self.withdraw(now, id, &from.user, &CancelReason::Cancelled, end, true);
                }
            }
            // It speaks of an earlier time.
            HangupReason::Gone => {}
        }
    }

    /// My own open invitation of this device's user, if the device rings for it and the generation is the same.
    pub(crate) fn pending_mut(&mut self, id: CallId, from: &DeviceAddress, generation: u32) -> Option<&mut Pending> {
        let member = self.call_mut(id)?.member_mut(&from.user).filter(|member| member.generation == generation)?;
        member.pending.as_mut().filter(|pending| pending.has(&from.device))
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
