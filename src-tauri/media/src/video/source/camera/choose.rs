//! Which of a camera's formats serves a wish best.

use nokhwa::utils::{CameraFormat, FrameFormat};

use super::super::Format;

/// The formats, the best first.
pub(super) fn by_use(mut formats: Vec<CameraFormat>, wish: Format) -> Vec<CameraFormat> {
    formats.retain(|format| format.width() >= 16 && format.height() >= 16 && format.frame_rate() > 0);
    formats.sort_by(|one, other| cost(one, wish).total_cmp(&cost(other, wish)));
    formats
}

/// What is lost or wasted with a format. Too small a picture is worst, then too slow a one; a larger one costs the time to make it smaller,
/// and MJPEG the time to unpack it.
fn cost(format: &CameraFormat, wish: Format) -> f32 {
    let (width, height) = (format.width() as f32, format.height() as f32);
    let (wide, high) = (wish.width as f32, wish.height as f32);
    // Of a picture of another shape only the middle is used.
    let used = (width / wide).min(height / high);
    let small = (1.0 - used).max(0.0);
    let slow = (1.0 - format.frame_rate() as f32 / wish.frame_rate as f32).max(0.0);
    let waste = (width * height / (wide * high)).max(1.0).log2();
    let hurry = (format.frame_rate() as f32 / wish.frame_rate as f32).max(1.0).log2();
    let unpacking = match format.format() {
        FrameFormat::NV12 => 0.0,
        FrameFormat::YUYV => 0.02,
        FrameFormat::RAWRGB | FrameFormat::RAWBGR => 0.1,
        FrameFormat::MJPEG => 0.2,
        // No colour.
        FrameFormat::GRAY => 4.0,
    };
    small * 6.0 + slow * 4.0 + waste * 0.25 + hurry * 0.1 + unpacking
}

#[cfg(test)]
mod tests {
    use nokhwa::utils::Resolution;

    use super::*;

    fn format(width: u32, height: u32, kind: FrameFormat, rate: u32) -> CameraFormat {
        CameraFormat::new(Resolution::new(width, height), kind, rate)
    }

    fn best(formats: &[CameraFormat], width: u32, height: u32) -> CameraFormat {
        by_use(formats.to_vec(), Format { width, height, frame_rate: 30 })[0]
    }

    #[test]
    fn a_usual_camera_is_used_well() {
        use FrameFormat::{MJPEG, YUYV};
        let all = [
            format(160, 120, YUYV, 30),
            format(640, 480, YUYV, 30),
            format(640, 360, YUYV, 30),
            format(1_280, 720, YUYV, 10),
            format(1_920, 1_080, YUYV, 5),
            format(640, 480, MJPEG, 30),
            format(1_280, 720, MJPEG, 30),
            format(1_920, 1_080, MJPEG, 30),
            format(1_920, 1_080, MJPEG, 60),
        ];
        assert_eq!(best(&all, 640, 360), format(640, 360, YUYV, 30));
        assert_eq!(best(&all, 1_280, 720), format(1_280, 720, MJPEG, 30), "smooth counts more than unpacked");
        assert_eq!(best(&all, 1_920, 1_080), format(1_920, 1_080, MJPEG, 30), "no faster than wished");
        assert_eq!(best(&all, 960, 540), format(1_280, 720, MJPEG, 30), "rather too large than too small");
        assert_eq!(best(&all[..2], 1_280, 720), format(640, 480, YUYV, 30), "the largest there is");
    }
}
