//! Contacts, groups, pictures, profiles and verified keys.
#![allow(clippy::unwrap_used, reason = "a test that fails may fail loudly")]

use peal_store::{AVATAR_LIMIT, ContactRow, GroupRow, OwnProfileRow, PinnedKey, Place, Store};

fn store() -> Store {
    Store::open(&Place::Temporary).unwrap()
}

fn with_avatar(user_id: &str, avatar: Option<&str>) -> ContactRow {
    ContactRow { user_id: user_id.to_owned(), avatar_id: avatar.map(str::to_owned), ..ContactRow::default() }
}

fn full(user_id: &str) -> ContactRow {
    ContactRow {
        user_id: user_id.to_owned(),
        name: "Ada".to_owned(),
        kind: "person".to_owned(),
        last_seen_ms: 7,
        gender: "female".to_owned(),
        birthday: "--12-10".to_owned(),
        region: "London".to_owned(),
        signature: "An engine; \u{4f60}\u{597d}".to_owned(),
        address: "St James's Square".to_owned(),
        avatar_id: Some("picture".to_owned()),
        note_name: "The Countess".to_owned(),
        note_text: "writes\nprograms".to_owned(),
        is_favorite: true,
        is_no_disturb: true,
        is_in_black_list: true,
        is_friend: true,
        is_removed: true,
    }
}

#[test]
fn every_field_of_a_contact_is_kept() {
    let store = store();
    store.keep_avatar("picture", b"png").unwrap();
    store.upsert_contact(&full("ada")).unwrap();
    assert_eq!(store.contacts().unwrap(), [full("ada")]);
    let plain = with_avatar("ada", None);
    store.upsert_contact(&plain).unwrap();
    assert_eq!(store.contacts().unwrap(), [plain]);
}

#[test]
fn many_contacts_are_kept_all_or_none() {
    let store = store();
    store.upsert_contacts(&[full("ada"), full("bob")]).unwrap();
    assert_eq!(store.contacts().unwrap(), [full("ada"), full("bob")]);
}

#[test]
fn a_picture_lasts_as_long_as_somebody_has_it() {
    let store = store();
    store.keep_avatar("one", b"1").unwrap();
    store.keep_avatar("two", b"2").unwrap();
    store.upsert_contact(&with_avatar("ada", Some("one"))).unwrap();
    store.upsert_contact(&with_avatar("bob", Some("one"))).unwrap();
    store.upsert_contact(&with_avatar("ada", Some("two"))).unwrap();
    assert_eq!(store.avatar("one").unwrap().as_deref(), Some(b"1".as_slice()), "bob has it still");
    let me = |avatar: Option<&str>| OwnProfileRow {
        account: "me".to_owned(),
        avatar_id: avatar.map(str::to_owned),
        ..OwnProfileRow::default()
    };
    store.set_own_profile(&me(Some("one"))).unwrap();
    store.upsert_contact(&with_avatar("bob", None)).unwrap();
    assert_eq!(store.avatar("one").unwrap().as_deref(), Some(b"1".as_slice()), "I have it still");
    store.set_own_profile(&me(None)).unwrap();
    assert_eq!(store.avatar("one").unwrap(), None);
    assert_eq!(store.avatar("two").unwrap().as_deref(), Some(b"2".as_slice()));
}

#[test]
fn a_picture_that_nobody_got_is_forgotten() {
    let store = store();
    store.keep_avatar("one", b"1").unwrap();
    store.keep_avatar("two", b"2").unwrap();
    store.keep_avatar("mine", b"3").unwrap();
    store.upsert_contact(&with_avatar("ada", Some("one"))).unwrap();
    let me = OwnProfileRow { avatar_id: Some("mine".to_owned()), ..OwnProfileRow::default() };
    store.set_own_profile(&me).unwrap();
    assert_eq!(store.forget_unused_avatars().unwrap(), 1);
    assert_eq!(store.avatar("two").unwrap(), None);
    assert!(store.avatar("one").unwrap().is_some() && store.avatar("mine").unwrap().is_some());
}

#[test]
fn a_picture_told_again_is_the_same_picture() {
    let store = store();
    store.keep_avatar("one", b"1").unwrap();
    store.keep_avatar("one", b"1").unwrap();
    store.upsert_contact(&with_avatar("ada", Some("one"))).unwrap();
    store.upsert_contact(&with_avatar("ada", Some("one"))).unwrap();
    assert_eq!(store.avatar("one").unwrap().as_deref(), Some(b"1".as_slice()));
}

#[test]
fn a_picture_has_a_size_that_it_may_not_exceed() {
    let store = store();
    store.keep_avatar("large", &vec![1; AVATAR_LIMIT]).unwrap();
    assert!(store.keep_avatar("larger", &vec![1; AVATAR_LIMIT + 1]).is_err());
    assert!(store.keep_avatar("none", &[]).is_err());
    assert_eq!(store.avatar("larger").unwrap(), None);
}

#[test]
fn groups_keep_their_members_in_order() {
    let store = store();
    let group = |id: &str, name: &str, members: &[&str]| GroupRow {
        group_id: id.to_owned(),
        name: name.to_owned(),
        members: members.iter().map(|it| (*it).to_owned()).collect(),
    };
    store.upsert_group(&group("2", "Choir", &["zoe", "ada"])).unwrap();
    store.upsert_group(&group("1", "Gate", &[])).unwrap();
    store.upsert_group(&group("2", "Choir of \"all\"", &["bob", "zoe"])).unwrap();
    assert_eq!(store.groups().unwrap(), [group("1", "Gate", &[]), group("2", "Choir of \"all\"", &["bob", "zoe"])]);
    assert!(store.remove_group("2").unwrap());
    assert!(!store.remove_group("2").unwrap());
    assert_eq!(store.groups().unwrap().len(), 1);
}

#[test]
fn each_account_has_a_profile_of_its_own() {
    let store = store();
    let profile = |account: &str, region: &str| OwnProfileRow {
        account: account.to_owned(),
        revision: 3,
        gender: "other".to_owned(),
        birthday: "1815-12-10".to_owned(),
        region: region.to_owned(),
        signature: "hello".to_owned(),
        address: "here".to_owned(),
        avatar_id: None,
    };
    assert_eq!(store.own_profile("ada").unwrap(), None);
    store.set_own_profile(&profile("ada", "London")).unwrap();
    store.set_own_profile(&profile("bob", "Paris")).unwrap();
    store.set_own_profile(&profile("ada", "Rome")).unwrap();
    assert_eq!(store.own_profile("ada").unwrap(), Some(profile("ada", "Rome")));
    assert_eq!(store.own_profile("bob").unwrap(), Some(profile("bob", "Paris")));
}

#[test]
fn what_was_verified_is_the_key_of_that_time() {
    let store = store();
    let key = |byte| PinnedKey { user_id: "ada".to_owned(), device_id: "1".to_owned(), public_key: [byte; 32] };
    store.pin_key("home", &key(1)).unwrap();
    store.set_verified_key("home", &key(1)).unwrap();
    store.pin_key("home", &key(2)).unwrap();
    assert_eq!(store.verified_keys("home").unwrap(), [key(1)]);
    assert_eq!(store.pinned_keys("home").unwrap(), [key(2)]);
    assert_eq!(store.verified_keys("office").unwrap(), []);
    store.set_verified_key("home", &key(2)).unwrap();
    assert_eq!(store.verified_keys("home").unwrap(), [key(2)]);
    store.clear_verified_key("office", "ada", "1").unwrap();
    store.clear_verified_key("home", "ada", "2").unwrap();
    assert_eq!(store.verified_keys("home").unwrap(), [key(2)]);
    store.clear_verified_key("home", "ada", "1").unwrap();
    assert_eq!(store.verified_keys("home").unwrap(), []);
}
