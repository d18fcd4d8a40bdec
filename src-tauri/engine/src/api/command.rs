//! What a program may ask of the phone.

use serde::{Deserialize, Serialize};

use super::{
    AcceptParams, AnswerSwitchParams, CallParams, CancelParams, ContactPatch, ExportFormat, GroupParams, HistoryQuery,
    InviteParams, LocalViewParams, MergeParams, OpenCameraParams, ProfilePatch, PublishStreamParams, RejectParams,
    SettingsPatch, StartRemoteViewParams, StatsParams, StopRemoteViewParams, SwitchMediaParams, TransferParams,
    VolumeParams,
};

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
    /// Call one person, several, or a group (kits A06, B04, C03, E05, E06).
    Call(CallParams),
    /// Invite more people into a running call (kit C07).
    Invite(InviteParams),
    /// Answer (kits A07, B11, C04, E07).
    Accept(AcceptParams),
    /// Decline, with words if wished (kits B12, C06, E08).
    Reject(RejectParams),
    /// Withdraw before it connects (kit B07).
    Cancel(CancelParams),
    /// Leave; the others go on (kit B09).
    Leave {
        /// The call.
        call_id: String,
    },
    /// End it: for everyone if I began it; before it connects, cancel it (kits A08, B10, C05, E10).
    Hangup {
        /// The call.
        call_id: String,
    },
    /// Put it on hold: nothing is sent and nothing is heard.
    Hold {
        /// The call.
        call_id: String,
    },
    /// Go on with it, and put the others on hold.
    Resume {
        /// The call.
        call_id: String,
    },
    /// Ask for picture, or go back to voice (kit B26).
    SwitchMedia(SwitchMediaParams),
    /// Answer the other side's wish to switch.
    AnswerSwitch(AnswerSwitchParams),
    /// Hand it over to somebody else.
    Transfer(TransferParams),
    /// Bring the other side of one call into another call.
    Merge(MergeParams),
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
    /// Open the sound devices before a call, or say why they can't be (kit C01).
    InitEngine,
    /// Close the sound devices again (kit C02).
    ReleaseEngine,
    /// Turn my picture on, or take it from elsewhere (kits D01, E13): answers when the camera, or what else it is, is open.
    OpenCamera(OpenCameraParams),
    /// Turn my picture off (kit E13): the camera's light goes out, and the others know.
    CloseCamera,
    /// Look at my own picture (kit E12): outside a call it opens the camera, in one it shows what is sent.
    StartLocalView(LocalViewParams),
    /// Look away from my own picture (kit E12).
    StopLocalView(LocalViewParams),
    /// Look at somebody's picture (kit E11).
    StartRemoteView(StartRemoteViewParams),
    /// Look away (kit E11): it is not decoded any more, and a second later not sent.
    StopRemoteView(StopRemoteViewParams),
    /// The cameras, screens and windows that are there.
    VideoSources,
    /// Send my voice and picture to a media server once, from where the others play it (kit A05): answers when they flow.
    PublishStream(PublishStreamParams),
    /// End that again.
    StopPublishing,
    /// How loud somebody is heard.
    SetVolume(VolumeParams),
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
    /// Counters of a call's media paths.
    CallStats(StatsParams),
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
    /// This device shall be the account's only one: the others are kicked out (kit E23). Absent: the setting.
    #[serde(default)]
    pub single_device: Option<bool>,
}
