use peal_store::{ContactRow, Place, Store};

use super::*;
use crate::api::{DoNotDisturb, GroupParams, QuietHours};

fn me() -> UserId {
    UserId::new("ann").unwrap()
}

fn row(user_id: &str, kind: &str) -> ContactRow {
    ContactRow { user_id: user_id.to_owned(), kind: kind.to_owned(), ..ContactRow::default() }
}

fn directory(rows: &[ContactRow]) -> (Directory, Store) {
    let store = Store::open(&Place::Temporary).unwrap();
    store.upsert_contacts(rows).unwrap();
    (Directory::load(&store).unwrap(), store)
}

fn users(set: &std::collections::BTreeSet<UserId>) -> Vec<&str> {
    set.iter().map(UserId::as_str).collect()
}

fn at(text: &str) -> Zoned {
    text.parse().unwrap()
}

#[test]
fn with_nothing_said_everybody_rings() {
    let (directory, _store) = directory(&[row("bob", "person")]);
    let policy = policy(&Settings::default(), &directory, false, &me());
    assert_eq!(policy, Policy { known: [me()].into(), ..Policy::default() });
}

#[test]
fn settings_and_contacts_become_the_policy() {
    let (mut directory, store) = directory(&[
        ContactRow { is_no_disturb: true, ..row("silenced", "person") },
        ContactRow { is_in_black_list: true, is_removed: true, ..row("blocked", "person") },
        ContactRow { is_friend: true, ..row("gate", "device") },
        row("strange-gate", "device"),
        ContactRow { is_friend: true, ..row("no name", "person") },
    ]);
    let group = GroupParams { group_id: None, name: "Choir".to_owned(), members: vec!["singer".to_owned()] };
    directory.set_group(&store, &me(), group).unwrap();
    directory.called(["bob", "echo"]);
    let settings = Settings {
        call_waiting: true,
        ring_here: false,
        unknown_callers: UnknownCallers::Silence,
        ..Settings::default()
    };
    let policy = policy(&settings, &directory, true, &me());
    assert_eq!((policy.call_waiting, policy.do_not_disturb, policy.ring_here), (true, true, false));
    assert_eq!(policy.unknown, Unknown::Silence);
    assert_eq!(users(&policy.silenced), ["silenced"]);
    assert_eq!(users(&policy.blocked), ["blocked"]);
    assert_eq!(users(&policy.known), ["ann", "bob", "gate", "singer"]);
    assert_eq!(users(&policy.previewable), ["gate"], "a doorbell that nobody knows may not be heard before the answer");
}

#[test]
fn it_is_quiet_by_hand_or_by_the_schedule() {
    let night = QuietHours { days: vec![0, 1, 2, 3, 4, 5, 6], from_min: 22 * 60, until_min: 7 * 60 };
    let settings = |on: bool, schedule: &[QuietHours]| Settings {
        do_not_disturb: DoNotDisturb { on, schedule: schedule.to_vec() },
        ..Settings::default()
    };
    let (day, dark) = (at("2026-03-02T12:00[Europe/Berlin]"), at("2026-03-02T23:00[Europe/Berlin]"));
    let ms = |text: &str| Some(at(text).timestamp().as_millisecond() as f64);
    assert_eq!(quiet(&settings(false, &[]), &day), QuietView { on: false, until: None });
    assert_eq!(quiet(&settings(true, std::slice::from_ref(&night)), &day), QuietView { on: true, until: None });
    let evening = QuietView { on: false, until: ms("2026-03-02T22:00[Europe/Berlin]") };
    assert_eq!(quiet(&settings(false, std::slice::from_ref(&night)), &day), evening);
    let morning = QuietView { on: true, until: ms("2026-03-03T07:00[Europe/Berlin]") };
    assert_eq!(quiet(&settings(false, &[night]), &dark), morning);
}
