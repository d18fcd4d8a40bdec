//! A thin safe wrapper of libopus (RFC 6716): one mono 48 kHz encoder, one mono 48 kHz decoder.
//!
//! This is the only file of the audio half with `unsafe` in it.
#![expect(unsafe_code, reason = "libopus is a C library")]

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use opusic_sys as sys;

/// Samples per second of every signal in this crate, and of Opus' RTP clock (RFC 7587 §4.1).
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples in one encoded frame: 20 ms.
pub const FRAME_SAMPLES: usize = 960;
/// The most samples that one Opus packet can hold: 120 ms (RFC 6716 §3.2.5).
pub const MAX_PACKET_SAMPLES: usize = 5_760;
/// The largest packet we produce: far above what 20 ms of voice need.
const MAX_PACKET_BYTES: usize = 1_275;

/// What libopus answered when it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpusError {
    /// An argument was out of range, or a buffer too small.
    #[error("libopus refused an argument ({0})")]
    Argument(i32),
    /// The packet is damaged, or is not Opus at all.
    #[error("not a valid Opus packet")]
    InvalidPacket,
    /// No memory for an encoder or a decoder.
    #[error("libopus has no memory")]
    NoMemory,
    /// Any other answer, with its number from `opus_defines.h`.
    #[error("libopus failed ({0})")]
    Other(i32),
}

fn check(code: i32) -> Result<i32, OpusError> {
    match code {
        0.. => Ok(code),
        sys::OPUS_BAD_ARG | sys::OPUS_BUFFER_TOO_SMALL => Err(OpusError::Argument(code)),
        sys::OPUS_INVALID_PACKET => Err(OpusError::InvalidPacket),
        sys::OPUS_ALLOC_FAIL => Err(OpusError::NoMemory),
        _ => Err(OpusError::Other(code)),
    }
}

/// How an [`Encoder`] is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Bits per second on average (variable bit rate).
    pub bitrate: u32,
    /// 0 (cheap) to 10 (best).
    pub complexity: u8,
    /// Carry a low-rate copy of the frame before in each packet, once loss is expected.
    pub fec: bool,
    /// Say when nothing needs sending during silence.
    pub dtx: bool,
}

impl Default for EncoderConfig {
    /// Fullband voice as RFC 7587 §3.1.1 recommends it: 32 kbit/s, FEC and DTX on.
    fn default() -> Self {
        Self { bitrate: 32_000, complexity: 9, fec: true, dtx: true }
    }
}

/// One encoded packet as it left the encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The Opus packet.
    pub bytes: Vec<u8>,
    /// The packet says nothing but "silence": two bytes or less, which need not be sent (RFC 7587 §3.1.3).
    pub is_dtx: bool,
}

/// Encodes 20 ms frames of mono 48 kHz voice.
#[derive(Debug)]
pub struct Encoder {
    raw: NonNull<sys::OpusEncoder>,
}

// SAFETY: an encoder has no thread affinity, and `&mut self` keeps its use exclusive.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Makes an encoder for voice. Errors when libopus has no memory or refuses the configuration.
    pub fn new(config: EncoderConfig) -> Result<Self, OpusError> {
        let mut code: c_int = 0;
        // SAFETY: the arguments are valid for `opus_encoder_create`, and `code` outlives the call.
        let raw = unsafe { sys::opus_encoder_create(SAMPLE_RATE as i32, 1, sys::OPUS_APPLICATION_VOIP, &raw mut code) };
        check(code)?;
        let mut encoder = Self { raw: NonNull::new(raw).ok_or(OpusError::NoMemory)? };
        encoder.set(sys::OPUS_SET_BITRATE_REQUEST, i32::try_from(config.bitrate).unwrap_or(i32::MAX))?;
        encoder.set(sys::OPUS_SET_COMPLEXITY_REQUEST, i32::from(config.complexity.min(10)))?;
        encoder.set(sys::OPUS_SET_INBAND_FEC_REQUEST, i32::from(config.fec))?;
        encoder.set(sys::OPUS_SET_DTX_REQUEST, i32::from(config.dtx))?;
        encoder.set(sys::OPUS_SET_SIGNAL_REQUEST, sys::OPUS_SIGNAL_VOICE)?;
        encoder.set(sys::OPUS_SET_LSB_DEPTH_REQUEST, 16)?;
        Ok(encoder)
    }

    /// Tells the encoder what part of its packets will be lost, 0 to 100 percent; from some percent on it carries FEC.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), OpusError> {
        self.set(sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, i32::from(percent.min(100)))
    }

    /// Sets the average bit rate, in bits per second.
    pub fn set_bitrate(&mut self, bits_per_second: u32) -> Result<(), OpusError> {
        self.set(sys::OPUS_SET_BITRATE_REQUEST, i32::try_from(bits_per_second).unwrap_or(i32::MAX))
    }

    /// Samples by which what the decoder plays is behind what the encoder was given.
    pub fn lookahead(&mut self) -> Result<u32, OpusError> {
        let mut samples: i32 = 0;
        // SAFETY: this request writes one i32 through the pointer.
        check(unsafe { sys::opus_encoder_ctl(self.raw.as_ptr(), sys::OPUS_GET_LOOKAHEAD_REQUEST, &raw mut samples) })?;
        Ok(u32::try_from(samples).unwrap_or(0))
    }

    /// Encodes one frame of 960 samples in -1.0..=1.0.
    pub fn encode(&mut self, frame: &[f32; FRAME_SAMPLES]) -> Result<Encoded, OpusError> {
        let mut bytes = vec![0u8; MAX_PACKET_BYTES];
        // SAFETY: `frame` holds exactly the 960 mono samples announced, `bytes` the announced room.
        let written = check(unsafe {
            sys::opus_encode_float(
                self.raw.as_ptr(),
                frame.as_ptr(),
                FRAME_SAMPLES as c_int,
                bytes.as_mut_ptr(),
                MAX_PACKET_BYTES as i32,
            )
        })?;
        bytes.truncate(usize::try_from(written).unwrap_or(0));
        let is_dtx = bytes.len() <= 2;
        Ok(Encoded { bytes, is_dtx })
    }

    fn set(&mut self, request: c_int, value: i32) -> Result<(), OpusError> {
        // SAFETY: every request used here takes one i32.
        check(unsafe { sys::opus_encoder_ctl(self.raw.as_ptr(), request, value) }).map(|_| ())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `opus_encoder_create` and is not used again.
        unsafe { sys::opus_encoder_destroy(self.raw.as_ptr()) }
    }
}

/// Decodes any Opus stream to mono 48 kHz.
#[derive(Debug)]
pub struct Decoder {
    raw: NonNull<sys::OpusDecoder>,
}

// SAFETY: a decoder has no thread affinity, and `&mut self` keeps its use exclusive.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Makes a decoder. Errors when libopus has no memory.
    pub fn new() -> Result<Self, OpusError> {
        let mut code: c_int = 0;
        // SAFETY: the arguments are valid for `opus_decoder_create`, and `code` outlives the call.
        let raw = unsafe { sys::opus_decoder_create(SAMPLE_RATE as i32, 1, &raw mut code) };
        check(code)?;
        Ok(Self { raw: NonNull::new(raw).ok_or(OpusError::NoMemory)? })
    }

    /// Decodes a packet into the front of `out` (up to 5760 samples); returns how many samples it gave.
    pub fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, OpusError> {
        if packet.is_empty() {
            return Err(OpusError::InvalidPacket);
        }
        self.run(packet, out, false)
    }

    /// Decodes what this packet says about the frame *before* it, filling `out` (a multiple of 120 samples);
    /// plain concealment when the packet carries nothing about it.
    pub fn decode_fec(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, OpusError> {
        if packet.is_empty() {
            return Err(OpusError::InvalidPacket);
        }
        self.run(packet, out, true)
    }

    /// Fills `out` (a multiple of 120 samples, 2.5 ms) with what a lost frame may have sounded like; comfort noise
    /// once the silence before it is being extended.
    pub fn conceal(&mut self, out: &mut [f32]) -> Result<usize, OpusError> {
        self.run(&[], out, false)
    }

    /// Forgets everything heard so far.
    pub fn reset(&mut self) {
        // SAFETY: this request takes no argument; it cannot fail on a valid decoder.
        let _ = unsafe { sys::opus_decoder_ctl(self.raw.as_ptr(), sys::OPUS_RESET_STATE) };
    }

    fn run(&mut self, packet: &[u8], out: &mut [f32], fec: bool) -> Result<usize, OpusError> {
        let length = i32::try_from(packet.len()).map_err(|_| OpusError::InvalidPacket)?;
        let data = if packet.is_empty() { ptr::null() } else { packet.as_ptr() };
        let room = out.len().min(MAX_PACKET_SAMPLES);
        // SAFETY: `data` points to `length` bytes (or is null with length 0: concealment), `out` has `room` mono samples.
        let samples = check(unsafe {
            sys::opus_decode_float(self.raw.as_ptr(), data, length, out.as_mut_ptr(), room as c_int, c_int::from(fec))
        })?;
        Ok(usize::try_from(samples).unwrap_or(0))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `opus_decoder_create` and is not used again.
        unsafe { sys::opus_decoder_destroy(self.raw.as_ptr()) }
    }
}

/// How many 48 kHz samples a packet stands for; an error when it is not Opus (judged by its table of contents).
pub fn packet_samples(packet: &[u8]) -> Result<u32, OpusError> {
    let length = i32::try_from(packet.len()).map_err(|_| OpusError::InvalidPacket)?;
    if length == 0 {
        return Err(OpusError::InvalidPacket);
    }
    // SAFETY: `packet` has `length` bytes, at least one.
    let samples = check(unsafe { sys::opus_packet_get_nb_samples(packet.as_ptr(), length, SAMPLE_RATE as i32) })?;
    match u32::try_from(samples) {
        Ok(samples @ 1..=5_760) => Ok(samples),
        _ => Err(OpusError::InvalidPacket),
    }
}

/// Whether the packet carries a low-rate copy of the frame before it (LBRR, RFC 6716 §2.1.7).
pub fn packet_has_fec(packet: &[u8]) -> bool {
    let Ok(length) = i32::try_from(packet.len()) else { return false };
    // SAFETY: `packet` has `length` bytes; zero-length ones are not passed on.
    length > 0 && unsafe { sys::opus_packet_has_lbrr(packet.as_ptr(), length) } > 0
}
