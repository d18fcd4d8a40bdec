//! What the broker had queued, put into the order of sending before anything of it is reported.

use std::collections::HashMap;

use peal_call::DeviceAddress;
use uuid::Uuid;

use crate::Notice;

/// Signals since the connection began, until it has caught up.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    opened: Vec<Opened>,
}

/// A signal that may have been swapped with others of its sender while the broker stored it.
#[derive(Debug)]
struct Opened {
    from: DeviceAddress,
    boot: Uuid,
    seq: u64,
    notice: Notice,
}

impl Backlog {
    pub(super) fn push(&mut self, from: DeviceAddress, boot: Uuid, seq: u64, notice: Notice) {
        self.opened.push(Opened { from, boot, seq, notice });
    }

    /// Everything, each sender's signals in the order of sending, and senders in the order in which they came. Brokers
    /// keep that order on the line, but not all do on their disks.
    pub(super) fn in_order(self) -> Vec<Notice> {
        let mut places: HashMap<(DeviceAddress, Uuid), Vec<usize>> = HashMap::new();
        for (place, opened) in self.opened.iter().enumerate() {
            places.entry((opened.from.clone(), opened.boot)).or_default().push(place);
        }
        let mut target = vec![0; self.opened.len()];
        for of_one in places.into_values() {
            let mut sorted = of_one.clone();
            sorted.sort_by_key(|place| self.opened[*place].seq);
            for (to, from) in of_one.into_iter().zip(sorted) {
                target[from] = to;
            }
        }
        let mut placed: Vec<(usize, Notice)> =
            target.into_iter().zip(self.opened).map(|(place, opened)| (place, opened.notice)).collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, notice)| notice).collect()
    }
}
