//! The audio thread: microphone frames up, speaker frames down.
//!
//! Each direction is paced by its own device (the microphone's ring filling, the speaker's ring emptying), or by a
//! steady 10 ms clock where there is none. So no direction ever waits for the other, and a lost device only changes who
//! beats the time. What their clocks differ by ends up in the jitter buffers, which stretch time anyway, and in the echo
//! canceller's reference, which is resampled.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::capture::{Capture, Next};
use super::device::{CaptureEnd, PlaybackEnd};
use super::downlink::Downlink;
use super::jitter::RtpVoicePacket;
use super::playback::Playback;
use super::process::Cleaner;
use super::sound::Player;
use super::source::{Recorder, Source};
use super::uplink::Uplink;
use super::voice::VoiceShared;
use super::{FRAME_10_MS, Shared};

/// The pipeline's frame.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// A clock that is behind by more (the computer slept) starts anew instead of catching up.
const ASLEEP: Duration = Duration::from_secs(2);
/// The thread looks after itself at least this often, should a device not wake it.
const IDLE: Duration = Duration::from_millis(20);

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
            let listen = self.capture.as_ref().map_or(self.capture_clock.next, |capture| capture.due(now + IDLE));
            let play = if self.playback.is_some() { now + IDLE } else { self.playback_clock.next };
            let wake = listen.min(play);
            std::thread::park_timeout(wake.saturating_duration_since(now));
        }
    }

    fn obey(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Capture(end)) => {
                    let due = self.capture_clock.next;
                    self.capture = end.map(|end| Capture::new(end, due));
                    self.capture_clock = Clock::new();
                }
                Ok(Order::Source(source)) => self.source = source,
                Ok(Order::Playback(end)) => {
                    self.playback = end.map(|end| Playback::new(end, Instant::now()));
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
            self.uplink.skip(capture.gather(now));
            loop {
                match capture.next(now, &mut frame) {
                    Next::Heard => self.send_up(&mut frame, true),
                    Next::StoodIn => {
                        if let Some(cleaner) = &mut self.cleaner {
                            cleaner.skip();
                        }
                        self.uplink.push(&frame);
                    }
                    Next::Nothing => break,
                }
            }
            self.shared.capture.update(capture.counters());
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
            self.shared.playback.update(playback.counters());
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
