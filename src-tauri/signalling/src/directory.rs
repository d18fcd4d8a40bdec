//! Every device that is known, and which key is believed of it.

use std::collections::HashMap;

use peal_call::{DeviceAddress, UserId};

use crate::{DevicePublicKey, Presence, PresenceState};

/// Most devices that are remembered; presence beyond is ignored.
const DEVICES: usize = 65_536;

/// Devices by address, with the pins of first contact.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    present: HashMap<DeviceAddress, Entry>,
    pinned: HashMap<DeviceAddress, DevicePublicKey>,
    /// Counts connections: presence that was seen on an earlier one may be old.
    epoch: u64,
}

#[derive(Debug)]
struct Entry {
    presence: Presence,
    epoch: u64,
}

/// What is believed of a device's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyOf {
    /// Nothing is known yet.
    Unknown,
    /// Shown in presence; nobody has talked with it yet.
    New(DevicePublicKey),
    /// The pinned one, and nothing else is shown.
    Pinned(DevicePublicKey),
    /// Another than the pinned one is shown.
    Changed,
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
        Self { pinned, ..Self::default() }
    }

    pub(crate) fn begin_connection(&mut self) {
        self.epoch += 1;
    }

    /// Takes a presence that has just been received.
    pub(crate) fn take(&mut self, presence: Presence) -> Change {
        let address = presence.address.clone();
        let before = self.present.get(&address).map(|entry| entry.presence.clone());
        if before.is_none() && self.present.len() >= DEVICES {
            return Change::None;
        }
        let key = presence.key;
        let same = before.as_ref() == Some(&presence);
        let known_key = before.is_some_and(|before| before.key == key);
        self.present.insert(address.clone(), Entry { presence, epoch: self.epoch });
        match self.pinned.get(&address) {
            Some(&old) if old != key && !known_key => Change::Key { old, new: key },
            _ if same => Change::None,
            _ => Change::Shown,
        }
    }

    /// The presence of a device was taken away for good; gives it as offline.
    pub(crate) fn remove(&mut self, address: &DeviceAddress) -> Option<Presence> {
        let entry = self.present.remove(address)?;
        Some(Presence { state: PresenceState::Offline, ..entry.presence })
    }

    pub(crate) fn devices_of(&self, user: &UserId) -> Vec<Presence> {
        let mut devices: Vec<Presence> =
            self.present.values().map(|e| &e.presence).filter(|p| p.address.user == *user).cloned().collect();
        devices.sort_by(|a, b| a.address.cmp(&b.address));
        devices
    }

    pub(crate) fn all(&self) -> Vec<Presence> {
        let mut devices: Vec<Presence> = self.present.values().map(|e| e.presence.clone()).collect();
        devices.sort_by(|a, b| a.address.cmp(&b.address));
        devices
    }

    pub(crate) fn key_of(&self, address: &DeviceAddress) -> KeyOf {
        let shown = self.present.get(address).map(|entry| entry.presence.key);
        match (self.pinned.get(address), shown) {
            (Some(&pinned), Some(shown)) if pinned != shown => KeyOf::Changed,
            (Some(&pinned), _) => KeyOf::Pinned(pinned),
            (None, Some(shown)) => KeyOf::New(shown),
            (None, None) => KeyOf::Unknown,
        }
    }

    /// Whether this connection has shown that device, so that its key isn't an old one.
    pub(crate) fn is_fresh(&self, address: &DeviceAddress) -> bool {
        self.present.get(address).is_some_and(|entry| entry.epoch == self.epoch)
    }

    /// Believes a key from now on; `true` when that is new.
    pub(crate) fn pin(&mut self, address: &DeviceAddress, key: DevicePublicKey) -> bool {
        self.pinned.insert(address.clone(), key) != Some(key)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::names::address;
    use crate::{DeviceKeys, DeviceKind};

    fn shown(key: DevicePublicKey) -> Presence {
        Presence {
            address: address("ann", "desk").expect("names"),
            state: PresenceState::Online,
            display_name: String::new(),
            kind: DeviceKind::Person,
            key,
            boot_id: Uuid::nil(),
            capabilities: Vec::new(),
            profile: crate::Profile::default(),
            single: false,
            claim: 0,
        }
    }

    #[test]
    fn a_changed_key_is_reported_once_and_believed_only_when_trusted() {
        let (old, new) = (DeviceKeys::generate().public(), DeviceKeys::generate().public());
        let at = shown(old).address;
        let mut directory = Directory::default();
        assert_eq!(directory.key_of(&at), KeyOf::Unknown);
        assert_eq!(directory.take(shown(old)), Change::Shown);
        assert_eq!(directory.key_of(&at), KeyOf::New(old));
        assert!(directory.pin(&at, old));
        assert_eq!(directory.take(shown(old)), Change::None);
        assert_eq!(directory.take(shown(new)), Change::Key { old, new });
        assert_eq!(directory.take(shown(new)), Change::None, "reported once");
        assert_eq!(directory.key_of(&at), KeyOf::Changed);
        assert!(directory.pin(&at, new));
        assert_eq!(directory.key_of(&at), KeyOf::Pinned(new));
    }

    #[test]
    fn a_pin_from_an_earlier_run_outlives_absence() {
        let key = DeviceKeys::generate().public();
        let at = shown(key).address;
        let mut directory = Directory::new(HashMap::from([(at.clone(), key)]));
        assert_eq!(directory.key_of(&at), KeyOf::Pinned(key));
        directory.begin_connection();
        directory.take(shown(key));
        assert!(directory.is_fresh(&at));
        directory.begin_connection();
        assert!(!directory.is_fresh(&at), "a new connection has to show it again");
        assert_eq!(directory.remove(&at).map(|p| p.state), Some(PresenceState::Offline));
        assert_eq!(directory.key_of(&at), KeyOf::Pinned(key));
    }
}
