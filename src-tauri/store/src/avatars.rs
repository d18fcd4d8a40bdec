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

    /// Deletes the pictures that were kept for somebody who was never written; the number of them.
    pub fn forget_unused_avatars(&self) -> Result<usize, StoreError> {
        let sql = "DELETE FROM avatar WHERE NOT EXISTS (SELECT 1 FROM contact WHERE avatar_id = avatar.id)
                       AND NOT EXISTS (SELECT 1 FROM own_profile WHERE avatar_id = avatar.id)";
        self.with(|connection| connection.execute(sql, []))
    }

    /// The picture of that name; none if nobody has it any more.
    pub fn avatar(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT image FROM avatar WHERE id = ?")?;
            statement.query_row([id], |row| row.get(0)).optional()
        })
    }
}
