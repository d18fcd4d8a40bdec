//! Whether the microphone hears the speaker at all.
//!
//! With headphones, a headset's own hardware, or a recording instead of a microphone it does not. The canceller can't know
//! that, and takes the voice for echo whenever both talk. But it shows: while the speaker plays, the microphone now and
//! then is as good as silent. Where there is a way for the echo, of whatever delay, that can't be.

use super::level;

/// Echo delays that are looked for, in frames of 10 ms: more than the canceller itself can follow.
const DELAYS: usize = 60;
/// Frames that a level is taken over, since an echo does not keep to our frames.
const SMOOTH: usize = 3;
/// Louder than this the speaker plays, in dBFS of the higher frequencies.
const LOUD: f32 = -50.0;
/// An echo that is lowered by so much, in dB, is none.
const INAUDIBLE: f32 = 46.0;
/// How long a silent moment counts, in loud frames: 1.2 s. So soon a way that has opened is noticed.
const MEMORY: u16 = 120;
/// A microphone that gives nothing for longer, in frames (500 ms), is switched off, which says nothing about echo.
const SWITCHED_OFF: u16 = 50;

/// Watches both signals.
#[derive(Debug)]
pub(super) struct EchoPath {
    far: HighLevel,
    near: HighLevel,
    /// Levels of the speaker, the newest last.
    played: [f32; DELAYS],
    /// For each delay: how many more loud frames the last silent moment counts.
    silent: [u16; DELAYS],
    /// For how many frames nothing has come from the microphone.
    nothing: u16,
}

impl EchoPath {
    pub(super) fn new() -> Self {
        Self {
            far: HighLevel::default(),
            near: HighLevel::default(),
            played: [level::SILENCE_DBFS; DELAYS],
            silent: [0; DELAYS],
            nothing: 0,
        }
    }

    /// Takes in 10 ms of what the speaker plays and of what the microphone hears, and says whether there may be an echo.
    pub(super) fn may_echo(&mut self, far: &[f32], near: &[f32]) -> bool {
        self.played.rotate_left(1);
        self.played[DELAYS - 1] = self.far.update(far);
        let heard = self.near.update(near);
        self.nothing = if heard > level::SILENCE_DBFS { 0 } else { self.nothing.saturating_add(1) };
        if self.nothing > SWITCHED_OFF {
            self.silent = [0; DELAYS];
            return true;
        }
        for (played, silent) in self.played.iter().zip(&mut self.silent) {
            if *played > LOUD {
                *silent = if heard < played - INAUDIBLE { MEMORY } else { silent.saturating_sub(1) };
            }
        }
        self.silent.contains(&0)
    }
}

/// The level of the higher frequencies, which every speaker plays and every microphone hears.
#[derive(Debug, Default)]
struct HighLevel {
    last: f32,
    frames: [f32; SMOOTH],
}

impl HighLevel {
    fn update(&mut self, frame: &[f32]) -> f32 {
        let mut power = 0.0;
        for sample in frame {
            let high = sample - 0.95 * self.last;
            self.last = *sample;
            power += high * high;
        }
        self.frames.rotate_left(1);
        self.frames[SMOOTH - 1] = power / frame.len().max(1) as f32;
        let mean = self.frames.iter().sum::<f32>() / SMOOTH as f32;
        (10.0 * mean.max(1e-12).log10()).max(level::SILENCE_DBFS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of noise, each of its own length, and silence between them; of another person for each seed.
    fn bursts(seed: u32, frames: usize) -> Vec<[f32; 480]> {
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let mut all = Vec::new();
        while all.len() < frames {
            let (burst, pause) = (10 + (random().abs() * 20.0) as usize, 5 + (random().abs() * 8.0) as usize);
            all.extend((0..burst).map(|_| std::array::from_fn(|_| 0.2 * random())));
            all.extend((0..pause).map(|_| [0.0; 480]));
        }
        all.truncate(frames);
        all
    }

    /// The share of the frames from `from` on in which there may be an echo.
    fn open(far: &[[f32; 480]], near: &[[f32; 480]], from: usize) -> f64 {
        let mut path = EchoPath::new();
        let open: Vec<bool> = far.iter().zip(near).map(|(far, near)| path.may_echo(far, near)).collect();
        open[from..].iter().filter(|open| **open).count() as f64 / (open.len() - from) as f64
    }

    /// What comes back of `far` so many frames later, at this gain, mixed with `near`.
    fn with_echo(far: &[[f32; 480]], near: &[[f32; 480]], delay: usize, gain: f32) -> Vec<[f32; 480]> {
        let echo = |at: usize, n: usize| at.checked_sub(delay).map_or(0.0, |at| gain * far[at][n]);
        near.iter().enumerate().map(|(at, near)| std::array::from_fn(|n| near[n] + echo(at, n))).collect()
    }

    #[test]
    fn people_who_talk_at_once_make_no_echo() {
        let (far, near) = (bursts(1, 3_000), bursts(2, 3_000));
        assert!(open(&far, &near, 300) < 0.05, "{}", open(&far, &near, 300));
    }

    #[test]
    fn echo_of_any_delay_is_told_from_a_voice() {
        let (far, near) = (bursts(1, 3_000), bursts(2, 3_000));
        for delay in [1, 4, 15, 40, 58] {
            for gain in [0.5, 0.02] {
                let heard = with_echo(&far, &near, delay, gain);
                assert!(open(&far, &heard, 0) > 0.9999, "{delay} frames, gain {gain}");
            }
        }
    }

    #[test]
    fn way_that_opens_is_noticed_soon() {
        let (far, near) = (bursts(1, 3_000), bursts(2, 3_000));
        let echo = with_echo(&far, &near, 6, 0.1);
        let heard: Vec<[f32; 480]> = near[..1_500].iter().chain(&echo[1_500..]).copied().collect();
        let mut path = EchoPath::new();
        let open: Vec<bool> = far.iter().zip(&heard).map(|(far, near)| path.may_echo(far, near)).collect();
        assert!(!open[1_499]);
        let noticed = open[1_500..].iter().position(|open| *open).unwrap_or(usize::MAX);
        assert!(noticed < 250, "after {noticed} frames");
        assert!(open[1_500 + noticed..].iter().all(|open| *open));
    }

    #[test]
    fn microphone_that_is_switched_off_says_nothing() {
        let (far, near) = (bursts(1, 2_000), bursts(2, 2_000));
        let heard: Vec<[f32; 480]> = near[..1_000].iter().copied().chain((0..1_000).map(|_| [0.0; 480])).collect();
        let mut path = EchoPath::new();
        let open: Vec<bool> = far.iter().zip(&heard).map(|(far, near)| path.may_echo(far, near)).collect();
        assert!(!open[999]);
        assert!(open[1_100..].iter().all(|open| *open), "when it is switched on again, nothing is known");
    }
}
