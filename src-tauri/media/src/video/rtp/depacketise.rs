//! From payloads to NAL units. Every byte comes from the network.

use bytes::Bytes;

use super::nal;

/// What stands between NAL units in a byte stream.
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Why payloads make no coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Shorter than its own header or lengths say.
    #[error("cut short")]
    Short,
    /// A type that packetization mode 1 does not have (RFC 6184 section 5.4).
    #[error("a type that is not taken: {0}")]
    Kind(u8),
    /// A fragment without its beginning, or a beginning without its end.
    #[error("fragments do not fit together")]
    Fragments,
    /// Nothing in it can be decoded.
    #[error("empty")]
    Empty,
}

/// Puts the payloads of one picture, in order, together to a byte stream with start codes. Says whether it has a key
/// slice. Units that no decoder of baseline needs are left out.
///
/// # Errors
/// [`PayloadError`]; the picture is lost then.
pub fn unit_from<'a>(payloads: impl IntoIterator<Item = &'a Bytes>) -> Result<(Vec<u8>, bool), PayloadError> {
    let mut unit = Unit::default();
    for payload in payloads {
        unit.take(payload)?;
    }
    if unit.open.is_some() {
        return Err(PayloadError::Fragments);
    }
    if unit.slices { Ok((unit.stream, unit.key)) } else { Err(PayloadError::Empty) }
}

/// Whether a packet with this payload begins a picture that can be decoded without any before it: it holds a sequence
/// parameter set, or begins a key slice.
pub fn is_key_start(payload: &[u8]) -> bool {
    let starts = |header: u8| matches!(nal::kind(header), nal::SEQUENCE | nal::KEY_SLICE);
    match payload {
        [] => false,
        [header, rest @ ..] if nal::kind(*header) == nal::SINGLE_TIME_AGGREGATION => {
            aggregated(rest).any(|unit| unit.is_ok_and(|unit| unit.first().is_some_and(|&header| starts(header))))
        }
        [header, kind, ..] if nal::kind(*header) == nal::FRAGMENT => kind & 0x80 != 0 && starts(*kind),
        [header, ..] => starts(*header),
    }
}

#[derive(Default)]
struct Unit {
    stream: Vec<u8>,
    /// A fragmented unit has begun and not ended; whether it is for the decoder.
    open: Option<bool>,
    slices: bool,
    key: bool,
}

impl Unit {
    fn take(&mut self, payload: &[u8]) -> Result<(), PayloadError> {
        let (&header, rest) = payload.split_first().ok_or(PayloadError::Short)?;
        match nal::kind(header) {
            1..=23 if self.open.is_none() => {
                self.whole(payload);
                Ok(())
            }
            nal::SINGLE_TIME_AGGREGATION if self.open.is_none() => {
                for unit in aggregated(rest) {
                    self.whole(unit?);
                }
                Ok(())
            }
            nal::FRAGMENT => self.fragment(header, rest),
            1..=nal::SINGLE_TIME_AGGREGATION => Err(PayloadError::Fragments),
            other => Err(PayloadError::Kind(other)),
        }
    }

    fn whole(&mut self, unit: &[u8]) {
        if let Some(&header) = unit.first()
            && self.note(nal::kind(header))
        {
            self.stream.extend_from_slice(&START_CODE);
            self.stream.extend_from_slice(unit);
        }
    }

    fn fragment(&mut self, header: u8, rest: &[u8]) -> Result<(), PayloadError> {
        let (&kind, piece) = rest.split_first().ok_or(PayloadError::Short)?;
        let (starts, ends) = (kind & 0x80 != 0, kind & 0x40 != 0);
        let kept = match self.open {
            None if starts => self.note(nal::kind(kind)),
            Some(kept) if !starts => kept,
            _ => return Err(PayloadError::Fragments),
        };
        if kept && starts {
            self.stream.extend_from_slice(&START_CODE);
            self.stream.push(header & 0xe0 | nal::kind(kind));
        }
        if kept {
            self.stream.extend_from_slice(piece);
        }
        self.open = (!ends).then_some(kept);
        Ok(())
    }

    /// Whether units of this kind are for the decoder.
    fn note(&mut self, kind: u8) -> bool {
        self.slices |= matches!(kind, nal::SLICE | nal::KEY_SLICE);
        self.key |= kind == nal::KEY_SLICE;
        matches!(kind, nal::SLICE | nal::KEY_SLICE | nal::SEQUENCE | nal::PICTURES)
    }
}

/// The units of an aggregation packet behind its first byte.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = Result<&[u8], PayloadError>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let split = rest
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        match split {
            Some((unit, behind)) if !unit.is_empty() => {
                rest = behind;
                Some(Ok(unit))
            }
            _ => {
                rest = &[];
                Some(Err(PayloadError::Short))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::packetise;
    use super::*;

    fn unit(kind: u8, length: usize) -> Bytes {
        let mut unit = vec![0x60 | kind];
        unit.extend((1..length).map(|at| (at % 251) as u8 | 1));
        Bytes::from(unit)
    }

    fn stream(units: &[Bytes]) -> Vec<u8> {
        units.iter().flat_map(|unit| START_CODE.iter().chain(unit.iter()).copied().collect::<Vec<u8>>()).collect()
    }

    #[test]
    fn a_picture_survives_the_packets_whatever_its_size() {
        for length in [1, 2, 1000, 1107, 1108, 1110, 1111, 1112, 2217, 5000, 100_000] {
            let units = [unit(7, 12), unit(8, 4), unit(5, length)];
            let payloads = packetise(units.iter().cloned(), 1110);
            assert!(payloads.iter().all(|payload| payload.len() <= 1110));
            assert!(is_key_start(&payloads[0]));
            assert_eq!(unit_from(&payloads), Ok((stream(&units), true)), "{length}");
        }
    }

    #[test]
    fn fragments_are_even() {
        let payloads = packetise([unit(1, 1200)], 1110);
        let lengths: Vec<_> = payloads.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [602, 601]);
        assert!(!payloads.iter().any(|payload| is_key_start(payload)));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let payloads = packetise([unit(5, 5000)], 1110);
        assert_eq!(unit_from(&payloads[1..]), Err(PayloadError::Fragments));
        assert_eq!(unit_from(&payloads[..2]), Err(PayloadError::Fragments));
        assert_eq!(unit_from([&payloads[0], &payloads[0]]), Err(PayloadError::Fragments));
        assert_eq!(unit_from([&payloads[0], &unit(1, 9)]), Err(PayloadError::Fragments));
        assert_eq!(unit_from([&Bytes::new()]), Err(PayloadError::Short));
        assert_eq!(unit_from([&Bytes::from_static(&[0x7c])]), Err(PayloadError::Short));
        assert_eq!(unit_from([&Bytes::from_static(&[0x78, 0, 9, 1])]), Err(PayloadError::Short));
        assert_eq!(unit_from([&Bytes::from_static(&[0x1d, 1, 2])]), Err(PayloadError::Kind(29)));
        assert_eq!(unit_from([&unit(7, 20)]), Err(PayloadError::Empty));
        assert_eq!(unit_from([]), Err(PayloadError::Empty));
    }
}
