//! Where the broker keeps sessions and retained messages.
//!
//! rmqtt's storage gives its sled databases to a thread that never ends (rmqtt-storage 0.11, `def_cleanup`), so within
//! one process a stopped broker never lets go of their files. Hence generations: a stopped broker leaves its files
//! behind, and the next one in the same process goes on with a copy. Our own lock file says whether a broker runs.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const LOCK: &str = "broker.lock";
const PREFIX: &str = "generation-";
/// The databases in a generation.
pub(crate) const SESSIONS: &str = "sessions";
pub(crate) const RETAINED: &str = "retained";
/// Attempts to copy files that keep changing.
const ATTEMPTS: usize = 20;

/// The data directory, held by one broker.
#[derive(Debug)]
pub(crate) struct Storage {
    /// Held until the broker has stopped.
    _lock: File,
    generation: PathBuf,
}

/// Why the directory can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("another broker uses it")]
    InUse,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Storage {
    /// Takes the directory and finds the newest generation, copying it if this process still has it open.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StorageError> {
        fs::create_dir_all(data_dir)?;
        let lock = File::options().create(true).truncate(false).write(true).open(data_dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StorageError::InUse),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let newest = generations(data_dir)?.pop().unwrap_or(1);
        let mut generation = data_dir.join(format!("{PREFIX}{newest}"));
        if is_left_open(&generation.join(SESSIONS))? || is_left_open(&generation.join(RETAINED))? {
            let next = data_dir.join(format!("{PREFIX}{}", newest + 1));
            // A copy counts from the moment it has its name: a crash in the middle leaves the old one in force.
            let unfinished = data_dir.join("copying");
            remove(&unfinished)?;
            copy_quiet(&generation, &unfinished)?;
            fs::rename(&unfinished, &next)?;
            generation = next;
        } else {
            fs::create_dir_all(&generation)?;
        }
        for old in generations(data_dir)? {
            let old = data_dir.join(format!("{PREFIX}{old}"));
            if old != generation
                && let Err(error) = remove(&old)
            {
                // Where open files can't be removed, a later start does it.
                tracing::debug!(%error, "an old generation stays");
            }
        }
        Ok(Self { _lock: lock, generation })
    }

    /// The directory of one of the databases.
    pub(crate) fn path(&self, database: &str) -> PathBuf {
        self.generation.join(database)
    }
}

/// The numbers of the generations, ascending.
fn generations(data_dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(data_dir)? {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|n| n.strip_prefix(PREFIX)).and_then(|n| n.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Whether a sled database is held by someone: by an earlier broker of this process, our own lock being free.
fn is_left_open(database: &Path) -> io::Result<bool> {
    let file = match File::options().write(true).open(database.join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies a directory whose files nobody should be changing, and makes sure that nobody did.
fn copy_quiet(from: &Path, to: &Path) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        let before = stamps(from)?;
        remove(to)?;
        copy(from, to)?;
        if stamps(from)? == before {
            return Ok(());
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "the broker's files keep changing"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Path, length and time of change of every file.
fn stamps(dir: &Path) -> io::Result<Vec<(PathBuf, u64, SystemTime)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            all.extend(stamps(&entry.path())?);
        } else {
            all.push((entry.path(), metadata.len(), metadata.modified()?));
        }
    }
    all.sort();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broker_at_a_time_holds_the_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Storage::open(dir.path()).expect("the first");
        assert!(matches!(Storage::open(dir.path()), Err(StorageError::InUse)));
        drop(first);
        assert!(Storage::open(dir.path()).is_ok());
    }

    #[test]
    fn files_that_are_left_open_go_on_as_a_copy() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Storage::open(dir.path()).expect("the first");
        let db = first.path(SESSIONS).join("db");
        fs::create_dir_all(first.path(SESSIONS)).expect("made");
        fs::write(&db, b"kept").expect("written");
        let left_open = File::options().write(true).open(&db).expect("open");
        left_open.lock().expect("locked");
        drop(first);

        let second = Storage::open(dir.path()).expect("the second");
        assert_ne!(second.path(SESSIONS).join("db"), db);
        assert_eq!(fs::read(second.path(SESSIONS).join("db")).expect("read"), b"kept");
        assert!(!db.exists(), "the old generation is gone");
        let path = second.path(SESSIONS);
        drop((second, left_open));

        let third = Storage::open(dir.path()).expect("the third");
        assert_eq!(third.path(SESSIONS), path, "nothing was left open: no copy");
    }
}
