//! How a connection is doing, in the terms of W3C webrtc-stats.

use rtc::peer_connection::transport::RTCIceCandidateType;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::statistics::report::{RTCStatsReport, RTCStatsReportEntry};
use webrtc::peer_connection::PeerConnection;

use crate::video::VideoStats;

/// The stack hands the jitter on as RTP counts it (RFC 3550 section 6.4.1): 48 kHz for Opus (RFC 7587).
const RTP_UNITS_A_MS: f64 = 48.0;

/// What kind of address one end of the path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CandidateKind {
    /// An address of the machine itself.
    Host,
    /// The outside of its NAT, told by a STUN server.
    ServerReflexive,
    /// The outside of its NAT, learnt from its packets.
    PeerReflexive,
    /// An address on a TURN server.
    Relay,
}

/// A moment's statistics of one peer connection. Counters count from its start.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct PeerStats {
    /// Round-trip time of the path, ms; `None` until it was measured.
    pub rtt_ms: Option<f64>,
    /// Voice packets sent.
    pub packets_sent: u64,
    /// Voice payload bytes sent.
    pub bytes_sent: u64,
    /// Voice packets received.
    pub packets_received: u64,
    /// Voice payload bytes received.
    pub bytes_received: u64,
    /// Voice packets of the peer that never came, by sequence number; negative when some came twice (RFC 3550).
    pub lost: i64,
    /// Jitter of the peer's packets here, ms (RFC 3550 section 6.4.1).
    pub jitter_ms: f64,
    /// Share of our packets that the peer lost of late, 0 to 1, from its receiver reports; `None` until one came.
    pub remote_fraction_lost: Option<f64>,
    /// Jitter of our packets at the peer, ms; `None` until it reported.
    pub remote_jitter_ms: Option<f64>,
    /// Voice frames that were not sent because the queue was full.
    pub send_dropped: u64,
    /// Voice packets that came but were not taken in time.
    pub receive_dropped: u64,
    /// Our end of the path.
    pub local_kind: Option<CandidateKind>,
    /// The peer's end of the path.
    pub remote_kind: Option<CandidateKind>,
    /// The pictures beside the voice.
    pub video: VideoStats,
    /// DTLS cipher suite; empty until the handshake is done.
    pub dtls_cipher: String,
    /// SRTP protection profile; empty until the handshake is done.
    pub srtp_cipher: String,
}

impl PeerStats {
    pub(super) fn from_report(report: &RTCStatsReport) -> Self {
        let mut stats = Self::default();
        for entry in report.iter() {
            match entry {
                RTCStatsReportEntry::InboundRtp(inbound)
                    if is_voice(inbound.received_rtp_stream_stats.rtp_stream_stats.kind) =>
                {
                    let received = &inbound.received_rtp_stream_stats;
                    stats.packets_received += received.packets_received;
                    stats.bytes_received += inbound.bytes_received;
                    stats.lost += received.packets_lost;
                    stats.jitter_ms = stats.jitter_ms.max(received.jitter / RTP_UNITS_A_MS);
                }
                RTCStatsReportEntry::OutboundRtp(outbound)
                    if is_voice(outbound.sent_rtp_stream_stats.rtp_stream_stats.kind) =>
                {
                    stats.packets_sent += outbound.sent_rtp_stream_stats.packets_sent;
                    stats.bytes_sent += outbound.sent_rtp_stream_stats.bytes_sent;
                }
                _ => {}
            }
        }
        stats.read_transport(report);
        stats
    }

    fn read_transport(&mut self, report: &RTCStatsReport) {
        let Some(transport) = report.transport() else { return };
        self.dtls_cipher.clone_from(&transport.dtls_cipher);
        self.srtp_cipher.clone_from(&transport.srtp_cipher);
        self.rtt_ms = report
            .candidate_pairs()
            .find(|pair| pair.stats.id == transport.selected_candidate_pair_id)
            .map(|pair| pair.current_round_trip_time * 1000.0)
            .filter(|rtt| *rtt > 0.0);
    }
}

/// The kinds of the two ends, ours first. Asked of the ICE transport, since the report names candidates that came inside
/// a description by ids it does not list.
pub(super) async fn path_kinds(connection: &dyn PeerConnection) -> Option<(CandidateKind, CandidateKind)> {
    let sender = connection.get_senders().await.into_iter().next()?;
    let transport = sender.transport().await.ok()??;
    let pair = transport.ice_transport().get_selected_candidate_pair().await.ok()??;
    Some((candidate_kind(pair.local().typ)?, candidate_kind(pair.remote().typ)?))
}

/// Jitter as RTP counts it, in ms.
pub(super) fn jitter_ms(units: u32) -> f64 {
    f64::from(units) / RTP_UNITS_A_MS
}

/// The figures of the picture are counted where it is sent and taken.
fn is_voice(kind: RtpCodecKind) -> bool {
    kind == RtpCodecKind::Audio
}

fn candidate_kind(kind: RTCIceCandidateType) -> Option<CandidateKind> {
    match kind {
        RTCIceCandidateType::Host => Some(CandidateKind::Host),
        RTCIceCandidateType::Srflx => Some(CandidateKind::ServerReflexive),
        RTCIceCandidateType::Prflx => Some(CandidateKind::PeerReflexive),
        RTCIceCandidateType::Relay => Some(CandidateKind::Relay),
        _ => None,
    }
}
