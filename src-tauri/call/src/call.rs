//! One call: where it stands, and what of it is shown.

use std::time::{Duration, Instant};

use crate::DeviceId;
use crate::{
    Alert, CallId, CallSnapshot, CallState, Candidate, DeviceAddress, MediaKind, MemberSnapshot, MemberState,
    RecordStatus, UserId,
};

/// Candidates kept for a peer connection that is not there yet.
pub(crate) const EARLY_CANDIDATES: usize = 30;

/// Who began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// I called.
    Outgoing,
    /// They called.
    Incoming,
}

/// Why a call ended, or somebody left it. A value, not an error. Ordered: of two tales the first listed is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndReason {
    /// Somebody hung up.
    Hangup,
    /// The caller withdrew.
    Cancelled,
    /// The callee declined.
    Rejected,
    /// The callee was in another call.
    Busy,
    /// It rang, and nobody answered in time.
    NoResponse,
    /// Answered on another device of the callee.
    AnsweredElsewhere,
    /// Declined on another device of the callee.
    RejectedElsewhere,
    /// This device was logged in elsewhere.
    KickedOut,
    /// No path for media was ever found.
    IceFailed,
    /// The media path was lost and did not come back.
    IceLost,
    /// No microphone or speaker.
    DeviceFailed,
    /// No device of the callee rang.
    Unreachable,
    /// The other side can't take this kind of call.
    Incompatible,
    /// A fault on one side.
    Error,
    /// It was passed on to somebody else.
    Transferred,
    /// Blocked by the person; never told to the other side.
    Blocked,
}

/// How far an outgoing invite has come on one device of the callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LegState {
    Invited,
    Ringing,
}

#[derive(Debug, Clone)]
pub(crate) struct Leg {
    pub device: DeviceId,
    pub state: LegState,
}

/// What the peer connection of a call is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// Never connected yet; given up at `deadline`.
    New { deadline: Instant },
    /// Media flows.
    Up,
    /// Media stopped: ICE restarts at `restart_at` (once it is `None`, it has), given up at `deadline`.
    Down { restart_at: Option<Instant>, deadline: Instant },
}

#[derive(Debug, Clone)]
pub(crate) enum State {
    /// Outgoing, not answered.
    /// `only`: devices that appear meanwhile are not rung.
    Calling { legs: Vec<Leg>, only: bool, deadline: Instant },
    /// Incoming, held back until the backlog is through.
    Waiting { from: DeviceAddress, deadline: Instant },
    /// Incoming, rings here. The offer is prepared meanwhile and leaves only with the accept.
    /// The caller's program has gone missing: it rings until `gone_at` unless it comes back.
    Ringing { from: DeviceAddress, deadline: Instant, gone_at: Option<Instant>, offer: Option<String>, early: Early },
    /// Incoming, answered here; waits for its offer, then for the caller's select.
    Accepting { from: DeviceAddress, deadline: Instant, sent: bool, early: Early },
    /// Both sides are settled.
    /// `offered`: this side made the offer, and restarts ICE. `settled`: the caller's select has gone out (or come in).
    Talking { peer: DeviceAddress, path: Path, offered: bool, settled: bool },
    /// Over; forgotten at `until`.
    Ended { reason: EndReason, duration: Duration, until: Instant },
}

/// My own candidates that gathered before the other side may have them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Early {
    pub candidates: Vec<Candidate>,
    pub complete: bool,
}

impl Early {
    pub fn keep(&mut self, candidates: Vec<Candidate>, complete: bool) {
        let room = EARLY_CANDIDATES.saturating_sub(self.candidates.len());
        self.candidates.extend(candidates.into_iter().take(room));
        self.complete |= complete;
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub id: CallId,
    pub direction: Direction,
    pub media: MediaKind,
    pub peer: UserId,
    pub invited: Vec<UserId>,
    pub group: Option<String>,
    pub message: Option<String>,
    pub started_at: u64,
    /// The caller chose an accept, or this device was chosen.
    pub answered: bool,
    pub connected_at: Option<Instant>,
    pub peer_muted: bool,
    /// Newest revision of the other side's media state.
    pub peer_revision: u32,
    /// The other side's candidates that came before its description, by device.
    pub early_remote: Vec<(DeviceAddress, Early)>,
    pub state: State,
}

impl Call {
    pub fn new(id: CallId, direction: Direction, peer: UserId, media: MediaKind, state: State) -> Self {
        Self {
            id,
            direction,
            media,
            invited: Vec::new(),
            group: None,
            peer,
            message: None,
            started_at: 0,
            answered: false,
            connected_at: None,
            peer_muted: false,
            peer_revision: 0,
            early_remote: Vec::new(),
            state,
        }
    }

    /// Keeps candidates that came before the description they belong to.
    pub fn keep_remote(&mut self, from: &DeviceAddress, candidates: Vec<Candidate>, complete: bool) {
        let kept: usize = self.early_remote.iter().map(|(_, early)| early.candidates.len()).sum();
        let room = EARLY_CANDIDATES.saturating_sub(kept);
        let candidates: Vec<_> = candidates.into_iter().take(room).collect();
        if let Some((_, early)) = self.early_remote.iter_mut().find(|(device, _)| device == from) {
            early.keep(candidates, complete);
        } else if self.early_remote.len() < EARLY_CANDIDATES {
            self.early_remote.push((from.clone(), Early { candidates, complete }));
        }
    }

    /// What was kept from this device; the rest is forgotten.
    pub fn take_remote(&mut self, from: &DeviceAddress) -> Early {
        let kept = std::mem::take(&mut self.early_remote);
        kept.into_iter().find(|(device, _)| device == from).map(|(_, early)| early).unwrap_or_default()
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }

    /// The device at the other end, once there is one.
    pub fn device(&self) -> Option<&DeviceAddress> {
        match &self.state {
            State::Waiting { from, .. } | State::Ringing { from, .. } | State::Accepting { from, .. } => Some(from),
            State::Talking { peer, .. } => Some(peer),
            State::Calling { .. } | State::Ended { .. } => None,
        }
    }

    /// When this call wants to be looked at next.
    pub fn timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { deadline, .. }
            | State::Waiting { deadline, .. }
            | State::Accepting { deadline, .. }
            | State::Talking { path: Path::New { deadline }, .. } => Some(*deadline),
            State::Ringing { deadline, gone_at, .. } => Some(gone_at.map_or(*deadline, |at| at.min(*deadline))),
            State::Talking { path: Path::Down { restart_at, deadline }, .. } => {
                Some(restart_at.map_or(*deadline, |at| at.min(*deadline)))
            }
            State::Talking { path: Path::Up, .. } => None,
            State::Ended { until, .. } => Some(*until),
        }
    }

    /// The status that both histories agree on.
    pub fn status(&self, reason: EndReason) -> RecordStatus {
        if self.answered {
            return RecordStatus::Completed;
        }
        match reason {
            EndReason::Rejected | EndReason::RejectedElsewhere => RecordStatus::Rejected,
            EndReason::Busy => RecordStatus::Busy,
            EndReason::NoResponse | EndReason::Unreachable => RecordStatus::Missed,
            EndReason::AnsweredElsewhere => RecordStatus::Completed,
            EndReason::Hangup
            | EndReason::Cancelled
            | EndReason::KickedOut
            | EndReason::IceFailed
            | EndReason::IceLost
            | EndReason::DeviceFailed
            | EndReason::Incompatible
            | EndReason::Transferred
            | EndReason::Blocked
            | EndReason::Error => RecordStatus::Cancelled,
        }
    }

    pub fn snapshot(&self) -> Option<CallSnapshot> {
        let (state, member) = match &self.state {
            State::Waiting { .. } => return None,
            State::Calling { legs, .. } => {
                if legs.iter().any(|leg| leg.state == LegState::Ringing) {
                    (CallState::Ringing, MemberState::Ringing)
                } else {
                    (CallState::Calling, MemberState::Inviting)
                }
            }
            State::Ringing { .. } => (CallState::Ringing, MemberState::Inviting),
            State::Accepting { .. } | State::Talking { path: Path::New { .. }, .. } => {
                (CallState::Connecting, MemberState::Connecting)
            }
            State::Talking { path: Path::Up, .. } => (CallState::Connected, MemberState::Joined),
            State::Talking { path: Path::Down { .. }, .. } => (CallState::Reconnecting, MemberState::Disconnected),
            State::Ended { reason, .. } => (CallState::Ended(*reason), MemberState::Left),
        };
        let duration = match &self.state {
            State::Ended { duration, .. } => Some(*duration),
            State::Calling { .. }
            | State::Waiting { .. }
            | State::Ringing { .. }
            | State::Accepting { .. }
            | State::Talking { .. } => None,
        };
        let outgoing = self.direction == Direction::Outgoing;
        let reason = match &self.state {
            State::Ended { reason, .. } => Some(*reason),
            State::Calling { .. }
            | State::Waiting { .. }
            | State::Ringing { .. }
            | State::Accepting { .. }
            | State::Talking { .. } => None,
        };
        Some(CallSnapshot {
            id: self.id,
            direction: self.direction,
            media: self.media,
            host: self.peer.clone(),
            inviter: (!outgoing).then(|| self.peer.clone()),
            group: self.group.clone(),
            message: self.message.clone(),
            state,
            alert: matches!(self.state, State::Ringing { .. }).then_some(Alert::Ring),
            members: vec![MemberSnapshot {
                user: self.peer.clone(),
                device: self.device().map(|address| address.device.clone()),
                state: member,
                reason,
                muted: self.peer_muted,
                on_hold: false,
                video: false,
                invited_by: None,
            }],
            on_hold: false,
            connected_at: self.connected_at,
            duration,
            switch: None,
            transfer_to: None,
            preview: false,
        })
    }
}
