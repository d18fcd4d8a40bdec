//! The audio thread: microphone frames up, speaker frames down.
//!
//! Each direction is paced by its own device (the microphone's ring filling, the speaker's ring emptying), or by a
//! steady 10 ms clock where there is none. So no direction ever waits for the other, and a lost device only changes who
//! beats the time. What their clocks differ by ends up in the jitter buffers, which stretch time anyway, and in the echo
//! canceller's reference, which is resampled.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::device::{CaptureEnd, PlaybackEnd};
use super::downlink::Downlink;
use super::jitter::RtpVoicePacket;
use super::opus::SAMPLE_RATE;
use super::process::Cleaner;
use super::resample::Resampler;
use super::sound::Player;
use super::source::{Recorder, Source};
use super::uplink::Uplink;
use super::voice::VoiceShared;
use super::{FRAME_10_MS, Shared};

const TICK: Duration = Duration::from_millis(10);
/// A clock that is behind by more (the computer slept) starts anew instead of catching up.
const ASLEEP: Duration = Duration::from_secs(2);
/// The thread looks after itself at least this often, should a device not wake it.
const IDLE: Duration = Duration::from_millis(20);
/// How long the largest callback and each underrun are remembered.
const MEMORY: Duration = Duration::from_secs(5);
/// The most that underruns may add to what is kept ready for the speaker: 40 ms, in parts of a second.
const MOST_MARGIN: u32 = 25;

/// What the pipeline is told.
pub(super) enum Order {
    /// Listen to this device; by the clock without one.
    Capture(Option<CaptureEnd>),
    /// What is heard while no device is.
    Source(Source),
    /// Play on this device; by the clock without one.
    Playback(Option<PlaybackEnd>),
    /// Write to this file while no device is there.
    Recorder(Option<Recorder>),
    /// A new voice.
    Voice(Receiver<RtpVoicePacket>, Arc<VoiceShared>),
    Play(Player),
    StopSound,
    ExpectedLoss(u8),
    /// Bits per second.
    Bitrate(u32),
    Stop,
}

/// Beats every 10 ms without drift.
struct Clock {
    next: Instant,
}

impl Clock {
    fn new() -> Self {
        Self { next: Instant::now() }
    }

    fn beats(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        if now - self.next > ASLEEP {
            self.next = now;
        }
        self.next += TICK;
        true
    }
}

struct Capture {
    end: CaptureEnd,
    resampler: Option<Resampler>,
    ready: VecDeque<f32>,
}

struct Playback {
    end: PlaybackEnd,
    resampler: Option<Resampler>,
    /// Largest callback of this and of the last memory span, in the device's frames.
    largest: (u32, u32),
    /// Kept ready on top of one callback, because of underruns.
    margin: u32,
    xruns: u64,
    since: Instant,
}

/// All that the audio thread owns.
pub(super) struct Pipeline {
    pub(super) orders: Receiver<Order>,
    shared: Arc<Shared>,
    capture: Option<Capture>,
    capture_clock: Clock,
    source: Source,
    playback: Option<Playback>,
    playback_clock: Clock,
    recorder: Option<Recorder>,
    cleaner: Option<Cleaner>,
    clean_everything: bool,
    uplink: Uplink,
    downlink: Downlink,
    busy: Duration,
    measured: Instant,
}

impl Pipeline {
    pub(super) fn new(
        orders: Receiver<Order>,
        shared: Arc<Shared>,
        uplink: Uplink,
        cleaner: Option<Cleaner>,
        clean_everything: bool,
    ) -> Self {
        Self {
            orders,
            capture: None,
            capture_clock: Clock::new(),
            source: Source::Silence,
            playback: None,
            playback_clock: Clock::new(),
            recorder: None,
            cleaner,
            clean_everything,
            uplink,
            downlink: Downlink::new(Arc::clone(&shared)),
            shared,
            busy: Duration::ZERO,
            measured: Instant::now(),
        }
    }

    /// Runs until told to stop.
    pub(super) fn run(mut self) {
        while self.obey() {
            let began = Instant::now();
            // Playing first: the reference must be there before its echo.
            self.play(began);
            self.listen(began);
            let now = Instant::now();
            self.measure(began, now);
            let clock = |device: bool, clock: &Clock| if device { now + IDLE } else { clock.next };
            let wake = clock(self.capture.is_some(), &self.capture_clock)
                .min(clock(self.playback.is_some(), &self.playback_clock));
            std::thread::park_timeout(wake.saturating_duration_since(now));
        }
    }

    fn obey(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Capture(end)) => {
                    self.capture = end.map(|end| Capture {
                        resampler: (end.rate != SAMPLE_RATE).then(|| Resampler::new(end.rate, SAMPLE_RATE)),
                        end,
                        ready: VecDeque::with_capacity(SAMPLE_RATE as usize),
                    });
                    self.capture_clock = Clock::new();
                }
                Ok(Order::Source(source)) => self.source = source,
                Ok(Order::Playback(end)) => {
                    self.playback = end.map(|end| Playback {
                        resampler: (end.rate != SAMPLE_RATE).then(|| Resampler::new(SAMPLE_RATE, end.rate)),
                        largest: (0, 0),
                        margin: 0,
                        xruns: 0,
                        since: Instant::now(),
                        end,
                    });
                    self.playback_clock = Clock::new();
                }
                Ok(Order::Recorder(recorder)) => self.recorder = recorder,
                Ok(Order::Voice(packets, shared)) => self.downlink.add(packets, shared),
                Ok(Order::Play(sound)) => self.downlink.play(sound),
                Ok(Order::StopSound) => self.downlink.stop_sound(),
                Ok(Order::ExpectedLoss(percent)) => self.uplink.set_expected_loss(percent),
                Ok(Order::Bitrate(bits_per_second)) => self.uplink.set_bitrate(bits_per_second),
                Err(TryRecvError::Empty) => return true,
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn listen(&mut self, now: Instant) {
        let mut frame = [0.0; FRAME_10_MS];
        if let Some(mut capture) = self.capture.take() {
            capture.gather();
            while capture.frame(&mut frame) {
                self.send_up(&mut frame, true);
            }
            self.shared.capture.update(&capture.end.counters);
            self.capture = Some(capture);
        } else {
            while self.capture_clock.beats(now) {
                self.source.fill(&mut frame);
                self.send_up(&mut frame, false);
            }
        }
    }

    fn send_up(&mut self, frame: &mut [f32; FRAME_10_MS], from_device: bool) {
        if let Some(cleaner) = self.cleaner.as_mut().filter(|_| from_device || self.clean_everything) {
            cleaner.capture(frame, self.playback.as_ref().map_or(0.0, Playback::unplayed));
        }
        self.uplink.push(frame);
    }

    fn play(&mut self, now: Instant) {
        if let Some(mut playback) = self.playback.take() {
            playback.adapt(now);
            while playback.is_hungry() {
                let frame = self.next_down();
                playback.push(&frame);
            }
            self.shared.playback.update(&playback.end.counters);
            self.playback = Some(playback);
        } else {
            while self.playback_clock.beats(now) {
                let frame = self.next_down();
                if let Some(recorder) = &mut self.recorder {
                    recorder.write(&frame);
                }
            }
        }
    }

    fn next_down(&mut self) -> [f32; FRAME_10_MS] {
        let mut frame = [0.0; FRAME_10_MS];
        self.downlink.mix(&mut frame);
        if let Some(cleaner) = &mut self.cleaner {
            cleaner.render(&frame);
        }
        self.source.hear(&frame);
        frame
    }

    fn measure(&mut self, began: Instant, now: Instant) {
        self.busy += now - began;
        let span = now - self.measured;
        if span < Duration::from_secs(1) {
            return;
        }
        let share = self.busy.as_secs_f32() / span.as_secs_f32();
        self.shared.busy.store(share.to_bits(), Ordering::Relaxed);
        if let (Some(cleaner), Ok(mut echo)) = (&self.cleaner, self.shared.echo.lock()) {
            *echo = cleaner.stats();
        }
        self.busy = Duration::ZERO;
        self.measured = now;
    }
}

impl Capture {
    fn gather(&mut self) {
        let waiting = self.end.samples.slots();
        let Ok(chunk) = self.end.samples.read_chunk(waiting) else { return };
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
            let mut out = [0.0; FRAME_10_MS];
            loop {
                let written = resampler.pull(&mut out);
                self.ready.extend(&out[..written]);
                if written < out.len() {
                    break;
                }
            }
        }
    }

    fn frame(&mut self, frame: &mut [f32; FRAME_10_MS]) -> bool {
        if self.ready.len() < FRAME_10_MS {
            return false;
        }
        for (sample, ready) in frame.iter_mut().zip(self.ready.drain(..FRAME_10_MS)) {
            *sample = ready;
        }
        true
    }
}

impl Playback {
    /// One callback's worth must be ready when the next one comes; more, where that was not enough.
    fn adapt(&mut self, now: Instant) {
        let counters = &self.end.counters;
        self.largest.0 = self.largest.0.max(counters.most_frames.swap(0, Ordering::Relaxed));
        let xruns = counters.xruns.load(Ordering::Relaxed);
        if xruns > self.xruns {
            self.xruns = xruns;
            self.margin = (self.margin + self.end.rate / 200).min(self.end.rate / MOST_MARGIN);
            self.since = now;
        }
        if now - self.since > MEMORY {
            self.largest = (0, self.largest.0);
            self.margin -= self.margin.min(self.end.rate / 400);
            self.since = now;
        }
    }

    fn ready(&self) -> usize {
        self.end.samples.buffer().capacity() - self.end.samples.slots()
    }

    /// What the device has not fetched yet, in samples at 48 kHz.
    fn unplayed(&self) -> f64 {
        self.ready() as f64 * f64::from(SAMPLE_RATE) / f64::from(self.end.rate.max(1))
    }

    fn is_hungry(&self) -> bool {
        let callback = self.largest.0.max(self.largest.1).max(1);
        self.ready() < (callback + self.margin) as usize && self.end.samples.slots() > FRAME_10_MS * 8
    }

    fn push(&mut self, frame: &[f32; FRAME_10_MS]) {
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
}

fn write(ring: &mut rtrb::Producer<f32>, samples: &[f32]) {
    for sample in samples {
        // Room was made sure of by whoever asked for the frame.
        let _ = ring.push(*sample);
    }
}
