//! What can go wrong with a peer connection, as values.

use super::description::DescriptionError;

/// Why a peer connection refused or failed an operation.
///
/// No variant ends a connected call by itself: a bad description or candidate that arrives during a call is
/// reported to whoever handed it in, and the call goes on.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// No local address could be bound, so no packet could ever be sent.
    #[error("no network address could be bound")]
    NoNetwork,
    /// An offer or answer was malformed, too large, unencrypted or of no use for voice.
    #[error("the session description is unusable: {0}")]
    Description(#[from] DescriptionError),
    /// A candidate line could not be read. The candidates beside it were still used.
    #[error("a candidate is malformed")]
    Candidate,
    /// More candidates came before a description than are kept (30); the excess was dropped.
    #[error("too many candidates before a description")]
    TooManyCandidates,
    /// The operation does not fit what was negotiated so far (an answer without an offer, for example).
    #[error("not possible in the present state of the negotiation")]
    WrongState,
    /// Voice can't leave yet: nothing was negotiated, or the peer does not want any.
    #[error("voice is not negotiated")]
    VoiceNotNegotiated,
    /// The connection can't keep up; this one frame was dropped rather than queued.
    #[error("the voice queue is full")]
    VoiceQueueFull,
    /// A voice frame larger than one packet ([`super::MAX_VOICE_PAYLOAD`] bytes).
    #[error("the voice frame does not fit into one packet")]
    VoiceTooLarge,
    /// The control channel is not open (yet, any more, or the peer never negotiated it).
    #[error("the control channel is not open")]
    ControlNotOpen,
    /// A control message above [`super::MAX_CONTROL_MESSAGE`] bytes.
    #[error("the control message is too large")]
    ControlTooLarge,
    /// The peer does not take control messages as fast as they are sent.
    #[error("the control channel is congested")]
    ControlCongested,
    /// The peer connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The WebRTC stack refused; the words are its own.
    #[error("peer connection: {0}")]
    Stack(String),
}

impl From<webrtc::error::Error> for PeerError {
    fn from(error: webrtc::error::Error) -> Self {
        use webrtc::error::Error;
        match error {
            Error::ErrConnectionClosed => Self::Closed,
            Error::ErrIncorrectSignalingState | Error::ErrNoRemoteDescription => Self::WrongState,
            other => Self::Stack(other.to_string()),
        }
    }
}
