//! What both cameras see: somebody before a shelf, held by a hand, with a little noise, and the number of each picture in it
//! as a time code. It is played over and over, and its end joins its beginning.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use peal_media::video::Frame;
use peal_media::video::pattern::draw_time_code;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::measure::Unmeasured;

/// Pictures a second.
pub const RATE: u32 = 30;
/// Pictures until it begins again: six seconds.
pub const LENGTH: u64 = 180;
/// How far the hand moves, pixels at most.
const SWAY: f64 = 6.0;

/// A film on disk, and its luma in memory.
pub struct Film {
    /// The Y4M file.
    pub file: PathBuf,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    luma: Vec<Vec<u8>>,
}

impl Film {
    /// Makes it.
    pub fn make(file: &Path, width: u32, height: u32) -> Result<Self, Unmeasured> {
        let scene = Scene::new(width as usize, height as usize);
        let mut to = BufWriter::new(std::fs::File::create(file)?);
        writeln!(to, "YUV4MPEG2 W{width} H{height} F{RATE}:1 Ip A1:1 C420jpeg")?;
        let mut luma = Vec::new();
        for number in 0..LENGTH {
            let mut frame = Frame::black(width, height, Instant::now())?;
            scene.draw(&mut frame, number);
            draw_time_code(&mut frame, number);
            to.write_all(b"FRAME\n")?;
            to.write_all(frame.data())?;
            luma.push(frame.planes()[0].to_vec());
        }
        to.flush()?;
        Ok(Self { file: file.to_owned(), width, height, luma })
    }

    /// The luma of a picture.
    pub fn luma(&self, number: u64) -> Option<&[u8]> {
        self.luma.get(usize::try_from(number).ok()?).map(Vec::as_slice)
    }
}

/// The parts that are drawn once.
struct Scene {
    width: usize,
    height: usize,
    /// The shelf, larger than the picture by the sway on each side.
    back: Vec<u8>,
    back_width: usize,
    /// The grain of a sensor, drawn at another place each time.
    grain: Vec<i8>,
    skin: Vec<u8>,
}

impl Scene {
    fn new(width: usize, height: usize) -> Self {
        let mut random = StdRng::seed_from_u64(7);
        let margin = SWAY as usize * 2;
        let (back_width, back_height) = (width + margin, height + margin);
        let rough = Rough::new(&mut random);
        let scale = height as f64 / 360.0;
        let mut back = Vec::with_capacity(back_width * back_height);
        for y in 0..back_height {
            for x in 0..back_width {
                let (across, down) = (x as f64 / scale, y as f64 / scale);
                // Boards every 90 lines, and books of many widths on them.
                let board = down % 90.0 < 6.0;
                let book = (rough.at((across / 14.0).floor() * 3.7, (down / 90.0).floor() * 9.1) * 80.0).round();
                let fine = rough.at(across / 3.0, down / 3.0) * 14.0 + rough.at(across / 40.0, down / 40.0) * 20.0;
                let light = 100.0 - down / 9.0 + if board { 50.0 } else { book } + fine;
                back.push(light.clamp(20.0, 230.0) as u8);
            }
        }
        let grain = (0..width * height + 4_096).map(|_| random.random_range(-2..=2)).collect();
        let side = height / 2;
        let skin = (0..side * side).map(|at| {
            let (x, y) = ((at % side) as f64 / scale, (at / side) as f64 / scale);
            (150.0 + rough.at(x / 22.0, y / 22.0) * 40.0 + rough.at(x / 4.0, y / 4.0) * 12.0) as u8
        });
        Self { width, height, back, back_width, grain, skin: skin.collect() }
    }

    fn draw(&self, frame: &mut Frame, number: u64) {
        let turn = number as f64 / LENGTH as f64 * std::f64::consts::TAU;
        let sway = |times: f64, phase: f64| (SWAY + SWAY * (turn * times + phase).sin()).round() as usize;
        let (left, top) = (sway(3.0, 0.0), sway(5.0, 1.0));
        let grain = (number as usize * 1_237) % 4_096;
        let (side, half) = (self.height / 2, self.height as f64 / 4.0);
        // The person leans to and fro, and nods.
        let middle = self.width as f64 / 2.0 + (turn * 2.0).sin() * self.height as f64 / 6.0;
        let nod = self.height as f64 * (0.38 + 0.03 * (turn * 7.0).sin());
        let (from_x, from_y) = ((middle - half) as usize, (nod - half).max(0.0) as usize);
        let inside = |x: usize, y: usize| {
            let (across, down) = ((x as f64 - middle) / (half * 0.75), (y as f64 - nod) / half);
            across * across + down * down < 1.0
        };
        let width = self.width;
        let [luma, blue, red] = frame.planes_mut();
        for (y, line) in luma.chunks_exact_mut(width).enumerate() {
            let back = &self.back[(y + top) * self.back_width + left..][..width];
            let grain = &self.grain[grain + y * width..][..width];
            let face = y.checked_sub(from_y).filter(|row| *row < side);
            for (x, pixel) in line.iter_mut().enumerate() {
                let column = x.wrapping_sub(from_x);
                let seen = match face {
                    Some(row) if column < side && inside(x, y) => self.skin[row * side + column],
                    _ => back[x],
                };
                *pixel = seen.saturating_add_signed(grain[x]);
            }
        }
        for (plane, wall, skin) in [(blue, 120, 110), (red, 134, 150)] {
            for (y, line) in plane.chunks_exact_mut(width / 2).enumerate() {
                for (x, pixel) in line.iter_mut().enumerate() {
                    *pixel = if inside(x * 2, y * 2) { skin } else { wall };
                }
            }
        }
    }
}

/// Smooth chance: values between -0.5 and 0.5 at whole places, and between them what lies between.
struct Rough([f64; 4_096]);

impl Rough {
    fn new(random: &mut StdRng) -> Self {
        Self(std::array::from_fn(|_| random.random::<f64>() - 0.5))
    }

    fn at(&self, x: f64, y: f64) -> f64 {
        let (column, row) = (x.floor(), y.floor());
        let (across, down) = (x - column, y - row);
        let value = |dx: usize, dy: usize| {
            let (column, row) = (column as usize + dx, row as usize + dy);
            self.0[(column.wrapping_mul(73) ^ row.wrapping_mul(1_259)) % self.0.len()]
        };
        let line = |dy| value(0, dy) * (1.0 - across) + value(1, dy) * across;
        line(0) * (1.0 - down) + line(1) * down
    }
}
