//! What devices tell each other about a call.

use std::time::Duration;

use crate::{CallId, DeviceId, UserId};

/// How long an invite rings unless the caller says otherwise.
pub const DEFAULT_RING: Duration = Duration::from_secs(30);
/// The longest an invite may ring, whatever its sender claims.
pub const MAX_RING: Duration = Duration::from_mins(2);
/// The longest text that may ride on an invite or a decline, in bytes.
pub const MESSAGE_LIMIT: usize = 4096;

/// What a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Voice only (kit B's type 1).
    Audio,
    /// Voice and picture (kit B's type 2).
    Video,
}

/// One way to reach a peer, as in RFC 8839 and RFC 8838.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The `candidate:` attribute's value.
    pub candidate: String,
    /// The media section it belongs to.
    pub mid: Option<String>,
    /// The index of that section.
    pub line: Option<u16>,
}

/// An invitation to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The call it opens.
    pub call: CallId,
    /// Voice or picture.
    pub media: MediaKind,
    /// Everyone invited, the receiver included.
    pub invited: Vec<UserId>,
    /// The saved group this call is for, if any.
    pub group: Option<String>,
    /// A JSON value as text, from the caller to the callee (kit B06).
    pub message: Option<String>,
    /// How long it may ring, counted on the receiver's own clock.
    pub lifetime: Duration,
}

/// Why an invite was turned down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// The person declined.
    Declined,
    /// In another call, or ringing with one (kit E09).
    Busy,
    /// The device can't take this kind of call.
    Incompatible,
}

/// Why an invite was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// The caller gave up.
    Cancelled,
    /// Nobody answered in time.
    TimedOut,
    /// Another device of the callee declined.
    RejectedElsewhere(DeviceId),
    /// Another device of the callee was busy.
    BusyElsewhere(DeviceId),
}

/// Why a running call is ended by a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HangupReason {
    /// The person hung up.
    Hangup,
    /// No path for media was ever found.
    IceFailed,
    /// The media path was lost for good.
    IceLost,
    /// The microphone or speaker failed.
    DeviceFailed,
    /// The accept came for a call that this device is not (or no longer) making.
    Gone,
}

/// How a call ended, for the history (kit D14 to D18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordStatus {
    /// They talked.
    Completed,
    /// The caller withdrew.
    Cancelled,
    /// The callee declined.
    Rejected,
    /// Nobody answered.
    Missed,
    /// The callee was in another call.
    Busy,
}

/// What one device tells another. Each travels sealed from device key to device key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Caller to every device of the callee: ring.
    Invite(Invite),
    /// Callee to caller: this device rings.
    Ringing {
        /// The call.
        call: CallId,
    },
    /// Callee to caller: the person answered here. The later joiner offers, so this carries the SDP offer.
    Accept {
        /// The call.
        call: CallId,
        /// What the callee takes: audio of a video call, perhaps (kit E07).
        media: MediaKind,
        /// SDP offer.
        offer: String,
    },
    /// Caller to every device of the callee: the first accept won.
    Select {
        /// The call.
        call: CallId,
        /// The device that won.
        device: DeviceId,
        /// SDP answer; only the winner gets one.
        answer: Option<String>,
    },
    /// Callee to caller: turned down.
    Reject {
        /// The call.
        call: CallId,
        /// Why.
        reason: RejectReason,
        /// Words to go with it ("I'll call you in five minutes").
        message: Option<String>,
    },
    /// Caller to the callee's devices: stop ringing.
    Cancel {
        /// The call.
        call: CallId,
        /// Why.
        reason: CancelReason,
    },
    /// Either side: the call is over.
    Hangup {
        /// The call.
        call: CallId,
        /// Why.
        reason: HangupReason,
    },
    /// ICE candidates, batched; `complete` closes the list (RFC 8838).
    Candidates {
        /// The call.
        call: CallId,
        /// What has gathered since the last batch.
        candidates: Vec<Candidate>,
        /// Nothing follows.
        complete: bool,
    },
    /// A new offer inside a running call (ICE restart).
    Offer {
        /// The call.
        call: CallId,
        /// SDP offer.
        sdp: String,
    },
    /// The answer to [`Signal::Offer`].
    Answer {
        /// The call.
        call: CallId,
        /// SDP answer.
        sdp: String,
    },
    /// What this side sends now.
    MediaState {
        /// The call.
        call: CallId,
        /// Grows with every change: it travels by two roads, and the newest one counts.
        revision: u32,
        /// The microphone is off.
        muted: bool,
    },
    /// Caller to a callee who may be away: how the call ended, for the history (kit E29).
    Record {
        /// The call.
        call: CallId,
        /// Voice or picture.
        media: MediaKind,
        /// How it ended.
        status: RecordStatus,
        /// When it began, ms since 1970 on the sender's clock.
        started_at: u64,
        /// The message that the invite carried.
        message: Option<String>,
    },
}

impl Signal {
    /// The call it is about.
    pub const fn call(&self) -> CallId {
        match self {
            Self::Invite(Invite { call, .. })
            | Self::Ringing { call }
            | Self::Accept { call, .. }
            | Self::Select { call, .. }
            | Self::Reject { call, .. }
            | Self::Cancel { call, .. }
            | Self::Hangup { call, .. }
            | Self::Candidates { call, .. }
            | Self::Offer { call, .. }
            | Self::Answer { call, .. }
            | Self::MediaState { call, .. }
            | Self::Record { call, .. } => *call,
        }
    }
}
