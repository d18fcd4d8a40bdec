//! What a program may ask about people: profile, contacts, groups, keys.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use peal_call::{DeviceAddress, DeviceId, UserId};
use peal_signalling::{
    AVATAR_LIMIT, Avatar, Birthday, DISPLAY_NAME_LIMIT, DeviceKeys, REGION_LIMIT, SIGNATURE_LIMIT, safety_number,
};
use peal_store::{ContactRow, OwnProfileRow, Store};

use crate::api::{
    ContactPatch, ErrorCode, ExportedContacts, Gender, GroupParams, ImportReport, PealError, Profile, ProfilePatch,
    SafetyNumber,
};
use crate::directory::{ADDRESS_LIMIT, Directory, KeyState, another, avatar_id};
use crate::fault::not_logged_in;
use crate::message::{Answer, Reply};
use crate::phone::Softphone;
use crate::text;
use crate::translate::{from_word, word};
use crate::vcard::{self, Card, ContactCard, GroupCard};

impl Softphone {
    /// Changes what I say of myself, and shows it to everybody.
    pub async fn set_profile(&mut self, patch: ProfilePatch) -> Result<Answer, PealError> {
        let session = self.session.as_ref().ok_or_else(not_logged_in)?;
        let (account, name) = (session.account.user_id.clone(), session.account.display_name.clone());
        let name = patch.nickname.as_deref().map_or(Ok(name), display_name)?;
        let before = self.store.own_profile(&account)?.unwrap_or_default();
        let revision = before.revision + 1;
        let (row, avatar) = patched(OwnProfileRow { account, revision, ..before }, &patch)?;
        if let (Some(id), Some(avatar)) = (&row.avatar_id, &avatar) {
            self.store.keep_avatar(id, avatar.bytes())?;
        }
        self.show_profile(&row, &name).await?;
        Ok(Answer::Profile(self.profile.clone()))
    }

    /// Another name for others to see; also between a start and its login.
    pub async fn set_display_name(&mut self, name: &str) -> Result<(), PealError> {
        let name = display_name(name)?;
        let logged_in = self.session.as_ref().map(|it| it.account.user_id.clone());
        let Some(account) = logged_in.or(self.store.profile()?.map(|login| login.account)) else { return Ok(()) };
        let before = self.store.own_profile(&account)?.unwrap_or_default();
        let revision = before.revision + 1;
        self.show_profile(&OwnProfileRow { account, revision, ..before }, &name).await
    }

    /// The profile and the name that others see, from now on and at the next start.
    pub async fn show_profile(&mut self, row: &OwnProfileRow, name: &str) -> Result<(), PealError> {
        self.store.set_own_profile(row)?;
        if let Some(mut login) = self.store.profile()? {
            name.clone_into(&mut login.display_name);
            self.store.set_profile(&login)?;
        }
        if let Some(session) = &mut self.session {
            name.clone_into(&mut session.account.display_name);
            session.client.set_display_name(name).await;
            session.client.set_profile(public_profile(&self.store, &row.account)?).await;
        }
        self.recall_profile()
    }

    /// What the snapshot shows of my profile, after a login or a change.
    pub fn recall_profile(&mut self) -> Result<(), PealError> {
        self.profile = match self.session.as_ref().map(|it| &it.account).or(self.resuming.as_ref()) {
            Some(account) => {
                let row = self.store.own_profile(&account.user_id)?.unwrap_or_default();
                profile(row, account.display_name.clone())
            }
            None => Profile::default(),
        };
        Ok(())
    }

    pub fn add_contact(&mut self, user_id: &str) -> Result<Answer, PealError> {
        let me = self.me()?.clone();
        self.directory.add_contact(&self.store, &me, user_id)?;
        self.contacts_changed()
    }

    pub fn set_contact(&mut self, patch: ContactPatch) -> Result<Answer, PealError> {
        let me = self.me()?.clone();
        self.directory.set_contact(&self.store, &me, patch)?;
        self.contacts_changed()
    }

    pub fn remove_contact(&mut self, user_id: &str) -> Result<Answer, PealError> {
        let me = self.me()?.clone();
        self.directory.remove_contact(&self.store, &me, user_id)?;
        self.contacts_changed()
    }

    pub fn set_group(&mut self, params: GroupParams) -> Result<Answer, PealError> {
        let me = self.me()?.clone();
        let group = self.directory.set_group(&self.store, &me, params)?;
        self.contacts_changed()?;
        Ok(Answer::Group(group))
    }

    pub fn remove_group(&mut self, group_id: &str) -> Result<Answer, PealError> {
        self.me()?;
        self.directory.remove_group(&self.store, group_id)?;
        self.contacts_changed()
    }

    pub fn search_contacts(&self, query: &str) -> Result<Answer, PealError> {
        let me = self.me()?;
        Ok(Answer::Contacts(self.directory.search(query, Some(me), self.echo_address().as_ref())))
    }

    /// A picture as a data URL; nothing if nobody has it any more.
    pub fn avatar(&self, id: &str) -> Result<Answer, PealError> {
        self.me()?;
        // What is kept was checked before; a file damaged since is no picture.
        let avatar = self.store.avatar(id)?.and_then(|bytes| Avatar::new(bytes).ok());
        Ok(Answer::Text(
            avatar.map(|avatar| format!("data:{};base64,{}", avatar.media_type(), STANDARD.encode(avatar.bytes()))),
        ))
    }

    pub fn export_contacts(&self) -> Result<Answer, PealError> {
        let me = self.me()?;
        Ok(Answer::ExportedContacts(ExportedContacts { vcard: exported(&self.directory, &self.store, me)? }))
    }

    pub fn import_contacts(&mut self, file: &str) -> Result<Answer, PealError> {
        let me = self.me()?.clone();
        let report = imported(&mut self.directory, &self.store, &me, file)?;
        self.contacts_changed()?;
        Ok(Answer::Imported(report))
    }

    /// The numbers to compare with somebody. Thousands of hashes each, so beside the loop.
    pub fn safety_number(&self, user_id: &str, reply: Reply) {
        let states = self.me().and_then(|me| another(user_id, me)).map(|user| self.directory.key_states(&user));
        let states = states.and_then(|states| if states.is_empty() { Err(no_device()) } else { Ok(states) });
        let own = self.session.as_ref().ok_or_else(not_logged_in).and_then(|session| {
            let keys = DeviceKeys::from_bytes(self.identity.secret_key)
                .map_err(|error| PealError::new(ErrorCode::StorageFailed, error.to_string()))?;
            Ok((keys.public(), session.me.clone()))
        });
        let (states, (key, me)) = match (states, own) {
            (Ok(states), Ok(own)) => (states, own),
            (Err(error), _) | (_, Err(error)) => return drop(reply.send(Err(error))),
        };
        tokio::task::spawn_blocking(move || {
            let number = |state: KeyState| SafetyNumber {
                device_id: state.address.device.to_string(),
                number: safety_number(&key, &me, &state.key, &state.address),
                verified: state.verified,
                changed: state.changed,
            };
            // Whoever asked may have gone.
            let _ = reply.send(Ok(Answer::SafetyNumbers(states.into_iter().map(number).collect())));
        });
    }

    /// The numbers were compared and are the same: the key is believed, even if it is another than before.
    pub fn set_verified(&mut self, user_id: &str, device_id: &str, verified: bool) -> Result<Answer, PealError> {
        let state = self.key_state(user_id, device_id)?;
        if verified && !state.pinned {
            self.believe(&state)?;
        }
        let server = self.session.as_ref().map(|it| it.account.server.clone()).ok_or_else(not_logged_in)?;
        let key = verified.then_some(state.key);
        self.directory.keys.set_verified(&self.store, &server, &state.address, key)?;
        Ok(Answer::Nothing)
    }

    /// The device's new key is believed; what was held back because of it is opened.
    pub fn trust_key(&mut self, user_id: &str, device_id: &str) -> Result<Answer, PealError> {
        let state = self.key_state(user_id, device_id)?;
        self.believe(&state)?;
        Ok(Answer::Nothing)
    }

    fn believe(&mut self, state: &KeyState) -> Result<(), PealError> {
        let session = self.session.as_ref().ok_or_else(not_logged_in)?;
        self.directory.keys.pin(&self.store, &session.account.server, &state.address, state.key)?;
        session.client.trust(&state.address, state.key);
        Ok(())
    }

    fn key_state(&self, user_id: &str, device_id: &str) -> Result<KeyState, PealError> {
        let user = another(user_id, self.me()?)?;
        let address = DeviceAddress { device: DeviceId::new(device_id)?, user: user.clone() };
        self.directory.key_states(&user).into_iter().find(|state| state.address == address).ok_or_else(no_device)
    }

    /// Who is logged in; the error of every command before.
    pub fn me(&self) -> Result<&UserId, PealError> {
        self.session.as_ref().map(|it| &it.me.user).ok_or_else(not_logged_in)
    }

    fn contacts_changed(&mut self) -> Result<Answer, PealError> {
        self.screening_changed();
        // The history shows names.
        self.history = crate::history::shown(&self.store, &self.directory)?;
        Ok(Answer::Nothing)
    }
}

/// What others see of an account that logs in.
pub(crate) fn public_profile(store: &Store, account: &str) -> Result<peal_signalling::Profile, PealError> {
    let row = store.own_profile(account)?.unwrap_or_default();
    let avatar = match &row.avatar_id {
        Some(id) => store.avatar(id)?.and_then(|bytes| Avatar::new(bytes).ok()),
        None => None,
    };
    Ok(peal_signalling::Profile {
        revision: row.revision.cast_unsigned(),
        gender: from_word(&row.gender, Gender::Unknown).into(),
        birthday: row.birthday.parse().ok(),
        region: row.region,
        signature: row.signature,
        avatar,
    })
}

fn profile(row: OwnProfileRow, nickname: String) -> Profile {
    Profile {
        nickname,
        gender: from_word(&row.gender, Gender::Unknown),
        birthday: row.birthday,
        region: row.region,
        signature: row.signature,
        address: row.address,
        avatar_id: row.avatar_id,
    }
}

/// The row with the patch applied, and the new picture if there is one.
fn patched(mut row: OwnProfileRow, patch: &ProfilePatch) -> Result<(OwnProfileRow, Option<Avatar>), PealError> {
    if let Some(gender) = patch.gender {
        row.gender = word(gender);
    }
    if let Some(day) = patch.birthday.as_deref().map(str::trim) {
        row.birthday = match day {
            "" => String::new(),
            day => day.parse::<Birthday>().map_err(bad)?.to_string(),
        };
    }
    if let Some(region) = &patch.region {
        row.region = text::line(region, REGION_LIMIT, "a region")?;
    }
    if let Some(signature) = &patch.signature {
        row.signature = text::line(signature, SIGNATURE_LIMIT, "a signature")?;
    }
    if let Some(address) = &patch.address {
        row.address = text::line(address, ADDRESS_LIMIT, "an address")?;
    }
    let avatar = match patch.avatar.as_deref() {
        None => None,
        Some("") => {
            row.avatar_id = None;
            None
        }
        Some(text) => {
            let avatar = read_avatar(text)?;
            row.avatar_id = Some(avatar_id(&avatar));
            Some(avatar)
        }
    };
    Ok((row, avatar))
}

fn read_avatar(text: &str) -> Result<Avatar, PealError> {
    // A picture of the limit, in base64, with the beginning of a data URL.
    if text.len() > AVATAR_LIMIT * 4 / 3 + 64 {
        return Err(bad(format!("a picture has at most {AVATAR_LIMIT} bytes")));
    }
    let bytes = vcard::decode(text).ok_or_else(|| bad("a picture is given in base64"))?;
    Avatar::new(bytes).map_err(bad)
}

/// A display name as it is kept.
pub(crate) fn display_name(name: &str) -> Result<String, PealError> {
    let name = text::line(name, DISPLAY_NAME_LIMIT, "a display name")?;
    if name.is_empty() { Err(bad("nobody is without a display name")) } else { Ok(name) }
}

/// The contacts and groups as a vCard file: everyone listed but Echo and the blocked, whom the file would make friends
/// where it is imported.
pub(crate) fn exported(directory: &Directory, store: &Store, me: &UserId) -> Result<String, PealError> {
    let mut cards = Vec::new();
    for contact in directory.contacts(Some(me), None).into_iter().filter(|contact| !contact.is_in_black_list) {
        let avatar = match &contact.avatar_id {
            Some(id) => store.avatar(id)?.and_then(|bytes| Avatar::new(bytes).ok()),
            None => None,
        };
        cards.push(Card::Contact(Box::new(ContactCard {
            user_id: contact.user_id,
            name: contact.name,
            nickname: contact.nickname,
            kind: contact.kind,
            gender: contact.gender,
            birthday: contact.birthday.parse().ok(),
            region: contact.region,
            signature: contact.signature,
            address: contact.address,
            note: contact.note_text,
            avatar,
            lost_avatar: false,
        })));
    }
    cards.extend(directory.groups().into_iter().filter(|group| !group.members.is_empty()).map(|group| {
        Card::Group(GroupCard { group_id: Some(group.group_id), name: group.name, members: group.members })
    }));
    Ok(vcard::write(&cards))
}

/// Takes a vCard file in. Whoever is on a card becomes a friend. What people say of themselves while they are seen is
/// not overwritten by a file; the name that it gives them, a note and an address are taken in any case.
pub(crate) fn imported(
    directory: &mut Directory,
    store: &Store,
    me: &UserId,
    file: &str,
) -> Result<ImportReport, PealError> {
    let mut report = ImportReport::default();
    let (mut rows, mut groups) = (BTreeMap::<String, ContactRow>::new(), Vec::new());
    for (number, card) in (1..).zip(vcard::cards(file)?) {
        let refused = |name: &str, error: PealError| crate::api::RefusedCard {
            card: number,
            name: name.to_owned(),
            message: error.message,
        };
        match card {
            Err(refused) => report.refused.push(refused),
            Ok(Card::Group(card)) => groups.push((number, card)),
            Ok(Card::Contact(card)) => match another(&card.user_id, me) {
                Err(error) => report.refused.push(refused(&card.name, error)),
                Ok(user) => {
                    let earlier = rows.remove(user.as_str());
                    if earlier.is_some() || directory.is_contact(&user) {
                        report.updated += 1;
                    } else {
                        report.imported += 1;
                    }
                    report.without_picture += u32::from(card.lost_avatar);
                    let before = earlier.unwrap_or_else(|| directory.row(&user));
                    rows.insert(user.to_string(), taken(before, *card, store)?);
                }
            },
        }
    }
    directory.put_all(rows.into_values().collect(), store)?;
    for (number, GroupCard { group_id, name, members }) in groups {
        let known = group_id.as_deref().is_some_and(|id| directory.group(id).is_some());
        match directory.set_group(store, me, GroupParams { group_id, name: name.clone(), members }) {
            Ok(_) if known => report.updated += 1,
            Ok(_) => report.imported += 1,
            Err(error) => report.refused.push(crate::api::RefusedCard { card: number, name, message: error.message }),
        }
    }
    report.refused.sort_by_key(|refused| refused.card);
    Ok(report)
}

/// A contact's row as a card changes it.
fn taken(before: ContactRow, card: ContactCard, store: &Store) -> Result<ContactRow, PealError> {
    let mut row = ContactRow { is_friend: true, is_removed: false, ..before };
    if row.last_seen_ms == 0 {
        row.name = card.nickname;
        row.kind = word(card.kind);
        row.gender = word(card.gender);
        row.birthday = card.birthday.map(|day| day.to_string()).unwrap_or_default();
        row.region = card.region;
        row.signature = card.signature;
        if let Some(avatar) = card.avatar {
            let id = avatar_id(&avatar);
            store.keep_avatar(&id, avatar.bytes())?;
            row.avatar_id = Some(id);
        }
    }
    if !card.name.is_empty() && card.name != row.name && card.name != row.user_id {
        row.note_name = card.name;
    }
    for (slot, value) in [(&mut row.note_text, card.note), (&mut row.address, card.address)] {
        if !value.is_empty() {
            *slot = value;
        }
    }
    Ok(row)
}

fn bad(words: impl std::fmt::Display) -> PealError {
    PealError::new(ErrorCode::BadRequest, words.to_string())
}

fn no_device() -> PealError {
    PealError::new(ErrorCode::UnknownUser, "no device of that name is known")
}
