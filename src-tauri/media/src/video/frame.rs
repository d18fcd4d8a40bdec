//! One picture in memory.

use std::time::Instant;

use thiserror::Error;

/// The smallest width and height, in pixels.
pub const MIN_SIDE: u32 = 16;
/// The largest width, in pixels.
pub const MAX_WIDTH: u32 = 1_920;
/// The largest height, in pixels. As large as the width, for a telephone's picture stands upright.
pub const MAX_HEIGHT: u32 = 1_920;

/// A picture in I420 (BT.601, limited range): a plane of luma and two of colour at half the width and height, one after the
/// other and without gaps between the lines. Width and height are even. It stands upright: no rotation is left to do.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    width: u32,
    height: u32,
    data: Vec<u8>,
    captured_at: Instant,
}

/// Why bytes are no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Odd, or outside [`MIN_SIDE`] to [`MAX_WIDTH`] or [`MAX_HEIGHT`].
    #[error("{width} by {height} is no size of a picture")]
    Size {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// More or fewer bytes than three planes have.
    #[error("{given} bytes where the picture has {expected}")]
    Length {
        /// Bytes.
        given: usize,
        /// Bytes.
        expected: usize,
    },
}

impl Frame {
    /// Takes three planes, one after the other.
    ///
    /// # Errors
    /// [`FrameError`] if the size is impossible, or not that of the bytes.
    pub fn new(width: u32, height: u32, data: Vec<u8>, captured_at: Instant) -> Result<Self, FrameError> {
        let expected = Self::bytes(width, height)?;
        if data.len() != expected {
            return Err(FrameError::Length { given: data.len(), expected });
        }
        Ok(Self { width, height, data, captured_at })
    }

    /// A black picture.
    ///
    /// # Errors
    /// [`FrameError::Size`].
    pub fn black(width: u32, height: u32, captured_at: Instant) -> Result<Self, FrameError> {
        let expected = Self::bytes(width, height)?;
        let luma = expected / 3 * 2;
        let mut data = vec![128; expected];
        data[..luma].fill(16);
        Ok(Self { width, height, data, captured_at })
    }

    /// How many bytes a picture of this size has.
    ///
    /// # Errors
    /// [`FrameError::Size`].
    pub fn bytes(width: u32, height: u32) -> Result<usize, FrameError> {
        let possible = |side: u32, most: u32| side.is_multiple_of(2) && (MIN_SIDE..=most).contains(&side);
        if !possible(width, MAX_WIDTH) || !possible(height, MAX_HEIGHT) {
            return Err(FrameError::Size { width, height });
        }
        Ok(width as usize * height as usize * 3 / 2)
    }

    /// Pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// When it was seen: by the camera here, or (of a peer's picture) when its last packet came.
    pub fn captured_at(&self) -> Instant {
        self.captured_at
    }

    /// The same picture, seen at another time.
    #[must_use]
    pub fn at(self, captured_at: Instant) -> Self {
        Self { captured_at, ..self }
    }

    /// All three planes, one after the other.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The planes: luma, blue, red.
    pub fn planes(&self) -> [&[u8]; 3] {
        let luma = self.luma();
        let (y, colour) = self.data.split_at(luma);
        let (u, v) = colour.split_at(luma / 4);
        [y, u, v]
    }

    /// The planes to change: luma, blue, red.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let luma = self.luma();
        let (y, colour) = self.data.split_at_mut(luma);
        let (u, v) = colour.split_at_mut(luma / 4);
        [y, u, v]
    }

    /// The memory, to be used again for the next picture.
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    fn luma(&self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Frame({} x {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_have_their_sizes() {
        let mut frame = Frame::black(64, 36, Instant::now()).unwrap();
        assert_eq!(frame.planes().map(<[u8]>::len), [64 * 36, 32 * 18, 32 * 18]);
        assert_eq!(frame.planes().map(|plane| plane[0]), [16, 128, 128]);
        frame.planes_mut()[2][0] = 1;
        assert_eq!(frame.data()[64 * 36 + 32 * 18], 1);
    }

    #[test]
    fn impossible_sizes_and_lengths_are_refused() {
        let now = Instant::now();
        for (width, height) in [(0, 0), (15, 16), (16, 17), (1_922, 16), (16, 1_922), (u32::MAX - 1, u32::MAX - 1)] {
            assert_eq!(Frame::black(width, height, now), Err(FrameError::Size { width, height }));
        }
        let short = Frame::new(16, 16, vec![0; 383], now);
        assert_eq!(short, Err(FrameError::Length { given: 383, expected: 384 }));
        assert_eq!(Frame::black(1_080, 1_920, now).map(|frame| frame.width()), Ok(1_080));
    }
}
