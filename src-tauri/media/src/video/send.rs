//! One peer's share of our pictures on their way out: queued, paced, kept for repetition.

mod repeats;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::congestion::{Acknowledged, Controller, LEAST_KBPS, PROBE_PACKETS};
use super::layer::LEAST_PICTURE_KBPS;

/// Headers and authentication beside each payload, bytes: IP, UDP, RTP with its extension, SRTP.
const OVERHEAD: usize = 28 + 20 + 10;
/// Packets kept for repetition: more than two seconds of the best picture.
const KEPT: usize = 1_024;
/// How much faster than the average a picture leaves, so that a large one does not hold the next ones up.
const PACE: f64 = 1.1;
/// The same where the path is known to carry more than is needed: a picture is the sooner there.
const AMPLE_PACE: f64 = 2.5;
/// Packets that may leave together.
const BURST: Duration = Duration::from_millis(3);
/// A queue of pictures that takes longer than this to leave keeps the encoder from making more.
const BUSY: Duration = Duration::from_millis(90);
/// And one that takes longer than this is thrown away, up to the next key frame.
const HOPELESS: Duration = Duration::from_millis(300);
/// A key frame gets more time: the next one would be no smaller.
const HOPELESS_KEY: Duration = Duration::from_millis(2_500);
/// While too much is under way, one packet leaves so often all the same.
const CHOKED_PAUSE: Duration = Duration::from_millis(60);
/// While nothing comes back, one packet leaves so often, to find out when something does.
const STALLED_PAUSE: Duration = Duration::from_millis(200);

/// One packet to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// RTP sequence number of the packet, or of the one that it repeats.
    pub sequence: u16,
    /// RTP timestamp, 90 kHz.
    pub timestamp: u32,
    /// The last packet of its picture.
    pub marker: bool,
    /// At most [`super::rtp::MAX_VIDEO_PAYLOAD`] bytes.
    pub payload: Bytes,
    /// It was sent before.
    pub repeats: bool,
    /// Its number across the transport.
    pub transport: u16,
}

#[derive(Debug, Clone)]
struct Packet {
    sequence: u16,
    timestamp: u32,
    marker: bool,
    payload: Bytes,
    repeated: u8,
    repeated_at: Option<Instant>,
}

#[derive(Debug)]
struct Burst {
    id: u32,
    kbps: f64,
    left: usize,
    packets: usize,
    packet_bytes: usize,
}

/// Counters of one sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SentCounts {
    /// Packets, without repetitions.
    pub packets: u64,
    /// Repetitions that were asked for.
    pub repeats: u64,
    /// Bytes of payload, repetitions and bursts included.
    pub bytes: u64,
}

/// Paces packets of pictures to one peer. It has no clock of its own.
#[derive(Debug)]
pub struct Sender {
    controller: Controller,
    queue: VecDeque<Packet>,
    queued_bytes: usize,
    /// How many of the packets in front belong to a key frame.
    key_left: usize,
    kept: VecDeque<Packet>,
    repeats: VecDeque<u16>,
    sequence: u16,
    /// Where the newest key frame begins: nothing before it is worth repeating; and since when it is on its way.
    useful_from: Option<u16>,
    key_since: Option<Instant>,
    /// The line is free again at this moment.
    free_at: Instant,
    left_at: Option<Instant>,
    /// Bytes that repetitions may take, and when that was reckoned last.
    repeat_budget: f64,
    repeat_at: Instant,
    burst: Option<Burst>,
    can_repeat: bool,
    /// The peer tells what came; else the time at which the first packet left stands in for its clock.
    reported: bool,
    began: Instant,
    /// Of the rate that the path is thought to carry.
    pace: f64,
    counts: SentCounts,
}

impl Sender {
    /// A sender whose first packet has this sequence number. Without `can_repeat` nothing is sent twice, since the peer
    /// would not understand it (RFC 4588 was not agreed on).
    pub fn new(now: Instant, first_sequence: u16) -> Self {
        Self {
            controller: Controller::new(now),
            queue: VecDeque::new(),
            queued_bytes: 0,
            key_left: 0,
            kept: VecDeque::new(),
            repeats: VecDeque::new(),
            sequence: first_sequence,
            useful_from: None,
            key_since: None,
            free_at: now,
            left_at: None,
            repeat_budget: 0.0,
            repeat_at: now,
            burst: None,
            can_repeat: false,
            reported: true,
            began: now,
            pace: PACE,
            counts: SentCounts::default(),
        }
    }

    /// Whether the peer takes repetitions.
    pub fn set_can_repeat(&mut self, can: bool) {
        self.can_repeat = can;
    }

    /// Whether the peer tells what came of the packets numbered across the transport. Where it does not, as with some media
    /// servers, nothing can be known of the path: it gets what the settings allow.
    pub fn set_reported(&mut self, reported: bool) {
        self.reported = reported;
    }

    /// More than this can't be used, kbit/s.
    pub fn set_need(&mut self, kbps: f64) {
        self.controller.set_need(kbps);
    }

    /// Queues one picture. A `key` frame makes what waits, and what is missing before it, of no more use.
    pub fn push(&mut self, now: Instant, timestamp: u32, payloads: &[Bytes], key: bool) {
        if key {
            self.clear();
            self.useful_from = Some(self.sequence);
            self.key_since = Some(now);
            self.key_left = payloads.len();
        }
        let last = payloads.len().saturating_sub(1);
        for (index, payload) in payloads.iter().enumerate() {
            self.queued_bytes += payload.len() + OVERHEAD;
            let packet = Packet {
                sequence: self.sequence,
                timestamp,
                marker: index == last,
                payload: payload.clone(),
                repeated: 0,
                repeated_at: None,
            };
            self.sequence = self.sequence.wrapping_add(1);
            self.queue.push_back(packet);
        }
    }

    /// Whether a peer that asks for a key frame now can mean another than the one on its way: within a round trip it can't
    /// have seen any of that, so it asked before, or twice.
    pub fn owes_key_frame(&self, now: Instant) -> bool {
        let (since, round_trip) = (self.key_since, self.controller.least_round_trip());
        since.zip(round_trip).is_none_or(|(since, round_trip)| now >= since + round_trip)
    }

    /// The next packet, if one may leave now.
    pub fn poll(&mut self, now: Instant) -> Option<Outgoing> {
        self.controller.tick(now);
        self.pace = if self.controller.is_ample(now) { AMPLE_PACE } else { PACE };
        if now + BURST < self.free_at {
            return None;
        }
        if self.burst.is_none() && (self.can_repeat && !self.kept.is_empty() || self.queue.len() > 4) {
            self.burst = self.controller.probe(now).map(|probe| Burst {
                id: probe.id,
                kbps: probe.kbps,
                left: probe.bytes,
                packets: PROBE_PACKETS,
                packet_bytes: probe.packet_bytes,
            });
        }
        let choked = self.controller.is_choked() && !self.controller.is_stalled();
        // One packet now and then brings the report that the peer may have sent in vain.
        if choked && self.left_at.is_some_and(|at| now < at + CHOKED_PAUSE) {
            // The peer's next report opens the window; look again soon.
            self.free_at = now + BURST + Duration::from_millis(5);
            return None;
        }
        self.repeat(now).or_else(|| self.fresh(now)).or_else(|| self.fill(now))
    }

    /// When [`Sender::poll`] may have something, as far as time alone decides.
    pub fn next_look(&self) -> Option<Instant> {
        let something = !self.queue.is_empty() || !self.repeats.is_empty() || self.burst.is_some();
        something.then(|| self.free_at.checked_sub(BURST).unwrap_or(self.free_at))
    }

    /// The peer tells what came.
    pub fn acknowledge(&mut self, now: Instant, told: &[Acknowledged]) {
        self.controller.acknowledge(now, told);
    }

    /// What the pictures themselves may take, kbit/s: what may be sent, less what repetitions take.
    pub fn allowance_kbps(&self) -> f64 {
        let repeats = self.controller.loss().min(0.4);
        // In a silence nothing is known; the encoder waits because the sender is busy, and goes on where it was.
        let silent = self.controller.is_stalled();
        let kbps = if silent { self.controller.estimate_kbps() } else { self.controller.target_kbps() };
        let kbps = kbps * (1.0 - repeats) * 0.95;
        // Where pictures alone find out what the path carries, giving them up would be for good.
        if silent || !self.can_repeat { kbps.max(LEAST_PICTURE_KBPS * 2.0) } else { kbps }
    }

    /// What the path is thought to carry, kbit/s.
    pub fn estimate_kbps(&self) -> f64 {
        self.controller.estimate_kbps()
    }

    /// The controller, for what it measured.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// More pictures would only wait. In a silence one is wanted as soon as there is nothing to send: what leaves is how the
    /// end of the silence is found out.
    pub fn is_busy(&self) -> bool {
        if self.controller.is_stalled() { !self.queue.is_empty() } else { self.waiting() > BUSY }
    }

    /// Throws away what waits if it can't arrive in time any more. Answers whether it did: a key frame must come next.
    pub fn drop_hopeless(&mut self) -> bool {
        if self.controller.is_stalled() {
            return self.keep_one();
        }
        // What was sent before a path became narrow is lost or late, and what builds on it waits for nothing.
        let overfull = self.controller.take_overfull() && self.key_left == 0;
        if !overfull && self.waiting() < if self.key_left > 0 { HOPELESS_KEY } else { HOPELESS } {
            return false;
        }
        self.clear();
        true
    }

    /// Throws away what waits but for one packet, which asks whether somebody is there. Answers whether there was more.
    fn keep_one(&mut self) -> bool {
        if self.queue.len() < 2 {
            return false;
        }
        let first = self.queue.pop_front();
        self.clear();
        self.queued_bytes = first.as_ref().map_or(0, |first| first.payload.len() + OVERHEAD);
        self.queue.extend(first);
        true
    }

    /// Throws away what waits.
    pub fn clear(&mut self) {
        // Sequence numbers that were given out but never used would look like losses to the peer.
        if let Some(first) = self.queue.front() {
            self.sequence = first.sequence;
        }
        self.queue.clear();
        self.queued_bytes = 0;
        self.key_left = 0;
        self.repeats.clear();
        self.burst = None;
    }

    /// What was sent since the start.
    pub fn counts(&self) -> SentCounts {
        self.counts
    }

    fn waiting(&self) -> Duration {
        // What is to be repeated is of about full size.
        let bytes = self.queued_bytes + self.repeats.len() * 1_000;
        Duration::from_secs_f64(bytes as f64 / (self.pace_kbps() * 125.0))
    }

    /// Never faster than the path carries.
    fn pace_kbps(&self) -> f64 {
        self.controller.target_kbps().max(LEAST_KBPS) * self.pace
    }

    fn fresh(&mut self, now: Instant) -> Option<Outgoing> {
        let packet = self.queue.pop_front()?;
        self.queued_bytes = self.queued_bytes.saturating_sub(packet.payload.len() + OVERHEAD);
        self.counts.packets += 1;
        self.key_left = self.key_left.saturating_sub(1);
        let outgoing = self.leave(now, &packet, false);
        self.kept.push_back(packet);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        Some(outgoing)
    }

    /// Fills a burst up with repetitions of what the peer has, of about the size that the burst wants.
    fn fill(&mut self, now: Instant) -> Option<Outgoing> {
        let burst = self.burst.as_ref()?;
        if !self.can_repeat {
            self.burst = None;
            return None;
        }
        let wanted = burst.packet_bytes;
        let nearest =
            self.kept.iter().rev().take(64).min_by_key(|packet| packet.payload.len().abs_diff(wanted)).cloned();
        let Some(packet) = nearest else {
            self.burst = None;
            return None;
        };
        Some(self.leave(now, &packet, true))
    }

    fn leave(&mut self, now: Instant, packet: &Packet, repeats: bool) -> Outgoing {
        let bytes = packet.payload.len() + OVERHEAD;
        let (kbps, probe) = match &mut self.burst {
            Some(burst) => {
                let (kbps, id) = (burst.kbps, burst.id);
                burst.left = burst.left.saturating_sub(bytes);
                burst.packets = burst.packets.saturating_sub(1);
                if burst.left == 0 && burst.packets == 0 {
                    self.burst = None;
                }
                (kbps, Some(id))
            }
            None => (self.pace_kbps(), None),
        };
        let takes = if self.controller.is_stalled() {
            STALLED_PAUSE
        } else {
            Duration::from_secs_f64(bytes as f64 / (kbps * 125.0))
        };
        // A line that stood idle has no right to make up for it.
        self.free_at = self.free_at.max(now) + takes;
        self.left_at = Some(now);
        self.counts.bytes += packet.payload.len() as u64;
        let transport = self.controller.send(bytes, now, probe);
        if !self.reported {
            let arrived = Some(now.saturating_duration_since(self.began));
            self.controller.acknowledge(now, &[Acknowledged { sequence: transport, arrived }]);
        }
        Outgoing {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: packet.payload.clone(),
            repeats,
            transport,
        }
    }

    fn find(&self, sequence: u16) -> Option<&Packet> {
        self.kept.get(self.place(sequence)?)
    }

    fn find_mut(&mut self, sequence: u16) -> Option<&mut Packet> {
        let place = self.place(sequence)?;
        self.kept.get_mut(place)
    }

    fn place(&self, sequence: u16) -> Option<usize> {
        let newest = self.kept.back()?;
        self.kept.len().checked_sub(1 + usize::from(newest.sequence.wrapping_sub(sequence)))
    }
}

#[cfg(test)]
mod tests;
