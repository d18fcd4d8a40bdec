//! What goes in and what comes out of a [`Phone`](crate::Phone).

use std::time::Duration;

use crate::{
    CallId, Candidate, DeviceAddress, DeviceId, Direction, EndReason, MediaKind, RecordStatus, Signal, UserId,
};

/// The media path of one call to one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Link {
    /// The call.
    pub call: CallId,
    /// The device at the other end.
    pub peer: DeviceAddress,
}

/// A call to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// A fresh id.
    pub call: CallId,
    /// Whom.
    pub to: UserId,
    /// Their devices that may be rung; more may follow as [`Input::DeviceAppeared`].
    pub devices: Vec<DeviceId>,
    /// Ring these devices only, whichever others appear (Echo is one device of one's own account).
    pub only: bool,
    /// Voice or picture.
    pub media: MediaKind,
    /// A JSON value as text.
    pub message: Option<String>,
    /// How long it rings.
    pub lifetime: Duration,
    /// Now, ms since 1970, for the history.
    pub started_at: u64,
}

/// Wishes of the person (imperatives) and facts from outside (past tense).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Call somebody.
    Call(Dial),
    /// Answer.
    Accept {
        /// The call.
        call: CallId,
    },
    /// Decline.
    Reject {
        /// The call.
        call: CallId,
        /// Words for the caller.
        message: Option<String>,
    },
    /// End it; before it connects: cancel it, or decline it.
    Hangup {
        /// The call.
        call: CallId,
    },
    /// Forget an ended call.
    Dismiss {
        /// The call.
        call: CallId,
    },
    /// Microphone off or on.
    SetMuted {
        /// True: silence leaves.
        muted: bool,
    },
    /// Log out: everything ends.
    LogOut {
        /// Why: hung up, or kicked out.
        reason: EndReason,
    },
    /// A signal has arrived, opened and authenticated.
    SignalReceived {
        /// Its sender.
        from: DeviceAddress,
        /// What it says.
        signal: Signal,
        /// Now, ms since 1970, for the history.
        at: u64,
    },
    /// The connection is new: what waited at the broker is arriving, and nothing in it rings yet.
    CatchUpStarted,
    /// The backlog is through.
    CaughtUp,
    /// A device of somebody came online.
    DeviceAppeared {
        /// That device.
        device: DeviceAddress,
    },
    /// A device of somebody went offline.
    DeviceDisappeared {
        /// That device.
        device: DeviceAddress,
    },
    /// The offer asked for by [`Output::OpenOfferer`] or [`Output::RestartIce`].
    OfferReady {
        /// Where.
        link: Link,
        /// SDP.
        sdp: String,
    },
    /// The answer asked for by [`Output::OpenAnswerer`] or [`Output::AnswerOffer`].
    AnswerReady {
        /// Where.
        link: Link,
        /// SDP.
        sdp: String,
    },
    /// Candidates for the other side.
    CandidatesGathered {
        /// Where.
        link: Link,
        /// What gathered since the last batch.
        candidates: Vec<Candidate>,
        /// Nothing follows.
        complete: bool,
    },
    /// Media can flow.
    MediaConnected {
        /// Where.
        link: Link,
    },
    /// Media stopped; it may come back.
    MediaDisconnected {
        /// Where.
        link: Link,
    },
    /// The media path can't be set up or is broken for good.
    MediaFailed {
        /// Where.
        link: Link,
    },
    /// The other side took the media path down on purpose.
    MediaClosed {
        /// Where.
        link: Link,
    },
    /// No microphone or speaker could be opened for this call.
    SoundFailed {
        /// The call.
        call: CallId,
    },
}

/// What the phone wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a signal; the broker may drop it after `lifetime`.
    Send {
        /// To whom.
        to: DeviceAddress,
        /// What.
        signal: Signal,
        /// How long it makes sense.
        lifetime: Duration,
    },
    /// Open a peer connection that offers; answers [`Input::OfferReady`].
    OpenOfferer(Link),
    /// Open a peer connection that answers this offer; answers [`Input::AnswerReady`].
    OpenAnswerer {
        /// Where.
        link: Link,
        /// SDP offer.
        offer: String,
    },
    /// The answer to the offer of this link.
    AcceptAnswer {
        /// Where.
        link: Link,
        /// SDP answer.
        answer: String,
    },
    /// A new offer inside the running call; answers [`Input::AnswerReady`].
    AnswerOffer {
        /// Where.
        link: Link,
        /// SDP offer.
        offer: String,
    },
    /// Candidates of the other side.
    AddCandidates {
        /// Where.
        link: Link,
        /// The other side's candidates.
        candidates: Vec<Candidate>,
        /// Nothing follows.
        complete: bool,
    },
    /// Restart ICE (RFC 8445, 2.4); answers [`Input::OfferReady`].
    RestartIce(Link),
    /// Close the peer connection.
    ClosePeer(Link),
    /// Something happened that a program or a person may want to know.
    Notify(Notice),
    /// A wish that can't be carried out.
    Refuse {
        /// The call it was about.
        call: CallId,
        /// Why.
        refusal: Refusal,
    },
    /// A line for the history.
    Record(CallRecord),
}

/// Why a wish was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No such call, or it is over.
    #[error("there is no such call")]
    UnknownCall,
    /// Not in this state.
    #[error("the call's state does not allow it")]
    WrongState,
    /// Another call is going on.
    #[error("another call is going on")]
    Busy,
    /// That person has no device that could ring.
    #[error("nobody is known by that name")]
    UnknownUser,
}

/// What happens once. The names are those of the kits' map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The invite has gone out.
    Outgoing(CallId),
    /// A device of theirs rings.
    Ringing(CallId, UserId),
    /// An invite arrived and rings here.
    Invited(CallId),
    /// Answered; media is being set up.
    Connecting(CallId),
    /// Media flows.
    Connected(CallId),
    /// To the caller: answered.
    UserAccepted(CallId, UserId),
    /// To the caller: declined.
    UserRejected(CallId, UserId, Option<String>),
    /// To the caller: busy.
    UserBusy(CallId, UserId),
    /// To the caller: no answer in time.
    UserNoResponse(CallId, UserId),
    /// To the callee: withdrawn.
    UserCancelled(CallId, UserId),
    /// To the callee: rang in vain.
    CallTimedOut(CallId, UserId),
    /// In the call now.
    UserEntered(CallId, UserId),
    /// Gone from the call.
    UserLeft(CallId, UserId, EndReason),
    /// Their media stopped arriving.
    UserDisconnected(CallId, UserId),
    /// My media is lost.
    MediaDisconnected(CallId),
    /// They muted or unmuted.
    AudioMuted(CallId, UserId, bool),
    /// Answered on another device of mine.
    AcceptedElsewhere(CallId, DeviceId),
    /// Declined on another device of mine.
    RejectedElsewhere(CallId, DeviceId),
    /// Over.
    Ended(CallId, EndReason, Duration),
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// The other side.
    pub peer: UserId,
    /// Who began it.
    pub direction: Direction,
    /// Voice or picture.
    pub media: MediaKind,
    /// How it ended.
    pub status: RecordStatus,
    /// Why it ended.
    pub reason: EndReason,
    /// When it began, ms since 1970.
    pub started_at: u64,
    /// How long they talked.
    pub duration: Duration,
    /// The message that the invite carried.
    pub message: Option<String>,
}
