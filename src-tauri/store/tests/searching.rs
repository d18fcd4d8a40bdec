//! The history: members, searching, deleting.
#![allow(clippy::unwrap_used, reason = "a test that fails may fail loudly")]

use peal_store::{MemberRow, Place, RecordQuery, RecordRow, Store};
use proptest::prelude::*;

fn store() -> Store {
    Store::open(&Place::Temporary).unwrap()
}

fn record(call_id: &str, user_id: &str, status: &str, started_at_ms: i64) -> RecordRow {
    RecordRow {
        call_id: call_id.to_owned(),
        user_id: user_id.to_owned(),
        direction: "incoming".to_owned(),
        media: "audio".to_owned(),
        status: status.to_owned(),
        reason: "hangup".to_owned(),
        started_at_ms,
        seen: true,
        ..RecordRow::default()
    }
}

fn member(user_id: &str, name: &str, status: &str) -> MemberRow {
    MemberRow { user_id: user_id.to_owned(), name: name.to_owned(), status: status.to_owned() }
}

fn found(store: &Store, query: &RecordQuery) -> Vec<String> {
    store.search_records(query).unwrap().into_iter().map(|row| row.call_id).collect()
}

fn text(text: &str) -> RecordQuery {
    RecordQuery { text: text.to_owned(), ..RecordQuery::default() }
}

/// Four calls, d newest.
fn filled() -> Store {
    let store = store();
    for row in [
        RecordRow { message: Some("Die T\u{dc}R steht offen".to_owned()), ..record("a", "front-gate", "missed", 10) },
        RecordRow { direction: "outgoing".to_owned(), ..record("b", "bob", "completed", 20) },
        RecordRow {
            members: vec![member("ada", "\u{c5}da", "completed"), member("bob", "Bob", "rejected")],
            group_id: Some("g".to_owned()),
            group_name: Some("\u{5408}\u{5531}\u{56e2} Choir".to_owned()),
            direction: "outgoing".to_owned(),
            ..record("c", "ada", "completed", 30)
        },
        RecordRow { message: Some("100% off_".to_owned()), ..record("d", "zoe", "busy", 40) },
    ] {
        assert!(store.upsert_record(&row).unwrap());
    }
    store
}

#[test]
fn everything_is_found_when_nothing_is_asked() {
    assert_eq!(found(&filled(), &RecordQuery::default()), ["d", "c", "b", "a"]);
}

#[test]
fn text_is_found_in_accounts_names_groups_and_messages_whatever_the_case() {
    let store = filled();
    for (words, calls) in [
        ("GATE", vec!["a"]),
        ("t\u{fc}r", vec!["a"]),
        (" t\u{fc}r ", vec!["a"]),
        ("\u{e5}DA", vec!["c"]),
        ("bob", vec!["c", "b"]),
        ("choir", vec!["c"]),
        ("\u{5531}\u{56e2}", vec!["c"]),
        ("%", vec!["d"]),
        ("_", vec!["d"]),
        ("'; DROP TABLE record; --", vec![]),
        ("user_id", vec![]),
    ] {
        assert_eq!(found(&store, &text(words)), calls, "{words}");
    }
}

#[test]
fn those_whose_present_names_fit_are_found_by_them() {
    let query = RecordQuery { named: vec!["bob".to_owned(), "nobody".to_owned()], ..text("robert") };
    assert_eq!(found(&filled(), &query), ["c", "b"]);
}

#[test]
fn filters_narrow_each_other() {
    let store = filled();
    let all = RecordQuery::default();
    let with = |change: &dyn Fn(&mut RecordQuery)| {
        let mut query = all.clone();
        change(&mut query);
        found(&store, &query)
    };
    assert_eq!(with(&|query| query.status = Some("completed".to_owned())), ["c", "b"]);
    assert_eq!(with(&|query| query.direction = Some("incoming".to_owned())), ["d", "a"]);
    assert_eq!(with(&|query| query.user_id = Some("bob".to_owned())), ["c", "b"]);
    assert_eq!(with(&|query| query.user_id = Some("bo".to_owned())), [""; 0]);
    assert_eq!(with(&|query| (query.from_ms, query.until_ms) = (Some(20), Some(40))), ["c", "b"]);
    assert_eq!(with(&|query| (query.limit, query.offset) = (Some(2), 1)), ["c", "b"]);
    assert_eq!(with(&|query| query.limit = Some(0)), [""; 0]);
    assert_eq!(with(&|query| query.offset = usize::MAX), [""; 0]);
    let narrow = RecordQuery { status: Some("completed".to_owned()), from_ms: Some(25), ..text("bob") };
    assert_eq!(found(&store, &narrow), ["c"]);
}

#[test]
fn a_record_keeps_its_members_and_its_group() {
    let row = filled().search_records(&text("choir")).unwrap().remove(0);
    assert_eq!(row.members, [member("ada", "\u{c5}da", "completed"), member("bob", "Bob", "rejected")]);
    assert_eq!(row.group_id.as_deref(), Some("g"));
}

#[test]
fn what_is_learnt_later_of_the_members_is_added() {
    let store = store();
    let told = |status: &str, members: Vec<MemberRow>| RecordRow { members, ..record("a", "ada", status, 10) };
    let ada = |status: &str| member("ada", "Ada", status);
    let bob = |status: &str| member("bob", "Bob", status);
    assert!(store.upsert_record(&told("missed", vec![ada("missed")])).unwrap());
    assert!(store.upsert_record(&told("completed", vec![ada("completed"), bob("busy")])).unwrap());
    assert!(!store.upsert_record(&told("completed", vec![bob("busy")])).unwrap());
    assert!(store.upsert_record(&told("missed", vec![ada("missed"), bob("rejected")])).unwrap());
    let row = store.records(9).unwrap().remove(0);
    assert_eq!(row.status, "completed");
    assert_eq!(row.members, [ada("completed"), bob("rejected")]);
}

#[test]
fn deleted_calls_are_gone_and_stay_gone() {
    let store = filled();
    let calls = ["a".to_owned(), "c".to_owned(), "nothing".to_owned()];
    assert_eq!(store.delete_records(Some(&calls)).unwrap(), 2);
    assert_eq!(found(&store, &RecordQuery::default()), ["d", "b"]);
    // The caller's message about it arrives late.
    assert!(!store.upsert_record(&record("a", "front-gate", "missed", 10)).unwrap());
    assert!(store.upsert_record(&record("nothing", "bob", "missed", 50)).unwrap(), "it was not there to be deleted");
    assert_eq!(found(&store, &RecordQuery::default()), ["nothing", "d", "b"]);
    assert_eq!(store.delete_records(Some(&[])).unwrap(), 0);
}

#[test]
fn the_whole_history_can_be_deleted() {
    let store = filled();
    assert_eq!(store.delete_records(None).unwrap(), 4);
    assert_eq!(found(&store, &RecordQuery::default()), [""; 0]);
    assert!(!store.upsert_record(&record("b", "bob", "missed", 10)).unwrap());
    assert!(store.upsert_record(&record("e", "bob", "missed", 10)).unwrap());
}

#[test]
fn those_who_were_called_are_known() {
    assert_eq!(filled().called_users().unwrap(), ["ada", "bob"]);
    assert_eq!(store().called_users().unwrap(), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_words_are_kept_as_they_are_and_found(
        message in "\\PC{1,40}",
        name in "\\PC{0,20}",
        at in 0_usize..40,
    ) {
        let store = store();
        let row = RecordRow {
            message: Some(message.clone()),
            members: vec![member("ada", &name, "missed")],
            ..record("a", "ada", "missed", 10)
        };
        store.upsert_record(&row).unwrap();
        prop_assert_eq!(store.records(1).unwrap(), vec![row]);
        let part: String = message.chars().skip(at % message.chars().count()).collect();
        prop_assert_eq!(found(&store, &text(&part)), ["a"]);
    }
}
