//! One peer's decoder.

use std::time::Instant;

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig, Flush};
use openh264::formats::YUVSource;

use super::sps::inspect_pictures;
use super::{CodecError, SequenceError, inspect_sequence};
use crate::video::Frame;

/// Largest coded picture taken, bytes: a 1080p key frame at the best quality has less.
pub const MAX_UNIT: usize = 2 << 20;

/// Decodes a peer's pictures. Nothing is concealed: what can't be decoded whole is an error, and the caller asks for a
/// key frame.
pub struct H264Decoder {
    decoder: Decoder,
}

impl H264Decoder {
    /// A decoder that waits for a key frame.
    ///
    /// # Errors
    /// [`CodecError::Library`].
    pub fn new() -> Result<Self, CodecError> {
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        Ok(Self { decoder: Decoder::with_api_config(OpenH264API::from_source(), config)? })
    }

    /// Decodes one coded picture, a byte stream with start codes (H.264 annex B). None: it brought no picture.
    ///
    /// # Errors
    /// [`CodecError::Sequence`] if it announces pictures that are not taken, [`CodecError::TooLarge`], or
    /// [`CodecError::Library`] if it is broken or what it refers to is missing. A decoder that reported an error should
    /// be made anew before the next key frame.
    pub fn decode(&mut self, unit: &[u8], captured_at: Instant) -> Result<Option<Frame>, CodecError> {
        if unit.len() > MAX_UNIT {
            return Err(CodecError::TooLarge);
        }
        for nal in nals(unit) {
            match nal.first().map_or(0, |header| header & 0x1f) {
                7 => drop(inspect_sequence(nal)?),
                8 => inspect_pictures(nal)?,
                // Slices, supplements, delimiters and filler.
                1 | 5 | 6 | 9..=12 => {}
                _ => return Err(SequenceError::Profile.into()),
            }
        }
        let Some(decoded) = self.decoder.decode(unit)? else { return Ok(None) };
        let (width, height) = decoded.dimensions();
        let strides = decoded.strides();
        let expected = u32::try_from(width)
            .and_then(|width| u32::try_from(height).map(|height| Frame::bytes(width, height)))
            .map_err(|_| CodecError::TooLarge)?
            .map_err(|error| CodecError::Library(error.to_string()))?;
        let mut data = Vec::with_capacity(expected);
        copy_plane(&mut data, decoded.y(), width, height, strides.0);
        copy_plane(&mut data, decoded.u(), width / 2, height / 2, strides.1);
        copy_plane(&mut data, decoded.v(), width / 2, height / 2, strides.2);
        Frame::new(width as u32, height as u32, data, captured_at)
            .map(Some)
            .map_err(|error| CodecError::Library(error.to_string()))
    }
}

impl std::fmt::Debug for H264Decoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("H264Decoder")
    }
}

fn copy_plane(to: &mut Vec<u8>, plane: &[u8], width: usize, height: usize, stride: usize) {
    if stride == width {
        to.extend_from_slice(plane.get(..width * height).unwrap_or_default());
        return;
    }
    for line in plane.chunks(stride.max(1)).take(height) {
        to.extend_from_slice(line.get(..width).unwrap_or_default());
    }
}

/// The NAL units of a byte stream, without start codes.
fn nals(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = next_start(stream);
    std::iter::from_fn(move || {
        let nal = rest?;
        let end = start_code(nal).map_or(nal.len(), |(at, _)| at);
        rest = next_start(nal);
        Some(&nal[..end])
    })
}

fn next_start(stream: &[u8]) -> Option<&[u8]> {
    start_code(stream).map(|(at, length)| &stream[at + length..])
}

/// Where a start code of three bytes begins.
fn start_code(stream: &[u8]) -> Option<(usize, usize)> {
    stream.windows(3).position(|bytes| bytes == [0, 0, 1]).map(|at| (at, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nal_units_are_found_between_start_codes() {
        let stream = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 1];
        let found: Vec<&[u8]> = nals(&stream).collect();
        assert_eq!(found, [&[0x67, 1, 2][..], &[0x68, 3][..], &[][..]]);
        assert_eq!(nals(&[1, 2, 3]).count(), 0);
        assert_eq!(nals(&[]).count(), 0);
    }
}
