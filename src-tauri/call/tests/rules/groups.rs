//! Several people in one call.

use peal_call::{
    CallId, CallState, Callee, DeviceId, EndReason, Input, MEMBER_LIMIT, MemberState, Notice, RecordStatus, Refusal,
    RosterEntry, Signal, Standing,
};

use crate::rig::{Town, accept, address, reject, user};
use crate::{SECOND, STEP, all_hear, conference, ended, member, people, refusals, status, went};

fn roster_of(town: &Town, name: &str, call: CallId) -> Vec<(String, MemberState)> {
    let shown = town.snapshot(name, call).unwrap();
    shown.members.iter().map(|member| (member.user.to_string(), member.state)).collect()
}

#[test]
fn everyone_who_answers_hears_everyone_else() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat", "dan"]);
    assert!(all_hear(&town, call, &["ann", "bob", "cat", "dan"]));
    for name in ["ann/desk", "bob/desk", "cat/desk", "dan/desk"] {
        assert_eq!(town.state(name, call), Some(CallState::Connected));
        assert_eq!(town.device(name).open.len(), 3, "one peer connection for each other");
    }
}

#[test]
fn sixteen_people_make_a_mesh() {
    let names: Vec<String> = (0..MEMBER_LIMIT).map(|it| format!("p{it:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut town = people(&names);
    let call = conference(&mut town, "p00/desk", &names[1..]);
    assert!(all_hear(&town, call, &names));
}

#[test]
fn a_seventeenth_is_refused() {
    let names: Vec<String> = (0..=MEMBER_LIMIT).map(|it| format!("p{it:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut town = people(&names);
    town.call_all("p00/desk", &names[1..]);
    assert_eq!(refusals(&town, "p00/desk"), [Refusal::Full]);
    let call = conference(&mut town, "p00/desk", &names[1..MEMBER_LIMIT]);
    town.invite("p03/desk", call, &[names[MEMBER_LIMIT]]);
    assert_eq!(refusals(&town, "p03/desk"), [Refusal::Full]);
}

#[test]
fn a_roster_with_more_people_than_a_call_has_room_for_adds_none_of_them() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    let ghost = |it: u32| RosterEntry {
        user: user(&format!("ghost{it}")),
        generation: 0,
        standing: Standing::Joined { device: DeviceId::new("desk").unwrap() },
    };
    let entries = (0..64).map(ghost).collect();
    let signal = Signal::Roster { call, entries, reply: false };
    town.wish("bob/desk", Input::SignalReceived { from: address("ann/desk"), signal, at: 1 });
    let shown = town.snapshot("bob/desk", call).unwrap();
    assert_eq!(shown.members.len() + 1, MEMBER_LIMIT);
}

#[test]
fn the_later_joiner_offers_to_those_who_are_there() {
    let mut town = people(&["ann", "bob", "cat"]);
    conference(&mut town, "ann/desk", &["bob", "cat"]);
    let offers: Vec<_> = town
        .sent
        .iter()
        .filter(|(.., signal)| matches!(signal, Signal::Offer { .. }))
        .map(|(from, to, _)| (from.to_string(), to.to_string()))
        .collect();
    assert_eq!(offers, [("cat/desk".to_owned(), "bob/desk".to_owned())]);
}

#[test]
fn whoever_leaves_is_gone_for_all_and_the_others_go_on() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.wish("bob/desk", Input::Leave { call });
    town.run(STEP);
    for name in ["ann/desk", "cat/desk"] {
        assert_eq!(member(&town, name, call, "bob"), Some((MemberState::Left, Some(EndReason::Hangup))), "{name}");
        assert!(town.heard(name, &Notice::UserLeft(call, user("bob"), EndReason::Hangup)));
        assert_eq!(town.state(name, call), Some(CallState::Connected));
    }
    assert_eq!(ended(&town, "bob/desk", call), Some(EndReason::Hangup));
    assert!(town.device("bob/desk").open.is_empty());
}

#[test]
fn the_host_may_leave_without_ending_it() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.wish("ann/desk", Input::Leave { call });
    town.run(SECOND * 5);
    assert!(all_hear(&town, call, &["bob", "cat"]));
}

#[test]
fn the_hosts_hang_up_ends_it_for_all() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.invite("bob/desk", call, &["dan"]);
    town.run(STEP);
    assert!(town.rings("dan/desk"));
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    for name in ["bob/desk", "cat/desk"] {
        assert_eq!(ended(&town, name, call), Some(EndReason::Hangup), "{name}");
        assert_eq!(status(&town, name, call), Some(RecordStatus::Completed));
    }
    assert!(!town.rings("dan/desk"), "and for those whom others had invited");
    assert_eq!(status(&town, "dan/desk", call), Some(RecordStatus::Cancelled));
}

#[test]
fn a_guests_hang_up_is_a_leave() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.wish("cat/desk", Input::Hangup { call });
    town.run(STEP);
    assert!(all_hear(&town, call, &["ann", "bob"]));
}

#[test]
fn only_the_hosts_word_ends_it_for_all() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    let reason = peal_call::HangupReason::Hangup;
    let signal = Signal::Hangup { call, generation: 0, reason, everyone: true };
    town.wish("bob/desk", Input::SignalReceived { from: address("cat/desk"), signal, at: 1 });
    assert_eq!(town.state("bob/desk", call), Some(CallState::Connected));
    assert_eq!(member(&town, "bob/desk", call, "cat"), Some((MemberState::Left, Some(EndReason::Hangup))));
}

#[test]
fn the_last_one_left_ends_the_call() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.wish("bob/desk", Input::Leave { call });
    town.run(STEP);
    town.wish("cat/desk", Input::Leave { call });
    town.run(STEP);
    assert_eq!(ended(&town, "ann/desk", call), Some(EndReason::Hangup));
}

#[test]
fn anyone_may_invite_more_and_all_are_told() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.invite("cat/desk", call, &["dan"]);
    town.run(STEP);
    for name in ["ann/desk", "bob/desk"] {
        assert!(town.heard(name, &Notice::UsersInvited(call, user("cat"), vec![user("dan")])), "{name}");
        assert_eq!(member(&town, name, call, "dan"), Some((MemberState::Inviting, None)));
    }
    assert_eq!(member(&town, "cat/desk", call, "dan"), Some((MemberState::Ringing, None)));
    let invited = town.snapshot("dan/desk", call).unwrap();
    assert_eq!((invited.host, invited.inviter), (user("ann"), Some(user("cat"))));
    town.wish("dan/desk", accept(call));
    town.run(SECOND);
    assert!(all_hear(&town, call, &["ann", "bob", "cat", "dan"]));
}

#[test]
fn each_guest_who_does_not_come_leaves_with_their_reason() {
    let mut town = people(&["ann", "bob", "cat", "dan", "eve", "fay"]);
    town.call("dan/desk", "fay");
    town.run(STEP);
    let call = town.call_all("ann/desk", &["bob", "cat", "dan", "eve"]);
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.wish("cat/desk", reject(call));
    town.run(SECOND * 31);
    let expected = [
        ("cat", EndReason::Rejected, RecordStatus::Rejected),
        ("dan", EndReason::Busy, RecordStatus::Busy),
        ("eve", EndReason::NoResponse, RecordStatus::Missed),
    ];
    for name in ["ann/desk", "bob/desk"] {
        for (guest, reason, _) in expected {
            assert!(town.heard(name, &Notice::UserLeft(call, user(guest), reason)), "{name} hears of {guest}");
            assert_eq!(member(&town, name, call, guest), Some((MemberState::Left, Some(reason))));
        }
    }
    assert!(town.heard("ann/desk", &Notice::UserRejected(call, user("cat"), None)));
    assert!(town.heard("ann/desk", &Notice::UserBusy(call, user("dan"))));
    assert!(town.heard("ann/desk", &Notice::UserNoResponse(call, user("eve"))));
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    for (guest, _, went_so) in expected {
        assert_eq!(went(&town, "ann/desk", call, guest), Some(went_so));
        assert_eq!(status(&town, &format!("{guest}/desk"), call), Some(went_so), "{guest}");
    }
    assert_eq!(went(&town, "ann/desk", call, "bob"), Some(RecordStatus::Completed));
}

#[test]
fn a_group_that_nobody_comes_to_ends_with_the_reason_that_tells_most() {
    for (declines, expected) in [(2, EndReason::Rejected), (1, EndReason::Rejected), (0, EndReason::NoResponse)] {
        let mut town = people(&["ann", "bob", "cat"]);
        let call = town.call_all("ann/desk", &["bob", "cat"]);
        town.run(STEP);
        for name in ["bob/desk", "cat/desk"].iter().take(declines) {
            town.wish(name, reject(call));
            town.run(STEP);
        }
        town.run(SECOND * 31);
        assert_eq!(ended(&town, "ann/desk", call), Some(expected), "{declines} declined");
    }
}

#[test]
fn one_who_left_may_be_called_back() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.run(SECOND * 10);
    town.wish("cat/desk", Input::Leave { call });
    town.run(SECOND * 5);
    town.invite("bob/desk", call, &["cat"]);
    town.run(STEP);
    assert!(town.rings("cat/desk"));
    town.wish("cat/desk", accept(call));
    town.run(SECOND * 10);
    assert!(all_hear(&town, call, &["ann", "bob", "cat"]));
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    let lines: Vec<_> = town.device("cat/desk").records.iter().filter(|record| record.call == call).collect();
    assert_eq!(lines.len(), 1, "one call in the history");
    assert!(lines[0].duration >= SECOND * 20, "both parts count: {:?}", lines[0].duration);
}

#[test]
fn a_hang_up_of_an_earlier_stay_does_not_decline_the_next_invitation() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.wish("cat/desk", Input::Leave { call });
    town.run(STEP);
    town.invite("ann/desk", call, &["cat"]);
    town.run(STEP);
    let reason = peal_call::HangupReason::Hangup;
    let signal = Signal::Hangup { call, generation: 0, reason, everyone: false };
    town.wish("ann/desk", Input::SignalReceived { from: address("cat/desk"), signal, at: 1 });
    town.run(STEP);
    assert!(town.rings("cat/desk"));
    assert_eq!(member(&town, "ann/desk", call, "cat"), Some((MemberState::Ringing, None)));
}

#[test]
fn one_who_declined_can_not_claim_to_be_in() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = town.call_all("ann/desk", &["bob", "cat"]);
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.wish("cat/desk", reject(call));
    town.run(SECOND);
    let claim = |generation| {
        let standing = Standing::Joined { device: address("cat/desk").device };
        let entries = vec![RosterEntry { user: user("cat"), generation, standing }];
        Input::SignalReceived {
            from: address("cat/desk"),
            signal: Signal::Roster { call, entries, reply: true },
            at: 1,
        }
    };
    for generation in [0, 1, u32::MAX] {
        town.wish("bob/desk", claim(generation));
        assert_eq!(member(&town, "bob/desk", call, "cat"), Some((MemberState::Left, Some(EndReason::Rejected))));
    }
}

#[test]
fn two_who_invite_the_same_person_get_them_once() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "cat/desk", "cat/lap"], 1);
    let call = crate::talk(&mut town, "ann/desk", "bob/desk");
    // At the same moment; the first answers Ann on one device, the second Bob on the other.
    town.censor = Some(|from, to, signal| match signal {
        Signal::Invite(_) => (from.user.as_str() == "ann") != (to.device.as_str() == "desk"),
        _ => false,
    });
    town.invite("ann/desk", call, &["cat"]);
    town.invite("bob/desk", call, &["cat"]);
    town.run(STEP);
    town.censor = None;
    town.wish("cat/desk", accept(call));
    town.wish("cat/lap", accept(call));
    town.run(SECOND * 5);
    assert!(all_hear(&town, call, &["ann", "bob", "cat"]), "{:?}", roster_of(&town, "ann/desk", call));
    assert_eq!(ended(&town, "cat/lap", call), Some(EndReason::AnsweredElsewhere), "the smaller device stays");
}

#[test]
fn a_call_of_two_has_no_rosters() {
    let mut town = crate::pair();
    crate::connected(&mut town);
    town.run(SECOND * 10);
    assert!(!town.sent.iter().any(|(.., signal)| matches!(signal, Signal::Roster { .. })));
}

#[test]
fn a_guest_without_any_device_does_not_hold_the_others_up() {
    let mut town = people(&["ann", "bob"]);
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.to.push(Callee { user: user("zoe"), devices: vec![] });
    town.wish("ann/desk", Input::Call(dial));
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(SECOND * 31);
    assert_eq!(member(&town, "ann/desk", call, "zoe"), Some((MemberState::Left, Some(EndReason::Unreachable))));
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
}
