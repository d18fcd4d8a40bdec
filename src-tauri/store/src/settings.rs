//! What the person chose.

use rusqlite::OptionalExtension;
use serde_json::Value;

use crate::{Store, StoreError};

impl Store {
    /// The JSON value kept under `key`. One that can no longer be parsed counts as none: nobody should be locked out of
    /// their phone by a setting.
    pub fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let text: Option<String> = self.with(|connection| {
            connection.query_row("SELECT value FROM setting WHERE key = ?", [key], |row| row.get(0)).optional()
        })?;
        Ok(text.and_then(|text| match serde_json::from_str(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(key, %error, "a setting can't be parsed and is left out");
                None
            }
        }))
    }

    /// Keeps a JSON value under `key`, in place of the one before.
    pub fn set_setting(&self, key: &str, value: &Value) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (key, value.to_string()))
        })?;
        Ok(())
    }
}
