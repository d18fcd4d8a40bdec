//! What the person wants of calls that come in.

use std::collections::BTreeSet;

use crate::UserId;

/// Who may ring here, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// During a call a second invite rings softly; without it, it is answered busy (kit E09).
    pub call_waiting: bool,
    /// Nothing rings now; callers hear "no response". Who keeps a schedule sets this when it begins and ends.
    pub do_not_disturb: bool,
    /// This device rings at all. If not, it shows invites silently and lets the person's other devices ring.
    pub ring_here: bool,
    /// People whose calls are silent (kit C's isNoDisturb).
    pub silenced: BTreeSet<UserId>,
    /// People for whom there is nobody here (kit C's isInBlackList).
    pub blocked: BTreeSet<UserId>,
    /// What becomes of callers who are not in `known`.
    pub unknown: Unknown,
    /// The person's contacts.
    pub known: BTreeSet<UserId>,
    /// Devices, as a doorbell, whose sound may come before the answer (kit A10). For them alone something of this
    /// device leaves before the answer.
    pub previewable: BTreeSet<UserId>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            call_waiting: false,
            do_not_disturb: false,
            ring_here: true,
            silenced: BTreeSet::new(),
            blocked: BTreeSet::new(),
            unknown: Unknown::Ring,
            known: BTreeSet::new(),
            previewable: BTreeSet::new(),
        }
    }
}

/// What becomes of calls from strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unknown {
    /// They ring like others.
    #[default]
    Ring,
    /// Shown and recorded, but silent.
    Silence,
    /// As if there were nobody.
    Block,
}
