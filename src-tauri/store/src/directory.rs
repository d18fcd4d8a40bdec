//! A profile's directory: made for its owner alone, and held by one program at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// A directory held by this program until the value is dropped.
#[derive(Debug)]
pub(crate) struct HeldDirectory {
    path: PathBuf,
    /// The system releases the lock with the file, also when the program dies.
    _lock: File,
}

impl HeldDirectory {
    /// Makes the directory if it is missing, and holds it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let not_writable = |source| StoreError::NotWritable { path: path.to_owned(), source };
        let path = std::path::absolute(path).map_err(not_writable)?;
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(not_writable)?;

        let lock = open_private(&path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(StoreError::NotWritable { path, source }),
        }
    }

    /// Where it is, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens a file for reading and writing, made if it is missing, which no other user may read.
pub(crate) fn open_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let open = || {
        let file = options.open(path)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    };
    open().map_err(|source| StoreError::NotWritable { path: path.to_owned(), source })
}
