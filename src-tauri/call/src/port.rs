//! What goes in and what comes out of a [`Phone`](crate::Phone).

use std::time::Duration;

use crate::{
    CallId, CallRecord, Candidate, DeviceAddress, DeviceId, EndReason, MediaKind, Notice, Policy, Signal, Stream,
    UserId,
};

/// The media path of one call to one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Link {
    /// The call.
    pub call: CallId,
    /// The device at the other end.
    pub peer: DeviceAddress,
}

/// Somebody to be called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Callee {
    /// Whom.
    pub user: UserId,
    /// Their devices that may be rung; more may follow as [`Input::DeviceAppeared`].
    pub devices: Vec<DeviceId>,
}

/// A call to be made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dial {
    /// A fresh id.
    pub call: CallId,
    /// Whom; several make it a group's call (kit C03, E06). At most [`MEMBER_LIMIT`](crate::MEMBER_LIMIT) - 1.
    pub to: Vec<Callee>,
    /// Ring these devices only, whichever others appear (Echo is one device of one's own account).
    pub only: bool,
    /// Voice or picture.
    pub media: MediaKind,
    /// The saved group it is for.
    pub group: Option<String>,
    /// A JSON value as text.
    pub message: Option<String>,
    /// How long it rings.
    pub lifetime: Duration,
    /// My sound may be heard before the answer by those who let it (a doorbell's).
    pub early_media: bool,
    /// Now, ms since 1970, for the history.
    pub started_at: u64,
}

/// What becomes of the other calls when one is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Meanwhile {
    /// They wait.
    #[default]
    Hold,
    /// I leave them.
    End,
}

/// Wishes of the person (imperatives) and facts from outside (past tense).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// Call somebody, or several.
    Call(Dial),
    /// Invite more people into a call that runs (kit C07); any member may.
    Invite {
        /// The call.
        call: CallId,
        /// Whom.
        callees: Vec<Callee>,
        /// A JSON value as text.
        message: Option<String>,
        /// How long it rings.
        lifetime: Duration,
    },
    /// Answer.
    Accept {
        /// The call.
        call: CallId,
        /// As what; none: as invited. A video call may be taken as audio (kit E07), not the other way round.
        media: Option<MediaKind>,
        /// What becomes of the calls that run.
        meanwhile: Meanwhile,
    },
    /// Decline.
    Reject {
        /// The call.
        call: CallId,
        /// Say that I am in another call (kit E08).
        busy: bool,
        /// Words for the caller.
        message: Option<String>,
    },
    /// Withdraw what rings because of me (kit B07): the call, if nobody has come yet; else the open invitations.
    Cancel {
        /// The call.
        call: CallId,
        /// Leave a record with those who were never reached (kit B08's sendMsg).
        record: bool,
    },
    /// Go; the others go on (kit B09).
    Leave {
        /// The call.
        call: CallId,
    },
    /// End it (kit B10): for all if I am the host, else leave; before it connects: cancel it, or decline it.
    Hangup {
        /// The call.
        call: CallId,
    },
    /// No sound goes either way until it is resumed.
    Hold {
        /// The call.
        call: CallId,
    },
    /// Go on with a call that I hold; all others wait then.
    Resume {
        /// The call.
        call: CallId,
    },
    /// Voice to picture (a call of two asks the other) or back (nobody is asked).
    SwitchMedia {
        /// The call.
        call: CallId,
        /// What it is to be.
        media: MediaKind,
    },
    /// The answer to [`Notice::MediaChangeRequested`].
    AnswerSwitch {
        /// The call.
        call: CallId,
        /// Agreed.
        accept: bool,
    },
    /// Pass a call on without asking: invite somebody into it, and go once they have come.
    Transfer {
        /// The call.
        call: CallId,
        /// Whom.
        callee: Callee,
        /// How long it rings there.
        lifetime: Duration,
    },
    /// Pass a call on to the one whom I talk with in another.
    TransferTo {
        /// The call.
        call: CallId,
        /// The call with the one who takes it over.
        target: CallId,
    },
    /// Make one call of two: the one whom I talk with in `call` comes into the other.
    Merge {
        /// The call that ends.
        call: CallId,
        /// The call that goes on.
        into: CallId,
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
    /// Camera off or on.
    SetVideo {
        /// True: a picture leaves by the video calls.
        on: bool,
    },
    /// What I send can be played from there too, or can no more.
    SetStream {
        /// Where; none: nowhere else.
        stream: Option<Stream>,
    },
    /// Who may ring, and how, from now on.
    PolicyChanged(Policy),
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// A line for the history. A later one for the same call takes its place.
    Record(CallRecord),
    /// Tell this line to all my user's other devices, those that are away included.
    ShareRecord(CallRecord),
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
    /// More people than [`MEMBER_LIMIT`](crate::MEMBER_LIMIT).
    #[error("a call has room for {} people", crate::MEMBER_LIMIT)]
    Full,
    /// More calls at once than [`CALL_LIMIT`](crate::CALL_LIMIT).
    #[error("there are {} calls already", crate::CALL_LIMIT)]
    CallLimit,
}
