//! Short bursts at a higher rate, which find out whether the path carries more.

use std::time::{Duration, Instant};

/// A burst lasts this long, but has at least so many packets.
const LENGTH: Duration = Duration::from_millis(25);
pub(crate) const PACKETS: usize = 6;
/// Overhead beside the payload of a packet that only fills, bytes; and the largest.
const LARGEST: usize = 1_100;
const SMALLEST: usize = 250;
/// The answer is awaited for at most this long beyond the round trip.
const PATIENCE: Duration = Duration::from_millis(250);
/// Pauses between bursts while the path carries less than is needed.
const PAUSE_LEAST: Duration = Duration::from_millis(1_500);
const PAUSE_MOST: Duration = Duration::from_secs(4);

/// What came of a burst that filled the path, so much of it is believed: the voice needs some, and a queue a chance to empty.
const FILLED: f64 = 0.88;
/// After such a one nothing more is to be found out for a while.
const PAUSE_FILLED: Duration = Duration::from_secs(3);

/// A burst to send: packets of `packet_bytes` until `bytes` are out, at `kbps`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Its number, for [`super::Controller::send`].
    pub id: u32,
    /// kbit/s.
    pub kbps: f64,
    /// Together, bytes.
    pub bytes: usize,
    /// Each packet, bytes.
    pub packet_bytes: usize,
}

/// What came of a burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carried {
    /// What the path is thought to carry, kbit/s. Zero: too little came back to tell.
    pub kbps: f64,
    /// It came slower than it left: the path has no more to give.
    pub filled: bool,
}

#[derive(Debug)]
pub struct Prober {
    next_id: u32,
    running: Option<Running>,
    pause: Duration,
    not_before: Instant,
    /// Bursts that start a connection: three and six times the start.
    first: u32,
}

#[derive(Debug)]
struct Running {
    id: u32,
    started: Instant,
    until: Instant,
    bytes: usize,
    sent: Vec<(Instant, usize)>,
    came: Vec<(Duration, usize)>,
    lost: usize,
}

impl Prober {
    pub fn new(now: Instant) -> Self {
        Self { next_id: 1, running: None, pause: PAUSE_LEAST, not_before: now, first: 0 }
    }

    /// A burst, if it is time for one and more is needed than the path is known to carry.
    pub fn next(&mut self, now: Instant, kbps: f64, need: f64, round_trip: Duration) -> Option<Probe> {
        if self.running.is_some() || now < self.not_before || kbps >= need * 0.98 {
            return None;
        }
        let factor = if self.first < 2 { 3.0 } else { 2.0 };
        let rate = (kbps * factor).min(need * 1.05).max(kbps * 1.1);
        let bytes = ((rate * 125.0 * LENGTH.as_secs_f64()) as usize).max(PACKETS * SMALLEST);
        let packet_bytes = (bytes / PACKETS).clamp(SMALLEST, LARGEST);
        let bytes = bytes.max(packet_bytes * PACKETS);
        let id = self.next_id;
        self.next_id += 1;
        self.first += 1;
        let takes = Duration::from_secs_f64(bytes as f64 / (rate * 125.0));
        self.running = Some(Running {
            id,
            started: now,
            until: now + takes + round_trip + PATIENCE,
            bytes,
            sent: Vec::new(),
            came: Vec::new(),
            lost: 0,
        });
        Some(Probe { id, kbps: rate, bytes, packet_bytes })
    }

    /// A packet of a burst arrived.
    pub fn came(&mut self, id: u32, sent: Instant, arrived: Duration, bytes: usize) {
        if let Some(running) = self.running.as_mut().filter(|running| running.id == id) {
            running.sent.push((sent, bytes));
            running.came.push((arrived, bytes));
        }
    }

    /// A packet of a burst did not arrive.
    pub fn lost(&mut self, id: u32) {
        if let Some(running) = self.running.as_mut().filter(|running| running.id == id) {
            running.lost += 1;
        }
    }

    /// What the path carried of the burst, once that is known.
    pub fn outcome(&mut self, now: Instant) -> Option<Carried> {
        let running = self.running.as_ref()?;
        let known: usize = running.came.iter().map(|&(_, bytes)| bytes).sum();
        let told = running.came.len() + running.lost;
        let whole = told >= PACKETS && known + running.lost * known / running.came.len().max(1) >= running.bytes;
        if !whole && now < running.until {
            return None;
        }
        let running = self.running.take()?;
        tracing::trace!(id = running.id, took = ?now.saturating_duration_since(running.started), "a probe is over");
        if running.came.len() < PACKETS - 2 || running.lost > running.came.len() {
            return Some(Carried { kbps: 0.0, filled: false });
        }
        let sent =
            rate(running.sent.iter().map(|&(at, bytes)| (at.saturating_duration_since(running.started), bytes)))?;
        let came = rate(running.came.iter().copied()).unwrap_or(f64::INFINITY);
        let filled = came < sent * 0.9;
        Some(Carried { kbps: if filled { came * FILLED } else { sent.min(came) }, filled })
    }

    /// It showed more than was known. One that did not fill the path is followed by the next at once.
    pub fn succeeded(&mut self, now: Instant, filled: bool) {
        self.pause = PAUSE_LEAST;
        self.not_before = now + if filled { PAUSE_FILLED } else { Duration::from_millis(100) };
        if filled {
            self.first = self.first.max(2);
        }
    }

    /// A queue was seen: what runs tells nothing, and the next one waits until it is gone.
    pub fn postpone(&mut self, now: Instant) {
        self.running = None;
        self.not_before = self.not_before.max(now + PAUSE_LEAST);
        self.first = self.first.max(2);
    }

    pub fn failed(&mut self, now: Instant) {
        self.running = None;
        self.not_before = now + self.pause;
        self.pause = (self.pause * 3 / 2).min(PAUSE_MOST);
        self.first = self.first.max(2);
    }
}

/// kbit/s from the first of some packets to the last.
fn rate(packets: impl Iterator<Item = (Duration, usize)>) -> Option<f64> {
    let mut packets: Vec<_> = packets.collect();
    packets.sort_unstable();
    let (first, last) = (packets.first()?.0, packets.last()?.0);
    let seconds = last.saturating_sub(first).as_secs_f64();
    let bytes: usize = packets.iter().skip(1).map(|&(_, bytes)| bytes).sum();
    (seconds > 0.0005).then(|| bytes as f64 / 125.0 / seconds)
}
