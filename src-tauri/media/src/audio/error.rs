//! What can be wrong with sound.

use std::path::PathBuf;

/// Why sound could not be opened. Each kind wants other words for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// There is no microphone (or no sound system at all).
    #[error("there is no microphone")]
    NoMicrophone,
    /// There is no speaker (or no sound system at all).
    #[error("there is no speaker")]
    NoSpeaker,
    /// The device is used by another program, or does not answer.
    #[error("the sound device is busy")]
    Busy,
    /// The operating system does not let us use the device.
    #[error("the system denied access to the sound device")]
    Denied,
    /// The chosen device does not exist (any more); the id as it was given.
    #[error("there is no sound device {0:?}")]
    UnknownDevice(String),
    /// The device speaks no format that we do, or failed in its own way; its words.
    #[error("the sound device can't be used: {0}")]
    Unusable(String),
    /// A WAV file could not be read or written.
    #[error("{path:?}: {problem}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// This [`Audio`](super::Audio) is closing, or a thread for it could not be started.
    #[error("sound is closed")]
    Closed,
}

/// What is wrong with a WAV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// It can't be opened or read.
    #[error("{0}")]
    Io(std::io::ErrorKind),
    /// It is not a WAV file that we can read.
    #[error("not a WAV file of 8 to 192 kHz")]
    NotWav,
    /// It is longer than half an hour.
    #[error("longer than 30 minutes")]
    TooLong,
}

/// Which of the two devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    Capture,
    Playback,
}

impl Direction {
    /// The error for "nothing there".
    pub(super) fn none(self) -> AudioError {
        match self {
            Self::Capture => AudioError::NoMicrophone,
            Self::Playback => AudioError::NoSpeaker,
        }
    }

    /// cpal's error in our words; `wanted` is the id asked for, if one was.
    pub(super) fn error(self, error: &cpal::Error, wanted: Option<&str>) -> AudioError {
        use cpal::ErrorKind as Kind;
        match error.kind() {
            Kind::DeviceBusy | Kind::ResourceExhausted => AudioError::Busy,
            Kind::PermissionDenied => AudioError::Denied,
            Kind::DeviceNotAvailable | Kind::HostUnavailable | Kind::StreamInvalidated => {
                wanted.map_or(self.none(), |id| AudioError::UnknownDevice(id.to_owned()))
            }
            _ => AudioError::Unusable(error.to_string()),
        }
    }
}
