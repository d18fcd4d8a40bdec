//! Signals as JSON, and the limits of what is taken from others.

use std::time::Duration;

use peal_call::{
    CallId, CancelReason, Candidate, DeviceId, HangupReason, Invite, MAX_RING, MESSAGE_LIMIT, MediaKind, RecordStatus,
    RejectReason, Signal, UserId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most people on one invite.
const INVITED_LIMIT: usize = 64;
/// Most candidates in one batch, and the longest of them in bytes.
const CANDIDATES_LIMIT: usize = 64;
const CANDIDATE_LIMIT: usize = 1024;
/// Longest group name, in characters.
const GROUP_LIMIT: usize = 128;
/// Longest kind that is reported back, in bytes.
const KIND_LIMIT: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignalError {
    Malformed,
    UnknownKind { kind: String, call: Option<CallId> },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum SignalWire {
    Invite {
        call: Uuid,
        media: MediaWire,
        invited: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        lifetime_ms: u64,
    },
    Ringing {
        call: Uuid,
    },
    Accept {
        call: Uuid,
        media: MediaWire,
        offer: String,
    },
    Select {
        call: Uuid,
        device: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
    },
    Reject {
        call: Uuid,
        reason: RejectWire,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    Cancel {
        call: Uuid,
        reason: CancelWire,
        /// The other device of the callee that the reason speaks of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
    },
    Hangup {
        call: Uuid,
        reason: HangupWire,
    },
    Candidates {
        call: Uuid,
        candidates: Vec<CandidateWire>,
        #[serde(default)]
        complete: bool,
    },
    Offer {
        call: Uuid,
        sdp: String,
    },
    Answer {
        call: Uuid,
        sdp: String,
    },
    MediaState {
        call: Uuid,
        revision: u32,
        muted: bool,
    },
    Record {
        call: Uuid,
        media: MediaWire,
        status: RecordWire,
        started_at: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// The kinds above, to tell "of a later version" from "broken".
const KINDS: [&str; 12] = [
    "invite",
    "ringing",
    "accept",
    "select",
    "reject",
    "cancel",
    "hangup",
    "candidates",
    "offer",
    "answer",
    "media_state",
    "record",
];

#[derive(Serialize, Deserialize)]
struct CandidateWire {
    candidate: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u16>,
}

macro_rules! same {
    ($wire:ident = $real:ident { $($variant:ident),+ }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum $wire { $($variant),+ }

        impl From<$real> for $wire {
            fn from(value: $real) -> Self {
                match value { $($real::$variant => Self::$variant),+ }
            }
        }

        impl From<$wire> for $real {
            fn from(value: $wire) -> Self {
                match value { $($wire::$variant => Self::$variant),+ }
            }
        }
    };
}

same!(MediaWire = MediaKind { Audio, Video });
same!(RejectWire = RejectReason { Declined, Busy, Incompatible });
same!(HangupWire = HangupReason { Hangup, IceFailed, IceLost, DeviceFailed, Gone });
same!(RecordWire = RecordStatus { Completed, Cancelled, Rejected, Missed, Busy });

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CancelWire {
    Cancelled,
    TimedOut,
    RejectedElsewhere,
    BusyElsewhere,
}

/// A signal as JSON.
pub(crate) fn to_json(signal: &Signal) -> serde_json::Value {
    // Strings, numbers and lists of them always become JSON.
    serde_json::to_value(to_wire(signal)).unwrap_or_default()
}

/// A signal out of JSON, within the limits.
pub(crate) fn from_json(json: serde_json::Value) -> Result<Signal, SignalError> {
    let kind = json.get("kind").and_then(|kind| kind.as_str()).ok_or(SignalError::Malformed)?;
    if !KINDS.contains(&kind) {
        let call = json.get("call").and_then(|call| call.as_str()).and_then(|call| call.parse().ok());
        let kind = kind.chars().filter(char::is_ascii_graphic).take(KIND_LIMIT).collect();
        return Err(SignalError::UnknownKind { kind, call });
    }
    let wire: SignalWire = serde_json::from_value(json).map_err(|_| SignalError::Malformed)?;
    from_wire(wire).ok_or(SignalError::Malformed)
}

fn to_wire(signal: &Signal) -> SignalWire {
    match signal.clone() {
        Signal::Invite(Invite { call, media, invited, group, message, lifetime }) => SignalWire::Invite {
            call: call.as_uuid(),
            media: media.into(),
            invited: invited.iter().map(ToString::to_string).collect(),
            group,
            message,
            lifetime_ms: u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX),
        },
        Signal::Ringing { call } => SignalWire::Ringing { call: call.as_uuid() },
        Signal::Accept { call, media, offer } => {
            SignalWire::Accept { call: call.as_uuid(), media: media.into(), offer }
        }
        Signal::Select { call, device, answer } => {
            SignalWire::Select { call: call.as_uuid(), device: device.to_string(), answer }
        }
        Signal::Reject { call, reason, message } => {
            SignalWire::Reject { call: call.as_uuid(), reason: reason.into(), message }
        }
        Signal::Cancel { call, reason } => {
            let (reason, device) = match reason {
                CancelReason::Cancelled => (CancelWire::Cancelled, None),
                CancelReason::TimedOut => (CancelWire::TimedOut, None),
                CancelReason::RejectedElsewhere(device) => (CancelWire::RejectedElsewhere, Some(device)),
                CancelReason::BusyElsewhere(device) => (CancelWire::BusyElsewhere, Some(device)),
            };
            SignalWire::Cancel { call: call.as_uuid(), reason, device: device.map(|d| d.to_string()) }
        }
        Signal::Hangup { call, reason } => SignalWire::Hangup { call: call.as_uuid(), reason: reason.into() },
        Signal::Candidates { call, candidates, complete } => SignalWire::Candidates {
            call: call.as_uuid(),
            candidates: candidates
                .into_iter()
                .map(|Candidate { candidate, mid, line }| CandidateWire { candidate, mid, line })
                .collect(),
            complete,
        },
        Signal::Offer { call, sdp } => SignalWire::Offer { call: call.as_uuid(), sdp },
        Signal::Answer { call, sdp } => SignalWire::Answer { call: call.as_uuid(), sdp },
        Signal::MediaState { call, revision, muted } => {
            SignalWire::MediaState { call: call.as_uuid(), revision, muted }
        }
        Signal::Record { call, media, status, started_at, message } => {
            SignalWire::Record { call: call.as_uuid(), media: media.into(), status: status.into(), started_at, message }
        }
    }
}

fn from_wire(wire: SignalWire) -> Option<Signal> {
    let call = CallId::from_uuid;
    Some(match wire {
        SignalWire::Invite { call: id, media, invited, group, message, lifetime_ms } => {
            if invited.len() > INVITED_LIMIT || group.as_ref().is_some_and(|g| g.chars().count() > GROUP_LIMIT) {
                return None;
            }
            Signal::Invite(Invite {
                call: call(id),
                media: media.into(),
                invited: invited.into_iter().map(|user| UserId::new(user).ok()).collect::<Option<_>>()?,
                group,
                message: short(message)?,
                lifetime: Duration::from_millis(lifetime_ms).min(MAX_RING),
            })
        }
        SignalWire::Ringing { call: id } => Signal::Ringing { call: call(id) },
        SignalWire::Accept { call: id, media, offer } => Signal::Accept { call: call(id), media: media.into(), offer },
        SignalWire::Select { call: id, device, answer } => {
            Signal::Select { call: call(id), device: DeviceId::new(device).ok()?, answer }
        }
        SignalWire::Reject { call: id, reason, message } => {
            Signal::Reject { call: call(id), reason: reason.into(), message: short(message)? }
        }
        SignalWire::Cancel { call: id, reason, device } => {
            let reason = match (reason, device) {
                (CancelWire::Cancelled, _) => CancelReason::Cancelled,
                (CancelWire::TimedOut, _) => CancelReason::TimedOut,
                (CancelWire::RejectedElsewhere, device) => {
                    CancelReason::RejectedElsewhere(DeviceId::new(device?).ok()?)
                }
                (CancelWire::BusyElsewhere, device) => CancelReason::BusyElsewhere(DeviceId::new(device?).ok()?),
            };
            Signal::Cancel { call: call(id), reason }
        }
        SignalWire::Hangup { call: id, reason } => Signal::Hangup { call: call(id), reason: reason.into() },
        SignalWire::Candidates { call: id, candidates, complete } => {
            let too_long = |c: &CandidateWire| {
                c.candidate.len() > CANDIDATE_LIMIT || c.mid.as_ref().is_some_and(|mid| mid.len() > CANDIDATE_LIMIT)
            };
            if candidates.len() > CANDIDATES_LIMIT || candidates.iter().any(too_long) {
                return None;
            }
            Signal::Candidates {
                call: call(id),
                candidates: candidates
                    .into_iter()
                    .map(|CandidateWire { candidate, mid, line }| Candidate { candidate, mid, line })
                    .collect(),
                complete,
            }
        }
        SignalWire::Offer { call: id, sdp } => Signal::Offer { call: call(id), sdp },
        SignalWire::Answer { call: id, sdp } => Signal::Answer { call: call(id), sdp },
        SignalWire::MediaState { call: id, revision, muted } => Signal::MediaState { call: call(id), revision, muted },
        SignalWire::Record { call: id, media, status, started_at, message } => Signal::Record {
            call: call(id),
            media: media.into(),
            status: status.into(),
            started_at,
            message: short(message)?,
        },
    })
}

/// A text within [`MESSAGE_LIMIT`]; `None` when it is too long.
#[expect(clippy::option_option, reason = "the outer one is the verdict, the inner one the field")]
fn short(message: Option<String>) -> Option<Option<String>> {
    if message.as_ref().is_some_and(|text| text.len() > MESSAGE_LIMIT) { None } else { Some(message) }
}
