//! Screens and windows of Linux: an X server lets programs look; under Wayland the desktop asks the person.

use super::super::worker::Control;
use super::super::{VideoDevice, VideoError};
use super::Kind;
use super::{picked, x11};
use crate::video::convert::Planar;

/// What is being shown.
pub(super) enum Capture {
    Seen(Box<x11::Capture>),
    Picked(picked::Capture),
}

/// The screens, or the windows. Under Wayland there is one of both together, for the list is the desktop's own.
pub(super) fn all(kind: Kind) -> Vec<VideoDevice> {
    match kind {
        _ if !picked::is_needed() => x11::all(kind),
        Kind::Screen => picked::all(),
        Kind::Window => Vec::new(),
    }
}

impl Capture {
    /// Opens what has this id; with it comes its name. Under Wayland it waits for the person, until halted.
    pub(super) fn open(kind: Kind, id: &str, control: &Control) -> Result<(Self, String), VideoError> {
        if picked::is_needed() {
            picked::Capture::open(id, control).map(|(capture, name)| (Self::Picked(capture), name))
        } else {
            x11::Capture::open(kind, id).map(|(capture, name)| (Self::Seen(Box::new(capture)), name))
        }
    }

    /// Takes a picture; false if nothing changed since the last one.
    pub(super) fn grab(&mut self, planar: &mut Planar) -> Result<bool, VideoError> {
        match self {
            Self::Seen(capture) => capture.grab(planar),
            Self::Picked(capture) => capture.grab(planar),
        }
    }
}
