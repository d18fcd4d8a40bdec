//! Voice to picture and back.
//!
//! A call of two asks before it shows a picture; all else is decided by one. Of two decisions at once the one with the
//! larger revision counts, then the one of the larger address, so that all agree.

use std::time::Instant;

use crate::call::{Call, PendingSwitch};
use crate::phone::{SAID_AGAIN, SWITCH_LIMIT};
use crate::{CallId, DeviceAddress, MediaKind, Notice, Phone, Refusal, Signal};

impl Phone {
    /// Asks for a change, or decides it (kit B26).
    pub(crate) fn switch_media(&mut self, now: Instant, id: CallId, media: MediaKind) {
        let me = self.me.clone();
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        if !call.is_in() || call.is_calling() || call.media == media {
            return self.refuse(id, Refusal::WrongState);
        }
        match (media, call.switch.as_ref().map(|switch| switch.by_me)) {
            (MediaKind::Video, Some(true)) => self.refuse(id, Refusal::WrongState),
            // They ask for the same.
            (MediaKind::Video, Some(false)) => self.answer_switch(id, true),
            (MediaKind::Video, None) if call.only_other().is_some() => {
                // Larger than that of a question that was refused: it is another one.
                let revision = call.media_revision.max(call.asked_revision).saturating_add(1);
                call.asked_revision = revision;
                let (deadline, again_at) = (now + SWITCH_LIMIT, Some(now + SAID_AGAIN));
                call.switch = Some(PendingSwitch { by_me: true, media, revision, deadline, again_at });
                self.send_media_request(id, revision, media, false);
            }
            (MediaKind::Video, None) | (MediaKind::Audio, _) => {
                call.switch = None;
                call.media_revision = call.media_revision.saturating_add(1);
                call.media_by = Some(me);
                let revision = call.media_revision;
                self.send_media_request(id, revision, media, true);
                self.set_media(id, media);
                self.notify(Notice::MediaChanged(id, media));
            }
        }
    }

    fn send_media_request(&mut self, id: CallId, revision: u32, media: MediaKind, decided: bool) {
        for to in self.call(id).map(Call::joined_devices).unwrap_or_default() {
            self.send(to, Signal::MediaRequest { call: id, revision, media, decided });
        }
    }

    /// Says my last decision, or that I have agreed, again to somebody whose media is back: they may not have heard it.
    pub(crate) fn repeat_media_decision(&mut self, id: CallId, to: &DeviceAddress) {
        let Some(call) = self.call(id) else { return };
        if call.media_by.as_ref() == Some(&self.me) {
            let (revision, media) = (call.media_revision, call.media);
            self.send(to.clone(), Signal::MediaRequest { call: id, revision, media, decided: true });
        } else if let Some(revision) = call.agreed_with(to) {
            self.send(to.clone(), Signal::MediaReply { call: id, revision, accept: true });
        }
    }

    pub(crate) fn media_requested(
        &mut self,
        now: Instant,
        id: CallId,
        from: &DeviceAddress,
        revision: u32,
        media: MediaKind,
        decided: bool,
    ) {
        let Some(call) = self.call_mut(id).filter(|call| call.is_answered_here() && call.is_joined(from)) else {
            return;
        };
        if decided {
            if (revision, Some(from)) > (call.media_revision, call.media_by.as_ref()) {
                self.change_media(id, revision, media, Some(from.clone()));
            }
            return;
        }
        if let Some((answered, accept)) = call.answered_request
            && revision <= answered
        {
            // Asked again: the answer may be lost.
            let accept = accept && revision == answered;
            return self.send(from.clone(), Signal::MediaReply { call: id, revision, accept });
        }
        match call.switch.as_ref().map(|switch| (switch.by_me, switch.media == media, switch.revision)) {
            // Both ask for the same at once.
            Some((true, true, _)) => self.reply(id, from, revision, media, true),
            Some((false, _, asked)) if asked >= revision => {}
            Some((true, false, _) | (false, _, _)) | None => {
                if call.media == media || call.only_other().is_none() {
                    let agrees = call.media == media;
                    return self.reply(id, from, revision, media, agrees);
                }
                let deadline = now + SWITCH_LIMIT;
                call.switch = Some(PendingSwitch { by_me: false, media, revision, deadline, again_at: None });
                self.notify(Notice::MediaChangeRequested(id, from.user.clone(), media));
            }
        }
    }

    /// Answers what the other one asked.
    pub(crate) fn answer_switch(&mut self, id: CallId, accept: bool) {
        let Some(call) = self.call_mut(id) else {
            return self.refuse(id, Refusal::UnknownCall);
        };
        let asked = call.switch.as_ref().filter(|switch| !switch.by_me).map(|switch| (switch.revision, switch.media));
        let other = call.only_other().and_then(crate::member::Member::address);
        let Some(((revision, media), other)) = asked.zip(other) else {
            return self.refuse(id, Refusal::WrongState);
        };
        self.reply(id, &other, revision, media, accept);
    }

    fn reply(&mut self, id: CallId, to: &DeviceAddress, revision: u32, media: MediaKind, accept: bool) {
        let Some(call) = self.call_mut(id) else { return };
        call.switch = None;
        call.answered_request = Some((revision, accept));
        self.send(to.clone(), Signal::MediaReply { call: id, revision, accept });
        if accept {
            self.change_media(id, revision, media, None);
        }
    }

    pub(crate) fn media_replied(&mut self, id: CallId, from: &DeviceAddress, revision: u32, accept: bool) {
        let Some(call) = self.call_mut(id).filter(|call| call.is_in() && call.is_joined(from)) else {
            return;
        };
        if call.asked_revision != revision || call.media_revision >= revision {
            return;
        }
        let waited = call.switch.take_if(|switch| switch.by_me).is_some();
        if accept {
            // Even if it comes late: they show a picture already.
            self.change_media(id, revision, MediaKind::Video, None);
        } else if waited {
            self.notify(Notice::MediaChangeRefused(id, from.user.clone()));
        }
    }

    /// The call is voice or picture now, by one's decision or by agreement.
    fn change_media(&mut self, id: CallId, revision: u32, media: MediaKind, by: Option<DeviceAddress>) {
        let Some(call) = self.call_mut(id) else { return };
        call.media_revision = call.media_revision.max(revision);
        call.media_by = by;
        call.switch = None;
        if self.set_media(id, media) {
            self.notify(Notice::MediaChanged(id, media));
        }
    }

    /// A question is asked again, and is a no in the end.
    pub(crate) fn switch_timeout(&mut self, now: Instant, id: CallId) {
        let Some(call) = self.call_mut(id) else { return };
        let other = call.only_other().and_then(crate::member::Member::address);
        let Some(switch) = &mut call.switch else { return };
        let (by_me, revision, media) = (switch.by_me, switch.revision, switch.media);
        if switch.deadline <= now {
            call.switch = None;
            let Some(other) = other else { return };
            if by_me {
                self.notify(Notice::MediaChangeRefused(id, other.user));
            } else {
                self.reply(id, &other, revision, media, false);
            }
        } else if switch.again_at.is_some_and(|at| at <= now) {
            switch.again_at = Some(now + SAID_AGAIN);
            self.send_media_request(id, revision, media, false);
        }
    }
}

impl Call {
    /// What the call carries is what I have agreed to when this device asked for it.
    pub fn agreed_with(&self, device: &DeviceAddress) -> Option<u32> {
        let (revision, accept) = self.answered_request?;
        let stands = accept && revision == self.media_revision && self.media_by.is_none();
        self.only_other().filter(|other| stands && other.is_joined_with(device)).map(|_| revision)
    }
}
