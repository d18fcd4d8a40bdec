//! What each event is called.

use super::Event;

impl Event {
    /// The names of all events.
    pub const NAMES: &[&str] = &[
        "connection_changed",
        "session_ended",
        "kicked_out",
        "outgoing",
        "ringing",
        "invited",
        "connecting",
        "connected",
        "user_accepted",
        "user_rejected",
        "user_busy",
        "user_no_response",
        "user_cancelled",
        "call_timed_out",
        "user_entered",
        "user_left",
        "user_disconnected",
        "media_disconnected",
        "audio_available",
        "video_available",
        "audio_muted",
        "video_muted",
        "held",
        "users_invited",
        "media_change_requested",
        "media_changed",
        "media_change_refused",
        "transferring",
        "transferred",
        "transfer_failed",
        "stream_added",
        "stream_removed",
        "accepted_elsewhere",
        "rejected_elsewhere",
        "call_ended",
        "call_recorded",
        "presence_changed",
        "key_changed",
        "voice_volume",
        "error",
    ];

    /// The event's name, the same on all sides.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ConnectionChanged(_) => "connection_changed",
            Self::SessionEnded(_) => "session_ended",
            Self::KickedOut => "kicked_out",
            Self::Outgoing(_) => "outgoing",
            Self::Ringing(_) => "ringing",
            Self::Invited(_) => "invited",
            Self::Connecting(_) => "connecting",
            Self::Connected(_) => "connected",
            Self::UserAccepted(_) => "user_accepted",
            Self::UserRejected { .. } => "user_rejected",
            Self::UserBusy(_) => "user_busy",
            Self::UserNoResponse(_) => "user_no_response",
            Self::UserCancelled(_) => "user_cancelled",
            Self::CallTimedOut(_) => "call_timed_out",
            Self::UserEntered(_) => "user_entered",
            Self::UserLeft { .. } => "user_left",
            Self::UserDisconnected(_) => "user_disconnected",
            Self::MediaDisconnected { .. } => "media_disconnected",
            Self::AudioAvailable { .. } => "audio_available",
            Self::VideoAvailable { .. } => "video_available",
            Self::AudioMuted { .. } => "audio_muted",
            Self::VideoMuted { .. } => "video_muted",
            Self::Held { .. } => "held",
            Self::UsersInvited { .. } => "users_invited",
            Self::MediaChangeRequested { .. } => "media_change_requested",
            Self::MediaChanged { .. } => "media_changed",
            Self::MediaChangeRefused(_) => "media_change_refused",
            Self::Transferring { .. } => "transferring",
            Self::Transferred { .. } => "transferred",
            Self::TransferFailed { .. } => "transfer_failed",
            Self::StreamAdded { .. } => "stream_added",
            Self::StreamRemoved { .. } => "stream_removed",
            Self::AcceptedElsewhere { .. } => "accepted_elsewhere",
            Self::RejectedElsewhere { .. } => "rejected_elsewhere",
            Self::CallEnded { .. } => "call_ended",
            Self::CallRecorded(_) => "call_recorded",
            Self::PresenceChanged { .. } => "presence_changed",
            Self::KeyChanged { .. } => "key_changed",
            Self::VoiceVolume(_) => "voice_volume",
            Self::Error(_) => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Connection, ErrorCode, PealError};

    #[test]
    fn an_events_name_is_its_name_in_json() {
        let samples = [
            Event::KickedOut,
            Event::ConnectionChanged(Connection::default()),
            Event::MediaDisconnected { call_id: String::new() },
            Event::Error(PealError::new(ErrorCode::Internal, "")),
        ];
        for event in samples {
            let json = serde_json::to_value(&event).expect("events are JSON");
            assert_eq!(json["event"], event.name());
            assert!(Event::NAMES.contains(&event.name()));
        }
    }

    #[test]
    fn every_name_is_that_of_one_event() {
        let mut names = Event::NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Event::NAMES.len());
    }
}
