//! Pictures of the size that a tile draws.

use std::borrow::Cow;

use peal_engine::{Fit, Frame, Scaler};

use super::Size;

/// A picture is made smaller only where this much of its width is left, or less: below it the copies spared on the way into the
/// window, and the pixels coloured there, cost more than the scaling.
const WORTH_IT: f64 = 0.7;

/// A tile, and how it is drawn: filled, with what is too much cut off.
pub struct Tile {
    size: Size,
    scaler: Scaler,
}

impl Tile {
    /// A tile of this size.
    pub fn new(size: Size) -> Self {
        Self { size, scaler: Scaler::smooth() }
    }

    /// It has another size.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// A picture with no more pixels than the tile can show; of the same shape.
    pub fn fitting<'a>(&mut self, frame: &'a Frame) -> Cow<'a, Frame> {
        let Size { width, height } = self.size;
        let (full_width, full_height) = (f64::from(frame.width()), f64::from(frame.height()));
        let scale = (f64::from(width) / full_width).max(f64::from(height) / full_height);
        // A tile that has no size yet will have one.
        if width == 0 || height == 0 || scale > WORTH_IT {
            return Cow::Borrowed(frame);
        }
        let even = |side: f64| ((side * scale / 2.0).ceil() as u32 * 2).max(SMALLEST);
        match self.scaler.scale(frame, even(full_width), even(full_height), Fit::Stretch) {
            Ok(smaller) => Cow::Owned(smaller),
            Err(error) => {
                tracing::debug!(%error, "a picture goes to its tile as it is");
                Cow::Borrowed(frame)
            }
        }
    }
}

/// The least width and height of a picture in a tile, pixels.
const SMALLEST: u32 = 16;

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn drawn(picture: (u32, u32), tile: (u32, u32)) -> (u32, u32) {
        let frame = Frame::black(picture.0, picture.1, Instant::now()).unwrap();
        let fitting = Tile::new(Size { width: tile.0, height: tile.1 }).fitting(&frame).into_owned();
        assert_eq!(fitting.captured_at(), frame.captured_at());
        (fitting.width(), fitting.height())
    }

    #[test]
    fn a_small_tile_gets_a_small_picture_that_still_fills_it() {
        assert_eq!(drawn((1_280, 720), (240, 135)), (240, 136));
        // As high as the tile, and wider: the sides are cut where it is drawn.
        assert_eq!(drawn((1_280, 720), (200, 300)), (534, 300));
        assert_eq!(drawn((1_280, 720), (1, 1)), (16, 16));
    }

    #[test]
    fn a_tile_that_is_large_or_not_laid_out_gets_the_picture_as_it_is() {
        for tile in [(1_280, 720), (4_000, 100), (1_000, 500), (0, 0), (100, 0), (u32::MAX, u32::MAX)] {
            assert_eq!(drawn((1_280, 720), tile), (1_280, 720), "{tile:?}");
        }
    }
}
