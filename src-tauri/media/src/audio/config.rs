//! What an [`Audio`](super::Audio) is opened with.

use std::path::PathBuf;
use std::time::Duration;

/// Where the voice comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Microphone {
    /// The system's default microphone.
    Default,
    /// The device with this [`DeviceInfo::id`](super::DeviceInfo::id).
    Device(String),
    /// A recording: WAV, 8 to 192 kHz, any number of channels, 30 minutes at most.
    Wav {
        /// The file.
        path: PathBuf,
        /// From the start again at its end; silence otherwise.
        looped: bool,
    },
    /// A sine at -20 dBFS (RMS).
    Tone {
        /// Its pitch, 20 to 20000 Hz.
        hertz: f32,
    },
    /// Nothing.
    Silence,
    /// What this same `Audio`'s speaker mix played: the echo contact.
    Echo {
        /// How long ago, 10 s at most.
        delay: Duration,
    },
}

/// Where the voices go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// The system's default speaker.
    Default,
    /// The device with this [`DeviceInfo::id`](super::DeviceInfo::id).
    Device(String),
    /// A WAV file, 48 kHz mono 16 bit, unbroken in real time; replaced if it exists.
    Wav {
        /// The file.
        path: PathBuf,
    },
    /// Nowhere.
    Null,
}

/// What is done to the microphone. It is left out for microphones that are no devices (a recording arrives as it is)
/// unless `always`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processing {
    /// Removes what the speaker plays (AEC3).
    pub echo_cancellation: bool,
    /// Removes steady noise.
    pub noise_suppression: bool,
    /// Brings the voice to an even loudness (AGC2), with a limiter.
    pub gain_control: bool,
    /// Also for recordings, tones and the echo.
    pub always: bool,
}

impl Default for Processing {
    fn default() -> Self {
        Self { echo_cancellation: true, noise_suppression: true, gain_control: true, always: false }
    }
}

/// How an [`Audio`] is opened.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioConfig {
    /// Where the voice comes from.
    pub microphone: Microphone,
    /// Where the voices go.
    pub speaker: Speaker,
    /// What is done to the microphone.
    pub processing: Processing,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self { microphone: Microphone::Default, speaker: Speaker::Default, processing: Processing::default() }
    }
}
