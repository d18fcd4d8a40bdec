//! What a stream says of itself before the decoder believes it (H.264 section 7.3.2.1.1).

use crate::video::{MAX_HEIGHT, MAX_WIDTH};

/// Why a sequence parameter set is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// Cut short, or with numbers that the standard does not know.
    #[error("malformed")]
    Malformed,
    /// Not decodable as constrained baseline.
    #[error("not baseline")]
    Profile,
    /// Larger than 1920 pixels on a side.
    #[error("too large")]
    TooLarge,
}

/// Reads a sequence parameter set (a NAL unit without start code): width and height in pixels, as coded, that is in whole
/// blocks of 16.
///
/// # Errors
/// [`SequenceError`]: what the decoder must not see.
pub fn inspect_sequence(nal: &[u8]) -> Result<(u32, u32), SequenceError> {
    let payload = unescaped(nal.get(1..).ok_or(SequenceError::Malformed)?);
    let mut bits = Bits { data: &payload, at: 0 };
    let profile = bits.take(8)?;
    let constraints = bits.take(8)?;
    bits.take(8)?;
    // 66 is baseline; any profile with constraint_set0_flag keeps to it.
    if profile != 66 && constraints & 0x80 == 0 {
        return Err(SequenceError::Profile);
    }
    if profile >= 100 {
        return Err(SequenceError::Profile);
    }
    if bits.golomb()? > 31 || bits.golomb()? > 12 {
        return Err(SequenceError::Malformed);
    }
    match bits.golomb()? {
        0 => {
            if bits.golomb()? > 12 {
                return Err(SequenceError::Malformed);
            }
        }
        1 => {
            bits.take(1)?;
            bits.golomb()?;
            bits.golomb()?;
            let cycle = bits.golomb()?;
            if cycle > 255 {
                return Err(SequenceError::Malformed);
            }
            for _ in 0..cycle {
                bits.golomb()?;
            }
        }
        2 => {}
        _ => return Err(SequenceError::Malformed),
    }
    if bits.golomb()? > 16 {
        return Err(SequenceError::Malformed);
    }
    bits.take(1)?;
    let (columns, rows) = (bits.golomb()?, bits.golomb()?);
    let frames_only = bits.take(1)?;
    if frames_only != 1 {
        return Err(SequenceError::Profile);
    }
    // A size just over a limit may be cropped to it.
    if columns >= MAX_WIDTH.div_ceil(16) || rows >= MAX_HEIGHT.div_ceil(16) {
        return Err(SequenceError::TooLarge);
    }
    Ok(((columns + 1) * 16, (rows + 1) * 16))
}

/// Reads a picture parameter set (a NAL unit without start code) as far as baseline must keep to it.
pub(super) fn inspect_pictures(nal: &[u8]) -> Result<(), SequenceError> {
    let payload = unescaped(nal.get(1..).ok_or(SequenceError::Malformed)?);
    let mut bits = Bits { data: &payload, at: 0 };
    if bits.golomb()? > 255 || bits.golomb()? > 31 {
        return Err(SequenceError::Malformed);
    }
    let arithmetic_coding = bits.take(1)? == 1;
    bits.take(1)?;
    let slice_groups = bits.golomb()? + 1;
    if arithmetic_coding || slice_groups > 1 { Err(SequenceError::Profile) } else { Ok(()) }
}

/// Without the emulation prevention bytes (H.264 section 7.4.1.1). A parameter set is short; the rest is left out.
fn unescaped(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len().min(1024));
    let mut zeros = 0;
    for &byte in nal.iter().take(1024) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, SequenceError> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.data.get(self.at / 8).ok_or(SequenceError::Malformed)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    /// An unsigned Exp-Golomb number (H.264 section 9.1).
    fn golomb(&mut self) -> Result<u32, SequenceError> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return Err(SequenceError::Malformed);
            }
        }
        Ok((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 640 x 368 as coded (360 with cropping), baseline, level 3.
    const SPS: [u8; 12] = [0x67, 0x42, 0xc0, 0x1e, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, 0x0f];

    #[test]
    fn a_real_parameter_set_names_its_size() {
        assert_eq!(inspect_sequence(&SPS), Ok((640, 368)));
    }

    #[test]
    fn other_profiles_and_broken_sets_are_refused() {
        let mut high = SPS;
        high[1] = 100;
        assert_eq!(inspect_sequence(&high), Err(SequenceError::Profile));
        let mut main = SPS;
        (main[1], main[2]) = (77, 0);
        assert_eq!(inspect_sequence(&main), Err(SequenceError::Profile));
        for length in 0..6 {
            assert_eq!(inspect_sequence(&SPS[..length]), Err(SequenceError::Malformed), "{length}");
        }
    }

    #[test]
    fn arithmetic_coding_and_slice_groups_are_not_baseline() {
        assert_eq!(inspect_pictures(&[0x68, 0xce, 0x3c, 0x80]), Ok(()));
        assert_eq!(inspect_pictures(&[0x68, 0xee, 0x3c, 0x80]), Err(SequenceError::Profile));
        assert_eq!(inspect_pictures(&[0x68, 0b1100_0100]), Err(SequenceError::Profile));
        assert_eq!(inspect_pictures(&[0x68]), Err(SequenceError::Malformed));
    }

    #[test]
    fn giants_are_refused() {
        // Baseline, then id 0, frame number 0, order type 2, one reference, no gaps, and 2000 columns of blocks.
        let mut bits = String::from("1 1 011 010 0");
        bits.push_str(&golomb(1999));
        bits.push_str(&golomb(10));
        bits.push_str("11111");
        assert_eq!(inspect_sequence(&with(&bits)), Err(SequenceError::TooLarge));
    }

    fn golomb(value: u32) -> String {
        let plus = value + 1;
        let length = 32 - plus.leading_zeros();
        format!("{}{plus:b}", "0".repeat(length as usize - 1))
    }

    fn with(bits: &str) -> Vec<u8> {
        let digits: Vec<u8> = bits.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let mut nal = vec![0x67, 66, 0xc0, 30];
        for chunk in digits.chunks(8) {
            nal.push(chunk.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << (7 - at)));
        }
        nal
    }
}
