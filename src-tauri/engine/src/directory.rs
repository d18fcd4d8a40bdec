//! Who is known, and who is there.

use std::collections::BTreeMap;

use peal_call::{DeviceAddress, UserId};
use peal_signalling::{DeviceKind, Presence, PresenceState};
use peal_store::{ContactRow, Store, StoreError};

use crate::api::{ContactKind, ContactView, PresenceView};
use crate::echo::ECHO;
use crate::translate::{from_word, wall_ms, word};

/// Contacts remembered from earlier runs, and every device's presence now.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    known: BTreeMap<String, ContactRow>,
    devices: BTreeMap<DeviceAddress, Presence>,
}

impl Directory {
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let known = store.contacts()?.into_iter().map(|row| (row.user_id.clone(), row)).collect();
        Ok(Self { known, devices: BTreeMap::new() })
    }

    /// Another login: nobody's presence is known.
    pub fn forget_presence(&mut self) {
        self.devices.clear();
    }

    /// Takes a device's presence in. Answers what changed of its reachability.
    pub fn observe(&mut self, presence: Presence, me: &UserId, store: &Store) -> Result<Change, StoreError> {
        let address = presence.address.clone();
        let online = presence.state != PresenceState::Offline;
        let boot_id = presence.boot_id;
        let (display_name, kind) = (presence.display_name.trim().to_owned(), presence.kind);
        let before = self.devices.insert(address.clone(), presence);
        let was_online = before.as_ref().is_some_and(|it| it.state != PresenceState::Offline);
        let same_run = before.is_some_and(|it| it.boot_id == boot_id);
        if kind != DeviceKind::Echo && address.user != *me {
            let name = if display_name.is_empty() { address.user.to_string() } else { display_name };
            let kind = word(ContactKind::from(kind));
            let user_id = address.user.to_string();
            let stale = self.known.get(&user_id).is_none_or(|row| row.name != name || row.kind != kind);
            if stale || online != was_online {
                let row = ContactRow {
                    user_id: user_id.clone(),
                    name,
                    kind,
                    last_seen_ms: wall_ms().cast_signed(),
                    ..ContactRow::default()
                };
                store.upsert_contact(&row)?;
                self.known.insert(user_id, row);
            }
        }
        Ok(match (was_online, online) {
            (_, true) if !was_online || !same_run => Change::Appeared,
            (true, false) => Change::Disappeared,
            _ => Change::None,
        })
    }

    /// The devices that a call to this user rings: not Echo, not this one.
    pub fn callable(&self, user: &UserId, me: &DeviceAddress) -> Vec<&Presence> {
        self.devices
            .values()
            .filter(|it| it.address.user == *user && it.address != *me && it.kind != DeviceKind::Echo)
            .collect()
    }

    /// The name to show for a user.
    pub fn name(&self, user: &str) -> String {
        self.known.get(user).map_or_else(|| user.to_owned(), |row| row.name.clone())
    }

    /// What kind of contact a user is.
    pub fn kind(&self, user: &str) -> ContactKind {
        self.known.get(user).map_or(ContactKind::Person, |row| from_word(&row.kind, ContactKind::Person))
    }

    /// Echo first, then everyone known but myself, by name.
    pub fn contacts(&self, me: Option<&UserId>, echo: Option<&DeviceAddress>) -> Vec<ContactView> {
        let mut contacts: Vec<_> = self
            .known
            .values()
            .filter(|row| me.is_none_or(|me| me.as_str() != row.user_id))
            .map(|row| ContactView {
                user_id: row.user_id.clone(),
                name: row.name.clone(),
                kind: from_word(&row.kind, ContactKind::Person),
                presence: self.presence_of(&row.user_id),
            })
            .collect();
        contacts.sort_by_cached_key(|contact| (contact.name.to_lowercase(), contact.user_id.clone()));
        if let Some(echo) = echo {
            let state = self.devices.get(echo).map_or(PresenceState::Offline, |it| it.state);
            contacts.insert(
                0,
                ContactView {
                    user_id: ECHO.to_owned(),
                    name: "Echo".to_owned(),
                    kind: ContactKind::Echo,
                    presence: state.into(),
                },
            );
        }
        contacts
    }

    pub fn presence_of(&self, user: &str) -> PresenceView {
        let states = self
            .devices
            .values()
            .filter(|it| it.address.user.as_str() == user && it.kind != DeviceKind::Echo)
            .map(|it| it.state);
        states.fold(PresenceView::Offline, |best, state| match (best, state) {
            (_, PresenceState::InCall) | (PresenceView::InCall, _) => PresenceView::InCall,
            (_, PresenceState::Online) | (PresenceView::Online, _) => PresenceView::Online,
            (PresenceView::Offline, PresenceState::Offline) => PresenceView::Offline,
        })
    }
}

/// What a presence says that is news to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Appeared,
    Disappeared,
    None,
}
