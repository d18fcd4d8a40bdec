//! The machine's vocabulary in the words of the API.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use peal_call as call;
use peal_media::video::Lowered;
use peal_signalling::{DeviceKind, PresenceState};

use crate::api::{
    Alert, CallState, ContactKind, Direction, EndReason, ErrorCode, Gender, Meanwhile, Media, MemberState, PealError,
    PictureLowered, PresenceView, RecordStatus,
};

/// Ms since 1970.
pub(crate) fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_millis() as f64
}

pub(crate) fn call_id(text: &str) -> Result<call::CallId, PealError> {
    text.parse().map_err(|_| PealError::new(ErrorCode::BadRequest, "that is no call id"))
}

impl From<call::MediaKind> for Media {
    fn from(media: call::MediaKind) -> Self {
        match media {
            call::MediaKind::Audio => Self::Audio,
            call::MediaKind::Video => Self::Video,
        }
    }
}

impl From<Media> for call::MediaKind {
    fn from(media: Media) -> Self {
        match media {
            Media::Audio => Self::Audio,
            Media::Video => Self::Video,
        }
    }
}

impl From<Lowered> for PictureLowered {
    fn from(lowered: Lowered) -> Self {
        match lowered {
            Lowered::Network => Self::Network,
            Lowered::Processor => Self::Processor,
        }
    }
}

impl From<Meanwhile> for call::Meanwhile {
    fn from(meanwhile: Meanwhile) -> Self {
        match meanwhile {
            Meanwhile::Hold => Self::Hold,
            Meanwhile::End => Self::End,
        }
    }
}

impl From<call::Alert> for Alert {
    fn from(alert: call::Alert) -> Self {
        match alert {
            call::Alert::Ring => Self::Ring,
            call::Alert::CallWaiting => Self::CallWaiting,
            call::Alert::Silent => Self::Silent,
        }
    }
}

impl From<call::Direction> for Direction {
    fn from(direction: call::Direction) -> Self {
        match direction {
            call::Direction::Outgoing => Self::Outgoing,
            call::Direction::Incoming => Self::Incoming,
        }
    }
}

impl From<call::RecordStatus> for RecordStatus {
    fn from(status: call::RecordStatus) -> Self {
        match status {
            call::RecordStatus::Completed => Self::Completed,
            call::RecordStatus::Cancelled => Self::Cancelled,
            call::RecordStatus::Rejected => Self::Rejected,
            call::RecordStatus::Missed => Self::Missed,
            call::RecordStatus::Busy => Self::Busy,
        }
    }
}

impl From<call::EndReason> for EndReason {
    fn from(reason: call::EndReason) -> Self {
        match reason {
            call::EndReason::Hangup => Self::Hangup,
            call::EndReason::Cancelled => Self::Cancelled,
            call::EndReason::Rejected => Self::Rejected,
            call::EndReason::Busy => Self::Busy,
            call::EndReason::NoResponse => Self::NoResponse,
            call::EndReason::AnsweredElsewhere => Self::AnsweredElsewhere,
            call::EndReason::RejectedElsewhere => Self::RejectedElsewhere,
            call::EndReason::KickedOut => Self::KickedOut,
            call::EndReason::IceFailed => Self::IceFailed,
            call::EndReason::IceLost => Self::IceLost,
            call::EndReason::DeviceFailed => Self::DeviceFailed,
            call::EndReason::Unreachable => Self::Unreachable,
            call::EndReason::Incompatible => Self::Incompatible,
            call::EndReason::Transferred => Self::Transferred,
            call::EndReason::Blocked => Self::Blocked,
            call::EndReason::Error => Self::Error,
        }
    }
}

impl From<call::MemberState> for MemberState {
    fn from(state: call::MemberState) -> Self {
        match state {
            call::MemberState::Inviting => Self::Inviting,
            call::MemberState::Ringing => Self::Ringing,
            call::MemberState::Connecting => Self::Connecting,
            call::MemberState::Joined => Self::Joined,
            call::MemberState::Disconnected => Self::Disconnected,
            call::MemberState::Left => Self::Left,
        }
    }
}

/// The state, and why it ended if it did.
pub(crate) fn call_state(state: call::CallState) -> (CallState, Option<EndReason>) {
    match state {
        call::CallState::Calling => (CallState::Calling, None),
        call::CallState::Ringing => (CallState::Ringing, None),
        call::CallState::Connecting => (CallState::Connecting, None),
        call::CallState::Connected => (CallState::Connected, None),
        call::CallState::Reconnecting => (CallState::Reconnecting, None),
        call::CallState::Ended(reason) => (CallState::Ended, Some(reason.into())),
    }
}

impl From<PresenceState> for PresenceView {
    fn from(state: PresenceState) -> Self {
        match state {
            PresenceState::Online => Self::Online,
            PresenceState::InCall => Self::InCall,
            PresenceState::Offline => Self::Offline,
        }
    }
}

impl From<Gender> for peal_signalling::Gender {
    fn from(gender: Gender) -> Self {
        match gender {
            Gender::Unknown => Self::Unknown,
            Gender::Female => Self::Female,
            Gender::Male => Self::Male,
        }
    }
}

impl From<peal_signalling::Gender> for Gender {
    fn from(gender: peal_signalling::Gender) -> Self {
        match gender {
            peal_signalling::Gender::Unknown => Self::Unknown,
            peal_signalling::Gender::Female => Self::Female,
            peal_signalling::Gender::Male => Self::Male,
        }
    }
}

impl From<ContactKind> for DeviceKind {
    fn from(kind: ContactKind) -> Self {
        match kind {
            ContactKind::Person => Self::Person,
            ContactKind::Device => Self::Device,
            ContactKind::Echo => Self::Echo,
        }
    }
}

impl From<DeviceKind> for ContactKind {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Person => Self::Person,
            DeviceKind::Device => Self::Device,
            DeviceKind::Echo => Self::Echo,
        }
    }
}

/// A `snake_case` word of the API as it is kept in the history.
pub(crate) fn word<T: serde::Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The value behind a kept word, or `fallback` if a later version wrote it.
pub(crate) fn from_word<T: serde::de::DeserializeOwned>(word: &str, fallback: T) -> T {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).unwrap_or(fallback)
}
