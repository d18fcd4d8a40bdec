//! What goes in, and what is counted.

use std::time::Instant;

use bytes::Bytes;

/// A voice packet as it came from the network.
#[derive(Debug, Clone)]
pub struct RtpVoicePacket {
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp, 48 kHz.
    pub timestamp: u32,
    /// The Opus packet.
    pub payload: Bytes,
    /// When it was read from the network.
    pub arrived: Instant,
    /// It came again, with a later packet: of use only where the first one was lost.
    pub is_copy: bool,
}

/// What the jitter buffer counted; times in samples at 48 kHz.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JitterStats {
    /// Packets taken in, without duplicates and damaged ones.
    pub received: u64,
    /// Packets that were not there when their turn came (late ones are among them).
    pub lost: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Payloads that are not Opus, or far too long.
    pub malformed: u64,
    /// Lost frames that a later packet brought, whole or rebuilt from what it carries.
    pub fec_recovered: u64,
    /// Samples played.
    pub played: u64,
    /// Samples made up because a packet was missing (pauses of the speaker do not count).
    pub concealed: u64,
    /// Samples taken out to catch up.
    pub shortened: u64,
    /// Samples put in to wait.
    pub lengthened: u64,
    /// Packets thrown away unplayed to catch up at once after a stall.
    pub skipped: u64,
    /// Times that the sender's sequence or clock jumped.
    pub restarts: u64,
    /// How long a packet without network delay waits before it is heard.
    pub delay: i64,
    /// How long it should wait before it is decoded; between that and its being heard lie 0 to 10 ms.
    pub target: i64,
}
