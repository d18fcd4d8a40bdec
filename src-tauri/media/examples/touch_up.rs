//! What beauty and whitening do, and what they cost.
//!
//! `cargo run -p peal-media --example touch_up -- docs/touch-up` draws a face and writes it at each level of either setting, as `beauty-N.jpg`
//! and `whiteness-N.jpg`, and prints how long a picture of 640 by 360 takes.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::crop_imm;
use image::{Rgb, RgbImage};
use peal_media::video::{Frame, MAX_LEVEL, Retoucher, TouchUp};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
/// The face: left, top, width and height, pixels.
const FACE: [u32; 4] = [200, 16, 240, 280];
/// Of the files, so that their own grain is not seen.
const JPEG_QUALITY: u8 = 93;

type Colour = [f32; 3];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os().nth(1).map(PathBuf::from);
    let face = frame_of(&portrait())?;
    if let Some(directory) = &directory {
        std::fs::create_dir_all(directory)?;
        for level in 0..=MAX_LEVEL {
            let beauty = TouchUp { beauty: level, whiteness: 0 };
            let whiteness = TouchUp { beauty: 0, whiteness: level };
            for (name, touch_up) in [("beauty", beauty), ("whiteness", whiteness)] {
                let mut frame = face.clone();
                Retoucher::default().apply(&mut frame, touch_up);
                let [left, top, width, height] = FACE;
                let part = crop_imm(&image_of(&frame), left, top, width, height).to_image();
                let file = File::create(directory.join(format!("{name}-{level}.jpg")))?;
                JpegEncoder::new_with_quality(file, JPEG_QUALITY).encode_image(&part)?;
            }
        }
    }
    for touch_up in [(0, 0), (1, 0), (9, 0), (0, 9), (9, 9)] {
        let touch_up = TouchUp { beauty: touch_up.0, whiteness: touch_up.1 };
        let (median, worst) = cost(&face, touch_up);
        println!("{touch_up:?}: median {median:.2?}, worst {worst:.2?} of 300 pictures of {WIDTH} x {HEIGHT}");
    }
    Ok(())
}

fn cost(face: &Frame, touch_up: TouchUp) -> (Duration, Duration) {
    let mut retoucher = Retoucher::default();
    let mut times: Vec<Duration> = (0..300)
        .map(|_| {
            let mut frame = face.clone();
            let start = Instant::now();
            retoucher.apply(&mut frame, touch_up);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() - 1])
}

/// A face before a wall, with freckles, pores, hair and a camera's noise.
fn portrait() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (fx, fy) = (x as f32, y as f32);
        let noise = (hash(x, y) - 0.5) * 9.0;
        let colour = at(fx, fy).map(|value| (value + noise).clamp(0.0, 255.0) as u8);
        Rgb(colour)
    })
}

/// The colour of a place, without noise.
fn at(x: f32, y: f32) -> Colour {
    // A wall with stripes, whose edges must stay.
    let stripe = if (x as u32 / 40).is_multiple_of(2) { 6.0 } else { 0.0 };
    let mut colour = [104.0 + stripe, 122.0 + stripe, 132.0 + stripe];
    let over = |colour: &mut Colour, with: Colour, much: f32| {
        for (under, over) in colour.iter_mut().zip(with) {
            *under += (over - *under) * much.clamp(0.0, 1.0);
        }
    };
    // How far inside an ellipse a place is, with an edge of about 1.5 pixels.
    let inside = |cx: f32, cy: f32, rx: f32, ry: f32| {
        let distance = (((x - cx) / rx).powi(2) + ((y - cy) / ry).powi(2)).sqrt();
        (1.0 - distance) * rx.min(ry) / 1.5 + 0.5
    };
    let skin = |light: f32| [212.0 * light, 158.0 * light, 130.0 * light];
    // Shoulders, neck, hair.
    over(&mut colour, [52.0, 78.0, 96.0], inside(320.0, 400.0, 190.0, 110.0));
    let strand = 8.0 * (x * 0.9 + (y * 0.05).sin() * 4.0).sin();
    over(&mut colour, [58.0 + strand, 40.0 + strand, 30.0 + strand], inside(320.0, 150.0, 112.0, 128.0));
    over(&mut colour, skin(0.78), inside(320.0, 290.0, 44.0, 62.0));
    // The face: round, lit from the left, with pores and freckles.
    let round = ((x - 296.0) / 150.0).powi(2) + ((y - 150.0) / 190.0).powi(2);
    let pores = (hash(x as u32 / 2, y as u32 / 2) - 0.5) * 0.07;
    let cheeks = inside(268.0, 196.0, 46.0, 30.0).max(inside(372.0, 196.0, 46.0, 30.0)).clamp(0.0, 1.0);
    let face = inside(320.0, 168.0, 84.0, 112.0);
    over(&mut colour, skin(1.06 - 0.34 * round + pores), face);
    for freckle in 0..90_u32 {
        let (fx, fy) = (250.0 + 140.0 * hash(freckle, 1), 140.0 + 80.0 * hash(freckle, 2));
        let size = 1.0 + 1.6 * hash(freckle, 3);
        let depth = inside(fx, fy, size, size).clamp(0.0, 1.0) * 0.42;
        over(&mut colour, [150.0, 92.0, 66.0], depth * face.clamp(0.0, 1.0));
    }
    over(&mut colour, [214.0, 128.0, 112.0], cheeks * face.clamp(0.0, 1.0) * 0.18);
    // The fringe, brows, eyes, nose and lips.
    over(&mut colour, [60.0 + strand, 42.0 + strand, 32.0 + strand], inside(320.0, 62.0, 96.0, 34.0).min(face + 60.0));
    for side in [-1.0, 1.0] {
        let eye = 320.0 + side * 34.0;
        over(&mut colour, [74.0, 52.0, 40.0], inside(eye, 127.0, 19.0, 3.6));
        over(&mut colour, [236.0, 234.0, 230.0], inside(eye, 146.0, 15.0, 7.0));
        over(&mut colour, [70.0, 96.0, 84.0], inside(eye, 146.0, 6.6, 6.6));
        over(&mut colour, [18.0, 16.0, 16.0], inside(eye, 146.0, 3.2, 3.2));
        over(&mut colour, [250.0, 250.0, 250.0], inside(eye - 2.0, 144.0, 1.3, 1.3));
        over(&mut colour, [40.0, 28.0, 24.0], inside(eye, 139.4, 16.0, 1.6));
        over(&mut colour, skin(0.62), inside(320.0 + side * 8.0, 196.0, 4.0, 2.4));
    }
    over(&mut colour, skin(1.12), inside(316.0, 172.0, 5.0, 24.0) * 0.4);
    over(&mut colour, [172.0, 82.0, 80.0], inside(320.0, 228.0, 30.0, 8.0));
    over(&mut colour, [110.0, 44.0, 46.0], inside(320.0, 227.0, 27.0, 1.4));
    colour
}

/// A number from 0 to 1 that looks like chance and is always the same.
fn hash(x: u32, y: u32) -> f32 {
    let mut mixed = x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B);
    mixed = (mixed ^ mixed >> 15).wrapping_mul(0x2C1B_3C6D);
    mixed = (mixed ^ mixed >> 12).wrapping_mul(0x297A_2D39);
    ((mixed ^ mixed >> 15) & 0xFFFF) as f32 / 65_535.0
}

fn frame_of(image: &RgbImage) -> Result<Frame, peal_media::video::FrameError> {
    let (width, half) = (WIDTH as usize, WIDTH as usize / 2);
    let mut frame = Frame::black(WIDTH, HEIGHT, Instant::now())?;
    let [luma, blue, red] = frame.planes_mut();
    for (x, y, pixel) in image.enumerate_pixels() {
        let [red_light, green, blue_light] = pixel.0.map(f32::from);
        let (x, y) = (x as usize, y as usize);
        luma[y * width + x] = (16.0 + 0.257 * red_light + 0.504 * green + 0.098 * blue_light).round() as u8;
        if x % 2 == 0 && y % 2 == 0 {
            blue[y / 2 * half + x / 2] = (128.0 - 0.148 * red_light - 0.291 * green + 0.439 * blue_light).round() as u8;
            red[y / 2 * half + x / 2] = (128.0 + 0.439 * red_light - 0.368 * green - 0.071 * blue_light).round() as u8;
        }
    }
    Ok(frame)
}

fn image_of(frame: &Frame) -> RgbImage {
    let half = WIDTH / 2;
    let [luma, blue, red] = frame.planes();
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let at = (y / 2 * half + x / 2) as usize;
        let luma = 1.164 * (f32::from(luma[(y * WIDTH + x) as usize]) - 16.0);
        let (blue, red) = (f32::from(blue[at]) - 128.0, f32::from(red[at]) - 128.0);
        Rgb([luma + 1.596 * red, luma - 0.392 * blue - 0.813 * red, luma + 2.017 * blue]
            .map(|value| value.round() as u8))
    })
}
