//! The snapshot, made anew after every change, and the levels beside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use peal_call::{CallId, CallSnapshot, CallState, UserId};
use peal_media::audio::{Audio, Voice};

use crate::api::{CallSession, CallView, ContactKind, MemberView, Meters, Quality, VoiceLevel};
use crate::directory::Directory;
use crate::echo::ECHO;
use crate::translate::{call_state, ms, wall_ms};

/// What a call's view is made from beside the call itself.
pub(crate) struct Surroundings<'a> {
    pub directory: &'a Directory,
    pub me: Option<&'a UserId>,
    pub quality: &'a HashMap<CallId, Quality>,
    pub muted: bool,
    pub now: Instant,
}

impl Surroundings<'_> {
    /// The name under which the API knows a user: my own account can only be Echo.
    pub fn shown_user(&self, user: &UserId) -> String {
        if self.me == Some(user) { ECHO.to_owned() } else { user.to_string() }
    }

    pub fn call(&self, call: &CallSnapshot) -> CallView {
        let (state, reason) = call_state(call.state);
        let user_id = self.shown_user(&call.peer);
        let (name, kind) = if user_id == ECHO {
            ("Echo".to_owned(), ContactKind::Echo)
        } else {
            (self.directory.name(&user_id), self.directory.kind(&user_id))
        };
        CallView {
            call_id: call.id.to_string(),
            direction: call.direction.into(),
            media: call.media.into(),
            state,
            reason,
            members: vec![MemberView { user_id, name, kind, state: call.member.into(), muted: call.peer_muted }],
            message: call.message.clone(),
            connected_at: call.connected_at.map(|at| self.wall(at)),
            duration_ms: call.duration.map(ms),
            muted: self.muted,
            quality: self.quality.get(&call.id).copied().filter(|_| !matches!(call.state, CallState::Ended(_))),
        }
    }

    pub fn session(&self, call: &CallSnapshot) -> CallSession {
        let peer = self.shown_user(&call.peer);
        let me = self.me.map(ToString::to_string).unwrap_or_default();
        let outgoing = call.direction == peal_call::Direction::Outgoing;
        let joined = matches!(call.state, CallState::Connected | CallState::Reconnecting);
        let over = matches!(call.state, CallState::Ended(_));
        CallSession {
            call_id: call.id.to_string(),
            media: call.media.into(),
            inviter: if outgoing { me.clone() } else { peer.clone() },
            inviting_members: if joined || over || !outgoing { Vec::new() } else { vec![peer.clone()] },
            joined_members: if joined {
                vec![me, peer]
            } else if outgoing {
                vec![me]
            } else {
                vec![peer]
            },
            start_time: call.connected_at.map(|at| self.wall(at)),
        }
    }

    fn wall(&self, at: Instant) -> f64 {
        wall_ms() as f64 - ms(self.now.saturating_duration_since(at))
    }
}

/// Where the meters read: shared with the handle, so that they go around the loop.
#[derive(Clone, Default)]
pub(crate) struct MeterSource {
    now: Arc<Mutex<Sources>>,
}

#[derive(Default)]
struct Sources {
    audio: Option<Arc<Audio>>,
    voices: Vec<(String, Arc<Voice>)>,
}

impl MeterSource {
    pub fn set(&self, audio: Option<Arc<Audio>>, voices: Vec<(String, Arc<Voice>)>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Sources { audio, voices };
    }

    pub fn read(&self) -> Meters {
        let sources = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(audio) = &sources.audio else { return Meters::default() };
        let mut voices = vec![VoiceLevel { user_id: String::new(), dbfs: audio.levels().microphone_dbfs }];
        voices.extend(
            sources
                .voices
                .iter()
                .map(|(user_id, voice)| VoiceLevel { user_id: user_id.clone(), dbfs: voice.stats().level_dbfs }),
        );
        Meters { voices }
    }
}
