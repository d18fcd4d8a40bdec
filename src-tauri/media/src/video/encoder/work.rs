//! The encoder's thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::executor::block_on;
use tokio::sync::watch;

use super::assign::{assign, small};
use super::scale::scaled;
use super::taking::{PackedUnit, Taker};
use super::{LayerStats, Shared};
use crate::video::codec::{CodecError, H264Encoder};
use crate::video::layer::{Layer, Plan, fitted, plan};
use crate::video::rtp::{largest_payload, packetise};
use crate::video::{Frame, Picture, VideoQuality};

/// Key frames that peers ask for come no faster than this.
const KEY_PAUSE: Duration = Duration::from_millis(250);
/// A peer that is busy for this long no longer holds the others of its layer back.
const LAGGARD: Duration = Duration::from_millis(400);
/// A size that was too much for the processor is tried again after this long.
const SLOW_PAUSE: Duration = Duration::from_secs(20);
/// Share of the time between two pictures that encoding one may take.
const SLOW_SHARE: f64 = 0.75;

/// Encodes until the encoder is dropped.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut layers = BTreeMap::new();
    let mut input: Option<watch::Receiver<Picture>> = None;
    let mut number = 0;
    loop {
        let idle = {
            let state = shared.lock();
            if state.closed {
                return;
            }
            if state.input_number != number {
                number = state.input_number;
                input.clone_from(&state.input);
                // What is there already is the first picture.
                if let Some(input) = &mut input {
                    input.mark_changed();
                }
            }
            state.takers.iter().all(|taker| taker.wish.is_none())
        };
        if idle {
            layers.clear();
            shared.lock().stats.layers.clear();
        }
        let fresh = match input.as_mut().filter(|_| !idle) {
            None => {
                block_on(shared.wake.notified());
                continue;
            }
            Some(input) => block_on(async {
                futures::select! {
                    changed = input.changed().fuse() => changed.map(|()| true),
                    () = shared.wake.notified().fuse() => Ok(false),
                }
            }),
        };
        let Ok(fresh) = fresh else {
            // The source is gone; the same input will bring nothing more.
            input = None;
            continue;
        };
        let picture = input.as_mut().and_then(|input| input.borrow_and_update().clone());
        if let Some(picture) = picture {
            encode(shared, &mut layers, &picture, fresh);
        }
    }
}

/// One layer's encoder and what it needs to remember.
struct Work {
    plan: Option<Plan>,
    encoder: Option<H264Encoder>,
    started: Instant,
    last_key: Option<Instant>,
    last_at: Option<Instant>,
    last_stamp: Option<u64>,
    due: Option<Instant>,
    /// Smoothed: the time between pictures and that to encode one, s.
    interval: f64,
    took: f64,
    slow_until: Option<Instant>,
    stats: LayerStats,
}

fn encode(shared: &Arc<Shared>, layers: &mut BTreeMap<Layer, Work>, picture: &Arc<Frame>, fresh: bool) {
    for layer in [Layer::Large, Layer::Small] {
        let Some(job) = prepare(shared, layers, layer, picture, fresh) else { continue };
        let Some(work) = layers.get_mut(&layer) else { continue };
        match work.encode(picture, &job) {
            Ok(Some(unit)) => {
                let unit = Arc::new(unit);
                let mut state = shared.lock();
                for taker in state.takers.iter_mut().filter(|taker| taker.wish.is_some()) {
                    taker.give(layer, &unit, job.plan.lowered);
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "a picture could not be encoded");
                work.encoder = None;
            }
        }
    }
    let takers = |state: &[Taker], layer| state.iter().filter(|taker| taker.current == Some(layer)).count();
    let mut state = shared.lock();
    state.stats.layers = layers
        .iter()
        .map(|(&layer, work)| LayerStats { takers: takers(&state.takers, layer), ..work.stats.clone() })
        .collect();
}

struct Job {
    plan: Plan,
    best: (u32, u32),
    key: bool,
}

/// Decides whether and how this picture is encoded for a layer.
fn prepare(
    shared: &Arc<Shared>,
    layers: &mut BTreeMap<Layer, Work>,
    layer: Layer,
    picture: &Frame,
    fresh: bool,
) -> Option<Job> {
    let now = Instant::now();
    let mut state = shared.lock();
    let quality = state.quality;
    let full = fitted((picture.width(), picture.height()), (quality.width, quality.height));
    if layer == Layer::Large {
        // Once for both.
        assign(&mut state.takers, full, &quality);
    }
    let on_layer =
        |taker: &&mut Taker| taker.wish.is_some() && (taker.current == Some(layer) || taker.assigned == Some(layer));
    let mut allowance = f64::INFINITY;
    let mut wants_key = false;
    let mut busy = false;
    let mut tile = (0, 0);
    let mut any = false;
    let several = state.takers.iter_mut().filter(on_layer).count() > 1;
    for taker in state.takers.iter_mut().filter(on_layer) {
        any = true;
        let Some(wish) = taker.wish else { continue };
        if wish.busy {
            if several && taker.busy_since.is_some_and(|since| now > since + LAGGARD) {
                taker.needs_key = true;
                continue;
            }
            busy = true;
        }
        if taker.assigned == Some(layer) {
            allowance = allowance.min(wish.allowance_kbps);
            wants_key |= taker.needs_key || taker.current != Some(layer);
            tile = (tile.0.max(wish.size.0), tile.1.max(wish.size.1));
        }
    }
    if !any {
        layers.remove(&layer);
        return None;
    }
    if !allowance.is_finite() {
        return None;
    }
    let best = full;
    let full = match layer {
        Layer::Large => no_larger_than_seen(full, tile),
        Layer::Small => small(full),
    };
    let work = layers.entry(layer).or_insert_with(|| Work::new(now));
    let slow = work.is_slow(now);
    let Some(plan) = plan(layer, full, &quality, allowance, work.plan.as_ref(), slow) else {
        work.plan = None;
        work.encoder = None;
        for taker in state.takers.iter_mut().filter(on_layer) {
            taker.withhold();
        }
        return None;
    };
    drop(state);
    let key = wants_key && work.last_key.is_none_or(|at| now >= at + KEY_PAUSE);
    let due = key || fresh && work.is_due(now, &plan, &quality);
    if busy || !due {
        return None;
    }
    Some(Job { plan, best, key })
}

/// The large layer, if no tile shows all of it, in the next size up from the largest tile.
fn no_larger_than_seen(full: (u32, u32), tile: (u32, u32)) -> (u32, u32) {
    let three_quarters = (full.0 * 3 / 8 * 2, full.1 * 3 / 8 * 2);
    if tile.0 <= three_quarters.0 && tile.1 <= three_quarters.1 { three_quarters } else { full }
}

impl Work {
    fn new(now: Instant) -> Self {
        Self {
            plan: None,
            encoder: None,
            started: now,
            last_key: None,
            last_at: None,
            last_stamp: None,
            due: None,
            interval: 1.0 / 30.0,
            took: 0.0,
            slow_until: None,
            stats: LayerStats::default(),
        }
    }

    /// Whether encoding takes so long that pictures pile up.
    fn is_slow(&mut self, now: Instant) -> bool {
        if self.took > self.interval * SLOW_SHARE && self.stats.frames > 30 {
            // Measured anew at the smaller size.
            self.took = 0.0;
            self.slow_until = Some(now + SLOW_PAUSE);
            return true;
        }
        if self.slow_until.is_some_and(|until| now >= until) {
            self.slow_until = None;
        }
        false
    }

    /// Whether the pace of the plan has room for a picture now.
    fn is_due(&mut self, now: Instant, plan: &Plan, quality: &VideoQuality) -> bool {
        let pause = Duration::from_secs_f64(1.0 / f64::from(plan.frame_rate.min(quality.frame_rate).max(1)));
        let due = self.due.unwrap_or(now);
        // Pictures come with some jitter; half a pause early is in time.
        if now + pause / 2 < due {
            return false;
        }
        self.due = Some((due + pause).max(now));
        true
    }

    fn encode(&mut self, picture: &Arc<Frame>, job: &Job) -> Result<Option<PackedUnit>, CodecError> {
        let begun = Instant::now();
        if let Some(last) = self.last_at.replace(begun) {
            let interval = begun.saturating_duration_since(last).as_secs_f64().clamp(0.005, 0.5);
            self.interval += (interval - self.interval) * 0.1;
        }
        let plan = &job.plan;
        let frame_rate = (1.0 / self.interval).min(f64::from(plan.frame_rate) * 1.2) as f32;
        let fits = self
            .encoder
            .as_ref()
            .is_some_and(|encoder| (encoder.width(), encoder.height()) == (plan.width, plan.height));
        if !fits {
            self.encoder = Some(H264Encoder::new(plan.width, plan.height, frame_rate, plan.kbps)?);
        }
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        encoder.set_rate(plan.kbps, frame_rate)?;
        self.plan = Some(*plan);
        let stamp = self.stamp(picture.captured_at(), begun);
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        let unit = if (picture.width(), picture.height()) == (plan.width, plan.height) {
            encoder.encode(picture, stamp, job.key)?
        } else {
            let smaller =
                scaled(picture, plan.width, plan.height).map_err(|error| CodecError::Library(error.to_string()))?;
            encoder.encode(&smaller, stamp, job.key)?
        };
        let took = begun.elapsed().as_secs_f64();
        self.took = if self.took == 0.0 { took } else { self.took + (took - self.took) * 0.1 };
        self.stats.width = plan.width;
        self.stats.height = plan.height;
        self.stats.target_kbps = plan.kbps;
        self.stats.encode_ms = self.took * 1000.0;
        let Some(unit) = unit else { return Ok(None) };
        self.stats.frames += 1;
        if unit.key {
            self.stats.key_frames += 1;
            self.last_key = Some(begun);
        }
        Ok(Some(PackedUnit {
            payloads: packetise(unit.nals(), largest_payload(plan.kbps)),
            timestamp: (stamp.wrapping_mul(90)) as u32,
            key: unit.key,
            width: plan.width,
            height: plan.height,
            best: job.best,
            frame_rate: plan.frame_rate,
        }))
    }

    /// When the picture was seen, ms since the layer began; later than that of the one before.
    fn stamp(&mut self, captured_at: Instant, now: Instant) -> u64 {
        let of = |at: Instant| at.saturating_duration_since(self.started).as_millis() as u64 + 1_000;
        let seen = if captured_at < self.started { of(self.started) } else { of(captured_at) };
        let stamp = match self.last_stamp {
            Some(last) if seen <= last => of(now).max(last + 1),
            _ => seen,
        };
        self.last_stamp = Some(stamp);
        stamp
    }
}
