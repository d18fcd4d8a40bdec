//! How sound is doing, as others may read it at any time.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::EchoStats;
use super::device::Counters;

/// Loudness for the meters, in dBFS; -100 is silence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// What the microphone hears after cleaning, muted or not.
    pub microphone_dbfs: f32,
    /// What the speaker plays.
    pub speaker_dbfs: f32,
}

/// How one device is doing. All zero for what is no device.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DeviceStats {
    /// Callbacks since it was opened.
    pub callbacks: u64,
    /// Frames in the last callback.
    pub callback_frames: u32,
    /// Callbacks that came when the ring was full (capture) or not full enough (playback).
    pub xruns: u64,
    /// Between the device and its callback by the sound system's own account, in ms.
    pub latency_ms: f32,
}

/// How the audio path is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AudioStats {
    /// The microphone.
    pub capture: DeviceStats,
    /// The speaker.
    pub playback: DeviceStats,
    /// The echo canceller.
    pub echo: EchoStats,
    /// Share of the last second that the audio thread worked, 0.0..=1.0.
    pub busy: f32,
}

/// [`DeviceStats`] without a lock.
#[derive(Debug, Default)]
pub(super) struct DeviceGauge {
    callbacks: AtomicU64,
    frames: AtomicU32,
    xruns: AtomicU64,
    latency_us: AtomicU32,
}

impl DeviceGauge {
    pub(super) fn update(&self, counters: &Counters) {
        self.callbacks.store(counters.callbacks.load(Ordering::Relaxed), Ordering::Relaxed);
        self.frames.store(counters.frames.load(Ordering::Relaxed), Ordering::Relaxed);
        self.xruns.store(counters.xruns.load(Ordering::Relaxed), Ordering::Relaxed);
        self.latency_us.store(counters.latency_us.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> DeviceStats {
        DeviceStats {
            callbacks: self.callbacks.load(Ordering::Relaxed),
            callback_frames: self.frames.load(Ordering::Relaxed),
            xruns: self.xruns.load(Ordering::Relaxed),
            latency_ms: self.latency_us.load(Ordering::Relaxed) as f32 / 1_000.0,
        }
    }
}
