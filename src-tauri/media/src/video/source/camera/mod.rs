//! A camera, through nokhwa.
//!
//! nokhwa waits for a frame for ever, so it has a thread of its own ([`grab`]), which leaves the newest frame for the source's
//! thread to convert: a slow conversion never holds the camera up, and a camera that gives nothing can still be let go of.

mod choose;
mod devices;
mod grab;

use std::sync::Arc;
use std::time::{Duration, Instant};

use nokhwa::Buffer;
use nokhwa::utils::FrameFormat;

use super::worker::{Control, Next, Opened, Reel};
use super::{Format, VideoError};
use crate::video::convert::{Fit, Jpeg, Order, Planar, Scaler, Subsampling};
use crate::video::{Frame, FrameError};
use grab::{Grab, Grabber};

pub(super) use devices::cameras;

/// A camera that gives nothing for so long is broken. The darkest room makes it wait a second.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many frames one after the other may be damaged; a camera that starts has a few.
const MOST_DAMAGED: u32 = 60;

/// A camera that is open, or about to be.
#[derive(Debug)]
pub(super) struct Camera {
    grabber: Grabber,
    opened: Opened,
    format: Format,
    planar: Planar,
    jpeg: Jpeg,
    scaler: Scaler,
    /// When its last frame came, or when it was asked for the first.
    last: Instant,
    /// When the next picture is due at the rate that is wished for.
    due: Option<Instant>,
    damaged: u32,
}

impl Camera {
    /// Begins to open a camera; none: the first there is.
    pub(super) fn open(id: Option<&str>, format: Format, control: &Arc<Control>) -> Result<Self, VideoError> {
        Ok(Self {
            grabber: Grabber::start(id.map(str::to_owned), format, Arc::clone(control))?,
            opened: Opened { name: String::new(), frame_rate: format.frame_rate },
            format,
            planar: Planar::default(),
            jpeg: Jpeg::default(),
            scaler: Scaler::smooth(),
            last: Instant::now(),
            due: None,
            damaged: 0,
        })
    }

    /// Whether a frame of that moment is shown, at the rate that is wished for.
    fn is_due(&mut self, at: Instant) -> bool {
        let interval = Duration::from_secs(1) / self.format.frame_rate;
        let due = self.due.unwrap_or(at);
        if at + interval / 4 < due {
            return false;
        }
        self.due = Some((due + interval).max(at));
        true
    }

    fn convert(&mut self, buffer: &Buffer, at: Instant) -> Result<Frame, FrameError> {
        let (width, height) = (buffer.resolution().width() as usize, buffer.resolution().height() as usize);
        let (data, planar) = (buffer.buffer(), &mut self.planar);
        match buffer.source_frame_format() {
            FrameFormat::MJPEG => self.jpeg.decode(data, planar)?,
            FrameFormat::YUYV => planar.set_yuyv(data, width, height)?,
            FrameFormat::NV12 => planar.set_nv12(data, width, height)?,
            FrameFormat::GRAY => planar.set_planes(data, width, height, Subsampling::Grey, true)?,
            FrameFormat::RAWRGB => planar.set_rgb(data, width, height, width * 3, Order::Rgb)?,
            FrameFormat::RAWBGR => planar.set_rgb(data, width, height, width * 3, Order::Bgr)?,
        }
        let (width, height) = planar.turned(self.format.width, self.format.height);
        self.scaler.planar(planar, width, height, Fit::Cover, at)
    }
}

impl Reel for Camera {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn next(&mut self, control: &Control) -> Result<Next, VideoError> {
        control.wait_until(self.last + PATIENCE, || self.grabber.has_news());
        let (buffer, at) = match self.grabber.take() {
            None if control.is_halted() => return Ok(Next::Nothing),
            None if self.last.elapsed() < PATIENCE => return Ok(Next::Nothing),
            None => return Err(VideoError::Silent(PATIENCE.as_secs())),
            Some(Grab::Failed(error)) => return Err(error),
            Some(Grab::Opened(opened)) => {
                self.opened = opened;
                return Ok(Next::Nothing);
            }
            Some(Grab::Frame(buffer, at)) => (buffer, at),
        };
        self.last = Instant::now();
        if !self.is_due(at) {
            return Ok(Next::Nothing);
        }
        match self.convert(&buffer, at) {
            Ok(frame) => {
                self.damaged = 0;
                Ok(Next::Picture(frame))
            }
            Err(error) => {
                self.damaged += 1;
                tracing::debug!(%error, "a frame of the camera is damaged");
                if self.damaged < MOST_DAMAGED {
                    Ok(Next::Nothing)
                } else {
                    Err(VideoError::Unusable(error.to_string()))
                }
            }
        }
    }
}
