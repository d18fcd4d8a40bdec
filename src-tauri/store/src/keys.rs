//! The device keys of others, pinned at first contact.

use crate::{Store, StoreError};

/// The key that a device showed when it was first met (or when it was last trusted).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedKey {
    /// The account.
    pub user_id: String,
    /// The device.
    pub device_id: String,
    /// Its public key (X25519, RFC 7748).
    pub public_key: [u8; 32],
}

impl Store {
    /// Every key pinned on a server. The server is an opaque name: the same account elsewhere is somebody else.
    pub fn pinned_keys(&self, server: &str) -> Result<Vec<PinnedKey>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT user_id, device_id, public_key FROM pinned_key WHERE server = ? ORDER BY user_id, device_id",
            )?;
            let rows = statement.query_map([server], |row| {
                Ok(PinnedKey { user_id: row.get(0)?, device_id: row.get(1)?, public_key: row.get(2)? })
            })?;
            rows.collect()
        })
    }

    /// Pins a key, in place of the one before: whether a changed key may be trusted is asked before.
    pub fn pin_key(&self, server: &str, key: &PinnedKey) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO pinned_key (server, user_id, device_id, public_key) VALUES (?, ?, ?, ?)",
                (server, &key.user_id, &key.device_id, key.public_key),
            )
        })?;
        Ok(())
    }

    /// The keys whose safety numbers two people have compared on a server: each as it was then, so that a key pinned
    /// since can be told from it.
    pub fn verified_keys(&self, server: &str) -> Result<Vec<PinnedKey>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT user_id, device_id, public_key FROM verified_key WHERE server = ? ORDER BY user_id, device_id",
            )?;
            let rows = statement.query_map([server], |row| {
                Ok(PinnedKey { user_id: row.get(0)?, device_id: row.get(1)?, public_key: row.get(2)? })
            })?;
            rows.collect()
        })
    }

    /// Remembers that a key has been compared, in place of what was compared of that device before.
    pub fn set_verified_key(&self, server: &str, key: &PinnedKey) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO verified_key (server, user_id, device_id, public_key) VALUES (?, ?, ?, ?)",
                (server, &key.user_id, &key.device_id, key.public_key),
            )
        })?;
        Ok(())
    }

    /// Forgets that a device's key has been compared.
    pub fn clear_verified_key(&self, server: &str, user_id: &str, device_id: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM verified_key WHERE server = ? AND user_id = ? AND device_id = ?";
        self.with(|connection| connection.execute(sql, (server, user_id, device_id)))?;
        Ok(())
    }
}
