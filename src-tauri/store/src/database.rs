//! Opening the database, and what happens when it can't be read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::StoreError;
use crate::directory::open_private;
use crate::history_search::add_functions;
use crate::schema::{APPLICATION_ID, MIGRATIONS, migrate};

/// An open database, and where the one went that could not be read.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    pub(crate) recovered: Option<PathBuf>,
}

impl Database {
    /// One in memory.
    pub(crate) fn in_memory() -> Result<Self, StoreError> {
        let open = || {
            let mut connection = Connection::open_in_memory()?;
            add_functions(&connection)?;
            migrate(&mut connection, MIGRATIONS, 0)?;
            Ok(Self { connection, recovered: None })
        };
        open().map_err(StoreError::Database)
    }

    /// The one at `path`, made if it is missing. One that is damaged is moved aside, and what can still be read of it
    /// is copied into a fresh one. The caller holds the directory.
    pub(crate) fn at(path: &Path) -> Result<Self, StoreError> {
        let damage = match open(path) {
            Ok(connection) => {
                return Ok(Self { connection, recovered: None });
            }
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::Damaged(damage)) => damage,
        };
        let aside = move_aside(path)?;
        tracing::warn!(%damage, "the database can't be read; it was moved aside and a fresh one is made");
        let connection = match open(path) {
            Ok(connection) => connection,
            Err(Failure::Refused(error)) => return Err(error),
            // A fresh file that reads back wrong: the disk itself is at fault.
            Err(Failure::Damaged(damage)) => {
                let source = std::io::Error::new(std::io::ErrorKind::InvalidData, damage);
                return Err(StoreError::NotWritable { path: path.to_owned(), source });
            }
        };
        rescue(&aside, &connection);
        Ok(Self { connection, recovered: Some(aside) })
    }
}

enum Failure {
    /// It is not a database of Peal, or no longer a whole one.
    Damaged(String),
    /// It is fine, or may be, and can't be used.
    Refused(StoreError),
}

fn open(path: &Path) -> Result<Connection, Failure> {
    // Made here so that it is private from its first byte; SQLite gives its journals the same mode.
    drop(open_private(path).map_err(Failure::Refused)?);
    prepare(path).map_err(|error| match error {
        Trouble::Stored(error) => Failure::Refused(error),
        Trouble::Damage(damage) => Failure::Damaged(damage),
        Trouble::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Failure::Damaged(error.to_string()),
            _ => Failure::Refused(StoreError::from_sqlite(path, error)),
        },
    })
}

enum Trouble {
    Sqlite(rusqlite::Error),
    Damage(String),
    Stored(StoreError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn prepare(path: &Path) -> Result<Connection, Trouble> {
    let mut connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // Nobody else should have it open; a person who looks into it by hand may, for a moment.
    connection.busy_timeout(Duration::from_secs(2))?;
    let Header { application, format, tables } = Header::read(&connection)?;
    let fresh = format == 0 && tables == 0;
    if !fresh && application != APPLICATION_ID {
        return Err(Trouble::Damage("it is not a database of Peal".to_owned()));
    }
    let known = MIGRATIONS.len() as u32;
    if format > known {
        let path = path.to_owned();
        return Err(Trouble::Stored(StoreError::NewerFormat { path, found: format, known }));
    }
    if !fresh {
        let verdict: String = connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if verdict != "ok" {
            return Err(Trouble::Damage(verdict));
        }
    }
    // Where the file system has no shared memory it stays with a rollback journal, which is as safe.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // A crash of the program loses nothing; a power cut may lose the last moments, and never the whole.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    add_functions(&connection)?;
    migrate(&mut connection, MIGRATIONS, format)?;
    Ok(connection)
}

struct Header {
    application: i32,
    format: u32,
    tables: u32,
}

impl Header {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            application: connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
            format: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
            tables: connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        })
    }
}

/// Renames the database and its journals to the first free `peal.db.broken-<n>`.
fn move_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = (1..=9_999)
        .map(|number| with(path, &format!(".broken-{number}")))
        .find(|candidate| std::fs::symlink_metadata(candidate).is_err())
        .unwrap_or_else(|| with(path, ".broken"));
    for suffix in ["-wal", "-shm", "-journal", ""] {
        let from = with(path, suffix);
        match std::fs::rename(&from, with(&aside, suffix)) {
            Err(source) if suffix.is_empty() || source.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::NotWritable { path: from, source });
            }
            _ => {}
        }
    }
    Ok(aside)
}

/// Every table, those first that matter most: without the keys every contact would be asked to trust a new device.
const TABLES: [&str; 11] = [
    "identity",
    "profile",
    "setting",
    "pinned_key",
    "verified_key",
    "contact",
    "own_profile",
    "avatar",
    "contact_group",
    "record",
    "deleted_record",
];

/// Copies every row that can still be read, also out of a database that an older Peal made.
fn rescue(from: &Path, to: &Connection) {
    // Read only, so that what is kept aside stays as it was found.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(from) = Connection::open_with_flags(from, flags) else {
        return;
    };
    let ours = Header::read(&from)
        .is_ok_and(|header| header.application == APPLICATION_ID && header.format as usize <= MIGRATIONS.len());
    if !ours {
        return;
    }
    for table in TABLES {
        match rescue_table(&from, to, table) {
            Ok(rows) => tracing::info!(table, rows, "copied from the damaged database"),
            Err(error) => tracing::warn!(table, %error, "the rest of the table is lost, or was never there"),
        }
    }
}

/// Copies by the columns' names: a later format has only ever added to them.
fn rescue_table(from: &Connection, to: &Connection, table: &str) -> rusqlite::Result<usize> {
    let mut select = from.prepare(&format!("SELECT * FROM {table}"))?;
    let quoted = |name: &&str| format!("\"{}\"", name.replace('"', "\"\""));
    let columns = select.column_names().iter().map(quoted).collect::<Vec<_>>().join(", ");
    let places = vec!["?"; select.column_count()].join(", ");
    let mut insert = to.prepare(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"))?;
    let count = select.column_count();
    let mut rows = select.query([])?;
    let mut copied = 0;
    while let Some(row) = rows.next()? {
        let values: Vec<rusqlite::types::Value> = (0..count).map(|column| row.get(column)).collect::<Result<_, _>>()?;
        // A row that breaks the table's own rules is garbage; the next one may be whole.
        copied += insert.execute(rusqlite::params_from_iter(values)).unwrap_or(0);
    }
    Ok(copied)
}
