//! Who is in a call: how members tell each other, and how their rosters become one.
//!
//! Each keeps asking every other until they know all it knows, so that rosters converge whatever the order, loss or
//! repetition of signals. In a call of two both know each other by being in it, and no rosters travel.

use std::time::Instant;

use crate::call::{Call, Phase};
use crate::member::Member;
use crate::phone::{ASK_AGAIN, ASKS, OFFER_AFTER, OFFER_YIELD, STALE_INVITE, TRANSFER_LEAVE};
use crate::{
    CallId, CancelReason, DeviceAddress, DeviceId, EndReason, HangupReason, MAX_RING, MEMBER_LIMIT, Notice, Phone,
    ROSTER_LIMIT, RosterEntry, Signal, Standing, UserId,
};

impl Phone {
    /// Somebody is in the call now, with this device; their other devices hear it from me if I had invited them.
    pub(crate) fn joined(&mut self, now: Instant, id: CallId, user: &UserId, device: DeviceId) {
        let me = self.me.clone();
        let joiner = DeviceAddress { user: user.clone(), device };
        let Some(call) = self.call_mut(id) else { return };
        call.answered |= call.is_in();
        let Some(member) = call.member_mut(user) else { return };
        let before = member.address();
        member.last_device = Some(joiner.device.clone());
        let pending = member.pending.take();
        let generation = member.generation;
        member.standing = Standing::Joined { device: joiner.device.clone() };
        member.answered = true;
        member.stale_at = None;
        member.forget_media(now);
        // The later joiner offers (Matrix MSC3401's rule, too); if that is lost, the smaller address does.
        let patience = if me < joiner { OFFER_AFTER } else { OFFER_AFTER + OFFER_YIELD };
        member.offer_at = Some(now + patience);
        if let Some(transfer) = call.transfer.as_mut().filter(|it| it.to == *user && it.leave_at.is_none()) {
            // I stay until they hear each other, or a moment.
            transfer.leave_at = Some(now + TRANSFER_LEAVE);
        }
        let kept = call.kept_offers.iter().position(|kept| kept.from == joiner);
        let kept = kept.map(|position| call.kept_offers.swap_remove(position));
        if let Some(before) = before.filter(|before| *before != joiner) {
            self.close_path(id, &before);
        }
        for leg in pending.into_iter().flat_map(|pending| pending.legs) {
            if leg.device == joiner.device {
                continue;
            }
            let to = DeviceAddress { user: user.clone(), device: leg.device };
            self.close_path(id, &to);
            let (device, roster) = (joiner.device.clone(), Vec::new());
            self.send(to, Signal::Select { call: id, generation, device, answer: None, roster });
        }
        if let Some(kept) = kept {
            self.offer_received(now, id, kept.from, kept.attempt, kept.sdp);
        }
    }

    /// My roster has changed by my own doing: everyone in the call hears it, and is asked until they know it.
    pub(crate) fn tell_roster(&mut self, now: Instant, id: CallId) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id).filter(|call| call.is_in() && call.is_group() && !call.own) else {
            return;
        };
        let entries = call.roster(&me);
        let mut told = Vec::new();
        for member in call.members.iter_mut().filter(|member| member.is_joined()) {
            member.synced = false;
            member.asks_left = ASKS;
            member.ask_at = now + ASK_AGAIN;
            told.extend(member.address());
        }
        for to in told {
            self.send(to, Signal::Roster { call: id, entries: entries.clone(), reply: true });
        }
    }

    /// My roster has grown by what others told: whoever told it tells everyone, but if that fails, each who knows makes
    /// sure that the next one by address does, so that it goes round.
    fn tell_next(&mut self, now: Instant, id: CallId) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id).filter(|call| call.is_in() && call.is_group() && !call.own) else {
            return;
        };
        let joined = call.joined_devices();
        let after = joined.iter().filter(|it| **it > me).min();
        let Some(next) = after.or(joined.iter().min()).cloned() else { return };
        if let Some(member) = call.joined_mut(&next).filter(|member| member.synced || member.asks_left == 0) {
            member.synced = false;
            member.asks_left = ASKS;
            member.ask_at = now + ASK_AGAIN;
        }
    }

    /// Asks again those who have not told me all I know.
    pub(crate) fn ask_rosters(&mut self, now: Instant, id: CallId) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id) else { return };
        let mut asked = Vec::new();
        for member in call.members.iter_mut().filter(|member| member.wants_asking() && member.ask_at <= now) {
            member.asks_left -= 1;
            member.ask_at = now + ASK_AGAIN;
            asked.extend(member.address());
        }
        if asked.is_empty() {
            return;
        }
        let entries = call.roster(&me);
        for to in asked {
            self.send(to, Signal::Roster { call: id, entries: entries.clone(), reply: true });
        }
    }

    pub(crate) fn roster_received(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        entries: &[RosterEntry],
        reply: bool,
    ) {
        let me = self.me.clone();
        let entries = entries.get(..ROSTER_LIMIT).unwrap_or(entries);
        let Some(call) = self.call(id) else {
            if reply {
                self.send_gone(id, from.clone());
            }
            return;
        };
        let mine = entries.iter().find(|entry| entry.user == me.user);
        let Some(sender) = call.member(&from.user).filter(|_| !call.own) else {
            return;
        };
        if !sender.may_tell(from, entries) {
            if sender.is_left() && call.is_in() {
                let lost = sender.answered && sender.left_by_others();
                self.heard_of_guests(now, id, from, entries);
                if lost && reply {
                    // They are to know that they were taken for gone.
                    let entries = self.call(id).map(|call| call.roster(&me)).unwrap_or_default();
                    self.send(from.clone(), Signal::Roster { call: id, entries, reply: false });
                }
            }
            return;
        }
        match &call.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Ended { .. } => return,
            Phase::Accepting { .. } => {
                // The select is lost or late: they all know already that I am in.
                let chosen = |entry: &RosterEntry| {
                    entry.generation == call.generation
                        && matches!(&entry.standing, Standing::Joined { device } if *device == me.device)
                };
                if !mine.is_some_and(chosen) {
                    return;
                }
                self.enter(now, id, entries);
            }
            Phase::In => self.merge(now, id, from, entries),
        }
        let Some(call) = self.call_mut(id).filter(|call| call.is_in()) else {
            return;
        };
        let roster = call.roster(&me);
        let knows =
            |entry: &RosterEntry| entries.iter().any(|theirs| theirs.user == entry.user && !entry.supersedes(theirs));
        let synced = roster.iter().all(knows);
        let Some(member) = call.joined_mut(from) else { return };
        let agree = synced && !std::mem::replace(&mut member.synced, synced);
        if !synced && member.asks_left == 0 {
            member.asks_left = ASKS;
            member.ask_at = now + ASK_AGAIN;
        }
        if reply {
            self.send(from.clone(), Signal::Roster { call: id, entries: roster, reply: false });
        }
        if agree && self.media_revision > 0 {
            // What I said of my microphone before they knew me to be in was lost on them.
            self.send_media_state(id, Some(from));
        }
    }

    /// Somebody who has left may still say what became of those whom they had invited.
    fn heard_of_guests(&mut self, now: Instant, id: CallId, from: &DeviceAddress, entries: &[RosterEntry]) {
        let Some(call) = self.call(id) else { return };
        let guest = |entry: &&RosterEntry| {
            matches!(entry.standing, Standing::Left { .. })
                && call
                    .member(&entry.user)
                    .is_some_and(|it| it.is_inviting() && it.invited_by.as_ref() == Some(&from.user))
        };
        let guests: Vec<_> = entries.iter().filter(guest).cloned().collect();
        self.merge(now, id, from, &guests);
    }

    /// Believes what another member tells, where it is news.
    pub(crate) fn merge(&mut self, now: Instant, id: CallId, from: &DeviceAddress, entries: &[RosterEntry]) {
        let me = self.me.clone();
        let mut invited: Vec<(UserId, Vec<UserId>)> = Vec::new();
        let mut last = None;
        let mut grew = false;
        for entry in entries.iter().filter(|entry| entry.user != me.user) {
            let Some(call) = self.call(id) else { return };
            let known = call.member(&entry.user);
            let comes = !matches!(entry.standing, Standing::Left { .. });
            let news = match known {
                Some(member) => {
                    let back = comes && member.is_left();
                    entry.supersedes(&member.entry())
                        && !(back && call.size() >= MEMBER_LIMIT)
                        && (entry.user != from.user || member.may_claim(entry))
                }
                None => call.members.len() + 1 < ROSTER_LIMIT && !(comes && call.size() >= MEMBER_LIMIT),
            };
            if !news {
                continue;
            }
            let again = known.is_none_or(|member| member.generation < entry.generation);
            match &entry.standing {
                Standing::Inviting { by, transfer } => {
                    if again && *by != me.user {
                        if let Some((_, users)) = invited.iter_mut().find(|(it, _)| it == by) {
                            users.push(entry.user.clone());
                        } else {
                            invited.push((by.clone(), vec![entry.user.clone()]));
                        }
                        if *transfer {
                            self.notify(Notice::Transferring(id, by.clone(), entry.user.clone()));
                        }
                    }
                }
                Standing::Joined { .. } => {}
                Standing::Left { reason } => last = Some(*reason),
            }
            self.believe(now, id, entry);
            grew = true;
        }
        if grew {
            self.tell_next(now, id);
        }
        for (by, users) in invited {
            self.notify(Notice::UsersInvited(id, by, users));
        }
        if let Some(mine) = entries.iter().find(|entry| entry.user == me.user) {
            self.heard_of_myself(now, id, mine);
        }
        if let Some(last) = last {
            self.check_alone(now, id, last);
        }
    }

    /// Takes one line of a roster that is news.
    fn believe(&mut self, now: Instant, id: CallId, entry: &RosterEntry) {
        let Some(call) = self.call_mut(id) else { return };
        let inviter_here = match &entry.standing {
            Standing::Inviting { by, .. } => call.member(by).is_some_and(Member::is_joined),
            Standing::Joined { .. } | Standing::Left { .. } => false,
        };
        let Some(member) = call.member_mut(&entry.user) else {
            let mut member = Member::new(now, entry.clone());
            match &entry.standing {
                Standing::Inviting { .. } => member.expect(now, entry, inviter_here),
                Standing::Joined { .. } | Standing::Left { .. } => {}
            }
            call.members.push(member);
            if let Standing::Joined { device } = &entry.standing {
                self.joined(now, id, &entry.user, device.clone());
            }
            return;
        };
        let anew = member.generation != entry.generation;
        match &entry.standing {
            Standing::Inviting { .. } => {
                let before = member.address();
                if anew {
                    member.forget_media(now);
                }
                member.expect(now, entry, inviter_here);
                if anew && member.pending.is_some() {
                    self.forget_pending(id, &entry.user, &CancelReason::Cancelled);
                }
                let Some(member) = self.call_mut(id).and_then(|call| call.member_mut(&entry.user)) else { return };
                member.generation = entry.generation;
                member.standing = entry.standing.clone();
                if let Some(before) = before {
                    self.close_path(id, &before);
                }
            }
            Standing::Joined { device } => {
                let same = member.device() == Some(device);
                member.generation = entry.generation;
                if same {
                    // They were taken for gone by somebody, and are not: what connects us may still be good.
                    member.standing = entry.standing.clone();
                    member.synced = false;
                } else {
                    self.joined(now, id, &entry.user, device.clone());
                }
            }
            Standing::Left { reason } => {
                let reason = *reason;
                let was_left = member.is_left() && !anew;
                let cancel = match reason {
                    EndReason::NoResponse | EndReason::Unreachable => CancelReason::TimedOut,
                    EndReason::Hangup
                    | EndReason::Cancelled
                    | EndReason::Rejected
                    | EndReason::Busy
                    | EndReason::AnsweredElsewhere
                    | EndReason::RejectedElsewhere
                    | EndReason::KickedOut
                    | EndReason::IceFailed
                    | EndReason::IceLost
                    | EndReason::DeviceFailed
                    | EndReason::Incompatible
                    | EndReason::Error
                    | EndReason::Transferred
                    | EndReason::Blocked => CancelReason::Cancelled,
                };
                self.forget_pending(id, &entry.user, &cancel);
                let Some(member) = self.call_mut(id).and_then(|call| call.member_mut(&entry.user)) else { return };
                member.generation = entry.generation;
                member.standing = entry.standing.clone();
                if !was_left {
                    self.gone(now, id, &entry.user, reason);
                }
            }
        }
    }

    /// My own invitation of somebody has come to nothing through others: its devices stop ringing.
    fn forget_pending(&mut self, id: CallId, user: &UserId, cancel: &CancelReason) {
        let Some(member) = self.call_mut(id).and_then(|call| call.member_mut(user)) else {
            return;
        };
        let generation = member.generation;
        for leg in member.pending.take().into_iter().flat_map(|pending| pending.legs) {
            let to = DeviceAddress { user: user.clone(), device: leg.device };
            self.close_path(id, &to);
            self.send(to, Signal::Cancel { call: id, generation, reason: cancel.clone() });
        }
    }

    /// What others say of me.
    fn heard_of_myself(&mut self, now: Instant, id: CallId, entry: &RosterEntry) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id).filter(|call| call.is_in()) else {
            return;
        };
        if !entry.supersedes(&call.own_entry(&me)) {
            return;
        }
        match &entry.standing {
            Standing::Joined { device } if *device == me.device => call.generation = entry.generation,
            Standing::Joined { device } => {
                let device = device.clone();
                self.notify(Notice::AcceptedElsewhere(id, device));
                self.end(now, id, EndReason::AnsweredElsewhere);
            }
            Standing::Inviting { .. } => self.come_back(now, id, entry.generation),
            Standing::Left { .. } => {
                // They took me for gone; but I am here as long as anybody's media arrives, or none could arrive yet.
                if call.hears_anybody() || call.connected_at.is_none() {
                    self.come_back(now, id, entry.generation.saturating_add(1));
                } else {
                    self.end(now, id, EndReason::IceLost);
                }
            }
        }
    }

    /// I am in the call, whatever others thought: says so.
    pub(crate) fn come_back(&mut self, now: Instant, id: CallId, generation: u32) {
        let Some(call) = self.call_mut(id) else { return };
        call.generation = generation;
        self.tell_roster(now, id);
    }

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
                member.generation = generation.max(member.generation);
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
            let inviter = call.inviter.as_ref() == Some(device);
            if let Phase::Ringing { gone_at, .. } = &mut call.phase {
                if inviter {
                    *gone_at = Some(now + crate::phone::MISSING_CALLER);
                }
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
        let generation = self.finished(id).map_or(0, |finished| finished.generation);
        let reason = HangupReason::Gone;
        self.send(to, Signal::Hangup { call: id, generation, reason, everyone: false });
    }
}

impl Member {
    /// They are asked for their roster from time to time.
    pub fn wants_asking(&self) -> bool {
        self.is_joined() && !self.synced && self.asks_left > 0
    }

    /// Somebody else has invited them.
    fn expect(&mut self, now: Instant, entry: &RosterEntry, inviter_here: bool) {
        if let Standing::Inviting { by, transfer } = &entry.standing {
            self.invited_by = Some(by.clone());
            self.transfer = *transfer;
            // Its inviter knows how long it rings; this is for the case that nobody hears of it any more.
            let patience = if inviter_here { MAX_RING + STALE_INVITE } else { STALE_INVITE };
            self.stale_at = Some(now + patience);
        }
    }

    /// What this device says of the call may be believed: it is in it, or says so and may be.
    fn may_tell(&self, from: &DeviceAddress, entries: &[RosterEntry]) -> bool {
        if self.is_joined_with(from) {
            return true;
        }
        let claims = |entry: &RosterEntry| {
            entry.user == from.user
                && matches!(&entry.standing, Standing::Joined { device } if *device == from.device)
                && self.may_claim(entry)
        };
        entries.iter().any(claims)
    }

    /// They were in the call with this device until others took them for gone.
    fn was_lost(&self, device: &DeviceAddress) -> bool {
        self.answered && self.left_by_others() && self.last_device.as_ref() == Some(&device.device)
    }

    /// Others have said that they left, not they.
    const fn left_by_others(&self) -> bool {
        match &self.standing {
            Standing::Inviting { .. } | Standing::Joined { .. } => false,
            Standing::Left { reason } => match reason {
                EndReason::Cancelled | EndReason::NoResponse | EndReason::Unreachable | EndReason::IceLost => true,
                EndReason::Hangup
                | EndReason::Rejected
                | EndReason::Busy
                | EndReason::AnsweredElsewhere
                | EndReason::RejectedElsewhere
                | EndReason::KickedOut
                | EndReason::IceFailed
                | EndReason::DeviceFailed
                | EndReason::Incompatible
                | EndReason::Error
                | EndReason::Transferred
                | EndReason::Blocked => false,
            },
        }
    }

    /// Somebody may say of themselves that they are in the call if they were invited, or if others took them for lost;
    /// not if they left, declined, or the invitation was withdrawn before they came.
    fn may_claim(&self, entry: &RosterEntry) -> bool {
        match &self.standing {
            Standing::Inviting { .. } | Standing::Joined { .. } => true,
            Standing::Left { .. } => {
                matches!(entry.standing, Standing::Left { .. }) || (self.left_by_others() && self.answered)
            }
        }
    }
}
