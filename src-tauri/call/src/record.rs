//! How a call went, for the history.

use std::time::{Duration, Instant};

use crate::call::{Call, Phase};
use crate::member::Member;
use crate::{CallRecord, Direction, EndReason, RecordStatus, Standing, UserId};

/// How a call that nobody answered is written down (kit D14 to D18).
pub(crate) const fn unanswered_status(reason: EndReason) -> RecordStatus {
    match reason {
        EndReason::Rejected | EndReason::RejectedElsewhere => RecordStatus::Rejected,
        EndReason::Busy => RecordStatus::Busy,
        EndReason::NoResponse | EndReason::Unreachable | EndReason::Blocked => RecordStatus::Missed,
        EndReason::AnsweredElsewhere | EndReason::Transferred => RecordStatus::Completed,
        EndReason::Hangup
        | EndReason::Cancelled
        | EndReason::KickedOut
        | EndReason::IceFailed
        | EndReason::IceLost
        | EndReason::DeviceFailed
        | EndReason::Incompatible
        | EndReason::Error => RecordStatus::Cancelled,
    }
}

/// How a call that did not come to be here ended, as somebody else says.
pub(crate) const fn reason_of(status: RecordStatus) -> EndReason {
    match status {
        RecordStatus::Completed => EndReason::AnsweredElsewhere,
        RecordStatus::Cancelled => EndReason::Cancelled,
        RecordStatus::Rejected => EndReason::RejectedElsewhere,
        RecordStatus::Missed => EndReason::NoResponse,
        RecordStatus::Busy => EndReason::Busy,
    }
}

impl Member {
    /// How it went with them.
    fn status(&self) -> RecordStatus {
        if self.answered {
            return RecordStatus::Completed;
        }
        if let Some(went) = self.went {
            return went;
        }
        match &self.standing {
            Standing::Left { reason } => unanswered_status(*reason),
            // It ended for me while somebody else still invited them.
            Standing::Inviting { .. } | Standing::Joined { .. } => RecordStatus::Missed,
        }
    }
}

impl Call {
    /// The status that both histories agree on.
    pub fn status(&self, reason: EndReason) -> RecordStatus {
        if self.answered {
            return RecordStatus::Completed;
        }
        match (&self.phase, reason) {
            // Answered and put down before the caller knew: declined, after all.
            (Phase::Accepting { .. }, EndReason::Hangup | EndReason::KickedOut) => RecordStatus::Rejected,
            (
                Phase::Waiting { .. }
                | Phase::Ringing { .. }
                | Phase::Accepting { .. }
                | Phase::In
                | Phase::Ended { .. },
                reason,
            ) => unanswered_status(reason),
        }
    }

    /// How long they have talked until `now`, earlier parts included.
    pub fn talked(&self, now: Instant) -> Duration {
        let part = self.connected_at.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.talked_before + part
    }

    /// Its line for the history if it ends now.
    pub fn record(&self, now: Instant, reason: EndReason, me: &UserId) -> CallRecord {
        let status = self.status(reason);
        // One who never came in knows of nobody but themselves how it went.
        let came = self.answered || self.direction == Direction::Outgoing;
        let went = |member: &Member| if came { member.status() } else { status };
        CallRecord {
            call: self.id,
            peer: self.peer(me).clone(),
            direction: self.direction,
            media: self.media,
            status,
            reason,
            started_at: self.started_at,
            duration: self.talked(now),
            message: self.message.clone(),
            members: self.members.iter().map(|member| (member.user.clone(), went(member))).collect(),
            group: self.group.clone(),
        }
    }

    /// The one to name it by.
    fn peer(&self, me: &UserId) -> &UserId {
        let inviter = self.inviter.as_ref().map(|inviter| &inviter.user);
        match self.direction {
            Direction::Incoming if self.members.len() == 1 => self.members.first().map_or(&self.host, |it| &it.user),
            Direction::Incoming if self.host != *me => &self.host,
            Direction::Incoming => inviter.unwrap_or(&self.host),
            Direction::Outgoing => self.members.first().map_or(&self.host, |member| &member.user),
        }
    }
}
