//! Who is in a call: how members tell each other, and how their rosters become one.
//!
//! Each keeps asking every other until they know all it knows, so that rosters converge whatever the order, loss or
//! repetition of signals. In a call of two both know each other by being in it, and no rosters travel.

use std::time::Instant;

use crate::call::Phase;
use crate::path::Path;
use crate::phone::{ASK_AGAIN, ASKS, OFFER_AFTER, OFFER_YIELD, TRANSFER_LEAVE};
use crate::{
    CallId, DeviceAddress, DeviceId, GENERATION_LIMIT, MEMBER_LIMIT, Notice, Phone, ROSTER_LIMIT, RosterEntry, Signal,
    Standing, UserId,
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
        if let Some(path) = self.call_mut(id).and_then(|call| call.path_mut(&joiner)) {
            path.lingers_until = None;
            if path.path == Path::Up {
                // What connects us has outlived the rumour that they had gone.
                self.heard(now, id, &joiner);
            }
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
    pub(crate) fn tell_next(&mut self, now: Instant, id: CallId) {
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
        if reply {
            // Perhaps they learn by it that another device of theirs is in the call, and not they.
            self.send(from.clone(), Signal::Roster { call: id, entries: roster, reply: false });
        }
        let Some(member) = self.call_mut(id).and_then(|call| call.joined_mut(from)) else { return };
        let agree = synced && !std::mem::replace(&mut member.synced, synced);
        if !synced && member.asks_left == 0 {
            member.asks_left = ASKS;
            member.ask_at = now + ASK_AGAIN;
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
        let credible = |entry: &&RosterEntry| entry.generation <= GENERATION_LIMIT;
        for entry in entries.iter().filter(|entry| entry.user != me.user).filter(credible) {
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
        if let Some(mine) = entries.iter().filter(credible).find(|entry| entry.user == me.user) {
            self.heard_of_myself(now, id, mine);
        }
        if let Some(last) = last {
            self.check_alone(now, id, last);
        }
    }
}
