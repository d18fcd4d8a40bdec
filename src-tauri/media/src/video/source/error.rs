//! What can be wrong with a source of pictures.

use std::path::PathBuf;

/// Why there is no picture. Each kind wants other words for the person: [`VideoError::code`] names them, and
/// [`VideoError::hint`] says in English what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VideoError {
    /// There is no camera.
    #[error("there is no camera")]
    NoCamera,
    /// Another program uses the camera.
    #[error("another program uses the camera")]
    Busy,
    /// The operating system does not let us use the camera, or see the screen.
    #[error("the system denied access to the picture")]
    Denied,
    /// The camera was unplugged while it was open.
    #[error("the camera was unplugged")]
    Unplugged,
    /// The camera, the screen or the window does not exist (any more); the id as it was given.
    #[error("there is no source {0:?}")]
    UnknownDevice(String),
    /// It is open, but no picture came for this many seconds.
    #[error("the camera gave no picture for {0} s")]
    Silent(u64),
    /// There is no screen to be seen: no display, or one that shows itself to nobody.
    #[error("there is no screen that can be shown")]
    NoScreen,
    /// The desktop asked what to show, and nothing was picked.
    #[error("nothing was picked to be shown")]
    NotPicked,
    /// The window that was shown was closed.
    #[error("the window was closed")]
    WindowClosed,
    /// It speaks no format that we do, or failed in its own way; its words.
    #[error("the source can't be used: {0}")]
    Unusable(String),
    /// A file can't be played.
    #[error("{path:?}: {problem}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
}

/// What is wrong with a video file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// It can't be opened or read.
    #[error("{0}")]
    Io(std::io::ErrorKind),
    /// It is not a Y4M file that can be read: what is wrong with it.
    #[error("not a Y4M file that can be played: {0}")]
    Format(&'static str),
}

impl VideoError {
    /// A stable name for the interface's words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCamera => "no_camera",
            Self::Busy => "camera_busy",
            Self::Denied => "camera_denied",
            Self::Unplugged => "camera_unplugged",
            Self::UnknownDevice(_) => "unknown_source",
            Self::Silent(_) => "camera_silent",
            Self::NoScreen => "no_screen",
            Self::NotPicked => "not_picked",
            Self::WindowClosed => "window_closed",
            Self::Unusable(_) => "source_unusable",
            Self::File { .. } => "video_file",
        }
    }

    /// What a person can do about it, in English.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoCamera => "Plug in a camera, or talk without a picture.",
            Self::Busy => "Close the other program that shows the camera's picture, then try again.",
            Self::Denied => "Allow Peal to use the camera (or to record the screen) in the system's settings.",
            Self::Unplugged => "Plug the camera in again, or choose another one.",
            Self::UnknownDevice(_) => "Choose another camera, screen or window.",
            Self::Silent(_) => "Unplug the camera and plug it in again.",
            Self::NoScreen => "Showing the screen needs a desktop that allows it.",
            Self::NotPicked => "Pick a screen or a window in the desktop's dialog.",
            Self::WindowClosed => "Choose another window to show.",
            Self::Unusable(_) => "Try another camera or another resolution.",
            Self::File { .. } => "Choose a Y4M file, such as ffmpeg -i video.mp4 video.y4m makes.",
        }
    }
}
