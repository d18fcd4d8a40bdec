//! One remote person, as the rest of the program sees them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::jitter::{JitterStats, RtpVoicePacket};
use super::level::SILENCE_DBFS;

/// What is heard of one remote person, and how well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoiceStats {
    /// Packets taken in, without duplicates and damaged ones.
    pub received: u64,
    /// Packets that were not there when their turn came (late ones are among them).
    pub lost: u64,
    /// Packets that came after their turn.
    pub late: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// Payloads that are not Opus, and packets that came faster than they could be taken.
    pub discarded: u64,
    /// Lost frames rebuilt from the packet after them.
    pub fec_recovered: u64,
    /// Voice made up because a packet was missing, in ms.
    pub concealed_ms: u64,
    /// All that was played, in ms.
    pub total_ms: u64,
    /// Taken out to catch up (time-stretching), in ms.
    pub shortened_ms: u64,
    /// Put in to wait (time-stretching), in ms.
    pub lengthened_ms: u64,
    /// How long a packet without network delay waits before it is played, in ms.
    pub buffer_ms: f32,
    /// How long it should wait, by the jitter measured, in ms.
    pub target_ms: f32,
    /// Loudness of the last 10 ms before the volume, in dBFS.
    pub level_dbfs: f32,
    /// When the first 10 ms that can be heard (louder than -50 dBFS) were handed to the output.
    pub first_audio: Option<Instant>,
}

impl Default for VoiceStats {
    fn default() -> Self {
        Self::new(&JitterStats::default(), SILENCE_DBFS, None, 0)
    }
}

impl VoiceStats {
    pub(super) fn new(jitter: &JitterStats, level_dbfs: f32, first_audio: Option<Instant>, overflowed: u64) -> Self {
        Self {
            received: jitter.received,
            lost: jitter.lost,
            late: jitter.late,
            duplicates: jitter.duplicates,
            discarded: jitter.malformed + overflowed,
            fec_recovered: jitter.fec_recovered,
            concealed_ms: jitter.concealed / 48,
            total_ms: jitter.played / 48,
            shortened_ms: jitter.shortened / 48,
            lengthened_ms: jitter.lengthened / 48,
            buffer_ms: jitter.delay as f32 / 48.0,
            target_ms: jitter.target as f32 / 48.0,
            level_dbfs,
            first_audio,
        }
    }
}

/// What the two ends of a voice share.
#[derive(Debug)]
pub(super) struct VoiceShared {
    pub(super) volume: AtomicU32,
    pub(super) gone: AtomicBool,
    /// A picture shares the path, or is going to.
    pub(super) beside_picture: AtomicBool,
    pub(super) overflowed: AtomicU64,
    pub(super) stats: Mutex<VoiceStats>,
}

impl Default for VoiceShared {
    fn default() -> Self {
        Self {
            volume: AtomicU32::new(1.0f32.to_bits()),
            gone: AtomicBool::new(false),
            beside_picture: AtomicBool::new(false),
            overflowed: AtomicU64::new(0),
            stats: Mutex::new(VoiceStats::default()),
        }
    }
}

/// One remote person in the mix. Dropping it takes them out.
#[derive(Debug)]
pub struct Voice {
    pub(super) id: u64,
    pub(super) packets: SyncSender<RtpVoicePacket>,
    pub(super) shared: Arc<VoiceShared>,
}

impl Voice {
    /// The id it was added under.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Hands over a packet from the network; never blocks. When they come faster than they can be taken (hundreds within
    /// 10 ms), the surplus is dropped and counted as discarded.
    pub fn push(&self, packet: RtpVoicePacket) {
        if let Err(TrySendError::Full(_)) = self.packets.try_send(packet) {
            self.shared.overflowed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sets how loud this person is heard: 1.0 as sent, 0.0 not at all, at most 4.0 (+12 dB).
    pub fn set_volume(&self, volume: f32) {
        let volume = if volume.is_finite() { volume.clamp(0.0, 4.0) } else { 1.0 };
        self.shared.volume.store(volume.to_bits(), Ordering::Relaxed);
    }

    /// From now on a picture shares the path: its beginning makes the voice come irregularly. Telling it again changes nothing.
    pub fn expect_picture(&self) {
        self.shared.beside_picture.store(true, Ordering::Relaxed);
    }

    /// How well this person is heard, as of the last 10 ms.
    pub fn stats(&self) -> VoiceStats {
        *self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.shared.gone.store(true, Ordering::Release);
    }
}
