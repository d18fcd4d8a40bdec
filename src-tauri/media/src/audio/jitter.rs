//! The jitter buffer: turns packets that come when they like into voice that never stops.
//!
//! It is pure: time comes in from outside, so that a test can run an hour of calls in a second. All positions are
//! samples at 48 kHz, the clock of Opus' RTP timestamps (RFC 7587 §4.1).

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;

use super::arrival::Arrivals;
use super::opus::{self, Decoder, MAX_PACKET_SAMPLES, OpusError};
use super::stretch;

/// The most packets kept: 4 s of 20 ms frames, far above the longest target.
const MAX_PACKETS: usize = 200;
/// No Opus packet for one frame size is longer (RFC 6716 §3.4, 1275 bytes a frame); what is longer is not for us.
const MAX_PAYLOAD: usize = 4_000;
/// Sequence jumps allowed before the stream counts as a new one (RFC 3550 A.1).
const MAX_DROPOUT: i64 = 3_000;
const MAX_MISORDER: i64 = 100;
/// A packet this much too early (1 s) or too late (10 s) comes from a clock that jumped.
const TOO_EARLY: i64 = 48_000;
const TOO_LATE: i64 = 480_000;
/// Concealment is made in steps of 10 ms, and given up after 200 ms without any packet.
const CONCEAL_STEP: i64 = 480;
const STALL: i64 = 9_600;
/// libopus conceals multiples of 2.5 ms.
const GRAIN: i64 = 120;
/// Delay above the target that is left alone (6 ms), and below it (5 ms).
const SLACK_ABOVE: i64 = 288;
const SLACK_BELOW: i64 = 240;
/// Delay above the target that is skipped rather than played faster: 500 ms.
const SKIP: i64 = 24_000;
/// Pulls (10 ms each) whose earliest decides what the delay is.
const DELAY_WINDOW: usize = 32;

/// A voice packet as it came from the network.
#[derive(Debug, Clone)]
pub struct RtpVoicePacket {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp, 48 kHz.
    pub timestamp: u32,
    /// The Opus packet.
    pub payload: Bytes,
    /// When it was read from the network.
    pub arrived: Instant,
}

/// What the jitter buffer counted; times in samples at 48 kHz.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JitterStats {
    /// Packets taken in, without duplicates and damaged ones.
    pub received: u64,
    /// Packets that were not there when their turn came (late ones are among them).
    pub lost: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Payloads that are not Opus, or far too long.
    pub malformed: u64,
    /// Lost frames rebuilt from the packet after them.
    pub fec_recovered: u64,
    /// Samples played.
    pub played: u64,
    /// Samples made up because a packet was missing (pauses of the speaker do not count).
    pub concealed: u64,
    /// Samples taken out to catch up.
    pub shortened: u64,
    /// Samples put in to wait.
    pub lengthened: u64,
    /// Packets thrown away unplayed to catch up at once after a stall.
    pub skipped: u64,
    /// Times that the sender's sequence or clock jumped.
    pub restarts: u64,
    /// How long a packet without network delay waits before it is heard.
    pub delay: i64,
    /// How long it should wait.
    pub target: i64,
}

#[derive(Debug)]
struct Packet {
    timestamp: i64,
    samples: i64,
    payload: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing heard yet: digital silence.
    Unheard,
    /// The speaker pauses, or the network has stalled: comfort noise until the next packet is due.
    Pause,
    /// Voice.
    Playing,
}

/// One remote voice, from packets to samples.
#[derive(Debug)]
pub struct JitterBuffer {
    decoder: Decoder,
    packets: BTreeMap<i64, Packet>,
    arrivals: Arrivals,
    epoch: Option<Instant>,
    /// Sequence number and timestamp, unwrapped, of the newest packet.
    newest: Option<(i64, i64)>,
    /// The sequence number that would make a suspicious stream a new one.
    suspect: Option<u16>,
    state: State,
    /// Timestamp of the next sample to decode, and the sequence number last decoded.
    next: i64,
    last: Option<i64>,
    /// Samples made up since `next` because nothing came.
    waited: i64,
    /// Which of the 128 sequence numbers up to `last` were decoded; bit 0 is `last`.
    heard: u128,
    last_was_dtx: bool,
    decoded: VecDeque<f32>,
    /// For the last pulls: when a sample is played, less its timestamp.
    delays: VecDeque<i64>,
    since_stretch: u32,
    loss: f32,
    fec_seen: bool,
    spoken: bool,
    frame: i64,
    scratch: Vec<f32>,
    stats: JitterStats,
}

impl JitterBuffer {
    /// An empty buffer. Errors when libopus has no memory for a decoder.
    pub fn new() -> Result<Self, OpusError> {
        Ok(Self {
            decoder: Decoder::new()?,
            packets: BTreeMap::new(),
            arrivals: Arrivals::default(),
            epoch: None,
            newest: None,
            suspect: None,
            state: State::Unheard,
            next: 0,
            last: None,
            waited: 0,
            heard: 0,
            last_was_dtx: false,
            decoded: VecDeque::with_capacity(4 * MAX_PACKET_SAMPLES),
            delays: VecDeque::with_capacity(DELAY_WINDOW),
            since_stretch: 0,
            loss: 0.0,
            fec_seen: false,
            spoken: false,
            frame: opus::FRAME_SAMPLES as i64,
            scratch: vec![0.0; MAX_PACKET_SAMPLES],
            stats: JitterStats::default(),
        })
    }

    /// Takes in a packet, in whatever order they come.
    pub fn push(&mut self, packet: RtpVoicePacket) {
        let Some(samples) = opus::packet_samples(&packet.payload).ok().filter(|_| packet.payload.len() <= MAX_PAYLOAD)
        else {
            self.stats.malformed += 1;
            return;
        };
        let at = self.samples_at(packet.arrived);
        let (mut sequence, mut timestamp) = self.unwrap(packet.sequence, packet.timestamp);
        if self.is_foreign(at, sequence, timestamp) {
            if self.suspect != Some(packet.sequence) {
                // One stray packet is not a new stream; the next in its row is (RFC 3550 A.1).
                self.suspect = Some(packet.sequence.wrapping_add(1));
                return;
            }
            self.restart();
            (sequence, timestamp) = self.unwrap(packet.sequence, packet.timestamp);
        }
        self.suspect = None;
        if self.packets.contains_key(&sequence) {
            self.stats.duplicates += 1;
            return;
        }
        if let Some(last) = self.last.filter(|last| sequence <= *last) {
            if (last - sequence) < 128 && self.heard >> (last - sequence) & 1 == 1 {
                self.stats.duplicates += 1;
            } else {
                self.stats.late += 1;
                self.stats.received += 1;
                self.arrivals.record(at, timestamp);
            }
            return;
        }
        self.stats.received += 1;
        self.arrivals.record(at, timestamp);
        if self.newest.is_none_or(|(newest, _)| sequence > newest) {
            self.newest = Some((sequence, timestamp));
        }
        if self.state == State::Playing && timestamp < self.next {
            // Its place has been concealed already.
            self.stats.late += 1;
            return;
        }
        self.fec_seen |= opus::packet_has_fec(&packet.payload);
        self.frame = i64::from(samples);
        self.packets.insert(sequence, Packet { timestamp, samples: i64::from(samples), payload: packet.payload });
        while self.packets.len() > MAX_PACKETS {
            self.packets.pop_first();
            self.stats.skipped += 1;
        }
    }

    /// Fills `out` (10 ms: 480 samples) with what is to be heard from `now` on.
    pub fn pull(&mut self, now: Instant, out: &mut [f32]) {
        let now = self.samples_at(now);
        while self.decoded.len() < out.len() {
            match self.state {
                State::Unheard | State::Pause => self.wait(now, out.len()),
                State::Playing => self.advance(),
            }
        }
        if self.state == State::Playing {
            self.steer(now, out.len());
        }
        for sample in out.iter_mut() {
            *sample = self.decoded.pop_front().unwrap_or(0.0);
        }
        self.stats.played += out.len() as u64;
        self.stats.target = self.target();
    }

    /// What was counted so far.
    pub fn stats(&self) -> JitterStats {
        self.stats
    }

    /// Whether a frame that came from the network has been decoded.
    pub fn has_spoken(&self) -> bool {
        self.spoken
    }

    fn target(&self) -> i64 {
        // Waiting one frame more lets the packet after a lost one arrive, which carries a copy of it.
        self.arrivals.target(if self.fec_seen && self.loss > 0.015 { self.frame } else { 0 })
    }

    /// Before the first packet of a spurt is due: silence or comfort noise; then the voice starts to the sample.
    fn wait(&mut self, now: i64, wanted: usize) {
        let missing = (wanted - self.decoded.len()) as i64;
        let due = |timestamp: i64, buffer: &Self| {
            timestamp + buffer.arrivals.fastest().unwrap_or(0) + buffer.target() - now - buffer.decoded.len() as i64
        };
        // After a stall much may have come at once: begin with what is still worth hearing.
        while self.packets.len() > 1
            && self.packets.first_key_value().is_some_and(|(_, p)| due(p.timestamp, self) + p.samples < -SLACK_ABOVE)
        {
            self.packets.pop_first();
            self.stats.skipped += 1;
        }
        let Some((sequence, timestamp)) = self.packets.first_key_value().map(|(s, p)| (*s, p.timestamp)) else {
            return self.fill_pause(missing);
        };
        let wait = due(timestamp, self);
        if wait > 0 {
            return self.fill_pause(wait.min(missing));
        }
        self.count_loss(sequence);
        self.turn_over(sequence - 1, false);
        self.next = timestamp;
        self.waited = 0;
        self.delays.clear();
        self.state = State::Playing;
    }

    /// One step of voice: the next packet, what replaces it, or the beginning of a pause.
    fn advance(&mut self) {
        let Some((sequence, timestamp, samples)) =
            self.packets.first_key_value().map(|(s, p)| (*s, p.timestamp, p.samples))
        else {
            if self.last_was_dtx || self.waited >= STALL {
                self.state = State::Pause;
            } else {
                // Nothing to jump over to: the packet may only be slow, so time stands still for the stream.
                self.waited += CONCEAL_STEP;
                self.conceal(CONCEAL_STEP);
            }
            return;
        };
        if self.last.is_some_and(|last| sequence == last + 1) && timestamp > self.next {
            // Nothing was lost and still time has passed: the sender was silent (DTX).
            self.state = State::Pause;
            return;
        }
        let covered = self.waited.min((timestamp - self.next).max(0));
        self.next += covered;
        self.waited = 0;
        let gap = timestamp - self.next;
        if gap <= 0 {
            self.decode_first();
        } else if gap <= samples && self.rebuild(gap) {
            self.next = timestamp;
        } else {
            let step = gap.min(CONCEAL_STEP);
            self.next += step;
            self.conceal(round_up(step));
        }
    }

    fn decode_first(&mut self) {
        let Some((sequence, packet)) = self.packets.pop_first() else { return };
        self.count_loss(sequence);
        self.turn_over(sequence, true);
        self.next = packet.timestamp + packet.samples;
        self.last_was_dtx = packet.payload.len() <= 2;
        let room = usize::try_from(packet.samples).unwrap_or(MAX_PACKET_SAMPLES).min(MAX_PACKET_SAMPLES);
        if let Ok(samples) = self.decoder.decode(&packet.payload, &mut self.scratch[..room]) {
            self.decoded.extend(&self.scratch[..samples]);
            self.spoken = true;
        } else {
            self.stats.malformed += 1;
            self.conceal(round_up(packet.samples));
        }
    }

    /// Rebuilds the last `gap` samples before the first waiting packet from the copy that it carries.
    fn rebuild(&mut self, gap: i64) -> bool {
        let Some((_, packet)) = self.packets.first_key_value() else { return false };
        if packet.samples % GRAIN != 0 || !opus::packet_has_fec(&packet.payload) {
            return false;
        }
        let room = usize::try_from(packet.samples).unwrap_or(0).min(MAX_PACKET_SAMPLES);
        let gap = usize::try_from(gap).unwrap_or(0).min(room);
        let Ok(samples) = self.decoder.decode_fec(&packet.payload, &mut self.scratch[..room]) else { return false };
        // When its beginning has been concealed meanwhile, only the rest is wanted, faded in over the concealment.
        let overlap = (samples - gap).min(GRAIN as usize).min(self.decoded.len());
        if overlap > 0 {
            stretch::join(&mut self.decoded, &self.scratch[samples - gap - overlap..samples], overlap);
        } else {
            self.decoded.extend(&self.scratch[samples - gap..samples]);
        }
        self.stats.fec_recovered += 1;
        true
    }

    fn conceal(&mut self, samples: i64) {
        self.stats.concealed += samples as u64;
        self.make_up(samples);
    }

    fn fill_pause(&mut self, samples: i64) {
        if self.state == State::Unheard {
            self.decoded.extend(std::iter::repeat_n(0.0, samples as usize));
        } else {
            self.make_up(round_up(samples));
        }
    }

    fn make_up(&mut self, samples: i64) {
        let samples = usize::try_from(samples).unwrap_or(0).min(MAX_PACKET_SAMPLES);
        let made = self.decoder.conceal(&mut self.scratch[..samples]).unwrap_or(0);
        self.scratch[made..samples].fill(0.0);
        self.decoded.extend(&self.scratch[..samples]);
    }

    /// Brings the delay towards its target by playing a little faster or slower.
    fn steer(&mut self, now: i64, wanted: usize) {
        if self.delays.len() == DELAY_WINDOW {
            self.delays.pop_front();
        }
        self.delays.push_back(now + self.decoded.len() as i64 - self.next);
        self.since_stretch += 1;
        let (Some(fastest), Some(earliest)) = (self.arrivals.fastest(), self.delays.iter().min()) else { return };
        let delay = earliest - fastest;
        self.stats.delay = delay;
        let excess = delay - self.target();
        if excess > SKIP {
            self.state = State::Pause;
            return;
        }
        let (often, alike) = match excess.abs() {
            0..1_920 => (10, 0.85),
            1_920..4_800 => (4, 0.6),
            _ => (2, 0.3),
        };
        if self.since_stretch < often || self.delays.len() < 8 {
            return;
        }
        if excess > SLACK_ABOVE {
            while self.decoded.len() < wanted + 2 * stretch::MAX_LAG
                && self.packets.first_key_value().is_some_and(|(_, p)| p.timestamp == self.next)
            {
                self.decode_first();
            }
            let samples = self.decoded.make_contiguous();
            // Enough must stay for this pull.
            let longest = usize::try_from(excess).unwrap_or(0).min(samples.len() - wanted);
            let Some(found) = stretch::find_period(samples, longest) else { return };
            if found.likeness >= alike && stretch::shorten(&mut self.decoded, found.lag) {
                self.stats.shortened += found.lag as u64;
                self.stretched(-(found.lag as i64));
            }
        } else if excess < -SLACK_BELOW && self.waited == 0 {
            let longest = usize::try_from(-excess).unwrap_or(0) + GRAIN as usize;
            let Some(found) = stretch::find_period(self.decoded.make_contiguous(), longest) else { return };
            if found.likeness >= alike && stretch::lengthen(&mut self.decoded, found.lag) {
                self.stats.lengthened += found.lag as u64;
                self.stretched(found.lag as i64);
            }
        }
    }

    fn stretched(&mut self, by: i64) {
        self.since_stretch = 0;
        for delay in &mut self.delays {
            *delay += by;
        }
    }

    /// The turn of `sequence` is over, and so is that of all before it.
    fn turn_over(&mut self, sequence: i64, heard: bool) {
        let by = self.last.map_or(128, |last| (sequence - last).clamp(0, 128)) as u32;
        self.heard = self.heard.checked_shl(by).unwrap_or(0) | u128::from(heard && by > 0);
        self.last = Some(sequence);
    }

    fn count_loss(&mut self, sequence: i64) {
        let Some(last) = self.last else { return };
        let lost = (sequence - last - 1).max(0);
        self.stats.lost += lost as u64;
        for _ in 0..lost.min(50) {
            self.loss += (1.0 - self.loss) * 0.01;
        }
        self.loss -= self.loss * 0.01;
    }

    /// Unwraps both counters around the newest packet.
    fn unwrap(&self, sequence: u16, timestamp: u32) -> (i64, i64) {
        let Some((newest, newest_timestamp)) = self.newest else {
            // Far from zero, so that packets before the first one stay positive.
            return ((1 << 20) + i64::from(sequence), (1 << 40) + i64::from(timestamp));
        };
        let step = sequence.wrapping_sub(newest as u16).cast_signed();
        let time = timestamp.wrapping_sub(newest_timestamp as u32).cast_signed();
        (newest + i64::from(step), newest_timestamp + i64::from(time))
    }

    /// Whether the packet can't belong to the stream so far.
    fn is_foreign(&self, at: i64, sequence: i64, timestamp: i64) -> bool {
        let Some((newest, newest_timestamp)) = self.newest else { return false };
        let (step, time) = (sequence - newest, timestamp - newest_timestamp);
        if !(-MAX_MISORDER..=MAX_DROPOUT).contains(&step) || (step > 0 && time <= 0) || (step < 0 && time >= 0) {
            return true;
        }
        let Some(fastest) = self.arrivals.fastest() else { return false };
        !(-TOO_EARLY..=TOO_LATE).contains(&(at - timestamp - fastest))
    }

    /// A new stream begins in the same voice: another encoder, other counters.
    fn restart(&mut self) {
        self.stats.restarts += 1;
        let tail = self.decoded.len().min(240);
        for (n, sample) in self.decoded.iter_mut().rev().take(tail).enumerate() {
            *sample *= n as f32 / tail as f32;
        }
        self.packets.clear();
        self.arrivals.forget_offsets();
        self.newest = None;
        self.last = None;
        self.heard = 0;
        self.last_was_dtx = false;
        self.waited = 0;
        self.delays.clear();
        self.decoder.reset();
        if self.state == State::Playing {
            self.state = State::Pause;
        }
    }

    /// 48 kHz samples since the first moment seen.
    fn samples_at(&mut self, time: Instant) -> i64 {
        let epoch = *self.epoch.get_or_insert(time);
        let nanos = |d: std::time::Duration| i64::try_from(d.as_nanos() * 48 / 1_000_000).unwrap_or(i64::MAX / 4);
        match time.checked_duration_since(epoch) {
            Some(after) => nanos(after),
            None => -nanos(epoch.duration_since(time)),
        }
    }
}

fn round_up(samples: i64) -> i64 {
    (samples + GRAIN - 1) / GRAIN * GRAIN
}
