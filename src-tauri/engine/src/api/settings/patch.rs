//! How what the person chose is changed.

use serde::{Deserialize, Serialize};

use super::{
    AudioQuality, CALL_TIMEOUT_MS, IceServer, Settings, Theme, VIDEO_BITRATE_KBPS, VIDEO_FRAME_RATE, VIDEO_HEIGHT,
    VIDEO_WIDTH,
};
use crate::api::{DoNotDisturb, ErrorCode, PealError, UnknownCallers};

/// The strongest whitening and smoothing (kits D06, D07).
const MOST_TOUCH_UP: u8 = 9;
/// Most STUN and TURN servers.
const ICE_SERVERS: usize = 8;
/// Longest name of a language or id of a device, in bytes.
const NAME: usize = 1024;
/// Longest name of a person or a device, in characters.
const DISPLAY_NAME: usize = 64;

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
    /// What this device is called; empty: as its operating system is.
    pub device_name: Option<String>,
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
    /// A second invite rings softly during a call.
    pub call_waiting: Option<bool>,
    /// Whoever is on hold hears music.
    pub hold_music: Option<bool>,
    /// Calls ring on this device.
    pub ring_here: Option<bool>,
    /// When nothing rings, in place of what was set before.
    pub do_not_disturb: Option<DoNotDisturb>,
    /// What becomes of callers whom the person does not know.
    pub unknown_callers: Option<UnknownCallers>,
    /// The account is used on one device at a time.
    pub single_device: Option<bool>,
    /// A call begins with the microphone on.
    pub open_microphone: Option<bool>,
    /// How much is sent of the voice.
    pub audio_quality: Option<AudioQuality>,
    /// A camera's id, or `default`.
    pub camera: Option<String>,
    /// A video call begins with the picture on (kit D01).
    pub open_camera: Option<bool>,
    /// Width of my picture, pixels: 160 to 1920 (kit D03). Of an odd one the last pixel is left out.
    pub video_width: Option<u32>,
    /// Height of my picture, pixels: 90 to 1080 (kit D03). Of an odd one the last pixel is left out.
    pub video_height: Option<u32>,
    /// Pictures a second, at most: 5 to 60.
    pub frame_rate: Option<u32>,
    /// Of my picture at least, kbit/s: 50 to 10000 (kit D05); less only where the line carries less.
    pub min_bitrate: Option<u32>,
    /// Of my picture at most, kbit/s: 50 to 10000 (kit D05).
    pub max_bitrate: Option<u32>,
    /// How much my picture is whitened: 0, not at all, to 9 (kit D06).
    pub whiteness_level: Option<u8>,
    /// How much skin is smoothed in my picture: 0, not at all, to 9 (kit D07).
    pub beauty_level: Option<u8>,
    /// I see my own picture as in a mirror; the others never do.
    pub mirror_preview: Option<bool>,
    /// Media servers may be reached without encryption on other computers, too.
    pub plain_http_streams: Option<bool>,
    /// A login needs a token.
    pub check_sum: Option<bool>,
    /// The log says more.
    pub debug: Option<bool>,
}

impl SettingsPatch {
    /// Whether everything in the patch makes sense.
    ///
    /// # Errors
    /// [`ErrorCode::BadRequest`], [`ErrorCode::BadServer`]: nothing of the patch may be applied.
    pub fn check(&self) -> Result<(), PealError> {
        let bad = |words: String| Err(PealError::new(ErrorCode::BadRequest, words));
        if self.call_timeout_ms.is_some_and(|ms| !CALL_TIMEOUT_MS.contains(&ms)) {
            return bad("a call rings for 1000 to 120000 ms".to_owned());
        }
        if self.display_name.as_ref().is_some_and(|name| name.trim().chars().count() > DISPLAY_NAME) {
            return bad(format!("a display name has at most {DISPLAY_NAME} characters"));
        }
        if self.device_name.as_ref().is_some_and(|name| name.trim().chars().count() > DISPLAY_NAME) {
            return bad(format!("the name of a device has at most {DISPLAY_NAME} characters"));
        }
        if [&self.language, &self.microphone, &self.speaker, &self.camera]
            .into_iter()
            .flatten()
            .any(|name| name.len() > NAME)
        {
            return bad(format!("the name of a language or the id of a device has at most {NAME} bytes"));
        }
        self.check_video()?;
        if let Some(servers) = &self.ice_servers {
            if servers.len() > ICE_SERVERS {
                return bad(format!("at most {ICE_SERVERS} STUN and TURN servers are used"));
            }
            servers.iter().try_for_each(IceServer::check)?;
        }
        self.do_not_disturb.as_ref().map_or(Ok(()), DoNotDisturb::check)?;
        Ok(())
    }

    fn check_video(&self) -> Result<(), PealError> {
        let outside =
            |value: Option<u32>, range: &std::ops::RangeInclusive<u32>| value.is_some_and(|it| !range.contains(&it));
        let words = if outside(self.video_width, &VIDEO_WIDTH) || outside(self.video_height, &VIDEO_HEIGHT) {
            "a picture is 160 to 1920 pixels wide and 90 to 1080 high"
        } else if outside(self.frame_rate, &VIDEO_FRAME_RATE) {
            "there are 5 to 60 pictures a second"
        } else if outside(self.min_bitrate, &VIDEO_BITRATE_KBPS) || outside(self.max_bitrate, &VIDEO_BITRATE_KBPS) {
            "a picture takes 50 to 10000 kbit/s"
        } else if matches!((self.min_bitrate, self.max_bitrate), (Some(min), Some(max)) if min > max) {
            "the least bitrate is not more than the most"
        } else if [self.whiteness_level, self.beauty_level].into_iter().flatten().any(|level| level > MOST_TOUCH_UP) {
            "whitening and smoothing are 0 to 9"
        } else {
            return Ok(());
        };
        Err(PealError::new(ErrorCode::BadRequest, words))
    }

    /// `settings` with this patch applied. The display name is the profile's and not applied here.
    #[must_use]
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
        if let Some(name) = &self.device_name {
            name.trim().clone_into(&mut settings.device_name);
        }
        take(&mut settings.call_timeout_ms, self.call_timeout_ms.as_ref());
        take(&mut settings.echo_cancellation, self.echo_cancellation.as_ref());
        take(&mut settings.noise_suppression, self.noise_suppression.as_ref());
        take(&mut settings.gain_control, self.gain_control.as_ref());
        if let Some(servers) = &self.ice_servers {
            settings.ice_servers = servers.iter().map(|server| server.kept(&settings.ice_servers)).collect();
        }
        take(&mut settings.call_waiting, self.call_waiting.as_ref());
        take(&mut settings.hold_music, self.hold_music.as_ref());
        take(&mut settings.ring_here, self.ring_here.as_ref());
        take(&mut settings.do_not_disturb, self.do_not_disturb.as_ref());
        take(&mut settings.unknown_callers, self.unknown_callers.as_ref());
        take(&mut settings.single_device, self.single_device.as_ref());
        take(&mut settings.open_microphone, self.open_microphone.as_ref());
        take(&mut settings.audio_quality, self.audio_quality.as_ref());
        take(&mut settings.camera, self.camera.as_ref());
        take(&mut settings.open_camera, self.open_camera.as_ref());
        take(&mut settings.video_width, self.video_width.as_ref());
        take(&mut settings.video_height, self.video_height.as_ref());
        take(&mut settings.frame_rate, self.frame_rate.as_ref());
        take(&mut settings.min_bitrate, self.min_bitrate.as_ref());
        take(&mut settings.max_bitrate, self.max_bitrate.as_ref());
        // Where the patch brings one of the two, the other gives way.
        if self.max_bitrate.is_some() {
            settings.min_bitrate = settings.min_bitrate.min(settings.max_bitrate);
        } else {
            settings.max_bitrate = settings.max_bitrate.max(settings.min_bitrate);
        }
        take(&mut settings.whiteness_level, self.whiteness_level.as_ref());
        take(&mut settings.beauty_level, self.beauty_level.as_ref());
        take(&mut settings.mirror_preview, self.mirror_preview.as_ref());
        take(&mut settings.plain_http_streams, self.plain_http_streams.as_ref());
        take(&mut settings.check_sum, self.check_sum.as_ref());
        take(&mut settings.debug, self.debug.as_ref());
        settings
    }

    /// The patch behind kept settings. What an older version left out, a newer one added, or neither can read, does no
    /// harm to the rest.
    pub fn from_kept(kept: serde_json::Value) -> Self {
        let serde_json::Value::Object(fields) = kept else { return Self::default() };
        let readable = |(name, value): &(String, serde_json::Value)| {
            let alone = serde_json::Map::from_iter([(name.clone(), value.clone())]);
            serde_json::from_value::<Self>(alone.into()).is_ok_and(|patch| patch.check().is_ok())
        };
        let readable: serde_json::Map<_, _> = fields.into_iter().filter(|field| readable(field)).collect();
        serde_json::from_value(readable.into()).unwrap_or_default()
    }
}
