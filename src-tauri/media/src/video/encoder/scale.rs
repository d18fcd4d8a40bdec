//! Smaller pictures.

use crate::video::convert::halve_plane;
use crate::video::{Frame, FrameError};

/// A picture of another size. Enlarging is possible, but nothing here asks for it.
///
/// # Errors
/// [`FrameError::Size`] for a size that no picture has.
pub(super) fn scaled(frame: &Frame, width: u32, height: u32) -> Result<Frame, FrameError> {
    let mut out = Frame::black(width, height, frame.captured_at())?;
    let from = (frame.width() as usize, frame.height() as usize);
    let to = (width as usize, height as usize);
    let planes = frame.planes();
    for (index, target) in out.planes_mut().into_iter().enumerate() {
        let part = if index == 0 { 1 } else { 2 };
        plane(planes[index], (from.0 / part, from.1 / part), target, (to.0 / part, to.1 / part));
    }
    Ok(out)
}

fn plane(source: &[u8], from: (usize, usize), target: &mut [u8], to: (usize, usize)) {
    if from == to {
        target.copy_from_slice(source);
    } else if from.0 >= 2 * to.0 && from.1 >= 2 * to.1 {
        let half = (from.0 / 2, from.1 / 2);
        if half == to {
            halve_plane(source, from.0, target, half.0);
        } else {
            let mut between = vec![0; half.0 * half.1];
            halve_plane(source, from.0, &mut between, half.0);
            plane(&between, half, target, to);
        }
    } else {
        bilinear(source, from, target, to);
    }
}

fn bilinear(source: &[u8], from: (usize, usize), target: &mut [u8], to: (usize, usize)) {
    let columns = positions(from.0, to.0);
    for (line, &(top, bottom, down)) in target.chunks_exact_mut(to.0).zip(&positions(from.1, to.1)) {
        let above = &source[top * from.0..][..from.0];
        let below = &source[bottom * from.0..][..from.0];
        for (pixel, &(left, right, across)) in line.iter_mut().zip(&columns) {
            let mix = |one: u8, other: u8, share: u32| u32::from(one) * (256 - share) + u32::from(other) * share;
            let upper = mix(above[left], above[right], across);
            let lower = mix(below[left], below[right], across);
            *pixel = ((upper * (256 - down) + lower * down + (1 << 15)) >> 16) as u8;
        }
    }
}

/// For each pixel of a line the two it lies between and how far it lies to the second, of 256.
fn positions(from: usize, to: usize) -> Vec<(usize, usize, u32)> {
    let step = from as f64 / to as f64;
    (0..to)
        .map(|at| {
            let place = ((at as f64 + 0.5) * step - 0.5).clamp(0.0, (from - 1) as f64);
            let first = place as usize;
            (first, (first + 1).min(from - 1), ((place - first as f64) * 256.0) as u32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn slope(width: u32, height: u32) -> Frame {
        let mut frame = Frame::black(width, height, Instant::now()).unwrap();
        let [y, _, _] = frame.planes_mut();
        for (at, pixel) in y.iter_mut().enumerate() {
            *pixel = (at % width as usize * 200 / width as usize) as u8 + 20;
        }
        frame
    }

    #[test]
    fn a_slope_stays_a_slope_at_every_size() {
        let source = slope(640, 360);
        for (width, height) in [(640, 360), (480, 270), (320, 180), (200, 112), (160, 90), (80, 46)] {
            let small = scaled(&source, width, height).unwrap();
            let expected = slope(width, height);
            let worst = small.planes()[0].iter().zip(expected.planes()[0]).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(3), "{width} x {height}: {worst:?}");
            assert!(small.planes()[1].iter().all(|&pixel| pixel == 128));
        }
        assert!(scaled(&source, 7, 7).is_err());
    }
}
