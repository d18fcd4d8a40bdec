//! The time code of the test pattern after all that a call does to a picture.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use openh264::OpenH264API;
use openh264::decoder::Decoder;
use openh264::encoder::{BitRate, Encoder, EncoderConfig, FrameRate, RateControlMode, UsageType};
use openh264::formats::{YUVSlices, YUVSource};
use peal_media::video::convert::{Fit, scale};
use peal_media::video::{Frame, pattern};

/// A picture after a decoder.
fn decoded(decoder: &mut Decoder, packet: &[u8]) -> Option<Frame> {
    let picture = decoder.decode(packet).unwrap()?;
    let (width, height) = picture.dimensions();
    let (wide, [luma, blue, red]) = (picture.strides(), [picture.y(), picture.u(), picture.v()]);
    let mut data = Vec::with_capacity(width * height * 3 / 2);
    for (plane, stride, shift) in [(luma, wide.0, 0), (blue, wide.1, 1), (red, wide.2, 1)] {
        plane.chunks(stride).take(height >> shift).for_each(|line| data.extend(&line[..width >> shift]));
    }
    Some(Frame::new(width as u32, height as u32, data, Instant::now()).unwrap())
}

#[test]
fn a_time_code_survives_hard_compression_and_scaling() {
    for (width, height, kbps) in [(640_u32, 360_u32, 300), (320, 180, 100), (1_280, 720, 600)] {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(kbps * 1_000))
            .max_frame_rate(FrameRate::from_hz(30.0))
            .rate_control_mode(RateControlMode::Bitrate)
            .usage_type(UsageType::CameraVideoRealTime);
        let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config).unwrap();
        let mut decoder = Decoder::new().unwrap();
        let (mut bytes, mut seen) = (0, 0);
        for index in 0..90_u64 {
            let time_code = 1_790_000_000_000 + index * 1_000 / 30;
            let frame = pattern::picture(width, height, time_code, Instant::now()).unwrap();
            let (wide, [luma, blue, red]) = (width as usize, frame.planes());
            let planes = YUVSlices::new((luma, blue, red), (wide, height as usize), (wide, wide / 2, wide / 2));
            let packet = encoder.encode(&planes).unwrap().to_vec();
            bytes += packet.len();
            // An encoder that is out of bits leaves a picture out.
            let Some(picture) = decoded(&mut decoder, &packet) else { continue };
            seen += 1;
            for (to_width, to_height) in [(width, height), (640, 360), (320, 180), (1_280, 720), (854, 480)] {
                let scaled = scale(&picture, to_width, to_height, Fit::Stretch).unwrap();
                let read = pattern::read_time_code(&scaled);
                assert_eq!(read, Some(time_code), "{width} x {height} shown as {to_width} x {to_height}");
            }
        }
        println!("{width} x {height}: {seen} of 90 pictures, {} kbit/s", bytes * 8 / 3_000);
        assert!(seen >= 45, "only {seen} of 90 pictures came through");
        assert!(bytes * 8 / 3_000 < kbps as usize * 2, "it was compressed");
    }
}
