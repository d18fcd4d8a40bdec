//! The picture of a call.
//!
//! A stream of pictures is a `watch::Receiver<Picture>`: whoever is late sees the newest one, and nothing queues.

pub mod codec;
pub mod congestion;
pub mod convert;
mod encoder;
mod frame;
pub(crate) mod layer;
mod quality;
pub mod rtp;
pub mod send;
mod source;
mod touch_up;

use std::sync::Arc;

pub(crate) use encoder::{Delivery, Taking, Wish};
pub use encoder::{LayerStats, VideoEncoder, VideoEncoderStats};
pub use frame::{Frame, FrameError, MAX_HEIGHT, MAX_WIDTH, MIN_SIDE};
pub use quality::{Direction, Lowered, PictureQuality, VideoQuality, VideoStats};
pub use source::{
    FileProblem, Format, Source, SourceChoice, SourceEvent, VideoDevice, VideoError, cameras, pattern, screens, windows,
};
pub use touch_up::{MAX_LEVEL, Retoucher, TouchUp};

/// The newest picture of a stream; none: there is no picture now.
pub type Picture = Option<Arc<Frame>>;
