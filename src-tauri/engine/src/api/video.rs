//! The picture: where it comes from, who looks at what, and what is wrong.

use serde::{Deserialize, Serialize};

use super::{DeviceView, PealError};

/// Where a picture of mine comes from: its `kind`, and what belongs to that kind, as in `{"kind":"screen","id":"1"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VideoSource {
    /// A camera.
    Camera {
        /// Which; absent: the one in the settings.
        #[serde(default)]
        id: Option<String>,
    },
    /// A whole screen.
    Screen {
        /// Which.
        id: String,
    },
    /// One window.
    Window {
        /// Which.
        id: String,
    },
    /// A file with moving pictures (Y4M), played in real time. At its end my picture is off.
    File {
        /// Where it is on this computer.
        path: String,
        /// It begins again at its end.
        #[serde(default)]
        looped: bool,
    },
    /// A moving test pattern with the time in it.
    Pattern,
}

/// My picture, on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct OpenCameraParams {
    /// From where; absent: as before, at first the camera in the settings. While the picture is on, it changes to this one.
    #[serde(default)]
    pub source: Option<VideoSource>,
}

impl From<VideoSource> for OpenCameraParams {
    fn from(source: VideoSource) -> Self {
        Self { source: Some(source) }
    }
}

/// Which of the places that show my own picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LocalViewParams {
    /// A name of its own for each place that shows it at the same time; absent: there is but one.
    #[serde(default)]
    pub view: Option<String>,
}

/// Whose picture is looked at, and how large it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct StartRemoteViewParams {
    /// The call.
    pub call_id: String,
    /// Whose picture.
    pub user_id: String,
    /// How wide it is drawn, pixels; absent: as large as it comes. Started again with another size, it is resized.
    #[serde(default)]
    pub width: Option<u32>,
    /// How high it is drawn, pixels; absent: as large as it comes.
    #[serde(default)]
    pub height: Option<u32>,
    /// A name of its own for each place that shows it at the same time; absent: there is but one.
    #[serde(default)]
    pub view: Option<String>,
}

/// Whose picture is not looked at any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct StopRemoteViewParams {
    /// The call.
    pub call_id: String,
    /// Whose picture.
    pub user_id: String,
    /// The name that the view was started with.
    #[serde(default)]
    pub view: Option<String>,
}

/// Everything a picture can be taken of now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VideoSources {
    /// Cameras.
    pub cameras: Vec<DeviceView>,
    /// Screens. Under Wayland one, `picked`: the desktop asks the person for a screen or a window.
    pub screens: Vec<DeviceView>,
    /// Windows of other programs.
    pub windows: Vec<DeviceView>,
}

/// My own picture, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct VideoView {
    /// The cameras that are there: looked for at the start, by `video_sources`, and every other second while my picture is
    /// on or looked at.
    pub cameras: Vec<DeviceView>,
    /// My picture is on: it is in the video calls that run and that begin, until `close_camera` or the last one ends.
    pub on: bool,
    /// What is open now; absent: nothing is, and the camera's light is off.
    pub source: Option<VideoSource>,
    /// It is being opened.
    pub opening: bool,
    /// What is wrong with it, if anything.
    pub problem: Option<PealError>,
}

/// Why a picture is less than it could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum PictureLowered {
    /// The path between the two carries no more.
    Network,
    /// The sender's computer does not keep up.
    Processor,
}
