//! Who is in a call, as its members tell each other, and how two tales become one.

use crate::{DeviceId, EndReason, UserId};

/// Most people in one call, oneself included: a mesh of voices carries that many.
pub const MEMBER_LIMIT: usize = 16;
/// Most lines of a roster, those who have left included.
pub const ROSTER_LIMIT: usize = 64;

/// Nobody leaves and comes back more often; what speaks of more is not believed.
pub const GENERATION_LIMIT: u32 = 4_000;

/// What everyone in a call knows of one person. Only ever merged, never overwritten.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RosterEntry {
    /// The person.
    pub user: UserId,
    /// 0 at first; one more each time somebody who left is invited again, or comes back by themselves.
    pub generation: u32,
    /// Where they stand in that generation.
    pub standing: Standing,
}

/// Where a person stands in a call. In one generation it only goes forward.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Asked to come.
    Inviting {
        /// By whom.
        by: UserId,
        /// The one who invites leaves as soon as they have come (a transfer).
        transfer: bool,
    },
    /// In the call.
    Joined {
        /// With this device.
        device: DeviceId,
    },
    /// Gone, or never came.
    Left {
        /// Why.
        reason: EndReason,
    },
}

impl RosterEntry {
    /// The later of two tales about one person. Commutative, associative and idempotent, so that everyone who heard
    /// the same tales believes the same, whatever their order and however often they were told:
    /// the larger generation; in one generation Left over Joined over Inviting; of two devices the smaller name, of two
    /// reasons the one that [`EndReason`] lists first, of two inviters the smaller name.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        if other.supersedes(self) { other.clone() } else { self.clone() }
    }

    /// Whether a merge with `old` gives this one and not the old one.
    pub fn supersedes(&self, old: &Self) -> bool {
        if self.generation != old.generation {
            return self.generation > old.generation;
        }
        match (&self.standing, &old.standing) {
            (Standing::Inviting { by: mine, transfer: moved }, Standing::Inviting { by, transfer }) => {
                (mine, !moved) < (by, !transfer)
            }
            (Standing::Joined { device: mine }, Standing::Joined { device }) => mine < device,
            (Standing::Left { reason: mine }, Standing::Left { reason }) => mine < reason,
            (Standing::Joined { .. } | Standing::Left { .. }, Standing::Inviting { .. })
            | (Standing::Left { .. }, Standing::Joined { .. }) => true,
            (Standing::Inviting { .. }, Standing::Joined { .. } | Standing::Left { .. })
            | (Standing::Joined { .. }, Standing::Left { .. }) => false,
        }
    }
}
