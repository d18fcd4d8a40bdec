//! What can go wrong with a media server, as values.

use std::time::Duration;

use crate::peer::PeerError;

/// Why a stream can't be published or played.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// No address of a media server; the words say why.
    #[error("that is no address of a media server: {0}")]
    BadUrl(&'static str),
    /// `http:` to another computer, where [`super::PlainHttp::Loopback`] is the rule.
    #[error("http without encryption is for a media server on this computer alone")]
    PlainHttp,
    /// Nothing answers there.
    #[error("the media server can't be reached: {0}")]
    Unreachable(String),
    /// The server took longer than is reasonable.
    #[error("the media server did not answer in time")]
    TimedOut,
    /// 401 or 403: the token is missing, or is not the right one.
    #[error("the media server refused the token")]
    Refused,
    /// 404, 409 or 410: nobody publishes there (now).
    #[error("there is no such stream at the media server")]
    NotFound,
    /// 429 or 503.
    #[error("the media server is busy")]
    Busy {
        /// When it wants to be asked again (RFC 9110 section 10.2.3), if it said so in seconds; at most an hour.
        retry_after: Option<Duration>,
    },
    /// Any other status.
    #[error("the media server refused the stream with status {0}")]
    Rejected(u16),
    /// What came is no answer as RFC 9725 wants it.
    #[error("the media server's answer is unusable: {0}")]
    BadAnswer(String),
    /// It redirects in circles.
    #[error("the media server redirects too often")]
    Redirected,
    /// No packet finds its way.
    #[error("no media path to the media server was found")]
    NoPath,
    /// Nothing can be sent or received here.
    #[error(transparent)]
    Peer(#[from] PeerError),
}
