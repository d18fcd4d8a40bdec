//! Voice said more than once: each packet may carry the frames before it again (RFC 2198, "RED"), so that a lost packet
//! costs nothing but the wait for the next one.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use super::MAX_VOICE_PAYLOAD;

/// More earlier frames than these are never carried again.
pub const MAX_VOICE_COPIES: usize = 2;
/// More blocks than these in one packet are not taken: no sender makes them.
const MAX_BLOCKS: usize = 8;
/// RFC 2198 section 3: 14 bits for how much earlier, 10 bits for how long.
const FARTHEST: u32 = (1 << 14) - 1;
const LONGEST: usize = (1 << 10) - 1;
/// The F bit: another block follows.
const FOLLOWED: u8 = 0x80;

/// One frame out of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// How many packets before this one it was sent first; 0 is the packet's own.
    pub ago: u16,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// One Opus packet.
    pub payload: Bytes,
}

/// The frames that left last, the newest at the back.
#[derive(Debug, Default)]
pub(super) struct Copies {
    recent: VecDeque<(u32, Bytes)>,
}

impl Copies {
    /// The payload that carries `payload` and up to `count` frames before it, or none if there is none of them to carry.
    pub fn wrap(&mut self, payload: &Bytes, timestamp: u32, opus: u8, count: usize) -> Option<Bytes> {
        let count = count.min(MAX_VOICE_COPIES);
        let mut room = MAX_VOICE_PAYLOAD.saturating_sub(payload.len() + 1);
        let mut chosen: Vec<(u32, Bytes)> = Vec::with_capacity(count);
        for (earlier, frame) in self.recent.iter().rev().take(count) {
            let distance = timestamp.wrapping_sub(*earlier);
            if distance > FARTHEST || frame.len() > LONGEST || frame.len() + 4 > room {
                break;
            }
            room -= frame.len() + 4;
            chosen.push((distance, frame.clone()));
        }
        if self.recent.len() >= MAX_VOICE_COPIES {
            self.recent.pop_front();
        }
        self.recent.push_back((timestamp, payload.clone()));
        if chosen.is_empty() {
            return None;
        }
        let mut packet = BytesMut::with_capacity(MAX_VOICE_PAYLOAD);
        for (distance, frame) in chosen.iter().rev() {
            packet.put_u8(FOLLOWED | opus);
            packet.put_slice(&((distance << 10) | frame.len() as u32).to_be_bytes()[1..]);
        }
        packet.put_u8(opus);
        for (_, frame) in chosen.iter().rev() {
            packet.put_slice(frame);
        }
        packet.put_slice(payload);
        Some(packet.freeze())
    }
}

/// The frames of a packet, its own first, then the earlier ones from the newest on. None for what is damaged.
///
/// The format tells when a frame began, not its number: senders carry the frames just before, without a gap.
pub(super) fn unwrap(packet: &Bytes, timestamp: u32, opus: u8) -> Option<Vec<Block>> {
    let mut earlier: Vec<(u32, usize)> = Vec::new();
    let mut at = 0;
    let kind = loop {
        let first = *packet.get(at)?;
        if first & FOLLOWED == 0 {
            at += 1;
            break first;
        }
        let [high, middle, low] = *packet.get(at + 1..at + 4)?.first_chunk()?;
        let word = u32::from_be_bytes([0, high, middle, low]);
        // What is not Opus is of no use, but its place counts.
        let length = (word & LONGEST as u32) as usize;
        earlier.push((if first & !FOLLOWED == opus { word >> 10 } else { 0 }, length));
        at += 4;
        if earlier.len() >= MAX_BLOCKS {
            return None;
        }
    };
    let count = earlier.len() as u16;
    let mut blocks = Vec::with_capacity(earlier.len() + 1);
    for (index, (distance, length)) in (0u16..).zip(earlier) {
        let payload = packet.get(at..at + length)?;
        if distance > 0 && !payload.is_empty() {
            let payload = packet.slice_ref(payload);
            blocks.push(Block { ago: count - index, timestamp: timestamp.wrapping_sub(distance), payload });
        }
        at += length;
    }
    let own = packet.get(at..).filter(|own| kind == opus && !own.is_empty())?;
    blocks.push(Block { ago: 0, timestamp, payload: packet.slice_ref(own) });
    blocks.reverse();
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPUS: u8 = 111;

    fn frame(number: u8) -> Bytes {
        Bytes::from(vec![number; 40 + usize::from(number)])
    }

    fn packets(copies: usize) -> Vec<Option<Bytes>> {
        let mut sent = Copies::default();
        (0..4).map(|number| sent.wrap(&frame(number), u32::from(number) * 960, OPUS, copies)).collect()
    }

    #[test]
    fn a_packet_carries_the_frames_before_it() {
        let packets = packets(2);
        assert_eq!(packets[0], None, "there is nothing before the first one");
        let blocks = unwrap(packets[3].as_ref().unwrap(), 2_880, OPUS).unwrap();
        let found: Vec<_> = blocks.iter().map(|it| (it.ago, it.timestamp, it.payload.clone())).collect();
        assert_eq!(found, [(0, 2_880, frame(3)), (1, 1_920, frame(2)), (2, 960, frame(1))]);
    }

    #[test]
    fn a_pause_is_not_bridged_and_large_frames_are_not_carried_twice() {
        let mut sent = Copies::default();
        assert_eq!(sent.wrap(&frame(1), 0, OPUS, 1), None);
        assert_eq!(sent.wrap(&frame(2), 48_000, OPUS, 1), None, "a second later");
        assert_eq!(sent.wrap(&Bytes::from(vec![7; 1_100]), 48_960, OPUS, 1), None, "no room");
        assert_eq!(
            sent.wrap(&frame(3), 49_920, OPUS, 2),
            None,
            "the frame before it is too long, and none is left out"
        );
    }

    #[test]
    fn without_copies_nothing_is_wrapped_and_they_can_begin_at_once() {
        let mut sent = Copies::default();
        assert_eq!(sent.wrap(&frame(1), 0, OPUS, 0), None);
        assert!(sent.wrap(&frame(2), 960, OPUS, 1).is_some());
    }

    #[test]
    fn damaged_packets_are_refused() {
        let whole = packets(2)[3].clone().unwrap();
        // Cut within the headers or the copies; behind them the own frame is only shorter, which Opus itself judges.
        let copies = 9 + frame(1).len() + frame(2).len();
        for length in 0..=copies {
            assert_eq!(unwrap(&whole.slice(..length), 2_880, OPUS), None, "{length}");
        }
        assert_eq!(unwrap(&whole, 2_880, 96), None, "another kind");
        assert_eq!(unwrap(&Bytes::from(vec![FOLLOWED | OPUS; 200]), 0, OPUS), None, "headers without end");
    }

    #[test]
    fn anything_may_come() {
        let mut state = 1u64;
        let mut chance = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        for _ in 0..100_000 {
            let mut bytes: Vec<u8> = (0..chance() % 40).map(|_| chance() as u8).collect();
            for byte in bytes.iter_mut().take(9).step_by(4) {
                // Often a header that is nearly right.
                *byte = OPUS | (chance() as u8 & FOLLOWED);
            }
            let packet = Bytes::from(bytes);
            for block in unwrap(&packet, 0, OPUS).into_iter().flatten() {
                assert!(!block.payload.is_empty() && block.payload.len() < packet.len());
            }
        }
    }
}
