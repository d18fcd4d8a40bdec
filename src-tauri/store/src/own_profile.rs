//! What an account says of itself.

use rusqlite::OptionalExtension;

use crate::{Store, StoreError};

/// The profile of an account that logs in here; its display name is in [`crate::ProfileRow`]. An empty text is a field
/// not filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnProfileRow {
    /// The account.
    pub account: String,
    /// Each change has a higher number than the one before; 0: never changed.
    pub revision: i64,
    /// In the engine's words.
    pub gender: String,
    /// `YYYY-MM-DD` or `--MM-DD`.
    pub birthday: String,
    /// Where in the world.
    pub region: String,
    /// A line about oneself.
    pub signature: String,
    /// Never shown to others.
    pub address: String,
    /// The picture, see [`Store::avatar`].
    pub avatar_id: Option<String>,
}

impl Store {
    /// What this account said of itself; none if it never did. It outlives a logout.
    pub fn own_profile(&self, account: &str) -> Result<Option<OwnProfileRow>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT account, revision, gender, birthday, region, signature, address, avatar_id
                       FROM own_profile WHERE account = ?";
            let read = |row: &rusqlite::Row<'_>| {
                Ok(OwnProfileRow {
                    account: row.get(0)?,
                    revision: row.get(1)?,
                    gender: row.get(2)?,
                    birthday: row.get(3)?,
                    region: row.get(4)?,
                    signature: row.get(5)?,
                    address: row.get(6)?,
                    avatar_id: row.get(7)?,
                })
            };
            connection.query_row(sql, [account], read).optional()
        })
    }

    /// Keeps what this account says of itself, in place of what it said before.
    pub fn set_own_profile(&self, profile: &OwnProfileRow) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute(
                "INSERT INTO own_profile (account, revision, gender, birthday, region, signature, address, avatar_id)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (account) DO UPDATE SET
                     revision = excluded.revision, gender = excluded.gender, birthday = excluded.birthday, region = excluded.region,
                     signature = excluded.signature, address = excluded.address, avatar_id = excluded.avatar_id",
                (
                    &profile.account,
                    profile.revision,
                    &profile.gender,
                    &profile.birthday,
                    &profile.region,
                    &profile.signature,
                    &profile.address,
                    &profile.avatar_id,
                ),
            )
        })?;
        Ok(())
    }
}
