//! The sounds that a phone makes itself, synthesised: quiet, soft-edged, at 48 kHz mono.

use std::f32::consts::{PI, TAU};
use std::sync::{Arc, LazyLock};

use super::opus::SAMPLE_RATE;

/// A sound of the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sound {
    /// Somebody calls: a two-note peal of bells, every three seconds until stopped.
    Ring,
    /// The other phone rings: 425 Hz, one second in five, until stopped (ETSI TR 101 041-2, the European tone).
    Ringback,
    /// Busy: 425 Hz, half a second on, half a second off, four times.
    Busy,
    /// The call is over: two falling notes, once.
    Ended,
    /// Another call waits: two short tones of 425 Hz every six seconds until stopped (ETSI TR 101 041-2).
    CallWaiting,
    /// On hold: a slow, quiet tune until stopped.
    HoldMusic,
}

/// Plays one sound and can be faded out at any moment.
#[derive(Debug, Clone)]
pub(super) struct Player {
    samples: Arc<[f32]>,
    position: usize,
    looped: bool,
    gain: f32,
    stopping: bool,
}

impl Player {
    pub(super) fn new(sound: Sound) -> Self {
        let looped = match sound {
            Sound::Ring | Sound::Ringback | Sound::CallWaiting | Sound::HoldMusic => true,
            Sound::Busy | Sound::Ended => false,
        };
        Self { samples: samples_of(sound), position: 0, looped, gain: 1.0, stopping: false }
    }

    /// Fades out over 30 ms.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }

    /// Adds the next samples to `frame`; `false` once nothing is left.
    pub(super) fn mix(&mut self, frame: &mut [f32]) -> bool {
        for sample in frame {
            if self.position >= self.samples.len() {
                if !self.looped {
                    return false;
                }
                self.position = 0;
            }
            if self.stopping {
                self.gain -= 1.0 / 1_440.0;
                if self.gain <= 0.0 {
                    return false;
                }
            }
            *sample += self.samples[self.position] * self.gain;
            self.position += 1;
        }
        true
    }
}

/// Rendered once: the tune takes some ten milliseconds.
fn samples_of(sound: Sound) -> Arc<[f32]> {
    type Rendered = LazyLock<Arc<[f32]>>;
    static RING: Rendered = LazyLock::new(|| render(Sound::Ring).into());
    static RINGBACK: Rendered = LazyLock::new(|| render(Sound::Ringback).into());
    static BUSY: Rendered = LazyLock::new(|| render(Sound::Busy).into());
    static ENDED: Rendered = LazyLock::new(|| render(Sound::Ended).into());
    static CALL_WAITING: Rendered = LazyLock::new(|| render(Sound::CallWaiting).into());
    static HOLD_MUSIC: Rendered = LazyLock::new(|| render(Sound::HoldMusic).into());
    let rendered: &Rendered = match sound {
        Sound::Ring => &RING,
        Sound::Ringback => &RINGBACK,
        Sound::Busy => &BUSY,
        Sound::Ended => &ENDED,
        Sound::CallWaiting => &CALL_WAITING,
        Sound::HoldMusic => &HOLD_MUSIC,
    };
    Arc::clone(rendered)
}

fn render(sound: Sound) -> Vec<f32> {
    match sound {
        Sound::Ring => {
            let mut out = silence(3.0);
            // G5 and E5, twice; the second pair softer, as from afar.
            for (start, hertz, peak) in
                [(0.0, 783.99, 0.14), (0.28, 659.26, 0.14), (1.0, 783.99, 0.09), (1.28, 659.26, 0.09)]
            {
                bell(&mut out, start, hertz, peak);
            }
            out
        }
        Sound::Ringback => {
            let mut out = silence(5.0);
            tone(&mut out, 0.0, 1.0, 425.0, 0.06);
            out
        }
        Sound::Busy => {
            let mut out = silence(4.0);
            for beat in 0..4u8 {
                tone(&mut out, f32::from(beat), 0.5, 425.0, 0.07);
            }
            out
        }
        Sound::Ended => {
            let mut out = silence(0.7);
            tone(&mut out, 0.0, 0.16, 523.25, 0.08);
            tone(&mut out, 0.2, 0.26, 392.0, 0.08);
            out
        }
        Sound::CallWaiting => {
            let mut out = silence(6.0);
            tone(&mut out, 0.0, 0.18, 425.0, 0.05);
            tone(&mut out, 0.33, 0.18, 425.0, 0.05);
            out
        }
        Sound::HoldMusic => hold_music(),
    }
}

/// Four broken chords, each note let ring: C, A minor, F, G.
fn hold_music() -> Vec<f32> {
    const CHORDS: [[f32; 6]; 4] = [
        [130.81, 329.63, 392.0, 523.25, 392.0, 329.63],
        [110.0, 329.63, 440.0, 523.25, 440.0, 329.63],
        [87.31, 349.23, 440.0, 523.25, 440.0, 349.23],
        [98.0, 293.66, 392.0, 493.88, 392.0, 293.66],
    ];
    const BEAT: f32 = 0.5;
    let mut out = silence(12.0);
    for (beat, hertz) in CHORDS.iter().flatten().enumerate() {
        let peak = if beat % 6 == 0 { 0.035 } else { 0.022 };
        pluck(&mut out, beat as f32 * BEAT, *hertz, peak);
    }
    out
}

/// A soft string: a fundamental with a little of its octave, a slow attack and a long decay. What rings past the end
/// goes on at the start, so that the loop closes.
fn pluck(out: &mut [f32], start: f32, hertz: f32, peak: f32) {
    const LENGTH: f32 = 2.5;
    let (begin, length, end) = (samples(start), samples(LENGTH), out.len());
    for n in 0..length {
        let t = n as f32 / SAMPLE_RATE as f32;
        let envelope = (t / 0.04).min(1.0) * (-t * 1.6).exp() * ((LENGTH - t) / 0.2).min(1.0);
        let voice = (TAU * hertz * t).sin() + 0.25 * (TAU * 2.0 * hertz * t).sin();
        out[(begin + n) % end] += peak * envelope * voice;
    }
}

fn silence(seconds: f32) -> Vec<f32> {
    vec![0.0; samples(seconds)]
}

fn samples(seconds: f32) -> usize {
    (seconds * SAMPLE_RATE as f32) as usize
}

/// A struck bell: partials of a real one (hum, prime, tierce, nominal), the higher the sooner gone.
fn bell(out: &mut [f32], start: f32, hertz: f32, peak: f32) {
    const PARTIALS: [(f32, f32, f32); 4] = [(0.5, 0.15, 1.1), (1.0, 0.6, 1.5), (2.0, 0.18, 3.0), (3.0, 0.07, 5.0)];
    let begin = samples(start);
    let end = out.len();
    for (n, sample) in out[begin..].iter_mut().enumerate() {
        let t = n as f32 / SAMPLE_RATE as f32;
        let attack = (t / 0.008).min(1.0);
        // The loop must close at zero.
        let release = (((end - begin - n) as f32) / 4_800.0).min(1.0);
        let voice: f32 = PARTIALS
            .iter()
            .map(|(ratio, part, decay)| part * (-t * decay * 2.2).exp() * (TAU * hertz * ratio * t).sin())
            .sum();
        *sample += peak * attack * release * voice;
    }
}

/// A plain tone with raised-cosine edges of 12 ms.
fn tone(out: &mut [f32], start: f32, length: f32, hertz: f32, peak: f32) {
    let (begin, length) = (samples(start), samples(length));
    let edge = samples(0.012);
    for n in 0..length.min(out.len().saturating_sub(begin)) {
        let near = n.min(length - 1 - n).min(edge) as f32 / edge as f32;
        let envelope = 0.5 - 0.5 * (PI * near).cos();
        out[begin + n] += peak * envelope * (TAU * hertz * n as f32 / SAMPLE_RATE as f32).sin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(sound: Sound, frames: usize, stop_at: Option<usize>) -> (Vec<f32>, bool) {
        let mut player = Player::new(sound);
        let mut out = Vec::new();
        let mut playing = true;
        for n in 0..frames {
            if stop_at == Some(n) {
                player.stop();
            }
            let mut frame = [0.0; 480];
            playing = playing && player.mix(&mut frame);
            out.extend(frame);
        }
        (out, playing)
    }

    fn steepest(samples: &[f32]) -> f32 {
        samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn every_sound_is_quiet_and_free_of_clicks() {
        for sound in [Sound::Ring, Sound::Ringback, Sound::Busy, Sound::Ended, Sound::CallWaiting, Sound::HoldMusic] {
            // Longer than each, so that where a loop closes is among it.
            let (samples, _) = play(sound, 1_300, None);
            let peak = samples.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            assert!((0.03..0.25).contains(&peak), "{sound:?} peaks at {peak}");
            // The steepest slope of a 2.4 kHz partial at a quarter of the peak, with room: a click would be far above.
            assert!(steepest(&samples) < 0.04, "{sound:?} clicks: {}", steepest(&samples));
        }
    }

    #[test]
    fn ring_goes_on_until_stopped_and_busy_ends_by_itself() {
        assert!(play(Sound::Ring, 1_000, None).1);
        assert!(play(Sound::Ringback, 1_200, None).1);
        assert!(play(Sound::CallWaiting, 1_300, None).1);
        assert!(play(Sound::HoldMusic, 1_300, None).1);
        assert!(!play(Sound::Busy, 500, None).1);
        assert!(!play(Sound::Ended, 100, None).1);
    }

    #[test]
    fn stopping_fades_within_thirty_ms() {
        let (samples, playing) = play(Sound::Ring, 20, Some(10));
        assert!(!playing);
        assert!(samples[10 * 480 + 1_500..].iter().all(|s| *s == 0.0));
        assert!(steepest(&samples) < 0.04);
    }
}
