//! The picture beside the voice: ours out, the peer's in.

use std::sync::Arc;

use tokio::sync::watch;

use super::Peer;
use crate::video::{Picture, VideoEncoder};

/// The picture's part of a connection.
pub(super) struct Video {
    encoder: watch::Sender<Option<Arc<VideoEncoder>>>,
    wanted: watch::Sender<Option<(u32, u32)>>,
    pictures: watch::Sender<Picture>,
}

impl Video {
    pub(super) fn new() -> Self {
        Self { encoder: watch::Sender::new(None), wanted: watch::Sender::new(None), pictures: watch::Sender::new(None) }
    }
}

impl Peer {
    /// Sends this phone's picture, or stops. Takes effect at once, without a negotiation; the peer learns of it.
    pub fn send_video(&self, encoder: Option<&Arc<VideoEncoder>>) {
        self.inner.video.encoder.send_replace(encoder.cloned());
    }

    /// What this side wants to see of the peer: a picture for a tile of this width and height in pixels, or nothing.
    /// The peer is told, sends the layer that fits, and within a second nothing if nothing is wanted; what still comes
    /// then is not decoded. Nothing is wanted at first.
    pub fn want_video(&self, size: Option<(u32, u32)>) {
        self.inner.video.wanted.send_replace(size);
    }

    /// The peer's newest picture; none while it sends none, or none is wanted. Lives as long as the connection.
    pub fn pictures(&self) -> watch::Receiver<Picture> {
        self.inner.video.pictures.subscribe()
    }
}
