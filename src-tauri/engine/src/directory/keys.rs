//! Which device keys are believed, and which of them two people have compared.

use std::collections::{BTreeMap, HashMap};

use peal_call::{DeviceAddress, DeviceId, UserId};
use peal_signalling::{DevicePublicKey, Presence};
use peal_store::{PinnedKey, Store, StoreError};

use crate::api::Verification;

/// The keys of one server.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pinned: ByAccount,
    verified: ByAccount,
}

type ByAccount = BTreeMap<UserId, BTreeMap<DeviceId, DevicePublicKey>>;

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
        let devices = |(user, devices): (UserId, BTreeMap<DeviceId, DevicePublicKey>)| {
            devices.into_iter().map(move |(device, key)| (DeviceAddress { user: user.clone(), device }, key))
        };
        self.pinned.into_iter().flat_map(devices).collect()
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
        self.pinned.entry(address.user.clone()).or_default().insert(address.device.clone(), key);
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
            self.verified.entry(address.user.clone()).or_default().insert(address.device.clone(), key);
        } else {
            store.clear_verified_key(server, address.user.as_str(), address.device.as_str())?;
            if let Some(devices) = self.verified.get_mut(&address.user) {
                devices.remove(&address.device);
            }
        }
        Ok(())
    }

    /// Every device of a user of which a key is known: `devices` are those whose presence is.
    pub fn states<'a>(&self, user: &UserId, devices: impl Iterator<Item = &'a Presence>) -> Vec<KeyState> {
        let (pinned, verified) = (self.pinned.get(user), self.verified.get(user));
        let mut shown = pinned.cloned().unwrap_or_default();
        shown.extend(devices.map(|it| (it.address.device.clone(), it.key)));
        let state = |(device, key): (DeviceId, DevicePublicKey)| {
            let known =
                |keys: Option<&BTreeMap<DeviceId, DevicePublicKey>>| keys.and_then(|it| it.get(&device)).copied();
            let (pinned, verified) = (known(pinned), known(verified));
            KeyState {
                key,
                pinned: pinned == Some(key),
                verified: verified == Some(key) && pinned == Some(key),
                changed: [pinned, verified].into_iter().flatten().any(|known| known != key),
                address: DeviceAddress { user: user.clone(), device },
            }
        };
        shown.into_iter().map(state).collect()
    }

    /// How much a user's devices are believed, taken together: the least of them counts.
    pub fn verification<'a>(&self, user: &str, devices: impl Iterator<Item = &'a Presence>) -> Verification {
        // What was kept once and is no account by the rule of today has no keys.
        let states = UserId::new(user).map(|user| self.states(&user, devices)).unwrap_or_default();
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
        self.keys.states(user, self.devices_of(user.as_str()))
    }
}

fn row(address: &DeviceAddress, key: &DevicePublicKey) -> PinnedKey {
    PinnedKey { user_id: address.user.to_string(), device_id: address.device.to_string(), public_key: key.to_bytes() }
}

/// Those that can still be read: a row damaged on the disk is as if it were not there.
fn keys(rows: Vec<PinnedKey>) -> ByAccount {
    let mut keys = ByAccount::new();
    for row in rows {
        let (user, device) = (UserId::new(row.user_id), DeviceId::new(row.device_id));
        if let (Ok(user), Ok(device), Ok(key)) = (user, device, DevicePublicKey::from_bytes(row.public_key)) {
            keys.entry(user).or_default().insert(device, key);
        }
    }
    keys
}
