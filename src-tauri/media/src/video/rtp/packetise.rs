//! From NAL units to payloads.

use bytes::{BufMut, Bytes, BytesMut};

use super::nal;

/// Largest payload of one packet, bytes. With every header and a repetition's two bytes the packet stays below the 1200
/// that pass everywhere.
pub const MAX_VIDEO_PAYLOAD: usize = 1110;

/// The payloads of one coded picture, of at most `largest` bytes each. Small units that follow one another share a packet
/// (STAP-A), large ones are cut into even pieces (FU-A).
pub fn packetise(units: impl IntoIterator<Item = Bytes>, largest: usize) -> Vec<Bytes> {
    let largest = largest.max(16);
    let mut payloads = Vec::new();
    let mut small: Vec<Bytes> = Vec::new();
    for unit in units {
        if unit.is_empty() {
            continue;
        }
        let together = 1 + small.iter().chain([&unit]).map(|unit| unit.len() + 2).sum::<usize>();
        if together > largest {
            aggregate(&mut small, &mut payloads);
        }
        if unit.len() + 3 > largest {
            if unit.len() <= largest {
                payloads.push(unit);
            } else {
                fragment(&unit, largest, &mut payloads);
            }
        } else {
            small.push(unit);
        }
    }
    aggregate(&mut small, &mut payloads);
    payloads
}

fn aggregate(units: &mut Vec<Bytes>, payloads: &mut Vec<Bytes>) {
    match units.as_slice() {
        [] => {}
        [unit] => payloads.push(unit.clone()),
        several => {
            let importance = several.iter().map(|unit| unit[0] & 0x60).max().unwrap_or_default();
            let mut payload = BytesMut::with_capacity(1 + several.iter().map(|unit| unit.len() + 2).sum::<usize>());
            payload.put_u8(importance | nal::SINGLE_TIME_AGGREGATION);
            for unit in several {
                payload.put_u16(unit.len() as u16);
                payload.put_slice(unit);
            }
            payloads.push(payload.freeze());
        }
    }
    units.clear();
}

fn fragment(unit: &Bytes, largest: usize, payloads: &mut Vec<Bytes>) {
    let header = unit[0];
    let body = &unit[1..];
    let pieces = body.len().div_ceil(largest - 2);
    let each = body.len().div_ceil(pieces);
    let last = body.len().div_ceil(each) - 1;
    for (index, piece) in body.chunks(each).enumerate() {
        let start = if index == 0 { 0x80 } else { 0 };
        let end = if index == last { 0x40 } else { 0 };
        let mut payload = BytesMut::with_capacity(piece.len() + 2);
        payload.put_u8(header & 0x60 | nal::FRAGMENT);
        payload.put_u8(start | end | nal::kind(header));
        payload.put_slice(piece);
        payloads.push(payload.freeze());
    }
}
