//! What a profile remembers, and how.
#![allow(clippy::unwrap_used, reason = "a test that fails may fail loudly")]

use peal_store::{ContactRow, PinnedKey, Place, ProfileRow, RecordRow, Store};
use serde_json::json;

fn store() -> Store {
    Store::open(&Place::Temporary).unwrap()
}

fn record(call_id: &str, status: &str, started_at_ms: i64) -> RecordRow {
    RecordRow {
        call_id: call_id.to_owned(),
        user_id: "ada".to_owned(),
        direction: "incoming".to_owned(),
        media: "audio".to_owned(),
        status: status.to_owned(),
        reason: "hangup".to_owned(),
        started_at_ms,
        duration_ms: 0,
        message: None,
        seen: status != "missed",
        ..RecordRow::default()
    }
}

fn key(user_id: &str, device_id: &str, byte: u8) -> PinnedKey {
    PinnedKey { user_id: user_id.to_owned(), device_id: device_id.to_owned(), public_key: [byte; 32] }
}

#[test]
fn a_temporary_store_has_no_directory() {
    assert_eq!(store().directory(), None);
}

#[test]
fn the_identity_is_drawn_once_and_differs_between_devices() {
    let one = store();
    let identity = one.identity().unwrap();
    assert_eq!(one.identity().unwrap(), identity);
    let other = store().identity().unwrap();
    assert_ne!(identity.device_id, other.device_id);
    assert_ne!(identity.client_random, other.client_random);
    assert_ne!(identity.secret_key, other.secret_key);
    assert_ne!(identity.token, other.token);
}

#[test]
fn the_identity_fits_into_topics_and_client_ids() {
    let identity = store().identity().unwrap();
    for (text, length) in [(&identity.device_id, 16), (&identity.client_random, 32), (&identity.token, 64)] {
        assert_eq!(text.len(), length);
        assert!(text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{text}");
    }
}

#[test]
fn threads_that_ask_at_once_get_one_identity() {
    let store = store();
    let identities: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| store.identity().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(identities.iter().all(|identity| *identity == identities[0]));
}

#[test]
fn secrets_are_not_printed() {
    let identity = store().identity().unwrap();
    let shown = format!("{identity:?}");
    assert!(shown.contains(&identity.device_id));
    assert!(!shown.contains(&identity.token) && !shown.contains(&identity.client_random) && !shown.contains("secret"));

    let profile = ProfileRow {
        account: "ada".to_owned(),
        display_name: "Ada".to_owned(),
        server: Some("mqtts://example.org".to_owned()),
        token: Some("hush".to_owned()),
    };
    assert!(!format!("{profile:?}").contains("hush"));
}

#[test]
fn a_logout_forgets_the_token_and_proposes_the_rest() {
    let store = store();
    assert_eq!(store.profile().unwrap(), None);
    assert_eq!(store.last_profile().unwrap(), None);
    let profile = ProfileRow {
        account: "ada".to_owned(),
        display_name: "Ada".to_owned(),
        server: Some("mqtts://example.org".to_owned()),
        token: Some("hush".to_owned()),
    };
    store.set_profile(&profile).unwrap();
    assert_eq!(store.profile().unwrap().as_ref(), Some(&profile));

    store.clear_profile().unwrap();
    assert_eq!(store.profile().unwrap(), None);
    assert_eq!(store.last_profile().unwrap(), Some(ProfileRow { token: None, ..profile.clone() }));

    let embedded = ProfileRow { server: None, token: None, ..profile };
    store.set_profile(&embedded).unwrap();
    assert_eq!(store.profile().unwrap(), Some(embedded));
}

#[test]
fn a_setting_is_replaced_as_a_whole() {
    let store = store();
    assert_eq!(store.setting("settings").unwrap(), None);
    store.set_setting("settings", &json!({ "language": "zh-CN", "theme": "dark" })).unwrap();
    store.set_setting("settings", &json!({ "language": "简体" })).unwrap();
    assert_eq!(store.setting("settings").unwrap(), Some(json!({ "language": "简体" })));
}

#[test]
fn a_setting_that_cannot_be_parsed_counts_as_none() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::At(directory.path().to_owned());
    Store::open(&place).unwrap().set_setting("settings", &json!(1)).unwrap();
    let by_hand = rusqlite::Connection::open(directory.path().join("peal.db")).unwrap();
    by_hand.execute("UPDATE setting SET value = '{\"theme\":'", []).unwrap();
    drop(by_hand);
    let store = Store::open(&place).unwrap();
    assert_eq!(store.setting("settings").unwrap(), None);
    store.set_setting("settings", &json!(2)).unwrap();
    assert_eq!(store.setting("settings").unwrap(), Some(json!(2)));
}

#[test]
fn a_contact_is_known_once_with_the_latest_name() {
    let store = store();
    let contact = |user_id: &str, name: &str, last_seen_ms| ContactRow {
        user_id: user_id.to_owned(),
        name: name.to_owned(),
        kind: "person".to_owned(),
        last_seen_ms,
        ..ContactRow::default()
    };
    for row in [contact("bob", "Bob", 1), contact("ada", "Ada", 2), contact("bob", "Robert", 3)] {
        store.upsert_contact(&row).unwrap();
    }
    assert_eq!(store.contacts().unwrap(), [contact("ada", "Ada", 2), contact("bob", "Robert", 3)]);
}

#[test]
fn keys_are_pinned_per_server_and_device() {
    let store = store();
    store.pin_key("home", &key("ada", "1", 1)).unwrap();
    store.pin_key("home", &key("ada", "2", 2)).unwrap();
    store.pin_key("office", &key("ada", "1", 3)).unwrap();
    store.pin_key("home", &key("ada", "1", 4)).unwrap();
    assert_eq!(store.pinned_keys("home").unwrap(), [key("ada", "1", 4), key("ada", "2", 2)]);
    assert_eq!(store.pinned_keys("office").unwrap(), [key("ada", "1", 3)]);
    assert_eq!(store.pinned_keys("elsewhere").unwrap(), []);
}

#[test]
fn the_history_is_newest_first_and_bounded() {
    let store = store();
    for (call_id, time) in [("b", 20), ("c", 30), ("a", 10), ("c2", 30)] {
        assert!(store.upsert_record(&record(call_id, "completed", time)).unwrap());
    }
    let ids = |limit| store.records(limit).unwrap().into_iter().map(|row| row.call_id).collect::<Vec<_>>();
    assert_eq!(ids(10), ["c2", "c", "b", "a"]);
    assert_eq!(ids(2), ["c2", "c"]);
    assert_eq!(ids(usize::MAX).len(), 4);
    assert!(ids(0).is_empty());
}

#[test]
fn a_record_told_twice_is_one_record() {
    let store = store();
    assert!(store.upsert_record(&record("a", "missed", 10)).unwrap());
    assert!(!store.upsert_record(&record("a", "missed", 99)).unwrap());
    assert_eq!(store.records(9).unwrap(), [record("a", "missed", 10)]);
}

#[test]
fn a_completed_call_is_never_missed_later() {
    let store = store();
    let completed = RecordRow { duration_ms: 61_000, ..record("a", "completed", 10) };
    store.upsert_record(&completed).unwrap();
    for status in ["missed", "cancelled", "rejected", "busy"] {
        assert!(!store.upsert_record(&record("a", status, 11)).unwrap(), "{status}");
    }
    assert_eq!(store.records(9).unwrap(), [completed]);
    assert_eq!(store.missed_count().unwrap(), 0);
}

#[test]
fn a_missed_call_turns_out_to_be_completed_elsewhere() {
    let store = store();
    store.upsert_record(&record("a", "missed", 10)).unwrap();
    let completed = RecordRow { duration_ms: 500, message: Some("door".to_owned()), ..record("a", "completed", 12) };
    assert!(store.upsert_record(&completed).unwrap());
    assert_eq!(store.records(9).unwrap(), [RecordRow { started_at_ms: 10, ..completed }]);
    assert_eq!(store.missed_count().unwrap(), 0);
}

#[test]
fn what_was_seen_stays_seen_and_words_are_not_lost() {
    let store = store();
    store.upsert_record(&RecordRow { message: Some("door".to_owned()), ..record("a", "missed", 10) }).unwrap();
    store.upsert_record(&record("b", "missed", 20)).unwrap();
    store.upsert_record(&record("c", "completed", 30)).unwrap();
    assert_eq!(store.missed_count().unwrap(), 2);
    assert_eq!(store.mark_seen().unwrap(), 2);
    assert_eq!(store.missed_count().unwrap(), 0);
    assert!(!store.upsert_record(&record("a", "missed", 10)).unwrap());
    assert_eq!(store.missed_count().unwrap(), 0);
    assert_eq!(store.records(9).unwrap()[2].message.as_deref(), Some("door"));
    assert_eq!(store.mark_seen().unwrap(), 0);
}
