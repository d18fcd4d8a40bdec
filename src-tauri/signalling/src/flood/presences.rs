//! Presences of one person that change too fast: only the last of each device counts, a little later.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use bytes::Bytes;
use peal_call::{DeviceAddress, UserId};

use super::bucket::Bucket;

/// Presences at once from one person (all devices may show themselves at a login), and then per second.
const PRESENCES: (f64, f64) = (96.0, 4.0);
/// Presences that wait; they wait no longer than there is room.
const WAITING: usize = 1024;
/// People who are watched at once.
const PEOPLE: usize = 65_536;

/// Everyone's share of presences.
#[derive(Debug, Default)]
pub(crate) struct Presences {
    people: HashMap<UserId, Bucket>,
    /// The last one of each device, with its retain flag.
    waiting: BTreeMap<DeviceAddress, (Bytes, bool)>,
}

impl Presences {
    /// Takes what stands in a device's place. What it gives back is to be read now, in that order; the rest comes
    /// with [`Self::next`].
    pub(crate) fn admit(&mut self, of: DeviceAddress, payload: Bytes, retained: bool, now: Instant) -> Option<Ready> {
        if !self.people.contains_key(&of.user) && self.people.len() >= PEOPLE {
            self.people.retain(|_, bucket| !bucket.is_full(now));
            if self.people.len() >= PEOPLE {
                self.people.clear();
            }
        }
        let new = || Bucket::new(PRESENCES.0, PRESENCES.1, now);
        let bucket = self.people.entry(of.user.clone()).or_insert_with(new);
        let is_newer = self.waiting.contains_key(&of);
        if !is_newer && (bucket.is_open(now) || self.waiting.len() >= WAITING) {
            bucket.spend(1.0);
            return Some(Ready { of, payload, retained });
        }
        self.waiting.insert(of, (payload, retained));
        None
    }

    /// A presence whose time has come.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Ready> {
        let mut ready = None;
        for of in self.waiting.keys() {
            let Some(bucket) = self.people.get_mut(&of.user) else {
                ready = Some(of.clone());
                break;
            };
            if bucket.is_open(now) {
                bucket.spend(1.0);
                ready = Some(of.clone());
                break;
            }
        }
        let (of, (payload, retained)) = self.waiting.remove_entry(&ready?)?;
        Some(Ready { of, payload, retained })
    }

    /// When [`Self::next`] has something.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.keys().filter_map(|of| self.people.get(&of.user)).map(Bucket::ready_at).min()
    }

    /// The connection is gone: the next one shows everything anew.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// A presence to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// Whose place it stood in.
    pub(crate) of: DeviceAddress,
    pub(crate) payload: Bytes,
    pub(crate) retained: bool,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::names::address;

    fn device(user: &str, n: usize) -> DeviceAddress {
        address(user, &format!("d{n}")).expect("names")
    }

    fn text(n: usize) -> Bytes {
        Bytes::from(n.to_string())
    }

    #[test]
    fn of_a_flood_the_last_word_of_each_device_counts() {
        let now = Instant::now();
        let mut presences = Presences::default();
        let ready = (0..1000).filter_map(|n| presences.admit(device("mallory", n % 2), text(n), false, now)).count();
        assert_eq!(ready, 96);
        assert!(presences.admit(device("ann", 0), text(0), true, now).is_some(), "others aren't held up");
        assert!(presences.next(now).is_none());
        let due = presences.next_deadline().expect("something waits");
        let first = presences.next(due).expect("one");
        let second = presences.next(due + Duration::from_secs(1)).expect("the other");
        assert_eq!([first.payload, second.payload], [text(998), text(999)]);
        assert!(presences.next(due + Duration::from_secs(9)).is_none());
        assert!(presences.next_deadline().is_none());
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost() {
        let now = Instant::now();
        let mut presences = Presences::default();
        let n = WAITING + 500;
        let ready = (0..n).filter_map(|n| presences.admit(device("mallory", n), text(n), false, now)).count();
        assert_eq!(ready + presences.waiting.len(), n);
        assert_eq!(presences.waiting.len(), WAITING);
        presences.clear();
        assert!(presences.next_deadline().is_none());
    }
}
