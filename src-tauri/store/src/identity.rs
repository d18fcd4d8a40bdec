//! Who this device is.

use std::fmt;

use rusqlite::OptionalExtension;

use crate::{Store, StoreError};

/// What tells this device from every other, drawn at random once and kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The device's name in topics: 16 hexadecimal digits.
    pub device_id: String,
    /// The part of the MQTT client id that nobody can guess: 32 hexadecimal digits.
    pub client_random: String,
    /// The X25519 secret key (RFC 7748) that signals are sealed and opened with. Any 32 bytes are a valid one.
    pub secret_key: [u8; 32],
    /// What proves this device to the embedded broker: 64 hexadecimal digits.
    pub token: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").field("device_id", &self.device_id).finish_non_exhaustive()
    }
}

impl Store {
    /// This device's identity, made at the first call.
    ///
    /// # Errors
    /// [`StoreError::Randomness`], or the database's.
    pub fn identity(&self) -> Result<Identity, StoreError> {
        let kept = self.with(|connection| {
            let sql = "SELECT device_id, client_random, secret_key, token FROM identity";
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Identity {
                    device_id: row.get(0)?,
                    client_random: row.get(1)?,
                    secret_key: row.get(2)?,
                    token: row.get(3)?,
                })
            };
            connection.query_row(sql, [], read).optional()
        })?;
        if let Some(identity) = kept {
            return Ok(identity);
        }
        let made = Identity {
            device_id: hexadecimal(&random::<8>()?),
            client_random: hexadecimal(&random::<16>()?),
            secret_key: random()?,
            token: hexadecimal(&random::<32>()?),
        };
        let inserted = self.with(|connection| {
            connection.execute(
                "INSERT OR IGNORE INTO identity (id, device_id, client_random, secret_key, token) VALUES (1, ?, ?, ?, ?)",
                (&made.device_id, &made.client_random, made.secret_key, &made.token),
            )
        })?;
        // Another thread was first: its identity is the one.
        if inserted == 1 { Ok(made) } else { self.identity() }
    }
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(StoreError::Randomness)?;
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
