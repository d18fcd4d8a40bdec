//! Whom this profile has met.

use crate::{Store, StoreError};

/// Somebody known, also while they are away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// The account.
    pub user_id: String,
    /// The name that they gave themselves.
    pub name: String,
    /// What kind of contact it is, as the engine names it (`person`, `device`).
    pub kind: String,
    /// When they were last there, ms since 1970, on this computer's clock.
    pub last_seen_ms: i64,
}

impl Store {
    /// Everyone known, by account.
    pub fn contacts(&self) -> Result<Vec<ContactRow>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT user_id, name, kind, last_seen_ms FROM contact ORDER BY user_id";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                Ok(ContactRow { user_id: row.get(0)?, name: row.get(1)?, kind: row.get(2)?, last_seen_ms: row.get(3)? })
            })?;
            rows.collect()
        })
    }

    /// Remembers somebody, in place of what was known of them.
    pub fn upsert_contact(&self, contact: &ContactRow) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO contact (user_id, name, kind, last_seen_ms) VALUES (?, ?, ?, ?)",
                (&contact.user_id, &contact.name, &contact.kind, contact.last_seen_ms),
            )
        })?;
        Ok(())
    }
}
