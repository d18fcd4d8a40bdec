//! What a picture on its way is to be, and what became of it.

use serde::{Deserialize, Serialize};

/// What a person's own picture is to be when the path and the machine allow it (kit D03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VideoQuality {
    /// Pixels. A source of another shape is sent whole, within this width and [`VideoQuality::height`].
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second.
    pub frame_rate: u32,
    /// kbit/s. Where the path carries less, the picture is made smaller rather than blurred.
    pub min_kbps: u32,
    /// kbit/s that are never exceeded.
    pub max_kbps: u32,
}

impl Default for VideoQuality {
    /// 640 x 360 at 30 frames a second and 600 to 900 kbit/s.
    fn default() -> Self {
        Self { width: 640, height: 360, frame_rate: 30, min_kbps: 600, max_kbps: 900 }
    }
}

/// Whose picture a [`PictureQuality`] speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Ours, on its way to the peer.
    Sent,
    /// The peer's, as it says itself.
    Received,
}

/// Why a picture is less than was wished for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lowered {
    /// The path between the two does not carry more.
    Network,
    /// The sender's processor does not keep up.
    Processor,
}

/// What one picture is at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PictureQuality {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second; 0 when the picture was given up for the voice's sake.
    pub frame_rate: u32,
    /// Why it is less than was wished for; none: it is as good as the viewer can use.
    pub lowered: Option<Lowered>,
}

/// A moment's statistics of the pictures of one peer connection. Counters count from its start.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct VideoStats {
    /// kbit/s of picture sent of late, repetitions included.
    pub sent_kbps: f64,
    /// kbit/s of picture received of late, repetitions included.
    pub received_kbps: f64,
    /// What the path to the peer is thought to carry beside the voice, kbit/s; 0 until it was measured.
    pub estimate_kbps: f64,
    /// Pictures sent.
    pub frames_sent: u64,
    /// Pictures of the peer that were decoded.
    pub frames_decoded: u64,
    /// Packets sent, without repetitions.
    pub packets_sent: u64,
    /// Packets received, repetitions included.
    pub packets_received: u64,
    /// Packets of the peer that never came, or too late to be of use.
    pub packets_lost: u64,
    /// Packets sent again because the peer asked for them.
    pub retransmitted: u64,
    /// Key frames asked of the peer.
    pub key_frames_asked: u64,
    /// Gaps of 500 ms and more between two pictures of the peer while it sent some.
    pub freezes: u64,
    /// How long those gaps were together, ms.
    pub frozen_ms: u64,
    /// The picture sent, pixels; 0 when there is none.
    pub sent_width: u32,
    /// Pixels.
    pub sent_height: u32,
    /// The picture received, pixels; 0 when there is none.
    pub received_width: u32,
    /// Pixels.
    pub received_height: u32,
}
