//! From packets to the one frame that the speaker plays.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use super::jitter::{JitterBuffer, RtpVoicePacket};
use super::level::{self, Meter};
use super::sound::Player;
use super::voice::{VoiceShared, VoiceStats};
use super::{FRAME_10_MS, Shared};

/// Louder than this, in dBFS, is a sound, and not the noise of a room that is being listened to.
const AUDIBLE: f32 = -50.0;
/// Above this the mix is bent instead of clipped.
const KNEE: f32 = 0.8;

struct Speaking {
    packets: Receiver<RtpVoicePacket>,
    shared: Arc<VoiceShared>,
    jitter: JitterBuffer,
    beside_picture: bool,
    gain: f32,
    first_audio: Option<Instant>,
}

/// Every voice and sound that is heard.
pub(super) struct Downlink {
    shared: Arc<Shared>,
    voices: Vec<Speaking>,
    sounds: Vec<Player>,
    gain: f32,
    /// Nothing was in the last frame.
    was_silent: bool,
    meter: Meter,
}

impl Downlink {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, voices: Vec::new(), sounds: Vec::new(), gain: 1.0, was_silent: true, meter: Meter::default() }
    }

    pub(super) fn add(&mut self, packets: Receiver<RtpVoicePacket>, shared: Arc<VoiceShared>) {
        match JitterBuffer::new() {
            Ok(jitter) => {
                let (beside_picture, gain, first_audio) = (false, 1.0, None);
                self.voices.push(Speaking { packets, shared, jitter, beside_picture, gain, first_audio });
            }
            Err(error) => tracing::error!(%error, "no decoder for a voice"),
        }
    }

    /// One sound at a time; the one before fades out.
    pub(super) fn play(&mut self, sound: Player) {
        self.stop_sound();
        self.sounds.push(sound);
    }

    pub(super) fn stop_sound(&mut self) {
        for sound in &mut self.sounds {
            sound.stop();
        }
    }

    /// The next 10 ms of everything.
    pub(super) fn mix(&mut self, frame: &mut [f32; FRAME_10_MS]) {
        frame.fill(0.0);
        // Who leaves fades out first: cut off in the middle of a wave, a voice would click.
        self.voices.retain(|voice| voice.gain > 0.0 || !voice.shared.gone.load(Ordering::Acquire));
        for voice in &mut self.voices {
            voice.add_to(frame);
        }
        self.sounds.retain_mut(|sound| sound.mix(frame));
        let aim = if self.shared.deafened.load(Ordering::Relaxed) { 0.0 } else { 1.0 };
        // Nothing to fade out: a ring at a speaker that is off would otherwise begin with 10 ms of itself.
        let from = if aim == 0.0 && self.was_silent { 0.0 } else { self.gain };
        self.was_silent = frame.iter().all(|sample| *sample == 0.0);
        ramp(frame, from, aim);
        self.gain = aim;
        for sample in frame.iter_mut() {
            *sample = soft_clip(*sample);
        }
        self.shared.speaker_dbfs.store(self.meter.update(frame).to_bits(), Ordering::Relaxed);
    }
}

impl Speaking {
    fn add_to(&mut self, mix: &mut [f32; FRAME_10_MS]) {
        let now = Instant::now();
        if !self.beside_picture && self.shared.beside_picture.load(Ordering::Relaxed) {
            self.beside_picture = true;
            self.jitter.expect_picture(now);
        }
        while let Ok(packet) = self.packets.try_recv() {
            self.jitter.push(packet);
        }
        let mut frame = [0.0; FRAME_10_MS];
        self.jitter.pull(now, &mut frame);
        let loudness = level::rms_dbfs(&frame);
        if self.first_audio.is_none() && loudness > AUDIBLE {
            self.first_audio = Some(now);
        }
        let overflowed = self.shared.overflowed.load(Ordering::Relaxed);
        let stats = VoiceStats::new(&self.jitter.stats(), loudness, self.first_audio, overflowed);
        if let Ok(mut shown) = self.shared.stats.lock() {
            *shown = stats;
        }
        let gone = self.shared.gone.load(Ordering::Acquire);
        let aim = if gone { 0.0 } else { f32::from_bits(self.shared.volume.load(Ordering::Relaxed)) };
        ramp(&mut frame, self.gain, aim);
        self.gain = aim;
        for (sum, sample) in mix.iter_mut().zip(frame) {
            *sum += sample;
        }
    }
}

/// Goes from one gain to another within the frame, so that no step is heard.
fn ramp(frame: &mut [f32; FRAME_10_MS], from: f32, to: f32) {
    let step = (to - from) / FRAME_10_MS as f32;
    for (n, sample) in frame.iter_mut().enumerate() {
        *sample *= from + step * (n + 1) as f32;
    }
}

fn soft_clip(sample: f32) -> f32 {
    let over = sample.abs() - KNEE;
    if over <= 0.0 { sample } else { sample.signum() * (KNEE + (1.0 - KNEE) * (over / (1.0 - KNEE)).tanh()) }
}
