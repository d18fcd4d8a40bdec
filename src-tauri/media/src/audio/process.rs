//! Cleaning the microphone: echo cancellation, noise suppression, automatic gain (sonora, after WebRTC's APM).

use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression,
    NoiseSuppressionLevel, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::echo_path::EchoPath;
use super::resample::Resampler;
use super::{FRAME_10_MS, Processing};

/// Captured frames (0.5 s) after which the usual depth of the reference is taken for its target: while it is being
/// corrected the echo seems to move, so it is corrected for the clocks alone.
const SETTLED: u32 = 50;
/// Noise that nobody hears (-130 dBFS), added to both signals. In perfect silence filters fade to numbers so small that
/// a processor needs a hundred times as long for each of them: silence cost twice as much as a voice.
const LIFE: f32 = 5.5e-7;
/// Reference that piled up beyond this (200 ms) is stale.
const REFERENCE_LIMIT: usize = 9_600;

/// Echo figures for the statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EchoStats {
    /// Echo return loss enhancement: by how many dB the canceller lowers the echo.
    pub enhancement_db: Option<f32>,
    /// Delay from the reference to its echo, in ms.
    pub delay_ms: Option<i32>,
}

/// Processes 10 ms frames of one microphone.
pub struct Cleaner {
    processing: AudioProcessing,
    /// Speaker and microphone have clocks of their own; the reference is brought onto the microphone's.
    reference: Resampler,
    path: EchoPath,
    cancels: bool,
    depth: f64,
    target: f64,
    frames: u32,
    noise: u32,
    scratch: [f32; FRAME_10_MS],
}

impl std::fmt::Debug for Cleaner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cleaner").field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl Cleaner {
    /// With the chosen parts switched on; `None` when all are off.
    pub fn new(chosen: Processing) -> Option<Self> {
        if !(chosen.echo_cancellation || chosen.noise_suppression || chosen.gain_control) {
            return None;
        }
        let config = Config {
            pipeline: Pipeline {
                maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
                multi_channel_render: false,
                multi_channel_capture: false,
                ..Pipeline::default()
            },
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: chosen.echo_cancellation.then(EchoCanceller::default),
            noise_suppression: chosen
                .noise_suppression
                .then(|| NoiseSuppression { level: NoiseSuppressionLevel::Moderate, ..NoiseSuppression::default() }),
            gain_controller2: chosen.gain_control.then(|| GainController2 {
                adaptive_digital: Some(AdaptiveDigital::default()),
                ..GainController2::default()
            }),
            ..Config::default()
        };
        let mono = StreamConfig::new(48_000, 1);
        let processing = AudioProcessing::builder().config(config).capture_config(mono).render_config(mono).build();
        Some(Self {
            processing,
            reference: Resampler::new(48_000, 48_000),
            path: EchoPath::new(),
            cancels: chosen.echo_cancellation,
            depth: 0.0,
            target: 0.0,
            frames: 0,
            noise: 1,
            scratch: [0.0; FRAME_10_MS],
        })
    }

    /// Tells what goes to the speaker.
    pub fn render(&mut self, frame: &[f32]) {
        if !self.cancels {
            return;
        }
        self.reference.push(frame);
        if self.reference.queued() > REFERENCE_LIMIT {
            self.reference.discard(self.reference.queued() - REFERENCE_LIMIT / 4);
            self.frames = 0;
        }
    }

    /// Cleans what came from the microphone, in place. `unplayed` samples (48 kHz) of what was rendered still wait for the
    /// speaker's device: without them the clocks of both devices could only be compared to a frame.
    pub fn capture(&mut self, frame: &mut [f32; FRAME_10_MS], unplayed: f64) {
        if self.cancels {
            self.follow_clock(unplayed);
            self.refer(frame);
        }
        let mut input = *frame;
        self.enliven(&mut input);
        // Errors can only come from a wrong frame size, which the types rule out; the frame then passes unprocessed.
        if self.processing.process_capture_f32(&[&input], &mut [frame]).is_err() {
            *frame = input;
        }
    }

    /// Shows the canceller what was played while this frame was captured.
    fn refer(&mut self, frame: &[f32; FRAME_10_MS]) {
        let mut far = [0.0; FRAME_10_MS];
        let written = self.reference.pull(&mut far);
        far[written..].fill(0.0);
        if !self.path.may_echo(&far, frame) {
            // What the canceller does not hear it does not look for in the voice.
            far.fill(0.0);
        }
        self.enliven(&mut far);
        // An error as below; then nothing is cancelled.
        let _ = self.processing.process_render_f32(&[&far], &mut [&mut self.scratch]);
    }

    fn enliven(&mut self, frame: &mut [f32; FRAME_10_MS]) {
        for sample in frame {
            self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample += LIFE * ((self.noise >> 8) as f32 / 8_388_608.0 - 1.0);
        }
    }

    /// Leaves out 10 ms of what was rendered: the microphone gave nothing in that time.
    pub fn skip(&mut self) {
        self.reference.discard(FRAME_10_MS);
    }

    /// How much reference waits, smoothed over about 2 s, steers the clock correction: at most 0.1 %.
    fn follow_clock(&mut self, unplayed: f64) {
        let queued = self.reference.queued() as f64 - unplayed;
        if self.frames < SETTLED {
            self.frames += 1;
            self.reference.set_drift(0.0);
            self.depth += (queued - self.depth) / f64::from(self.frames);
            self.target = self.depth;
            return;
        }
        self.depth += (queued - self.depth) * 0.005;
        self.reference.set_drift(((self.depth - self.target) * 4e-6).clamp(-1e-3, 1e-3));
    }

    /// How well the echo is cancelled.
    pub fn stats(&self) -> EchoStats {
        let stats = self.processing.statistics();
        EchoStats { enhancement_db: stats.echo_return_loss_enhancement.map(|db| db as f32), delay_ms: stats.delay_ms }
    }
}
