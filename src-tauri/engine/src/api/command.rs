//! What a program may ask of the phone.

use serde::{Deserialize, Serialize};

use super::{ContactPatch, ExportFormat, GroupParams, HistoryQuery, Media, ProfilePatch, SettingsPatch};

/// One wish, as `peal-headless` reads it: `{"command":"call","params":{"to":["bob"],"media":"audio"}}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "command", content = "params", rename_all = "snake_case")]
pub enum Command {
    /// Log in (kits A01, B01, E03).
    Login(LoginParams),
    /// Log out: nothing works after it (kits A04, B02).
    Logout,
    /// Who is logged in (kit A03).
    CurrentUser,
    /// The whole snapshot.
    Snapshot,
    /// Call one person or several (kits B04, C03, E05).
    Call(CallParams),
    /// Answer.
    Accept {
        /// The call.
        call_id: String,
    },
    /// Decline, with words if wished.
    Reject(ReasonedCall),
    /// Withdraw before it connects (kit B07).
    Cancel {
        /// The call.
        call_id: String,
    },
    /// End it, or cancel it before it connects (kit E10).
    Hangup {
        /// The call.
        call_id: String,
    },
    /// Leave the screen of a call that has ended.
    Dismiss {
        /// The call.
        call_id: String,
    },
    /// Microphone off or on (kits C09, E14).
    SetMuted {
        /// True: silence leaves.
        muted: bool,
    },
    /// Is the microphone off (kit C08).
    IsMuted,
    /// Speaker on or off (kit C11).
    SetSpeakerEnabled {
        /// False: nothing is played.
        enabled: bool,
    },
    /// Is the speaker on (kit C10).
    IsSpeakerEnabled,
    /// How long a call rings (kit B03).
    SetCallTimeout {
        /// Milliseconds, 1000 to 120000.
        ms: u32,
    },
    /// Change settings; what is absent stays.
    SetSettings(SettingsPatch),
    /// Change what I say of myself (kit C23, D10).
    SetProfile(ProfilePatch),
    /// Take somebody into the contacts.
    AddContact {
        /// Who.
        user_id: String,
    },
    /// Change what I say of somebody: note, favourite, silenced, blocked (kit C23).
    SetContact(ContactPatch),
    /// Take somebody out of the contacts.
    RemoveContact {
        /// Who.
        user_id: String,
    },
    /// Save a group.
    SetGroup(GroupParams),
    /// Forget a group.
    RemoveGroup {
        /// Which.
        group_id: String,
    },
    /// Contacts in whose names, accounts or notes every word is found.
    SearchContacts {
        /// The words; none: everyone.
        query: String,
    },
    /// A picture as a data URL.
    Avatar {
        /// Which, as the views name it.
        avatar_id: String,
    },
    /// The contacts and groups as vCard 4.0.
    ExportContacts,
    /// Take a vCard file in.
    ImportContacts {
        /// The file's text.
        vcard: String,
    },
    /// Calls of the history that fit.
    SearchHistory(HistoryQuery),
    /// Delete calls from the history.
    DeleteRecords {
        /// Which; absent: all.
        #[serde(default)]
        call_ids: Option<Vec<String>>,
    },
    /// The whole history as a file's text.
    ExportHistory {
        /// As what.
        format: ExportFormat,
    },
    /// The missed calls have been seen.
    MarkHistorySeen,
    /// The numbers to compare with somebody, device by device.
    SafetyNumber {
        /// Who.
        user_id: String,
    },
    /// A number was compared (or no longer counts as such).
    SetVerified {
        /// Who.
        user_id: String,
        /// Which device of theirs.
        device_id: String,
        /// It is the same on both sides.
        verified: bool,
    },
    /// Believe a device's changed key.
    TrustKey {
        /// Who.
        user_id: String,
        /// Which device of theirs.
        device_id: String,
    },
    /// Counters of a call's media path.
    CallStats {
        /// The call.
        call_id: String,
    },
}

/// Who logs in, and where.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LoginParams {
    /// The account; absent: made from the display name.
    #[serde(default)]
    pub account: Option<String>,
    /// What proves it to the broker; absent: the profile's own.
    #[serde(default)]
    pub token: Option<String>,
    /// `mqtt://`, `mqtts://`, `ws://` or `wss://`; absent: the embedded broker.
    #[serde(default)]
    pub server: Option<String>,
    /// The name that others see; absent: the account.
    #[serde(default)]
    pub display_name: Option<String>,
}

/// Whom to call, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CallParams {
    /// Accounts, or `echo`.
    pub to: Vec<String>,
    /// Voice or picture.
    #[serde(default)]
    pub media: Media,
    /// Any JSON value for the callee, as text (kit B06).
    #[serde(default)]
    pub message: Option<String>,
    /// How long it rings, ms; absent: the setting.
    #[serde(default)]
    pub timeout_ms: Option<u32>,
}

/// A call and words about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ReasonedCall {
    /// The call.
    pub call_id: String,
    /// Words for the caller.
    #[serde(default)]
    pub message: Option<String>,
}
