//! A peer's packets put together to coded pictures, in order, with what is missing asked for again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{is_key_start, unit_from};

/// How long a packet that was overtaken is waited for before it is asked for again.
const OVERTAKEN: Duration = Duration::from_millis(8);

/// Packets behind a missing one after which it is asked for at once.
const OVERTAKEN_BY: u64 = 3;

/// How often one packet is asked for at most.
const MAX_ASKED: u8 = 10;

/// A repetition is thought to take so long before one has come: too long is learned at once, too short is not.
const UNKNOWN: Duration = Duration::from_millis(250);

/// From this round trip on a question is put twice, the second time so much later: one that is lost would cost another round
/// trip. A sender that was asked a moment ago takes both for one.
const LONG: Duration = Duration::from_millis(55);
const ECHO: Duration = Duration::from_millis(25);

/// Missing packets remembered, and packets kept, at most; beyond that only a key frame helps.
const MAX_MISSING: usize = 400;
const MAX_KEPT: usize = 2_000;

/// A jump of the sequence numbers by more than this is a stream that began anew.
const MAX_JUMP: u64 = 3_000;

/// One packet as it came from the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// RTP sequence number; wraps.
    pub sequence: u16,
    /// RTP timestamp, 90 kHz; wraps.
    pub timestamp: u32,
    /// The sender says that this is the last packet of its picture.
    pub marker: bool,
    /// May be empty: padding.
    pub payload: Bytes,
    /// When it came.
    pub at: Instant,
}

/// One whole coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedUnit {
    /// A byte stream with start codes (H.264 annex B).
    pub data: Vec<u8>,
    /// RTP timestamp, 90 kHz; wraps.
    pub timestamp: u32,
    /// It can be decoded without any before it.
    pub key: bool,
    /// When its last packet came.
    pub at: Instant,
}

/// What the sender must be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// Packets to repeat.
    pub again: Vec<u16>,
    /// Only a key frame helps.
    pub key_frame: bool,
}

#[derive(Debug)]
struct Missing {
    since: Instant,
    asked: u8,
    asked_at: Option<Instant>,
    /// When it was asked for the time before.
    asked_before: Option<Instant>,
    /// The last question was put twice, in case one is lost.
    twice: bool,
}

impl Missing {
    /// How long the repetition that has come took, as far as that can be told. What comes sooner than any answer answers an
    /// earlier question: who leaves that out, and believes in too short a way, asks for everything twice and never learns.
    fn took(&self, came: Instant, round_trip: Duration) -> Option<Duration> {
        let since = |asked: Instant| came.saturating_duration_since(asked);
        match self.asked_before {
            None => self.asked_at.map(since),
            Some(before) => self.asked_at.filter(|&asked| since(asked) < round_trip * 9 / 10).map(|_| since(before)),
        }
    }
}

/// Puts packets together. It has no clock of its own.
#[derive(Debug)]
pub struct Assembly {
    packets: BTreeMap<u64, Arrived>,
    missing: BTreeMap<u64, Missing>,
    /// The next number that belongs to the pictures, and the highest seen.
    next: Option<u64>,
    highest: u64,
    /// Pictures are thrown away until one comes that needs none before it.
    waits_for_key: bool,
    key_asked_at: Option<Instant>,
    /// It was asked for twice since.
    key_asked_twice: bool,
    /// How long a repetition takes, as seen.
    round_trip: Option<Duration>,
    lost: u64,
}

impl Default for Assembly {
    fn default() -> Self {
        Self {
            packets: BTreeMap::new(),
            missing: BTreeMap::new(),
            next: None,
            highest: 0,
            waits_for_key: true,
            key_asked_at: None,
            key_asked_twice: false,
            round_trip: None,
            lost: 0,
        }
    }
}

impl Assembly {
    /// Takes a packet.
    pub fn insert(&mut self, packet: Arrived) {
        let Some(next) = self.next else {
            // Far from zero, so that a packet that was overtaken by the first still has a number.
            let number = (1 << 32) + u64::from(packet.sequence);
            (self.next, self.highest) = (Some(number), number);
            self.packets.insert(number, packet);
            return;
        };
        let number = extended(self.highest, packet.sequence);
        if number + MAX_JUMP < self.highest || number > self.highest + MAX_JUMP {
            self.begin_anew(packet);
            return;
        }
        if let Some(missing) = self.missing.remove(&number)
            && let Some(took) = missing.took(packet.at, self.round_trip())
        {
            let took = took.clamp(Duration::from_millis(5), Duration::from_secs(1));
            self.round_trip = Some(self.round_trip.map_or(took, |before| (before * 7 + took) / 8));
        }
        if number < next {
            return;
        }
        for gap in self.highest + 1..number {
            self.missing
                .insert(gap, Missing { since: packet.at, asked: 0, asked_at: None, asked_before: None, twice: false });
        }
        self.highest = self.highest.max(number);
        self.packets.entry(number).or_insert(packet);
        if self.missing.len() > MAX_MISSING || self.packets.len() > MAX_KEPT {
            self.give_up_before(self.highest);
        }
    }

    /// The next coded picture, if it is whole and what it builds on was handed out.
    pub fn poll(&mut self, now: Instant) -> Option<CodedUnit> {
        loop {
            if self.waits_for_key {
                self.skip_to_key_start();
            }
            match self.whole() {
                Some(end) => {
                    let Some(unit) = self.take(end) else { continue };
                    if self.waits_for_key && !unit.key {
                        continue;
                    }
                    self.waits_for_key = false;
                    self.key_asked_at = None;
                    return Some(unit);
                }
                None => {
                    // A key frame that is whole needs nothing of what is missing before it.
                    if !self.jump_to_key_frame() && !self.lose_patience(now) {
                        return None;
                    }
                }
            }
        }
    }

    /// What to ask the sender for now.
    pub fn wants(&mut self, now: Instant) -> Wants {
        let mut again = Vec::new();
        let pause = self.repeat_pause();
        let echoes = self.round_trip() >= LONG;
        for (&number, missing) in &mut self.missing {
            let due = match missing.asked_at {
                None => now >= missing.since + OVERTAKEN || self.highest >= number + OVERTAKEN_BY,
                Some(asked) => now >= asked + pause,
            };
            if due && missing.asked < MAX_ASKED {
                missing.asked += 1;
                missing.asked_before = missing.asked_at.replace(now);
                missing.twice = false;
                again.push(number as u16);
            } else if echoes && !missing.twice && missing.asked_at.is_some_and(|asked| now >= asked + ECHO) {
                missing.twice = true;
                again.push(number as u16);
            }
        }
        Wants { again, key_frame: self.wants_key_frame(now) }
    }

    fn wants_key_frame(&mut self, now: Instant) -> bool {
        if !self.needs_key_frame() {
            return false;
        }
        if self.key_asked_at.is_none_or(|asked| now >= asked + self.key_pause()) {
            self.key_asked_at = Some(now);
            self.key_asked_twice = false;
            return true;
        }
        let echo = self.key_echo().is_some_and(|at| now >= at);
        self.key_asked_twice |= echo;
        echo
    }

    /// When to ask for a key frame the second time.
    fn key_echo(&self) -> Option<Instant> {
        let open = self.round_trip() >= LONG && !self.key_asked_twice && self.needs_key_frame();
        self.key_asked_at.filter(|_| open).map(|asked| asked + ECHO)
    }

    /// When to look again although no packet came.
    pub fn next_look(&self) -> Option<Instant> {
        let pause = self.repeat_pause();
        let key = self.key_asked_at.filter(|_| self.needs_key_frame()).map(|asked| asked + self.key_pause());
        let asks = self.missing.values().filter(|missing| missing.asked < MAX_ASKED);
        let ask = asks.map(|missing| missing.asked_at.map_or(missing.since + OVERTAKEN, |asked| asked + pause)).min();
        let open = self.missing.values().filter(|missing| self.round_trip() >= LONG && !missing.twice);
        let echo = open.filter_map(|missing| missing.asked_at).map(|asked| asked + ECHO).min();
        let patience = self.missing.values().map(|missing| missing.since + self.patience()).min();
        ask.into_iter().chain(echo).chain(patience).chain(key).chain(self.key_echo()).min()
    }

    /// The decoder could not use what it was given: only a key frame helps.
    pub fn spoil(&mut self) {
        self.waits_for_key = true;
    }

    /// Packets given up.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How long a repetition takes, as seen so far.
    pub fn round_trip(&self) -> Duration {
        self.round_trip.unwrap_or(UNKNOWN)
    }

    /// How long the pictures stand still for one packet before a key frame is asked for instead.
    fn patience(&self) -> Duration {
        let most = (self.round_trip() * 7 / 2 + Duration::from_millis(40)).max(Duration::from_millis(450));
        (self.round_trip() * 5 + Duration::from_millis(40)).clamp(Duration::from_millis(200), most)
    }

    /// How long until a packet is asked for once more.
    fn repeat_pause(&self) -> Duration {
        (self.round_trip().mul_f64(1.1) + Duration::from_millis(5)).max(Duration::from_millis(20))
    }

    fn key_pause(&self) -> Duration {
        (self.round_trip() * 2).max(Duration::from_millis(300))
    }

    /// Nothing can be decoded, and no key frame is on its way.
    fn needs_key_frame(&self) -> bool {
        self.waits_for_key && self.next.is_some() && !self.packets.values().any(|packet| is_key_start(&packet.payload))
    }

    fn begin_anew(&mut self, packet: Arrived) {
        let round_trip = self.round_trip;
        let lost = self.lost;
        *self = Self { round_trip, lost, ..Self::default() };
        self.insert(packet);
    }

    /// The number of the last packet of the picture that begins at `next`, if all of it is there.
    fn whole(&self) -> Option<u64> {
        let first = self.next?;
        let timestamp = self.packets.get(&first)?.timestamp;
        for (number, (&at, packet)) in (first..).zip(self.packets.range(first..)) {
            if at != number {
                return None;
            }
            if packet.timestamp != timestamp {
                // A sender that sets no marker: the next picture has begun.
                return Some(number - 1);
            }
            if packet.marker || packet.payload.is_empty() && at == first {
                return Some(number);
            }
        }
        None
    }

    /// Takes the packets up to `end` out and puts them together.
    fn take(&mut self, end: u64) -> Option<CodedUnit> {
        let rest = self.packets.split_off(&(end + 1));
        let packets: Vec<Arrived> = std::mem::replace(&mut self.packets, rest).into_values().collect();
        self.next = Some(end + 1);
        let last = packets.iter().map(|packet| packet.at).max()?;
        let timestamp = packets.first()?.timestamp;
        let payloads = packets.iter().map(|packet| &packet.payload).filter(|payload| !payload.is_empty());
        payloads.clone().next()?;
        match unit_from(payloads) {
            Ok((data, key)) => Some(CodedUnit { data, timestamp, key, at: last }),
            Err(error) => {
                tracing::debug!(%error, "a coded picture is unusable");
                self.waits_for_key = true;
                None
            }
        }
    }

    /// Leaves out what can't begin a key frame, up to the first packet that may, or that is missing and may come again.
    fn skip_to_key_start(&mut self) {
        let Some(next) = self.next else { return };
        let mut start = next;
        while self.packets.get(&start).is_some_and(|packet| !is_key_start(&packet.payload)) {
            start += 1;
        }
        if start > next {
            self.drop_before(start);
        }
    }

    /// Goes to a later key frame that is whole, if something before it is missing.
    fn jump_to_key_frame(&mut self) -> bool {
        let Some(next) = self.next else { return false };
        let starts: Vec<u64> = self
            .packets
            .range(next + 1..)
            .filter(|(_, packet)| is_key_start(&packet.payload))
            .map(|(&at, _)| at)
            .collect();
        for start in starts {
            let place = self.next.replace(start);
            let whole = self.whole().is_some();
            self.next = place;
            if whole {
                self.lost += self.missing.range(..start).count() as u64;
                self.drop_before(start);
                return true;
            }
        }
        false
    }

    /// Gives a picture up that was waited for too long.
    fn lose_patience(&mut self, now: Instant) -> bool {
        let Some((&number, missing)) = self.missing.first_key_value() else { return false };
        if now < missing.since + self.patience() {
            return false;
        }
        self.give_up_before(number + 1);
        true
    }

    fn give_up_before(&mut self, number: u64) {
        self.lost += self.missing.range(..number).count() as u64;
        self.waits_for_key = true;
        self.drop_before(number);
    }

    fn drop_before(&mut self, number: u64) {
        self.packets = self.packets.split_off(&number);
        self.missing = self.missing.split_off(&number);
        self.next = Some(number);
    }
}

/// The number of which `sequence` is the low half, nearest to `near`.
fn extended(near: u64, sequence: u16) -> u64 {
    let step = i64::from(sequence.wrapping_sub(near as u16).cast_signed());
    near.saturating_add_signed(step)
}

#[cfg(test)]
mod tests;
