//! How a peer connection is set up.

use std::net::IpAddr;
use std::time::Duration;

/// Settings of one peer connection.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// What the connection is for. Default [`Purpose::Call`].
    pub purpose: Purpose,
    /// STUN and TURN servers; none are needed between programs that reach each other directly.
    pub ice_servers: Vec<IceServer>,
    /// Which local addresses take part.
    pub bind: Bind,
    /// Use relays only, so that the peer never learns this machine's addresses.
    pub relay_only: bool,
    /// Without a sign of life for this long, [`super::PeerEvent::Disconnected`] is reported. Default 2 s.
    pub disconnected_after: Duration,
    /// Without a sign of life for this long (counted from the last one), [`super::PeerEvent::Failed`] is reported.
    /// Default 30 s.
    pub failed_after: Duration,
    /// How this side answers in the DTLS handshake. Default [`DtlsAnswer::Client`].
    pub dtls_answer: DtlsAnswer,
}

impl Default for PeerConfig {
    fn default() -> Self {
        Self {
            purpose: Purpose::Call,
            ice_servers: Vec::new(),
            bind: Bind::Interfaces,
            relay_only: false,
            disconnected_after: Duration::from_secs(2),
            failed_after: Duration::from_secs(30),
            dtls_answer: DtlsAnswer::Client,
        }
    }
}

/// What a connection is for: which way its media go, and whether there is a control channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// A call: both ways, with a control channel.
    #[default]
    Call,
    /// Voice and picture to a media server (RFC 9725): nothing comes back, and the server is another program.
    Publish,
    /// Voice and picture from a media server (WHEP).
    Play,
}

/// A STUN or TURN server (RFC 7064, RFC 7065).
///
/// UDP only: `stuns:`, `turns:` and `?transport=tcp` URLs are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host[:port]` or `turn:host[:port][?transport=udp]`.
    pub urls: Vec<String>,
    /// TURN user name; empty for STUN.
    pub username: String,
    /// TURN credential; empty for STUN.
    pub credential: String,
}

/// Which local addresses a peer connection binds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Bind {
    /// Every interface that is up, read anew at each ICE restart. Link-local addresses are left out, and loopback
    /// is used only when there is nothing else (RFC 8445 section 5.1.1.1), so that two programs on one machine can
    /// still talk while it is offline.
    #[default]
    Interfaces,
    /// These addresses alone, loopback included.
    Addresses(Vec<IpAddr>),
}

/// Who opens the DTLS handshake when this side answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtlsAnswer {
    /// The answerer opens it (`a=setup:active`): RFC 8842's recommendation and half a round trip sooner.
    #[default]
    Client,
    /// The answerer waits for it (`a=setup:passive`). Only for measuring against the other.
    Server,
}
