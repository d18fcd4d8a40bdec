//! H.264 in and out: constrained baseline, one slice, no reordering (RFC 6184 section 8.1).

mod decoder;
mod encoder;
mod sps;

pub use decoder::{H264Decoder, MAX_UNIT};
pub use encoder::{EncodedUnit, H264Encoder};
pub use sps::{SequenceError, inspect_sequence};

/// Why a codec could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The H.264 library refused; the words are its own.
    #[error("H.264: {0}")]
    Library(String),
    /// A stream names a picture that is larger than any that is taken, or not of baseline.
    #[error("the stream is not acceptable: {0}")]
    Sequence(#[from] SequenceError),
    /// One coded picture of more than [`MAX_UNIT`] bytes.
    #[error("the coded picture is too large")]
    TooLarge,
}

impl From<openh264::Error> for CodecError {
    fn from(error: openh264::Error) -> Self {
        Self::Library(error.to_string())
    }
}
