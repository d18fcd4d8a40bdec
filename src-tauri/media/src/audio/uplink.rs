//! From cleaned 10 ms frames to one encoded stream for everybody.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::level::{self, Meter};
use super::opus::{Encoder, EncoderConfig, FRAME_SAMPLES, OpusError};
use super::{EncodedFrame, FRAME_10_MS, Shared};

/// Mutes, meters, gathers 20 ms, encodes and hands out.
pub(super) struct Uplink {
    encoder: Encoder,
    shared: Arc<Shared>,
    frame: [f32; FRAME_SAMPLES],
    filled: usize,
    timestamp: u32,
    /// The receivers know that a pause has begun.
    in_pause: bool,
    gain: f32,
    meter: Meter,
}

impl Uplink {
    pub(super) fn new(shared: Arc<Shared>) -> Result<Self, OpusError> {
        Ok(Self {
            encoder: Encoder::new(EncoderConfig::default())?,
            shared,
            frame: [0.0; FRAME_SAMPLES],
            filled: 0,
            // RFC 3550 §5.1: the initial value should be random.
            timestamp: rand::random(),
            in_pause: true,
            gain: 1.0,
            meter: Meter::default(),
        })
    }

    pub(super) fn set_expected_loss(&mut self, percent: u8) {
        if let Err(error) = self.encoder.set_expected_loss(percent) {
            tracing::warn!(%error, "the encoder refused the expected loss");
        }
    }

    pub(super) fn set_bitrate(&mut self, bits_per_second: u32) {
        if let Err(error) = self.encoder.set_bitrate(bits_per_second) {
            tracing::warn!(%error, "the encoder refused the bit rate");
        }
    }

    /// Takes 10 ms of cleaned microphone.
    pub(super) fn push(&mut self, frame: &[f32; FRAME_10_MS]) {
        // The meter shows the voice also while muted: that is how one notices talking into a muted microphone.
        self.shared.microphone_dbfs.store(self.meter.update(frame).to_bits(), Ordering::Relaxed);
        let aim = if self.shared.muted.load(Ordering::Relaxed) { 0.0 } else { 1.0 };
        let step = (aim - self.gain) / FRAME_10_MS as f32;
        for (n, sample) in frame.iter().enumerate() {
            self.frame[self.filled + n] = sample * (self.gain + step * (n + 1) as f32);
        }
        self.gain = aim;
        self.filled += FRAME_10_MS;
        if self.filled >= FRAME_SAMPLES {
            self.filled = 0;
            self.send();
        }
    }

    /// Time passed in which nothing was taken, in samples.
    pub(super) fn skip(&mut self, samples: usize) {
        self.timestamp = self.timestamp.wrapping_add(samples as u32);
    }

    fn send(&mut self) {
        let timestamp = self.timestamp;
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        if self.shared.uplink.receiver_count() == 0 {
            self.in_pause = true;
            return;
        }
        let encoded = match self.encoder.encode(&self.frame) {
            Ok(encoded) => encoded,
            Err(error) => return tracing::warn!(%error, "a frame could not be encoded"),
        };
        // The first packet of a pause is sent: with it the other side knows that what follows is not loss.
        if encoded.is_dtx && self.in_pause {
            return;
        }
        let talk_spurt_start = self.in_pause;
        self.in_pause = encoded.is_dtx;
        let _ = self.shared.uplink.send(EncodedFrame {
            payload: Bytes::from(encoded.bytes),
            samples: FRAME_SAMPLES as u32,
            timestamp,
            talk_spurt_start,
            level_dbov: level::dbov(level::rms_dbfs(&self.frame)),
        });
    }
}
