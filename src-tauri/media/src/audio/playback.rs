//! The pipeline's side of a speaker: how much must be ready for it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::FRAME_10_MS;
use super::device::PlaybackEnd;
use super::opus::SAMPLE_RATE;
use super::resample::Resampler;

/// How long large callbacks are remembered.
const MEMORY: Duration = Duration::from_secs(5);
/// How long an underrun keeps its margin.
const CALM: Duration = Duration::from_secs(2);
/// What an underrun adds to what is kept ready (5 ms), what goes when it has been calm (2.5 ms), and the most that all
/// of them together add (20 ms), as parts of a second.
const MORE: u32 = 200;
const LESS: u32 = 400;
const MOST: u32 = 50;

/// A speaker that is open.
pub(super) struct Playback {
    end: PlaybackEnd,
    resampler: Option<Resampler>,
    callbacks: Callbacks,
    /// Kept ready on top of one callback, because of underruns.
    margin: u32,
    xruns: u64,
    calm_since: Instant,
}

/// How large callbacks are, in frames of the device. The largest alone does not count: after a moment in which everything
/// stood still, a device may ask for all of it at once, and would have that much kept ready from then on.
#[derive(Debug, Default)]
struct Callbacks {
    largest: [u32; 2],
    /// Of the memory span before.
    before: u32,
    since: Option<Instant>,
}

impl Callbacks {
    fn note(&mut self, frames: u32, now: Instant) {
        if now - *self.since.get_or_insert(now) > MEMORY {
            self.before = self.largest[1];
            self.largest = [0; 2];
            self.since = Some(now);
        }
        if frames > self.largest[0] {
            self.largest = [frames, self.largest[0]];
        } else {
            self.largest[1] = self.largest[1].max(frames);
        }
    }

    fn usual(&self) -> u32 {
        self.largest[1].max(self.before).max(1)
    }
}

impl Playback {
    pub(super) fn new(end: PlaybackEnd, now: Instant) -> Self {
        Self {
            resampler: (end.rate != SAMPLE_RATE).then(|| Resampler::new(SAMPLE_RATE, end.rate)),
            callbacks: Callbacks::default(),
            margin: 0,
            xruns: 0,
            calm_since: now,
            end,
        }
    }

    /// What its callbacks counted.
    pub(super) fn counters(&self) -> &super::device::Counters {
        &self.end.counters
    }

    /// One callback's worth must be ready when the next one comes; more, where that was not enough.
    pub(super) fn adapt(&mut self, now: Instant) {
        let (counters, rate) = (&self.end.counters, self.end.rate);
        let frames = counters.most_frames.swap(0, Ordering::Relaxed);
        if frames > 0 {
            self.callbacks.note(frames, now);
        }
        let xruns = counters.xruns.load(Ordering::Relaxed);
        if xruns > self.xruns {
            self.xruns = xruns;
            self.margin = (self.margin + rate / MORE).min(rate / MOST);
            self.calm_since = now;
        } else if now - self.calm_since > CALM {
            self.margin = self.margin.saturating_sub(rate / LESS);
            self.calm_since = now;
        }
    }

    /// What the device has not fetched yet, in samples at 48 kHz.
    pub(super) fn unplayed(&self) -> f64 {
        self.ready() as f64 * f64::from(SAMPLE_RATE) / f64::from(self.end.rate.max(1))
    }

    /// Whether the next 10 ms are wanted.
    pub(super) fn is_hungry(&self) -> bool {
        self.ready() < (self.callbacks.usual() + self.margin) as usize && self.end.samples.slots() > FRAME_10_MS * 8
    }

    /// Gives it the next 10 ms.
    pub(super) fn push(&mut self, frame: &[f32; FRAME_10_MS]) {
        let Some(resampler) = &mut self.resampler else {
            return write(&mut self.end.samples, frame);
        };
        resampler.push(frame);
        let mut out = [0.0; FRAME_10_MS];
        loop {
            let written = resampler.pull(&mut out);
            write(&mut self.end.samples, &out[..written]);
            if written < out.len() {
                return;
            }
        }
    }

    fn ready(&self) -> usize {
        self.end.samples.buffer().capacity() - self.end.samples.slots()
    }
}

/// Room was made sure of by whoever asked for the frame.
fn write(ring: &mut rtrb::Producer<f32>, samples: &[f32]) {
    if let Ok(chunk) = ring.write_chunk_uninit(samples.len()) {
        chunk.fill_from_iter(samples.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Keeps a speaker fed that fetches 5 ms each 5 ms, but for one moment in which it stood still and then fetched all
    /// that it had missed; answers how many ms were ready, at most, in the last second.
    fn fed(missed_ms: u64) -> usize {
        let (samples, mut ring) = rtrb::RingBuffer::new(48_000);
        let start = Instant::now();
        let counters = Arc::<super::super::device::Counters>::default();
        let end = PlaybackEnd { samples, rate: SAMPLE_RATE, counters: Arc::clone(&counters) };
        let mut playback = Playback::new(end, start);
        let mut most = 0;
        for ms in (0..4_000).step_by(5) {
            let standstill = 1_000..1_000 + missed_ms;
            if standstill.contains(&ms) {
                continue;
            }
            let fetched = if ms == standstill.end { 240 * (missed_ms as usize / 5 + 1) } else { 240 };
            let short = ring.slots() < fetched;
            for _ in 0..fetched {
                let _ = ring.pop();
            }
            counters.count(fetched, Duration::ZERO);
            counters.xruns.fetch_add(u64::from(short && ms > 0), Ordering::Relaxed);
            playback.adapt(start + Duration::from_millis(ms));
            while playback.is_hungry() {
                playback.push(&[0.0; FRAME_10_MS]);
            }
            if ms > 3_000 {
                most = most.max(playback.ready() / 48);
            }
        }
        most
    }

    #[test]
    fn one_callback_is_kept_ready() {
        assert!(fed(0) <= 15, "{} ms", fed(0));
    }

    #[test]
    fn moment_in_which_everything_stood_still_leaves_no_delay_behind() {
        assert!(fed(300) <= 20, "{} ms", fed(300));
    }

    #[test]
    fn large_callbacks_are_met() {
        let mut callbacks = Callbacks::default();
        let now = Instant::now();
        for _ in 0..3 {
            callbacks.note(2_048, now);
        }
        assert_eq!(callbacks.usual(), 2_048);
        callbacks.note(9_000, now);
        assert_eq!(callbacks.usual(), 2_048);
    }
}
