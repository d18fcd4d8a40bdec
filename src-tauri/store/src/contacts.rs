//! Whom this profile knows, and what it knows of them.

use rusqlite::{Connection, Row, named_params};

use crate::{Store, StoreError};

/// Somebody known, also while they are away: kit C's user model (kit C23). An empty text is a field not filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactRow {
    /// The account.
    pub user_id: String,
    /// The name that they gave themselves.
    pub name: String,
    /// What kind of contact it is, as the engine names it (`person`, `device`).
    pub kind: String,
    /// When they were last there, ms since 1970, on this computer's clock; 0: never seen.
    pub last_seen_ms: i64,
    /// As they say, in the engine's words.
    pub gender: String,
    /// As they say: `YYYY-MM-DD` or `--MM-DD`.
    pub birthday: String,
    /// As they say.
    pub region: String,
    /// As they say: a line about themselves.
    pub signature: String,
    /// Where they live, from an imported card.
    pub address: String,
    /// Their picture, see [`Store::avatar`].
    pub avatar_id: Option<String>,
    /// The name that the person here gave them.
    pub note_name: String,
    /// What the person here wrote about them.
    pub note_text: String,
    /// Shown first.
    pub is_favorite: bool,
    /// Their calls don't ring.
    pub is_no_disturb: bool,
    /// Their calls are as if there were nobody.
    pub is_in_black_list: bool,
    /// Taken into the contacts by hand, not only met.
    pub is_friend: bool,
    /// Taken out of the contacts by hand: not listed until they are met again.
    pub is_removed: bool,
}

impl Store {
    /// Everyone known, by account; also those who were removed.
    pub fn contacts(&self) -> Result<Vec<ContactRow>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM contact ORDER BY user_id")?;
            let rows = statement.query_map([], read)?;
            rows.collect()
        })
    }

    /// Remembers somebody, in place of what was known of them.
    pub fn upsert_contact(&self, contact: &ContactRow) -> Result<(), StoreError> {
        self.with(|connection| write(connection, contact))
    }

    /// Remembers many: all of them, or none if it fails.
    pub fn upsert_contacts(&self, contacts: &[ContactRow]) -> Result<(), StoreError> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            for contact in contacts {
                write(&transaction, contact)?;
            }
            transaction.commit()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ContactRow> {
    Ok(ContactRow {
        user_id: row.get("user_id")?,
        name: row.get("name")?,
        kind: row.get("kind")?,
        last_seen_ms: row.get("last_seen_ms")?,
        gender: row.get("gender")?,
        birthday: row.get("birthday")?,
        region: row.get("region")?,
        signature: row.get("signature")?,
        address: row.get("address")?,
        avatar_id: row.get("avatar_id")?,
        note_name: row.get("note_name")?,
        note_text: row.get("note_text")?,
        is_favorite: row.get("is_favorite")?,
        is_no_disturb: row.get("is_no_disturb")?,
        is_in_black_list: row.get("is_in_black_list")?,
        is_friend: row.get("is_friend")?,
        is_removed: row.get("is_removed")?,
    })
}

/// An update where there is a row: a replaced row would not tell the trigger that its picture is gone.
fn write(connection: &Connection, contact: &ContactRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO contact (user_id, name, kind, last_seen_ms, gender, birthday, region, signature, address, avatar_id,
                              note_name, note_text, is_favorite, is_no_disturb, is_in_black_list, is_friend, is_removed)
         VALUES (:user_id, :name, :kind, :last_seen_ms, :gender, :birthday, :region, :signature, :address, :avatar_id,
                 :note_name, :note_text, :is_favorite, :is_no_disturb, :is_in_black_list, :is_friend, :is_removed)
         ON CONFLICT (user_id) DO UPDATE SET
             name = excluded.name, kind = excluded.kind, last_seen_ms = excluded.last_seen_ms,
             gender = excluded.gender, birthday = excluded.birthday, region = excluded.region,
             signature = excluded.signature, address = excluded.address, avatar_id = excluded.avatar_id,
             note_name = excluded.note_name, note_text = excluded.note_text,
             is_favorite = excluded.is_favorite, is_no_disturb = excluded.is_no_disturb,
             is_in_black_list = excluded.is_in_black_list, is_friend = excluded.is_friend,
             is_removed = excluded.is_removed",
    )?;
    statement.execute(named_params! {
        ":user_id": contact.user_id,
        ":name": contact.name,
        ":kind": contact.kind,
        ":last_seen_ms": contact.last_seen_ms,
        ":gender": contact.gender,
        ":birthday": contact.birthday,
        ":region": contact.region,
        ":signature": contact.signature,
        ":address": contact.address,
        ":avatar_id": contact.avatar_id,
        ":note_name": contact.note_name,
        ":note_text": contact.note_text,
        ":is_favorite": contact.is_favorite,
        ":is_no_disturb": contact.is_no_disturb,
        ":is_in_black_list": contact.is_in_black_list,
        ":is_friend": contact.is_friend,
        ":is_removed": contact.is_removed,
    })?;
    Ok(())
}
