//! What the rules tell, in the words of the API, and what it brings with it here.

use std::time::{Duration, Instant};

use peal_call::{Alert, CallId, CallSnapshot, DeviceId, Input, Meanwhile, Notice, UserId};
use peal_media::audio::Sound;

use crate::api::{EndReason, Event, UserInCall};
use crate::phone::Softphone;
use crate::translate::ms;
use crate::voices::Heard;

/// The devices stay open this long after a call, for its last sound.
const LINGER: Duration = Duration::from_millis(900);
/// The same after a ring that nobody answered here.
const FADE: Duration = Duration::from_millis(100);

impl Softphone {
    pub fn notify(&mut self, notice: Notice) {
        let Some(event) = self.event(notice) else { return };
        self.tell(event.clone());
        self.after(&event);
    }

    /// The call as the rules have it now.
    pub fn snapshot_of(&self, call: CallId) -> Option<CallSnapshot> {
        self.session.as_ref().and_then(|it| it.phone.snapshot().into_iter().find(|it| it.id == call))
    }

    fn event(&self, notice: Notice) -> Option<Event> {
        let surroundings = self.surroundings();
        let shown = |user: &UserId| surroundings.shown_user(user);
        let in_call = |call: CallId, user: &UserId| UserInCall {
            call_id: call.to_string(),
            user_id: surroundings.shown_user(user),
        };
        let session = |call| self.snapshot_of(call).map(|it| surroundings.session(&it));
        Some(match notice {
            Notice::Outgoing(call) => Event::Outgoing(session(call)?),
            Notice::Ringing(call, user) => Event::Ringing(in_call(call, &user)),
            Notice::Invited(call) => Event::Invited(surroundings.invitation(&self.snapshot_of(call)?)),
            Notice::Connecting(call) => Event::Connecting(session(call)?),
            Notice::Connected(call) => Event::Connected(session(call)?),
            Notice::UserAccepted(call, user) => Event::UserAccepted(in_call(call, &user)),
            Notice::UserRejected(call, user, message) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::UserRejected { call_id, user_id, message }
            }
            Notice::UserBusy(call, user) => Event::UserBusy(in_call(call, &user)),
            Notice::UserNoResponse(call, user) => Event::UserNoResponse(in_call(call, &user)),
            Notice::UserCancelled(call, user) => Event::UserCancelled(in_call(call, &user)),
            Notice::CallTimedOut(call, user) => Event::CallTimedOut(in_call(call, &user)),
            Notice::UserEntered(call, user) => Event::UserEntered(in_call(call, &user)),
            Notice::UserLeft(call, user, reason) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::UserLeft { call_id, user_id, reason: reason.into() }
            }
            Notice::UserDisconnected(call, user) => Event::UserDisconnected(in_call(call, &user)),
            Notice::MediaDisconnected(call) => Event::MediaDisconnected { call_id: call.to_string() },
            Notice::AudioMuted(call, user, muted) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::AudioMuted { call_id, user_id, muted }
            }
            Notice::VideoMuted(call, user, muted) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::VideoMuted { call_id, user_id, muted }
            }
            Notice::Held(call, user, on_hold) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::Held { call_id, user_id, on_hold }
            }
            Notice::MediaChangeRequested(call, user, media) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::MediaChangeRequested { call_id, user_id, media: media.into() }
            }
            Notice::MediaChanged(call, media) => Event::MediaChanged { call_id: call.to_string(), media: media.into() },
            Notice::MediaChangeRefused(call, user) => Event::MediaChangeRefused(in_call(call, &user)),
            // Echo neither invites nor hands over: whoever has my account there is me.
            Notice::UsersInvited(call, by, users) => Event::UsersInvited {
                call_id: call.to_string(),
                from_user: by.to_string(),
                invited_users: users.iter().map(shown).collect(),
            },
            Notice::Transferring(call, by, to) => {
                Event::Transferring { call_id: call.to_string(), by: by.to_string(), to: shown(&to) }
            }
            Notice::Transferred(call, to) => Event::Transferred { call_id: call.to_string(), to: shown(&to) },
            Notice::TransferFailed(call, to, reason) => {
                Event::TransferFailed { call_id: call.to_string(), to: shown(&to), reason: reason.into() }
            }
            Notice::StreamAdded(call, user) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::StreamAdded { call_id, user_id, play_url: None }
            }
            Notice::StreamPublished(call, user, stream) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::StreamAdded { call_id, user_id, play_url: Some(stream.url) }
            }
            Notice::StreamRemoved(call, user) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Event::StreamRemoved { call_id, user_id }
            }
            Notice::AcceptedElsewhere(call, device) => {
                let device_name = self.own_device_name(&device);
                Event::AcceptedElsewhere { call_id: call.to_string(), device: device.to_string(), device_name }
            }
            Notice::RejectedElsewhere(call, device) => {
                let device_name = self.own_device_name(&device);
                Event::RejectedElsewhere { call_id: call.to_string(), device: device.to_string(), device_name }
            }
            Notice::Ended(call, reason, duration) => {
                Event::CallEnded { call_id: call.to_string(), reason: reason.into(), duration_ms: ms(duration) }
            }
        })
    }

    /// What this account calls one of its devices; empty if it has no name, or is not there any more.
    fn own_device_name(&self, device: &DeviceId) -> String {
        let Some(session) = &self.session else { return String::new() };
        let devices = session.client.devices_of(&session.me.user);
        let found = devices.into_iter().find(|it| it.address.device == *device);
        found.map(|it| it.device_name.trim().to_owned()).unwrap_or_default()
    }

    fn after(&mut self, event: &Event) {
        match event {
            Event::Invited(invitation) if self.config.auto_answer => {
                let rings = |call: &CallId| self.snapshot_of(*call).is_some_and(|it| it.alert != Some(Alert::Silent));
                if let Some(call) = invitation.call_id.parse().ok().filter(rings) {
                    self.input(Input::Accept { call, media: None, meanwhile: Meanwhile::Hold });
                }
            }
            Event::Connecting(session) => {
                if let Ok(call) = session.call_id.parse() {
                    self.answered_at.insert(call, Instant::now());
                }
            }
            Event::UserEntered(UserInCall { call_id, user_id }) => {
                let (call_id, user_id) = (call_id.clone(), user_id.clone());
                self.tell(Event::AudioAvailable { call_id, user_id, available: true });
            }
            Event::AudioMuted { call_id, user_id, muted } => {
                let (call_id, user_id) = (call_id.clone(), user_id.clone());
                self.tell(Event::AudioAvailable { call_id, user_id, available: !muted });
            }
            Event::VideoMuted { call_id, user_id, muted } => {
                let (call_id, user_id) = (call_id.clone(), user_id.clone());
                self.tell(Event::VideoAvailable { call_id, user_id, available: !muted });
            }
            Event::CallEnded { call_id, reason, .. } => {
                if let Ok(call) = call_id.parse() {
                    self.ended(call, *reason);
                }
            }
            _ => {}
        }
    }

    fn ended(&mut self, call: CallId, reason: EndReason) {
        self.answered_at.remove(&call);
        match self.sounded.remove(&call) {
            Some(Heard::Call) => {
                let busy = reason == EndReason::Busy;
                self.sound.play_once(if busy { Sound::Busy } else { Sound::Ended });
                self.lingers = Some(Instant::now() + if busy { LINGER * 4 } else { LINGER });
            }
            // It stops ringing, softly.
            Some(Heard::Ring) => {
                self.sound.play(None);
                self.lingers = Some(Instant::now() + FADE);
            }
            // What was silent stays so.
            None => {}
        }
    }
}
