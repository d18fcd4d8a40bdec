//! Who logs in here, and where.

use std::fmt;

use rusqlite::OptionalExtension;

use crate::{Store, StoreError};

/// The login of this profile.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// The account.
    pub account: String,
    /// The name that others see.
    pub display_name: String,
    /// The server's address; absent: the embedded broker.
    pub server: Option<String>,
    /// What proves the account to the server; absent: the identity's own.
    pub token: Option<String>,
}

impl fmt::Debug for ProfileRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProfileRow")
            .field("account", &self.account)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The login to come back to at the next start; none before the first login and after a logout.
    pub fn profile(&self) -> Result<Option<ProfileRow>, StoreError> {
        self.read_profile("SELECT account, display_name, server, token FROM profile WHERE logged_in = 1")
    }

    /// The last login, also after a logout, which leaves its token out: what a login screen may propose.
    pub fn last_profile(&self) -> Result<Option<ProfileRow>, StoreError> {
        self.read_profile("SELECT account, display_name, server, token FROM profile")
    }

    /// Remembers the login.
    pub fn set_profile(&self, profile: &ProfileRow) -> Result<(), StoreError> {
        self.with(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO profile (id, account, display_name, server, token, logged_in)
                 VALUES (1, ?, ?, ?, ?, 1)",
                (&profile.account, &profile.display_name, &profile.server, &profile.token),
            )
        })?;
        Ok(())
    }

    /// Forgets the login and its token; the name and the server stay for [`Store::last_profile`].
    pub fn clear_profile(&self) -> Result<(), StoreError> {
        self.with(|connection| connection.execute("UPDATE profile SET token = NULL, logged_in = 0", []))?;
        Ok(())
    }

    fn read_profile(&self, sql: &str) -> Result<Option<ProfileRow>, StoreError> {
        self.with(|connection| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok(ProfileRow {
                    account: row.get(0)?,
                    display_name: row.get(1)?,
                    server: row.get(2)?,
                    token: row.get(3)?,
                })
            };
            connection.query_row(sql, [], read).optional()
        })
    }
}
