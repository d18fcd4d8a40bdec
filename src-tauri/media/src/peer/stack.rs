//! The WebRTC stack, set up for voice and picture.

use std::sync::Arc;
use std::time::Duration;

use rtc::interceptor::{Registry, Slot, TwccReceiverBuilder};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::configure_rtcp_reports;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MediaEngine};
use rtc::peer_connection::configuration::setting_engine::{SctpMaxMessageSize, SettingEngine, SettingEngineBuilder};
use rtc::peer_connection::configuration::{
    RTCBundlePolicy, RTCConfiguration, RTCConfigurationBuilder, RTCIceTransportPolicy, RTCRtcpMuxPolicy,
};
use rtc::peer_connection::transport::{RTCDtlsRole, RTCIceServer};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler};

use super::bind::BindAddresses;
use super::config::{DtlsAnswer, IceServer, PeerConfig, Purpose};
use super::control::{MAX_CONTROL_MESSAGE, SEND_BUFFER};
use super::video::Traffic;
use super::{PeerError, voice};

/// RFC 7587: 10 ms packets welcome, in-band FEC, and silence need not be sent.
const OPUS_FMTP: &str = "minptime=10;useinbandfec=1;usedtx=1";

/// The usual payload type in browsers; each call's own is negotiated.
pub(super) const OPUS_PAYLOAD_TYPE: u8 = 111;

/// Opus frames that may be carried again in later packets, and the number browsers use for that too.
const RED_FMTP: &str = "111/111";
const RED_PAYLOAD_TYPE: u8 = 63;

/// Connectivity checks every 20 ms, for 2 s a pair: the stack's 200 ms makes a call connect 180 ms later than it could.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
const CHECKS_PER_PAIR: u16 = 100;

/// A sign of life is asked for this often (RFC 7675), so that a dead path shows within [`PeerConfig::disconnected_after`]
/// even where half of the packets are lost.
const KEEPALIVE: Duration = Duration::from_millis(250);

/// How long a pair with a reflexive or relayed end waits for a better one before it is used.
///
/// The stack's defaults are 500 ms (server-reflexive), 1 s (peer-reflexive) and 2 s (relay), each a stall where nothing
/// better comes. The second is why calls on one network now and then connected a full second late: when the answerer's
/// first check overtakes its candidate, the offerer files the address as peer-reflexive, keeps it so after the candidate
/// comes, and sits the second out before it nominates. `examples/connect_stall.rs` with `late` shows it.
const REFLEXIVE_WAIT: Duration = Duration::from_millis(50);
const RELAY_WAIT: Duration = Duration::from_millis(300);

/// The peer is told this often which packets of its picture came: a rate that falls is noticed that much sooner.
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(50);

pub(super) async fn connection(
    config: &PeerConfig,
    bind: BindAddresses,
    handler: Arc<dyn PeerConnectionEventHandler>,
    traffic: Traffic,
) -> Result<Arc<dyn PeerConnection>, PeerError> {
    let mut media = media_engine()?;
    media.register_header_extension(
        RTCRtpHeaderExtensionCapability { uri: voice::AUDIO_LEVEL.to_owned() },
        RtpCodecKind::Audio,
        None,
    )?;
    super::video::register(&mut media)?;
    // Transport-wide feedback for the picture alone: voice of 40 kbit/s has nothing to gain from it. Repetitions are ours to
    // make and to ask for, since a picture that waits for one is worth more to us than to the stack.
    let registry = configure_rtcp_reports(Registry::new())
        .with(Slot::TwccReceiver, TwccReceiverBuilder::new().with_interval(FEEDBACK_INTERVAL).build())
        .with(Slot::NackResponder, traffic);
    let builder = PeerConnectionBuilder::new()
        .with_configuration(configuration(config))
        .with_media_engine(media)
        .with_setting_engine(settings(config))
        .with_interceptor_registry(registry)
        .with_handler(handler)
        .with_udp_addrs(vec![bind])
        .with_data_channel_send_buffer_limit(SEND_BUFFER);
    // The stack's future is 20 KiB; it need not be part of every future that opens a connection.
    let connection = Box::pin(builder.build()).await?;
    Ok(Arc::new(connection))
}

/// Says which way voice and picture go.
pub(super) async fn add_media(
    connection: &dyn PeerConnection,
    purpose: Purpose,
    voice: Arc<TrackLocalStaticRTP>,
    picture: Arc<TrackLocalStaticRTP>,
) -> Result<(), PeerError> {
    let init = |direction| Some(RTCRtpTransceiverInit { direction, streams: Vec::new(), send_encodings: Vec::new() });
    match purpose {
        Purpose::Call => {
            connection.add_track(voice as _).await?;
            connection.add_track(picture as _).await?;
        }
        Purpose::Publish => {
            connection.add_transceiver_from_track(voice as _, init(RTCRtpTransceiverDirection::Sendonly)).await?;
            connection.add_transceiver_from_track(picture as _, init(RTCRtpTransceiverDirection::Sendonly)).await?;
        }
        Purpose::Play => {
            for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
                connection.add_transceiver_from_kind(kind, init(RTCRtpTransceiverDirection::Recvonly)).await?;
            }
        }
    }
    Ok(())
}

/// The track that carries our voice. `identity` must be unlike the peer's, or the stack sends RTCP astray.
pub(super) fn track(identity: &str, ssrc: u32) -> MediaStreamTrack {
    MediaStreamTrack::new(
        format!("peal-{identity}"),
        format!("voice-{identity}"),
        String::from("voice"),
        RtpCodecKind::Audio,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
            active: true,
            codec: opus(),
            ..Default::default()
        }],
    )
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: OPUS_FMTP.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}

fn media_engine() -> Result<MediaEngine, PeerError> {
    let mut media = MediaEngine::default();
    media.register_codec(
        RTCRtpCodecParameters { rtp_codec: opus(), payload_type: OPUS_PAYLOAD_TYPE },
        RtpCodecKind::Audio,
    )?;
    let red = RTCRtpCodec { mime_type: voice::MIME_TYPE_RED.to_owned(), sdp_fmtp_line: RED_FMTP.to_owned(), ..opus() };
    media.register_codec(
        RTCRtpCodecParameters { rtp_codec: red, payload_type: RED_PAYLOAD_TYPE },
        RtpCodecKind::Audio,
    )?;
    Ok(media)
}

fn configuration(config: &PeerConfig) -> RTCConfiguration {
    let policy = if config.relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    RTCConfigurationBuilder::new()
        .with_ice_servers(config.ice_servers.iter().filter_map(ice_server).collect())
        .with_ice_transport_policy(policy)
        .with_bundle_policy(RTCBundlePolicy::MaxBundle)
        .with_rtcp_mux_policy(RTCRtcpMuxPolicy::Require)
        .build()
}

/// The server with the URLs that the stack can use.
fn ice_server(server: &IceServer) -> Option<RTCIceServer> {
    let urls: Vec<String> = server
        .urls
        .iter()
        .filter(|url| {
            let usable = (url.starts_with("stun:") || url.starts_with("turn:")) && !url.contains("transport=tcp");
            if !usable {
                tracing::warn!("an ICE server that is not STUN or TURN over UDP is passed over");
            }
            usable
        })
        .cloned()
        .collect();
    (!urls.is_empty()).then(|| RTCIceServer {
        urls,
        username: server.username.clone(),
        credential: server.credential.clone(),
    })
}

fn settings(config: &PeerConfig) -> SettingEngine {
    // Both roles connect alike once the waits below are short (200 calls each: median 27 ms, none over 100 ms); with the
    // stack's waits the answerer as server met the one-second stall twice as often.
    let role = match config.dtls_answer {
        DtlsAnswer::Client => RTCDtlsRole::Client,
        DtlsAnswer::Server => RTCDtlsRole::Server,
    };
    SettingEngineBuilder::new()
        .with_answering_dtls_role(role)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS_PER_PAIR))
        .with_ice_timeouts(
            Some(config.disconnected_after),
            Some(config.failed_after.saturating_sub(config.disconnected_after)),
            Some(KEEPALIVE.min(config.disconnected_after / 4)),
        )
        .with_host_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(REFLEXIVE_WAIT))
        .with_prflx_acceptance_min_wait(Some(REFLEXIVE_WAIT))
        .with_relay_acceptance_min_wait(Some(if config.relay_only { Duration::ZERO } else { RELAY_WAIT }))
        .with_include_loopback_candidate(true)
        // A restart follows the interfaces that exist then; see `BindAddresses` for how the rest stays in place.
        .with_discard_local_candidates_during_ice_restart(true)
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(MAX_CONTROL_MESSAGE as u32))
        .build()
}
