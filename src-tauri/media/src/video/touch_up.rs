//! Beauty and whitening (kit D06, D07): skin is smoothed and brightened, in place.
//!
//! Skin is found by its colour, which hardly differs between people: what differs is how light it is. It is smoothed by a guided filter (He, Sun,
//! Tang, "Guided Image Filtering"), which flattens what varies little (pores, freckles, noise) and leaves what varies much (eyes, lips, the
//! outline of a face), and brightened by a curve that lifts the middle and leaves the dark and the white where they are.
//!
//! `docs/touch-up.md` has a face at each level. `cargo run -p peal-media --example touch_up` measures: with both at level 9 a picture of 640 by 360
//! takes about 2 ms of one core.

use std::sync::LazyLock;

use super::Frame;

/// The highest level of either.
pub const MAX_LEVEL: u8 = 9;

/// One in the fixed-point numbers of the filter's slope.
const ONE: i32 = 1 << 10;

/// What is done to a person's picture. Screens, windows and the pattern are left as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TouchUp {
    /// Smoothing of skin, 0 (none) to 9 (kit D07). More counts as 9.
    pub beauty: u8,
    /// Brightening of skin, 0 (none) to 9 (kit D06). More counts as 9.
    pub whiteness: u8,
}

/// Touches one picture up after the other, with the same memory.
#[derive(Debug, Default)]
pub struct Retoucher {
    /// How much each pair of two by two pixels is skin, 0 to 255.
    skin: Vec<u8>,
    /// The luma at half the size.
    luma: Vec<i32>,
    squares: Vec<i32>,
    slope: Vec<i32>,
    offset: Vec<i32>,
    lines: Vec<i32>,
}

impl Retoucher {
    /// Touches a picture up. Costs nothing at level 0.
    pub fn apply(&mut self, frame: &mut Frame, touch_up: TouchUp) {
        let (beauty, whiteness) = (touch_up.beauty.min(MAX_LEVEL), touch_up.whiteness.min(MAX_LEVEL));
        if beauty == 0 && whiteness == 0 {
            return;
        }
        let (wide, high) = (frame.width() as usize / 2, frame.height() as usize / 2);
        self.find_skin(frame, wide, high);
        if beauty > 0 {
            self.find_smooth(frame, wide, high, beauty);
            self.smooth(frame, wide, beauty);
        }
        if whiteness > 0 {
            self.whiten(frame, wide, whiteness);
        }
    }

    /// How much each pair of pixels is skin, with soft edges.
    fn find_skin(&mut self, frame: &Frame, wide: usize, high: usize) {
        let [_, blue, red] = frame.planes();
        let table = &*SKIN;
        self.luma.clear();
        self.luma.extend(
            blue.iter()
                .zip(red)
                .map(|(blue, red)| i32::from(table[usize::from(*red) / 2 * 128 + usize::from(*blue) / 2])),
        );
        let radius = (wide / 160).clamp(1, 4);
        box_mean(&mut self.luma, &mut self.lines, wide, high, radius);
        self.skin.clear();
        self.skin.extend(self.luma.iter().map(|skin| *skin as u8));
    }

    /// For each pair of pixels the line on which its smooth luma lies: `slope * luma + offset`.
    fn find_smooth(&mut self, frame: &Frame, wide: usize, high: usize, beauty: u8) {
        let radius = (wide / 64).clamp(2, 12);
        // What varies less than this (standard deviation, in steps of luma) is texture.
        let texture = 4.0 + 1.5 * f32::from(beauty);
        let threshold = texture * texture;
        self.luma.clear();
        for lines in frame.planes()[0].chunks_exact(wide * 4) {
            let (above, below) = lines.split_at(wide * 2);
            let pairs = above.chunks_exact(2).zip(below.chunks_exact(2));
            self.luma.extend(pairs.map(|(above, below)| {
                (i32::from(above[0]) + i32::from(above[1]) + i32::from(below[0]) + i32::from(below[1]) + 2) / 4
            }));
        }
        self.squares.clear();
        // In quarters, which keeps the sums of the widest window in range.
        self.squares.extend(self.luma.iter().map(|luma| luma * luma * 4));
        // The square of a mean that is rounded roughly would be off by more than a fine texture has.
        for luma in &mut self.luma {
            *luma *= 512;
        }
        box_mean(&mut self.luma, &mut self.lines, wide, high, radius);
        box_mean(&mut self.squares, &mut self.lines, wide, high, radius);
        self.slope.clear();
        self.offset.clear();
        for (mean, square) in self.luma.iter().zip(&self.squares) {
            let mean = *mean as f32 / 512.0;
            let variance = (*square as f32 / 4.0 - mean * mean).max(0.0);
            let slope = variance / (variance + threshold);
            self.slope.push((slope * ONE as f32) as i32);
            self.offset.push(((mean - slope * mean) * ONE as f32) as i32);
        }
        box_mean(&mut self.slope, &mut self.lines, wide, high, radius);
        box_mean(&mut self.offset, &mut self.lines, wide, high, radius);
    }

    fn smooth(&self, frame: &mut Frame, wide: usize, beauty: u8) {
        // A little of the texture stays, or skin looks like wax.
        let strength = 60 + i32::from(beauty) * 19;
        let rows = self.skin.chunks_exact(wide).zip(self.slope.chunks_exact(wide)).zip(self.offset.chunks_exact(wide));
        for (lines, ((skin, slope), offset)) in frame.planes_mut()[0].chunks_exact_mut(wide * 4).zip(rows) {
            for line in lines.chunks_exact_mut(wide * 2) {
                for (((pair, skin), slope), offset) in line.chunks_exact_mut(2).zip(skin).zip(slope).zip(offset) {
                    let weight = (i32::from(*skin) * strength) >> 8;
                    for pixel in pair {
                        let luma = i32::from(*pixel);
                        let smooth = (slope * luma + offset + ONE / 2) >> 10;
                        *pixel = (luma + (((smooth - luma) * weight + 128) >> 8)).clamp(0, 255) as u8;
                    }
                }
            }
        }
    }

    fn whiten(&self, frame: &mut Frame, wide: usize, whiteness: u8) {
        let lift = lift(whiteness);
        let [luma, blue, red] = frame.planes_mut();
        for (lines, skin) in luma.chunks_exact_mut(wide * 4).zip(self.skin.chunks_exact(wide)) {
            for line in lines.chunks_exact_mut(wide * 2) {
                for (pair, skin) in line.chunks_exact_mut(2).zip(skin) {
                    for pixel in pair {
                        let more = (u32::from(lift[usize::from(*pixel)]) * u32::from(*skin) + 128) >> 8;
                        *pixel = pixel.saturating_add(more as u8);
                    }
                }
            }
        }
        // Lighter skin has paler colour, or it would glow.
        let pale = i32::from(whiteness) * 3;
        for plane in [blue, red] {
            for (colour, skin) in plane.iter_mut().zip(&self.skin) {
                let weight = (i32::from(*skin) * pale) >> 8;
                *colour = (i32::from(*colour) + (((128 - i32::from(*colour)) * weight + 128) >> 8)) as u8;
            }
        }
    }
}

/// How much a colour (red, then blue, in halves) is that of skin, 0 to 255.
static SKIN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    (0..128 * 128)
        .map(|index| {
            let (red, blue) = ((index / 128 * 2) as f32 - 152.0, (index % 128 * 2) as f32 - 108.0);
            // The colours of skin lie in an ellipse (Hsu, Abdel-Mottaleb, Jain, "Face Detection in Color Images"), which leans: redder is less blue.
            let (along, across) = (0.77 * red - 0.64 * blue, 0.64 * red + 0.77 * blue);
            let distance = ((along / 26.0).powi(2) + (across / 13.0).powi(2)).sqrt();
            let near = ((1.45 - distance) / 0.55).clamp(0.0, 1.0);
            // Grey lies in it as well, and is none.
            (255.0 * near * ((red + 21.0) / 8.0).clamp(0.0, 1.0)) as u8
        })
        .collect()
});

/// How many steps each luma is lifted: a logarithmic curve, which leaves both ends.
fn lift(whiteness: u8) -> [u8; 256] {
    let bend = 1.0 + 0.3 * f32::from(whiteness);
    std::array::from_fn(|luma| {
        let at = ((luma as f32 - 16.0) / 219.0).clamp(0.0, 1.0);
        let lifted = (1.0 + at * (bend - 1.0)).ln() / bend.ln();
        // Hair and shadows may have the colour of skin. They stay dark.
        let lit = ((at - 0.06) / 0.36).clamp(0.0, 1.0);
        ((lifted - at) * lit * 219.0) as u8
    })
}

/// The mean of the square of `2 * radius + 1` around each place, whose edges go on as they end.
fn box_mean(plane: &mut [i32], lines: &mut Vec<i32>, width: usize, height: usize, radius: usize) {
    let side = 2 * radius + 1;
    // Down: a row is the one above it, plus the row that comes in, less the one that goes out.
    lines.clear();
    lines.resize(width, 0);
    let row = |plane: &[i32], row: usize| row.min(height - 1) * plane.len() / height;
    let source = plane.to_vec();
    for (sum, first) in lines.iter_mut().zip(&source[..width]) {
        *sum = first * (radius as i32 + 1);
    }
    for below in 1..=radius {
        let from = row(&source, below);
        for (sum, value) in lines.iter_mut().zip(&source[from..]) {
            *sum += value;
        }
    }
    for at in 0..height {
        plane[at * width..][..width].copy_from_slice(lines);
        let (enters, leaves) = (row(&source, at + radius + 1), row(&source, at.saturating_sub(radius)));
        let entering = &source[enters..][..width];
        let leaving = &source[leaves..][..width];
        for ((sum, enters), leaves) in lines.iter_mut().zip(entering).zip(leaving) {
            *sum += enters - leaves;
        }
    }
    // Across: the same along each row.
    let scale = 1.0 / (side * side) as f32;
    lines.resize(width + 2 * radius + 1, 0);
    for line in plane.chunks_exact_mut(width) {
        let (first, last) = (line[0], line[width - 1]);
        lines[..radius].fill(first);
        lines[radius..radius + width].copy_from_slice(line);
        lines[radius + width..].fill(last);
        let mut sum: i32 = lines[..side].iter().sum();
        for ((value, enters), leaves) in line.iter_mut().zip(&lines[side..]).zip(&lines[..]) {
            *value = (sum as f32 * scale) as i32;
            sum += enters - leaves;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const SKIN_COLOUR: (u8, u8) = (108, 152);
    const LEAF_COLOUR: (u8, u8) = (96, 96);

    /// Left of the middle dark, right of it light, and a fine texture everywhere.
    fn textured(colour: (u8, u8)) -> Frame {
        let mut frame = Frame::black(320, 180, Instant::now()).unwrap();
        let [luma, blue, red] = frame.planes_mut();
        for (index, pixel) in luma.iter_mut().enumerate() {
            let (row, column) = (index / 320, index % 320);
            let texture = (row * 7 + column * 13) % 9 * 3;
            *pixel = if column < 160 { 80 } else { 170 } + texture as u8;
        }
        blue.fill(colour.0);
        red.fill(colour.1);
        frame
    }

    fn retouched(frame: &Frame, beauty: u8, whiteness: u8) -> Frame {
        let mut frame = frame.clone();
        Retoucher::default().apply(&mut frame, TouchUp { beauty, whiteness });
        frame
    }

    /// The standard deviation of luma in the left half, away from the edge.
    fn texture(frame: &Frame) -> f64 {
        let pixels: Vec<f64> = frame.planes()[0]
            .chunks_exact(320)
            .flat_map(|line| &line[20..130])
            .map(|pixel| f64::from(*pixel))
            .collect();
        let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
        (pixels.iter().map(|pixel| (pixel - mean).powi(2)).sum::<f64>() / pixels.len() as f64).sqrt()
    }

    fn mean(frame: &Frame) -> f64 {
        let luma = frame.planes()[0];
        luma.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / luma.len() as f64
    }

    #[test]
    fn level_nothing_changes_nothing() {
        let frame = textured(SKIN_COLOUR);
        assert_eq!(retouched(&frame, 0, 0), frame);
    }

    #[test]
    fn skin_gets_smoother_with_each_level_and_stays_as_light() {
        let frame = textured(SKIN_COLOUR);
        let textures: Vec<f64> = (0..=9).map(|level| texture(&retouched(&frame, level, 0))).collect();
        assert!(textures.windows(2).all(|pair| pair[1] < pair[0]), "{textures:?}");
        assert!(textures[9] < textures[0] / 3.0, "{textures:?}");
        assert!((mean(&retouched(&frame, 9, 0)) - mean(&frame)).abs() < 1.0);
    }

    #[test]
    fn edges_stay() {
        let smooth = retouched(&textured(SKIN_COLOUR), 9, 0);
        let lines = smooth.planes()[0].chunks_exact(320);
        let step = lines.map(|line| f64::from(line[160]) - f64::from(line[159])).sum::<f64>() / 180.0;
        assert!(step > 78.0, "of 90 steps {step} are left");
    }

    #[test]
    fn what_is_not_skin_is_left_alone() {
        let frame = textured(LEAF_COLOUR);
        assert_eq!(retouched(&frame, 9, 9), frame);
        let frame = textured((128, 128));
        assert_eq!(retouched(&frame, 9, 9), frame, "grey is no skin");
    }

    #[test]
    fn skin_gets_lighter_with_each_level_and_stays_a_picture() {
        let frame = textured(SKIN_COLOUR);
        let light: Vec<f64> = (0..=9).map(|level| mean(&retouched(&frame, 0, level))).collect();
        assert!(light.windows(2).all(|pair| pair[1] > pair[0] + 1.0), "{light:?}");
        let mut extremes = frame.clone();
        extremes.planes_mut()[0].fill(235);
        assert_eq!(retouched(&extremes, 0, 9).planes()[0][0], 235, "white stays white");
        extremes.planes_mut()[0].fill(16);
        assert_eq!(retouched(&extremes, 0, 9).planes()[0][0], 16, "black stays black");
    }

    #[test]
    fn every_size_can_be_touched_up() {
        let mut retoucher = Retoucher::default();
        for (width, height) in [(16, 16), (1_920, 16), (16, 1_920), (360, 640), (1_920, 1_080)] {
            let mut frame = Frame::black(width, height, Instant::now()).unwrap();
            frame.planes_mut()[1].fill(SKIN_COLOUR.0);
            frame.planes_mut()[2].fill(SKIN_COLOUR.1);
            frame.planes_mut()[0].fill(200);
            retoucher.apply(&mut frame, TouchUp { beauty: 200, whiteness: 0 });
            let differs = frame.planes()[0].iter().map(|pixel| pixel.abs_diff(200)).max();
            assert!(differs <= Some(1), "{width} by {height}: a flat picture stays flat, not {differs:?}");
        }
    }
}
