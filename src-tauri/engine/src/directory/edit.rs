//! What the person here says about others, and their groups.

use peal_call::UserId;
use peal_store::{ContactRow, GroupRow, Store, StoreError};
use uuid::Uuid;

use super::{Directory, shown};
use crate::api::{ContactKind, ContactPatch, ErrorCode, Gender, Group, GroupParams, PealError};
use crate::echo::ECHO;
use crate::text;
use crate::translate::word;

/// Longest name of a contact or a group, in characters.
pub(crate) const NAME_LIMIT: usize = 64;
/// Longest note about a contact, in characters.
pub(crate) const NOTE_LIMIT: usize = 2000;
/// Longest postal address, in characters.
pub(crate) const ADDRESS_LIMIT: usize = 256;
/// Most members of a group: the others of a full call.
pub(crate) const GROUP_MEMBERS: usize = 15;
/// Most groups.
pub(crate) const GROUPS: usize = 500;

impl Directory {
    /// Takes somebody into the contacts by hand, also somebody who has never been seen.
    pub fn add_contact(&mut self, store: &Store, me: &UserId, user_id: &str) -> Result<(), PealError> {
        let user = another(user_id, me)?;
        let row = ContactRow { is_friend: true, is_removed: false, ..self.row(&user) };
        Ok(self.put(row, store)?)
    }

    /// Changes what the person says of somebody, who is a contact from then on. Only somebody who was removed stays so
    /// when they are merely silenced or blocked.
    pub fn set_contact(&mut self, store: &Store, me: &UserId, patch: ContactPatch) -> Result<(), PealError> {
        let user = another(&patch.user_id, me)?;
        let mut row = self.row(&user);
        if let Some(name) = patch.note_name {
            row.note_name = text::line(&name, NAME_LIMIT, "a name")?;
        }
        if let Some(note) = patch.note_text {
            row.note_text = text::lines(&note, NOTE_LIMIT, "a note")?;
        }
        row.is_favorite = patch.is_favorite.unwrap_or(row.is_favorite);
        row.is_no_disturb = patch.is_no_disturb.unwrap_or(row.is_no_disturb);
        row.is_in_black_list = patch.is_in_black_list.unwrap_or(row.is_in_black_list);
        row.is_friend = patch.is_friend.unwrap_or(row.is_friend);
        if row.is_favorite || row.is_friend || !row.note_name.is_empty() || !row.note_text.is_empty() {
            row.is_removed = false;
        }
        Ok(self.put(row, store)?)
    }

    /// Takes somebody out of the contacts and the groups, and forgets what the person said of them, but not that they
    /// are blocked. See [`Directory`] for when they come back.
    pub fn remove_contact(&mut self, store: &Store, me: &UserId, user_id: &str) -> Result<(), PealError> {
        let user = another(user_id, me)?;
        let row = self.known.get(user.as_str()).filter(|row| shown::is_listed(row)).ok_or_else(unknown)?;
        let row = ContactRow {
            note_name: String::new(),
            note_text: String::new(),
            is_favorite: false,
            is_no_disturb: false,
            is_friend: false,
            is_removed: true,
            ..row.clone()
        };
        for mut group in
            self.groups.values().filter(|group| group.members.contains(&row.user_id)).cloned().collect::<Vec<_>>()
        {
            group.members.retain(|member| *member != row.user_id);
            self.put_group(group, store)?;
        }
        Ok(self.put(row, store)?)
    }

    /// They have called or talked with each other: somebody who was removed is a contact again. True if that is news.
    pub fn met(&mut self, store: &Store, user: &str) -> Result<bool, StoreError> {
        match self.known.get(user) {
            Some(row) if row.is_removed => {
                let row = ContactRow { is_removed: false, ..row.clone() };
                self.put(row, store).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// The person has called these people.
    pub fn called<'a>(&mut self, users: impl IntoIterator<Item = &'a str>) {
        self.called.extend(users.into_iter().map(str::to_owned));
    }

    /// The history is another one.
    pub fn recall_called(&mut self, store: &Store) -> Result<(), StoreError> {
        self.called = store.called_users()?.into_iter().collect();
        Ok(())
    }

    /// Saves a group. Its members become contacts again if they were removed.
    pub fn set_group(&mut self, store: &Store, me: &UserId, params: GroupParams) -> Result<Group, PealError> {
        let bad = |words: String| Err(PealError::new(ErrorCode::BadRequest, words));
        let name = text::line(&params.name, NAME_LIMIT, "a group's name")?;
        if name.is_empty() {
            return bad("a group needs a name".to_owned());
        }
        let mut members: Vec<String> = Vec::new();
        for member in &params.members {
            let member = UserId::new(member.clone())?;
            if member == *me || members.iter().any(|it| *it == member.as_str()) {
                continue;
            }
            members.push(another(member.as_str(), me)?.to_string());
        }
        if members.is_empty() || members.len() > GROUP_MEMBERS {
            return bad(format!("a group has 1 to {GROUP_MEMBERS} members besides oneself"));
        }
        let group_id = match params.group_id {
            // The rule for accounts keeps it fit for every wire and file.
            Some(id) => UserId::new(id)?.to_string(),
            None => Uuid::now_v7().to_string(),
        };
        if !self.groups.contains_key(&group_id) && self.groups.len() >= GROUPS {
            return bad(format!("there are at most {GROUPS} groups"));
        }
        for member in &members {
            self.met(store, member)?;
        }
        self.put_group(GroupRow { group_id: group_id.clone(), name: name.clone(), members: members.clone() }, store)?;
        Ok(Group { group_id, name, members })
    }

    /// Forgets a group; its members stay contacts.
    pub fn remove_group(&mut self, store: &Store, group_id: &str) -> Result<(), PealError> {
        if !store.remove_group(group_id)? {
            return Err(PealError::new(ErrorCode::BadRequest, "there is no such group"));
        }
        self.groups.remove(group_id);
        Ok(())
    }

    /// What is known of somebody; nothing is, of somebody never met.
    pub fn row(&self, user: &UserId) -> ContactRow {
        self.known.get(user.as_str()).cloned().unwrap_or_else(|| ContactRow {
            user_id: user.to_string(),
            kind: word(ContactKind::Person),
            gender: word(Gender::Unknown),
            ..ContactRow::default()
        })
    }

    /// Whether somebody is among the contacts.
    pub fn is_contact(&self, user: &UserId) -> bool {
        self.known.get(user.as_str()).is_some_and(|row| !row.is_removed)
    }

    /// Writes many at once: all or none.
    pub fn put_all(&mut self, rows: Vec<ContactRow>, store: &Store) -> Result<(), StoreError> {
        store.upsert_contacts(&rows)?;
        self.known.extend(rows.into_iter().map(|row| (row.user_id.clone(), row)));
        Ok(())
    }

    fn put_group(&mut self, group: GroupRow, store: &Store) -> Result<(), StoreError> {
        store.upsert_group(&group)?;
        self.groups.insert(group.group_id.clone(), group);
        Ok(())
    }
}

/// A person who is not the one at this device, nor Echo.
pub(crate) fn another(user_id: &str, me: &UserId) -> Result<UserId, PealError> {
    let user = UserId::new(user_id)?;
    let words = if user == *me {
        "that is this account itself"
    } else if user.as_str() == ECHO {
        "Echo is always there"
    } else {
        return Ok(user);
    };
    Err(PealError::new(ErrorCode::BadRequest, words))
}

fn unknown() -> PealError {
    PealError::new(ErrorCode::UnknownUser, "nobody of that name is among the contacts")
}
