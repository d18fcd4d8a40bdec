//! How much a picture that came is like the one that was sent, by its luma, above the time code.

/// The side of a window, and the step from one to the next, pixels.
const WINDOW: usize = 8;
const STEP: usize = 4;

/// The structural similarity (SSIM; Wang et al. 2004, windows of 8 by 8, as ffmpeg reckons it), at most 1, and the peak signal-to-noise ratio, dB,
/// of `seen`, which is brought to the size of `sent` first, as a window would.
pub fn likeness(sent: &[u8], size: (u32, u32), seen: &[u8], seen_size: (u32, u32)) -> (f64, f64) {
    let (width, height) = (size.0 as usize, size.1 as usize);
    // The lowest fifth is the time code.
    let rows = height * 4 / 5 / 2 * 2;
    let grown;
    let seen = if size == seen_size {
        seen
    } else {
        grown = grow(seen, seen_size, size);
        &grown
    };
    let error: f64 =
        sent[..width * rows].iter().zip(seen).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>();
    let error = error / (width * rows) as f64;
    let psnr = if error == 0.0 { 99.0 } else { 10.0 * (255.0_f64.powi(2) / error).log10() };
    let (mut sum, mut count) = (0.0, 0.0);
    for y in (0..=rows - WINDOW).step_by(STEP) {
        for x in (0..=width - WINDOW).step_by(STEP) {
            sum += window(sent, seen, width, y * width + x);
            count += 1.0;
        }
    }
    (sum / count, psnr)
}

fn window(one: &[u8], other: &[u8], width: usize, from: usize) -> f64 {
    const C1: f64 = 6.5025;
    const C2: f64 = 58.5225;
    let [mut a, mut b, mut aa, mut bb, mut ab] = [0_u32; 5];
    for row in 0..WINDOW {
        let start = from + row * width;
        for (x, y) in one[start..start + WINDOW].iter().zip(&other[start..start + WINDOW]) {
            let (x, y) = (u32::from(*x), u32::from(*y));
            a += x;
            b += y;
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
    }
    let count = (WINDOW * WINDOW) as f64;
    let [a, b, aa, bb, ab] = [a, b, aa, bb, ab].map(|sum| f64::from(sum) / count);
    let (va, vb, vab) = (aa - a * a, bb - b * b, ab - a * b);
    (2.0 * a * b + C1) * (2.0 * vab + C2) / ((a * a + b * b + C1) * (va + vb + C2))
}

/// Bilinear, with the middles of pixels where they belong.
fn grow(seen: &[u8], from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    let places = |from: u32, to: u32| -> Vec<(usize, usize, f32)> {
        let place = |at: u32| {
            let exact = ((f64::from(at) + 0.5) * f64::from(from) / f64::from(to) - 0.5).clamp(0.0, f64::from(from - 1));
            let low = exact as usize;
            (low, (low + 1).min(from as usize - 1), (exact - low as f64) as f32)
        };
        (0..to).map(place).collect()
    };
    let (across, width) = (places(from.0, to.0), from.0 as usize);
    let mut grown = Vec::with_capacity(to.0 as usize * to.1 as usize);
    for (upper, lower, down) in places(from.1, to.1) {
        let (upper, lower) = (&seen[upper * width..][..width], &seen[lower * width..][..width]);
        grown.extend(across.iter().map(|(left, right, part)| {
            let line = |line: &[u8]| f32::from(line[*left]) * (1.0 - part) + f32::from(line[*right]) * part;
            (line(upper) * (1.0 - down) + line(lower) * down).round() as u8
        }));
    }
    grown
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn picture(width: u32, height: u32, value: impl Fn(f64, f64) -> f64) -> Vec<u8> {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        places
            .map(|(x, y)| {
                value(f64::from(x) / f64::from(width), f64::from(y) / f64::from(height)).clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    fn waves(across: f64, down: f64) -> f64 {
        128.0 + 60.0 * (across * 20.0).sin() + 40.0 * (down * 13.0).cos()
    }

    #[test]
    fn a_picture_is_wholly_like_itself_and_less_like_a_worse_one() {
        let sent = picture(160, 120, waves);
        assert_eq!(likeness(&sent, (160, 120), &sent, (160, 120)), (1.0, 99.0));
        let noisy: Vec<u8> = sent.iter().enumerate().map(|(at, it)| it.wrapping_add((at * 7 % 13) as u8)).collect();
        let flat = vec![128; sent.len()];
        let (noisy, flat) =
            (likeness(&sent, (160, 120), &noisy, (160, 120)), likeness(&sent, (160, 120), &flat, (160, 120)));
        assert!(noisy.0 < 0.99 && noisy.0 > flat.0 && flat.0 < 0.5, "{noisy:?} {flat:?}");
        assert!(noisy.1 > flat.1 && flat.1 < 20.0, "{noisy:?} {flat:?}");
    }

    /// What ffmpeg's filters `ssim` and `psnr` say of the upper four fifths of both.
    fn by_ffmpeg(sent: &[u8], size: (u32, u32), seen: &[u8], seen_size: (u32, u32)) -> (f64, f64) {
        let place = tempfile::tempdir().unwrap();
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-nostdin"]);
        for (name, bytes, (width, height)) in [("sent", sent, size), ("seen", seen, seen_size)] {
            let file = place.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            let shape = format!("{width}x{height}");
            command.args(["-f", "rawvideo", "-pix_fmt", "gray", "-s", &shape, "-i"]).arg(file);
        }
        let (width, height) = size;
        let upper = format!("crop={width}:{}:0:0", height * 4 / 5);
        let filters = format!(
            "[1]scale={width}:{height}:flags=bilinear,{upper},split[a][b];[0]{upper},split[c][d];[a][c]ssim,nullsink;[b][d]psnr"
        );
        let output = command.args(["-filter_complex", &filters, "-f", "null", "-"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let figure = |name: &str| {
            let (_, rest) = said.split_once(name).unwrap_or_else(|| panic!("ffmpeg says no {name}: {said}"));
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        (figure(" All:"), figure(" average:"))
    }

    #[test]
    fn ffmpeg_reckons_the_same() {
        let sent = picture(320, 200, waves);
        let coarse: Vec<u8> = sent.iter().map(|it| it / 12 * 12 + 6).collect();
        let noisy: Vec<u8> = sent.iter().enumerate().map(|(at, it)| it.saturating_add((at * 7 % 29) as u8)).collect();
        for seen in [&coarse, &noisy] {
            let ours = likeness(&sent, (320, 200), seen, (320, 200));
            let theirs = by_ffmpeg(&sent, (320, 200), seen, (320, 200));
            assert!((ours.0 - theirs.0).abs() < 0.002 && (ours.1 - theirs.1).abs() < 0.02, "{ours:?} {theirs:?}");
        }
        let small = picture(160, 100, |across, down| waves(across, down) + 9.0 * (across * 90.0).sin());
        let ours = likeness(&sent, (320, 200), &small, (160, 100));
        let theirs = by_ffmpeg(&sent, (320, 200), &small, (160, 100));
        assert!((ours.0 - theirs.0).abs() < 0.01 && (ours.1 - theirs.1).abs() < 0.3, "{ours:?} {theirs:?}");
    }

    #[test]
    fn a_smaller_picture_is_compared_at_the_size_of_the_larger() {
        let (sent, seen) = (picture(160, 120, waves), picture(80, 60, waves));
        let (ssim, psnr) = likeness(&sent, (160, 120), &seen, (80, 60));
        assert!(ssim > 0.97 && psnr > 30.0, "{ssim} {psnr}");
    }
}
