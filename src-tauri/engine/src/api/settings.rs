//! What the person chose.

use serde::{Deserialize, Serialize};

use super::{DoNotDisturb, ErrorCode, PealError, UnknownCallers};

mod patch;

pub use patch::SettingsPatch;

/// A call rings at least and at most so long, ms (kit B03).
pub const CALL_TIMEOUT_MS: std::ops::RangeInclusive<u32> = 1_000..=120_000;
/// Width of my picture, pixels (kit D03).
pub const VIDEO_WIDTH: std::ops::RangeInclusive<u32> = 160..=1_920;
/// Height of my picture, pixels (kit D03).
pub const VIDEO_HEIGHT: std::ops::RangeInclusive<u32> = 90..=1_080;
/// Pictures a second.
pub const VIDEO_FRAME_RATE: std::ops::RangeInclusive<u32> = 5..=60;
/// Of my picture, kbit/s (kit D05).
pub const VIDEO_BITRATE_KBPS: std::ops::RangeInclusive<u32> = 50..=10_000;
/// The longest text about a STUN or TURN server, in bytes.
const ICE_TEXT: usize = 256;
/// The operating system by the name on its box.
const OPERATING_SYSTEM: &str = if cfg!(target_os = "windows") {
    "Windows"
} else if cfg!(target_os = "macos") {
    "macOS"
} else {
    "Linux"
};

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

/// How much is sent of a voice (kit D04); always mono at 48 kHz.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum AudioQuality {
    /// 24 kbit/s: clear speech on a thin line.
    Voice,
    /// 32 kbit/s.
    #[default]
    Balanced,
    /// 64 kbit/s: music too.
    High,
}

impl AudioQuality {
    /// What the encoder is set to, bit/s.
    pub const fn bitrate(self) -> u32 {
        match self {
            Self::Voice => 24_000,
            Self::Balanced => 32_000,
            Self::High => 64_000,
        }
    }
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
    /// What this device is called where my other devices speak of it ("Answered on Kitchen"), and where others compare
    /// safety numbers; empty: as its operating system is. At most 64 characters.
    pub device_name: String,
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
    /// A second invite rings softly during a call; without it, it is answered busy (kit E09).
    pub call_waiting: bool,
    /// Whoever is on hold hears music.
    pub hold_music: bool,
    /// Calls ring on this device; without it, they are shown in silence, and one's other devices ring.
    pub ring_here: bool,
    /// When nothing rings.
    pub do_not_disturb: DoNotDisturb,
    /// What becomes of callers whom the person does not know.
    pub unknown_callers: UnknownCallers,
    /// The account is used on one device at a time: whichever logged in before is sent away. Since the next login.
    pub single_device: bool,
    /// A call begins with the microphone on (kit D02).
    pub open_microphone: bool,
    /// How much is sent of the voice (kit D04).
    pub audio_quality: AudioQuality,
    /// A camera's id, or `default`.
    pub camera: String,
    /// A video call begins with the picture on (kit D01).
    pub open_camera: bool,
    /// Width of my picture, pixels: 160 to 1920 (kit D03). Of an odd one the last pixel is left out.
    pub video_width: u32,
    /// Height of my picture, pixels: 90 to 1080 (kit D03). Of an odd one the last pixel is left out.
    pub video_height: u32,
    /// Pictures a second, at most: 5 to 60.
    pub frame_rate: u32,
    /// Of my picture at least, kbit/s: 50 to 10000 (kit D05); less only where the line carries less.
    pub min_bitrate: u32,
    /// Of my picture at most, kbit/s: 50 to 10000 (kit D05).
    pub max_bitrate: u32,
    /// How much my picture is whitened: 0, not at all, to 9 (kit D06).
    pub whiteness_level: u8,
    /// How much skin is smoothed in my picture: 0, not at all, to 9 (kit D07).
    pub beauty_level: u8,
    /// I see my own picture as in a mirror; the others never do.
    pub mirror_preview: bool,
    /// Media servers may be reached without encryption on other computers, too: the token and the keys of voice and picture
    /// can be read on the way, so that this is for a network of one's own.
    pub plain_http_streams: bool,
    /// Safe mode: a login needs a token (kit D08). Since the next login.
    pub check_sum: bool,
    /// The log says more (kit D09); never names, addresses or words.
    pub debug: bool,
}

/// A STUN or TURN server (RFC 8489, RFC 8656), over UDP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct IceServer {
    /// `stun:host[:port]` or `turn:host[:port]`.
    pub url: String,
    /// For TURN.
    #[serde(default)]
    pub username: String,
    /// For TURN. Empty in the snapshot, which every window sees.
    #[serde(default)]
    pub credential: String,
    /// A credential is kept. In a patch, without one: the kept one of this server and user name stays.
    #[serde(default)]
    pub has_credential: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: "system".to_owned(),
            theme: Theme::System,
            microphone: "default".to_owned(),
            speaker: "default".to_owned(),
            device_name: String::new(),
            call_timeout_ms: 30_000,
            echo_cancellation: true,
            noise_suppression: true,
            gain_control: true,
            ice_servers: Vec::new(),
            call_waiting: false,
            hold_music: true,
            ring_here: true,
            do_not_disturb: DoNotDisturb::default(),
            unknown_callers: UnknownCallers::Ring,
            single_device: false,
            open_microphone: true,
            audio_quality: AudioQuality::Balanced,
            camera: "default".to_owned(),
            open_camera: true,
            video_width: 640,
            video_height: 360,
            frame_rate: 30,
            min_bitrate: 600,
            max_bitrate: 900,
            whiteness_level: 0,
            beauty_level: 0,
            mirror_preview: true,
            plain_http_streams: false,
            check_sum: true,
            debug: false,
        }
    }
}

impl Settings {
    /// What this device is called: the name the person gave it, else its operating system's.
    #[must_use]
    pub fn device_name(&self) -> &str {
        match self.device_name.trim() {
            "" => OPERATING_SYSTEM,
            name => name,
        }
    }

    /// As others may see them: without credentials.
    #[must_use]
    pub fn shown(&self) -> Self {
        let mut shown = self.clone();
        for server in &mut shown.ice_servers {
            server.has_credential = !server.credential.is_empty();
            server.credential.clear();
        }
        shown
    }
}

impl IceServer {
    /// This server as it is kept, with the credential that it had `before` if it brings none of its own.
    fn kept(&self, before: &[Self]) -> Self {
        let mut kept = self.clone();
        if kept.credential.is_empty() && kept.has_credential {
            let same = before.iter().find(|it| it.url == kept.url && it.username == kept.username);
            kept.credential = same.map(|it| it.credential.clone()).unwrap_or_default();
        }
        kept.has_credential = !kept.credential.is_empty();
        kept
    }

    fn check(&self) -> Result<(), PealError> {
        let host = ["stun:", "turn:"].iter().find_map(|scheme| self.url.strip_prefix(scheme));
        let long = [&self.url, &self.username, &self.credential].iter().any(|text| text.len() > ICE_TEXT);
        if host.is_none_or(str::is_empty) || long {
            let words = "a STUN or TURN server looks like stun:example.org or turn:example.org:3478";
            return Err(PealError::new(ErrorCode::BadServer, words));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
