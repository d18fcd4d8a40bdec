//! One phone's own picture, encoded once for everybody who sees it.

mod assign;
mod scale;
mod taking;
mod work;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

pub(crate) use taking::{Delivery, Taking, Wish};

use super::{Picture, VideoQuality};
use taking::Taker;

/// Encodes a phone's own picture: each layer once, however many peers take it, and only while one does.
///
/// It has a thread of its own, which begins with the first peer and ends with the encoder.
#[derive(Debug)]
pub struct VideoEncoder {
    shared: Arc<Shared>,
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
    /// Pictures encoded since the layer was taken.
    pub frames: u64,
    /// Key frames among them.
    pub key_frames: u64,
    /// What encoding one picture takes, scaling included, ms.
    pub encode_ms: f64,
    /// Peers that take it.
    pub takers: usize,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something other than the picture changed.
    wake: Notify,
    /// Whether there is a stream of pictures to encode.
    fed: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    quality: VideoQuality,
    input: Option<watch::Receiver<Picture>>,
    /// Counts inputs, so that the thread notices a new one.
    input_number: u64,
    takers: Vec<Taker>,
    next_taker: u64,
    stats: VideoEncoderStats,
    running: bool,
    closed: bool,
}

impl VideoEncoder {
    /// An encoder without a picture yet. It costs nothing until a peer takes a layer.
    pub fn new(quality: VideoQuality) -> Self {
        let state = State {
            quality,
            input: None,
            input_number: 0,
            takers: Vec::new(),
            next_taker: 0,
            stats: VideoEncoderStats::default(),
            running: false,
            closed: false,
        };
        Self {
            shared: Arc::new(Shared { state: Mutex::new(state), wake: Notify::new(), fed: watch::Sender::new(false) }),
        }
    }

    /// The stream of pictures to encode; none: there is no picture, and the peers are told so.
    pub fn set_input(&self, input: Option<watch::Receiver<Picture>>) {
        let fed = input.is_some();
        {
            let mut state = self.shared.lock();
            state.input = input;
            state.input_number += 1;
        }
        self.shared.fed.send_if_modified(|known| std::mem::replace(known, fed) != fed);
        self.shared.wake.notify_one();
    }

    /// What the picture is to be from here on.
    pub fn set_quality(&self, quality: VideoQuality) {
        self.shared.lock().quality = quality;
        self.shared.wake.notify_one();
    }

    /// What the picture is to be at present.
    pub fn quality(&self) -> VideoQuality {
        self.shared.lock().quality
    }

    /// What it does at present.
    pub fn stats(&self) -> VideoEncoderStats {
        self.shared.lock().stats.clone()
    }

    /// Whether there is a stream of pictures.
    pub(crate) fn fed(&self) -> watch::Receiver<bool> {
        self.shared.fed.subscribe()
    }

    /// Takes part in the encoding until the result is dropped. Nothing is delivered before a wish is made.
    pub(crate) fn take(&self) -> Taking {
        let (taking, start) = Taking::new(&self.shared);
        if start {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name(String::from("video-encoder"));
            if let Err(error) = thread.spawn(move || work::run(&shared)) {
                tracing::error!(%error, "no thread could be made for the picture");
                self.shared.lock().running = false;
            }
        }
        taking
    }
}

impl Drop for VideoEncoder {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.takers.clear();
        state.input = None;
        drop(state);
        self.shared.wake.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
