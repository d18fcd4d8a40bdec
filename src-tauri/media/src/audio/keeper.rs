//! Keeps the devices open: opens them, notices when one is lost, and tries until it is back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use super::AudioEvent;
use super::device::{self, Counters, OpenStream};
use super::error::{AudioError, Direction};
use super::pipeline::Order;

/// How often a lost device is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// A device whose callbacks have stopped for this long is lost, even when nobody said so.
const SILENT_DEVICE: Duration = Duration::from_secs(3);

/// What the keeper is told.
pub(super) enum Wish {
    /// Open this device (the default one without an id), and say how it went.
    Open(Direction, Option<String>, SyncSender<Result<(), AudioError>>),
    /// Close the device of this direction, if any.
    Close(Direction),
    /// A device of this generation failed.
    Failed(Direction, u64),
    /// Close everything and end.
    Stop,
}

/// The device that should be open: the one with this id, or the default one.
#[derive(Clone)]
struct Wanted(Option<String>);

/// One direction's device.
struct Slot {
    wanted: Option<Wanted>,
    stream: Option<OpenStream>,
    counters: Option<Arc<Counters>>,
    generation: u64,
    seen: (u64, Instant),
    lost: bool,
}

impl Slot {
    fn new() -> Self {
        Self { wanted: None, stream: None, counters: None, generation: 0, seen: (0, Instant::now()), lost: false }
    }
}

/// The thread that owns the device streams of one `Audio`.
pub(super) struct Keeper {
    pub(super) wishes: Receiver<Wish>,
    pub(super) myself: Sender<Wish>,
    pub(super) pipeline: Sender<Order>,
    pub(super) wake: Thread,
    pub(super) events: broadcast::Sender<AudioEvent>,
}

impl Keeper {
    /// Runs until told to stop.
    pub(super) fn run(self) {
        let (mut capture, mut playback) = (Slot::new(), Slot::new());
        loop {
            match self.wishes.recv_timeout(RETRY) {
                Ok(Wish::Open(direction, id, answer)) => {
                    let slot = if direction == Direction::Capture { &mut capture } else { &mut playback };
                    self.close(direction, slot);
                    let result = self.open(direction, slot, id.as_deref());
                    if result.is_ok() {
                        slot.wanted = Some(Wanted(id));
                    }
                    slot.lost = false;
                    let _ = answer.send(result);
                }
                Ok(Wish::Close(direction)) => {
                    let slot = if direction == Direction::Capture { &mut capture } else { &mut playback };
                    self.close(direction, slot);
                }
                Ok(Wish::Failed(direction, generation)) => {
                    let slot = if direction == Direction::Capture { &mut capture } else { &mut playback };
                    if slot.generation == generation && slot.stream.is_some() {
                        self.lose(direction, slot);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Wish::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look_after(Direction::Capture, &mut capture);
            self.look_after(Direction::Playback, &mut playback);
        }
        for slot in [&mut capture, &mut playback] {
            if let Some(stream) = slot.stream.take() {
                device::close(stream);
            }
        }
    }

    fn open(&self, direction: Direction, slot: &mut Slot, id: Option<&str>) -> Result<(), AudioError> {
        slot.generation += 1;
        let generation = slot.generation;
        let myself = self.myself.clone();
        let on_lost = move || {
            let _ = myself.send(Wish::Failed(direction, generation));
        };
        let (stream, counters, order) = match direction {
            Direction::Capture => {
                let (stream, end) = device::open_capture(id, self.wake.clone(), on_lost)?;
                (stream, Arc::clone(&end.counters), Order::Capture(Some(end)))
            }
            Direction::Playback => {
                let (stream, end) = device::open_playback(id, self.wake.clone(), on_lost)?;
                (stream, Arc::clone(&end.counters), Order::Playback(Some(end)))
            }
        };
        slot.stream = Some(stream);
        slot.counters = Some(counters);
        slot.seen = (0, Instant::now());
        self.tell(order);
        Ok(())
    }

    fn close(&self, direction: Direction, slot: &mut Slot) {
        slot.wanted = None;
        slot.lost = false;
        self.unplug(direction, slot);
    }

    fn lose(&self, direction: Direction, slot: &mut Slot) {
        self.unplug(direction, slot);
        slot.lost = true;
        tracing::warn!(?direction, "a sound device was lost");
        let _ = self.events.send(match direction {
            Direction::Capture => AudioEvent::MicrophoneLost,
            Direction::Playback => AudioEvent::SpeakerLost,
        });
    }

    /// The pipeline goes on by its own clock before the stream is closed, which may take a while.
    fn unplug(&self, direction: Direction, slot: &mut Slot) {
        slot.counters = None;
        let Some(stream) = slot.stream.take() else { return };
        self.tell(match direction {
            Direction::Capture => Order::Capture(None),
            Direction::Playback => Order::Playback(None),
        });
        device::close(stream);
    }

    fn look_after(&self, direction: Direction, slot: &mut Slot) {
        if let Some(counters) = &slot.counters {
            let callbacks = counters.callbacks.load(Ordering::Relaxed);
            if callbacks != slot.seen.0 {
                slot.seen = (callbacks, Instant::now());
            } else if slot.seen.1.elapsed() > SILENT_DEVICE {
                self.lose(direction, slot);
            }
        }
        if !slot.lost {
            return;
        }
        let Some(Wanted(id)) = slot.wanted.clone() else { return };
        if self.open(direction, slot, id.as_deref()).is_ok() {
            slot.lost = false;
            let _ = self.events.send(match direction {
                Direction::Capture => AudioEvent::MicrophoneRestored,
                Direction::Playback => AudioEvent::SpeakerRestored,
            });
        }
    }

    fn tell(&self, order: Order) {
        let _ = self.pipeline.send(order);
        self.wake.unpark();
    }
}
