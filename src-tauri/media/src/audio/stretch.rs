//! Making a stretch of voice shorter or longer without changing its pitch: one pitch period is taken out or put in,
//! cross-faded where the signal is most like itself (waveform-similarity overlap-add).

use std::collections::VecDeque;

/// Shortest period looked for: 2.5 ms (400 Hz).
pub const MIN_LAG: usize = 120;
/// Longest period looked for: 15 ms (66 Hz).
pub const MAX_LAG: usize = 720;
/// Cross-fade: 5 ms.
const OVERLAP: usize = 240;
/// The coarse search looks at every sixth sample (8 kHz).
const COARSE: usize = 6;
/// Power below which a stretch counts as quiet whatever its shape: -55 dBFS.
const QUIET_POWER: f32 = 3.2e-6;

/// Where the signal repeats itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Samples from the start to where the signal looks most like the start.
    pub lag: usize,
    /// How alike the two are: the normalised correlation, -1.0..=1.0; 1.0 when both are quiet.
    pub likeness: f32,
}

/// Finds the period of `samples` (mono 48 kHz), at most `longest` samples of it (and never above [`MAX_LAG`]);
/// `None` with less than 7.5 ms to look at.
pub fn find_period(samples: &[f32], longest: usize) -> Option<Match> {
    let longest = MAX_LAG.min(longest).min(samples.len().checked_sub(OVERLAP)?);
    if longest < MIN_LAG {
        return None;
    }
    let head = samples.get(..OVERLAP)?;
    if power(head) < QUIET_POWER && power(samples.get(..longest + OVERLAP)?) < QUIET_POWER {
        return Some(Match { lag: longest, likeness: 1.0 });
    }
    let mut best = Match { lag: MIN_LAG, likeness: -1.0 };
    for lag in (MIN_LAG..=longest).step_by(COARSE) {
        let likeness = likeness(head, &samples[lag..lag + OVERLAP], COARSE);
        if likeness > best.likeness {
            best = Match { lag, likeness };
        }
    }
    let around = best.lag.saturating_sub(COARSE).max(MIN_LAG)..=(best.lag + COARSE).min(longest);
    best.likeness = -1.0;
    for lag in around {
        let likeness = likeness(head, &samples[lag..lag + OVERLAP], 1);
        if likeness > best.likeness {
            best = Match { lag, likeness };
        }
    }
    Some(best)
}

/// Whether there is nothing in `samples` (mono 48 kHz) that anybody would miss.
pub fn is_quiet(samples: &[f32]) -> bool {
    power(samples) < QUIET_POWER
}

/// Takes `lag` samples out at the front of `buffer`; does nothing when it is too short.
pub fn shorten(buffer: &mut VecDeque<f32>, lag: usize) -> bool {
    if buffer.len() < lag + OVERLAP {
        return false;
    }
    // Written where the kept half begins, so that the first `lag` samples can simply be dropped; backwards, because
    // with a short lag the two halves overlap.
    for n in (0..OVERLAP).rev() {
        let fade = fade(n);
        buffer[lag + n] = buffer[n] * (1.0 - fade) + buffer[lag + n] * fade;
    }
    buffer.drain(..lag);
    true
}

/// Puts `lag` samples in at the front of `buffer`; does nothing when it is too short.
pub fn lengthen(buffer: &mut VecDeque<f32>, lag: usize) -> bool {
    if buffer.len() < lag + OVERLAP {
        return false;
    }
    let head: Vec<f32> = buffer.iter().take(lag).copied().collect();
    for n in 0..OVERLAP {
        let fade = fade(n);
        let original = if n < lag { head[n] } else { buffer[n] };
        buffer[n] = buffer[lag + n] * (1.0 - fade) + original * fade;
    }
    for sample in head.into_iter().rev() {
        buffer.push_front(sample);
    }
    true
}

/// Appends `next`, whose first `overlap` samples are cross-faded with the last ones of `buffer`.
pub fn join(buffer: &mut VecDeque<f32>, next: &[f32], overlap: usize) {
    let overlap = overlap.min(buffer.len()).min(next.len());
    let start = buffer.len() - overlap;
    for (n, sample) in next[..overlap].iter().enumerate() {
        let fade = (n as f32 + 0.5) / overlap as f32;
        buffer[start + n] = buffer[start + n] * (1.0 - fade) + sample * fade;
    }
    buffer.extend(&next[overlap..]);
}

/// Raised cosine from 0 to 1 over the overlap.
fn fade(n: usize) -> f32 {
    let x = (n as f32 + 0.5) / OVERLAP as f32;
    0.5 - 0.5 * (std::f32::consts::PI * x).cos()
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32
}

fn likeness(a: &[f32], b: &[f32], step: usize) -> f32 {
    let (mut cross, mut aa, mut bb) = (0.0f32, 1e-9f32, 1e-9f32);
    for (x, y) in a.iter().zip(b).step_by(step) {
        cross += x * y;
        aa += x * x;
        bb += y * y;
    }
    cross / (aa * bb).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(hertz: f32, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| {
                let t = n as f32 / 48_000.0 * std::f32::consts::TAU * hertz;
                0.4 * t.sin() + 0.2 * (2.0 * t + 0.3).sin() + 0.1 * (3.0 * t + 1.0).sin()
            })
            .collect()
    }

    fn steepest(samples: impl IntoIterator<Item = f32>) -> f32 {
        let samples: Vec<f32> = samples.into_iter().collect();
        samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn period_of_a_voice_is_found() {
        for hertz in [80.0, 110.0, 150.0, 233.0, 390.0] {
            let found = find_period(&voice(hertz, 1_440), MAX_LAG).unwrap();
            let periods = found.lag as f32 * hertz / 48_000.0;
            assert!((periods - periods.round()).abs() < 0.02, "{hertz} Hz: {found:?} is {periods} periods");
            assert!(found.likeness > 0.99);
        }
    }

    #[test]
    fn shortening_and_lengthening_leave_no_step() {
        for hertz in [80.0, 123.0, 200.0, 370.0] {
            let original = voice(hertz, 2_400);
            let natural = steepest(original.iter().copied());
            let lag = find_period(&original, MAX_LAG).unwrap().lag;

            let mut shorter: VecDeque<f32> = original.iter().copied().collect();
            assert!(shorten(&mut shorter, lag));
            assert_eq!(shorter.len(), 2_400 - lag);
            assert!((shorter[0] - original[0]).abs() < 0.01, "it goes on from what was played");
            assert!(steepest(shorter) < natural * 1.2, "{hertz} Hz clicks when shortened");

            let mut longer: VecDeque<f32> = original.iter().copied().collect();
            assert!(lengthen(&mut longer, lag));
            assert_eq!(longer.len(), 2_400 + lag);
            assert!((longer[0] - original[0]).abs() < f32::EPSILON);
            assert!((longer[longer.len() - 1] - original[2_399]).abs() < f32::EPSILON);
            assert!(steepest(longer) < natural * 1.2, "{hertz} Hz clicks when lengthened");
        }
    }

    #[test]
    fn stretching_keeps_the_pitch() {
        let original = voice(150.0, 4_800);
        let mut buffer: VecDeque<f32> = original.iter().copied().collect();
        for _ in 0..4 {
            let lag = find_period(buffer.make_contiguous(), MAX_LAG).unwrap().lag;
            assert!(shorten(&mut buffer, lag));
        }
        let rest = buffer.make_contiguous();
        let found = find_period(&rest[480..], MAX_LAG).unwrap();
        let periods = found.lag as f32 * 150.0 / 48_000.0;
        assert!((periods - periods.round()).abs() < 0.02);
        assert!(found.likeness > 0.99);
    }

    #[test]
    fn noise_is_not_like_itself() {
        let mut state = 1u32;
        let noise: Vec<f32> = (0..1_440)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect();
        assert!(find_period(&noise, MAX_LAG).unwrap().likeness < 0.6);
    }

    #[test]
    fn silence_is_alike_everywhere() {
        assert_eq!(find_period(&[0.0; 1_440], MAX_LAG), Some(Match { lag: MAX_LAG, likeness: 1.0 }));
        assert_eq!(find_period(&[0.0; 300], MAX_LAG), None);
    }

    #[test]
    fn too_short_a_buffer_is_left_alone() {
        let mut buffer: VecDeque<f32> = voice(100.0, 300).into();
        assert!(!shorten(&mut buffer, 120));
        assert!(!lengthen(&mut buffer, 120));
        assert_eq!(buffer.len(), 300);
    }
}
