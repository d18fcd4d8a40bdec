//! A screen or a window as a source.
//!
//! On Linux the X server is asked directly, through shared memory, and only when something changed, and under Wayland the desktop;
//! elsewhere xcap asks the system.

#[cfg(target_os = "linux")]
mod cast;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod native;
#[cfg(target_os = "linux")]
mod picked;
#[cfg(target_os = "linux")]
mod pointer;
#[cfg(target_os = "linux")]
mod x11;

use std::time::{Duration, Instant};

use super::worker::{Beat, Control, Next, Opened, Reel};
use super::{Format, VideoDevice, VideoError};
use crate::video::convert::{Fit, Planar, Scaler};
use crate::video::{Frame, MIN_SIDE};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use native as system;

/// The largest picture that is made of a screen, in pixels, lying or upright.
const LARGEST: (u32, u32) = (1_920, 1_080);
/// More pictures in a second are never made of a screen.
const FASTEST: u32 = 30;
/// What does not change is shown again after this time, for whoever joins late.
const AGAIN: Duration = Duration::from_secs(1);

/// What is shown of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Screen,
    Window,
}

/// A screen or a window that is open.
pub(super) struct Screen {
    name: String,
    capture: system::Capture,
    frame_rate: u32,
    beat: Beat,
    planar: Planar,
    scaler: Scaler,
    last: Option<(Frame, Instant)>,
}

/// The screens, or the windows.
pub(super) fn all(kind: Kind) -> Vec<VideoDevice> {
    system::all(kind)
}

impl Screen {
    pub(super) fn open(kind: Kind, id: &str, format: Format, control: &Control) -> Result<Self, VideoError> {
        let (capture, name) = system::Capture::open(kind, id, control)?;
        let frame_rate = format.frame_rate.min(FASTEST);
        let (planar, scaler) = (Planar::default(), Scaler::sharp());
        Ok(Self { name, capture, frame_rate, beat: Beat::new(frame_rate, 1), planar, scaler, last: None })
    }
}

impl Reel for Screen {
    fn opened(&self) -> Opened {
        Opened { name: self.name.clone(), frame_rate: self.frame_rate }
    }

    fn next(&mut self, control: &Control) -> Result<Next, VideoError> {
        if !self.beat.wait(control) {
            return Ok(Next::Nothing);
        }
        let now = Instant::now();
        if self.capture.grab(&mut self.planar)? {
            let (width, height) = fitting(self.planar.width(), self.planar.height());
            let frame = self.scaler.planar(&self.planar, width, height, Fit::Stretch, now);
            let frame = frame.map_err(|error| VideoError::Unusable(error.to_string()))?;
            self.last = Some((frame.clone(), now));
            return Ok(Next::Picture(frame));
        }
        match &mut self.last {
            Some((frame, shown)) if shown.elapsed() >= AGAIN => {
                *shown = now;
                Ok(Next::Picture(frame.clone().at(now)))
            }
            _ => Ok(Next::Nothing),
        }
    }
}

/// The size of the picture of a screen: its own, or as large as may be.
fn fitting(width: usize, height: usize) -> (u32, u32) {
    let (width, height) = (width.max(2) as f64, height.max(2) as f64);
    let most = if width >= height { LARGEST } else { (LARGEST.1, LARGEST.0) };
    let scale = (f64::from(most.0) / width).min(f64::from(most.1) / height).min(1.0);
    let side = |side: f64, most: u32| (((side * scale / 2.0).round() * 2.0) as u32).clamp(MIN_SIDE, most);
    (side(width, most.0), side(height, most.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_keeps_its_shape() {
        assert_eq!(fitting(1_280, 800), (1_280, 800));
        assert_eq!(fitting(3_840, 2_160), (1_920, 1_080));
        assert_eq!(fitting(3_440, 1_440), (1_920, 804));
        assert_eq!(fitting(1_080, 1_920), (1_080, 1_920));
        assert_eq!(fitting(1_440, 2_560), (1_080, 1_920));
        assert_eq!(fitting(6, 4), (16, 16));
    }
}
