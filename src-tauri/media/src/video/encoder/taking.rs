//! A peer's part in the encoding.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Shared;
use crate::video::Lowered;
use crate::video::layer::Layer;

/// Pictures that may wait for a peer's task; one that is further behind starts again with a key frame.
const QUEUE: usize = 16;

/// What one peer could use now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wish {
    /// The tile that it is shown in, pixels.
    pub size: (u32, u32),
    /// What its path carries, kbit/s.
    pub allowance_kbps: f64,
    /// Pictures wait to be sent: more would only be late.
    pub busy: bool,
}

/// One coded picture, in payloads of packets.
#[derive(Debug)]
pub(crate) struct PackedUnit {
    /// In order, each at most [`crate::video::rtp::MAX_VIDEO_PAYLOAD`] bytes.
    pub payloads: Vec<Bytes>,
    /// 90 kHz from any fixed moment.
    pub timestamp: u32,
    /// It needs none before it.
    pub key: bool,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What the source has at best for any peer, pixels.
    pub best: (u32, u32),
    /// Frames a second that the layer has at present.
    pub frame_rate: u32,
}

/// What a peer is given.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// A picture of the layer that it was put to.
    Unit(Arc<PackedUnit>, Option<Lowered>),
    /// There is no picture at present: the path carries the voice alone.
    Withheld,
}

/// A handle that keeps a peer among the takers.
#[derive(Debug)]
pub(crate) struct Taking {
    id: u64,
    shared: Arc<Shared>,
    deliveries: mpsc::Receiver<Delivery>,
}

#[derive(Debug)]
pub(super) struct Taker {
    pub id: u64,
    pub wish: Option<Wish>,
    pub deliveries: mpsc::Sender<Delivery>,
    /// The layer whose pictures it is given.
    pub current: Option<Layer>,
    /// The layer that suits it.
    pub assigned: Option<Layer>,
    /// It can go on with a key frame only.
    pub needs_key: bool,
    pub busy_since: Option<Instant>,
    pub withheld: bool,
}

impl Taking {
    /// A new part, and whether the thread has to be started.
    pub(super) fn new(shared: &Arc<Shared>) -> (Self, bool) {
        let (sender, deliveries) = mpsc::channel(QUEUE);
        let mut state = shared.lock();
        let id = state.next_taker;
        state.next_taker += 1;
        state.takers.push(Taker {
            id,
            wish: None,
            deliveries: sender,
            current: None,
            assigned: None,
            needs_key: true,
            busy_since: None,
            withheld: false,
        });
        let start = !std::mem::replace(&mut state.running, true);
        drop(state);
        (Self { id, shared: Arc::clone(shared), deliveries }, start)
    }

    /// What this peer could use from now on; none: nothing.
    pub(crate) fn set_wish(&self, wish: Option<Wish>) {
        let wakes = {
            let mut state = self.shared.lock();
            let Some(taker) = state.takers.iter_mut().find(|taker| taker.id == self.id) else { return };
            let begins = taker.wish.is_none() != wish.is_none();
            if begins {
                (taker.current, taker.assigned, taker.needs_key, taker.withheld) = (None, None, true, false);
            }
            taker.busy_since = match (wish.is_some_and(|wish| wish.busy), taker.busy_since) {
                (false, _) => None,
                (true, since) => since.or_else(|| Some(Instant::now())),
            };
            taker.wish = wish;
            begins
        };
        if wakes {
            self.shared.wake.notify_one();
        }
    }

    /// The peer can't go on without a key frame.
    pub(crate) fn ask_key_frame(&self) {
        if let Some(taker) = self.shared.lock().takers.iter_mut().find(|taker| taker.id == self.id) {
            taker.needs_key = true;
        }
        self.shared.wake.notify_one();
    }

    /// The next picture; none: the encoder is gone.
    pub(crate) async fn next(&mut self) -> Option<Delivery> {
        self.deliveries.recv().await
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.shared.lock().takers.retain(|taker| taker.id != self.id);
        self.shared.wake.notify_one();
    }
}

impl Taker {
    /// Gives a picture, if it can go on with it. `lowered` is what the layer says; being put to a smaller layer than the
    /// tile could use counts too.
    pub(super) fn give(&mut self, layer: Layer, unit: &Arc<PackedUnit>, lowered: Option<Lowered>) {
        let switches = unit.key && self.assigned == Some(layer);
        if switches {
            (self.current, self.needs_key) = (Some(layer), false);
        }
        if self.current != Some(layer) || self.needs_key {
            return;
        }
        self.withheld = false;
        if self.deliveries.try_send(Delivery::Unit(Arc::clone(unit), lowered)).is_err() {
            self.needs_key = true;
        }
    }

    /// Tells once that there is no picture.
    pub(super) fn withhold(&mut self) {
        self.needs_key = true;
        if !self.withheld {
            self.withheld = self.deliveries.try_send(Delivery::Withheld).is_ok();
        }
    }
}
