//! Voice as RTP: our packets out, the peer's in (RFC 3550, RFC 7587).

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures::FutureExt;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_OPUS;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::RTCRtpParameters;
use tokio::sync::mpsc;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use super::copies::{self, Block, Copies};
use super::{PeerError, PeerEvent};

/// Largest voice payload, bytes: a packet stays below the 1200 bytes that pass everywhere unfragmented.
pub const MAX_VOICE_PAYLOAD: usize = 1120;

/// RFC 6464: the level of each packet beside it, so that meters need not decode.
pub(super) const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// RFC 2198.
pub(super) const MIME_TYPE_RED: &str = "audio/red";

/// From here on quieter, a packet is not flagged as voice (RFC 6464's V bit), in −dBov.
const VOICE_FLOOR_DBOV: u8 = 60;

const NONE: u8 = u8::MAX;

/// One encoded frame of voice to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceFrame {
    /// One Opus packet, at most [`MAX_VOICE_PAYLOAD`] bytes.
    pub payload: Bytes,
    /// RTP timestamp, 48 kHz, of the first sample; starts anywhere and wraps.
    pub timestamp: u32,
    /// The first packet after silence (RFC 7587 section 4.1: start of a talk spurt).
    pub marker: bool,
    /// Loudness in −dBov: 0 is the loudest, 127 is silence (RFC 6464).
    pub level_dbov: u8,
}

/// One packet of voice that arrived, in the order of the network: late, doubled and missing ones are for the jitter
/// buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoicePacket {
    /// RTP sequence number; wraps.
    pub sequence: u16,
    /// RTP timestamp, 48 kHz; wraps.
    pub timestamp: u32,
    /// The sender says that a talk spurt starts here.
    pub marker: bool,
    /// One Opus packet; never empty.
    pub payload: Bytes,
    /// Loudness in −dBov (0 loudest, 127 silence) if the sender tells it (RFC 6464).
    pub level_dbov: Option<u8>,
    /// When it was taken from the network, for jitter.
    pub arrived: Instant,
    /// It came again, with a later packet (RFC 2198): it is of use only where the first one was lost.
    pub is_copy: bool,
}

/// What both sides agreed on for the audio section.
#[derive(Debug)]
pub(super) struct Agreement {
    payload_type: AtomicU8,
    /// Of packets that carry earlier frames again.
    copies_type: AtomicU8,
    level_extension: AtomicU8,
}

impl Default for Agreement {
    fn default() -> Self {
        let none = || AtomicU8::new(NONE);
        Self { payload_type: none(), copies_type: none(), level_extension: none() }
    }
}

impl Agreement {
    pub(super) fn update(&self, parameters: &RTCRtpParameters) {
        let payload_type = |mime_type: &str| {
            let mut codecs = parameters.codecs.iter();
            let found = codecs.find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime_type));
            found.map_or(NONE, |codec| codec.payload_type)
        };
        let level = parameters
            .header_extensions
            .iter()
            .find(|extension| extension.uri == AUDIO_LEVEL)
            .and_then(|extension| u8::try_from(extension.id).ok())
            .unwrap_or(NONE);
        self.payload_type.store(payload_type(MIME_TYPE_OPUS), Ordering::Relaxed);
        self.copies_type.store(payload_type(MIME_TYPE_RED), Ordering::Relaxed);
        self.level_extension.store(level, Ordering::Relaxed);
    }

    /// Voice comes with this payload type, and none leaves.
    pub(super) fn expect(&self, payload_type: u8) {
        self.payload_type.store(payload_type, Ordering::Relaxed);
    }

    fn payload_type(&self) -> Option<u8> {
        Some(self.payload_type.load(Ordering::Relaxed)).filter(|&value| value != NONE)
    }

    /// None where the peer does not take frames twice.
    pub(super) fn copies_type(&self) -> Option<u8> {
        Some(self.copies_type.load(Ordering::Relaxed)).filter(|&value| value != NONE)
    }

    fn level_extension(&self) -> Option<u8> {
        Some(self.level_extension.load(Ordering::Relaxed)).filter(|&value| value != NONE)
    }
}

/// Turns frames into packets, without waiting: only whoever sends takes its lock.
pub(super) struct VoiceSender {
    track: Arc<TrackLocalStaticRTP>,
    agreement: Arc<Agreement>,
    connected: Arc<AtomicBool>,
    ssrc: u32,
    sequence: AtomicU16,
    /// How many earlier frames go with each packet.
    count: AtomicUsize,
    copies: Mutex<Copies>,
    dropped: AtomicU64,
}

impl VoiceSender {
    pub(super) fn new(
        track: Arc<TrackLocalStaticRTP>,
        agreement: Arc<Agreement>,
        connected: Arc<AtomicBool>,
        ssrc: u32,
        first_sequence: u16,
    ) -> Self {
        Self {
            track,
            agreement,
            connected,
            ssrc,
            sequence: AtomicU16::new(first_sequence),
            count: AtomicUsize::new(0),
            copies: Mutex::default(),
            dropped: AtomicU64::new(0),
        }
    }

    /// So many earlier frames go with each packet from now on, if the peer takes them; true if it does.
    pub(super) fn set_copies(&self, count: usize) -> bool {
        self.count.store(count, Ordering::Relaxed);
        self.agreement.copies_type().is_some()
    }

    pub(super) fn send(&self, frame: VoiceFrame) -> Result<(), PeerError> {
        if frame.payload.len() > MAX_VOICE_PAYLOAD {
            return Err(PeerError::VoiceTooLarge);
        }
        let Some(payload_type) = self.agreement.payload_type().filter(|_| self.connected.load(Ordering::Relaxed))
        else {
            return Err(PeerError::VoiceNotNegotiated);
        };
        let copies_type = self.agreement.copies_type();
        let count = copies_type.map_or(0, |_| self.count.load(Ordering::Relaxed));
        let wrapped = self.copies.lock().unwrap_or_else(PoisonError::into_inner).wrap(
            &frame.payload,
            frame.timestamp,
            payload_type,
            count,
        );
        let (payload_type, payload) = match (copies_type, wrapped) {
            (Some(kind), Some(wrapped)) => (kind, wrapped),
            _ => (payload_type, frame.payload),
        };
        let mut header = rtp::header::Header {
            version: 2,
            marker: frame.marker,
            payload_type,
            sequence_number: self.sequence.fetch_add(1, Ordering::Relaxed),
            timestamp: frame.timestamp,
            ssrc: self.ssrc,
            ..Default::default()
        };
        if let Some(id) = self.agreement.level_extension() {
            let level = frame.level_dbov.min(127);
            let byte = level | if level < VOICE_FLOOR_DBOV { 0x80 } else { 0 };
            header
                .set_extension(id, Bytes::copy_from_slice(&[byte]))
                .map_err(|error| PeerError::Stack(error.to_string()))?;
        }
        let packet = rtp::Packet { header, payload };
        // The stack's queue holds 256 packets, five seconds of voice. A full one means that its task is stuck: a
        // frame dropped now is better than one that comes that late, and the caller must not wait.
        match self.track.write_rtp(packet).now_or_never() {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(PeerError::Closed),
            None => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Err(PeerError::VoiceQueueFull)
            }
        }
    }

    /// Frames dropped because the queue was full.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Sends an empty receiver report (RFC 3550 section 6.4.2), the first packet on a new connection.
///
/// It says nothing and is there to wake the stack's task, which at this moment has the first packet of the control
/// channel's transport to send and would sleep on it for up to 200 ms.
pub(super) async fn say_hello(track: &TrackLocalStaticRTP, ssrc: u32) {
    let report = rtc::rtcp::receiver_report::ReceiverReport { ssrc, ..Default::default() };
    if let Err(error) = track.write_rtcp(vec![Box::new(report)]).await {
        tracing::debug!(%error, "no receiver report could be sent");
    }
}

/// Takes the packets of one remote track until it ends.
///
/// Packets that the receiver has no room for are dropped: voice that waits is worth nothing.
pub(super) async fn receive(
    track: Arc<dyn TrackRemote>,
    agreement: Arc<Agreement>,
    overrun: Arc<AtomicU64>,
    events: mpsc::Sender<PeerEvent>,
) {
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
        let kind = Some(packet.header.payload_type);
        let Some(opus) = agreement.payload_type().filter(|_| !packet.payload.is_empty()) else { continue };
        let level_dbov = agreement
            .level_extension()
            .and_then(|id| packet.header.get_extension(id))
            .and_then(|bytes| bytes.first().map(|byte| byte & 0x7f));
        let arrived = Instant::now();
        let voice = |block: Block| VoicePacket {
            sequence: packet.header.sequence_number.wrapping_sub(block.ago),
            timestamp: block.timestamp,
            marker: packet.header.marker && block.ago == 0,
            payload: block.payload,
            level_dbov: level_dbov.filter(|_| block.ago == 0),
            arrived,
            is_copy: block.ago > 0,
        };
        let blocks = if kind == Some(opus) {
            vec![Block { ago: 0, timestamp: packet.header.timestamp, payload: packet.payload.clone() }]
        } else if kind == agreement.copies_type() {
            copies::unwrap(&packet.payload, packet.header.timestamp, opus).unwrap_or_default()
        } else {
            continue;
        };
        for block in blocks {
            match events.try_send(PeerEvent::Voice(voice(block))) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => {
                    overrun.fetch_add(1, Ordering::Relaxed);
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }
}
