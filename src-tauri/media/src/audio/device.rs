//! The sound devices: listing them, and opening streams that move samples between them and lock-free rings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::Thread;
use std::time::Duration;

use super::error::{AudioError, Direction};
use super::host;
#[cfg(target_os = "linux")]
use super::pulse::{self, PulseDevice};

/// How long a sound system may take to answer before it counts as hung.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// One microphone or speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Names it to [`Microphone::Device`](super::Microphone::Device) and [`Speaker::Device`](super::Speaker::Device);
    /// lasts across restarts as far as the sound system's own names do.
    pub id: String,
    /// For the person.
    pub name: String,
    /// The system's choice at the moment.
    pub is_default: bool,
    /// A "microphone" that only hears what a speaker plays (PulseAudio monitor sources).
    pub is_monitor: bool,
}

/// All devices at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// What can be heard with.
    pub microphones: Vec<DeviceInfo>,
    /// What can be played on.
    pub speakers: Vec<DeviceInfo>,
}

/// Lists the devices; empty lists without a sound system, or when it does not answer within 5 s.
pub fn devices() -> Devices {
    patiently(|| {
        // Looked for anew each time: a sound server may have come up since, or gone.
        #[cfg(target_os = "linux")]
        if let Some(found) = pulse::devices() {
            return Ok(found);
        }
        Ok(host::devices())
    })
    .unwrap_or_default()
}

/// Counted by a device's callbacks.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) callbacks: AtomicU64,
    /// Frames in the last callback, and the most since the pipeline looked.
    pub(super) frames: AtomicU32,
    pub(super) most_frames: AtomicU32,
    /// Callbacks that found the ring full (capture) or empty (playback).
    pub(super) xruns: AtomicU64,
    /// From the microphone to the callback, or from the callback to the speaker, by the system's own account; µs.
    pub(super) latency_us: AtomicU32,
}

impl Counters {
    pub(super) fn count(&self, frames: usize, latency: Duration) {
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        self.callbacks.fetch_add(1, Ordering::Relaxed);
        self.frames.store(frames, Ordering::Relaxed);
        self.most_frames.fetch_max(frames, Ordering::Relaxed);
        self.latency_us.store(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// A device's stream, which runs until dropped.
#[expect(dead_code, reason = "held to be dropped")]
pub(super) enum OpenStream {
    Cpal(cpal::Stream),
    #[cfg(target_os = "linux")]
    Pulse(pulse::PulseStream),
}

/// The pipeline's end of a microphone: mono samples at the device's rate.
pub(super) struct CaptureEnd {
    pub(super) samples: rtrb::Consumer<f32>,
    pub(super) rate: u32,
    pub(super) counters: Arc<Counters>,
}

/// The pipeline's end of a speaker: mono samples at the device's rate.
pub(super) struct PlaybackEnd {
    pub(super) samples: rtrb::Producer<f32>,
    pub(super) rate: u32,
    pub(super) counters: Arc<Counters>,
}

/// Opens a microphone (the default one without an id). `on_lost` is called when the device fails later.
pub(super) fn open_capture(
    id: Option<&str>,
    wake: Thread,
    on_lost: impl Fn() + Send + 'static,
) -> Result<(OpenStream, CaptureEnd), AudioError> {
    let id = id.map(str::to_owned);
    patiently(move || {
        #[cfg(target_os = "linux")]
        if let Some(device) = PulseDevice::find(id.as_deref(), Direction::Capture)? {
            return device.capture(wake, on_lost).map(|(stream, end)| (OpenStream::Pulse(stream), end));
        }
        host::capture(id.as_deref(), wake, on_lost).map(|(stream, end)| (OpenStream::Cpal(stream), end))
    })
}

/// Opens a speaker (the default one without an id). `on_lost` is called when the device fails later.
pub(super) fn open_playback(
    id: Option<&str>,
    wake: Thread,
    on_lost: impl Fn() + Send + 'static,
) -> Result<(OpenStream, PlaybackEnd), AudioError> {
    let id = id.map(str::to_owned);
    patiently(move || {
        #[cfg(target_os = "linux")]
        if let Some(device) = PulseDevice::find(id.as_deref(), Direction::Playback)? {
            return device.playback(wake, on_lost).map(|(stream, end)| (OpenStream::Pulse(stream), end));
        }
        host::playback(id.as_deref(), wake, on_lost).map(|(stream, end)| (OpenStream::Cpal(stream), end))
    })
}

/// Closes a stream without waiting for ever for a sound system that hangs.
pub(super) fn close(stream: OpenStream) {
    let _ = patiently(move || {
        drop(stream);
        Ok(())
    });
}

/// Runs what may hang on a thread of its own, and gives up on it after 5 s.
fn patiently<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AudioError> + Send + 'static,
) -> Result<T, AudioError> {
    let (done, result) = mpsc::sync_channel(1);
    std::thread::Builder::new()
        .name("peal-device".into())
        .spawn(move || {
            let _ = done.send(work());
        })
        .map_err(|_| AudioError::Closed)?;
    result.recv_timeout(PATIENCE).unwrap_or(Err(AudioError::Busy))
}
