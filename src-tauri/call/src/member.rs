//! Another person in a call.

use std::time::Instant;

use crate::{CallId, DeviceAddress, DeviceId, EndReason, RecordStatus, RosterEntry, Standing, Stream, UserId};

/// How far an invite has come on one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Leg {
    pub device: DeviceId,
    /// It has said that it rings.
    pub ringing: bool,
}

/// The most devices of one person that ring for one invitation.
pub(crate) const LEGS_LIMIT: usize = 32;

/// My own invitation of somebody, while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pending {
    pub legs: Vec<Leg>,
    pub deadline: Instant,
    /// Devices that appear meanwhile are not rung.
    pub only: bool,
    pub message: Option<String>,
    pub transfer: bool,
    /// The call with them that ends once they have come.
    pub replaces: Option<CallId>,
}

impl Pending {
    pub fn rings(&self) -> bool {
        self.legs.iter().any(|leg| leg.ringing)
    }

    pub fn has(&self, device: &DeviceId) -> bool {
        self.legs.iter().any(|leg| leg.device == *device)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    pub user: UserId,
    pub generation: u32,
    pub standing: Standing,
    /// Who invited them last, if it is known; and to take the call over.
    pub invited_by: Option<UserId>,
    pub transfer: bool,
    /// Mine.
    pub pending: Option<Pending>,
    /// Somebody else's invitation of them that is heard of no more is over then.
    pub stale_at: Option<Instant>,
    /// They have been in the call.
    pub answered: bool,
    /// How it went with them in an earlier part of this call that I was in.
    pub went: Option<RecordStatus>,
    /// Media has flowed between us since they came.
    pub entered: bool,
    /// Their media has stopped arriving, or never did in time.
    pub lost: bool,
    /// My select has told them that they are in (or theirs has told me).
    pub selected: bool,
    /// Their program is there, as far as the broker knows.
    pub present: bool,
    /// Since when no media arrives from them.
    pub silent_since: Instant,
    /// When any signal came from them last.
    pub heard_at: Instant,
    /// They are told again then what I send.
    pub tell_at: Option<Instant>,
    /// Nothing connects us: I offer then, unless they have.
    pub offer_at: Option<Instant>,
    /// The device with which they were in the call last, to be asked if it comes back.
    pub last_device: Option<DeviceId>,
    /// The number of the last peer connection between us.
    pub attempts: u32,
    /// They have told me all I know.
    pub synced: bool,
    /// I ask for their roster then; so many times still.
    pub ask_at: Instant,
    pub asks_left: u8,
    pub muted: bool,
    pub on_hold: bool,
    pub video: bool,
    /// Where their media can be played from, too.
    pub stream: Option<Stream>,
    /// Newest revision of their media state.
    pub revision: u32,
}

impl Member {
    pub fn new(now: Instant, entry: RosterEntry) -> Self {
        let RosterEntry { user, generation, standing } = entry;
        Self {
            user,
            generation,
            standing,
            invited_by: None,
            transfer: false,
            pending: None,
            stale_at: None,
            answered: false,
            went: None,
            entered: false,
            lost: false,
            selected: false,
            present: true,
            silent_since: now,
            heard_at: now,
            tell_at: None,
            offer_at: None,
            last_device: None,
            attempts: 0,
            synced: false,
            ask_at: now,
            asks_left: 0,
            muted: false,
            on_hold: false,
            video: false,
            stream: None,
            revision: 0,
        }
    }

    pub fn entry(&self) -> RosterEntry {
        RosterEntry { user: self.user.clone(), generation: self.generation, standing: self.standing.clone() }
    }

    pub const fn is_joined(&self) -> bool {
        matches!(self.standing, Standing::Joined { .. })
    }

    pub const fn is_inviting(&self) -> bool {
        matches!(self.standing, Standing::Inviting { .. })
    }

    pub const fn is_left(&self) -> bool {
        matches!(self.standing, Standing::Left { .. })
    }

    pub fn is_joined_with(&self, peer: &DeviceAddress) -> bool {
        self.user == peer.user && matches!(&self.standing, Standing::Joined { device } if *device == peer.device)
    }

    /// The device with which they are in the call.
    pub const fn device(&self) -> Option<&DeviceId> {
        match &self.standing {
            Standing::Joined { device } => Some(device),
            Standing::Inviting { .. } | Standing::Left { .. } => None,
        }
    }

    /// The same with its user.
    pub fn address(&self) -> Option<DeviceAddress> {
        self.device().map(|device| DeviceAddress { user: self.user.clone(), device: device.clone() })
    }

    pub const fn left_for(&self) -> Option<EndReason> {
        match &self.standing {
            Standing::Left { reason } => Some(*reason),
            Standing::Inviting { .. } | Standing::Joined { .. } => None,
        }
    }

    /// A new beginning: what was known of their microphone, camera and media is no more.
    pub fn forget_media(&mut self, now: Instant) {
        self.entered = false;
        self.lost = false;
        self.selected = false;
        self.muted = false;
        self.on_hold = false;
        self.video = false;
        self.stream = None;
        self.revision = 0;
        self.present = true;
        self.silent_since = now;
        self.heard_at = now;
        self.tell_at = None;
        self.offer_at = None;
        self.synced = false;
    }
}
