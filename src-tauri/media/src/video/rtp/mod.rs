//! H.264 in RTP packets (RFC 6184, packetization mode 1).

mod assembly;
mod depacketise;
mod packetise;

pub use assembly::{Arrived, Assembly, CodedUnit, Wants};
pub use depacketise::{PayloadError, is_key_start, unit_from};
pub use packetise::{MAX_VIDEO_PAYLOAD, packetise};

/// NAL unit types (H.264 table 7-1, RFC 6184 table 1).
mod nal {
    pub const SLICE: u8 = 1;
    pub const KEY_SLICE: u8 = 5;
    pub const SEQUENCE: u8 = 7;
    pub const PICTURES: u8 = 8;
    pub const SINGLE_TIME_AGGREGATION: u8 = 24;
    pub const FRAGMENT: u8 = 28;

    /// The type in a NAL unit's first byte.
    pub fn kind(header: u8) -> u8 {
        header & 0x1f
    }
}
