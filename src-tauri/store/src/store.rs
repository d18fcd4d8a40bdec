//! One profile, open.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::database::Database;
use crate::directory::HeldDirectory;
use crate::{Place, StoreError};

/// What one profile keeps. It may be shared between threads; every call is one short transaction, well under a
/// millisecond on a working disk.
pub struct Store {
    // Fields are dropped in this order: the database is closed before the next program may have it.
    connection: Mutex<Connection>,
    recovered: Option<PathBuf>,
    directory: Option<HeldDirectory>,
}

impl Store {
    /// Opens the profile, and makes it if it is not there.
    ///
    /// A database that can't be read is moved aside, see [`Store::recovered`].
    ///
    /// # Errors
    /// [`StoreError::BadName`], [`StoreError::NotWritable`], [`StoreError::InUse`] while another program (or another
    /// `Store`) holds it, [`StoreError::NewerFormat`].
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        let (database, directory) = match place.directory()? {
            None => (Database::in_memory()?, None),
            Some(path) => {
                let directory = HeldDirectory::open(&path)?;
                (Database::at(&directory.path().join("peal.db"))?, Some(directory))
            }
        };
        Ok(Self { connection: Mutex::new(database.connection), recovered: database.recovered, directory })
    }

    /// The profile's directory, absolute; none if it is in memory.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_ref().map(HeldDirectory::path)
    }

    /// Where the database went that could not be read when this one was opened. What could be read of it is here.
    pub fn recovered(&self) -> Option<&Path> {
        self.recovered.as_deref()
    }

    /// Runs one piece of work on the database, alone.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        // SQLite rolls back what a panic left half done, so the connection is sound.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|error| {
            let path = self.directory().unwrap_or(Path::new("")).join("peal.db");
            StoreError::from_sqlite(&path, error)
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("directory", &self.directory()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_not_writable_and_harms_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&Place::At(directory.path().to_owned())).unwrap();
        store.with(|connection| connection.pragma_update(None, "max_page_count", 1)).unwrap();
        let large = serde_json::Value::String("x".repeat(1_000_000));
        let error = store.set_setting("large", &large).unwrap_err();
        let StoreError::NotWritable { path, source } = &error else { panic!("{error}") };
        assert_eq!(*path, directory.path().join("peal.db"));
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(store.setting("large").unwrap(), None);
        store.set_setting("small", &serde_json::json!(1)).unwrap();
    }

    #[test]
    fn a_panic_in_one_thread_leaves_the_store_usable() {
        let store = Store::open(&Place::Temporary).unwrap();
        let panicked = std::thread::scope(|scope| {
            scope.spawn(|| store.with(|_| -> rusqlite::Result<()> { panic!("on purpose") })).join()
        });
        assert!(panicked.is_err());
        store.identity().unwrap();
    }
}
