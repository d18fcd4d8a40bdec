//! What a call is begun, joined and changed with.
//!
//! A parameter that may be left out has its usual value then. Where the call alone is enough, its id converts into the
//! parameters: `engine.accept("0192…")`.

use serde::{Deserialize, Serialize};

use super::Media;

/// Whom to call, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CallParams {
    /// Accounts, or `echo`. May be empty for a group, which then is called whole.
    #[serde(default)]
    pub to: Vec<String>,
    /// Voice or picture.
    #[serde(default)]
    pub media: Media,
    /// Any JSON value for the callee, as text (kits A06, B06), at most 4096 bytes.
    #[serde(default)]
    pub message: Option<String>,
    /// How long it rings, ms; absent: the setting.
    #[serde(default)]
    pub timeout_ms: Option<u32>,
    /// The saved group that it is for (kits B13, E06).
    #[serde(default)]
    pub group_id: Option<String>,
}

/// Whom to invite into a running call (kit C07).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct InviteParams {
    /// The call.
    pub call_id: String,
    /// Accounts.
    pub to: Vec<String>,
    /// Any JSON value for them, as text, at most 4096 bytes.
    #[serde(default)]
    pub message: Option<String>,
    /// How long it rings, ms; absent: the setting.
    #[serde(default)]
    pub timeout_ms: Option<u32>,
}

/// What becomes of the running call when another one is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Meanwhile {
    /// It is put on hold.
    #[default]
    Hold,
    /// It is left.
    End,
}

/// How to answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AcceptParams {
    /// The call.
    pub call_id: String,
    /// Voice or picture; absent: as invited. A video call may be taken as an audio call (kit E07).
    #[serde(default)]
    pub media: Option<Media>,
    /// What becomes of the running call, if there is one.
    #[serde(default)]
    pub meanwhile: Meanwhile,
}

/// How to decline.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RejectParams {
    /// The call.
    pub call_id: String,
    /// Words for the caller, at most 4096 bytes.
    #[serde(default)]
    pub message: Option<String>,
    /// Say that the line is busy (kit E08).
    #[serde(default)]
    pub busy: bool,
}

/// How to withdraw (kit B07).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CancelParams {
    /// The call.
    pub call_id: String,
    /// Leave the callee a record of the call (kit B08's `sendMsg`).
    #[serde(default = "yes")]
    pub record: bool,
}

/// To whom a call is handed over: somebody who is called for it, or the other side of another call of mine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TransferParams {
    /// The call.
    pub call_id: String,
    /// An account that is called (blind transfer).
    #[serde(default)]
    pub to: Option<String>,
    /// A call whose other side takes over (attended transfer).
    #[serde(default)]
    pub to_call_id: Option<String>,
}

/// What a call is to carry from now on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SwitchMediaParams {
    /// The call.
    pub call_id: String,
    /// Voice or picture.
    pub media: Media,
}

/// The answer to the other side's wish to switch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AnswerSwitchParams {
    /// The call.
    pub call_id: String,
    /// Yes or no.
    pub accept: bool,
}

/// Which call is brought into which.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MergeParams {
    /// The call whose other side is brought.
    pub call_id: String,
    /// The call it is brought into.
    pub into: String,
}

/// How loud somebody is heard.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VolumeParams {
    /// The account.
    pub user_id: String,
    /// dB on top of how loud they speak, -40 to 12.
    pub db: f32,
}

/// Whose counters.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct StatsParams {
    /// The call.
    pub call_id: String,
    /// The member; absent: everyone's together.
    #[serde(default)]
    pub user_id: Option<String>,
}

impl Default for CancelParams {
    fn default() -> Self {
        Self { call_id: String::new(), record: true }
    }
}

macro_rules! from_call_id {
    ($($params:ty),*) => {$(
        impl From<&str> for $params {
            fn from(call_id: &str) -> Self {
                Self { call_id: call_id.to_owned(), ..Self::default() }
            }
        }

        impl From<&String> for $params {
            fn from(call_id: &String) -> Self {
                Self::from(call_id.as_str())
            }
        }
    )*};
}

from_call_id!(AcceptParams, RejectParams, CancelParams, StatsParams);

const fn yes() -> bool {
    true
}
