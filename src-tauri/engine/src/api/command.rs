//! What a program may ask of the phone.

use serde::{Deserialize, Serialize};

use super::{Media, SettingsPatch};

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
    /// The missed calls have been seen.
    MarkHistorySeen,
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
