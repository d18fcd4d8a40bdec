//! What time brings.

use std::time::Instant;

use crate::call::{Call, Phase};
use crate::member::Member;
use crate::phone::{ASK_AGAIN, LOST_AFTER, UNHEARD_LIMIT};
use crate::{CallId, CancelReason, EndReason, HangupReason, Notice, Phone, Standing, UserId};

impl Call {
    /// When this call wants to be looked at next.
    pub fn timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Waiting { deadline } => Some(*deadline),
            Phase::Ringing { deadline, gone_at, .. } => Some(gone_at.map_or(*deadline, |at| at.min(*deadline))),
            Phase::Accepting { deadline, sent, again_at } => {
                Some(if *sent { *again_at.min(deadline) } else { *deadline })
            }
            Phase::In => self.running_timeout(),
            Phase::Ended { until, .. } => Some(*until),
        }
    }

    fn running_timeout(&self) -> Option<Instant> {
        let members = self.members.iter().filter_map(|member| self.member_timeout(member));
        let switch = self.switch.as_ref().map(|it| it.again_at.map_or(it.deadline, |at| at.min(it.deadline)));
        members
            .chain(self.paths_timeout())
            .chain(self.cut_off_since.map(|since| since + LOST_AFTER))
            .chain(switch)
            .chain(self.transfer.as_ref().and_then(|transfer| transfer.leave_at))
            .min()
    }

    fn member_timeout(&self, member: &Member) -> Option<Instant> {
        match &member.standing {
            Standing::Left { .. } => None,
            Standing::Inviting { .. } => member.pending.as_ref().map_or(member.stale_at, |it| Some(it.deadline)),
            Standing::Joined { .. } => {
                let ask = (self.is_group() && member.wants_asking()).then_some(member.ask_at);
                let offer = member.offer_at.filter(|_| self.lacks_path(member));
                let lost = self.lost_at(member);
                ask.into_iter().chain(offer).chain(lost).chain(member.tell_at).min()
            }
        }
    }

    fn lacks_path(&self, member: &Member) -> bool {
        member.is_joined() && !self.paths.iter().any(|path| member.is_joined_with(&path.peer))
    }

    /// In a group: when they will have been without media for too long for one whose program is gone, by presence or
    /// because nothing is heard of it.
    fn lost_at(&self, member: &Member) -> Option<Instant> {
        if !self.is_group() || !member.is_joined() || self.hears(member) {
            return None;
        }
        let unheard = (member.silent_since + LOST_AFTER).max(member.heard_at + UNHEARD_LIMIT);
        Some(if member.present { unheard } else { unheard.min(member.silent_since + LOST_AFTER) })
    }
}

impl Phone {
    /// Does what is due in a call.
    pub(crate) fn call_timeout(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.calls.iter().find(|call| call.id == id) else {
            return;
        };
        if call.timeout().is_none_or(|at| at > now) {
            return;
        }
        let inviter = call.inviter.as_ref().map(|inviter| inviter.user.clone());
        match &call.phase {
            Phase::Waiting { .. } => self.end(now, id, EndReason::NoResponse),
            Phase::Ringing { deadline, .. } => {
                let missing = now < *deadline;
                if let Some(inviter) = inviter {
                    self.notify(if missing {
                        Notice::UserCancelled(id, inviter)
                    } else {
                        Notice::CallTimedOut(id, inviter)
                    });
                }
                self.end(now, id, if missing { EndReason::Cancelled } else { EndReason::NoResponse });
            }
            Phase::Accepting { deadline, .. } => {
                if *deadline <= now {
                    self.depart(now, id, HangupReason::IceFailed, false, EndReason::IceFailed);
                } else {
                    self.accept_again(now, id);
                }
            }
            Phase::In => self.running_call_timeout(now, id),
            Phase::Ended { .. } => self.calls.retain(|call| call.id != id),
        }
    }

    fn running_call_timeout(&mut self, now: Instant, id: CallId) {
        for user in self.members_that(id, |_, member| member.pending.as_ref().is_some_and(|it| it.deadline <= now)) {
            self.invite_timeout(now, id, &user);
        }
        let stale = |_: &Call, member: &Member| {
            member.is_inviting() && member.pending.is_none() && member.stale_at.is_some_and(|at| at <= now)
        };
        for user in self.members_that(id, stale) {
            let inviter_here = self.call(id).is_some_and(|call| call.inviter_is_here(&user));
            let reason = if inviter_here { EndReason::NoResponse } else { EndReason::Cancelled };
            self.taken_for_gone(now, id, &user, reason);
        }
        let lost = |call: &Call, member: &Member| call.lost_at(member).is_some_and(|at| at <= now);
        for user in self.members_that(id, lost) {
            self.taken_for_gone(now, id, &user, EndReason::IceLost);
        }
        let leaves = |call: &Call| call.transfer.as_ref().and_then(|it| it.leave_at).is_some_and(|at| at <= now);
        if self.call(id).is_some_and(leaves) {
            self.transfer_done(now, id);
        }
        self.switch_timeout(now, id);
        self.cut_off_timeout(now, id);
        let due: Vec<_> = self.call(id).iter().flat_map(|call| &call.paths).map(|path| path.peer.clone()).collect();
        for peer in due {
            self.path_timeout(now, id, &peer);
        }
        let unlinked =
            |call: &Call, member: &Member| call.lacks_path(member) && member.offer_at.is_some_and(|at| at <= now);
        for user in self.members_that(id, unlinked) {
            let peer = self.call(id).and_then(|call| call.member(&user)).and_then(Member::address);
            if let Some(peer) = peer {
                self.open_offerer(now, id, &peer);
            }
        }
        let retold = |_: &Call, member: &Member| member.is_joined() && member.tell_at.is_some_and(|at| at <= now);
        for user in self.members_that(id, retold) {
            let peer = self.call(id).and_then(|call| call.member(&user)).and_then(Member::address);
            if let Some(peer) = peer {
                self.tell_newly_heard(now, id, &peer);
            }
        }
        self.ask_rosters(now, id);
    }

    /// It rang in vain, or nowhere (kit B14, E16).
    fn invite_timeout(&mut self, now: Instant, id: CallId, user: &UserId) {
        let rang = self.call(id).and_then(|call| call.pending(user)).is_some_and(crate::member::Pending::rings);
        let reason = if rang { EndReason::NoResponse } else { EndReason::Unreachable };
        self.notify(Notice::UserNoResponse(id, user.clone()));
        self.withdraw(now, id, user, &CancelReason::TimedOut, reason, true);
    }

    /// Somebody is not heard of any more: that is told to the others, and theirs to contradict.
    fn taken_for_gone(&mut self, now: Instant, id: CallId, user: &UserId, reason: EndReason) {
        let Some(member) = self.call_mut(id).and_then(|call| call.member_mut(user)) else {
            return;
        };
        member.standing = Standing::Left { reason };
        self.gone(now, id, user, reason);
        self.tell_roster(now, id);
        self.check_alone(now, id, reason);
    }

    /// In a group, the call is lost for me when nobody's media has arrived for long, unless somebody may still come.
    fn cut_off_timeout(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call_mut(id).filter(|call| call.is_in()) else {
            return;
        };
        if call.cut_off_since.is_none_or(|since| since + LOST_AFTER > now) {
            return;
        }
        if call.members.iter().any(|member| member.pending.is_some()) {
            call.cut_off_since = now.checked_sub(LOST_AFTER.saturating_sub(ASK_AGAIN));
            return;
        }
        let (why, reason) = if call.connected_at.is_some() {
            (HangupReason::IceLost, EndReason::IceLost)
        } else {
            (HangupReason::IceFailed, EndReason::IceFailed)
        };
        self.depart(now, id, why, false, reason);
    }

    /// Notes since when I am cut off from everyone.
    pub(crate) fn settle(&mut self, now: Instant) {
        for call in self.calls.iter_mut().filter(|call| call.is_in()) {
            let cut_off = call.is_group() && !call.is_calling() && !call.hears_anybody();
            if !cut_off {
                call.cut_off_since = None;
            } else if call.cut_off_since.is_none() {
                call.cut_off_since = Some(now);
            }
        }
    }

    fn members_that(&self, id: CallId, wanted: impl Fn(&Call, &Member) -> bool) -> Vec<UserId> {
        let Some(call) = self.call(id) else { return Vec::new() };
        call.members.iter().filter(|member| wanted(call, member)).map(|member| member.user.clone()).collect()
    }
}

impl Call {
    /// The one who invited this person is still in the call.
    fn inviter_is_here(&self, user: &UserId) -> bool {
        let inviter = self.member(user).and_then(|member| member.invited_by.as_ref());
        inviter.and_then(|inviter| self.member(inviter)).is_some_and(Member::is_joined)
    }
}
