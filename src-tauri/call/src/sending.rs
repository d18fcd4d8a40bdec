//! What this side sends: muted, held, with or without a picture; and what the others say of theirs.

use std::time::Instant;

use crate::call::{Call, Phase};
use crate::member::Member;
use crate::path::{MediaPath, Path};
use crate::phone::TOLD_AGAIN;
use crate::{
    CallId, DeviceAddress, EndReason, HangupReason, Meanwhile, MediaKind, Notice, Phone, Refusal, Signal, Stream,
};

/// What somebody says that they send.
pub(crate) struct Sent {
    pub muted: bool,
    pub on_hold: bool,
    pub video: bool,
    pub stream: Option<Stream>,
}

impl Phone {
    /// One microphone for all calls (kit C09, E14).
    pub(crate) fn set_muted(&mut self, muted: bool) {
        if self.muted != muted {
            self.muted = muted;
            self.tell_media_state();
        }
    }

    /// One camera for all video calls (kit E13).
    pub(crate) fn set_video(&mut self, on: bool) {
        if self.video != on {
            self.video = on;
            self.tell_media_state();
        }
    }

    /// One stream for all calls (kit A05).
    pub(crate) fn set_stream(&mut self, stream: Option<Stream>) {
        if self.stream != stream {
            self.stream = stream;
            self.tell_media_state();
        }
    }

    fn tell_media_state(&mut self) {
        self.media_revision += 1;
        for id in self.calls_that(Call::is_in) {
            self.send_media_state(id, None);
        }
    }

    /// Tells somebody whose media has come what I send and what I have decided, if they may not know.
    pub(crate) fn tell_newly_heard(&mut self, now: Instant, id: CallId, peer: &DeviceAddress) {
        let me = self.me.clone();
        let revision = self.media_revision;
        let Some(call) = self.call_mut(id) else { return };
        let decided = call.media_by.as_ref() == Some(&me) || call.agreed_with(peer).is_some();
        let tells = revision > 0 || call.generation > 0 || decided;
        let Some(member) = call.joined_mut(peer) else { return };
        // Once more: they may not have been ready to hear it, and the other road may lose it.
        member.tell_at = (tells && member.tell_at.is_none()).then(|| now + TOLD_AGAIN);
        if tells {
            self.send_media_state(id, Some(peer));
            self.repeat_media_decision(id, peer);
        }
    }

    /// What the call carries is another: a picture of mine goes out by it now, or does no more.
    pub(crate) fn set_media(&mut self, id: CallId, media: MediaKind) -> bool {
        let Some(call) = self.call_mut(id) else { return false };
        let changes = std::mem::replace(&mut call.media, media) != media;
        let tells = changes && call.is_in();
        if changes && self.video {
            self.media_revision += 1;
            if tells {
                self.send_media_state(id, None);
            }
        }
        changes
    }

    /// Tells one device what I send, or all that have my media: those in the call, and those that preview it.
    pub(crate) fn send_media_state(&mut self, id: CallId, to: Option<&DeviceAddress>) {
        let (muted, video) = (self.muted, self.video);
        let Some(call) = self.call(id) else { return };
        let video = video && call.media == MediaKind::Video;
        let revision = told_revision(call.generation, self.media_revision);
        let on_hold = call.on_hold;
        let told = to.map_or_else(|| call.reached_devices(), |to| vec![to.clone()]);
        for to in told {
            let stream = self.stream.clone();
            self.send(to, Signal::MediaState { call: id, revision, muted, on_hold, video, stream });
        }
    }

    pub(crate) fn media_state_received(&mut self, id: CallId, from: &DeviceAddress, revision: u32, sent: Sent) {
        let Sent { muted, on_hold, video, stream } = sent;
        let Some(call) = self.call_mut(id).filter(|call| call.is_answered_here() || call.previews(from)) else {
            return;
        };
        let newest =
            |member: &&mut Member| revision >= told_revision(member.generation, 0) && member.revision < revision;
        let Some(member) = call.joined_mut(from).filter(newest) else {
            return;
        };
        member.revision = revision;
        let mutes = std::mem::replace(&mut member.muted, muted) != muted;
        let holds = std::mem::replace(&mut member.on_hold, on_hold) != on_hold;
        let shows = std::mem::replace(&mut member.video, video) != video;
        let before = std::mem::replace(&mut member.stream, stream.clone());
        let user = from.user.clone();
        if mutes {
            self.notify(Notice::AudioMuted(id, user.clone(), muted));
        }
        if holds {
            self.notify(Notice::Held(id, user.clone(), on_hold));
        }
        if shows {
            self.notify(Notice::VideoMuted(id, user.clone(), !video));
        }
        match stream {
            Some(stream) if before.as_ref() != Some(&stream) => {
                self.notify(Notice::StreamPublished(id, user, stream));
            }
            None if before.is_some() => self.notify(Notice::StreamRemoved(id, user)),
            Some(_) | None => {}
        }
    }

    /// No sound goes either way until it is resumed; the others are told.
    pub(crate) fn hold(&mut self, id: CallId) {
        match self.call(id).map(|call| call.is_in() && !call.is_calling()) {
            None => self.refuse(id, Refusal::UnknownCall),
            Some(false) => self.refuse(id, Refusal::WrongState),
            Some(true) => self.set_on_hold(id, true),
        }
    }

    /// Goes on with a call; all others wait.
    pub(crate) fn resume(&mut self, id: CallId) {
        match self.call(id).map(|call| call.is_in() && call.on_hold) {
            None => self.refuse(id, Refusal::UnknownCall),
            Some(false) => self.refuse(id, Refusal::WrongState),
            Some(true) => {
                for other in self.calls_that(|call| call.is_answered_here() && call.id != id) {
                    self.set_on_hold(other, true);
                }
                self.set_on_hold(id, false);
            }
        }
    }

    pub(crate) fn set_on_hold(&mut self, id: CallId, on_hold: bool) {
        let Some(call) = self.call_mut(id).filter(|call| call.on_hold != on_hold) else {
            return;
        };
        call.on_hold = on_hold;
        self.media_revision += 1;
        self.send_media_state(id, None);
    }

    /// What becomes of the other calls when this one is answered.
    pub(crate) fn set_aside(&mut self, now: Instant, answered: CallId, meanwhile: Meanwhile) {
        for id in self.calls_that(|call| call.id != answered && call.is_answered_here()) {
            match meanwhile {
                Meanwhile::Hold => self.set_on_hold(id, true),
                Meanwhile::End => {
                    let calling = self.call(id).is_some_and(Call::is_calling);
                    let reason = if calling { EndReason::Cancelled } else { EndReason::Hangup };
                    self.depart(now, id, HangupReason::Hangup, false, reason);
                }
            }
        }
    }
}

impl Call {
    /// The devices that have my media: of everyone else in the call, and those that let it be heard before the answer.
    fn reached_devices(&self) -> Vec<DeviceAddress> {
        let mut devices = self.joined_devices();
        let previewing = |path: &&MediaPath| path.path == Path::Up && self.lets_preview(&path.peer);
        devices.extend(self.paths.iter().filter(previewing).map(|path| path.peer.clone()));
        devices
    }

    /// This device has my media before it has answered.
    pub(crate) fn lets_preview(&self, peer: &DeviceAddress) -> bool {
        self.is_in() && self.early_media && !self.is_joined(peer)
    }

    /// The media of this device comes before the answer. Its end of the path may be up sooner than this one.
    fn previews(&self, from: &DeviceAddress) -> bool {
        matches!(self.phase, Phase::Ringing { .. }) && self.path(from).is_some()
    }
}

/// How many changes are counted in one stay in a call, in bits.
const CHANGES: u32 = 20;

/// The revision that travels: what was said in an earlier stay in the call is older than anything of this one.
fn told_revision(generation: u32, changes: u32) -> u32 {
    (generation.min(u32::MAX >> CHANGES) << CHANGES) | changes.min((1 << CHANGES) - 1)
}
