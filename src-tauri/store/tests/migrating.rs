//! A database of an older Peal opens, with everything in it.
#![allow(clippy::unwrap_used, reason = "a test that fails may fail loudly")]

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use peal_store::{ContactRow, PinnedKey, Place, ProfileRow, RecordRow, Store};
use rusqlite::Connection;

/// The tables of format 1 as that version made them.
const FORMAT_1: &str = "
    CREATE TABLE identity (
        id            INTEGER PRIMARY KEY CHECK (id = 1),
        device_id     TEXT NOT NULL,
        client_random TEXT NOT NULL,
        secret_key    BLOB NOT NULL CHECK (length(secret_key) = 32),
        token         TEXT NOT NULL
    ) STRICT;
    CREATE TABLE profile (
        id           INTEGER PRIMARY KEY CHECK (id = 1),
        account      TEXT NOT NULL,
        display_name TEXT NOT NULL,
        server       TEXT,
        token        TEXT,
        logged_in    INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE contact (
        user_id      TEXT PRIMARY KEY,
        name         TEXT NOT NULL,
        kind         TEXT NOT NULL,
        last_seen_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pinned_key (
        server     TEXT NOT NULL,
        user_id    TEXT NOT NULL,
        device_id  TEXT NOT NULL,
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        PRIMARY KEY (server, user_id, device_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE record (
        id            INTEGER PRIMARY KEY,
        call_id       TEXT NOT NULL UNIQUE,
        user_id       TEXT NOT NULL,
        direction     TEXT NOT NULL,
        media         TEXT NOT NULL,
        status        TEXT NOT NULL,
        reason        TEXT NOT NULL,
        started_at_ms INTEGER NOT NULL,
        duration_ms   INTEGER NOT NULL,
        message       TEXT,
        seen          INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX record_by_time ON record (started_at_ms DESC, id DESC);
    CREATE INDEX record_unseen ON record (seen) WHERE seen = 0;
    PRAGMA application_id = 0x5065616c;
    PRAGMA user_version = 1;
";

/// Writes a database of format 1 with one of everything, and `records` calls.
fn write_format_1(directory: &Path, records: u32) {
    let old = Connection::open(directory.join("peal.db")).unwrap();
    old.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    old.execute_batch(FORMAT_1).unwrap();
    old.execute("INSERT INTO identity VALUES (1, 'd0', 'c0', ?, 't0')", [[9_u8; 32]]).unwrap();
    old.execute("INSERT INTO profile VALUES (1, 'ada', 'Ada', 'mqtts://example.org', 'secret', 1)", []).unwrap();
    old.execute("INSERT INTO setting VALUES ('settings', '{\"theme\":\"dark\"}')", []).unwrap();
    old.execute("INSERT INTO contact VALUES ('bob', 'Bob', 'person', 5), ('gate', 'gate', 'device', 6)", []).unwrap();
    old.execute("INSERT INTO pinned_key VALUES ('home', 'bob', '1', ?)", [[7_u8; 32]]).unwrap();
    for number in 0..records {
        old.execute(
            "INSERT INTO record VALUES (NULL, ?, 'bob', 'incoming', 'audio', 'missed', 'no_response', ?, 0, ?, 0)",
            (format!("call-{number}"), number, "m".repeat(400)),
        )
        .unwrap();
    }
}

fn contact(user_id: &str, name: &str, kind: &str, last_seen_ms: i64) -> ContactRow {
    ContactRow {
        user_id: user_id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        last_seen_ms,
        gender: "unknown".to_owned(),
        ..ContactRow::default()
    }
}

fn record(number: u32) -> RecordRow {
    RecordRow {
        call_id: format!("call-{number}"),
        user_id: "bob".to_owned(),
        direction: "incoming".to_owned(),
        media: "audio".to_owned(),
        status: "missed".to_owned(),
        reason: "no_response".to_owned(),
        started_at_ms: i64::from(number),
        message: Some("m".repeat(400)),
        ..RecordRow::default()
    }
}

fn assert_all_but_the_history(store: &Store) {
    let identity = store.identity().unwrap();
    assert_eq!((identity.device_id.as_str(), identity.secret_key), ("d0", [9; 32]));
    let profile = ProfileRow {
        account: "ada".to_owned(),
        display_name: "Ada".to_owned(),
        server: Some("mqtts://example.org".to_owned()),
        token: Some("secret".to_owned()),
    };
    assert_eq!(store.profile().unwrap(), Some(profile));
    assert_eq!(store.setting("settings").unwrap(), Some(serde_json::json!({ "theme": "dark" })));
    let key = PinnedKey { user_id: "bob".to_owned(), device_id: "1".to_owned(), public_key: [7; 32] };
    assert_eq!(store.pinned_keys("home").unwrap(), [key]);
}

#[test]
fn a_database_of_format_1_opens_with_everything_in_it() {
    let directory = tempfile::tempdir().unwrap();
    write_format_1(directory.path(), 2);
    let place = Place::At(directory.path().to_owned());
    for _ in 0..2 {
        let store = Store::open(&place).unwrap();
        assert_eq!(store.recovered(), None);
        assert_all_but_the_history(&store);
        // Somebody without a name was kept under their account.
        assert_eq!(store.contacts().unwrap(), [contact("bob", "Bob", "person", 5), contact("gate", "", "device", 6)]);
        assert_eq!(store.records(9).unwrap(), [record(1), record(0)]);
        assert_eq!(store.groups().unwrap(), []);
        assert_eq!(store.missed_count().unwrap(), 2);
    }
    let store = Store::open(&place).unwrap();
    store.upsert_contact(&ContactRow { is_favorite: true, ..contact("bob", "Bob", "person", 5) }).unwrap();
    assert!(store.contacts().unwrap()[0].is_favorite);
}

#[test]
fn damage_in_a_database_of_format_1_costs_no_keys() {
    let directory = tempfile::tempdir().unwrap();
    write_format_1(directory.path(), 500);
    // The last pages hold the history's newest rows.
    let mut file = fs::OpenOptions::new().write(true).open(directory.path().join("peal.db")).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length - 5 * 4096)).unwrap();
    file.write_all(&vec![0xa5; 5 * 4096]).unwrap();
    drop(file);

    let store = Store::open(&Place::At(directory.path().to_owned())).unwrap();
    assert!(store.recovered().is_some());
    assert_all_but_the_history(&store);
    assert_eq!(store.contacts().unwrap().len(), 2);
    let rescued = store.records(1000).unwrap();
    assert!((100..500).contains(&rescued.len()), "{} of 500 records", rescued.len());
}
