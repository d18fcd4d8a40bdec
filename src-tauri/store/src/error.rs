//! What can go wrong with what is kept.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A profile's name that is none: 1 to 64 of `A-Z a-z 0-9 . _ @ -`, not beginning with a dot, not a device of Windows.
    #[error("\"{0}\" can't be the name of a profile")]
    BadName(String),
    /// The directory or a file in it can't be made, read or written, or the disk is full.
    #[error("{} can't be written: {source}", path.display())]
    NotWritable {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another program holds this profile.
    #[error("{} is in use by another program", path.display())]
    InUse {
        /// The profile's directory.
        path: PathBuf,
    },
    /// A newer Peal made this database; it was left as it is.
    #[error("{} was made by a newer Peal (format {found}; this one knows {known})", path.display())]
    NewerFormat {
        /// The database.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers: {0}")]
    Randomness(getrandom::Error),
    /// The database failed in another way.
    #[error("the database failed: {0}")]
    Database(rusqlite::Error),
}

impl StoreError {
    /// What `SQLite` said about the database at `path`, in the words of this crate.
    pub(crate) fn from_sqlite(path: &std::path::Path, error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => io::ErrorKind::StorageFull,
            Some(ErrorCode::ReadOnly) => io::ErrorKind::ReadOnlyFilesystem,
            Some(ErrorCode::PermissionDenied) => io::ErrorKind::PermissionDenied,
            Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => io::ErrorKind::Other,
            _ => return Self::Database(error),
        };
        Self::NotWritable { path: path.to_owned(), source: io::Error::new(kind, error) }
    }
}
