//! What of a call is shown, out of what it is.

use crate::call::{Call, Phase};
use crate::member::{Member, Pending};
use crate::path::Path;
use crate::{CallSnapshot, CallState, MediaKind, MemberSnapshot, MemberState, Standing, Switch, UserId};

impl Call {
    /// The call as it is shown.
    pub fn snapshot(&self) -> CallSnapshot {
        let (alert, duration) = match &self.phase {
            Phase::Ringing { alert, .. } => (Some(*alert), None),
            Phase::Ended { duration, .. } => (None, Some(*duration)),
            Phase::Waiting { .. } | Phase::Accepting { .. } | Phase::In => (None, None),
        };
        CallSnapshot {
            id: self.id,
            direction: self.direction,
            media: self.media,
            host: self.host.clone(),
            inviter: self.inviter.as_ref().map(|inviter| inviter.user.clone()),
            group: self.group.clone(),
            message: self.message.clone(),
            state: self.state(),
            alert,
            members: self.members.iter().map(|member| self.member_snapshot(member)).collect(),
            on_hold: self.on_hold,
            connected_at: self.connected_at,
            duration,
            switch: self.switch.as_ref().map(|switch| Switch { by_me: switch.by_me, media: switch.media }),
            transfer_to: self.transfer_to(),
            preview: matches!(self.phase, Phase::Ringing { .. } | Phase::Accepting { .. })
                && self.paths.iter().any(|path| path.path == Path::Up),
        }
    }

    fn state(&self) -> CallState {
        match &self.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } => CallState::Ringing,
            Phase::Accepting { .. } => CallState::Connecting,
            Phase::Ended { reason, .. } => CallState::Ended(*reason),
            Phase::In => {
                if self.hears_anybody() {
                    CallState::Connected
                } else if !self.is_calling() {
                    if self.connected_at.is_some() { CallState::Reconnecting } else { CallState::Connecting }
                } else if self.members.iter().any(|member| member.pending.as_ref().is_some_and(Pending::rings)) {
                    CallState::Ringing
                } else {
                    CallState::Calling
                }
            }
        }
    }

    fn member_snapshot(&self, member: &Member) -> MemberSnapshot {
        let (state, reason) = match (&self.phase, &member.standing) {
            (_, Standing::Left { reason }) => (MemberState::Left, Some(*reason)),
            (Phase::Ended { reason, .. }, Standing::Inviting { .. } | Standing::Joined { .. }) => {
                (MemberState::Left, Some(*reason))
            }
            (
                Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Accepting { .. } | Phase::In,
                Standing::Inviting { .. },
            ) => {
                let rings = member.pending.as_ref().is_some_and(Pending::rings);
                (if rings { MemberState::Ringing } else { MemberState::Inviting }, None)
            }
            (Phase::Waiting { .. } | Phase::Ringing { .. }, Standing::Joined { .. }) => (MemberState::Joined, None),
            (Phase::Accepting { .. }, Standing::Joined { .. }) => (MemberState::Connecting, None),
            (Phase::In, Standing::Joined { .. }) => {
                let state = if self.hears(member) {
                    MemberState::Joined
                } else if member.lost {
                    MemberState::Disconnected
                } else {
                    MemberState::Connecting
                };
                (state, None)
            }
        };
        MemberSnapshot {
            user: member.user.clone(),
            device: member.device().cloned(),
            state,
            reason,
            muted: member.muted,
            on_hold: member.on_hold,
            video: member.video && self.media == MediaKind::Video,
            stream: member.stream.clone(),
            invited_by: member.invited_by.clone(),
        }
    }

    /// Who is being fetched so that the one who fetches can go.
    fn transfer_to(&self) -> Option<UserId> {
        let mine = self.transfer.as_ref().map(|transfer| &transfer.to);
        let fetched = |member: &&Member| matches!(member.standing, Standing::Inviting { transfer: true, .. });
        mine.or_else(|| self.members.iter().find(fetched).map(|member| &member.user)).cloned()
    }
}
