//! Before the call: invite, ringing, preview, accept, select, reject, cancel.

use std::time::Duration;

use peal_call::{CancelReason, Invite, MAX_RING, Signal, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Fields;
use super::roster::{self, EntryWire};
use super::words::{self, MediaWord, RejectWord, is_false, is_zero};

/// Most people on one invite.
const INVITED_LIMIT: usize = 64;

#[derive(Serialize, Deserialize)]
pub(super) struct InviteWire {
    call: Uuid,
    media: MediaWord,
    /// A peer of the first version is always the one who began the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    generation: u32,
    invited: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roster: Vec<EntryWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    lifetime_ms: u64,
    #[serde(default, skip_serializing_if = "is_false")]
    transfer: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<Uuid>,
    #[serde(default, skip_serializing_if = "is_false")]
    early_media: bool,
}

impl From<Invite> for InviteWire {
    fn from(invite: Invite) -> Self {
        let Invite {
            call,
            media,
            host,
            generation,
            invited,
            roster,
            group,
            message,
            lifetime,
            transfer,
            replaces,
            early_media,
        } = invite;
        Self {
            call: call.as_uuid(),
            media: media.into(),
            host: Some(host.to_string()),
            generation,
            invited: invited.iter().map(ToString::to_string).collect(),
            roster: roster::to_wire(roster),
            group,
            message,
            lifetime_ms: u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX),
            transfer,
            replaces: replaces.map(|call| call.as_uuid()),
            early_media,
        }
    }
}

impl Fields for InviteWire {
    fn into_signal(self, sender: Option<&UserId>) -> Option<Signal> {
        if self.invited.len() > INVITED_LIMIT {
            return None;
        }
        Some(Signal::Invite(Invite {
            call: words::call(self.call),
            media: self.media.into(),
            host: match self.host {
                Some(host) => words::user(host)?,
                None => sender?.clone(),
            },
            generation: self.generation,
            invited: self.invited.into_iter().map(words::user).collect::<Option<_>>()?,
            roster: roster::from_wire(self.roster)?,
            group: words::group(self.group)?,
            message: words::message(self.message)?,
            lifetime: Duration::from_millis(self.lifetime_ms).min(MAX_RING),
            transfer: self.transfer,
            replaces: self.replaces.map(words::call),
            early_media: self.early_media,
        }))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct RingingWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
}

impl Fields for RingingWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        Some(Signal::Ringing { call: words::call(self.call), generation: self.generation })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PreviewWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
    pub(super) offer: String,
}

impl Fields for PreviewWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        Some(Signal::Preview { call: words::call(self.call), generation: self.generation, offer: self.offer })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct AcceptWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
    pub(super) media: MediaWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) offer: Option<String>,
}

impl Fields for AcceptWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, generation, media, offer } = self;
        Some(Signal::Accept { call: words::call(call), generation, media: media.into(), offer })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SelectWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
    pub(super) device: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) roster: Vec<EntryWire>,
}

impl Fields for SelectWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        Some(Signal::Select {
            call: words::call(self.call),
            generation: self.generation,
            device: words::device(self.device)?,
            answer: self.answer,
            roster: roster::from_wire(self.roster)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct RejectWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
    pub(super) reason: RejectWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
}

impl Fields for RejectWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, generation, reason, message } = self;
        let message = words::message(message)?;
        Some(Signal::Reject { call: words::call(call), generation, reason: reason.into(), message })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct CancelWire {
    pub(super) call: Uuid,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) generation: u32,
    reason: CancelWord,
    /// The other device of the callee that the reason speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CancelWord {
    Cancelled,
    TimedOut,
    RejectedElsewhere,
    BusyElsewhere,
    /// A word of a later version: whatever it is, it doesn't ring any more.
    #[serde(other)]
    Later,
}

impl CancelWire {
    pub(super) fn new(call: Uuid, generation: u32, reason: CancelReason) -> Self {
        let (reason, device) = match reason {
            CancelReason::Cancelled => (CancelWord::Cancelled, None),
            CancelReason::TimedOut => (CancelWord::TimedOut, None),
            CancelReason::RejectedElsewhere(device) => (CancelWord::RejectedElsewhere, Some(device)),
            CancelReason::BusyElsewhere(device) => (CancelWord::BusyElsewhere, Some(device)),
        };
        Self { call, generation, reason, device: device.map(|device| device.to_string()) }
    }
}

impl Fields for CancelWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let Self { call, generation, reason, device } = self;
        let device = || device.and_then(words::device);
        let reason = match reason {
            CancelWord::Cancelled | CancelWord::Later => CancelReason::Cancelled,
            CancelWord::TimedOut => CancelReason::TimedOut,
            CancelWord::RejectedElsewhere => CancelReason::RejectedElsewhere(device()?),
            CancelWord::BusyElsewhere => CancelReason::BusyElsewhere(device()?),
        };
        Some(Signal::Cancel { call: words::call(call), generation, reason })
    }
}
