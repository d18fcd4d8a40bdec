//! What the person chose, and how it is changed.

use serde::{Deserialize, Serialize};

/// Light, dark, or as the system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Ink on paper.
    Light,
    /// Paper on ink.
    Dark,
}

/// What the person chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Settings {
    /// `en`, `zh-CN`, or `system`.
    pub language: String,
    /// Light, dark, or as the system.
    pub theme: Theme,
    /// A microphone's id, or `default`.
    pub microphone: String,
    /// A speaker's id, or `default`.
    pub speaker: String,
    /// How long a call rings, ms.
    pub call_timeout_ms: u32,
    /// Cancel the speaker's echo out of the microphone.
    pub echo_cancellation: bool,
    /// Suppress steady noise.
    pub noise_suppression: bool,
    /// Bring the voice to an even level.
    pub gain_control: bool,
    /// Servers that help two networks find each other; none are needed within one network.
    pub ice_servers: Vec<IceServer>,
}

/// A STUN or TURN server (RFC 8489, RFC 8656), over UDP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct IceServer {
    /// `stun:host[:port]` or `turn:host[:port]`.
    pub url: String,
    /// For TURN.
    pub username: String,
    /// For TURN.
    pub credential: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: "system".to_owned(),
            theme: Theme::System,
            microphone: "default".to_owned(),
            speaker: "default".to_owned(),
            call_timeout_ms: 30_000,
            echo_cancellation: true,
            noise_suppression: true,
            gain_control: true,
            ice_servers: Vec::new(),
        }
    }
}

/// Settings to change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(default)]
pub struct SettingsPatch {
    /// The name that others see.
    pub display_name: Option<String>,
    /// `en`, `zh-CN`, or `system`.
    pub language: Option<String>,
    /// Light, dark, or as the system.
    pub theme: Option<Theme>,
    /// A microphone's id, or `default`.
    pub microphone: Option<String>,
    /// A speaker's id, or `default`.
    pub speaker: Option<String>,
    /// How long a call rings, ms.
    pub call_timeout_ms: Option<u32>,
    /// Cancel the speaker's echo out of the microphone.
    pub echo_cancellation: Option<bool>,
    /// Suppress steady noise.
    pub noise_suppression: Option<bool>,
    /// Bring the voice to an even level.
    pub gain_control: Option<bool>,
    /// STUN and TURN servers, in place of those before.
    pub ice_servers: Option<Vec<IceServer>>,
}

impl SettingsPatch {
    /// `settings` with this patch applied. The display name is the profile's and not applied here.
    pub fn apply(&self, mut settings: Settings) -> Settings {
        fn take<T: Clone>(slot: &mut T, new: Option<&T>) {
            if let Some(new) = new {
                slot.clone_from(new);
            }
        }
        take(&mut settings.language, self.language.as_ref());
        take(&mut settings.theme, self.theme.as_ref());
        take(&mut settings.microphone, self.microphone.as_ref());
        take(&mut settings.speaker, self.speaker.as_ref());
        take(&mut settings.call_timeout_ms, self.call_timeout_ms.as_ref());
        take(&mut settings.echo_cancellation, self.echo_cancellation.as_ref());
        take(&mut settings.noise_suppression, self.noise_suppression.as_ref());
        take(&mut settings.gain_control, self.gain_control.as_ref());
        take(&mut settings.ice_servers, self.ice_servers.as_ref());
        settings
    }
}
