//! One phone's own picture, encoded once for everybody who sees it.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use super::{Picture, VideoQuality};

/// Encodes a phone's own picture: each layer once, however many peers take it, and only while one does.
#[derive(Debug)]
pub struct VideoEncoder {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    quality: VideoQuality,
    input: Option<watch::Receiver<Picture>>,
}

/// What an encoder does at present.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct VideoEncoderStats {
    /// One for each layer that somebody takes, the largest first.
    pub layers: Vec<LayerStats>,
}

/// What one layer is at present.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct LayerStats {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// kbit/s that it may take.
    pub target_kbps: u32,
    /// Pictures encoded since the start.
    pub frames: u64,
    /// Key frames among them.
    pub key_frames: u64,
    /// What encoding one picture takes, ms.
    pub encode_ms: f64,
    /// Peers that take it.
    pub takers: usize,
}

impl VideoEncoder {
    /// An encoder without a picture yet. It costs nothing until a peer takes a layer.
    pub fn new(quality: VideoQuality) -> Self {
        Self { state: Mutex::new(State { quality, input: None }) }
    }

    /// The stream of pictures to encode; none: there is no picture, and the peers are told so.
    pub fn set_input(&self, input: Option<watch::Receiver<Picture>>) {
        self.lock().input = input;
    }

    /// What the picture is to be from here on.
    pub fn set_quality(&self, quality: VideoQuality) {
        self.lock().quality = quality;
    }

    /// What it does at present.
    pub fn stats(&self) -> VideoEncoderStats {
        VideoEncoderStats::default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
