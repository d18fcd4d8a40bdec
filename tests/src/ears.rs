//! Hearing: speech-like sound, levels, and how alike two recordings are.

use std::path::Path;

use peal_media::audio::process::Cleaner;
use peal_media::audio::{FRAME_10_MS, Processing};

/// Samples a second of everything here.
pub const RATE: u32 = 48_000;

/// Seconds of something like speech: bursts of harmonics with moving pitch and pauses between, never the same twice.
pub fn speech(seconds: f64, seed: u64) -> Vec<i16> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    let mut chance = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1u32 << 31)
    };
    let total = (seconds * f64::from(RATE)) as usize;
    let mut samples = Vec::with_capacity(total);
    while samples.len() < total {
        let syllable = ((0.12 + 0.2 * chance()) * f64::from(RATE)) as usize;
        let pause = ((0.03 + 0.12 * chance()) * f64::from(RATE)) as usize;
        let (pitch, glide) = (90.0 + 130.0 * chance(), 0.7 + 0.6 * chance());
        let colour: Vec<f64> = (1..=24).map(|harmonic| chance() / f64::from(harmonic).sqrt()).collect();
        let mut phase = 0.0;
        for at in 0..syllable {
            let part = at as f64 / syllable as f64;
            phase += pitch * (1.0 + (glide - 1.0) * part) / f64::from(RATE);
            let voice: f64 = colour
                .iter()
                .enumerate()
                .map(|(harmonic, loud)| loud * (std::f64::consts::TAU * phase * (harmonic + 1) as f64).sin())
                .sum();
            let envelope = (std::f64::consts::PI * part).sin().sqrt();
            samples.push((voice * envelope * 2_600.0).clamp(-32_000.0, 32_000.0) as i16);
        }
        samples.extend(std::iter::repeat_n(0, pause));
    }
    samples.truncate(total);
    samples
}

/// Writes mono 48 kHz 16 bit.
pub fn write_wav(path: &Path, samples: &[i16]) {
    let spec =
        hound::WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let written = hound::WavWriter::create(path, spec).and_then(|mut writer| {
        for sample in samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()
    });
    if let Err(error) = written {
        panic!("{}: {error}", path.display());
    }
}

/// Reads mono 48 kHz 16 bit, also from a file that is still being written.
pub fn read_wav(path: &Path) -> Vec<i16> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let data = bytes.windows(4).position(|it| it == b"data").map_or(bytes.len(), |at| at + 8);
    bytes.get(data..).unwrap_or_default().chunks_exact(2).map(|it| i16::from_le_bytes([it[0], it[1]])).collect()
}

/// What the processing of a microphone makes of a voice in a quiet room, with nobody else in the call: noise suppression
/// and gain change a waveform, and that is their work. It has listened to the room for two seconds before.
pub fn processed(said: &[i16]) -> Vec<i16> {
    let Some(mut cleaner) = Cleaner::new(Processing::default()) else { return said.to_vec() };
    let quiet = 2 * RATE as usize;
    let mut all = Vec::with_capacity(quiet + said.len());
    for frame in [vec![0; quiet].as_slice(), said].concat().chunks_exact(FRAME_10_MS) {
        let mut samples = [0.0; FRAME_10_MS];
        for (sample, said) in samples.iter_mut().zip(frame) {
            *sample = f32::from(*said) / 32_768.0;
        }
        cleaner.capture(&mut samples, 0.0);
        all.extend(samples.map(|sample| (sample * 32_767.0) as i16));
    }
    all.split_off(quiet)
}

/// Loudness in dBFS; -100 for silence.
pub fn level_dbfs(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|it| (f64::from(*it) / 32_768.0).powi(2)).sum();
    if samples.is_empty() || power == 0.0 { -100.0 } else { 10.0 * (power / samples.len() as f64).log10() }
}

/// How loud one pitch (Hz) is in a recording, in dBFS (RMS); -100 for none of it. Best over whole periods: 10 ms for
/// multiples of 100 Hz.
pub fn tone_dbfs(samples: &[i16], hertz: f64) -> f64 {
    let step = std::f64::consts::TAU * hertz / f64::from(RATE);
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let (sine, cosine) = (step * n as f64).sin_cos();
        real += f64::from(*sample) / 32_768.0 * cosine;
        imaginary += f64::from(*sample) / 32_768.0 * sine;
    }
    let count = samples.len().max(1) as f64;
    let power = 2.0 * (real * real + imaginary * imaginary) / (count * count);
    if power <= 1e-10 { -100.0 } else { 10.0 * power.log10() }
}

/// The longest stretch, ms, in which this pitch (Hz) is quieter than `floor` (dBFS).
pub fn longest_gap_ms(samples: &[i16], hertz: f64, floor: f64) -> usize {
    let (mut longest, mut run) = (0, 0);
    for piece in samples.chunks_exact(RATE as usize / 100) {
        run = if tone_dbfs(piece, hertz) < floor { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest * 10
}

/// The sharpest edge of a recording: its largest fourth difference, full scale being 1. Voices and tones that begin and
/// end softly stay below a hundredth; one that is cut off in the middle of a wave has the size of the cut.
pub fn sharpest_edge(samples: &[i16]) -> f64 {
    let fourth = |w: &[i16]| {
        let at = |n: usize| f64::from(w[n]) / 32_768.0;
        (at(0) - 4.0 * at(1) + 6.0 * at(2) - 4.0 * at(3) + at(4)).abs()
    };
    samples.windows(5).map(fourth).fold(0.0, f64::max)
}

/// Where `heard` is most like `said`, and how much (0 to 1).
#[derive(Debug, Clone, Copy)]
pub struct Match {
    /// `heard[delay + n]` is like `said[n]`, in samples.
    pub delay: i64,
    /// Normalised cross-correlation of the two at that delay.
    pub correlation: f64,
}

/// Finds `said` in `heard`: cross-correlation over every delay in `delays` (samples), coarse first, then fine.
pub fn find(said: &[i16], heard: &[i16], delays: std::ops::Range<i64>) -> Match {
    // The envelope of a low-passed copy finds the place; the waveform itself then decides.
    const STEP: usize = 8;
    let (slow_said, slow_heard) = (thin(said, STEP), thin(heard, STEP));
    let (start, end) = (delays.start.div_euclid(STEP as i64), delays.end.div_euclid(STEP as i64) + 1);
    let coarse = best(&slow_said, &slow_heard, start..end);
    let centre = coarse.delay * STEP as i64;
    let fine = (centre - 3 * STEP as i64)..(centre + 3 * STEP as i64 + 1);
    let said: Vec<f64> = said.iter().map(|it| f64::from(*it)).collect();
    let heard: Vec<f64> = heard.iter().map(|it| f64::from(*it)).collect();
    best(&said, &heard, fine)
}

/// How alike two recordings sound piece by piece, 0 to 1, wherever `said` lies in `heard`: the mean over pieces of a
/// quarter of a second, each found anew within 200 ms, since a jitter buffer stretches and shortens time. Only what lies
/// above 300 Hz counts, as on a telephone: the low cut of every voice processing turns the phase of what lies below, and
/// with it the correlation of a voice that nobody would call changed (0.55 to 0.65; above 300 Hz it is 0.8 to 0.87, and
/// 0.97 without processing).
pub fn likeness(said: &[i16], heard: &[i16], delays: std::ops::Range<i64>) -> Match {
    let (delay, pieces) = likeness_of_pieces(said, heard, delays);
    Match { delay, correlation: mean(&pieces) }
}

/// The same, each piece by itself: those that are not silent.
pub fn likeness_of_pieces(said: &[i16], heard: &[i16], delays: std::ops::Range<i64>) -> (i64, Vec<f64>) {
    const PIECE: usize = RATE as usize / 4;
    const SLACK: i64 = RATE as i64 / 5;
    /// A piece this much alike is that piece.
    const SURE: f64 = 0.65;
    let (said, heard) = (above_300_hz(said), above_300_hz(heard));
    let pieces: Vec<(i64, &[i16])> =
        (0..).step_by(PIECE).zip(said.chunks_exact(PIECE)).filter(|(_, piece)| level_dbfs(piece) >= -50.0).collect();
    let found = |(at, piece): &(i64, &[i16])| find(piece, &heard, delays.start + at..delays.end + at);
    let sure = pieces.iter().map(|it| (it.0, found(it))).filter(|(_, found)| found.correlation >= SURE);
    let mut sure: Vec<i64> = sure.map(|(at, found)| found.delay - at).collect();
    sure.sort_unstable();
    let delay = sure.get(sure.len() / 2).copied().unwrap_or_else(|| find(&said, &heard, delays.clone()).delay);
    let alike = pieces.iter().map(|(at, piece)| {
        let centre = delay + at;
        find(piece, &heard, (centre - SLACK)..(centre + SLACK)).correlation
    });
    (delay, alike.collect())
}

/// The mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// A Butterworth high-pass of the second order, twice (Audio EQ Cookbook).
fn above_300_hz(samples: &[i16]) -> Vec<i16> {
    let turn = std::f64::consts::TAU * 300.0 / f64::from(RATE);
    let (cosine, alpha) = (turn.cos(), turn.sin() / std::f64::consts::SQRT_2);
    let scale = 1.0 + alpha;
    let (outer, middle) = (f64::midpoint(1.0, cosine) / scale, -(1.0 + cosine) / scale);
    let (first, second) = (-2.0 * cosine / scale, (1.0 - alpha) / scale);
    let mut filtered: Vec<f64> = samples.iter().map(|it| f64::from(*it)).collect();
    for _ in 0..2 {
        let (mut inputs, mut outputs) = ([0.0; 2], [0.0; 2]);
        for sample in &mut filtered {
            let output = outer * (*sample + inputs[1]) + middle * inputs[0] - first * outputs[0] - second * outputs[1];
            (inputs, outputs) = ([*sample, inputs[0]], [output, outputs[0]]);
            *sample = output;
        }
    }
    filtered.into_iter().map(|it| it as i16).collect()
}

fn thin(samples: &[i16], step: usize) -> Vec<f64> {
    samples.chunks(step).map(|it| it.iter().map(|s| f64::from(*s)).sum::<f64>() / it.len() as f64).collect()
}

fn best(said: &[f64], heard: &[f64], delays: std::ops::Range<i64>) -> Match {
    let mut found = Match { delay: delays.start, correlation: 0.0 };
    for delay in delays {
        let from = delay.max(0) as usize;
        let skip = (-delay).max(0) as usize;
        let (Some(a), Some(b)) = (said.get(skip..), heard.get(from..)) else { continue };
        let length = a.len().min(b.len());
        if length < said.len() / 4 {
            continue;
        }
        let (mut product, mut power_a, mut power_b) = (0.0, 0.0, 0.0);
        for (x, y) in a[..length].iter().zip(&b[..length]) {
            product += x * y;
            power_a += x * x;
            power_b += y * y;
        }
        let scale = (power_a * power_b).sqrt();
        if scale > 0.0 && product / scale > found.correlation {
            found = Match { delay, correlation: product / scale };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sines(pitches: &[f64], seconds: f64) -> Vec<i16> {
        let sample = |n: usize| {
            let at = n as f64 / f64::from(RATE);
            let sum: f64 = pitches.iter().map(|hertz| (std::f64::consts::TAU * hertz * at).sin()).sum();
            (3_276.8 * sum) as i16
        };
        (0..(seconds * f64::from(RATE)) as usize).map(sample).collect()
    }

    #[test]
    fn pitches_are_told_apart_and_gaps_and_cuts_are_found() {
        let mut samples = sines(&[1_000.0, 2_100.0], 1.0);
        assert!((tone_dbfs(&samples, 1_000.0) + 23.0).abs() < 0.1, "{}", tone_dbfs(&samples, 1_000.0));
        assert!(tone_dbfs(&samples, 3_000.0) < -80.0);
        assert_eq!(longest_gap_ms(&samples, 2_100.0, -40.0), 0);
        assert!(sharpest_edge(&samples) < 0.01, "{}", sharpest_edge(&samples));
        samples[9_851..12_251].fill(0);
        assert!(sharpest_edge(&samples) > 0.05, "{}", sharpest_edge(&samples));
        assert_eq!(longest_gap_ms(&samples, 2_100.0, -40.0), 40);
    }

    #[test]
    fn a_telephone_does_not_carry_what_lies_below_300_hz() {
        let tone = |hertz: f64| -> Vec<i16> {
            let step = std::f64::consts::TAU * hertz / f64::from(RATE);
            (0..RATE).map(|at| (10_000.0 * (f64::from(at) * step).sin()) as i16).collect()
        };
        let loss = |hertz: f64| level_dbfs(&tone(hertz)) - level_dbfs(&above_300_hz(&tone(hertz)));
        assert!(loss(100.0) > 35.0 && loss(1_000.0) < 0.5, "{} {}", loss(100.0), loss(1_000.0));
        assert!((5.0..7.0).contains(&loss(300.0)), "{}", loss(300.0));
    }

    #[test]
    fn a_delayed_copy_is_found_and_a_stranger_is_not() {
        let said = speech(2.0, 1);
        let mut heard = vec![0; 4_801];
        heard.extend(said.iter().map(|it| it / 2));
        let found = find(&said, &heard, 0..48_000);
        assert_eq!(found.delay, 4_801);
        assert!(found.correlation > 0.99);
        for other in 2..12 {
            let stranger = speech(2.0, other);
            assert!(find(&said, &stranger, 0..48_000).correlation < 0.4);
            let found = likeness(&said, &stranger, 0..48_000);
            assert!(found.correlation < 0.3, "{other}: {found:?}");
        }
        assert!(likeness(&said, &heard, 0..48_000).correlation > 0.99);
    }
}
