//! What was seen before: replayed by someone, or delivered twice by the broker.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use peal_call::DeviceAddress;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::names::address;

/// Envelope ids that are remembered, the oldest forgotten first.
const IDS: usize = 4096;
/// Senders that are remembered, the longest silent forgotten first.
const SENDERS: usize = 4096;
/// Numbers of one sender that are remembered; brokers may swap what they stored, but not by more than this.
const WINDOW: usize = 256;
/// Earlier runs of one sender that are remembered.
const EARLIER_BOOTS: usize = 16;

/// Remembers what each device has sent, so that nothing counts twice.
///
/// Within one run of its program a sender numbers its signals; a run that was followed by another is over.
/// Keep it across runs of this program ([`Self::to_bytes`]): a signal recorded yesterday is then still a replay today.
#[derive(Debug, Clone, Default)]
pub struct ReplayGuard {
    ids: HashSet<Uuid>,
    order: VecDeque<Uuid>,
    senders: HashMap<DeviceAddress, Sender>,
    tick: u64,
}

#[derive(Debug, Clone)]
struct Sender {
    boot: Uuid,
    /// Everything up to here is over.
    floor: u64,
    /// Taken, above the floor.
    taken: BTreeSet<u64>,
    earlier: VecDeque<Uuid>,
    used: u64,
}

#[derive(Serialize, Deserialize)]
struct SenderWire {
    user: String,
    device: String,
    boot: Uuid,
    floor: u64,
    taken: Vec<u64>,
    earlier: Vec<Uuid>,
}

impl ReplayGuard {
    /// For the program's data directory: JSON, in the order of last use.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut senders: Vec<_> = self.senders.iter().collect();
        senders.sort_by_key(|(_, sender)| sender.used);
        let wire: Vec<SenderWire> = senders
            .into_iter()
            .map(|(address, sender)| SenderWire {
                user: address.user.to_string(),
                device: address.device.to_string(),
                boot: sender.boot,
                floor: sender.floor,
                taken: sender.taken.iter().copied().collect(),
                earlier: sender.earlier.iter().copied().collect(),
            })
            .collect();
        // Strings, numbers and lists of them always become JSON.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads what [`Self::to_bytes`] gave. What can't be read is forgotten: the guard then begins anew.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let wire: Vec<SenderWire> = serde_json::from_slice(bytes).unwrap_or_default();
        let mut guard = Self::default();
        for one in wire {
            let Ok(address) = address(&one.user, &one.device) else { continue };
            let earlier = one.earlier.into_iter().take(EARLIER_BOOTS).collect();
            guard.tick += 1;
            let taken = one.taken.into_iter().take(WINDOW).collect();
            let sender = Sender { boot: one.boot, floor: one.floor, taken, earlier, used: guard.tick };
            guard.senders.insert(address, sender);
            if guard.senders.len() >= SENDERS {
                break;
            }
        }
        guard
    }

    /// Whether this id was taken already; asked before the costly opening.
    pub(crate) fn knows(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }

    /// Takes an opened envelope; `false` when it was there before.
    pub(crate) fn take(&mut self, from: &DeviceAddress, id: Uuid, boot: Uuid, seq: u64) -> bool {
        if self.ids.contains(&id) {
            return false;
        }
        self.tick += 1;
        let used = self.tick;
        if !self.senders.contains_key(from) && self.senders.len() >= SENDERS {
            self.forget_one();
        }
        let sender = self.senders.entry(from.clone()).or_insert_with(|| Sender::new(boot));
        if !sender.take(boot, seq) {
            return false;
        }
        sender.used = used;
        self.ids.insert(id);
        self.order.push_back(id);
        if self.order.len() > IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    fn forget_one(&mut self) {
        let longest_silent = self.senders.iter().min_by_key(|(_, sender)| sender.used).map(|(a, _)| a.clone());
        if let Some(address) = longest_silent {
            self.senders.remove(&address);
        }
    }
}

impl Sender {
    fn new(boot: Uuid) -> Self {
        Self { boot, floor: 0, taken: BTreeSet::new(), earlier: VecDeque::new(), used: 0 }
    }

    fn take(&mut self, boot: Uuid, seq: u64) -> bool {
        if self.boot != boot {
            if self.earlier.contains(&boot) {
                return false;
            }
            self.earlier.push_back(self.boot);
            if self.earlier.len() > EARLIER_BOOTS {
                self.earlier.pop_front();
            }
            self.boot = boot;
            self.floor = 0;
            self.taken.clear();
        }
        if seq <= self.floor || !self.taken.insert(seq) {
            return false;
        }
        if self.taken.len() > WINDOW
            && let Some(lowest) = self.taken.pop_first()
        {
            self.floor = lowest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> DeviceAddress {
        address("ann", "desk").expect("names")
    }

    #[test]
    fn the_same_envelope_counts_once() {
        let mut guard = ReplayGuard::default();
        let (id, boot) = (Uuid::now_v7(), Uuid::now_v7());
        assert!(guard.take(&ann(), id, boot, 1));
        assert!(guard.knows(id));
        assert!(!guard.take(&ann(), id, boot, 1));
        assert!(!guard.take(&ann(), Uuid::now_v7(), boot, 1), "an old number under a new id");
        assert!(guard.take(&ann(), Uuid::now_v7(), boot, 5), "numbers may skip: they count all receivers");
        assert!(guard.take(&ann(), Uuid::now_v7(), boot, 4), "and be swapped");
        assert!(!guard.take(&ann(), Uuid::now_v7(), boot, 4));
    }

    #[test]
    fn what_is_older_than_the_window_is_over() {
        let mut guard = ReplayGuard::default();
        let boot = Uuid::now_v7();
        for seq in 2..=(WINDOW as u64 + 2) {
            assert!(guard.take(&ann(), Uuid::now_v7(), boot, seq));
        }
        assert!(!guard.take(&ann(), Uuid::now_v7(), boot, 1));
        assert!(!guard.take(&ann(), Uuid::now_v7(), boot, 100));
    }

    #[test]
    fn an_earlier_run_of_the_sender_is_over() {
        let mut guard = ReplayGuard::default();
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        assert!(guard.take(&ann(), Uuid::now_v7(), first, 7));
        assert!(guard.take(&ann(), Uuid::now_v7(), second, 1));
        assert!(!guard.take(&ann(), Uuid::now_v7(), first, 8));
        assert!(guard.take(&ann(), Uuid::now_v7(), second, 2));
    }

    #[test]
    fn yesterdays_signal_is_a_replay_after_a_restart() {
        let mut guard = ReplayGuard::default();
        let boot = Uuid::now_v7();
        let id = Uuid::now_v7();
        assert!(guard.take(&ann(), id, boot, 3));
        let mut restarted = ReplayGuard::from_bytes(&guard.to_bytes());
        assert!(!restarted.take(&ann(), id, boot, 3));
        assert!(restarted.take(&ann(), Uuid::now_v7(), boot, 4));
        assert!(ReplayGuard::from_bytes(b"not json").take(&ann(), id, boot, 3));
    }

    #[test]
    fn memory_is_bounded() {
        let mut guard = ReplayGuard::default();
        let boot = Uuid::now_v7();
        for i in 0..(SENDERS + IDS) {
            let from = address(&format!("u{i}"), "d").expect("names");
            assert!(guard.take(&from, Uuid::now_v7(), boot, 1));
        }
        assert_eq!(guard.ids.len(), IDS);
        assert_eq!(guard.order.len(), IDS);
        assert_eq!(guard.senders.len(), SENDERS);
    }
}
