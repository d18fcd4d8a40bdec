//! What an offer or answer must be before the stack sees it.
//!
//! Nothing in a description is trusted: its size is bounded, every media section that is in use must be encrypted
//! with DTLS-SRTP (RFC 8827 section 6.5 forbids anything else), a certificate fingerprint must be there, and candidate
//! lines that the stack can't use are taken out, so that one bad line does not cost the call.

use std::fmt::Write as _;

use super::candidate::{self, Usable};

/// Largest description read, bytes.
pub const MAX_DESCRIPTION: usize = 64 * 1024;

/// Media sections looked at, at most.
const MAX_SECTIONS: usize = 16;

/// Candidates taken from one description, at most.
const MAX_CANDIDATES: usize = 40;

/// Why an offer or answer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// More than [`MAX_DESCRIPTION`] bytes.
    #[error("larger than 64 KiB")]
    TooLarge,
    /// Not SDP.
    #[error("malformed")]
    Malformed,
    /// A media section in use is not protected by DTLS.
    #[error("not encrypted")]
    NotEncrypted,
    /// No certificate fingerprint of a strong hash (SHA-256 or longer).
    #[error("no usable certificate fingerprint")]
    NoFingerprint,
    /// No ICE user fragment and password.
    #[error("no ICE credentials")]
    NoIceCredentials,
    /// No audio section in use, or none with Opus.
    #[error("no Opus audio")]
    NoVoice,
    /// The offer insists on being the DTLS client (`a=setup:active`), where RFC 8842 wants `actpass`.
    #[error("the offer leaves no choice of DTLS role")]
    DtlsRole,
}

/// Which half of the negotiation a description is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Offer,
    Answer,
    /// Of a media server, where a picture alone, or a voice alone, is something.
    StreamAnswer,
}

#[derive(Debug, Default)]
struct Section {
    media: String,
    transport: String,
    port: String,
    has_opus: bool,
    setup: Option<String>,
    fingerprint: Option<bool>,
    credentials: (bool, bool),
}

/// Checks a description and returns it without the candidate lines that can't be used, and with a name for each track.
pub(super) fn check(sdp: &str, kind: Kind) -> Result<String, DescriptionError> {
    if sdp.len() > MAX_DESCRIPTION {
        return Err(DescriptionError::TooLarge);
    }
    if !sdp.starts_with("v=0") {
        return Err(DescriptionError::Malformed);
    }
    let mut kept = String::with_capacity(sdp.len());
    let mut candidates = 0;
    let mut session = Section::default();
    let mut sections: Vec<Section> = Vec::new();
    for line in sdp.lines() {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|(key, _)| key.len() == 1) else {
            return Err(DescriptionError::Malformed);
        };
        if key == "m" {
            if sections.len() == MAX_SECTIONS {
                return Err(DescriptionError::Malformed);
            }
            sections.push(read_media_line(value)?);
        } else if key == "a" {
            if value.starts_with("candidate:") {
                candidates += 1;
                if candidates > MAX_CANDIDATES || !matches!(candidate::inspect(value), Ok(Usable::Yes(_))) {
                    continue;
                }
            }
            read_attribute(sections.last_mut().unwrap_or(&mut session), value);
        }
        kept.push_str(line);
        kept.push_str("\r\n");
    }
    judge(&session, &sections, kind)?;
    Ok(with_named_tracks(&kept))
}

/// The `a=mid` of the first media section, the one that carries the transport of all (BUNDLE, RFC 9143).
pub(super) fn first_mid(sdp: &str) -> Option<String> {
    sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).map(|mid| mid.trim().to_owned())
}

/// Whether two descriptions come from one ICE generation, which is what tells an ICE restart (RFC 8839 section 4.4.1).
pub(super) fn same_ice_generation(one: &str, other: &str) -> bool {
    let ufrag =
        |sdp: &str| sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).map(|value| value.trim().to_owned());
    ufrag(one) == ufrag(other)
}

/// Whether the side that wrote this description takes H.264 pictures.
pub(super) fn takes_video(sdp: &str) -> bool {
    let mut section = None;
    let mut takes = false;
    for line in sdp.lines().map(str::trim_end) {
        if let Some(media) = line.strip_prefix("m=") {
            takes |= matches!(section, Some((true, true)));
            let mut fields = media.split_ascii_whitespace();
            section = (fields.next() == Some("video") && fields.next() != Some("0")).then_some((false, true));
        } else if let Some((h264, receives)) = &mut section {
            *h264 |= line.strip_prefix("a=rtpmap:").is_some_and(|map| map.to_ascii_lowercase().contains(" h264/90000"));
            *receives &= !matches!(line, "a=inactive" | "a=sendonly");
        }
    }
    takes || matches!(section, Some((true, true)))
}

/// The description with an `a=msid` (RFC 8830) in each section that has none. Whoever sends one voice and one picture
/// need not write it, as media servers don't; but the stack tells tracks apart by these names alone, and of two without
/// one it would give out the first that comes.
fn with_named_tracks(sdp: &str) -> String {
    let starts = sdp.match_indices("\r\nm=").map(|(at, _)| at + 2);
    let cuts: Vec<usize> = starts.chain([sdp.len()]).collect();
    let mut named = sdp[..cuts[0]].to_owned();
    for (number, ends) in cuts.windows(2).enumerate() {
        let section = &sdp[ends[0]..ends[1]];
        // Before the first attribute: those about a source speak of the name that stands before them.
        let carries = section.starts_with("m=audio") || section.starts_with("m=video");
        let nameless = carries && !section.lines().any(names_a_track);
        let attributes = section.find("\r\na=").map(|at| at + 2).filter(|_| nameless);
        let (media, rest) = section.split_at(attributes.unwrap_or(0));
        named.push_str(media);
        if attributes.is_some() {
            // Writing to text can't fail.
            let _ = write!(named, "a=msid:peer track-{number}\r\n");
        }
        named.push_str(rest);
    }
    named
}

/// `a=msid:STREAM TRACK`, or the older `a=ssrc:N msid:STREAM TRACK`.
fn names_a_track(line: &str) -> bool {
    let source = line.strip_prefix("a=ssrc:").and_then(|it| it.split_once(' ')).map(|(_, said)| said);
    let name = line.strip_prefix("a=msid:").or_else(|| source?.strip_prefix("msid:"));
    name.is_some_and(|it| it.split(' ').count() == 2)
}

fn read_media_line(value: &str) -> Result<Section, DescriptionError> {
    let mut fields = value.split_ascii_whitespace();
    match (fields.next(), fields.next(), fields.next()) {
        (Some(media), Some(port), Some(transport)) => Ok(Section {
            media: media.to_owned(),
            port: port.to_owned(),
            transport: transport.to_owned(),
            ..Section::default()
        }),
        _ => Err(DescriptionError::Malformed),
    }
}

fn read_attribute(section: &mut Section, attribute: &str) {
    let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
    match name {
        "fingerprint" => {
            let strong = is_strong_fingerprint(value);
            section.fingerprint = Some(section.fingerprint.unwrap_or(true) && strong);
        }
        "setup" => section.setup = Some(value.trim().to_owned()),
        "ice-ufrag" => section.credentials.0 = !value.trim().is_empty(),
        "ice-pwd" => section.credentials.1 = !value.trim().is_empty(),
        "rtpmap" => {
            let encoding = value.split_ascii_whitespace().nth(1).unwrap_or_default();
            section.has_opus |= encoding.to_ascii_lowercase().starts_with("opus/48000");
        }
        _ => {}
    }
}

/// `sha-256 AB:CD:…` with as many bytes as the hash has (RFC 8122 section 5).
fn is_strong_fingerprint(value: &str) -> bool {
    let mut fields = value.split_ascii_whitespace();
    let (Some(hash), Some(digest), None) = (fields.next(), fields.next(), fields.next()) else { return false };
    let bytes = match hash.to_ascii_lowercase().as_str() {
        "sha-256" => 32,
        "sha-384" => 48,
        "sha-512" => 64,
        _ => return false,
    };
    digest.split(':').count() == bytes
        && digest.split(':').all(|byte| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn judge(session: &Section, sections: &[Section], kind: Kind) -> Result<(), DescriptionError> {
    // A section with port 0 is refused or stopped, unless it is bundled into another (RFC 8843): those with an
    // encrypted profile do no harm, the others carry nothing.
    let in_use = |section: &&Section| section.port != "0";
    let (mut voice, mut picture) = (false, false);
    for section in sections.iter().filter(in_use) {
        if !is_encrypted(section) {
            return Err(DescriptionError::NotEncrypted);
        }
        if section.fingerprint.or(session.fingerprint) != Some(true) {
            return Err(DescriptionError::NoFingerprint);
        }
        if !((section.credentials.0 || session.credentials.0) && (section.credentials.1 || session.credentials.1)) {
            return Err(DescriptionError::NoIceCredentials);
        }
        let setup = section.setup.as_deref().or(session.setup.as_deref());
        if kind == Kind::Offer && setup == Some("active") {
            return Err(DescriptionError::DtlsRole);
        }
        voice |= section.media == "audio" && section.has_opus;
        picture |= section.media == "video";
    }
    let enough = voice || (picture && kind == Kind::StreamAnswer);
    if enough { Ok(()) } else { Err(DescriptionError::NoVoice) }
}

fn is_encrypted(section: &Section) -> bool {
    match section.media.as_str() {
        "application" => matches!(section.transport.as_str(), "UDP/DTLS/SCTP" | "TCP/DTLS/SCTP" | "DTLS/SCTP"),
        _ => matches!(
            section.transport.as_str(),
            "UDP/TLS/RTP/SAVPF" | "TCP/TLS/RTP/SAVPF" | "UDP/TLS/RTP/SAVP" | "TCP/TLS/RTP/SAVP"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> String {
        let fingerprint = vec!["AB"; 32].join(":");
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 {fingerprint}\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:voice\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\n\
             a=ice-pwd:0123456789012345678901\r\na=rtpmap:111 opus/48000/2\r\n\
             a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n\
             a=candidate:2 1 udp 2130706431 aa-bb.local 5000 typ host\r\n\
             a=candidate:garbage\r\n"
        )
    }

    #[test]
    fn a_good_offer_passes_and_loses_only_unusable_candidates() {
        let checked = check(&offer(), Kind::Offer).unwrap();
        assert!(checked.contains("192.0.2.1"));
        assert!(!checked.contains(".local") && !checked.contains("garbage"));
        assert_eq!(first_mid(&checked).as_deref(), Some("voice"));
    }

    #[test]
    fn anything_unencrypted_or_unauthenticated_is_refused() {
        let plain = offer().replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
        assert_eq!(check(&plain, Kind::Offer), Err(DescriptionError::NotEncrypted));
        let sdes = offer().replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF");
        assert_eq!(check(&sdes, Kind::Offer), Err(DescriptionError::NotEncrypted));
        let nameless = offer().replace("a=fingerprint", "a=other");
        assert_eq!(check(&nameless, Kind::Offer), Err(DescriptionError::NoFingerprint));
        let weak = offer().replace("sha-256", "sha-1");
        assert_eq!(check(&weak, Kind::Offer), Err(DescriptionError::NoFingerprint));
        let short = offer().replace("sha-256 AB:", "sha-256 ");
        assert_eq!(check(&short, Kind::Offer), Err(DescriptionError::NoFingerprint));
    }

    #[test]
    fn malformed_oversized_or_voiceless_descriptions_are_refused() {
        assert_eq!(check("", Kind::Offer), Err(DescriptionError::Malformed));
        assert_eq!(check("v=0\r\nnonsense", Kind::Offer), Err(DescriptionError::Malformed));
        assert_eq!(check("v=0\r\nm=audio\r\n", Kind::Offer), Err(DescriptionError::Malformed));
        let large = offer() + &"a=x\r\n".repeat(20_000);
        assert_eq!(check(&large, Kind::Offer), Err(DescriptionError::TooLarge));
        assert_eq!(check(&offer().replace("opus", "PCMU"), Kind::Offer), Err(DescriptionError::NoVoice));
        let stopped = offer().replace("m=audio 9", "m=audio 0");
        assert_eq!(check(&stopped, Kind::Answer), Err(DescriptionError::NoVoice));
        let picture = offer().replace("m=audio", "m=video");
        assert_eq!(check(&picture, Kind::Answer), Err(DescriptionError::NoVoice));
        assert!(check(&picture, Kind::StreamAnswer).is_ok(), "a picture alone can be played");
        let active = offer().replace("actpass", "active");
        assert_eq!(check(&active, Kind::Offer), Err(DescriptionError::DtlsRole));
        assert!(check(&active, Kind::Answer).is_ok());
        let no_ice = offer().replace("a=ice-pwd", "a=other");
        assert_eq!(check(&no_ice, Kind::Offer), Err(DescriptionError::NoIceCredentials));
    }

    #[test]
    fn pictures_are_taken_where_a_section_has_h264_and_is_open() {
        assert!(!takes_video(&offer()));
        let video = |port: u16, direction: &str, codec: &str| {
            let section =
                format!("m=video {port} UDP/TLS/RTP/SAVPF 102\r\na={direction}\r\na=rtpmap:102 {codec}/90000\r\n");
            takes_video(&(offer() + &section + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"))
        };
        assert!(video(9, "sendrecv", "H264") && video(9, "recvonly", "h264"));
        assert!(!video(0, "sendrecv", "H264") && !video(9, "inactive", "H264"));
        assert!(!video(9, "sendonly", "H264") && !video(9, "sendrecv", "VP8"));
    }

    #[test]
    fn every_track_has_a_name_of_its_own() {
        let section =
            |media: &str, rest: &str| format!("m={media} 9 UDP/TLS/RTP/SAVPF 9\r\nc=IN IP4 0.0.0.0\r\na=x\r\n{rest}");
        let named = |sections: &[String]| with_named_tracks(&format!("v=0\r\na=y\r\n{}", sections.concat()));
        let two = named(&[section("audio", "a=ssrc:1 cname:z\r\n"), section("video", "")]);
        let added = |number: u8| format!("c=IN IP4 0.0.0.0\r\na=msid:peer track-{number}\r\na=x\r\n");
        assert!(two.contains(&added(0)) && two.contains(&added(1)), "{two}");
        assert_eq!(two.matches("a=msid").count(), 2, "{two}");
        for with in ["a=msid:s t\r\n", "a=ssrc:1 msid:s t\r\n"] {
            let one = named(&[section("audio", with)]);
            assert_eq!(one.matches("msid:").count(), 1, "{one}");
        }
        let stream_only = named(&[section("video", "a=msid:s\r\n")]);
        assert!(stream_only.contains("track-0"), "{stream_only}");
        let data = named(&[section("application", "")]);
        assert!(!data.contains("msid"), "{data}");
        assert_eq!(with_named_tracks("v=0\r\n"), "v=0\r\n");
    }

    #[test]
    fn a_restart_is_told_by_the_user_fragment() {
        assert!(same_ice_generation(&offer(), &offer()));
        assert!(!same_ice_generation(&offer(), &offer().replace("abcd", "efgh")));
    }
}
