//! Who is known, and who is there.

mod edit;
mod keys;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use peal_call::{DeviceAddress, DeviceId, UserId};
use peal_signalling::{Avatar, DeviceKind, Presence, PresenceState};
use peal_store::{ContactRow, GroupRow, Store, StoreError};
use sha2::{Digest, Sha256};

use crate::api::{ContactKind, Gender, PresenceView};
use crate::echo::ECHO;
use crate::translate::{from_word, wall_ms, word};

pub(crate) use edit::{ADDRESS_LIMIT, NAME_LIMIT, NOTE_LIMIT, another};
pub(crate) use keys::{KeyState, Keys};

/// Contacts remembered from earlier runs, groups, and every device's presence now.
///
/// Everyone who is seen online becomes a contact. Somebody whom the person removes stays away, however often they come
/// online, until they meet again: when the person calls them or talks with them, adds them by hand, puts them into a
/// group or imports a card of theirs. A call that was only missed brings nobody back. Whoever is blocked stays listed,
/// so that they can be unblocked; removing them forgets all the rest.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// Everyone ever known, also those who were removed.
    known: BTreeMap<String, ContactRow>,
    groups: BTreeMap<String, GroupRow>,
    /// By account: looked up for every contact whenever the snapshot is made.
    devices: BTreeMap<String, BTreeMap<DeviceId, Presence>>,
    /// Everyone whom this profile has called.
    called: BTreeSet<String>,
    /// Which keys are believed on the server of this login.
    pub keys: Keys,
    /// Nobody is written down: Echo knows nobody.
    pub forgets: bool,
}

impl Directory {
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        store.forget_unused_avatars()?;
        let known = store.contacts()?.into_iter().map(|row| (row.user_id.clone(), row)).collect();
        let groups = store.groups()?.into_iter().map(|row| (row.group_id.clone(), row)).collect();
        let called = store.called_users()?.into_iter().collect();
        Ok(Self { known, groups, called, ..Self::default() })
    }

    /// Another login: nobody's presence is known, and keys are those of a server.
    pub fn forget_presence(&mut self) {
        self.devices.clear();
        self.keys = Keys::default();
    }

    /// Takes a device's presence in. Answers what changed of its reachability.
    pub fn observe(&mut self, presence: Presence, me: &UserId, store: &Store) -> Result<Change, StoreError> {
        let address = presence.address.clone();
        let online = presence.state != PresenceState::Offline;
        let (kind, boot_id) = (presence.kind, presence.boot_id);
        let devices = self.devices.entry(address.user.to_string()).or_default();
        let before = devices.insert(address.device.clone(), presence);
        let was_online = before.as_ref().is_some_and(|it| it.state != PresenceState::Offline);
        let same_run = before.is_some_and(|it| it.boot_id == boot_id);
        if kind != DeviceKind::Echo && address.user != *me && !self.forgets {
            self.remember(&address.user, online != was_online, store)?;
        }
        Ok(match (was_online, online) {
            (_, true) if !was_online || !same_run => Change::Appeared,
            (true, false) => Change::Disappeared,
            _ => Change::None,
        })
    }

    /// Writes down what a user's devices say of them. The device that knows of the last change speaks for the account,
    /// else the one that came last.
    fn remember(&mut self, user: &UserId, moved: bool, store: &Store) -> Result<(), StoreError> {
        let Some(latest) = self.devices_of(user.as_str()).max_by_key(|it| (it.profile.revision, it.claim, it.boot_id))
        else {
            return Ok(());
        };
        let before = self.known.get(user.as_str());
        let avatar = latest.profile.avatar.as_ref();
        let told = ContactRow {
            user_id: user.to_string(),
            name: latest.display_name.trim().to_owned(),
            kind: word(ContactKind::from(latest.kind)),
            gender: word(Gender::from(latest.profile.gender)),
            birthday: latest.profile.birthday.map(|day| day.to_string()).unwrap_or_default(),
            region: latest.profile.region.clone(),
            signature: latest.profile.signature.clone(),
            avatar_id: avatar.map(avatar_id),
            // What the person here says of them is not theirs to change.
            ..before.cloned().unwrap_or_default()
        };
        let first = before.is_none_or(|row| row.last_seen_ms == 0);
        if !moved && !first && before == Some(&told) {
            return Ok(());
        }
        if let (Some(id), Some(avatar)) = (&told.avatar_id, avatar)
            && before.is_none_or(|row| row.avatar_id.as_ref() != Some(id))
        {
            store.keep_avatar(id, avatar.bytes())?;
        }
        self.put(ContactRow { last_seen_ms: wall_ms().cast_signed(), ..told }, store)
    }

    /// The devices that a call to this user rings: not Echo, not this one.
    pub fn callable(&self, user: &UserId, me: &DeviceAddress) -> Vec<&Presence> {
        self.devices_of(user.as_str()).filter(|it| it.address != *me).collect()
    }

    /// The name to show for a user: what the person calls them, else what they call themselves, else the account.
    pub fn name(&self, user: &str) -> String {
        self.known_name(user).unwrap_or_else(|| user.to_owned())
    }

    /// As [`Directory::name`], but none where only the account is known.
    pub fn known_name(&self, user: &str) -> Option<String> {
        if user == ECHO {
            return Some("Echo".to_owned());
        }
        let row = self.known.get(user)?;
        [&row.note_name, &row.name].into_iter().find(|name| !name.is_empty()).cloned()
    }

    /// What kind of contact a user is.
    pub fn kind(&self, user: &str) -> ContactKind {
        self.known.get(user).map_or(ContactKind::Person, |row| from_word(&row.kind, ContactKind::Person))
    }

    /// A saved group.
    pub fn group(&self, group_id: &str) -> Option<&GroupRow> {
        self.groups.get(group_id)
    }

    /// Everyone whom the person knows, in the sense of the setting for unknown callers: those taken into the contacts by
    /// hand, favourites, members of groups, and everyone whom they have called.
    pub fn known_users(&self) -> BTreeSet<&str> {
        let by_hand = self.known.values().filter(|row| (row.is_friend || row.is_favorite) && !row.is_removed);
        let grouped = self.groups.values().flat_map(|group| &group.members);
        by_hand.map(|row| &row.user_id).chain(grouped).chain(&self.called).map(String::as_str).collect()
    }

    /// Everyone whom the person silenced, and everyone whom they blocked.
    pub fn screened(&self) -> (impl Iterator<Item = &str>, impl Iterator<Item = &str>) {
        let silenced = self.known.values().filter(|row| row.is_no_disturb).map(|row| row.user_id.as_str());
        let blocked = self.known.values().filter(|row| row.is_in_black_list).map(|row| row.user_id.as_str());
        (silenced, blocked)
    }

    fn devices_of(&self, user: &str) -> impl Iterator<Item = &Presence> {
        let devices = self.devices.get(user).into_iter().flat_map(BTreeMap::values);
        devices.filter(|it| it.kind != DeviceKind::Echo)
    }

    /// Whether somebody is there, by the best of their devices.
    pub fn presence_of(&self, user: &str) -> PresenceView {
        self.devices_of(user).map(|it| it.state).fold(PresenceView::Offline, |best, state| match (best, state) {
            (_, PresenceState::InCall) | (PresenceView::InCall, _) => PresenceView::InCall,
            (_, PresenceState::Online) | (PresenceView::Online, _) => PresenceView::Online,
            (PresenceView::Offline, PresenceState::Offline) => PresenceView::Offline,
        })
    }

    fn put(&mut self, row: ContactRow, store: &Store) -> Result<(), StoreError> {
        store.upsert_contact(&row)?;
        self.known.insert(row.user_id.clone(), row);
        Ok(())
    }
}

/// The name of a picture: 32 hexadecimal digits of its SHA-256.
pub(crate) fn avatar_id(avatar: &Avatar) -> String {
    let hash = Sha256::digest(avatar.bytes());
    hash.iter().take(16).fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
}

/// What a presence says that is news to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Appeared,
    Disappeared,
    None,
}
