//! For the history: a call's record for a callee who may be away, and a line for one's own other devices.

use std::time::Duration;

use peal_call::{CallRecord, ROSTER_LIMIT, Signal, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Fields;
use super::words::{self, DirectionWord, MediaWord, ReasonWord, StatusWord, is_zero};

#[derive(Serialize, Deserialize)]
pub(super) struct RecordWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
    pub(super) media: MediaWord,
    pub(super) status: StatusWord,
    pub(super) started_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

impl Fields for RecordWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, generation, media, status, started_at, message } = self;
        Some(Signal::Record {
            call: words::call(call),
            generation,
            media: media.into(),
            status: status.into(),
            started_at: words::ms(started_at)?,
            message: words::message(message)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SharedWire {
    call: Uuid,
    peer: String,
    direction: DirectionWord,
    media: MediaWord,
    status: StatusWord,
    reason: ReasonWord,
    started_at: u64,
    duration_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    members: Vec<MemberWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct MemberWire {
    user: String,
    status: StatusWord,
}

impl From<CallRecord> for SharedWire {
    fn from(record: CallRecord) -> Self {
        let CallRecord { call, peer, direction, media, status, reason, started_at, duration, message, members, group } =
            record;
        let member =
            |(user, status): (UserId, _)| MemberWire { user: user.to_string(), status: StatusWord::from(status) };
        Self {
            call: call.as_uuid(),
            peer: peer.to_string(),
            direction: direction.into(),
            media: media.into(),
            status: status.into(),
            reason: reason.into(),
            started_at,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            message,
            members: members.into_iter().map(member).collect(),
            group,
        }
    }
}

impl Fields for SharedWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        if self.members.len() > ROSTER_LIMIT {
            return None;
        }
        let member = |member: MemberWire| Some((words::user(member.user)?, member.status.into()));
        Some(Signal::Shared(CallRecord {
            call: words::call(self.call),
            peer: words::user(self.peer)?,
            direction: self.direction.into(),
            media: self.media.into(),
            status: self.status.into(),
            reason: self.reason.into(),
            started_at: words::ms(self.started_at)?,
            duration: Duration::from_millis(words::ms(self.duration_ms)?),
            message: words::message(self.message)?,
            members: self.members.into_iter().map(member).collect::<Option<_>>()?,
            group: words::group(self.group)?,
        }))
    }
}
