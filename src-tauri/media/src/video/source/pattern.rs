//! The test pattern: a picture that moves, with the time in it.
//!
//! The lowest fifth of the picture is four rows of sixteen cells, light (1) or dark (0), read from the left, the highest bit first: 48 bits of
//! milliseconds since the Unix epoch, by the computer's clock when the picture was made, and a CRC-16 (CCITT, from `FFFF`) of those six bytes. It
//! survives scaling and hard compression, so whoever sees the picture anywhere can tell how old it is.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::worker::{Beat, Control, Next, Opened, Reel};
use super::{Format, VideoError};
use crate::video::{Frame, FrameError};

const COLUMNS: usize = 16;
const ROWS: usize = 4;
/// A row of cells has this share of the height.
const ROW_SHARE: usize = 20;
const DARK: u8 = 32;
const LIGHT: u8 = 220;
/// The least difference between light and dark that is believed.
const CONTRAST: u32 = 48;
/// How many steps the table of a wave has; a power of two, so that negative places are right as well.
const TURN: usize = 1_024;
/// The background comes round in this time, in milliseconds.
const ROUND_MS: u64 = 8_000;

/// One picture of the pattern; it moves with the time code.
///
/// # Errors
/// [`FrameError::Size`].
pub fn picture(width: u32, height: u32, time_code_ms: u64, captured_at: Instant) -> Result<Frame, FrameError> {
    let mut frame = Frame::black(width, height, captured_at)?;
    Background::new(width as usize, height as usize).draw(&mut frame, time_code_ms);
    draw_disc(&mut frame, time_code_ms);
    draw_time_code(&mut frame, time_code_ms);
    Ok(frame)
}

/// The time code of a picture, in milliseconds since the Unix epoch; none if the picture has none, or it can't be read for sure.
pub fn read_time_code(frame: &Frame) -> Option<u64> {
    let mut means = [0u32; ROWS * COLUMNS];
    for (cell, mean) in means.iter_mut().enumerate() {
        *mean = inner_mean(frame, cell);
    }
    let (least, most) = (*means.iter().min()?, *means.iter().max()?);
    if most - least < CONTRAST {
        return None;
    }
    let middle = u32::midpoint(most, least);
    let bits = means.iter().fold(0u64, |bits, mean| bits << 1 | u64::from(*mean > middle));
    let time_code_ms = bits >> 16;
    (u64::from(crc(time_code_ms)) == bits & 0xFFFF).then_some(time_code_ms)
}

/// The pattern as a source.
#[derive(Debug)]
pub(super) struct Pattern {
    format: Format,
    background: Background,
    beat: Beat,
}

/// The picture behind it all, which goes round.
#[derive(Debug)]
struct Background {
    width: usize,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
}

/// One turn of a sine.
struct Wave([f32; TURN]);

impl Pattern {
    pub(super) fn new(format: Format) -> Self {
        let background = Background::new(format.width as usize, format.height as usize);
        Self { format, background, beat: Beat::new(format.frame_rate, 1) }
    }
}

impl Reel for Pattern {
    fn opened(&self) -> Opened {
        Opened { name: "Test pattern".to_owned(), frame_rate: self.format.frame_rate }
    }

    fn next(&mut self, control: &Control) -> Result<Next, VideoError> {
        if !self.beat.wait(control) {
            return Ok(Next::Nothing);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let mut frame = Frame::black(self.format.width, self.format.height, Instant::now())
            .map_err(|error| VideoError::Unusable(error.to_string()))?;
        self.background.draw(&mut frame, now);
        draw_disc(&mut frame, now);
        draw_time_code(&mut frame, now);
        Ok(Next::Picture(frame))
    }
}

impl Background {
    fn new(width: usize, height: usize) -> Self {
        let wave = Wave::new();
        let (half_width, half_height) = (width / 2, height / 2);
        Self {
            width,
            luma: plane(width, height, |across, down| {
                let slow = 40.0 * wave.at(across * 2.0 + down * 0.5);
                120.0 + slow + 24.0 * wave.at(across * 12.0 - down * 3.0) - 30.0 * down
            }),
            blue: plane(half_width, half_height, |across, down| 128.0 + 44.0 * wave.at(across + down * 0.3)),
            red: plane(half_width, half_height, |across, down| 128.0 + 44.0 * wave.at(across * 2.0 + down * 0.25)),
        }
    }

    fn draw(&self, frame: &mut Frame, time_code_ms: u64) {
        let gone = (time_code_ms % ROUND_MS) as usize * self.width / ROUND_MS as usize / 2;
        let [luma, blue, red] = frame.planes_mut();
        for (to, from, width, gone) in [
            (luma, &self.luma, self.width, gone * 2),
            (blue, &self.blue, self.width / 2, gone),
            (red, &self.red, self.width / 2, gone),
        ] {
            for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(width)) {
                to[..width - gone].copy_from_slice(&from[gone..]);
                to[width - gone..].copy_from_slice(&from[..gone]);
            }
        }
    }
}

/// A plane whose values are a function of the place, across and down, each from 0 to 1.
fn plane(width: usize, height: usize, value: impl Fn(f32, f32) -> f32) -> Vec<u8> {
    let mut plane = Vec::with_capacity(width * height);
    for row in 0..height {
        let down = row as f32 / height as f32;
        plane.extend((0..width).map(|column| value(column as f32 / width as f32, down) as u8));
    }
    plane
}

impl Wave {
    fn new() -> Self {
        Self(std::array::from_fn(|at| (at as f32 / TURN as f32 * std::f32::consts::TAU).sin()))
    }

    /// The sine of so many turns.
    fn at(&self, turns: f32) -> f32 {
        self.0[(turns * TURN as f32) as i32 as usize % TURN]
    }
}

/// A light disc that bounces above the time code.
fn draw_disc(frame: &mut Frame, time_code_ms: u64) {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let radius = height / 8;
    let free = (width.saturating_sub(2 * radius), (height * 4 / 5).saturating_sub(2 * radius));
    let swing = |length: usize, period: u64| {
        let at = (time_code_ms % period) as f32 / period as f32;
        (length as f32 * (1.0 - (at * 2.0 - 1.0).abs())) as usize
    };
    let (left, top) = (swing(free.0, 3_700), swing(free.1, 1_900));
    let middle = radius as f32;
    for row in 0..(2 * radius).min(height - top) {
        let across = middle * middle - (row as f32 + 0.5 - middle).powi(2);
        let half = across.max(0.0).sqrt();
        let from = left + (middle - half) as usize;
        let to = (left + (middle + half) as usize).min(width);
        let start = (top + row) * width;
        frame.planes_mut()[0][start + from.min(to)..start + to].fill(230);
    }
}

/// Paints a time code over the lowest fifth of any picture.
pub fn draw_time_code(frame: &mut Frame, time_code_ms: u64) {
    let time_code_ms = time_code_ms & 0xFFFF_FFFF_FFFF;
    let bits = time_code_ms << 16 | u64::from(crc(time_code_ms));
    let width = frame.width() as usize;
    for cell in 0..ROWS * COLUMNS {
        let light = bits >> (ROWS * COLUMNS - 1 - cell) & 1 == 1;
        let (columns, rows) = bounds(frame, cell);
        let [luma, blue, red] = frame.planes_mut();
        for row in rows.clone() {
            luma[row * width..][columns.clone()].fill(if light { LIGHT } else { DARK });
        }
        for row in rows.start / 2..rows.end / 2 {
            blue[row * width / 2..][columns.start / 2..columns.end.div_ceil(2)].fill(128);
            red[row * width / 2..][columns.start / 2..columns.end.div_ceil(2)].fill(128);
        }
    }
}

/// The columns and the rows of a cell, in pixels.
fn bounds(frame: &Frame, cell: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let (column, row) = (cell % COLUMNS, cell / COLUMNS);
    let top = |row: usize| height - (ROWS - row) * height / ROW_SHARE;
    (column * width / COLUMNS..(column + 1) * width / COLUMNS, top(row)..top(row + 1))
}

/// The mean luma of the inner quarter of a cell, where its neighbours have not bled in.
fn inner_mean(frame: &Frame, cell: usize) -> u32 {
    let (columns, rows) = bounds(frame, cell);
    let inner = |range: std::ops::Range<usize>| {
        let margin = range.len() / 4;
        range.start + margin..(range.end - margin).max(range.start + margin + 1)
    };
    let (columns, rows) = (inner(columns), inner(rows));
    let (luma, width) = (frame.planes()[0], frame.width() as usize);
    let (mut sum, mut count) = (0, 0);
    for row in rows {
        for pixel in luma[row * width..].get(columns.clone()).unwrap_or_default() {
            sum += u32::from(*pixel);
            count += 1;
        }
    }
    sum / count.max(1)
}

/// CRC-16, CCITT, of the low six bytes.
fn crc(time_code_ms: u64) -> u16 {
    time_code_ms.to_be_bytes()[2..].iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(u32, u32); 6] = [(16, 16), (160, 90), (320, 180), (640, 360), (1_278, 718), (360, 640)];

    #[test]
    fn a_time_code_is_read_back_at_every_size() {
        for (width, height) in SIZES.into_iter().filter(|size| size.0 > 16) {
            for time_code in [0, 1, 1_790_000_123_456, 0xFFFF_FFFF_FFFF] {
                let frame = picture(width, height, time_code, Instant::now()).unwrap();
                assert_eq!(read_time_code(&frame), Some(time_code), "{width} by {height}");
            }
        }
    }

    #[test]
    fn what_has_no_time_code_has_none() {
        for (width, height) in SIZES {
            assert_eq!(read_time_code(&Frame::black(width, height, Instant::now()).unwrap()), None);
            let mut frame = picture(width, height, 77, Instant::now()).unwrap();
            let luma = frame.planes_mut()[0].len();
            frame.planes_mut()[0][luma / 5 * 4..].reverse();
            assert_eq!(read_time_code(&frame), None, "{width} by {height}");
        }
    }

    #[test]
    fn the_picture_moves() {
        let now = Instant::now();
        let (first, second) = (picture(640, 360, 1_000, now).unwrap(), picture(640, 360, 1_100, now).unwrap());
        let above = 640 * 360 / 5 * 4;
        let moved = first.data()[..above].iter().zip(&second.data()[..above]).filter(|(a, b)| a != b).count();
        assert!(moved > above / 2, "{moved} of {above} pixels moved");
    }
}
