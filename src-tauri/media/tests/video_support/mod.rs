//! A moving picture that carries its own time, for the tests of `peal_media::video`.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use peal_media::video::{Frame, Picture};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bits of the time code, in two rows of blocks along the top.
const BITS: u32 = 32;

/// Milliseconds of this machine's clock, so that two programs on it agree.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A picture with texture that moves, and the low 32 bits of `code` along its top.
pub fn picture(width: u32, height: u32, number: u64, code: u64) -> Frame {
    let mut frame = Frame::black(width, height, Instant::now()).expect("a possible size");
    let (across, down) = (width as usize, height as usize);
    let shift = number as usize * 3;
    let [luma, blue, red] = frame.planes_mut();
    for row in 0..down {
        for column in 0..across {
            let wave = ((column + shift) / 8 + row / 8) % 16;
            let fine = (column * 7 + row * 13 + shift * 5) % 23;
            luma[row * across + column] = (60 + wave * 8 + fine) as u8;
        }
    }
    let (block_width, block_height) = block(width, height);
    for bit in 0..BITS {
        let value = if code >> bit & 1 == 1 { 235 } else { 16 };
        let (left, top) = ((bit % 16) as usize * block_width, (bit / 16) as usize * block_height);
        for row in top..top + block_height {
            luma[row * across + left..row * across + left + block_width].fill(value);
        }
    }
    for row in 0..down / 2 {
        for column in 0..across / 2 {
            blue[row * across / 2 + column] = (100 + (column + shift) * 50 / across) as u8;
            red[row * across / 2 + column] = (110 + (row + shift) * 40 / down % 40) as u8;
        }
    }
    frame
}

/// The code of a picture, at whatever size it came.
pub fn code(frame: &Frame) -> u64 {
    let (block_width, block_height) = block(frame.width(), frame.height());
    let width = frame.width() as usize;
    let luma = frame.planes()[0];
    (0..BITS).fold(0, |code, bit| {
        let (left, top) = ((bit % 16) as usize * block_width, (bit / 16) as usize * block_height);
        let middle = luma[(top + block_height / 2) * width + left + block_width / 2];
        code | u64::from(middle > 125) << bit
    })
}

fn block(width: u32, height: u32) -> (usize, usize) {
    (width as usize / 16, (height as usize / 10).max(2))
}

/// Plays pictures at a pace until dropped. Each carries the time at which it was made.
pub struct Player {
    pub pictures: watch::Receiver<Picture>,
    task: JoinHandle<()>,
}

impl Player {
    pub fn start(width: u32, height: u32, frame_rate: u32) -> Self {
        let (sender, pictures) = watch::channel(None);
        let task = tokio::spawn(async move {
            let mut clock = tokio::time::interval(Duration::from_secs(1) / frame_rate);
            clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            for number in 0_u64.. {
                clock.tick().await;
                sender.send_replace(Some(Arc::new(picture(width, height, number, now_ms()))));
            }
        });
        Self { pictures, task }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How alike two pictures of one size are, dB of luma (PSNR).
pub fn psnr(one: &Frame, other: &Frame) -> f64 {
    let (a, b) = (one.planes()[0], other.planes()[0]);
    assert_eq!(a.len(), b.len(), "pictures of one size");
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0_f64.powi(2) / (squares / a.len() as f64).max(0.01)).log10()
}
