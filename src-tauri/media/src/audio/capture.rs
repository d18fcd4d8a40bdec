//! The pipeline's side of a microphone: its samples, 10 ms at a time, and what stands in for them while none come.
//!
//! Whoever listens takes the stream's time for ours. So it must not stand still while a device takes its time to begin,
//! or falters, and what such a device then gives at once is over: it would make the voice late for all that follows.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::FRAME_10_MS;
use super::device::CaptureEnd;
use super::opus::SAMPLE_RATE;
use super::pipeline::TICK;
use super::resample::Resampler;

/// A device that gives nothing for so long, besides two of its callbacks, falters.
const PATIENCE: Duration = Duration::from_millis(100);
/// The most that is sent late: 500 ms. More has piled up only if this program, or the computer, stood still.
const MOST: usize = SAMPLE_RATE as usize / 2;
/// What stays of a backlog that is over besides one callback: 10 ms.
const FRESH: usize = FRAME_10_MS;
/// How long after it came back a device may still give what it owes.
const AMENDS: Duration = Duration::from_millis(300);

/// What the next 10 ms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// From the device.
    Heard,
    /// Silence: the device gives nothing.
    StoodIn,
    /// None yet.
    Nothing,
}

/// A microphone that is open.
pub(super) struct Capture {
    end: CaptureEnd,
    resampler: Option<Resampler>,
    ready: VecDeque<f32>,
    /// When it last began to give something, after nothing had come; never yet without.
    began: Option<Instant>,
    /// When the next 10 ms should be there.
    due: Instant,
    /// Samples given in its stead, which are left out should they still come.
    owed: usize,
    /// Something is being given in its stead now.
    standing_in: bool,
}

impl Capture {
    /// `due`: when the next 10 ms of the microphone before it would have been there.
    pub(super) fn new(end: CaptureEnd, due: Instant) -> Self {
        Self {
            resampler: (end.rate != SAMPLE_RATE).then(|| Resampler::new(end.rate, SAMPLE_RATE)),
            end,
            ready: VecDeque::with_capacity(SAMPLE_RATE as usize),
            began: None,
            due,
            // What it heard before it was wanted is over, however much it is.
            owed: usize::MAX,
            standing_in: true,
        }
    }

    /// What its callbacks counted.
    pub(super) fn counters(&self) -> &super::device::Counters {
        &self.end.counters
    }

    /// Takes what the device has given; returns how many samples of it were left out without anything in their stead.
    pub(super) fn gather(&mut self, now: Instant) -> usize {
        let waiting = self.end.samples.slots();
        let Ok(chunk) = self.end.samples.read_chunk(waiting) else { return 0 };
        let (first, second) = chunk.as_slices();
        if let Some(resampler) = &mut self.resampler {
            resampler.push(first);
            resampler.push(second);
        } else {
            self.ready.extend(first);
            self.ready.extend(second);
        }
        chunk.commit_all();
        if let Some(resampler) = &mut self.resampler {
            resampler.pull_all(&mut self.ready);
        }
        if waiting == 0 {
            return 0;
        }
        if std::mem::replace(&mut self.standing_in, false) {
            self.began = Some(now);
        }
        if self.began.is_some_and(|began| now - began > AMENDS) {
            self.owed = 0;
        }
        // A backlog may come in pieces at once: what follows one at once is no fresher than it was.
        let at_once = now + TICK / 2 < self.due;
        let callback = (self.callback().as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
        let fresh = if at_once { 0 } else { FRESH + callback };
        let stale = self.ready.len().saturating_sub(fresh);
        let replaced = stale.min(self.owed);
        self.owed -= replaced;
        self.ready.drain(..replaced);
        let over = if self.ready.len() > MOST { self.ready.len() - MOST.min(FRESH + callback) } else { 0 };
        self.ready.drain(..over);
        over
    }

    /// The next 10 ms, if it is time for them.
    pub(super) fn next(&mut self, now: Instant, frame: &mut [f32; FRAME_10_MS]) -> Next {
        if self.ready.len() >= FRAME_10_MS {
            for (sample, ready) in frame.iter_mut().zip(self.ready.drain(..FRAME_10_MS)) {
                *sample = ready;
            }
            self.due = now + TICK;
            return Next::Heard;
        }
        // Once it falters, all that it has missed is made up for at once, and then each beat.
        let patience = if self.standing_in { Duration::ZERO } else { PATIENCE + 2 * self.callback() };
        if now < self.due + patience {
            return Next::Nothing;
        }
        frame.fill(0.0);
        self.due += TICK;
        self.owed = self.owed.saturating_add(FRAME_10_MS);
        self.standing_in = true;
        Next::StoodIn
    }

    /// When the pipeline is to look again: at `latest`, should the device not wake it.
    pub(super) fn due(&self, latest: Instant) -> Instant {
        if self.standing_in { self.due } else { latest }
    }

    /// How long one of its callbacks is.
    fn callback(&self) -> Duration {
        let frames = self.end.counters.frames.load(Ordering::Relaxed);
        Duration::from_secs_f64(f64::from(frames) / f64::from(self.end.rate.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Device {
        ring: rtrb::Producer<f32>,
        capture: Capture,
        start: Instant,
        heard: Vec<f32>,
        stood_in: usize,
    }

    impl Device {
        /// One with callbacks of so many ms.
        fn new(callback: u32) -> Self {
            let (ring, samples) = rtrb::RingBuffer::new(96_000);
            let start = Instant::now();
            let end = CaptureEnd { samples, rate: SAMPLE_RATE, counters: Arc::default() };
            end.counters.frames.store(callback * 48, Ordering::Relaxed);
            Self { ring, capture: Capture::new(end, start), start, heard: Vec::new(), stood_in: 0 }
        }

        /// At this ms the device has given so many ms, and the pipeline looks; answers what was left out, ms.
        fn at(&mut self, ms: u64, given: usize) -> usize {
            for _ in 0..given * 48 {
                self.ring.push(1.0).unwrap();
            }
            let now = self.start + Duration::from_millis(ms);
            let left_out = self.capture.gather(now) / 48;
            let mut frame = [0.0; FRAME_10_MS];
            loop {
                match self.capture.next(now, &mut frame) {
                    Next::Heard => self.heard.extend(frame),
                    Next::StoodIn => self.stood_in += 1,
                    Next::Nothing => return left_out,
                }
            }
        }

        fn heard_ms(&self) -> usize {
            self.heard.len() / 48
        }
    }

    #[test]
    fn time_goes_on_until_the_device_begins_and_its_backlog_is_left_out() {
        let mut device = Device::new(10);
        for ms in (0..300).step_by(10) {
            device.at(ms, 0);
        }
        assert_eq!((device.stood_in, device.heard_ms()), (30, 0));
        // It comes in pieces, as messages do.
        device.at(300, 10);
        device.at(301, 200);
        device.at(302, 200);
        for ms in (310..800).step_by(10) {
            device.at(ms, 10);
        }
        let total = device.stood_in * 10 + device.heard_ms();
        assert!((790..=820).contains(&total), "{total} ms in 800");
    }

    #[test]
    fn short_gaps_are_the_devices_own() {
        let mut device = Device::new(90);
        device.at(0, 90);
        for ms in [400, 490, 590, 680] {
            device.at(ms - 5, 0);
            device.at(ms, 90);
        }
        // Until 400 it had faltered, as far as anybody could tell.
        let (stood_in, heard) = (device.stood_in, device.heard_ms());
        for ms in [770, 860, 950] {
            device.at(ms, 90);
        }
        assert_eq!((device.stood_in, device.heard_ms()), (stood_in, heard + 270));
    }

    #[test]
    fn device_that_falters_loses_no_time_whether_or_not_it_gives_the_rest() {
        for rest in [5, 400] {
            let mut device = Device::new(10);
            for ms in (0..500).step_by(10) {
                device.at(ms, 10);
            }
            for ms in (500..890).step_by(10) {
                device.at(ms, 0);
            }
            device.at(890, rest);
            for ms in (900..1_500).step_by(10) {
                device.at(ms, 10);
            }
            let total = device.heard_ms() + device.stood_in * 10;
            assert!((1_480..=1_520).contains(&total), "{rest}: {total} ms in 1500, {} stood in", device.stood_in);
            assert!(device.stood_in >= 35, "{rest}: {}", device.stood_in);
        }
    }

    #[test]
    fn what_piled_up_while_the_computer_slept_is_left_out_and_told() {
        let mut device = Device::new(10);
        for ms in (0..500).step_by(10) {
            device.at(ms, 10);
        }
        let heard = device.heard_ms();
        assert_eq!(device.at(1_500, 1_000), 980);
        assert_eq!(device.heard_ms(), heard + 20);
    }
}
