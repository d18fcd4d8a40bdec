//! What a phone tells: what happens once, and lines for the history.

use std::time::Duration;

use crate::{CallId, DeviceId, Direction, EndReason, MediaKind, RecordStatus, Stream, UserId};

/// What happens once. The names are those of the kits' map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    /// Gone from the call; in a group also: declined, busy, did not answer, was not wanted any more (kit C18).
    UserLeft(CallId, UserId, EndReason),
    /// Their media stopped arriving.
    UserDisconnected(CallId, UserId),
    /// My media is lost.
    MediaDisconnected(CallId),
    /// They muted (true) or unmuted.
    AudioMuted(CallId, UserId, bool),
    /// Their camera went off (true) or on.
    VideoMuted(CallId, UserId, bool),
    /// They hold the call (true), or go on with it.
    Held(CallId, UserId, bool),
    /// They ask for a change between voice and picture; [`Input::AnswerSwitch`] answers.
    MediaChangeRequested(CallId, UserId, MediaKind),
    /// The call is voice or picture now (kit B26).
    MediaChanged(CallId, MediaKind),
    /// They did not agree, or did not answer.
    MediaChangeRefused(CallId, UserId),
    /// Somebody (the first) invited others into the call (kit C19, E26).
    UsersInvited(CallId, UserId, Vec<UserId>),
    /// Somebody (the first) is passing the call on to somebody else.
    Transferring(CallId, UserId, UserId),
    /// It was passed on to this person.
    Transferred(CallId, UserId),
    /// This person did not take the call over; it goes on as before.
    TransferFailed(CallId, UserId, EndReason),
    /// Their media arrives before the answer (kit A10).
    StreamAdded(CallId, UserId),
    /// Their media can be played from there, too (kit A10); where it was played from before is no more.
    StreamPublished(CallId, UserId, Stream),
    /// It can be played from nowhere else any more.
    StreamRemoved(CallId, UserId),
    /// Answered on another device of mine.
    AcceptedElsewhere(CallId, DeviceId),
    /// Declined on another device of mine.
    RejectedElsewhere(CallId, DeviceId),
    /// Over.
    Ended(CallId, EndReason, Duration),
}

/// A line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// The one to name it by: the other one of two; else the first callee, or the host if I was called.
    pub peer: UserId,
    /// Who began it.
    pub direction: Direction,
    /// Voice or picture.
    pub media: MediaKind,
    /// How it ended for me; for a callee the same as in the caller's `members`.
    pub status: RecordStatus,
    /// Why it ended.
    pub reason: EndReason,
    /// When it began, ms since 1970.
    pub started_at: u64,
    /// How long they talked.
    pub duration: Duration,
    /// The message that the invite carried.
    pub message: Option<String>,
    /// Everyone else, and how it went with them.
    pub members: Vec<(UserId, RecordStatus)>,
    /// The saved group it was for.
    pub group: Option<String>,
}
