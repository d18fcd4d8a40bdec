//! What the client reports, and how things fail.

use std::time::Instant;

use peal_call::{CallId, DeviceAddress, Signal};
use uuid::Uuid;

use crate::{DevicePublicKey, Presence};

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Logged in (again): the server answers and lets this device read its inbox.
    Connected,
    /// The server is out of reach. The client keeps trying; signals wait in the outbox.
    Disconnected {
        /// What went wrong.
        problem: Problem,
        /// When the connection was lost.
        since: Instant,
    },
    /// A device (also one of this account's own) appeared, changed or left. A device that is gone for good reads as
    /// offline.
    Presence(Presence),
    /// Another device said something to this one.
    Signal {
        /// Who, proved by the seal.
        from: DeviceAddress,
        /// What.
        signal: Signal,
        /// The envelope's id.
        id: Uuid,
        /// The first that was ever heard of this device.
        first_contact: bool,
    },
    /// After `Connected` and the signals that follow it: everything that had been queued for this device has been
    /// reported, each sender's signals in the order of sending.
    CaughtUp,
    /// A key was taken as this device's own at first contact; keep it, and give it back in
    /// [`crate::ClientConfig::pinned`] next time.
    Pinned {
        /// Whose.
        address: DeviceAddress,
        /// The key.
        key: DevicePublicKey,
    },
    /// A device shows another key than the pinned one; told once, and again with each signal that comes from it. Its
    /// signals are held for a minute, then dropped, until [`crate::Client::trust_key`].
    KeyChanged {
        /// Whose.
        address: DeviceAddress,
        /// The pinned key.
        old: DevicePublicKey,
        /// The one it shows now.
        new: DevicePublicKey,
    },
    /// Another program logged in later, and this one has yielded and stays out.
    KickedOut {
        /// To which device: this very one (its profile was copied), or another one of an account that wants only one.
        by: DeviceAddress,
    },
    /// Something that was received has been thrown away.
    Dropped {
        /// Why.
        why: DropReason,
        /// Whose inbox topic it stood in, where that could be read.
        from: Option<DeviceAddress>,
    },
    /// A signal of a kind that this version doesn't know was well sealed; answer "incompatible" if it opens a call.
    UnknownKind {
        /// Who.
        from: DeviceAddress,
        /// The kind, at most 64 printable ASCII characters.
        kind: String,
        /// The call it is about.
        call: Option<CallId>,
    },
    /// The server refused to pass a signal on.
    Refused {
        /// Whom it was for.
        to: DeviceAddress,
        /// The envelope's id, as [`crate::Client::send`] gave it.
        id: Uuid,
    },
    /// A signal's time ran out in the outbox, before the server took it.
    Expired {
        /// Whom it was for.
        to: DeviceAddress,
        /// The envelope's id.
        id: Uuid,
    },
    /// The server no longer lets this account in; the client has stopped.
    SessionEnded {
        /// Why.
        problem: Problem,
    },
}

/// Why something received was thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// No envelope, or limits broken inside.
    Malformed,
    /// Larger than 64 KiB.
    Oversized,
    /// Another version of the wire format.
    Version,
    /// The seal, or the sender in the envelope, doesn't fit.
    Forged,
    /// Seen before: replayed by someone, or delivered twice by the broker.
    Replayed,
    /// For another account than the one whose inbox it stood in.
    Misaddressed,
    /// Held until its lifetime was over.
    Stale,
    /// No key is known of its sender.
    UnknownSender,
    /// Its sender's key changed and nobody trusted the new one.
    UntrustedKey,
    /// Its sender sends too much. Counted each time, told once for each flood.
    Flooded,
    /// A kind that this version doesn't know ([`Notice::UnknownKind`] says which).
    UnknownKind,
}

/// What stands between this device and the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nobody answers there.
    #[error("the server can't be reached ({0})")]
    Unreachable(String),
    /// It was there, and the connection broke.
    #[error("the connection to the server was lost ({0})")]
    Lost(String),
    /// No answer in time.
    #[error("the server didn't answer in time")]
    TimedOut,
    /// The certificate or the TLS handshake.
    #[error("no secure connection to the server: {0}")]
    Tls(String),
    /// The account or its token.
    #[error("the server doesn't know this account with this token")]
    BadCredentials,
    /// The account is known and may not do this.
    #[error("the server doesn't let this account {0}")]
    NotAuthorized(Denied),
    /// The server said no for another reason.
    #[error("the server refused: {0}")]
    Refused(String),
    /// What answers there isn't an MQTT 5 broker.
    #[error("what answers there isn't an MQTT 5 server ({0})")]
    NotABroker(String),
}

/// What the server's access list denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Logging in at all.
    #[error("log in")]
    Login,
    /// Reading its own inbox.
    #[error("read its own signals")]
    Inbox,
    /// Reading who is there.
    #[error("see who is there")]
    Presence,
    /// Saying that it is there.
    #[error("show itself")]
    OwnPresence,
}

/// Why logging in failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The account or its token.
    #[error("the server doesn't know this account with this token")]
    BadCredentials,
    /// Nobody answers there.
    #[error("{server} can't be reached ({detail})")]
    Unreachable {
        /// The address that was tried.
        server: String,
        /// The system's words.
        detail: String,
    },
    /// The account is known and may not do this.
    #[error("the server doesn't let this account {what}")]
    NotAuthorized {
        /// What it may not.
        what: Denied,
    },
    /// The certificate or the TLS handshake.
    #[error("no secure connection to the server: {0}")]
    Tls(String),
    /// No answer within eight seconds.
    #[error("the server didn't answer in time")]
    Timeout,
    /// The server said no for another reason.
    #[error("the server refused: {0}")]
    Refused(String),
    /// What answers there isn't an MQTT 5 broker.
    #[error("what answers there isn't an MQTT 5 server ({0})")]
    NotABroker(String),
    /// Another program logged in as this very device at the same moment.
    #[error("another program is logged in as this device")]
    KickedOut,
    /// The client id isn't `<user>~<random>`.
    #[error("the client id must be the account's name, a ~ and something random")]
    ClientId,
    /// The extra certificate file can't be read.
    #[error("the certificate file can't be read: {0}")]
    CertificateFile(String),
}

/// Why a signal wasn't taken for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing is known of that device.
    #[error("nothing is known of that device")]
    UnknownDevice,
    /// Its key changed, and nobody has trusted the new one.
    #[error("that device shows another key than before; it has to be trusted first")]
    UntrustedKey,
    /// Larger than 64 KiB when sealed.
    #[error("the signal is too large")]
    TooLarge,
    /// More than 1024 signals wait for the server.
    #[error("too many signals wait for the server")]
    OutboxFull,
    /// The client has stopped: logged out, kicked out, or no longer let in.
    #[error("not logged in")]
    NotLoggedIn,
}
