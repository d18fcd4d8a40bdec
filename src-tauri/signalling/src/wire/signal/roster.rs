//! Who is in a call, as members tell each other.

use peal_call::{EndReason, ROSTER_LIMIT, RosterEntry, Signal, Standing, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Fields;
use super::words::{self, ReasonWord, is_false, is_zero};

/// `{"user":"bob","generation":1,"standing":"joined","device":"phone"}`
#[derive(Serialize, Deserialize)]
pub(super) struct EntryWire {
    user: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    generation: u32,
    #[serde(flatten)]
    standing: StandingWire,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
enum StandingWire {
    Inviting {
        by: String,
        #[serde(default, skip_serializing_if = "is_false")]
        transfer: bool,
    },
    Joined {
        device: String,
    },
    Left {
        reason: ReasonWord,
    },
}

/// A roster for the wire.
pub(super) fn to_wire(entries: Vec<RosterEntry>) -> Vec<EntryWire> {
    entries.into_iter().map(EntryWire::from).collect()
}

/// A roster within its limit; `None` when it is too long or an entry is broken.
pub(super) fn from_wire(entries: Vec<EntryWire>) -> Option<Vec<RosterEntry>> {
    if entries.len() > ROSTER_LIMIT {
        return None;
    }
    entries.into_iter().map(EntryWire::into_entry).collect()
}

impl From<RosterEntry> for EntryWire {
    fn from(RosterEntry { user, generation, standing }: RosterEntry) -> Self {
        let standing = match standing {
            Standing::Inviting { by, transfer } => StandingWire::Inviting { by: by.to_string(), transfer },
            Standing::Joined { device } => StandingWire::Joined { device: device.to_string() },
            // That somebody is blocked is told to nobody: as if there were nobody.
            Standing::Left { reason: EndReason::Blocked } => StandingWire::Left { reason: ReasonWord::NoResponse },
            Standing::Left { reason } => StandingWire::Left { reason: reason.into() },
        };
        Self { user: user.to_string(), generation, standing }
    }
}

impl EntryWire {
    fn into_entry(self) -> Option<RosterEntry> {
        let standing = match self.standing {
            StandingWire::Inviting { by, transfer } => Standing::Inviting { by: words::user(by)?, transfer },
            StandingWire::Joined { device } => Standing::Joined { device: words::device(device)? },
            // Nobody says that: see above.
            StandingWire::Left { reason: ReasonWord::Blocked } => return None,
            StandingWire::Left { reason } => Standing::Left { reason: reason.into() },
        };
        Some(RosterEntry { user: words::user(self.user)?, generation: self.generation, standing })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct RosterWire {
    pub(super) call: Uuid,
    pub(super) entries: Vec<EntryWire>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) reply: bool,
}

impl Fields for RosterWire {
    fn into_signal(self, _: Option<&UserId>) -> Option<Signal> {
        let entries = from_wire(self.entries)?;
        Some(Signal::Roster { call: words::call(self.call), entries, reply: self.reply })
    }
}
