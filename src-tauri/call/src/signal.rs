//! What devices tell each other about a call.

use std::time::Duration;

use crate::{CallId, CallRecord, DeviceId, RosterEntry, UserId};

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

/// Longest address of a stream, and longest token to it, in bytes.
pub const STREAM_LIMIT: usize = 2048;

/// Where somebody's voice and picture can be played from a media server (WHEP), besides their media path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stream {
    /// The address, at most [`STREAM_LIMIT`] bytes; whatever its sender claims it to be.
    pub url: String,
    /// What the server wants to see of whoever plays it, at most [`STREAM_LIMIT`] bytes.
    pub token: Option<String>,
}

/// One way to reach a peer, as in RFC 8839 and RFC 8838.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The `candidate:` attribute's value.
    pub candidate: String,
    /// The media section it belongs to.
    pub mid: Option<String>,
    /// The index of that section.
    pub line: Option<u16>,
}

/// An invitation to a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Invite {
    /// The call it opens.
    pub call: CallId,
    /// Voice or picture.
    pub media: MediaKind,
    /// Who began the call; the sender, unless somebody else invites into it (default on the wire: the sender).
    pub host: UserId,
    /// How many times the receiver has left this call before (default on the wire: 0).
    pub generation: u32,
    /// Everyone invited, the receiver included (kit B13's userIds).
    pub invited: Vec<UserId>,
    /// What the sender knows of everyone (default on the wire: nobody).
    pub roster: Vec<RosterEntry>,
    /// The saved group this call is for, if any.
    pub group: Option<String>,
    /// A JSON value as text, from the caller to the callee (kit B06).
    pub message: Option<String>,
    /// How long it may ring, counted on the receiver's own clock.
    pub lifetime: Duration,
    /// The sender leaves once the receiver has come (default on the wire: false).
    pub transfer: bool,
    /// A call between the very sender and receiver that this one takes the place of: answered without ringing
    /// (default on the wire: none).
    pub replaces: Option<CallId>,
    /// The sender's sound may come before the answer (default on the wire: false).
    pub early_media: bool,
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

/// Why somebody leaves a running call, or ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HangupReason {
    /// The person hung up or left.
    Hangup,
    /// No path for media was ever found.
    IceFailed,
    /// The media path was lost for good.
    IceLost,
    /// The microphone or speaker failed.
    DeviceFailed,
    /// The accept came for a call that this device is not (or no longer) making, or the offer for one it is not in.
    Gone,
    /// They passed the call on to somebody else.
    Transferred,
}

/// How a call ended, for the history (kit D14 to D18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
///
/// `generation` (default on the wire: 0) tells an invitation of somebody who left from an earlier one, so that late
/// signals about the earlier one do nothing: it is that of the invitee, in [`Signal::Hangup`] that of the sender.
/// `attempt` (default on the wire: 0) tells a peer connection from those that failed before it between the same two
/// devices: the larger one replaces the smaller, and the first one (accept and select) is 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Caller to every device of the callee: ring.
    Invite(Invite),
    /// Callee to caller: this device rings.
    Ringing {
        /// The call.
        call: CallId,
        /// Which of the callee's invitations.
        generation: u32,
    },
    /// Callee to a caller whose sound may come before the answer: the offer, ahead of the accept.
    Preview {
        /// The call.
        call: CallId,
        /// Which of the callee's invitations.
        generation: u32,
        /// SDP offer.
        offer: String,
    },
    /// Callee to caller: the person answered here. The later joiner offers, so this carries the SDP offer.
    Accept {
        /// The call.
        call: CallId,
        /// Which of the callee's invitations.
        generation: u32,
        /// What the callee takes: audio of a video call, perhaps (kit E07).
        media: MediaKind,
        /// SDP offer; none where the preview's connection is used.
        offer: Option<String>,
    },
    /// Caller to every device of the callee: the first accept won.
    Select {
        /// The call.
        call: CallId,
        /// Which of the callee's invitations.
        generation: u32,
        /// The device that won.
        device: DeviceId,
        /// SDP answer; only the winner gets one, unless its preview is connected.
        answer: Option<String>,
        /// What the sender knows of everyone (default on the wire: nobody); only the winner gets it.
        roster: Vec<RosterEntry>,
    },
    /// Callee to caller: turned down.
    Reject {
        /// The call.
        call: CallId,
        /// Which of the callee's invitations.
        generation: u32,
        /// Why.
        reason: RejectReason,
        /// Words to go with it ("I'll call you in five minutes").
        message: Option<String>,
    },
    /// Caller to the callee's devices: stop ringing.
    Cancel {
        /// The call.
        call: CallId,
        /// Which of the callee's invitations.
        generation: u32,
        /// Why.
        reason: CancelReason,
    },
    /// Any member: I go; from the host, perhaps: it is over for everyone.
    Hangup {
        /// The call.
        call: CallId,
        /// The sender's own.
        generation: u32,
        /// Why.
        reason: HangupReason,
        /// It is over for all (kit B10); only the host's word counts (default on the wire: false).
        everyone: bool,
    },
    /// ICE candidates, batched; `complete` closes the list (RFC 8838).
    Candidates {
        /// The call.
        call: CallId,
        /// Of which peer connection.
        attempt: u32,
        /// What has gathered since the last batch.
        candidates: Vec<Candidate>,
        /// Nothing follows.
        complete: bool,
    },
    /// An offer between two members: a new peer connection if `attempt` is new, else for the one that there is
    /// (ICE restart).
    Offer {
        /// The call.
        call: CallId,
        /// Of which peer connection.
        attempt: u32,
        /// SDP offer.
        sdp: String,
    },
    /// The answer to [`Signal::Offer`] or [`Signal::Preview`].
    Answer {
        /// The call.
        call: CallId,
        /// Of which peer connection.
        attempt: u32,
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
        /// The sender holds the call (default on the wire: false).
        on_hold: bool,
        /// The camera is on (default on the wire: false).
        video: bool,
        /// The same can be played from there (default on the wire: nowhere else).
        stream: Option<Stream>,
    },
    /// Voice becomes picture or back: a question, or said once and for all.
    MediaRequest {
        /// The call.
        call: CallId,
        /// Grows with every request in this call.
        revision: u32,
        /// What it is to be.
        media: MediaKind,
        /// Nobody is asked.
        decided: bool,
    },
    /// The answer to a [`Signal::MediaRequest`] that asks.
    MediaReply {
        /// The call.
        call: CallId,
        /// That of the request.
        revision: u32,
        /// Agreed.
        accept: bool,
    },
    /// Member to member: what I know of everyone.
    Roster {
        /// The call.
        call: CallId,
        /// Everyone, the sender included; at most [`ROSTER_LIMIT`](crate::ROSTER_LIMIT).
        entries: Vec<RosterEntry>,
        /// Tell me yours.
        reply: bool,
    },
    /// Caller to a callee who may be away: how the call ended, for the history (kit E29).
    Record {
        /// The call.
        call: CallId,
        /// Which of the callee's invitations.
        generation: u32,
        /// Voice or picture.
        media: MediaKind,
        /// How it ended.
        status: RecordStatus,
        /// When it began, ms since 1970 on the sender's clock.
        started_at: u64,
        /// The message that the invite carried.
        message: Option<String>,
    },
    /// Own device to own devices: a line of my history.
    Shared(CallRecord),
}

impl Signal {
    /// The call it is about.
    pub const fn call(&self) -> CallId {
        match self {
            Self::Invite(Invite { call, .. })
            | Self::Ringing { call, .. }
            | Self::Preview { call, .. }
            | Self::Accept { call, .. }
            | Self::Select { call, .. }
            | Self::Reject { call, .. }
            | Self::Cancel { call, .. }
            | Self::Hangup { call, .. }
            | Self::Candidates { call, .. }
            | Self::Offer { call, .. }
            | Self::Answer { call, .. }
            | Self::MediaState { call, .. }
            | Self::MediaRequest { call, .. }
            | Self::MediaReply { call, .. }
            | Self::Roster { call, .. }
            | Self::Record { call, .. }
            | Self::Shared(CallRecord { call, .. }) => *call,
        }
    }
}
