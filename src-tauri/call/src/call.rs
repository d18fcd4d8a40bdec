//! One call: who is in it, where it stands, and which media paths it has.

use std::time::{Duration, Instant};

use crate::member::{Member, Pending};
use crate::path::{Early, MediaPath, Path};
use crate::{Alert, CallId, DeviceAddress, MediaKind, RosterEntry, Standing, UserId};

/// Who began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// I called.
    Outgoing,
    /// They called.
    Incoming,
}

/// Why a call ended, or somebody left it. A value, not an error. Ordered: of two tales the first listed is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndReason {
    /// Somebody hung up.
    Hangup,
    /// The caller withdrew.
    Cancelled,
    /// The callee declined.
    Rejected,
    /// The callee was in another call.
    Busy,
    /// It rang, and nobody answered in time.
    NoResponse,
    /// Answered on another device of the callee.
    AnsweredElsewhere,
    /// Declined on another device of the callee.
    RejectedElsewhere,
    /// This device was logged in elsewhere.
    KickedOut,
    /// No path for media was ever found.
    IceFailed,
    /// The media path was lost and did not come back.
    IceLost,
    /// No microphone or speaker.
    DeviceFailed,
    /// No device of the callee rang.
    Unreachable,
    /// The other side can't take this kind of call.
    Incompatible,
    /// A fault on one side.
    Error,
    /// It was passed on to somebody else.
    Transferred,
    /// Blocked by the person; never told to the other side.
    Blocked,
}

/// Where I stand in a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Invited, held back until the backlog is through.
    Waiting { deadline: Instant },
    /// Invited, rings here. The offer is prepared meanwhile and leaves only with the accept, but for a preview.
    /// The caller's program has gone missing: it rings until `gone_at` unless it comes back.
    Ringing { deadline: Instant, gone_at: Option<Instant>, alert: Alert },
    /// Answered here; waits for its offer, then (`sent`) for the inviter's select, and asks again at `again_at`.
    Accepting { deadline: Instant, sent: bool, again_at: Instant },
    /// In the call: I made it, or the inviter has chosen this device.
    In,
    /// Over; forgotten at `until`.
    Ended { reason: EndReason, duration: Duration, until: Instant },
}

/// A change of media that waits for somebody's word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PendingSwitch {
    pub by_me: bool,
    pub media: MediaKind,
    pub revision: u32,
    pub deadline: Instant,
    /// Asked again then: the question may be lost. Only mine.
    pub again_at: Option<Instant>,
}

/// I am passing this call on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Transfer {
    pub to: UserId,
    /// They have come; I go then at the latest.
    pub leave_at: Option<Instant>,
}

/// An offer of somebody who is not known to be in the call yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct KeptOffer {
    pub from: DeviceAddress,
    pub attempt: u32,
    pub sdp: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub id: CallId,
    pub direction: Direction,
    pub media: MediaKind,
    /// Who began it.
    pub host: UserId,
    /// Who invited me.
    pub inviter: Option<DeviceAddress>,
    pub group: Option<String>,
    pub message: Option<String>,
    pub started_at: u64,
    /// My own generation in the roster.
    pub generation: u32,
    /// Between two devices of one account (Echo): a call of two without rosters.
    pub own: bool,
    /// My sound may be heard before the answer (outgoing), or theirs (incoming).
    pub early_media: bool,
    pub phase: Phase,
    /// The person has declined it on this device.
    pub declined_here: bool,
    /// Everyone else, in the order in which they were heard of.
    pub members: Vec<Member>,
    /// The peer connections that are open.
    pub paths: Vec<MediaPath>,
    /// Somebody else and I have been in it together.
    pub answered: bool,
    pub connected_at: Option<Instant>,
    /// How long they talked before I left and was invited again.
    pub talked_before: Duration,
    pub on_hold: bool,
    /// Since when nobody's media arrives here though somebody is in the call. Only in a group.
    pub cut_off_since: Option<Instant>,
    pub switch: Option<PendingSwitch>,
    /// The last change of media, and whose it was: of two at once the larger wins.
    pub media_revision: u32,
    pub media_by: Option<DeviceAddress>,
    /// My last question of that kind, and their last one with my answer.
    pub asked_revision: u32,
    pub answered_request: Option<(u32, bool)>,
    pub transfer: Option<Transfer>,
    /// The call that this one takes the place of, once I am in.
    pub replaces: Option<CallId>,
    pub kept_offers: Vec<KeptOffer>,
    /// The others' candidates that came before the description they belong to: by device and attempt.
    pub early_remote: Vec<(DeviceAddress, u32, Early)>,
}

impl Call {
    pub fn new(id: CallId, direction: Direction, host: UserId, media: MediaKind, phase: Phase) -> Self {
        Self {
            id,
            direction,
            media,
            host,
            inviter: None,
            group: None,
            message: None,
            started_at: 0,
            generation: 0,
            own: false,
            early_media: false,
            phase,
            declined_here: false,
            members: Vec::new(),
            paths: Vec::new(),
            answered: false,
            connected_at: None,
            talked_before: Duration::ZERO,
            on_hold: false,
            cut_off_since: None,
            switch: None,
            media_revision: 0,
            media_by: None,
            asked_revision: 0,
            answered_request: None,
            transfer: None,
            replaces: None,
            kept_offers: Vec::new(),
            early_remote: Vec::new(),
        }
    }

    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    pub const fn is_in(&self) -> bool {
        matches!(self.phase, Phase::In)
    }

    pub const fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    pub const fn is_silent(&self) -> bool {
        matches!(self.phase, Phase::Ringing { alert: Alert::Silent, .. })
    }

    /// It takes the phone's attention: it is made, rings or runs. What waits for the backlog or rings silently does not.
    pub const fn is_open(&self) -> bool {
        !self.is_over() && !self.is_waiting() && !self.is_silent()
    }

    /// I am in it, or about to be.
    pub const fn is_answered_here(&self) -> bool {
        matches!(self.phase, Phase::Accepting { .. } | Phase::In)
    }

    /// An invitation of this generation would ring anew: its end, if that comes first, is to be kept in mind.
    pub const fn awaits(&self, generation: u32) -> bool {
        !self.is_in() && self.generation < generation
    }

    /// Made by me, and nobody has come yet.
    pub fn is_calling(&self) -> bool {
        self.is_in() && !self.members.iter().any(Member::is_joined)
    }

    /// More than two have ever been in it or asked to come.
    pub fn is_group(&self) -> bool {
        self.members.len() > 1
    }

    /// The one other person in a call of two, whatever came before.
    pub fn only_other(&self) -> Option<&Member> {
        let mut here = self.members.iter().filter(|member| !member.is_left());
        match (here.next(), here.next()) {
            (Some(member), None) if member.is_joined() => Some(member),
            (Some(_), None | Some(_)) | (None, _) => None,
        }
    }

    pub fn member(&self, user: &UserId) -> Option<&Member> {
        self.members.iter().find(|member| member.user == *user)
    }

    pub fn member_mut(&mut self, user: &UserId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.user == *user)
    }

    /// My own open invitation of this person.
    pub fn pending(&self, user: &UserId) -> Option<&Pending> {
        self.member(user).and_then(|member| member.pending.as_ref())
    }

    /// The member who is in the call with this very device.
    pub fn joined_mut(&mut self, device: &DeviceAddress) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.is_joined_with(device))
    }

    pub fn is_joined(&self, device: &DeviceAddress) -> bool {
        self.members.iter().any(|member| member.is_joined_with(device))
    }

    /// The devices of everyone else who is in the call.
    pub fn joined_devices(&self) -> Vec<DeviceAddress> {
        self.members.iter().filter_map(Member::address).collect()
    }

    pub fn path(&self, peer: &DeviceAddress) -> Option<&MediaPath> {
        self.paths.iter().find(|path| path.peer == *peer)
    }

    pub fn path_mut(&mut self, peer: &DeviceAddress) -> Option<&mut MediaPath> {
        self.paths.iter_mut().find(|path| path.peer == *peer)
    }

    /// Media arrives from this member.
    pub fn hears(&self, member: &Member) -> bool {
        let heard = |path: &&MediaPath| path.path == Path::Up && member.is_joined_with(&path.peer);
        member.is_joined() && self.paths.iter().find(heard).is_some()
    }

    /// Media arrives from anybody who is in the call.
    pub fn hears_anybody(&self) -> bool {
        self.members.iter().any(|member| self.hears(member))
    }

    /// People in it or asked to come, me included.
    pub fn size(&self) -> usize {
        1 + self.members.iter().filter(|member| !member.is_left()).count()
    }

    /// What I know of everyone, myself included, by name. Empty for a call between two devices of one account.
    pub fn roster(&self, me: &DeviceAddress) -> Vec<RosterEntry> {
        if self.own {
            return Vec::new();
        }
        let mut entries: Vec<_> = self.members.iter().map(Member::entry).collect();
        entries.push(self.own_entry(me));
        entries.sort_unstable_by(|a, b| a.user.cmp(&b.user));
        entries
    }

    /// My own line of the roster.
    pub fn own_entry(&self, me: &DeviceAddress) -> RosterEntry {
        let standing = match &self.phase {
            Phase::Waiting { .. } | Phase::Ringing { .. } | Phase::Accepting { .. } => {
                let by = self.inviter.as_ref().map_or(&self.host, |inviter| &inviter.user);
                Standing::Inviting { by: by.clone(), transfer: false }
            }
            Phase::In => Standing::Joined { device: me.device.clone() },
            Phase::Ended { reason, .. } => Standing::Left { reason: *reason },
        };
        RosterEntry { user: me.user.clone(), generation: self.generation, standing }
    }
}
