//! What is believed of what others tell, and of whom.

use std::time::Instant;

use crate::call::Call;
use crate::member::Member;
use crate::phone::STALE_INVITE;
use crate::{
    CallId, CancelReason, DeviceAddress, EndReason, MAX_RING, Notice, Phone, RosterEntry, Signal, Standing, UserId,
};

impl Phone {
    /// Takes one line of a roster that is news.
    pub(crate) fn believe(&mut self, now: Instant, id: CallId, entry: &RosterEntry) {
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
                let Some(call) = self.call_mut(id) else { return };
                let heard = call.member(&entry.user).filter(|member| call.hears(member)).and_then(Member::address);
                let Some(member) = call.member_mut(&entry.user) else { return };
                member.generation = entry.generation;
                member.standing = entry.standing.clone();
                if let Some(heard) = heard.filter(|_| member.left_by_others()) {
                    self.doubt(now, id, &heard);
                }
                if !was_left {
                    self.gone(now, id, &entry.user, reason);
                }
            }
        }
    }

    /// Others take somebody for gone whom I hear: what connects us stays for a while, and they are told, so that they
    /// can come back without a gap.
    fn doubt(&mut self, now: Instant, id: CallId, heard: &DeviceAddress) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id) else { return };
        if let Some(path) = call.path_mut(heard) {
            path.lingers_until = Some(now + STALE_INVITE);
        }
        let entries = call.roster(&me);
        self.send(heard.clone(), Signal::Roster { call: id, entries, reply: true });
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
    pub(crate) fn heard_of_myself(&mut self, now: Instant, id: CallId, entry: &RosterEntry) {
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
}

impl Call {
    /// I come in while others are being invited: none of them is waited for without end. An invitation in my own name
    /// is of an earlier stay, and its end may be unknown to the one who told me of it.
    pub fn expect_guests(&mut self, now: Instant) {
        let here: Vec<_> =
            self.members.iter().filter(|member| member.is_joined()).map(|member| member.user.clone()).collect();
        for member in &mut self.members {
            let entry = member.entry();
            match &entry.standing {
                Standing::Inviting { by, .. } => member.expect(now, &entry, here.contains(by)),
                Standing::Joined { .. } | Standing::Left { .. } => {}
            }
        }
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
    pub fn may_tell(&self, from: &DeviceAddress, entries: &[RosterEntry]) -> bool {
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
    pub fn was_lost(&self, device: &DeviceAddress) -> bool {
        self.answered && self.left_by_others() && self.last_device.as_ref() == Some(&device.device)
    }

    /// Others have said that they left, not they.
    pub const fn left_by_others(&self) -> bool {
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
    pub fn may_claim(&self, entry: &RosterEntry) -> bool {
        match &self.standing {
            Standing::Inviting { .. } | Standing::Joined { .. } => true,
            Standing::Left { .. } => {
                matches!(entry.standing, Standing::Left { .. }) || (self.left_by_others() && self.answered)
            }
        }
    }
}
