//! Pictures of people. A picture that no contact and no profile names any more is deleted by the database itself.

use rusqlite::OptionalExtension;

use crate::{Store, StoreError};

/// Largest picture that is kept, in bytes.
pub const AVATAR_LIMIT: usize = 32 * 1024;

impl Store {
    /// Keeps a picture under a name made from its content. To be called before whoever has it is written.
    ///
    /// # Errors
    /// [`StoreError::Database`] for an empty one or one above [`AVATAR_LIMIT`], or the database's.
    pub fn keep_avatar(&self, id: &str, image: &[u8]) -> Result<(), StoreError> {
        // Not OR IGNORE, which would let a picture that is too large pass in silence.
        let sql = "INSERT INTO avatar (id, image) VALUES (?, ?) ON CONFLICT (id) DO NOTHING";
        self.with(|connection| connection.prepare_cached(sql)?.execute((id, image)))?;
        Ok(())
    }

    /// The picture of that name; none if nobody has it any more.
    pub fn avatar(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT image FROM avatar WHERE id = ?")?;
            statement.query_row([id], |row| row.get(0)).optional()
        })
    }
}
