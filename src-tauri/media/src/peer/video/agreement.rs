//! What is offered for the picture, and what both sides agreed on.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_H264, MIME_TYPE_RTX, MediaEngine};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RTCRtpParameters, RTCRtpRtxParameters, RtpCodecKind,
};

use super::Track;
use crate::peer::PeerError;

/// The numbering across the transport (draft-holmer-rmcat-transport-wide-cc-extensions-01).
const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Constrained baseline, level 3.1 at least, in single units, aggregates and fragments (RFC 6184 section 8.1).
const H264_FMTP: &str = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

/// The usual payload types in browsers; each call's own are negotiated.
const H264_PAYLOAD_TYPE: u8 = 102;
const REPEAT_PAYLOAD_TYPE: u8 = 103;

const NONE: u8 = u8::MAX;

/// What both sides agreed on for the video section.
#[derive(Debug)]
pub struct Agreement {
    payload_type: AtomicU8,
    transport_extension: AtomicU8,
    repeats: AtomicBool,
    /// The peer takes a picture of ours at all.
    takes: AtomicBool,
}

impl Default for Agreement {
    fn default() -> Self {
        Self {
            payload_type: AtomicU8::new(NONE),
            transport_extension: AtomicU8::new(NONE),
            repeats: AtomicBool::new(false),
            takes: AtomicBool::new(false),
        }
    }
}

impl Agreement {
    /// Reads what the stack negotiated for our picture; `takes`: the peer's description has a section for it.
    pub fn update(&self, parameters: &RTCRtpParameters, takes: bool) {
        let is = |codec: &&RTCRtpCodecParameters, mime: &str| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime);
        let h264 = parameters.codecs.iter().find(|codec| is(codec, MIME_TYPE_H264)).map(|codec| codec.payload_type);
        let repeats = h264.is_some_and(|apt| {
            let apt = format!("apt={apt}");
            parameters
                .codecs
                .iter()
                .any(|codec| is(&codec, MIME_TYPE_RTX) && codec.rtp_codec.sdp_fmtp_line.contains(&apt))
        });
        let extension = parameters
            .header_extensions
            .iter()
            .find(|extension| extension.uri == TRANSPORT_CC)
            .and_then(|extension| u8::try_from(extension.id).ok());
        self.payload_type.store(h264.unwrap_or(NONE), Ordering::Relaxed);
        self.transport_extension.store(extension.unwrap_or(NONE), Ordering::Relaxed);
        self.repeats.store(repeats, Ordering::Relaxed);
        self.takes.store(takes && h264.is_some(), Ordering::Relaxed);
    }

    /// A picture comes as it was offered, and none leaves.
    pub fn expect(&self) {
        self.payload_type.store(H264_PAYLOAD_TYPE, Ordering::Relaxed);
    }

    pub fn payload_type(&self) -> Option<u8> {
        Some(self.payload_type.load(Ordering::Relaxed)).filter(|&value| value != NONE)
    }

    pub fn transport_extension(&self) -> Option<u8> {
        Some(self.transport_extension.load(Ordering::Relaxed)).filter(|&value| value != NONE)
    }

    pub fn repeats(&self) -> bool {
        self.repeats.load(Ordering::Relaxed)
    }

    pub fn takes(&self) -> bool {
        self.takes.load(Ordering::Relaxed)
    }
}

/// Offers the picture.
pub fn register(media: &mut MediaEngine) -> Result<(), PeerError> {
    let codecs = [
        RTCRtpCodecParameters { rtp_codec: h264(), payload_type: H264_PAYLOAD_TYPE },
        RTCRtpCodecParameters {
            rtp_codec: RTCRtpCodec {
                mime_type: MIME_TYPE_RTX.to_owned(),
                clock_rate: 90_000,
                channels: 0,
                sdp_fmtp_line: format!("apt={H264_PAYLOAD_TYPE}"),
                rtcp_feedback: Vec::new(),
            },
            payload_type: REPEAT_PAYLOAD_TYPE,
        },
    ];
    for codec in codecs {
        media.register_codec(codec, RtpCodecKind::Video)?;
    }
    let extension = RTCRtpHeaderExtensionCapability { uri: TRANSPORT_CC.to_owned() };
    media.register_header_extension(extension, RtpCodecKind::Video, None)?;
    Ok(())
}

/// The track that carries our picture. `identity` must be unlike the peer's, or the stack sends RTCP astray.
pub fn track(identity: &str, ssrc: u32, repeat_ssrc: u32) -> Track {
    Track::new(
        format!("peal-{identity}"),
        format!("picture-{identity}"),
        String::from("picture"),
        RtpCodecKind::Video,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                rtx: Some(RTCRtpRtxParameters { ssrc: repeat_ssrc }),
                ..Default::default()
            },
            active: true,
            codec: h264(),
            ..Default::default()
        }],
    )
}

fn h264() -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() };
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: H264_FMTP.to_owned(),
        rtcp_feedback: vec![
            feedback("transport-cc", ""),
            feedback("ccm", "fir"),
            feedback("nack", ""),
            feedback("nack", "pli"),
        ],
    }
}
