//! The thread that decodes one peer's pictures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::Video;
use crate::video::codec::H264Decoder;
use crate::video::rtp::CodedUnit;

/// Coded pictures that may wait; a decoder that is further behind starts again with a key frame.
const QUEUE: usize = 30;
/// A gap of this length between two pictures is a freeze.
const FREEZE: Duration = Duration::from_millis(500);

/// A running decoder. Nothing it decodes is shown once this is dropped.
pub struct Decoding {
    units: SyncSender<CodedUnit>,
    live: Arc<AtomicBool>,
    spoiled: Arc<Notify>,
}

impl Decoding {
    pub fn start(video: &Arc<Video>) -> std::io::Result<Self> {
        let (units, receiver) = sync_channel(QUEUE);
        let live = Arc::new(AtomicBool::new(true));
        let spoiled = Arc::new(Notify::new());
        let work = Work { video: Arc::clone(video), live: Arc::clone(&live), spoiled: Arc::clone(&spoiled) };
        std::thread::Builder::new().name(String::from("video-decoder")).spawn(move || work.run(&receiver))?;
        Ok(Self { units, live, spoiled })
    }

    /// Gives it a picture to decode. False: it is too far behind, or gone.
    pub fn give(&self, unit: CodedUnit) -> bool {
        !matches!(self.units.try_send(unit), Err(TrySendError::Full(_) | TrySendError::Disconnected(_)))
    }

    /// Waits until a picture could not be decoded.
    pub async fn spoiled(&self) {
        self.spoiled.notified().await;
    }
}

impl Drop for Decoding {
    fn drop(&mut self) {
        self.live.store(false, Ordering::Release);
    }
}

struct Work {
    video: Arc<Video>,
    live: Arc<AtomicBool>,
    spoiled: Arc<Notify>,
}

impl Work {
    fn run(&self, units: &Receiver<CodedUnit>) {
        let mut decoder: Option<H264Decoder> = None;
        let mut shown_at: Option<Instant> = None;
        while let Ok(unit) = units.recv() {
            if !self.live.load(Ordering::Acquire) {
                return;
            }
            if decoder.is_none() {
                if !unit.key {
                    continue;
                }
                decoder = H264Decoder::new().inspect_err(|error| tracing::warn!(%error, "no decoder")).ok();
            }
            let Some(working) = &mut decoder else { continue };
            match working.decode(&unit.data, unit.at) {
                Ok(Some(frame)) => {
                    let now = Instant::now();
                    let size = (frame.width(), frame.height());
                    // Whoever sees the picture finds it counted.
                    self.count(now, size, shown_at.replace(now));
                    let frame = Arc::new(frame);
                    self.video.pictures.send_if_modified(|picture| {
                        // Looked at under the lock, so that nothing appears after the stream was taken away.
                        let live = self.live.load(Ordering::Acquire);
                        if live {
                            *picture = Some(frame);
                        }
                        live
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "a picture could not be decoded");
                    decoder = None;
                    self.spoiled.notify_one();
                }
            }
        }
    }

    fn count(&self, now: Instant, size: (u32, u32), shown_at: Option<Instant>) {
        let mut stats = self.video.lock();
        stats.frames_decoded += 1;
        (stats.received_width, stats.received_height) = size;
        let gap = shown_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        if gap >= FREEZE {
            stats.freezes += 1;
            stats.frozen_ms += gap.as_millis() as u64;
        }
    }
}
