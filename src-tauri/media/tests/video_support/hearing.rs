//! What a jitter buffer makes of a voice that shared its path with a picture.

use std::time::{Duration, Instant};

use bytes::Bytes;
use peal_media::audio::RtpVoicePacket;
use peal_media::audio::jitter::{JitterBuffer, JitterStats};
use peal_media::audio::opus::{Encoder, EncoderConfig, FRAME_SAMPLES};

use crate::simulation::Outcome;

/// Half a second of speaking and 300 ms of quiet, in frames of 20 ms, over and over.
fn voice() -> Vec<Bytes> {
    let mut encoder = Encoder::new(EncoderConfig { dtx: false, ..EncoderConfig::default() }).unwrap();
    let mut phase = 0.0f32;
    let frame = |number: usize| {
        let mut pcm = [0.0; FRAME_SAMPLES];
        if number % 40 < 25 {
            for sample in &mut pcm {
                phase += 140.0 / 48_000.0 * std::f32::consts::TAU;
                *sample = 0.3 * phase.sin() + 0.15 * (3.0 * phase).sin();
            }
        }
        Bytes::from(encoder.encode(&pcm).unwrap().bytes)
    };
    (0..40).map(frame).collect()
}

/// What was counted from a second on, whatever the beginning was like.
pub fn hear(outcome: &Outcome, from_s: u64) -> JitterStats {
    let voice = voice();
    let begun = Instant::now();
    let at = |ms: f64| begun + Duration::from_secs_f64(ms / 1000.0);
    let mut buffer = JitterBuffer::new().unwrap();
    buffer.expect_picture(begun);
    let mut coming = outcome.voice.iter().copied().peekable();
    let mut before = JitterStats::default();
    let mut out = [0.0; 480];
    let end = outcome.voice.last().map_or(0, |(left, _)| *left);
    for now in (0..end).step_by(10) {
        // The speaker's clock has nothing to do with the packets'.
        let moment = now as f64 + 3.7;
        while let Some((left, took)) = coming.next_if(|(left, took)| *left as f64 + took <= moment) {
            let frame = (left / 20) as usize;
            buffer.push(RtpVoicePacket {
                sequence: frame as u16,
                timestamp: (frame * FRAME_SAMPLES) as u32,
                payload: voice[frame % voice.len()].clone(),
                arrived: at(left as f64 + took),
                is_copy: false,
            });
        }
        buffer.pull(at(moment), &mut out);
        if now == from_s * 1000 {
            before = buffer.stats();
        }
    }
    let after = buffer.stats();
    JitterStats { concealed: after.concealed - before.concealed, played: after.played - before.played, ..after }
}
