//! One layer's encoder.

use std::ops::Range;

use bytes::Bytes;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, Profile, QpRange,
    RateControlMode, SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;
use openh264::{OpenH264API, Timestamp};
use openh264_sys2::{
    ENCODER_OPTION_BITRATE, ENCODER_OPTION_FRAME_RATE, ENCODER_OPTION_MAX_BITRATE, SBitrateInfo, SPATIAL_LAYER_0,
};

use super::CodecError;
use crate::video::Frame;

/// What the library may never exceed whatever is asked of it later, kbit/s.
///
/// It also decides the level that the stream claims: this is within 3.1, which everybody decodes.
const CEILING_KBPS: u32 = 10_000;
/// A picture with more pixels is compared by differences alone, a smaller one by their transforms too. That takes a quarter to a
/// third more time; it was worth 0.002 of SSIM to a picture of 360 lines at 300 kbit/s, and 0.0004 to one of 720 lines.
const THOROUGH: u32 = 640 * 480;

/// Encodes pictures of one size, one at a time and without delay.
pub struct H264Encoder {
    encoder: Encoder,
    width: u32,
    height: u32,
    kbps: u32,
    frame_rate: f32,
    started: bool,
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedUnit {
    data: Bytes,
    nals: Vec<Range<usize>>,
    /// It can be decoded without any before it.
    pub key: bool,
}

impl EncodedUnit {
    /// The NAL units without start codes, in order.
    pub fn nals(&self) -> impl Iterator<Item = Bytes> + '_ {
        self.nals.iter().map(|range| self.data.slice(range.clone()))
    }

    /// As a byte stream with start codes (H.264 annex B).
    pub fn annex_b(&self) -> &Bytes {
        &self.data
    }
}

impl H264Encoder {
    /// An encoder for pictures of `width` by `height` pixels.
    ///
    /// # Errors
    /// [`CodecError::Library`].
    pub fn new(width: u32, height: u32, frame_rate: f32, kbps: u32) -> Result<Self, CodecError> {
        let config = EncoderConfig::new()
            .profile(Profile::Baseline)
            .usage_type(UsageType::CameraVideoRealTime)
            .rate_control_mode(RateControlMode::Bitrate)
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .complexity(if width * height > THOROUGH { Complexity::Low } else { Complexity::Medium })
            .bitrate(BitRate::from_bps(kbps.clamp(1, CEILING_KBPS) * 1000))
            .max_frame_rate(FrameRate::from_hz(frame_rate))
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            // A cut in a film would bring a key frame of several times the budget; the ordinary picture codes its blocks
            // anew all the same.
            .scene_change_detect(false)
            .skip_frames(true)
            // Left alone the library stops at 42, and what is too much for the rate is left out instead.
            .qp(QpRange::new(12, 51))
            .num_threads(1)
            .vui(VuiConfig::bt601());
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
        Ok(Self { encoder, width, height, kbps, frame_rate, started: false })
    }

    /// Pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// What the coded pictures may take from here on: kbit/s, at this many frames a second.
    ///
    /// # Errors
    /// [`CodecError::Library`].
    pub fn set_rate(&mut self, kbps: u32, frame_rate: f32) -> Result<(), CodecError> {
        let kbps = kbps.clamp(1, CEILING_KBPS);
        if kbps != self.kbps {
            self.kbps = kbps;
            self.apply_bitrate()?;
        }
        if (frame_rate - self.frame_rate).abs() > 0.5 {
            self.frame_rate = frame_rate;
            self.apply_frame_rate()?;
        }
        Ok(())
    }

    /// Encodes one picture of this encoder's size, seen `timestamp_ms` after any fixed moment. None: the rate control
    /// left it out.
    ///
    /// # Errors
    /// [`CodecError::Library`]; also for a picture of another size.
    pub fn encode(&mut self, frame: &Frame, timestamp_ms: u64, key: bool) -> Result<Option<EncodedUnit>, CodecError> {
        if (frame.width(), frame.height()) != (self.width, self.height) {
            return Err(CodecError::Library(String::from("a picture of another size")));
        }
        if key && self.started {
            self.encoder.force_intra_frame();
        }
        let (data, nals, key) = {
            let stream = self.encoder.encode_at(&Source(frame), Timestamp::from_millis(timestamp_ms))?;
            let mut data = Vec::new();
            let mut nals = Vec::new();
            for layer in (0..stream.num_layers()).filter_map(|index| stream.layer(index)) {
                for nal in (0..layer.nal_count()).filter_map(|index| layer.nal_unit(index)) {
                    let code = nal.iter().position(|&byte| byte != 0).map_or(nal.len(), |zeros| zeros + 1);
                    nals.push(data.len() + code..data.len() + nal.len());
                    data.extend_from_slice(nal);
                }
            }
            (data, nals, matches!(stream.frame_type(), FrameType::IDR))
        };
        if !self.started {
            // The library takes options only once it runs, and it starts with the first picture.
            self.started = true;
            self.apply_ceiling()?;
            self.apply_bitrate()?;
            self.apply_frame_rate()?;
        }
        Ok((!nals.is_empty()).then(|| EncodedUnit { data: Bytes::from(data), nals, key }))
    }

    fn apply_ceiling(&mut self) -> Result<(), CodecError> {
        self.set_bitrate_option(ENCODER_OPTION_MAX_BITRATE, CEILING_KBPS)
    }

    fn apply_bitrate(&mut self) -> Result<(), CodecError> {
        if self.started { self.set_bitrate_option(ENCODER_OPTION_BITRATE, self.kbps) } else { Ok(()) }
    }

    fn apply_frame_rate(&mut self) -> Result<(), CodecError> {
        if !self.started {
            return Ok(());
        }
        let mut rate = self.frame_rate;
        // SAFETY: the option wants a float, and reads it before it returns.
        #[expect(unsafe_code, reason = "openh264 changes a running encoder's frame rate through its C interface alone")]
        let code = unsafe { self.encoder.raw_api().set_option(ENCODER_OPTION_FRAME_RATE, (&raw mut rate).cast()) };
        outcome(code)
    }

    fn set_bitrate_option(&mut self, option: openh264_sys2::ENCODER_OPTION, kbps: u32) -> Result<(), CodecError> {
        let mut info = SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: (kbps * 1000).cast_signed() };
        // SAFETY: both options want this structure, and read it before they return.
        #[expect(unsafe_code, reason = "openh264 changes a running encoder's bitrate through its C interface alone")]
        let code = unsafe { self.encoder.raw_api().set_option(option, (&raw mut info).cast()) };
        outcome(code)
    }
}

impl std::fmt::Debug for H264Encoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "H264Encoder({} x {}, {} kbit/s)", self.width, self.height, self.kbps)
    }
}

fn outcome(code: std::ffi::c_int) -> Result<(), CodecError> {
    if code == 0 { Ok(()) } else { Err(CodecError::Library(format!("option refused ({code})"))) }
}

struct Source<'a>(&'a Frame);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width() as usize, self.0.height() as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let width = self.0.width() as usize;
        (width, width / 2, width / 2)
    }

    fn y(&self) -> &[u8] {
        self.0.planes()[0]
    }

    fn u(&self) -> &[u8] {
        self.0.planes()[1]
    }

    fn v(&self) -> &[u8] {
        self.0.planes()[2]
    }
}
