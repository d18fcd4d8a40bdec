//! Other sizes and other ways up.

use std::time::Instant;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::Planar;
use crate::video::{Frame, FrameError};

/// What becomes of a picture whose shape is not the one that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The middle is kept and the margins are cut: for people.
    Cover,
    /// All of it is kept, between black bars: for what is written.
    Contain,
    /// It is distorted: for shapes that differ by a rounding.
    Stretch,
}

/// How far a picture is turned clockwise to stand upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It stands upright.
    None,
    /// By 90 degrees.
    Quarter,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    ThreeQuarters,
}

/// Scales one picture after the other, with the same memory.
#[derive(Debug)]
pub struct Scaler {
    resizer: Resizer,
    filter: FilterType,
    bars: Vec<u8>,
    halved: Vec<u8>,
}

/// Three planes of I420 of any even size.
#[derive(Clone, Copy)]
struct View<'a> {
    width: usize,
    height: usize,
    planes: [&'a [u8]; 3],
}

/// A part of a plane, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// A picture in another size, without ringing at edges.
///
/// # Errors
/// [`FrameError::Size`].
pub fn scale(frame: &Frame, width: u32, height: u32, fit: Fit) -> Result<Frame, FrameError> {
    Scaler::smooth().scale(frame, width, height, fit)
}

/// A picture turned clockwise.
pub fn rotate(frame: &Frame, rotation: Rotation) -> Frame {
    let (width, height) = match rotation {
        Rotation::None => return frame.clone(),
        Rotation::Half => (frame.width(), frame.height()),
        Rotation::Quarter | Rotation::ThreeQuarters => (frame.height(), frame.width()),
    };
    let mut data = Vec::with_capacity(frame.data().len());
    let (from_width, from_height) = (frame.width() as usize, frame.height() as usize);
    for (plane, shift) in frame.planes().into_iter().zip([0, 1, 1]) {
        turn_plane(plane, from_width >> shift, from_height >> shift, rotation, &mut data);
    }
    // The sides of a picture may both be as long as the longest, so turned it is a picture as well.
    Frame::new(width, height, data, frame.captured_at()).unwrap_or_else(|_| frame.clone())
}

impl Scaler {
    /// For what a camera sees: no ringing at edges.
    pub fn smooth() -> Self {
        Self::new(FilterType::Bilinear)
    }

    /// For what is written on a screen: edges stay sharp.
    pub fn sharp() -> Self {
        Self::new(FilterType::Lanczos3)
    }

    /// A picture in another size. Costs a copy where the size is the same.
    ///
    /// # Errors
    /// [`FrameError::Size`].
    pub fn scale(&mut self, frame: &Frame, width: u32, height: u32, fit: Fit) -> Result<Frame, FrameError> {
        let (from_width, from_height) = (frame.width() as usize, frame.height() as usize);
        let view = View { width: from_width, height: from_height, planes: frame.planes() };
        self.view(view, width, height, fit, frame.captured_at())
    }

    /// A picture of what came from a source.
    ///
    /// # Errors
    /// [`FrameError::Size`], also of a source that is empty.
    pub(in crate::video) fn planar(
        &mut self,
        planar: &Planar,
        width: u32,
        height: u32,
        fit: Fit,
        captured_at: Instant,
    ) -> Result<Frame, FrameError> {
        let view = View { width: planar.width(), height: planar.height(), planes: planar.planes() };
        self.view(view, width, height, fit, captured_at)
    }

    fn new(filter: FilterType) -> Self {
        Self { resizer: Resizer::new(), filter, bars: Vec::new(), halved: Vec::new() }
    }

    fn view(
        &mut self,
        from: View<'_>,
        width: u32,
        height: u32,
        fit: Fit,
        captured_at: Instant,
    ) -> Result<Frame, FrameError> {
        let bytes = Frame::bytes(width, height)?;
        if from.width < 2 || from.height < 2 {
            return Err(FrameError::Size { width: from.width as u32, height: from.height as u32 });
        }
        let (wide, high) = (width as usize, height as usize);
        if (from.width, from.height) == (wide, high) {
            return Frame::new(width, height, from.planes.concat(), captured_at);
        }
        let whole = Part { left: 0.0, top: 0.0, width: from.width as f64, height: from.height as f64 };
        let (part, inner) = match fit {
            Fit::Stretch => (whole, (wide, high)),
            Fit::Cover => (whole.cut_to(f64::from(width), f64::from(height)), (wide, high)),
            Fit::Contain => (whole, within(from, wide, high)),
        };
        // To half the size there is a way that takes a tenth of the time, and it is as smooth.
        if self.filter == FilterType::Bilinear
            && part.width >= inner.0 as f64 * 2.0
            && part.height >= inner.1 as f64 * 2.0
        {
            let mut halved = std::mem::take(&mut self.halved);
            let scaled = self.view(halve(from, &mut halved), width, height, fit, captured_at);
            self.halved = halved;
            return scaled;
        }
        let mut frame = if inner == (wide, high) {
            Frame::new(width, height, vec![0; bytes], captured_at)?
        } else {
            Frame::black(width, height, captured_at)?
        };
        for ((plane, to), halved) in from.planes.into_iter().zip(frame.planes_mut()).zip([1, 2, 2]) {
            let (size, part) = ((from.width / halved, from.height / halved), part.divided(halved as f64));
            let (inner, outer) = ((inner.0 / halved, inner.1 / halved), (wide / halved, high / halved));
            if inner == outer {
                self.plane(plane, size, part, to, outer);
                continue;
            }
            let mut bars = std::mem::take(&mut self.bars);
            bars.resize(inner.0 * inner.1, 0);
            self.plane(plane, size, part, &mut bars, inner);
            let (left, top) = ((outer.0 - inner.0) / 2, (outer.1 - inner.1) / 2);
            for (line, from) in bars.chunks_exact(inner.0).enumerate() {
                to[(top + line) * outer.0 + left..][..inner.0].copy_from_slice(from);
            }
            self.bars = bars;
        }
        Ok(frame)
    }

    fn plane(&mut self, from: &[u8], size: (usize, usize), part: Part, to: &mut [u8], to_size: (usize, usize)) {
        // Typed: the other way the compiler makes every kernel for every kind of pixel, here and in each test.
        let from = TypedImageRef::<U8>::from_buffer(size.0 as u32, size.1 as u32, from);
        let to = TypedImage::<U8>::from_buffer(to_size.0 as u32, to_size.1 as u32, to);
        let (Ok(from), Ok(mut to)) = (from, to) else {
            debug_assert!(false, "the planes have their sizes");
            return;
        };
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(self.filter)).crop(
            part.left,
            part.top,
            part.width,
            part.height,
        );
        let resized = self.resizer.resize_typed(&from, &mut to, &options);
        debug_assert!(resized.is_ok(), "the part is inside, and both are single planes");
    }
}

impl Part {
    /// The middle that has the shape of this size.
    fn cut_to(self, wide: f64, high: f64) -> Self {
        let width = self.width.min(self.height * wide / high);
        let height = self.height.min(self.width * high / wide);
        // A cut without scaling is a copy of whole pairs of pixels.
        let copied = (width - wide).abs() < 0.5 && (height - high).abs() < 0.5;
        let start = |spare: f64| if copied { (spare / 4.0).floor() * 2.0 } else { spare / 2.0 };
        let (left, top) = (start(self.width - width), start(self.height - height));
        Self { left, top, width, height }
    }

    fn divided(self, by: f64) -> Self {
        Self { left: self.left / by, top: self.top / by, width: self.width / by, height: self.height / by }
    }
}

/// The picture at half its size, each pixel the mean of four.
fn halve<'a>(from: View<'_>, to: &'a mut Vec<u8>) -> View<'a> {
    let (width, height) = (from.width / 4 * 2, from.height / 4 * 2);
    let luma = width * height;
    to.resize(luma * 3 / 2, 0);
    let (y, colour) = to.split_at_mut(luma);
    let (u, v) = colour.split_at_mut(luma / 4);
    for ((to, from_plane), shift) in [y, u, v].into_iter().zip(from.planes).zip([0, 1, 1]) {
        halve_plane(from_plane, from.width >> shift, to, width >> shift);
    }
    let (y, colour) = to.split_at(luma);
    let (u, v) = colour.split_at(luma / 4);
    View { width, height, planes: [y, u, v] }
}

/// A plane at half its size: each pixel is the mean of four.
pub(in crate::video) fn halve_plane(from: &[u8], width: usize, to: &mut [u8], half: usize) {
    for (to, lines) in to.chunks_exact_mut(half).zip(from.chunks_exact(width * 2)) {
        let (above, below) = lines.split_at(width);
        let pairs = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
        for (to, (above, below)) in to.iter_mut().zip(pairs) {
            // Two neighbours as one word: so the compiler finds the processor's vectors (five times as fast).
            let [above, below] = [above, below].map(|pair| u16::from_le_bytes(*pair));
            let sum = (above & 255) + (above >> 8) + (below & 255) + (below >> 8);
            *to = ((sum + 2) / 4) as u8;
        }
    }
}

/// The largest even size of the shape of `from` inside the other.
fn within(from: View<'_>, width: usize, height: usize) -> (usize, usize) {
    let even = |side: usize, most: usize| (side.div_ceil(2) * 2).clamp(2, most);
    if from.width * height > width * from.height {
        (width, even(width * from.height / from.width, height))
    } else {
        (even(height * from.width / from.height, width), height)
    }
}

fn turn_plane(from: &[u8], width: usize, height: usize, rotation: Rotation, to: &mut Vec<u8>) {
    match rotation {
        Rotation::None => to.extend_from_slice(from),
        Rotation::Half => to.extend(from.iter().rev()),
        Rotation::Quarter => {
            for column in 0..width {
                to.extend((0..height).rev().map(|row| from[row * width + column]));
            }
        }
        Rotation::ThreeQuarters => {
            for column in (0..width).rev() {
                to.extend((0..height).map(|row| from[row * width + column]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Luma grows to the right, blue downwards, red is even.
    fn ramp(width: u32, height: u32) -> Frame {
        let mut frame = Frame::black(width, height, Instant::now()).unwrap();
        let [luma, blue, red] = frame.planes_mut();
        for (index, pixel) in luma.iter_mut().enumerate() {
            *pixel = (index % width as usize * 255 / width as usize) as u8;
        }
        for (index, pixel) in blue.iter_mut().enumerate() {
            *pixel = (index / (width as usize / 2) * 255 / (height as usize / 2)) as u8;
        }
        red.fill(77);
        frame
    }

    #[test]
    fn every_size_can_become_every_other() {
        let sizes = [(16, 16), (720, 1_080), (320, 240), (640, 360), (1_280, 720), (360, 640), (1_920, 1_080)];
        let mut scaler = Scaler::smooth();
        for (from, to) in sizes.into_iter().flat_map(|from| sizes.map(|to| (from, to))) {
            let frame = ramp(from.0, from.1);
            for fit in [Fit::Cover, Fit::Contain, Fit::Stretch] {
                let scaled = scaler.scale(&frame, to.0, to.1, fit).unwrap();
                assert_eq!((scaled.width(), scaled.height()), to);
                let [luma, _, red] = scaled.planes();
                let middle = luma[(to.1 as usize / 2) * to.0 as usize + to.0 as usize / 2];
                assert!(middle.abs_diff(127) < 16, "{from:?} to {to:?}, {fit:?}: the middle is {middle}");
                assert!(red[(to.1 as usize / 4) * (to.0 as usize / 2) + to.0 as usize / 4].abs_diff(77) < 2);
            }
        }
        assert!(scaler.scale(&ramp(16, 16), 17, 16, Fit::Cover).is_err());
    }

    #[test]
    fn cover_cuts_the_sides_and_contain_keeps_them() {
        let frame = ramp(640, 360);
        let cut = scale(&frame, 240, 240, Fit::Cover).unwrap();
        // Of 640 columns the 360 in the middle are left.
        assert!(cut.planes()[0][0].abs_diff(55) < 3 && cut.planes()[0][239].abs_diff(199) < 3);
        let kept = scale(&frame, 240, 240, Fit::Contain).unwrap();
        let line = |row: usize| &kept.planes()[0][row * 240..][..240];
        assert!(line(0).iter().all(|pixel| *pixel == 16), "a bar above");
        assert!(line(239).iter().all(|pixel| *pixel == 16), "a bar below");
        assert!(line(120)[0] < 8 && line(120)[239] > 247, "both sides are there");
        assert!(kept.planes()[1][..120].iter().all(|pixel| *pixel == 128), "bars have no colour");
    }

    #[test]
    fn a_cut_without_scaling_is_a_copy() {
        let frame = ramp(1_280, 960);
        let cut = scale(&frame, 1_280, 720, Fit::Cover).unwrap();
        assert_eq!(cut.planes()[1], &frame.planes()[1][640 * 60..640 * 420]);
    }

    #[test]
    fn four_quarters_are_a_whole_turn() {
        let frame = ramp(64, 36);
        let mut turned = frame.clone();
        for _ in 0..4 {
            turned = rotate(&turned, Rotation::Quarter);
        }
        assert_eq!(turned, frame);
        let quarter = rotate(&frame, Rotation::Quarter);
        assert_eq!((quarter.width(), quarter.height()), (36, 64));
        assert_eq!(quarter.planes()[0][0], frame.planes()[0][35 * 64], "the lower left corner is the upper left one");
        assert_eq!(rotate(&quarter, Rotation::ThreeQuarters), frame);
        assert_eq!(rotate(&rotate(&frame, Rotation::Half), Rotation::Half), frame);
    }
}
