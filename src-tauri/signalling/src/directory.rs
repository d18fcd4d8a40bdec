//! Every device that is known, and which key is believed of it.

use std::collections::{BTreeMap, HashMap};

use peal_call::{DeviceAddress, DeviceId, UserId};

use crate::{DevicePublicKey, Presence, PresenceState};

/// Most devices that are shown; presence beyond is ignored.
const DEVICES: usize = 65_536;
/// Most devices of one person that are shown; a new one takes the place of one that is away.
const DEVICES_OF_ONE: usize = 64;
/// Most keys of one person that are pinned at first contact; signals of further devices are dropped.
const PINS_OF_ONE: usize = 256;

/// What is known of a device's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKey {
    /// Shown in presence; nobody has talked with it yet, so nothing is pinned.
    Shown(DevicePublicKey),
    /// Pinned, and no other one is shown.
    Pinned(DevicePublicKey),
    /// Another than the pinned one is shown: the device was installed anew, or somebody stands in between.
    Changed {
        /// The one that is believed.
        pinned: DevicePublicKey,
        /// The one that [`crate::Client::trust_key`] would believe.
        shown: DevicePublicKey,
    },
}

impl DeviceKey {
    /// The key that people compare: the one that is shown now, else the pinned one.
    pub const fn now(self) -> DevicePublicKey {
        match self {
            Self::Shown(key) | Self::Pinned(key) | Self::Changed { shown: key, .. } => key,
        }
    }

    /// Whether another than the pinned one is shown.
    pub const fn is_changed(self) -> bool {
        matches!(self, Self::Changed { .. })
    }
}

/// Devices by person, with the pins of first contact.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    people: HashMap<UserId, Person>,
    /// How many devices are shown, of all people.
    shown: usize,
    /// Counts connections: presence that was seen on an earlier one may be old.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Person {
    shown: BTreeMap<DeviceId, Entry>,
    pinned: HashMap<DeviceId, DevicePublicKey>,
}

#[derive(Debug)]
struct Entry {
    presence: Presence,
    epoch: u64,
}

/// What a presence changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing that anyone must know.
    None,
    /// State, name or the like.
    Shown,
    /// A key other than the pinned one, for the first time.
    Key { old: DevicePublicKey, new: DevicePublicKey },
}

impl Directory {
    pub(crate) fn new(pinned: HashMap<DeviceAddress, DevicePublicKey>) -> Self {
        let mut directory = Self::default();
        for (address, key) in pinned {
            directory.pin(&address, key);
        }
        directory
    }

    pub(crate) fn begin_connection(&mut self) {
        self.epoch += 1;
    }

    /// Takes a presence that has just been received.
    pub(crate) fn take(&mut self, presence: Presence) -> Change {
        let device = presence.address.device.clone();
        let person = self.people.entry(presence.address.user.clone()).or_default();
        if let Some(known) = person.shown.get_mut(&device) {
            if presence.is_older_than(&known.presence) {
                // Of the same run, so of the same key.
                known.epoch = self.epoch;
                return Change::None;
            }
        } else {
            if person.shown.len() >= DEVICES_OF_ONE {
                let away = person.shown.iter().find(|(_, entry)| entry.presence.state == PresenceState::Offline);
                let Some(away) = away.map(|(device, _)| device.clone()) else { return Change::None };
                person.shown.remove(&away);
                self.shown -= 1;
            }
            if self.shown >= DEVICES {
                return Change::None;
            }
            self.shown += 1;
        }
        let key = presence.key;
        let pinned = person.pinned.get(&device).copied();
        let before = person.shown.get(&device).map(|entry| &entry.presence);
        let known_key = before.is_some_and(|before| before.key == key);
        let is_news = !before.is_some_and(|before| before.says_the_same_as(&presence));
        person.shown.insert(device, Entry { presence, epoch: self.epoch });
        match pinned {
            Some(old) if old != key && !known_key => Change::Key { old, new: key },
            _ if is_news => Change::Shown,
            _ => Change::None,
        }
    }

    /// The presence of a device was taken away for good; gives it as offline.
    pub(crate) fn remove(&mut self, address: &DeviceAddress) -> Option<Presence> {
        let entry = self.people.get_mut(&address.user)?.shown.remove(&address.device)?;
        self.shown -= 1;
        Some(Presence { state: PresenceState::Offline, ..entry.presence })
    }

    /// Sorted.
    pub(crate) fn devices_of(&self, user: &UserId) -> Vec<Presence> {
        self.people.get(user).map(|person| person.presences().cloned().collect()).unwrap_or_default()
    }

    /// Sorted.
    pub(crate) fn all(&self) -> Vec<Presence> {
        let mut devices: Vec<Presence> = self.people.values().flat_map(Person::presences).cloned().collect();
        devices.sort_by(|a, b| a.address.cmp(&b.address));
        devices
    }

    /// What is known of a device's key, if anything.
    pub(crate) fn key_of(&self, address: &DeviceAddress) -> Option<DeviceKey> {
        let person = self.people.get(&address.user)?;
        let shown = person.shown.get(&address.device).map(|entry| entry.presence.key);
        match (person.pinned.get(&address.device).copied(), shown) {
            (Some(pinned), Some(shown)) if pinned != shown => Some(DeviceKey::Changed { pinned, shown }),
            (Some(pinned), _) => Some(DeviceKey::Pinned(pinned)),
            (None, Some(shown)) => Some(DeviceKey::Shown(shown)),
            (None, None) => None,
        }
    }

    /// Whether this connection has shown that device, so that its key isn't an old one.
    pub(crate) fn is_fresh(&self, address: &DeviceAddress) -> bool {
        let entry = self.people.get(&address.user).and_then(|person| person.shown.get(&address.device));
        entry.is_some_and(|entry| entry.epoch == self.epoch)
    }

    /// Whether one more key of that person may be pinned at first contact.
    pub(crate) fn may_pin(&self, user: &UserId) -> bool {
        self.people.get(user).is_none_or(|person| person.pinned.len() < PINS_OF_ONE)
    }

    /// Believes a key from now on; `true` when that is new.
    pub(crate) fn pin(&mut self, address: &DeviceAddress, key: DevicePublicKey) -> bool {
        let person = self.people.entry(address.user.clone()).or_default();
        person.pinned.insert(address.device.clone(), key) != Some(key)
    }
}

impl Person {
    fn presences(&self) -> impl Iterator<Item = &Presence> {
        self.shown.values().map(|entry| &entry.presence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceKeys;
    use crate::names::address;
    use crate::presence::tests::sample;

    fn shown(key: DevicePublicKey) -> Presence {
        Presence { key, ..sample() }
    }

    #[test]
    fn a_changed_key_is_reported_once_and_believed_only_when_trusted() {
        let (old, new) = (DeviceKeys::generate().public(), DeviceKeys::generate().public());
        let at = shown(old).address;
        let mut directory = Directory::default();
        assert_eq!(directory.key_of(&at), None);
        assert_eq!(directory.take(shown(old)), Change::Shown);
        assert_eq!(directory.key_of(&at), Some(DeviceKey::Shown(old)));
        assert!(directory.pin(&at, old));
        assert_eq!(directory.take(shown(old)), Change::None);
        assert_eq!(directory.take(shown(new)), Change::Key { old, new });
        assert_eq!(directory.take(shown(new)), Change::None, "reported once");
        assert_eq!(directory.key_of(&at), Some(DeviceKey::Changed { pinned: old, shown: new }));
        assert!(directory.pin(&at, new));
        assert_eq!(directory.key_of(&at), Some(DeviceKey::Pinned(new)));
    }

    #[test]
    fn of_one_run_the_later_word_stands_and_another_run_is_taken_as_it_comes() {
        let key = DeviceKeys::generate().public();
        let said = |state, order, boot| Presence { state, order, boot_id: uuid::Uuid::from_u128(boot), ..shown(key) };
        let mut directory = Directory::default();
        let user = shown(key).address.user;
        assert_eq!(directory.take(said(PresenceState::InCall, 5, 9)), Change::Shown);
        assert_eq!(directory.take(said(PresenceState::Online, 4, 9)), Change::None, "overtaken");
        assert_eq!(directory.devices_of(&user)[0].state, PresenceState::InCall);
        assert_eq!(directory.take(said(PresenceState::InCall, 6, 9)), Change::None, "the same again");
        assert_eq!(directory.take(said(PresenceState::Online, 5, 9)), Change::None, "overtaken by the same");
        assert_eq!(directory.take(said(PresenceState::Offline, 7, 9)), Change::Shown);
        // Its clock may have been set back meanwhile: boot ids don't tell which came first.
        assert_eq!(directory.take(said(PresenceState::Online, 1, 8)), Change::Shown);
    }

    #[test]
    fn a_pin_from_an_earlier_run_outlives_absence() {
        let key = DeviceKeys::generate().public();
        let at = shown(key).address;
        let mut directory = Directory::new(HashMap::from([(at.clone(), key)]));
        assert_eq!(directory.key_of(&at), Some(DeviceKey::Pinned(key)));
        directory.begin_connection();
        directory.take(shown(key));
        assert!(directory.is_fresh(&at));
        directory.begin_connection();
        assert!(!directory.is_fresh(&at), "a new connection has to show it again");
        assert_eq!(directory.remove(&at).map(|p| p.state), Some(PresenceState::Offline));
        assert_eq!(directory.key_of(&at), Some(DeviceKey::Pinned(key)));
    }

    #[test]
    fn one_persons_devices_are_bounded_and_those_that_are_away_give_way() {
        let mut directory = Directory::default();
        let device = |n: usize, state| Presence {
            address: address("ann", &format!("d{n:03}")).expect("names"),
            state,
            ..sample()
        };
        for n in 0..DEVICES_OF_ONE {
            let state = if n == 7 { PresenceState::Offline } else { PresenceState::Online };
            assert_eq!(directory.take(device(n, state)), Change::Shown);
        }
        assert_eq!(directory.take(device(100, PresenceState::Online)), Change::Shown);
        assert_eq!(directory.take(device(101, PresenceState::Online)), Change::None, "nobody is away now");
        let devices = directory.devices_of(&device(0, PresenceState::Online).address.user);
        assert_eq!((devices.len(), directory.shown), (DEVICES_OF_ONE, DEVICES_OF_ONE));
        assert!(devices.iter().all(|it| it.state == PresenceState::Online));
        assert_eq!(directory.all(), devices);

        let ann = device(0, PresenceState::Online).address.user;
        for n in 0..PINS_OF_ONE {
            assert!(directory.may_pin(&ann));
            directory.pin(&device(n, PresenceState::Online).address, sample().key);
        }
        assert!(!directory.may_pin(&ann));
        assert!(directory.may_pin(&address("bob", "d").expect("names").user));
    }
}
