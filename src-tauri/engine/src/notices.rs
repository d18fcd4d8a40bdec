//! What the rules tell, in the words of the API, and what it brings with it here.

use std::time::{Duration, Instant};

use peal_call::{Alert, Input, Meanwhile, Notice, UserId};
use peal_media::audio::Sound;

use crate::api::{EndReason, Event, Invitation, UserInCall};
use crate::phone::Softphone;
use crate::translate::ms;

/// The devices stay open this long after a call, for its last sound.
const LINGER: Duration = Duration::from_millis(900);

impl Softphone {
    pub fn notify(&mut self, notice: Notice) {
        let surroundings = self.surroundings();
        let in_call = |call: peal_call::CallId, user: &UserId| UserInCall {
            call_id: call.to_string(),
            user_id: surroundings.shown_user(user),
        };
        let snapshot = |call: peal_call::CallId| {
            self.session.as_ref().and_then(|it| it.phone.snapshot().into_iter().find(|it| it.id == call))
        };
        let session = |call| snapshot(call).map(|it| surroundings.session(&it));
        let event = match notice {
            Notice::Outgoing(call) => session(call).map(Event::Outgoing),
            Notice::Ringing(call, user) => Some(Event::Ringing(in_call(call, &user))),
            Notice::Invited(call) => snapshot(call).map(|it| {
                Event::Invited(Invitation {
                    call_id: call.to_string(),
                    inviter: surroundings.shown_user(&it.peer),
                    user_ids: it.invited.iter().map(ToString::to_string).collect(),
                    is_from_group: it.group.is_some() || it.invited.len() > 1,
                    group_id: it.group.clone(),
                    message: it.message.clone(),
                    media: it.media.into(),
                })
            }),
            Notice::Connecting(call) => session(call).map(Event::Connecting),
            Notice::Connected(call) => session(call).map(Event::Connected),
            Notice::UserAccepted(call, user) => Some(Event::UserAccepted(in_call(call, &user))),
            Notice::UserRejected(call, user, message) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Some(Event::UserRejected { call_id, user_id, message })
            }
            Notice::UserBusy(call, user) => Some(Event::UserBusy(in_call(call, &user))),
            Notice::UserNoResponse(call, user) => Some(Event::UserNoResponse(in_call(call, &user))),
            Notice::UserCancelled(call, user) => Some(Event::UserCancelled(in_call(call, &user))),
            Notice::CallTimedOut(call, user) => Some(Event::CallTimedOut(in_call(call, &user))),
            Notice::UserEntered(call, user) => Some(Event::UserEntered(in_call(call, &user))),
            Notice::UserLeft(call, user, reason) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Some(Event::UserLeft { call_id, user_id, reason: reason.into() })
            }
            Notice::UserDisconnected(call, user) => Some(Event::UserDisconnected(in_call(call, &user))),
            Notice::MediaDisconnected(call) => Some(Event::MediaDisconnected { call_id: call.to_string() }),
            Notice::AudioMuted(call, user, muted) => {
                let UserInCall { call_id, user_id } = in_call(call, &user);
                Some(Event::AudioMuted { call_id, user_id, muted })
            }
            Notice::AcceptedElsewhere(call, device) => {
                Some(Event::AcceptedElsewhere { call_id: call.to_string(), device: device.to_string() })
            }
            Notice::RejectedElsewhere(call, device) => {
                Some(Event::RejectedElsewhere { call_id: call.to_string(), device: device.to_string() })
            }
            Notice::Ended(call, reason, duration) => {
                Some(Event::CallEnded { call_id: call.to_string(), reason: reason.into(), duration_ms: ms(duration) })
            }
        };
        if let Some(event) = event {
            self.tell(event.clone());
            self.after(&event);
        }
    }

    /// What an event brings with it here.
    fn after(&mut self, event: &Event) {
        match event {
            Event::Invited(invitation) if self.config.auto_answer => {
                if let Ok(call) = invitation.call_id.parse() {
                    self.input(Input::Accept { call });
                }
            }
            Event::Connecting(session) => {
                if let Ok(call) = session.call_id.parse() {
                    self.answered_at.insert(call, Instant::now());
                }
            }
            Event::UserEntered(who) => {
                let UserInCall { call_id, user_id } = who.clone();
                self.tell(Event::AudioAvailable { call_id, user_id, available: true });
            }
            Event::AudioMuted { call_id, user_id, muted } => {
                let (call_id, user_id) = (call_id.clone(), user_id.clone());
                self.tell(Event::AudioAvailable { call_id, user_id, available: !muted });
            }
            Event::CallEnded { call_id, reason, .. } => {
                if let Ok(call) = call_id.parse() {
                    self.answered_at.remove(&call);
                }
                let busy = *reason == crate::api::EndReason::Busy;
                self.sound.play_once(if busy { Sound::Busy } else { Sound::Ended });
                self.lingers = Some(Instant::now() + if busy { LINGER * 4 } else { LINGER });
            }
            _ => {}
        }
    }
}

