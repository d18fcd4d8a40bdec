//! Changing the sample rate by any ratio, also one that moves: windowed-sinc interpolation.

use std::collections::VecDeque;
use std::f64::consts::PI;

/// Input samples that one output sample is made from when the rate does not fall.
const TAPS: usize = 32;
/// Products that are summed side by side, so that the compiler can take several at once; their count divides the taps.
const LANES: usize = 8;
/// Positions between two input samples that the filter is tabulated for; between them it is interpolated.
const PHASES: usize = 256;
/// Pass band, as a share of the lower of both Nyquist frequencies.
const PASS_BAND: f64 = 0.92;

/// Resamples a mono stream; it delays by half its filter, 16 input samples (0.33 ms at 48 kHz).
#[derive(Debug, Clone)]
pub struct Resampler {
    table: Vec<f32>,
    taps: usize,
    nominal: f64,
    step: f64,
    /// Where the next output sample lies, in input samples from the start of `input`.
    position: f64,
    input: Vec<f32>,
}

impl Resampler {
    /// From `from` Hz to `to` Hz (both above zero; zero is taken for one).
    pub fn new(from: u32, to: u32) -> Self {
        let nominal = f64::from(from.max(1)) / f64::from(to.max(1));
        let taps = ((TAPS as f64 * nominal.max(1.0)) as usize).next_multiple_of(LANES);
        let cutoff = PASS_BAND / nominal.max(1.0);
        let half = taps as f64 / 2.0;
        let mut table = Vec::with_capacity((PHASES + 1) * taps);
        for phase in 0..=PHASES {
            let shift = phase as f64 / PHASES as f64;
            let row: Vec<f64> = (0..taps)
                .map(|tap| {
                    let x = tap as f64 - (half - 1.0) - shift;
                    let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * x * cutoff).sin() / (PI * x * cutoff) };
                    let w = (x / half).clamp(-1.0, 1.0) * PI;
                    // Blackman window.
                    sinc * (0.42 + 0.5 * w.cos() + 0.08 * (2.0 * w).cos())
                })
                .collect();
            // Every phase passes a constant signal unchanged.
            let sum: f64 = row.iter().sum();
            table.extend(row.iter().map(|h| (h / sum) as f32));
        }
        let mut input = Vec::with_capacity(48_000);
        input.resize(taps - 1, 0.0);
        Self { table, taps, nominal, step: nominal, position: 0.0, input }
    }

    /// Reads the input faster (above 0) or slower (below 0) than the nominal ratio, in parts of one.
    pub fn set_drift(&mut self, drift: f64) {
        self.step = self.nominal * (1.0 + drift);
    }

    /// Appends input.
    pub fn push(&mut self, samples: &[f32]) {
        self.input.extend_from_slice(samples);
    }

    /// Appends input.
    pub fn extend(&mut self, samples: impl IntoIterator<Item = f32>) {
        self.input.extend(samples);
    }

    /// Appends all output that the input allows to `out`.
    pub fn pull_all(&mut self, out: &mut VecDeque<f32>) {
        let mut piece = [0.0; 480];
        loop {
            let written = self.pull(&mut piece);
            out.extend(&piece[..written]);
            if written < piece.len() {
                return;
            }
        }
    }

    /// No more input follows: what is still within the filter can be pulled.
    pub fn finish(&mut self) {
        self.input.extend(std::iter::repeat_n(0.0, self.taps / 2));
    }

    /// Input samples not used up yet.
    pub fn queued(&self) -> usize {
        self.input.len().saturating_sub(self.taps - 1)
    }

    /// Drops the oldest input samples, as when too many have piled up.
    pub fn discard(&mut self, samples: usize) {
        self.input.drain(..samples.min(self.queued()));
    }

    /// Fills as much of `out` as the input allows; returns how many samples were written.
    pub fn pull(&mut self, out: &mut [f32]) -> usize {
        let mut written = 0;
        for sample in out.iter_mut() {
            let start = self.position as usize;
            if start + self.taps > self.input.len() {
                break;
            }
            let place = (self.position - start as f64) * PHASES as f64;
            let phase = place as usize;
            let blend = (place - phase as f64) as f32;
            let (low, high) = self.table[phase * self.taps..(phase + 2) * self.taps].split_at(self.taps);
            let window = &self.input[start..start + self.taps];
            let (a, b) = (dot(window, low), dot(window, high));
            *sample = a + (b - a) * blend;
            self.position += self.step;
            written += 1;
        }
        let used = (self.position as usize).min(self.input.len());
        self.input.drain(..used);
        self.position -= used as f64;
        written
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, rate: f64, samples: usize) -> Vec<f32> {
        (0..samples).map(|n| (n as f64 * 2.0 * PI * hertz / rate).sin() as f32).collect()
    }

    #[test]
    fn tones_survive_a_change_of_rate() {
        for (from, to) in [(44_100, 48_000), (48_000, 44_100), (16_000, 48_000), (48_000, 48_000), (96_000, 48_000)] {
            let mut resampler = Resampler::new(from, to);
            resampler.push(&tone(1_000.0, f64::from(from), from as usize));
            let mut out = vec![0.0; to as usize / 2];
            assert_eq!(resampler.pull(&mut out), out.len());
            // Whatever the phase, a tone obeys x[n+1] = 2 cos(w) x[n] - x[n-1].
            let factor = 2.0 * (2.0 * PI * 1_000.0 / f64::from(to)).cos() as f32;
            let worst = out[200..].windows(3).map(|w| (w[2] - factor * w[1] + w[0]).abs()).fold(0.0, f32::max);
            let peak = out.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            assert!(worst < 0.003, "{from} to {to}: {worst}");
            assert!((peak - 1.0).abs() < 0.01, "{from} to {to}: peak {peak}");
        }
    }

    #[test]
    fn what_does_not_fit_is_removed() {
        let mut resampler = Resampler::new(48_000, 16_000);
        resampler.push(&tone(11_000.0, 48_000.0, 48_000));
        let mut out = vec![0.0; 12_000];
        resampler.pull(&mut out);
        assert!(out[100..].iter().all(|s| s.abs() < 0.01), "an alias of 11 kHz is heard at 5 kHz");
    }

    #[test]
    fn drift_changes_how_fast_the_input_is_used() {
        let mut resampler = Resampler::new(48_000, 48_000);
        resampler.set_drift(0.001);
        for _ in 0..60 {
            resampler.push(&[0.25; 1_000]);
        }
        let mut out = vec![0.0; 48_000];
        assert_eq!(resampler.pull(&mut out), 48_000);
        let used = 60_000 - resampler.queued();
        assert!(used.abs_diff(48_048) < 40, "{used} samples used");
    }
}
