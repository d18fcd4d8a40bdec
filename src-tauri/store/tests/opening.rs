//! Opening a profile, when all is well and when it is not.
#![allow(clippy::unwrap_used, reason = "a test that fails may fail loudly")]

use std::fs;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use peal_store::{ContactRow, PinnedKey, Place, ProfileRow, RecordRow, Store, StoreError};
use rusqlite::Connection;

fn at(directory: &Path) -> Place {
    Place::At(directory.to_owned())
}

fn contact(user_id: &str) -> ContactRow {
    ContactRow {
        user_id: user_id.to_owned(),
        name: "Ada".to_owned(),
        kind: "person".to_owned(),
        last_seen_ms: 1,
        ..ContactRow::default()
    }
}

fn record(number: i64) -> RecordRow {
    RecordRow {
        call_id: format!("call-{number}"),
        user_id: "ada".to_owned(),
        direction: "incoming".to_owned(),
        media: "audio".to_owned(),
        status: "missed".to_owned(),
        reason: "no_response".to_owned(),
        started_at_ms: number,
        duration_ms: 0,
        message: Some("m".repeat(400)),
        seen: false,
        ..RecordRow::default()
    }
}

/// This test again, in a program of its own; killed with the value.
struct OtherProgram(Child);

impl OtherProgram {
    /// Runs `test` with `PEAL_STORE_TEST` set, and waits for the line `ready` from it.
    fn start(test: &str, directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("PEAL_STORE_TEST", directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let ready = stdout.lines().any(|line| line.unwrap().ends_with("ready"));
        let program = Self(child);
        assert!(ready, "the other program ended before it was ready");
        program
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for OtherProgram {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In the other program: says so, and waits to be killed.
fn ready_until_killed() {
    println!("ready");
    let _ = std::io::stdin().lines().count();
}

#[test]
fn what_was_kept_is_there_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let place = at(&directory.path().join("a").join("b"));
    let profile =
        ProfileRow { account: "ada".into(), display_name: "Ada".into(), server: None, token: Some("secret".into()) };
    let key = PinnedKey { user_id: "bob".into(), device_id: "1".into(), public_key: [7; 32] };

    let store = Store::open(&place).unwrap();
    let identity = store.identity().unwrap();
    store.set_profile(&profile).unwrap();
    store.upsert_contact(&contact("bob")).unwrap();
    store.pin_key("here", &key).unwrap();
    store.upsert_record(&record(1)).unwrap();
    store.set_setting("all", &serde_json::json!({ "theme": "dark" })).unwrap();
    drop(store);

    let store = Store::open(&place).unwrap();
    assert_eq!(store.identity().unwrap(), identity);
    assert_eq!(store.profile().unwrap(), Some(profile));
    assert_eq!(store.contacts().unwrap(), [contact("bob")]);
    assert_eq!(store.pinned_keys("here").unwrap(), [key]);
    assert_eq!(store.records(9).unwrap(), [record(1)]);
    assert_eq!(store.setting("all").unwrap(), Some(serde_json::json!({ "theme": "dark" })));
    assert_eq!(store.recovered(), None);
}

#[test]
fn a_profile_held_by_another_program_is_in_use_until_that_program_dies() {
    if let Some(directory) = std::env::var_os("PEAL_STORE_TEST") {
        let _held = Store::open(&Place::At(directory.into())).unwrap();
        return ready_until_killed();
    }
    let directory = tempfile::tempdir().unwrap();
    let test = "a_profile_held_by_another_program_is_in_use_until_that_program_dies";
    let other = OtherProgram::start(test, directory.path());
    let error = Store::open(&at(directory.path())).unwrap_err();
    assert!(matches!(&error, StoreError::InUse { path } if path == directory.path()), "{error}");
    other.kill();
    Store::open(&at(directory.path())).unwrap();
}

#[test]
fn what_a_killed_program_had_written_is_there() {
    if let Some(directory) = std::env::var_os("PEAL_STORE_TEST") {
        let store = Store::open(&Place::At(directory.into())).unwrap();
        store.upsert_record(&record(1)).unwrap();
        return ready_until_killed();
    }
    let directory = tempfile::tempdir().unwrap();
    OtherProgram::start("what_a_killed_program_had_written_is_there", directory.path()).kill();
    let store = Store::open(&at(directory.path())).unwrap();
    assert_eq!(store.records(9).unwrap(), [record(1)]);
    assert_eq!(store.recovered(), None);
}

#[test]
fn a_second_store_of_one_profile_waits_for_the_first_to_be_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let first = Store::open(&at(directory.path())).unwrap();
    assert!(matches!(Store::open(&at(directory.path())), Err(StoreError::InUse { .. })));
    drop(first);
    Store::open(&at(directory.path())).unwrap();
}

#[test]
fn a_directory_that_cannot_be_made_is_not_writable() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let wanted = file.join("profile");
    let error = Store::open(&at(&wanted)).unwrap_err();
    assert!(matches!(&error, StoreError::NotWritable { path, .. } if *path == wanted), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_takes_no_files_is_not_writable() {
    let error = Store::open(&at(Path::new("/proc/self"))).unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
}

#[test]
fn a_database_that_is_a_directory_is_not_writable() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("peal.db")).unwrap();
    let error = Store::open(&at(directory.path())).unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
}

#[test]
fn garbage_is_moved_aside_and_kept_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("peal.db");
    for number in 1..=2 {
        let garbage = format!("no database {number}").repeat(1000);
        fs::write(&database, &garbage).unwrap();
        fs::write(directory.path().join("peal.db-wal"), "no journal").unwrap();
        let store = Store::open(&at(directory.path())).unwrap();
        let aside = directory.path().join(format!("peal.db.broken-{number}"));
        assert_eq!(store.recovered(), Some(aside.as_path()));
        assert_eq!(fs::read_to_string(&aside).unwrap(), garbage);
        store.identity().unwrap();
    }
    let store = Store::open(&at(directory.path())).unwrap();
    assert_eq!(store.recovered(), None);
}

#[test]
fn somebody_elses_database_is_moved_aside_unharmed() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("peal.db");
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE identity (name TEXT);").unwrap();
    let store = Store::open(&at(directory.path())).unwrap();
    let aside = store.recovered().unwrap().to_owned();
    store.identity().unwrap();
    let tables: i64 = Connection::open(aside)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'identity'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn damage_in_the_history_does_not_cost_the_device_its_identity() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&at(directory.path())).unwrap();
    let identity = store.identity().unwrap();
    for number in 0..500 {
        store.upsert_record(&record(number)).unwrap();
    }
    drop(store);

    // The last pages hold the history's newest rows.
    let path = directory.path().join("peal.db");
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length - 5 * 4096)).unwrap();
    file.write_all(&vec![0xa5; 5 * 4096]).unwrap();
    drop(file);

    let store = Store::open(&at(directory.path())).unwrap();
    assert!(store.recovered().is_some());
    assert_eq!(store.identity().unwrap(), identity);
    let rescued = store.records(1000).unwrap();
    assert!((100..500).contains(&rescued.len()), "{} of 500 records", rescued.len());
    assert!(rescued.iter().all(|row| *row == record(row.started_at_ms)));
}

#[test]
fn a_database_cut_short_is_moved_aside() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&at(directory.path())).unwrap();
    for number in 0..100 {
        store.upsert_record(&record(number)).unwrap();
    }
    drop(store);
    let path = directory.path().join("peal.db");
    let length = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    let store = Store::open(&at(directory.path())).unwrap();
    assert!(store.recovered().is_some());
    store.identity().unwrap();
}

#[test]
fn a_newer_format_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(&at(directory.path())).unwrap());
    let path = directory.path().join("peal.db");
    let future = Connection::open(&path).unwrap();
    future.pragma_update(None, "user_version", 99).unwrap();
    future.execute_batch("CREATE TABLE tomorrow (x TEXT);").unwrap();
    drop(future);
    let before = fs::read(&path).unwrap();

    let error = Store::open(&at(directory.path())).unwrap_err();
    assert!(matches!(error, StoreError::NewerFormat { found: 99, .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!directory.path().join("peal.db.broken-1").exists());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let profile = directory.path().join("new").join("profile");
    let store = Store::open(&at(&profile)).unwrap();
    store.identity().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&profile), 0o700);
    assert_eq!(mode(profile.parent().unwrap()), 0o700);
    let files: Vec<_> = fs::read_dir(&profile).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}
