//! One peer connection of a call, and what it is doing.

use std::time::Instant;

use crate::{Candidate, DeviceAddress};

/// Candidates kept for one peer connection that is not there yet.
pub(crate) const EARLY_CANDIDATES: usize = 30;

/// How media gets through a peer connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Path {
    /// Never connected yet; given up at `deadline`.
    New { deadline: Instant },
    /// Media flows.
    Up,
    /// Media stopped at `since`: ICE restarts at `restart_at`, if that is this side's task.
    Down { since: Instant, restart_at: Option<Instant> },
}

/// A peer connection to one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MediaPath {
    pub peer: DeviceAddress,
    /// Its number among those between the two devices.
    pub attempt: u32,
    pub path: Path,
    /// This side made the first offer, and restarts ICE: if both did, two offers would meet.
    pub offered: bool,
    /// My offer or answer, to be said again if it may be lost.
    pub sdp: Option<String>,
    /// Their offer that mine answers.
    pub remote: Option<String>,
    /// My offer is out and has no answer yet.
    pub awaiting: bool,
    /// My offer is said again then, while nothing has connected.
    pub again_at: Option<Instant>,
    /// Something of it has been told to the other side: candidates go out as they come.
    pub told: bool,
    /// Others say that its owner has left, though their media arrives: it is closed then, unless they come back.
    pub lingers_until: Option<Instant>,
    /// My own candidates that gathered before the other side may have them.
    pub early: Early,
}

impl MediaPath {
    /// A peer connection that offers.
    pub fn offering(peer: DeviceAddress, attempt: u32, deadline: Instant) -> Self {
        Self {
            peer,
            attempt,
            path: Path::New { deadline },
            offered: true,
            sdp: None,
            remote: None,
            awaiting: false,
            again_at: None,
            told: false,
            lingers_until: None,
            early: Early::default(),
        }
    }

    /// A peer connection that answers.
    pub fn answering(peer: DeviceAddress, attempt: u32, deadline: Instant, remote: String) -> Self {
        Self { offered: false, remote: Some(remote), told: true, ..Self::offering(peer, attempt, deadline) }
    }

    /// The other side's description is known, so that its candidates can be taken.
    pub const fn knows_remote(&self) -> bool {
        !self.offered || (self.told && !self.awaiting)
    }
}

/// Candidates that wait for the description they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Early {
    pub candidates: Vec<Candidate>,
    pub complete: bool,
}

impl Early {
    pub fn keep(&mut self, candidates: Vec<Candidate>, complete: bool) {
        let room = EARLY_CANDIDATES.saturating_sub(self.candidates.len());
        self.candidates.extend(candidates.into_iter().take(room));
        self.complete |= complete;
    }

    pub const fn is_empty(&self) -> bool {
        self.candidates.is_empty() && !self.complete
    }
}
