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

mod intake;
mod losses;
mod pace;
mod stats;
mod turns;

pub use self::stats::{JitterStats, RtpVoicePacket};

use self::intake::Copies;
use self::losses::Losses;
use self::pace::{Pace, QUIET, Step};
use self::turns::Turns;

/// Concealment is made in steps of 10 ms, and given up after 200 ms without any packet.
const CONCEAL_STEP: i64 = 480;
const STALL: i64 = 9_600;
/// libopus conceals multiples of 2.5 ms.
const GRAIN: i64 = 120;
/// A packet whose time to be heard ended longer ago (6 ms) than that is not worth starting with.
const OVER: i64 = 288;

#[derive(Debug)]
struct Packet {
    timestamp: i64,
    samples: i64,
    payload: Bytes,
    is_copy: bool,
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
    turns: Turns,
    state: State,
    /// Timestamp of the next sample to decode.
    next: i64,
    /// Samples made up since `next` because nothing came.
    waited: i64,
    last_was_dtx: bool,
    decoded: VecDeque<f32>,
    pace: Pace,
    losses: Losses,
    fec_seen: bool,
    copies: Copies,
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
            turns: Turns::default(),
            state: State::Unheard,
            next: 0,
            waited: 0,
            last_was_dtx: false,
            decoded: VecDeque::with_capacity(4 * MAX_PACKET_SAMPLES),
            pace: Pace::default(),
            losses: Losses::default(),
            fec_seen: false,
            copies: Copies::default(),
            frame: opus::FRAME_SAMPLES as i64,
            scratch: vec![0.0; MAX_PACKET_SAMPLES],
            stats: JitterStats::default(),
        })
    }

    /// Fills `out` (10 ms: 480 samples) with what is to be heard from `now` on.
    pub fn pull(&mut self, now: Instant, out: &mut [f32]) {
        let now = self.samples_at(now);
        while self.decoded.len() < out.len() {
            match self.state {
                State::Unheard | State::Pause => self.wait(now, out.len()),
                State::Playing => self.advance(now),
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

    /// From `now` on a picture shares the path, so that packets may come as irregularly as on none without.
    pub fn expect_picture(&mut self, now: Instant) {
        let now = self.samples_at(now);
        self.arrivals.expect_picture(now);
    }

    /// What was counted so far.
    pub fn stats(&self) -> JitterStats {
        self.stats
    }

    fn target(&self) -> i64 {
        // Waiting that much more lets the packet after a lost one arrive, which carries it again.
        let copies = self.copies.reach();
        let reach = if self.fec_seen { copies.max(self.frame) } else { copies };
        self.arrivals.target(if self.losses.come_again() { reach } else { 0 })
    }

    /// Before the first packet of a spurt is due: silence or comfort noise; then the voice starts to the sample.
    fn wait(&mut self, now: i64, wanted: usize) {
        let missing = (wanted - self.decoded.len()) as i64;
        let due =
            |timestamp: i64, buffer: &Self| timestamp + buffer.arrivals.fastest().unwrap_or(0) + buffer.target() - now;
        // After a stall much may have come at once: begin with what is still worth hearing.
        while let Some((sequence, packet)) = self.packets.first_key_value().filter(|_| self.packets.len() > 1) {
            let sequence = *sequence;
            if due(packet.timestamp, self) + packet.samples >= -OVER {
                break;
            }
            self.packets.pop_first();
            self.count_loss(sequence);
            self.turns.over(sequence, true);
            self.stats.skipped += 1;
        }
        let first = self.packets.first_key_value().map(|(s, p)| (*s, p.timestamp));
        // It begins with a pull: then packets are decoded when they are wanted, and not while others still play.
        let begins = self.decoded.len() < GRAIN as usize;
        let Some((sequence, timestamp)) = first.filter(|(_, time)| begins && due(*time, self) <= 0) else {
            return self.fill_pause(missing);
        };
        self.count_loss(sequence);
        self.turns.over(sequence - 1, false);
        self.next = timestamp;
        self.waited = 0;
        self.pace.restart();
        self.state = State::Playing;
    }

    /// One step of voice: the next packet, what replaces it, or the beginning of a pause.
    fn advance(&mut self, now: i64) {
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
        if self.turns.is_next(sequence) && timestamp > self.next {
            // Nothing was lost and still time has passed: the sender was silent (DTX).
            self.state = State::Pause;
            return;
        }
        let covered = self.waited.min((timestamp - self.next).max(0));
        self.next += covered;
        self.waited = 0;
        let gap = timestamp - self.next;
        if gap <= 0 {
            self.decode_first(now);
        } else if gap <= samples && self.rebuild(gap) {
            self.next = timestamp;
        } else {
            let step = gap.min(CONCEAL_STEP);
            self.next += step;
            self.conceal(round_up(step));
        }
    }

    fn decode_first(&mut self, now: i64) {
        let Some((sequence, packet)) = self.packets.pop_first() else { return };
        self.pace.decoded(now, packet.timestamp, self.decoded.len());
        self.count_loss(sequence);
        self.turns.over(sequence, true);
        if packet.is_copy {
            self.stats.lost += 1;
            self.stats.fec_recovered += 1;
            self.losses.lost(sequence);
        }
        self.next = packet.timestamp + packet.samples;
        self.last_was_dtx = packet.payload.len() <= 2;
        let room = usize::try_from(packet.samples).unwrap_or(MAX_PACKET_SAMPLES).min(MAX_PACKET_SAMPLES);
        if let Ok(samples) = self.decoder.decode(&packet.payload, &mut self.scratch[..room]) {
            self.decoded.extend(&self.scratch[..samples]);
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

    /// Brings the wait towards its target by playing a little faster or slower.
    fn steer(&mut self, now: i64, wanted: usize) {
        let Some(fastest) = self.arrivals.fastest() else { return };
        self.stats.delay = now + self.decoded.len() as i64 - self.next - fastest;
        match self.pace.step(fastest, self.target()) {
            Step::Skip => self.state = State::Pause,
            // The next packets are not decoded for that: they may be no quieter.
            Step::Shorten(_, QUIET) | Step::Lengthen(_, QUIET)
                if !stretch::is_quiet(self.decoded.make_contiguous()) => {}
            Step::Shorten(by, alike) => {
                while self.decoded.len() < wanted + 2 * stretch::MAX_LAG
                    && self.packets.first_key_value().is_some_and(|(_, p)| p.timestamp == self.next)
                {
                    self.decode_first(now);
                }
                let samples = self.decoded.make_contiguous();
                // Enough must stay for this pull.
                let longest = usize::try_from(by).unwrap_or(0).min(samples.len() - wanted);
                let Some(found) = stretch::find_period(samples, longest) else { return };
                if found.likeness >= alike && stretch::shorten(&mut self.decoded, found.lag) {
                    self.stats.shortened += found.lag as u64;
                    self.pace.stretched(-(found.lag as i64));
                }
            }
            Step::Lengthen(by, alike) if self.waited == 0 => {
                let longest = usize::try_from(by).unwrap_or(0) + GRAIN as usize;
                let Some(found) = stretch::find_period(self.decoded.make_contiguous(), longest) else { return };
                if found.likeness >= alike && stretch::lengthen(&mut self.decoded, found.lag) {
                    self.stats.lengthened += found.lag as u64;
                    self.pace.stretched(found.lag as i64);
                }
            }
            // Where there is something to lengthen, time stands still already.
            Step::Stay | Step::Lengthen(..) => {}
        }
    }

    fn count_loss(&mut self, sequence: i64) {
        let Some(lost) = self.turns.missing_before(sequence) else { return };
        self.stats.lost += lost;
        if lost > 0 {
            self.losses.lost(sequence - 1);
        }
        self.losses.over(sequence);
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
