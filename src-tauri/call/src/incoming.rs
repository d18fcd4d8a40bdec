//! Being invited: what rings here, and what the person does about it.

use std::time::Instant;

use crate::call::{Call, Direction, Phase};
use crate::finished::Line;
use crate::member::Member;
use crate::path::{MediaPath, Path};
use crate::phone::{CALL_LIMIT, CONNECT_LIMIT, FRESH_CALL, SAID_AGAIN, SILENT_LIMIT, WAITING_LIMIT};
use crate::screening::{INVITE_BURST, OPEN_LIMIT, Verdict};
use crate::{
    Alert, CallId, DeviceAddress, DeviceId, EndReason, GENERATION_LIMIT, Invite, Link, MAX_RING, MEMBER_LIMIT,
    Meanwhile, MediaKind, Notice, Output, Phone, ROSTER_LIMIT, RecordStatus, Refusal, RejectReason, RosterEntry,
    Signal, Standing, UserId,
};

impl Phone {
    /// An invite has arrived. What is screened out leaves no trace; what is over or known already does not ring anew.
    pub(crate) fn invited(&mut self, now: Instant, from: DeviceAddress, invite: Invite, at: u64) {
        let id = invite.call;
        let generation = invite.generation;
        if generation > GENERATION_LIMIT {
            return;
        }
        if let Some(call) = self.call(id) {
            if call.generation < generation && call.is_in() && call.member(&from.user).is_some() {
                // They took me for gone.
                return self.come_back(now, id, generation);
            }
            if call.generation >= generation || call.is_in() {
                return self.invited_again(id, from, generation);
            }
        }
        let over = self.finished(id).filter(|it| it.generation >= generation);
        let unseen = over.filter(|it| it.generation == generation).and_then(|it| it.unseen);
        let recorded = self.line(id).is_some_and(|line| line.generation >= generation);
        if over.is_some() && (unseen.is_none() || recorded) {
            return;
        }
        let own = from.user == self.me.user;
        if self.is_blocked(&from.user) {
            return;
        }
        let inviters = |call: &Call| !call.is_in() && call.inviter.as_ref().is_some_and(|it| it.user == from.user);
        let open = self.calls_that(inviters).into_iter().filter(|it| *it != id).count();
        if open >= OPEN_LIMIT {
            self.flood.dropped += 1;
            return;
        }
        if !self.flood.admits(now, &from.user, INVITE_BURST) {
            return;
        }
        // Another device of mine is in it already.
        let here = |entry: &RosterEntry| {
            entry.user == self.me.user
                && entry.generation >= generation
                && matches!(entry.standing, Standing::Joined { .. })
        };
        if !own && invite.roster.iter().any(here) {
            return;
        }
        self.drop_ring(id);
        let call = self.invitation(now, from, invite, at);
        if let Some(reason) = unseen {
            // Cancelled before its invite came: it leaves a record and never rings.
            self.calls.push(call);
            return self.end_as_told(now, id, reason);
        }
        self.calls.push(call);
        if self.catching_up.is_none() {
            return self.ring(now, id);
        }
        let waiting = self.calls_that(Call::is_waiting);
        if let Some(oldest) = waiting.first().filter(|_| waiting.len() > WAITING_LIMIT) {
            self.end(now, *oldest, EndReason::NoResponse);
        }
    }

    /// For them there is nobody here.
    pub(crate) fn is_blocked(&self, user: &UserId) -> bool {
        *user != self.me.user && self.policy.verdict(user) == Verdict::Block
    }

    /// The broker repeats itself; the caller may have missed that it rings here.
    fn invited_again(&mut self, id: CallId, from: DeviceAddress, generation: u32) {
        let told = self.policy.ring_here;
        let Some(call) = self.call(id) else { return };
        let rings = matches!(call.phase, Phase::Ringing { .. }) && call.generation == generation;
        if rings && told && call.inviter.as_ref() == Some(&from) {
            self.send(from, Signal::Ringing { call: id, generation });
        }
    }

    /// An earlier invitation to the same call that was never heard to be over gives way.
    fn drop_ring(&mut self, id: CallId) {
        let open: Vec<_> = self.call(id).iter().flat_map(|call| &call.paths).map(|path| path.peer.clone()).collect();
        for peer in open {
            self.close_path(id, &peer);
        }
        self.calls.retain(|call| call.id != id);
    }

    /// The call that an invite opens here.
    fn invitation(&self, now: Instant, from: DeviceAddress, invite: Invite, at: u64) -> Call {
        let deadline = now + invite.lifetime.min(MAX_RING);
        let phase = Phase::Waiting { deadline };
        let own = from.user == self.me.user;
        // Whoever did not begin it says who did; in a call of two nobody else can have.
        let told = invite.host == self.me.user || invite.roster.iter().any(|entry| entry.user == invite.host);
        let host = if told && !own { invite.host.clone() } else { from.user.clone() };
        let mut call = Call::new(invite.call, Direction::Incoming, host, invite.media, phase);
        call.own = own;
        call.generation = invite.generation;
        call.group = invite.group;
        call.message = invite.message;
        call.started_at = at;
        call.early_media = invite.early_media;
        call.replaces = invite.replaces;
        let before = self.line(invite.call);
        if let Some(Line { record, .. }) = before {
            // I was in it before: it is one call in the history.
            call.talked_before = record.duration;
            call.started_at = record.started_at;
            call.answered = record.status == RecordStatus::Completed;
            call.direction = record.direction;
        }
        let standing = Standing::Joined { device: from.device.clone() };
        let told = invite.roster.iter().find(|entry| entry.user == from.user);
        let inviter = RosterEntry {
            user: from.user.clone(),
            generation: told.map_or(0, |entry| entry.generation.min(GENERATION_LIMIT)),
            standing,
        };
        call.members.push(Member::new(now, inviter));
        if !call.own {
            let others = invite.roster.into_iter().filter(|entry| {
                entry.user != from.user && entry.user != self.me.user && entry.generation <= GENERATION_LIMIT
            });
            for entry in others.take(ROSTER_LIMIT - 2) {
                let mut member = Member::new(now, entry);
                if let Standing::Inviting { by, .. } = &member.standing {
                    member.invited_by = Some(by.clone());
                }
                let room = member.is_left() || call.size() < MEMBER_LIMIT;
                if room && call.member(&member.user).is_none() {
                    call.members.push(member);
                }
            }
        }
        call.inviter = Some(from);
        if let Some(Line { record, .. }) = before {
            for (user, status) in &record.members {
                if let Some(member) = call.member_mut(user) {
                    member.answered = *status == RecordStatus::Completed;
                    member.went = Some(*status);
                }
            }
        }
        call
    }

    pub(crate) fn caught_up(&mut self, now: Instant) {
        self.catching_up = None;
        for id in self.calls_that(Call::is_waiting) {
            self.ring(now, id);
        }
    }

    /// A waiting invite rings, unless glare, another call or the policy forbids it.
    fn ring(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call(id).filter(|call| call.is_waiting()) else {
            return;
        };
        let Some(from) = call.inviter.clone() else { return };
        let Phase::Waiting { deadline } = call.phase else { return };
        let (generation, group, own) = (call.generation, call.is_group() || call.group.is_some(), call.own);
        if let Some(target) = call.replaces.filter(|target| self.takes_over(*target, &from)) {
            // Passed on by the one whom I talk with: the person has agreed already.
            let held = self.call(target).is_some_and(|target| target.on_hold);
            return self.answer_by_itself(now, id, held);
        }
        if let Some(call) = self.call_mut(id) {
            call.replaces = None;
        }
        let verdict = if own { Verdict::Ring } else { self.policy.verdict(&from.user) };
        let others = self.calls_that(|call| call.is_open() && call.id != id);
        // Glare: both call each other. The smaller id survives on both sides.
        let mine = others.iter().copied().find(|other| !group && self.calls_alone(*other, &from));
        if let Some(mine) = mine {
            if mine < id {
                // They will answer mine.
                self.finish_dropped(id, generation);
                self.calls.retain(|call| call.id != id);
                return;
            }
            let held = self.call(mine).is_some_and(|mine| mine.on_hold);
            self.yield_to(mine, &from.device);
            return self.answer_by_itself(now, id, held);
        }
        let stale = others.iter().copied().find(|other| self.is_left_hanging(*other, &from, now));
        if let Some(stale) = stale {
            // Their program started anew and left the old call hanging.
            self.end(now, stale, EndReason::IceLost);
        }
        let alert = match verdict {
            Verdict::Block => {
                self.calls.retain(|call| call.id != id);
                return;
            }
            Verdict::Silent | Verdict::SilentHere => Alert::Silent,
            Verdict::Ring if others.iter().all(|other| Some(*other) == stale) => Alert::Ring,
            Verdict::Ring if self.lets_wait(id) => Alert::CallWaiting,
            Verdict::Ring => {
                let reason = RejectReason::Busy;
                self.send(from, Signal::Reject { call: id, generation, reason, message: None });
                // The running call keeps the screen.
                return self.end(now, id, EndReason::Busy);
            }
        };
        if alert == Alert::Silent {
            let silent = self.calls_that(Call::is_silent);
            if let Some(oldest) = silent.first().filter(|_| silent.len() >= SILENT_LIMIT) {
                self.end(now, *oldest, EndReason::NoResponse);
            }
        }
        self.calls.retain(|call| !call.is_over());
        let Some(call) = self.call_mut(id) else { return };
        call.phase = Phase::Ringing { deadline, gone_at: None, alert };
        self.prepare_offer(now, id, &from);
        if verdict != Verdict::SilentHere {
            self.send(from, Signal::Ringing { call: id, generation });
        }
        self.notify(Notice::Invited(id));
    }

    /// Another call may ring softly: calls run or are on hold, and nothing else asks for attention.
    fn lets_wait(&self, id: CallId) -> bool {
        let others: Vec<_> = self.calls.iter().filter(|call| call.is_open() && call.id != id).collect();
        self.policy.call_waiting
            && others.len() < CALL_LIMIT
            && others.iter().all(|call| call.is_in() && !call.is_calling())
    }

    /// An outgoing call of two to this person that nobody has answered; not one to chosen devices only.
    fn calls_alone(&self, id: CallId, with: &DeviceAddress) -> bool {
        self.call(id)
            .filter(|call| call.is_calling() && !call.is_group())
            .is_some_and(|call| call.pending(&with.user).is_some_and(|pending| !pending.only))
    }

    /// A call of two with this very device.
    fn talks_alone_with(&self, id: CallId, device: &DeviceAddress) -> bool {
        let call = self.call(id).filter(|call| call.is_in());
        call.and_then(Call::only_other).is_some_and(|other| other.is_joined_with(device))
    }

    /// A call in place of this one, by the very device I talk with, is answered without asking: if there is room for both
    /// until I am in, and if none has done so before, or both would go on with an open microphone.
    fn takes_over(&self, target: CallId, device: &DeviceAddress) -> bool {
        let taken = |call: &Call| call.is_answered_here() && call.replaces == Some(target);
        self.talks_alone_with(target, device)
            && self.calls_that(Call::is_open).len() < CALL_LIMIT
            && self.calls_that(taken).is_empty()
    }

    /// A call of two with the very device that invites anew which can be a leftover.
    fn is_left_hanging(&self, id: CallId, device: &DeviceAddress, now: Instant) -> bool {
        if !self.talks_alone_with(id, device) {
            return false;
        }
        let Some(call) = self.call(id) else { return false };
        match call.path(device).map(|path| path.path) {
            Some(Path::New { .. }) | None => false,
            Some(Path::Up) => call.connected_at.is_some_and(|since| now.saturating_duration_since(since) > FRESH_CALL),
            Some(Path::Down { .. }) => true,
        }
    }

    /// Glare lost: my own call gives way, without a trace; its devices stop ringing.
    fn yield_to(&mut self, mine: CallId, winner: &DeviceId) {
        let Some(position) = self.calls.iter().position(|call| call.id == mine) else {
            return;
        };
        let call = self.calls.remove(position);
        self.finish_dropped(mine, call.generation);
        for path in call.paths {
            self.outputs.push_back(Output::ClosePeer(Link { call: mine, peer: path.peer }));
        }
        for member in call.members {
            let generation = member.generation;
            for leg in member.pending.into_iter().flat_map(|pending| pending.legs) {
                let to = DeviceAddress { user: member.user.clone(), device: leg.device };
                let (device, roster) = (winner.clone(), Vec::new());
                self.send(to, Signal::Select { call: mine, generation, device, answer: None, roster });
            }
        }
    }

    /// Answers without asking: the person has called them, or is being passed on.
    fn answer_by_itself(&mut self, now: Instant, id: CallId, on_hold: bool) {
        self.calls.retain(|call| !call.is_over());
        let Some(call) = self.call_mut(id) else { return };
        let Some(from) = call.inviter.clone() else { return };
        call.on_hold = on_hold;
        call.phase = Phase::Accepting { deadline: now + CONNECT_LIMIT, sent: false, again_at: now + SAID_AGAIN };
        self.prepare_offer(now, id, &from);
        self.notify(Notice::Connecting(id));
    }

    /// Opens the peer connection whose offer the accept carries.
    pub(crate) fn prepare_offer(&mut self, now: Instant, id: CallId, inviter: &DeviceAddress) {
        let Some(call) = self.call_mut(id) else { return };
        call.paths.push(MediaPath::offering(inviter.clone(), 0, now + CONNECT_LIMIT));
        self.outputs.push_back(Output::OpenOfferer(Link { call: id, peer: inviter.clone() }));
    }

    /// The person answers (kit B11); a video call may be taken as audio (kit E07).
    pub(crate) fn accept(&mut self, now: Instant, id: CallId, media: Option<MediaKind>, meanwhile: Meanwhile) {
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        let shows_more = media == Some(MediaKind::Video) && call.media == MediaKind::Audio;
        if !matches!(call.phase, Phase::Ringing { .. }) || shows_more {
            return self.refuse(id, Refusal::WrongState);
        }
        let stays = |it: &Call| it.is_open() && it.id != id && (meanwhile == Meanwhile::Hold || !it.is_answered_here());
        if self.calls_that(stays).len() >= CALL_LIMIT {
            // What rings silently takes no room until it is answered.
            return self.refuse(id, Refusal::CallLimit);
        }
        if let Some(media) = media {
            self.set_media(id, media);
        }
        let Some(call) = self.call_mut(id) else { return };
        let Some(from) = call.inviter.clone() else { return };
        self.flood.give_back(&from.user);
        let Some(call) = self.call_mut(id) else { return };
        let (generation, media) = (call.generation, call.media);
        call.phase = Phase::Accepting { deadline: now + CONNECT_LIMIT, sent: false, again_at: now + SAID_AGAIN };
        self.notify(Notice::Connecting(id));
        self.set_aside(now, id, meanwhile);
        let prepared = self.call(id).and_then(|call| call.path(&from)).and_then(|path| path.sdp.clone());
        let Some(sdp) = prepared else { return };
        let previewed = self.call(id).and_then(|call| call.path(&from)).is_some_and(MediaPath::knows_remote);
        if previewed {
            if let Some(Phase::Accepting { sent, .. }) = self.call_mut(id).map(|call| &mut call.phase) {
                *sent = true;
            }
            self.send(from, Signal::Accept { call: id, generation, media, offer: None });
        } else {
            self.offer_ready(now, &Link { call: id, peer: from }, sdp);
        }
    }

    /// Says the accept again: it or the select may be lost.
    pub(crate) fn accept_again(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call_mut(id) else { return };
        let (generation, media) = (call.generation, call.media);
        let Some(from) = call.inviter.clone() else { return };
        if let Phase::Accepting { again_at, .. } = &mut call.phase {
            *again_at = now + SAID_AGAIN;
        }
        let path = call.path(&from).filter(|path| !path.knows_remote());
        let offer = path.and_then(|path| path.sdp.clone());
        self.send(from, Signal::Accept { call: id, generation, media, offer });
    }

    /// The person declines (kit B12, E08).
    pub(crate) fn reject(&mut self, now: Instant, id: CallId, busy: bool, message: Option<String>) {
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } => {
                call.declined_here = true;
                let generation = call.generation;
                let from = call.inviter.clone();
                let (reason, end) = if busy {
                    (RejectReason::Busy, EndReason::Busy)
                } else {
                    (RejectReason::Declined, EndReason::Rejected)
                };
                if let Some(from) = from {
                    self.send(from, Signal::Reject { call: id, generation, reason, message });
                }
                self.end(now, id, end);
            }
            Phase::Accepting { .. } | Phase::In | Phase::Ended { .. } => self.refuse(id, Refusal::WrongState),
        }
    }
}
