//! What comes from the network: packets, copies of lost ones, doubles, strays and streams that begin anew.

use super::losses::Losses;
use super::stats::RtpVoicePacket;
use super::turns::{Kind, Turn, Turns};
use super::{JitterBuffer, Packet, State};
use crate::audio::opus;

/// No Opus packet for one frame size is longer (RFC 6716 §3.4, 1275 bytes a frame); what is longer is not for us.
const MAX_PAYLOAD: usize = 4_000;
/// The most packets kept: 4 s of 20 ms frames, far above the longest target.
const MAX_PACKETS: usize = 200;
/// A copy that comes later (60 ms) than that is not waited for, and after so many packets without one no more are expected.
const FARTHEST_COPY: i64 = 2_880;
const NO_MORE_COPIES: u32 = 50;

/// How much later than a frame its last copy comes.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Of the packets lately, and of those before them.
    reach: (i64, i64),
    packets: u32,
}

impl Copies {
    /// The longest of late, in samples; 0 where none come.
    pub(super) fn reach(&self) -> i64 {
        self.reach.0.max(self.reach.1)
    }

    fn packet(&mut self) {
        self.packets += 1;
        if self.packets > NO_MORE_COPIES {
            *self = Self { reach: (0, self.reach.0), packets: 0 };
        }
    }

    fn copy(&mut self, later: i64) {
        self.reach.0 = self.reach.0.max(later);
    }
}

impl JitterBuffer {
    /// Takes in a packet, in whatever order they come.
    pub fn push(&mut self, packet: RtpVoicePacket) {
        let Some(samples) = opus::packet_samples(&packet.payload).ok().filter(|_| packet.payload.len() <= MAX_PAYLOAD)
        else {
            self.stats.malformed += 1;
            return;
        };
        let at = self.samples_at(packet.arrived);
        if packet.is_copy {
            return self.push_copy(packet, at, i64::from(samples));
        }
        let judge = |it: &mut Self| it.turns.judge(packet.sequence, packet.timestamp, at, it.arrivals.fastest());
        let (sequence, timestamp) = match judge(self) {
            Kind::Ours { sequence, timestamp } => (sequence, timestamp),
            Kind::Stray => return,
            Kind::NewStream => {
                self.restart();
                let Kind::Ours { sequence, timestamp } = judge(self) else { return };
                (sequence, timestamp)
            }
        };
        if self.packets.get(&sequence).is_some_and(|it| !it.is_copy) {
            self.stats.duplicates += 1;
            return;
        }
        let turn = self.turns.arrives(sequence);
        if turn == Turn::Had {
            self.stats.duplicates += 1;
            return;
        }
        self.stats.received += 1;
        self.arrivals.record(at, timestamp);
        if turn == Turn::Missed {
            self.stats.late += 1;
            return;
        }
        self.turns.note(sequence, timestamp);
        if self.state == State::Playing && timestamp < self.next {
            // Its place has been concealed already, and so have those before it; a second copy is one too many.
            self.stats.lost += self.turns.missing_before(sequence).unwrap_or(0);
            self.turns.over(sequence, true);
            self.stats.late += 1;
            return;
        }
        self.copies.packet();
        self.fec_seen |= opus::packet_has_fec(&packet.payload);
        self.frame = i64::from(samples);
        self.insert(sequence, timestamp, i64::from(samples), packet);
    }

    /// Takes in a frame that came with a later packet, where the first one is missing.
    fn push_copy(&mut self, packet: RtpVoicePacket, at: i64, samples: i64) {
        let place = self.turns.place(packet.sequence, packet.timestamp, at, self.arrivals.fastest());
        let Some((sequence, timestamp)) = place else { return };
        if let Some(newest) = self.turns.newest_timestamp() {
            self.copies.copy((newest - timestamp).clamp(0, FARTHEST_COPY));
        }
        if self.turns.is_over(sequence) {
            return;
        }
        if !self.packets.contains_key(&sequence) && (self.state != State::Playing || timestamp >= self.next) {
            self.insert(sequence, timestamp, samples, packet);
        }
    }

    fn insert(&mut self, sequence: i64, timestamp: i64, samples: i64, packet: RtpVoicePacket) {
        let RtpVoicePacket { payload, is_copy, .. } = packet;
        self.packets.insert(sequence, Packet { timestamp, samples, payload, is_copy });
        while self.packets.len() > MAX_PACKETS {
            self.packets.pop_first();
            self.stats.skipped += 1;
        }
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
        self.turns = Turns::default();
        self.losses = Losses::default();
        self.last_was_dtx = false;
        self.waited = 0;
        self.pace.restart();
        self.decoder.reset();
        if self.state == State::Playing {
            self.state = State::Pause;
        }
    }
}
