//! A picture of any size on its way from a source, and the formats that sources have.

use crate::video::FrameError;

/// I420 of any even size, BT.601, limited range, whose memory is used again. Of odd sizes the last line or column is left out.
#[derive(Debug, Default)]
pub(in crate::video) struct Planar {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

/// How much of the colour three planes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::video) enum Subsampling {
    /// Half across and half down: 4:2:0.
    Both,
    /// Half across: 4:2:2.
    Across,
    /// All: 4:4:4.
    None,
    /// No colour at all.
    Grey,
}

/// The order of the bytes of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::video) enum Order {
    Rgb,
    Bgr,
    Rgba,
    Bgra,
}

impl Subsampling {
    /// The size of three planes one after the other, in bytes.
    pub(in crate::video) fn bytes(self, width: usize, height: usize) -> usize {
        let (wide, high) = self.colour(width, height);
        width * height + 2 * wide * high
    }

    /// The size of a plane of colour.
    fn colour(self, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::Both => (width.div_ceil(2), height.div_ceil(2)),
            Self::Across => (width.div_ceil(2), height),
            Self::None => (width, height),
            Self::Grey => (0, 0),
        }
    }
}

impl Order {
    /// How many bytes a pixel has.
    fn step(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Rgba | Self::Bgra => 4,
        }
    }
}

impl Planar {
    /// Pixels.
    pub(in crate::video) fn width(&self) -> usize {
        self.width
    }

    /// Pixels.
    pub(in crate::video) fn height(&self) -> usize {
        self.height
    }

    /// Luma, blue, red.
    pub(in crate::video) fn planes(&self) -> [&[u8]; 3] {
        let luma = self.width * self.height;
        let (y, colour) = self.data.split_at(luma);
        let (u, v) = colour.split_at(luma / 4);
        [y, u, v]
    }

    /// A size that is wished for, upright if this picture is.
    pub(in crate::video) fn turned(&self, width: u32, height: u32) -> (u32, u32) {
        if (self.height > self.width) == (height > width) { (width, height) } else { (height, width) }
    }

    /// From three planes without gaps.
    ///
    /// # Errors
    /// [`FrameError::Length`] if there are too few bytes.
    pub(in crate::video) fn set_planes(
        &mut self,
        data: &[u8],
        width: usize,
        height: usize,
        subsampling: Subsampling,
        full_range: bool,
    ) -> Result<(), FrameError> {
        enough(data, subsampling.bytes(width, height))?;
        let [luma, blue, red] = self.resize(width, height);
        let (wide, high) = (width / 2 * 2, height / 2 * 2);
        let (y, colour) = data.split_at(width * height);
        for (to, from) in luma.chunks_exact_mut(wide.max(1)).zip(y.chunks_exact(width.max(1))) {
            to.copy_from_slice(&from[..wide]);
        }
        let (colour_width, colour_height) = subsampling.colour(width, height);
        let (u, v) = colour.split_at(colour_width * colour_height);
        for (to, from) in [(blue, u), (red, v)] {
            let lines = to.chunks_exact_mut((wide / 2).max(1)).take(high / 2).enumerate();
            for (row, to) in lines {
                match subsampling {
                    Subsampling::Grey => to.fill(128),
                    Subsampling::Both => to.copy_from_slice(&from[row * colour_width..][..wide / 2]),
                    Subsampling::Across => {
                        let lines = from[row * 2 * colour_width..].split_at(colour_width);
                        for ((to, above), below) in to.iter_mut().zip(lines.0).zip(lines.1) {
                            *to = mean(*above, *below);
                        }
                    }
                    Subsampling::None => {
                        let lines = from[row * 2 * colour_width..].split_at(colour_width);
                        let pairs = lines.0.chunks_exact(2).zip(lines.1.chunks_exact(2));
                        for (to, (above, below)) in to.iter_mut().zip(pairs) {
                            *to = mean(mean(above[0], above[1]), mean(below[0], below[1]));
                        }
                    }
                }
            }
        }
        if full_range {
            self.limit();
        }
        Ok(())
    }

    /// From YUYV (also called YUY2): 4:2:2 with luma and colour in turn.
    ///
    /// # Errors
    /// [`FrameError::Length`] if there are too few bytes.
    pub(in crate::video) fn set_yuyv(&mut self, data: &[u8], width: usize, height: usize) -> Result<(), FrameError> {
        let stride = width.div_ceil(2) * 4;
        enough(data, stride * height)?;
        let [luma, blue, red] = self.resize(width, height);
        let half = (width / 2).max(1);
        let lines = luma.chunks_exact_mut(half * 4).zip(blue.chunks_exact_mut(half)).zip(red.chunks_exact_mut(half));
        for (((luma, blue), red), from) in lines.zip(data.chunks_exact((stride * 2).max(1))) {
            let (above, below) = from.split_at(stride);
            let (luma_above, luma_below) = luma.split_at_mut(half * 2);
            for (luma, from) in [(luma_above, above), (luma_below, below)] {
                for (luma, from) in luma.chunks_exact_mut(2).zip(from.chunks_exact(4)) {
                    luma[0] = from[0];
                    luma[1] = from[2];
                }
            }
            let pairs = above.chunks_exact(4).zip(below.chunks_exact(4));
            for ((blue, red), (above, below)) in blue.iter_mut().zip(red).zip(pairs) {
                *blue = mean(above[1], below[1]);
                *red = mean(above[3], below[3]);
            }
        }
        Ok(())
    }

    /// From NV12: 4:2:0 with a plane of luma, and one with both colours in turn.
    ///
    /// # Errors
    /// [`FrameError::Length`] if there are too few bytes.
    pub(in crate::video) fn set_nv12(&mut self, data: &[u8], width: usize, height: usize) -> Result<(), FrameError> {
        let stride = width.div_ceil(2) * 2;
        enough(data, width * height + stride * height.div_ceil(2))?;
        let [luma, blue, red] = self.resize(width, height);
        let (y, colour) = data.split_at(width * height);
        for (to, from) in luma.chunks_exact_mut((width / 2 * 2).max(1)).zip(y.chunks_exact(width.max(1))) {
            to.copy_from_slice(&from[..width / 2 * 2]);
        }
        let half = (width / 2).max(1);
        let lines = blue.chunks_exact_mut(half).zip(red.chunks_exact_mut(half));
        for ((blue, red), from) in lines.zip(colour.chunks_exact(stride.max(1))) {
            for ((blue, red), from) in blue.iter_mut().zip(red).zip(from.chunks_exact(2)) {
                *blue = from[0];
                *red = from[1];
            }
        }
        Ok(())
    }

    /// From red, green and blue, in lines of `stride` bytes.
    ///
    /// # Errors
    /// [`FrameError::Length`] if there are too few bytes.
    pub(in crate::video) fn set_rgb(
        &mut self,
        data: &[u8],
        width: usize,
        height: usize,
        stride: usize,
        order: Order,
    ) -> Result<(), FrameError> {
        let step = order.step();
        if stride < width * step {
            return Err(FrameError::Length { given: stride, expected: width * step });
        }
        enough(data, (stride * height).saturating_sub(stride - width * step))?;
        let [luma, blue, red] = self.resize(width, height);
        let half = (width / 2).max(1);
        let lines = luma.chunks_exact_mut(half * 4).zip(blue.chunks_exact_mut(half)).zip(red.chunks_exact_mut(half));
        for (row, ((luma, blue), red)) in lines.enumerate() {
            let above = &data[row * 2 * stride..][..half * 2 * step];
            let below = &data[(row * 2 + 1) * stride..][..half * 2 * step];
            match order {
                Order::Rgb => rgb_lines::<3, 0, 2>(above, below, luma, blue, red),
                Order::Bgr => rgb_lines::<3, 2, 0>(above, below, luma, blue, red),
                Order::Rgba => rgb_lines::<4, 0, 2>(above, below, luma, blue, red),
                Order::Bgra => rgb_lines::<4, 2, 0>(above, below, luma, blue, red),
            }
        }
        Ok(())
    }

    /// From luma, blue and red in turn for every pixel, in full range, as JPEG has them.
    ///
    /// # Errors
    /// [`FrameError::Length`] if there are too few bytes.
    pub(in crate::video) fn set_interleaved(
        &mut self,
        data: &[u8],
        width: usize,
        height: usize,
    ) -> Result<(), FrameError> {
        enough(data, width * height * 3)?;
        let [luma, blue, red] = self.resize(width, height);
        let half = (width / 2).max(1);
        let lines = luma.chunks_exact_mut(half * 4).zip(blue.chunks_exact_mut(half)).zip(red.chunks_exact_mut(half));
        for (((luma, blue), red), from) in lines.zip(data.chunks_exact((width * 6).max(1))) {
            let (above, below) = from.split_at(width * 3);
            let (luma_above, luma_below) = luma.split_at_mut(half * 2);
            for (luma, from) in [(luma_above, above), (luma_below, below)] {
                for (luma, from) in luma.iter_mut().zip(from.chunks_exact(3)) {
                    *luma = limited_luma(from[0]);
                }
            }
            let pairs = above.chunks_exact(6).zip(below.chunks_exact(6));
            for ((blue, red), (above, below)) in blue.iter_mut().zip(red).zip(pairs) {
                let sum = |at: usize| {
                    let sum = u16::from(above[at]) + u16::from(above[at + 3]) + u16::from(below[at]);
                    ((sum + u16::from(below[at + 3]) + 2) / 4) as u8
                };
                *blue = limited_colour(sum(1));
                *red = limited_colour(sum(2));
            }
        }
        Ok(())
    }

    /// Takes the size of a source, an even one, and gives the planes to fill.
    fn resize(&mut self, width: usize, height: usize) -> [&mut [u8]; 3] {
        (self.width, self.height) = (width / 2 * 2, height / 2 * 2);
        let luma = self.width * self.height;
        self.data.resize(luma * 3 / 2, 0);
        let (y, colour) = self.data.split_at_mut(luma);
        let (u, v) = colour.split_at_mut(luma / 4);
        [y, u, v]
    }

    /// From full range (0 to 255) to the limited one (16 to 235, colours to 240).
    fn limit(&mut self) {
        let (luma, colour) = self.data.split_at_mut(self.width * self.height);
        for pixel in luma {
            *pixel = limited_luma(*pixel);
        }
        for pixel in colour {
            *pixel = limited_colour(*pixel);
        }
    }
}

fn limited_luma(full: u8) -> u8 {
    (((u32::from(full) * 14_071 + 8_192) >> 14) + 16) as u8
}

fn limited_colour(full: u8) -> u8 {
    ((((i32::from(full) - 128) * 14_392 + 8_192) >> 14) + 128) as u8
}

fn enough(data: &[u8], expected: usize) -> Result<(), FrameError> {
    if data.len() < expected { Err(FrameError::Length { given: data.len(), expected }) } else { Ok(()) }
}

fn mean(one: u8, other: u8) -> u8 {
    u16::midpoint(u16::from(one) + 1, u16::from(other)) as u8
}

/// Two lines of pixels; a pixel has `STEP` bytes, red the `RED`th, blue the `BLUE`th of them.
fn rgb_lines<const STEP: usize, const RED: usize, const BLUE: usize>(
    above: &[u8],
    below: &[u8],
    luma: &mut [u8],
    blue: &mut [u8],
    red: &mut [u8],
) {
    let middle = luma.len() / 2;
    let (luma_above, luma_below) = luma.split_at_mut(middle);
    for (luma, line) in [(luma_above, above), (luma_below, below)] {
        for (luma, pixel) in luma.iter_mut().zip(line.chunks_exact(STEP)) {
            let (r, g, b) = (i32::from(pixel[RED]), i32::from(pixel[1]), i32::from(pixel[BLUE]));
            *luma = (((66 * r + 129 * g + 25 * b + 128) >> 8) + 16) as u8;
        }
    }
    let blocks = above.chunks_exact(2 * STEP).zip(below.chunks_exact(2 * STEP));
    for ((blue, red), (above, below)) in blue.iter_mut().zip(red).zip(blocks) {
        let sum = |at: usize| {
            i32::from(above[at]) + i32::from(above[STEP + at]) + i32::from(below[at]) + i32::from(below[STEP + at])
        };
        let (r, g, b) = (sum(RED), sum(1), sum(BLUE));
        *blue = (((-38 * r - 74 * g + 112 * b + 512) >> 10) + 128) as u8;
        *red = (((112 * r - 94 * g - 18 * b + 512) >> 10) + 128) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 6;
    const HEIGHT: usize = 5;

    /// What a picture of one colour becomes.
    fn colour_of(planar: &Planar) -> [u8; 3] {
        assert_eq!((planar.width(), planar.height()), (WIDTH, HEIGHT - 1), "the odd line is left out");
        let planes = planar.planes();
        assert!(planes.iter().all(|plane| plane.iter().all(|value| *value == plane[0])));
        planes.map(|plane| plane[0])
    }

    #[test]
    fn the_order_of_bytes_makes_no_difference() {
        // By ITU-R BT.601.
        for (rgb, expected) in [
            ([255, 0, 0], [82, 90, 240]),
            ([0, 255, 0], [144, 54, 34]),
            ([0, 0, 255], [41, 240, 110]),
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 0], [16, 128, 128]),
        ] {
            let [r, g, b] = rgb;
            for (order, pixel) in [
                (Order::Rgb, vec![r, g, b]),
                (Order::Bgr, vec![b, g, r]),
                (Order::Rgba, vec![r, g, b, 9]),
                (Order::Bgra, vec![b, g, r, 9]),
            ] {
                // With a gap after each line.
                let stride = WIDTH * order.step() + 5;
                let mut line = pixel.repeat(WIDTH);
                line.resize(stride, 77);
                let mut planar = Planar::default();
                planar.set_rgb(&line.repeat(HEIGHT), WIDTH, HEIGHT, stride, order).unwrap();
                let made = colour_of(&planar);
                let off = made.iter().zip(expected).map(|(made, expected)| made.abs_diff(expected)).max();
                assert!(off <= Some(1), "{order:?}: {rgb:?} became {made:?}, not {expected:?}");
            }
        }
    }

    #[test]
    fn full_range_becomes_limited() {
        for (full, expected) in [([0, 0, 255], [16, 16, 240]), ([255, 128, 128], [235, 128, 128])] {
            let mut planar = Planar::default();
            planar.set_interleaved(&full.repeat(WIDTH * HEIGHT), WIDTH, HEIGHT).unwrap();
            assert_eq!(colour_of(&planar), expected);
        }
    }

    #[test]
    fn too_few_bytes_are_refused() {
        let mut planar = Planar::default();
        let bytes = [0; WIDTH * HEIGHT * 4];
        assert!(planar.set_yuyv(&bytes[..WIDTH * HEIGHT * 2 - 1], WIDTH, HEIGHT).is_err());
        assert!(planar.set_nv12(&bytes[..WIDTH * (HEIGHT + 3) - 1], WIDTH, HEIGHT).is_err());
        assert!(planar.set_interleaved(&bytes[..WIDTH * HEIGHT * 3 - 1], WIDTH, HEIGHT).is_err());
        assert!(planar.set_rgb(&bytes[1..], WIDTH, HEIGHT, WIDTH * 4, Order::Rgba).is_err());
        assert!(planar.set_rgb(&bytes, WIDTH, HEIGHT, WIDTH * 4 - 1, Order::Rgba).is_err());
        for subsampling in [Subsampling::Both, Subsampling::Across, Subsampling::None, Subsampling::Grey] {
            let size = subsampling.bytes(WIDTH, HEIGHT);
            assert!(planar.set_planes(&bytes[..size - 1], WIDTH, HEIGHT, subsampling, false).is_err());
            assert!(planar.set_planes(&bytes[..size], WIDTH, HEIGHT, subsampling, false).is_ok());
        }
    }

    #[test]
    fn tiny_and_empty_pictures_are_no_trouble() {
        let mut planar = Planar::default();
        let bytes = [0; 64];
        for (width, height) in [(0, 0), (1, 1), (1, 9), (9, 1), (3, 3), (2, 2)] {
            for subsampling in [Subsampling::Both, Subsampling::Across, Subsampling::None, Subsampling::Grey] {
                planar.set_planes(&bytes, width, height, subsampling, true).unwrap();
            }
            planar.set_yuyv(&bytes, width, height).unwrap();
            planar.set_nv12(&bytes, width, height).unwrap();
            planar.set_interleaved(&bytes, width, height).unwrap();
            planar.set_rgb(&bytes, width, height, width * 3, Order::Rgb).unwrap();
            assert_eq!((planar.width(), planar.height()), (width / 2 * 2, height / 2 * 2));
        }
    }
}
