//! The contacts as they are shown.

use peal_call::{DeviceAddress, UserId};
use peal_signalling::{Presence, PresenceState};
use peal_store::ContactRow;

use super::Directory;
use crate::api::{ContactDevice, ContactKind, ContactView, Gender, Group, PresenceView};
use crate::echo::ECHO;
use crate::translate::from_word;

impl Directory {
    /// Echo first, then everyone known but myself, by name.
    pub fn contacts(&self, me: Option<&UserId>, echo: Option<&DeviceAddress>) -> Vec<ContactView> {
        let mut contacts: Vec<_> = self
            .known
            .values()
            .filter(|row| is_listed(row) && me.is_none_or(|me| me.as_str() != row.user_id))
            .map(|row| self.view(row))
            .collect();
        contacts.sort_by_cached_key(|contact| (contact.name.to_lowercase(), contact.user_id.clone()));
        if let Some(echo) = echo {
            let device = self.devices.get(echo.user.as_str()).and_then(|devices| devices.get(&echo.device));
            let state = device.map_or(PresenceState::Offline, |it| it.state);
            contacts.insert(0, echo_view(state.into()));
        }
        contacts
    }

    /// The contacts in whose names, accounts or notes every word is found, in capitals or not. Names that begin with the
    /// first word come first.
    pub fn search(&self, query: &str, me: Option<&UserId>, echo: Option<&DeviceAddress>) -> Vec<ContactView> {
        let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut found: Vec<_> = self
            .contacts(me, echo)
            .into_iter()
            .filter(|contact| {
                let texts = [
                    &contact.name,
                    &contact.nickname,
                    &contact.user_id,
                    &contact.note_text,
                    &contact.region,
                    &contact.signature,
                    &contact.address,
                ];
                let texts = texts.map(|text| text.to_lowercase());
                words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
            })
            .collect();
        let first = words.first().map_or("", String::as_str);
        // Stable: within each half they stay by name.
        found.sort_by_cached_key(|contact| !contact.name.to_lowercase().starts_with(first));
        found
    }

    /// Accounts whose names have the text in them, in capitals or not.
    pub fn named(&self, text: &str) -> Vec<String> {
        let text = text.trim().to_lowercase();
        let fits = |name: &String| name.to_lowercase().contains(&text);
        let rows = self.known.values().filter(|row| fits(&row.note_name) || fits(&row.name));
        rows.map(|row| row.user_id.clone()).collect()
    }

    /// The saved groups, by name.
    pub fn groups(&self) -> Vec<Group> {
        let group = |row: &peal_store::GroupRow| Group {
            group_id: row.group_id.clone(),
            name: row.name.clone(),
            members: row.members.clone(),
        };
        let mut groups: Vec<Group> = self.groups.values().map(group).collect();
        groups.sort_by_cached_key(|group| (group.name.to_lowercase(), group.group_id.clone()));
        groups
    }

    fn view(&self, row: &ContactRow) -> ContactView {
        let device = |it: &Presence| ContactDevice {
            device_id: it.address.device.to_string(),
            name: it.device_name.trim().to_owned(),
            presence: it.state.into(),
            kind: it.kind.into(),
        };
        ContactView {
            user_id: row.user_id.clone(),
            name: self.name(&row.user_id),
            kind: from_word(&row.kind, ContactKind::Person),
            presence: self.presence_of(&row.user_id),
            nickname: row.name.clone(),
            gender: from_word(&row.gender, Gender::Unknown),
            birthday: row.birthday.clone(),
            region: row.region.clone(),
            signature: row.signature.clone(),
            address: row.address.clone(),
            avatar_id: row.avatar_id.clone(),
            note_name: row.note_name.clone(),
            note_text: row.note_text.clone(),
            is_favorite: row.is_favorite,
            is_no_disturb: row.is_no_disturb,
            is_in_black_list: row.is_in_black_list,
            is_friend: row.is_friend,
            verified: self.keys.verification(&row.user_id, self.devices_of(&row.user_id)),
            devices: self.devices_of(&row.user_id).map(device).collect(),
        }
    }
}

/// Whoever is blocked can be seen, and unblocked.
pub(super) const fn is_listed(row: &ContactRow) -> bool {
    !row.is_removed || row.is_in_black_list
}

fn echo_view(presence: PresenceView) -> ContactView {
    ContactView {
        user_id: ECHO.to_owned(),
        name: "Echo".to_owned(),
        kind: ContactKind::Echo,
        presence,
        nickname: "Echo".to_owned(),
        gender: Gender::Unknown,
        birthday: String::new(),
        region: String::new(),
        signature: String::new(),
        address: String::new(),
        avatar_id: None,
        note_name: String::new(),
        note_text: String::new(),
        is_favorite: false,
        is_no_disturb: false,
        is_in_black_list: false,
        is_friend: true,
        verified: crate::api::Verification::Unknown,
        devices: Vec::new(),
    }
}
