//! Where pictures come from: a camera, a screen, a window, a file, a test pattern.

mod camera;
mod error;
mod file;
pub mod pattern;
mod screen;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use error::{FileProblem, VideoError};

use super::{Picture, TouchUp};
use worker::Control;

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SourceChoice {
    /// A camera of this computer.
    Camera {
        /// One of [`cameras`]; none: the first.
        id: Option<String>,
    },
    /// A whole screen.
    Screen {
        /// One of [`screens`].
        id: String,
    },
    /// One window.
    Window {
        /// One of [`windows`].
        id: String,
    },
    /// A video file, at its own pace.
    File {
        /// Which file.
        path: PathBuf,
        /// Begin again at its end.
        looped: bool,
    },
    /// A moving test pattern with a time code, see [`pattern`].
    Pattern,
}

/// What a source is asked for (kit D03). A wish: [`SourceEvent::Opened`] says what came of it.
///
/// A camera, a file and the pattern are cut and scaled to this size (one that stands upright, to the size turned upright);
/// a screen and a window keep their shape, and are only made smaller where they pass 1920 by 1080.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures in a second, at most.
    pub frame_rate: u32,
}

/// What happens to a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceEvent {
    /// Its first picture is there.
    Opened {
        /// What a person calls it.
        name: String,
        /// Of its pictures, in pixels.
        width: u32,
        /// Of its pictures, in pixels.
        height: u32,
        /// Pictures in a second that may be expected.
        frame_rate: u32,
    },
    /// It could not be opened, or gave out. Nothing comes after it.
    Failed(VideoError),
    /// The file is over. Nothing comes after it.
    Ended,
}

/// A camera, a screen or a window of this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoDevice {
    /// For [`SourceChoice`].
    pub id: String,
    /// For a person.
    pub name: String,
}

/// A source of pictures that is open, or about to be. Dropping it releases the device.
#[derive(Debug)]
pub struct Source {
    pictures: watch::Receiver<Picture>,
    events: Option<mpsc::UnboundedReceiver<SourceEvent>>,
    control: Arc<Control>,
}

impl Source {
    /// Opens a source on a thread of its own, and returns at once.
    pub fn open(choice: SourceChoice, format: Format, touch_up: TouchUp) -> Self {
        let (pictures_in, pictures) = watch::channel(None);
        let (events_in, events) = mpsc::unbounded_channel();
        let control = Arc::new(Control::new(touch_up));
        worker::start(choice, format, Arc::clone(&control), pictures_in, events_in);
        Self { pictures, events: Some(events), control }
    }

    /// Its pictures, the newest at any time; none before the first and after the last.
    pub fn pictures(&self) -> watch::Receiver<Picture> {
        self.pictures.clone()
    }

    /// What happens to it, from the opening on. The stream belongs to whoever asks first: asked again, it is at its end.
    pub fn events(&mut self) -> mpsc::UnboundedReceiver<SourceEvent> {
        self.events.take().unwrap_or_else(|| mpsc::unbounded_channel().1)
    }

    /// Changes what is done to the picture, from the next one on.
    pub fn set_touch_up(&self, touch_up: TouchUp) {
        self.control.set_touch_up(touch_up);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.control.halt();
    }
}

/// The cameras of this computer; none where there are none. Costs a few milliseconds at most: ask every other second to see them come and go.
pub fn cameras() -> Vec<VideoDevice> {
    camera::cameras()
}

/// The screens of this computer; none where there is no display. Under Wayland there is one, for which the desktop asks the
/// person to pick a screen or a window.
pub fn screens() -> Vec<VideoDevice> {
    screen::all(screen::Kind::Screen)
}

/// The windows that can be seen now; none where there is no display.
pub fn windows() -> Vec<VideoDevice> {
    screen::all(screen::Kind::Window)
}
