//! Which device keys are believed, and which of them two people have compared.

use std::collections::{BTreeMap, HashMap};

use peal_call::{DeviceAddress, DeviceId, UserId};
use peal_signalling::{DevicePublicKey, Presence};
use peal_store::{PinnedKey, Store, StoreError};

use crate::api::Verification;

/// The keys of one server.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pinned: BTreeMap<DeviceAddress, DevicePublicKey>,
    verified: BTreeMap<DeviceAddress, DevicePublicKey>,
}

/// What is known of one device's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyState {
    pub address: DeviceAddress,
    /// The one to compare: what the device shows now, or showed last.
    pub key: DevicePublicKey,
    /// It is believed.
    pub pinned: bool,
    /// It is the one that was compared.
    pub verified: bool,
    /// It is not the one believed, or not the one compared.
    pub changed: bool,
}

impl Keys {
    pub fn load(store: &Store, server: &str) -> Result<Self, StoreError> {
        Ok(Self { pinned: keys(store.pinned_keys(server)?), verified: keys(store.verified_keys(server)?) })
    }

    /// The keys to log in with.
    pub fn pinned(self) -> HashMap<DeviceAddress, DevicePublicKey> {
        self.pinned.into_iter().collect()
    }

    /// Believes a key from now on, whatever was believed before.
    pub fn pin(
        &mut self,
        store: &Store,
        server: &str,
        address: &DeviceAddress,
        key: DevicePublicKey,
    ) -> Result<(), StoreError> {
        store.pin_key(server, &row(address, &key))?;
        self.pinned.insert(address.clone(), key);
        Ok(())
    }

    /// Two people have compared this key (or take that back).
    pub fn set_verified(
        &mut self,
        store: &Store,
        server: &str,
        address: &DeviceAddress,
        key: Option<DevicePublicKey>,
    ) -> Result<(), StoreError> {
        if let Some(key) = key {
            store.set_verified_key(server, &row(address, &key))?;
            self.verified.insert(address.clone(), key);
        } else {
            store.clear_verified_key(server, address.user.as_str(), address.device.as_str())?;
            self.verified.remove(address);
        }
        Ok(())
    }

    /// Every device of a user of which a key is known: `devices` are those whose presence is.
    pub fn states<'a>(&self, user: &str, devices: impl Iterator<Item = &'a Presence>) -> Vec<KeyState> {
        let mut shown: BTreeMap<DeviceAddress, DevicePublicKey> = self
            .pinned
            .iter()
            .filter(|(address, _)| address.user.as_str() == user)
            .map(|(address, key)| (address.clone(), *key))
            .collect();
        shown.extend(devices.map(|it| (it.address.clone(), it.key)));
        shown
            .into_iter()
            .map(|(address, key)| {
                let (pinned, verified) = (self.pinned.get(&address), self.verified.get(&address));
                KeyState {
                    key,
                    pinned: pinned == Some(&key),
                    verified: verified == Some(&key) && pinned == Some(&key),
                    changed: [pinned, verified].into_iter().flatten().any(|known| *known != key),
                    address,
                }
            })
            .collect()
    }

    /// How much a user's devices are believed, taken together: the least of them counts.
    pub fn verification<'a>(&self, user: &str, devices: impl Iterator<Item = &'a Presence>) -> Verification {
        let states = self.states(user, devices);
        if states.iter().any(|state| state.changed) {
            Verification::Changed
        } else if !states.iter().any(|state| state.pinned) {
            Verification::Unknown
        } else if states.iter().all(|state| state.verified) {
            Verification::Verified
        } else {
            Verification::New
        }
    }
}

impl super::Directory {
    /// What is known of the keys of a user's devices.
    pub fn key_states(&self, user: &UserId) -> Vec<KeyState> {
        self.keys.states(user.as_str(), self.devices_of(user.as_str()))
    }
}

fn row(address: &DeviceAddress, key: &DevicePublicKey) -> PinnedKey {
    PinnedKey { user_id: address.user.to_string(), device_id: address.device.to_string(), public_key: key.to_bytes() }
}

/// Those that can still be read: a row damaged on the disk is as if it were not there.
fn keys(rows: Vec<PinnedKey>) -> BTreeMap<DeviceAddress, DevicePublicKey> {
    let read = |row: PinnedKey| {
        let address =
            DeviceAddress { user: UserId::new(row.user_id).ok()?, device: DeviceId::new(row.device_id).ok()? };
        Some((address, DevicePublicKey::from_bytes(row.public_key).ok()?))
    };
    rows.into_iter().filter_map(read).collect()
}
