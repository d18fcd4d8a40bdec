//! The snapshot, made anew after every change, and the levels beside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use peal_call::{CallSnapshot, CallState, Direction, MediaKind, MemberSnapshot, MemberState, UserId};
use peal_media::audio::{Audio, Voice};

use crate::api::{CallSession, CallView, ContactKind, Invitation, MemberView, Meters, SwitchView, VoiceLevel};
use crate::directory::Directory;
use crate::echo::ECHO;
use crate::translate::{call_state, ms, wall_ms};
use crate::voices::{Links, quality};

/// What a call's view is made from beside the call itself.
pub(crate) struct Surroundings<'a> {
    pub directory: &'a Directory,
    pub me: Option<&'a UserId>,
    pub links: &'a Links,
    /// dB by account; absent: 0.
    pub volumes: &'a HashMap<String, f32>,
    pub muted: bool,
    /// My picture is on in the video calls.
    pub my_video: bool,
    pub now: Instant,
}

impl Surroundings<'_> {
    /// The name under which the API knows a user: my own account can only be Echo.
    pub fn shown_user(&self, user: &UserId) -> String {
        if self.me == Some(user) { ECHO.to_owned() } else { user.to_string() }
    }

    pub fn call(&self, call: &CallSnapshot) -> CallView {
        let (state, reason) = call_state(call.state);
        let is_mine = !call.is_over() && call.alert.is_none();
        let shown = |user: &UserId| self.shown_user(user);
        CallView {
            call_id: call.id.to_string(),
            direction: call.direction.into(),
            media: call.media.into(),
            host: call.host.to_string(),
            inviter: call.inviter.as_ref().map(shown),
            group_id: call.group.clone(),
            group_name: call.group.as_deref().and_then(|id| self.directory.group(id)).map(|group| group.name.clone()),
            state,
            alert: call.alert.map(Into::into),
            reason,
            members: call.members.iter().map(|member| self.member(call, member)).collect(),
            message: call.message.clone(),
            connected_at: call.connected_at.map(|at| self.wall(at)),
            duration_ms: call.duration.map(ms),
            muted: self.muted && !call.is_over(),
            my_video: self.my_video && call.media == MediaKind::Video && is_mine && !call.on_hold,
            on_hold: call.on_hold,
            switch: call.switch.map(|it| SwitchView { by_me: it.by_me, media: it.media.into() }),
            transfer_to: call.transfer_to.as_ref().map(shown),
            preview: call.preview,
            quality: quality(self.links, call.id).filter(|_| call.state == CallState::Connected && !is_on_hold(call)),
        }
    }

    fn member(&self, call: &CallSnapshot, member: &MemberSnapshot) -> MemberView {
        let user_id = self.shown_user(&member.user);
        let (name, kind) = if user_id == ECHO {
            ("Echo".to_owned(), ContactKind::Echo)
        } else {
            (self.directory.name(&user_id), self.directory.kind(&user_id))
        };
        let path = self.links.iter().find(|(link, _)| link.call == call.id && link.peer.user == member.user);
        let path = path.map(|(_, handle)| handle).filter(|_| member.state == MemberState::Joined);
        let invited_by = member.invited_by.as_ref().filter(|by| **by != call.host);
        MemberView {
            name,
            kind,
            state: member.state.into(),
            reason: member.reason.map(Into::into),
            muted: member.muted,
            on_hold: member.on_hold,
            video: member.video,
            play_url: member.stream.as_ref().map(|stream| stream.url.clone()),
            device_id: member.device.as_ref().map(ToString::to_string),
            invited_by: invited_by.map(ToString::to_string),
            volume_db: self.volumes.get(&user_id).copied().unwrap_or_default(),
            video_muted: call.media == MediaKind::Video && member.state == MemberState::Joined && !member.video,
            quality: path.and_then(|path| path.judged).map(|(quality, _)| quality).filter(|_| !is_on_hold(call)),
            picture_lowered: path.and_then(|path| path.theirs).and_then(|it| it.lowered).map(Into::into),
            picture_paused: path.and_then(|path| path.theirs).is_some_and(|it| it.frame_rate == 0),
            my_picture_lowered: path.and_then(|path| path.mine).and_then(|it| it.lowered).map(Into::into),
            user_id,
        }
    }

    pub fn session(&self, call: &CallSnapshot) -> CallSession {
        let me = self.me.map(ToString::to_string).unwrap_or_default();
        let (mut inviting_members, mut joined_members) = (Vec::new(), Vec::new());
        match call.state {
            CallState::Ringing | CallState::Calling if call.direction == Direction::Incoming => {
                inviting_members.push(me);
            }
            CallState::Calling
            | CallState::Ringing
            | CallState::Connecting
            | CallState::Connected
            | CallState::Reconnecting => joined_members.push(me),
            CallState::Ended(_) => {}
        }
        for member in &call.members {
            match member.state {
                MemberState::Inviting | MemberState::Ringing | MemberState::Connecting => {
                    inviting_members.push(self.shown_user(&member.user));
                }
                MemberState::Joined | MemberState::Disconnected => joined_members.push(self.shown_user(&member.user)),
                MemberState::Left => {}
            }
        }
        CallSession {
            call_id: call.id.to_string(),
            media: call.media.into(),
            inviter: call.inviter.as_ref().map_or_else(|| call.host.to_string(), |user| self.shown_user(user)),
            inviting_members,
            joined_members,
            start_time: call.connected_at.map(|at| self.wall(at)),
        }
    }

    pub fn invitation(&self, call: &CallSnapshot) -> Invitation {
        let inviter = call.inviter.as_ref().unwrap_or(&call.host);
        let others = call.members.iter().map(|it| &it.user).filter(|user| **user != call.host);
        let user_ids: Vec<String> = self.me.into_iter().chain(others).map(ToString::to_string).collect();
        Invitation {
            call_id: call.id.to_string(),
            inviter: self.shown_user(inviter),
            is_from_group: call.group.is_some() || user_ids.len() > 1,
            user_ids,
            group_id: call.group.clone(),
            message: call.message.clone(),
            media: call.media.into(),
        }
    }

    fn wall(&self, at: Instant) -> f64 {
        wall_ms() as f64 - ms(self.now.saturating_duration_since(at))
    }
}

/// Somebody holds it: what its media paths are like says nothing.
fn is_on_hold(call: &CallSnapshot) -> bool {
    call.on_hold || call.members.iter().any(|member| member.on_hold)
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
