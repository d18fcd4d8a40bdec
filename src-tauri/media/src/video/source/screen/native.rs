//! Screens and windows of macOS and Windows, through xcap.

use xcap::{Monitor, Window, XCapError};

use super::super::worker::Control;
use super::super::{VideoDevice, VideoError};
use super::Kind;
use crate::video::convert::{Order, Planar};

/// What is being shown.
pub(super) enum Capture {
    Screen(Monitor),
    Window(Window),
}

/// The screens, or the windows that can be seen.
pub(super) fn all(kind: Kind) -> Vec<VideoDevice> {
    match kind {
        Kind::Screen => screens().into_iter().map(|(device, _)| device).collect(),
        Kind::Window => windows().into_iter().map(|(device, _)| device).collect(),
    }
}

impl Capture {
    /// Opens what has this id; with it comes its name.
    pub(super) fn open(kind: Kind, id: &str, _: &Control) -> Result<(Self, String), VideoError> {
        let found = match kind {
            Kind::Screen => screens()
                .into_iter()
                .find(|(device, _)| device.id == id)
                .map(|(device, monitor)| (Self::Screen(monitor), device.name)),
            Kind::Window => windows()
                .into_iter()
                .find(|(device, _)| device.id == id)
                .map(|(device, window)| (Self::Window(window), device.name)),
        };
        found.ok_or_else(|| VideoError::UnknownDevice(id.to_owned()))
    }

    /// Takes a picture; false while the window can't be seen.
    pub(super) fn grab(&mut self, planar: &mut Planar) -> Result<bool, VideoError> {
        let image = match self {
            Self::Screen(monitor) => monitor.capture_image().map_err(failed)?,
            Self::Window(window) => {
                if window.is_minimized().map_err(|_| VideoError::WindowClosed)? {
                    return Ok(false);
                }
                window.capture_image().map_err(failed)?
            }
        };
        let (width, height) = (image.width() as usize, image.height() as usize);
        let filled = planar.set_rgb(image.as_raw(), width, height, width * 4, Order::Rgba);
        filled.map_err(|error| VideoError::Unusable(error.to_string()))?;
        Ok(true)
    }
}

fn screens() -> Vec<(VideoDevice, Monitor)> {
    let all = Monitor::all().unwrap_or_default();
    let named = all.into_iter().filter_map(|monitor| {
        let name = monitor.friendly_name().or_else(|_| monitor.name()).ok()?;
        Some((VideoDevice { id: monitor.id().ok()?.to_string(), name }, monitor))
    });
    named.collect()
}

fn windows() -> Vec<(VideoDevice, Window)> {
    let all = Window::all().unwrap_or_default();
    let seen = all.into_iter().filter_map(|window| {
        let title = window.title().ok().filter(|title| !title.is_empty())?;
        if window.is_minimized().unwrap_or(true) {
            return None;
        }
        Some((VideoDevice { id: window.id().ok()?.to_string(), name: title }, window))
    });
    seen.collect()
}

fn failed(error: XCapError) -> VideoError {
    VideoError::Unusable(error.to_string())
}
