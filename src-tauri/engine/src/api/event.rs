//! What happens once: the kits' callbacks under their Peal names.

mod names;

use serde::{Deserialize, Serialize};

use super::{Connection, EndReason, Media, PealError, PresenceView, RecordView, VoiceLevel};

/// A call as the kits describe it (kit C22).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CallSession {
    /// The call (kit C's `channelId`).
    pub call_id: String,
    /// Voice or picture.
    pub media: Media,
    /// Who began it.
    pub inviter: String,
    /// Invited, not yet answered.
    pub inviting_members: Vec<String>,
    /// In the call now.
    pub joined_members: Vec<String>,
    /// When it connected, ms since 1970; absent before.
    pub start_time: Option<f64>,
}

/// An invite that has arrived (kit B13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Invitation {
    /// The call.
    pub call_id: String,
    /// Who invites (kit B's `invitor`).
    pub inviter: String,
    /// Everyone invited.
    pub user_ids: Vec<String>,
    /// More than one was invited, or a group.
    pub is_from_group: bool,
    /// The saved group, if any.
    pub group_id: Option<String>,
    /// The JSON value that came along, as text.
    pub message: Option<String>,
    /// Voice or picture.
    pub media: Media,
}

/// Somebody in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct UserInCall {
    /// The call.
    pub call_id: String,
    /// Who.
    pub user_id: String,
}

/// One event, as `peal-headless` writes it: `{"event":"invited","data":{…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// The connection to the server changed; it heals by itself.
    ConnectionChanged(Connection),
    /// The login is over and does not heal by itself (kit A14).
    SessionEnded(PealError),
    /// The same device logged in elsewhere (kit E23).
    KickedOut,
    /// The invite has gone out (kit C12).
    Outgoing(CallSession),
    /// A device of the callee rings.
    Ringing(UserInCall),
    /// An invite has arrived.
    Invited(Invitation),
    /// Answered; media is being set up (kit C14).
    Connecting(CallSession),
    /// Media flows (kit C15).
    Connected(CallSession),
    /// To the inviter: answered.
    UserAccepted(UserInCall),
    /// To the inviter: declined, perhaps with words.
    UserRejected {
        /// The call.
        call_id: String,
        /// Who.
        user_id: String,
        /// Their words.
        message: Option<String>,
    },
    /// To the inviter: in another call.
    UserBusy(UserInCall),
    /// To the inviter: did not answer in time (kit E16).
    UserNoResponse(UserInCall),
    /// To the invitee: the caller withdrew.
    UserCancelled(UserInCall),
    /// To the invitee: rang until the time was over (kit E20).
    CallTimedOut(UserInCall),
    /// Somebody is in the call now.
    UserEntered(UserInCall),
    /// Somebody left.
    UserLeft {
        /// The call.
        call_id: String,
        /// Who.
        user_id: String,
        /// Why.
        reason: EndReason,
    },
    /// Somebody's media stopped arriving; it may come back (kit B20).
    UserDisconnected(UserInCall),
    /// My own media is lost (kit B21).
    MediaDisconnected {
        /// The call.
        call_id: String,
    },
    /// Somebody's microphone went on or off (kit B22).
    AudioAvailable {
        /// The call.
        call_id: String,
        /// Who.
        user_id: String,
        /// Sound comes from them.
        available: bool,
    },
    /// Somebody's camera went on or off (kit B23).
    VideoAvailable {
        /// The call.
        call_id: String,
        /// Who.
        user_id: String,
        /// A picture comes from them.
        available: bool,
    },
    /// Somebody muted or unmuted (kit B30).
    AudioMuted {
        /// The call.
        call_id: String,
        /// Who.
        user_id: String,
        /// Their microphone is off.
        muted: bool,
    },
    /// Somebody turned their camera off or on (kit B29).
    VideoMuted {
        /// The call.
        call_id: String,
        /// Who.
        user_id: String,
        /// Their camera is off.
        muted: bool,
    },
    /// Somebody put the call on hold, or took it up again.
    Held {
        /// The call.
        call_id: String,
        /// Who.
        user_id: String,
        /// On hold.
        on_hold: bool,
    },
    /// Somebody else was invited into the call (kits C19, E26).
    UsersInvited {
        /// The call.
        call_id: String,
        /// By whom.
        from_user: String,
        /// Who.
        invited_users: Vec<String>,
    },
    /// The other side asks for picture; `answer_switch` answers.
    MediaChangeRequested {
        /// The call.
        call_id: String,
        /// Who asks.
        user_id: String,
        /// For what.
        media: Media,
    },
    /// The call is a voice call or a video call from now on (kit B26).
    MediaChanged {
        /// The call.
        call_id: String,
        /// What it is now.
        media: Media,
    },
    /// The other side does not want to switch, or did not say in time.
    MediaChangeRefused(UserInCall),
    /// The call is being handed over.
    Transferring {
        /// The call.
        call_id: String,
        /// By whom.
        by: String,
        /// To whom.
        to: String,
    },
    /// I have handed the call over.
    Transferred {
        /// The call.
        call_id: String,
        /// To whom.
        to: String,
    },
    /// The one to whom the call was to be handed over did not take it; it goes on as before.
    TransferFailed {
        /// The call.
        call_id: String,
        /// To whom.
        to: String,
        /// Why not.
        reason: EndReason,
    },
    /// Somebody's stream can be played (kit A10): a doorbell's sound (and picture) before the answer, or what they have
    /// published to a media server. A view of them (`start_remote_view`) plays it; nothing is sent to the server before.
    /// Comes again when they publish elsewhere.
    StreamAdded {
        /// The call.
        call_id: String,
        /// Whose.
        user_id: String,
        /// The WHEP address from where it is played; absent: only here, in the call. Nobody has looked at it yet: it is what
        /// they say.
        play_url: Option<String>,
    },
    /// They publish their stream to no media server any more; a view of them goes on with what comes in the call.
    StreamRemoved {
        /// The call.
        call_id: String,
        /// Whose.
        user_id: String,
    },
    /// Answered on another device of mine (kit B27).
    AcceptedElsewhere {
        /// The call.
        call_id: String,
        /// That device.
        device: String,
        /// What I call it; may be empty.
        device_name: String,
    },
    /// Declined on another device of mine (kit B28).
    RejectedElsewhere {
        /// The call.
        call_id: String,
        /// That device.
        device: String,
        /// What I call it; may be empty.
        device_name: String,
    },
    /// The call is over.
    CallEnded {
        /// The call.
        call_id: String,
        /// Why.
        reason: EndReason,
        /// How long they talked, ms.
        duration_ms: f64,
    },
    /// The call is in the history (kit B31, D14 to D18).
    CallRecorded(RecordView),
    /// Somebody came, went, or began or ended a call.
    PresenceChanged {
        /// Who.
        user_id: String,
        /// Whether they are there.
        presence: PresenceView,
    },
    /// A device shows another key than before: its calls are held back until `trust_key`.
    KeyChanged {
        /// Whose.
        user_id: String,
        /// Which device.
        device_id: String,
    },
    /// Levels, several times a second while in a call (kit E24).
    VoiceVolume(Vec<VoiceLevel>),
    /// Something went wrong that no command asked for.
    Error(PealError),
}
