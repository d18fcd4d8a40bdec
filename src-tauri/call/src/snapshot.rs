//! What of a call is shown.

use std::time::{Duration, Instant};

use crate::{CallId, DeviceId, Direction, EndReason, MediaKind, Stream, UserId};

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallState {
    /// Outgoing: nobody rings yet.
    Calling,
    /// It rings, there or here.
    Ringing,
    /// Answered; media is being set up.
    Connecting,
    /// They talk: media flows with at least one.
    Connected,
    /// Media was lost with everyone and is being brought back.
    Reconnecting,
    /// Over.
    Ended(EndReason),
}

/// Where another person in a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberState {
    /// Invited; nothing heard yet.
    Inviting,
    /// A device of theirs rings (known to the one who invited them).
    Ringing,
    /// Answered; media is being set up.
    Connecting,
    /// In the call.
    Joined,
    /// In the call, but their media does not arrive here.
    Disconnected,
    /// Gone, or never came.
    Left,
}

/// How an incoming call makes itself known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alert {
    /// The ring tone, and its window.
    Ring,
    /// A soft tone: another call is going on.
    CallWaiting,
    /// No tone and no window; it can still be answered.
    Silent,
}

/// A change between voice and picture that waits for somebody's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Switch {
    /// I asked; otherwise they ask me.
    pub by_me: bool,
    /// What it would become.
    pub media: MediaKind,
}

/// One call as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallSnapshot {
    /// The call.
    pub id: CallId,
    /// Whether I began it.
    pub direction: Direction,
    /// Voice or picture.
    pub media: MediaKind,
    /// Who began it.
    pub host: UserId,
    /// Who invited me; nobody if I began it.
    pub inviter: Option<UserId>,
    /// The saved group it is for.
    pub group: Option<String>,
    /// Words of the invite, or of the decline.
    pub message: Option<String>,
    /// Where it stands.
    pub state: CallState,
    /// How it rings here, while it does.
    pub alert: Option<Alert>,
    /// Everyone else, in the order in which they were heard of.
    pub members: Vec<MemberSnapshot>,
    /// I hold it: no sound goes either way.
    pub on_hold: bool,
    /// When media first flowed.
    pub connected_at: Option<Instant>,
    /// How long they talked; only once ended.
    pub duration: Option<Duration>,
    /// A change of media that waits for an answer.
    pub switch: Option<Switch>,
    /// Who is being fetched so that the one who fetches can go.
    pub transfer_to: Option<UserId>,
    /// The caller's media may arrive before the answer; the microphone stays out of it.
    pub preview: bool,
}

impl CallSnapshot {
    /// The one person to name it by: the one who is left to talk with if it is one; else the host, or the first callee.
    pub fn peer(&self) -> Option<&UserId> {
        let mut here = self.members.iter().filter(|member| member.state != MemberState::Left);
        let member = match (here.next(), here.next()) {
            (Some(only), None) => Some(only),
            (Some(_), Some(_)) | (None, _) => self.members.iter().find(|member| member.user == self.host),
        };
        member.or(self.members.first()).map(|member| &member.user)
    }

    /// This person in it.
    pub fn member(&self, user: &UserId) -> Option<&MemberSnapshot> {
        self.members.iter().find(|member| member.user == *user)
    }

    /// It is over and only still shown.
    pub const fn is_over(&self) -> bool {
        match self.state {
            CallState::Ended(_) => true,
            CallState::Calling
            | CallState::Ringing
            | CallState::Connecting
            | CallState::Connected
            | CallState::Reconnecting => false,
        }
    }
}

/// Another person in a call as shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberSnapshot {
    /// The person.
    pub user: UserId,
    /// Their device, once it is settled.
    pub device: Option<DeviceId>,
    /// Where they stand.
    pub state: MemberState,
    /// Why they are gone, once they are.
    pub reason: Option<EndReason>,
    /// Their microphone is off.
    pub muted: bool,
    /// They hold the call.
    pub on_hold: bool,
    /// Their camera is on, and the call is a video call.
    pub video: bool,
    /// Where their media can be played from, too.
    pub stream: Option<Stream>,
    /// Who invited them, if it is known.
    pub invited_by: Option<UserId>,
}
