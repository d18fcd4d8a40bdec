//! What comes back from those whom I have invited, until somebody answers.

use std::time::Instant;

use crate::call::Call;
use crate::member::Pending;
use crate::path::{MediaPath, Path};
use crate::phone::CONNECT_LIMIT;
use crate::{
    CallId, CancelReason, DeviceAddress, EndReason, HangupReason, MediaKind, Notice, Phone, RejectReason, Signal,
    Standing,
};

impl Phone {
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
            Some((true, Standing::Joined { device })) if *device == from.device => self.select_again(id, &from),
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
            self.set_media(id, MediaKind::Audio);
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
