//! Which size and pace of picture a rate is worth, and who gets which.

use super::{Lowered, VideoQuality};

/// What 640 x 360 at 30 frames a second needs to look well, kbit/s. Smaller pictures need somewhat more for each pixel:
/// the rate goes with the pixels to the power of [`PIXEL_POWER`].
const NEED_360P: f64 = 350.0;
const PIXEL_POWER: f64 = 0.75;
/// A size is kept down to this share of its need, and taken up again above this one. A smaller one is taken if the rate is
/// well within what keeps it: each change costs a key frame, and two in a row are seen as a halt.
const KEEP: f64 = 0.62;
const TAKE: f64 = 0.95;
const FALL_TO: f64 = 0.8;
/// Sizes tried, in quarters of the full width.
const QUARTERS: [u32; 3] = [4, 3, 2];
const SMALL_QUARTERS: [u32; 4] = [4, 3, 2, 1];
/// No picture is made narrower than this, pixels.
const LEAST_WIDTH: u32 = 160;
/// The small layer takes at most this, kbit/s for each of what its size needs.
const SMALL_GENEROSITY: f64 = 1.6;
/// Below this, kbit/s, there is no picture: the voice needs it.
pub const LEAST_PICTURE_KBPS: f64 = 15.0;

/// What a layer is encoded as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Frames a second.
    pub frame_rate: u32,
    /// kbit/s.
    pub kbps: u32,
    /// Why it is less than its viewers could use.
    pub lowered: Option<Lowered>,
}

/// The layers that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The picture as it is wished for, or what the path leaves of it.
    Large,
    /// Half its width and height.
    Small,
}

/// The size that a source is sent at: within the wished one, of the same shape, never larger than it is.
pub fn fitted(source: (u32, u32), wish: (u32, u32)) -> (u32, u32) {
    // An upright picture keeps its pixels, not its width.
    let wish = if (source.0 < source.1) == (wish.0 < wish.1) { wish } else { (wish.1, wish.0) };
    let scale = (f64::from(wish.0) / f64::from(source.0)).min(f64::from(wish.1) / f64::from(source.1)).min(1.0);
    (even(f64::from(source.0) * scale), even(f64::from(source.1) * scale))
}

/// What a picture of this size needs to look well, kbit/s.
pub fn need_kbps(width: u32, height: u32, frame_rate: u32) -> f64 {
    let pixels = f64::from(width) * f64::from(height) / (640.0 * 360.0);
    NEED_360P * pixels.powf(PIXEL_POWER) * (f64::from(frame_rate.max(1)) / 30.0).powf(0.6)
}

/// What a layer is encoded as at this rate. `full` is the size that the layer has at best, `before` its present plan, for
/// sizes must not flutter. `slow`: the processor does not keep up with the present size. None: the rate is worth no
/// picture at all.
pub fn plan(
    layer: Layer,
    full: (u32, u32),
    quality: &VideoQuality,
    allowance_kbps: f64,
    before: Option<&Plan>,
    slow: bool,
) -> Option<Plan> {
    let least = if before.is_some() { LEAST_PICTURE_KBPS } else { LEAST_PICTURE_KBPS * 1.5 };
    if allowance_kbps < least {
        return None;
    }
    let most = match layer {
        Layer::Large => f64::from(quality.max_kbps.max(quality.min_kbps)),
        Layer::Small => {
            let share = (f64::from(full.0) * f64::from(full.1))
                / (f64::from(quality.width) * f64::from(quality.height)).max(1.0);
            let scaled = f64::from(quality.max_kbps) * share.min(1.0).powf(PIXEL_POWER);
            scaled.min(need_kbps(full.0, full.1, quality.frame_rate) * SMALL_GENEROSITY).max(60.0)
        }
    };
    let kbps = allowance_kbps.min(most);
    // Whoever asks for less than the usual need knows why: the wish's own least rate is enough for its size.
    let least_wish = f64::from(quality.min_kbps) / need_kbps(quality.width, quality.height, quality.frame_rate);
    let need = |size: (u32, u32)| need_kbps(size.0, size.1, quality.frame_rate) * least_wish.clamp(0.4, 1.0);
    let steps: &[u32] = if full.0.min(full.1) >= 360 || layer == Layer::Large { &SMALL_QUARTERS } else { &QUARTERS };
    let sizes: Vec<(u32, u32)> = steps
        .iter()
        .map(|&quarters| scaled(full, quarters))
        .enumerate()
        .filter(|(index, size)| *index == 0 || size.0 >= LEAST_WIDTH)
        .map(|(_, size)| size)
        .collect();
    let present = before.and_then(|before| sizes.iter().position(|&size| size == (before.width, before.height)));
    let mut chosen = sizes.len() - 1;
    for (index, &size) in sizes.iter().enumerate() {
        let share = match present {
            Some(present) if present == index => KEEP,
            Some(present) if present < index => FALL_TO,
            _ => TAKE,
        };
        if kbps >= need(size) * share {
            chosen = index;
            break;
        }
    }
    let network = chosen > 0;
    if slow {
        chosen = chosen.max(present.map_or(0, |present| present + 1)).min(sizes.len() - 1);
    }
    let (width, height) = sizes[chosen];
    let frame_rate = if chosen + 1 == sizes.len() {
        pace(kbps, need_kbps(width, height, 30), quality.frame_rate, before.map(|before| before.frame_rate))
    } else {
        quality.frame_rate
    };
    let lowered = if network || frame_rate < quality.frame_rate {
        Some(Lowered::Network)
    } else if chosen > 0 {
        Some(Lowered::Processor)
    } else {
        None
    };
    Some(Plan { width, height, frame_rate, kbps: (kbps as u32).max(1), lowered })
}

/// Frames a second at the smallest size, when even that is too much.
fn pace(kbps: f64, need: f64, wish: u32, before: Option<u32>) -> u32 {
    let wish = wish.max(1);
    for (rate, share) in [(wish, 0.85), (15, 0.45), (8, 0.0)] {
        let hysteresis = if before.is_none_or(|before| before >= rate) { 1.0 } else { 1.3 };
        if rate <= wish && kbps >= need * share * hysteresis {
            return rate;
        }
    }
    wish.min(8)
}

fn scaled(full: (u32, u32), quarters: u32) -> (u32, u32) {
    let part = f64::from(quarters) / 4.0;
    (even(f64::from(full.0) * part), even(f64::from(full.1) * part))
}

fn even(side: f64) -> u32 {
    ((side / 2.0).round() as u32 * 2).max(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(kbps: f64, before: Option<&Plan>) -> Option<Plan> {
        plan(Layer::Large, (640, 360), &VideoQuality::default(), kbps, before, false)
    }

    #[test]
    fn a_source_keeps_its_shape_and_is_never_blown_up() {
        assert_eq!(fitted((1280, 720), (640, 360)), (640, 360));
        assert_eq!(fitted((640, 480), (640, 360)), (480, 360));
        assert_eq!(fitted((320, 180), (640, 360)), (320, 180));
        assert_eq!(fitted((720, 1280), (640, 360)), (360, 640));
    }

    #[test]
    fn size_falls_first_then_pace_then_the_picture() {
        let full = large(900.0, None).unwrap();
        assert_eq!((full.width, full.frame_rate, full.kbps, full.lowered), (640, 30, 900, None));
        let lower = large(180.0, Some(&full)).unwrap();
        assert!(lower.width < 640 && lower.frame_rate == 30, "{lower:?}");
        assert_eq!(lower.lowered, Some(Lowered::Network));
        let slow = large(30.0, Some(&lower)).unwrap();
        assert!(slow.width == 160 && slow.frame_rate < 30, "{slow:?}");
        assert_eq!(large(14.0, Some(&slow)), None);
        assert_eq!(large(20.0, None), None, "and does not come back at once");
    }

    #[test]
    fn a_rate_that_falls_far_is_met_with_one_change_of_size() {
        let quality = VideoQuality { width: 1_280, height: 720, max_kbps: 2_500, ..VideoQuality::default() };
        let at = |kbps, before: Option<&Plan>| plan(Layer::Large, (1_280, 720), &quality, kbps, before, false).unwrap();
        let full = at(2_000.0, None);
        assert_eq!(full.width, 1_280);
        // What is measured while the queue drains is less than what it settles at.
        let fallen = at(270.0, Some(&full));
        assert_eq!(at(200.0, Some(&fallen)).width, fallen.width);
    }

    #[test]
    fn sizes_do_not_flutter() {
        let full = large(900.0, None).unwrap();
        let kept = large(260.0, Some(&full)).unwrap();
        assert_eq!(kept.width, 640);
        let small = large(150.0, Some(&kept)).unwrap();
        assert!(small.width < 640);
        let still = large(260.0, Some(&small)).unwrap();
        assert!(still.width < 640, "{still:?}");
        assert_eq!(large(400.0, Some(&still)).unwrap().width, 640);
    }

    #[test]
    fn a_slow_processor_gets_a_smaller_picture_and_it_is_said_why() {
        let full = large(900.0, None).unwrap();
        let lower = plan(Layer::Large, (640, 360), &VideoQuality::default(), 900.0, Some(&full), true).unwrap();
        assert_eq!((lower.width, lower.lowered), (480, Some(Lowered::Processor)));
    }
}
