//! Passing a call on, and making one of two.

use peal_call::{CALL_LIMIT, CallId, CallState, EndReason, Input, Notice, Policy, RecordStatus, Refusal, Signal};

use crate::rig::{Town, accept, user};
use crate::{SECOND, STEP, all_hear, ended, people, refusals, status, talk};

/// Ann talks with Bob.
fn talking() -> (Town, CallId) {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = talk(&mut town, "ann/desk", "bob/desk");
    (town, call)
}

fn transfer(town: &mut Town, name: &str, call: CallId, to: &str) {
    let callee = town.callee(to);
    town.wish(name, Input::Transfer { call, callee, lifetime: SECOND * 20 });
    town.run(STEP);
}

#[test]
fn a_blind_transfer_leaves_the_two_others_talking() {
    let (mut town, call) = talking();
    transfer(&mut town, "ann/desk", call, "cat");
    assert!(town.heard("bob/desk", &Notice::Transferring(call, user("ann"), user("cat"))));
    assert_eq!(town.snapshot("ann/desk", call).unwrap().transfer_to, Some(user("cat")));
    assert_eq!(town.snapshot("bob/desk", call).unwrap().transfer_to, Some(user("cat")));
    assert!(town.rings("cat/desk"));
    town.wish("cat/desk", accept(call));
    town.run(SECOND);
    assert_eq!(ended(&town, "ann/desk", call), Some(EndReason::Transferred));
    assert_eq!(status(&town, "ann/desk", call), Some(RecordStatus::Completed));
    assert!(town.heard("ann/desk", &Notice::Transferred(call, user("cat"))));
    assert!(town.heard("bob/desk", &Notice::Transferred(call, user("cat"))));
    assert!(all_hear(&town, call, &["bob", "cat"]));
    assert_eq!(town.snapshot("bob/desk", call).unwrap().peer(), Some(&user("cat")));
    town.wish("cat/desk", Input::Hangup { call });
    town.run(STEP);
    assert_eq!(ended(&town, "bob/desk", call), Some(EndReason::Hangup));
}

#[test]
fn the_callee_may_pass_on_too() {
    let (mut town, call) = talking();
    transfer(&mut town, "bob/desk", call, "cat");
    town.wish("cat/desk", accept(call));
    town.run(SECOND);
    assert!(all_hear(&town, call, &["ann", "cat"]));
    assert_eq!(ended(&town, "bob/desk", call), Some(EndReason::Transferred));
}

#[test]
fn a_transfer_that_fails_leaves_the_call_as_it_was() {
    for (answer, reason) in
        [(Some(false), EndReason::Rejected), (Some(true), EndReason::Busy), (None, EndReason::NoResponse)]
    {
        let (mut town, call) = talking();
        transfer(&mut town, "ann/desk", call, "cat");
        if let Some(busy) = answer {
            town.wish("cat/desk", Input::Reject { call, busy, message: None });
        }
        town.run(SECOND * 21);
        for name in ["ann/desk", "bob/desk"] {
            assert!(town.heard(name, &Notice::TransferFailed(call, user("cat"), reason)), "{name}: {reason:?}");
            assert_eq!(town.state(name, call), Some(CallState::Connected));
            assert_eq!(town.snapshot(name, call).unwrap().transfer_to, None);
        }
        assert!(all_hear(&town, call, &["ann", "bob"]));
    }
}

#[test]
fn nobody_left_to_pass_on_ends_the_transfer() {
    let (mut town, call) = talking();
    transfer(&mut town, "ann/desk", call, "cat");
    town.wish("bob/desk", Input::Hangup { call });
    town.run(STEP);
    assert!(!town.rings("cat/desk"));
    assert_eq!(ended(&town, "ann/desk", call), Some(EndReason::Hangup));
    assert_eq!(status(&town, "cat/desk", call), Some(RecordStatus::Cancelled));
}

#[test]
fn one_transfer_at_a_time_and_only_of_a_call_that_runs() {
    let (mut town, call) = talking();
    transfer(&mut town, "ann/desk", call, "cat");
    transfer(&mut town, "ann/desk", call, "dan");
    assert_eq!(refusals(&town, "ann/desk"), [Refusal::WrongState]);
    let ringing = town.call("dan/desk", "cat");
    town.run(STEP);
    let callee = town.callee("bob");
    town.wish("dan/desk", Input::Transfer { call: ringing, callee, lifetime: SECOND });
    assert_eq!(refusals(&town, "dan/desk"), [Refusal::UnknownCall], "Cat was busy");
}

/// Bob has Ann on hold and talks with Cat about her.
fn consulting() -> (Town, CallId, CallId) {
    let (mut town, first) = talking();
    town.wish("bob/desk", Input::Hold { call: first });
    let second = talk(&mut town, "bob/desk", "cat/desk");
    (town, first, second)
}

#[test]
fn an_attended_transfer_rings_nowhere_and_leaves_one_call() {
    let (mut town, first, second) = consulting();
    town.wish("bob/desk", Input::TransferTo { call: first, target: second });
    town.run(SECOND);
    assert!(all_hear(&town, first, &["ann", "cat"]));
    assert_eq!(ended(&town, "bob/desk", first), Some(EndReason::Transferred));
    assert_eq!(ended(&town, "bob/desk", second), Some(EndReason::Transferred));
    assert_eq!(ended(&town, "cat/desk", second), Some(EndReason::Transferred));
    assert_eq!(status(&town, "cat/desk", second), Some(RecordStatus::Completed));
    assert!(!town.device("cat/desk").notices.contains(&Notice::Invited(first)), "it did not ring");
    let ann = town.snapshot("ann/desk", first).unwrap();
    assert!(!ann.on_hold && ann.members.iter().all(|member| !member.on_hold || member.user == user("bob")));
}

#[test]
fn only_the_one_i_talk_with_may_replace_our_call() {
    let (mut town, first, second) = consulting();
    // Dan knows both ids, and has Cat's phone answer by itself? It rings, or is busy, like any call.
    let invite = town.sent.iter().find_map(|(_, _, signal)| match signal {
        Signal::Invite(invite) if invite.call == first => Some(invite.clone()),
        _ => None,
    });
    let mut invite = invite.unwrap();
    invite.call = town.fresh_id();
    invite.host = user("dan");
    invite.replaces = Some(second);
    invite.roster = vec![];
    let call = invite.call;
    let from = crate::rig::address("dan/desk");
    town.wish("cat/desk", Input::SignalReceived { from, signal: Signal::Invite(invite), at: 1 });
    town.run(STEP);
    assert_eq!(status(&town, "cat/desk", call), Some(RecordStatus::Busy));
    assert_eq!(town.state("cat/desk", second), Some(CallState::Connected));
}

#[test]
fn an_attended_transfer_whose_target_is_gone_fails_and_keeps_the_call() {
    let (mut town, first, second) = consulting();
    town.censor = Some(|_, to, signal| to.user.as_str() == "cat" && matches!(signal, Signal::Invite(_)));
    town.wish("bob/desk", Input::TransferTo { call: first, target: second });
    town.run(SECOND * 31);
    assert!(town.heard("bob/desk", &Notice::TransferFailed(first, user("cat"), EndReason::Unreachable)));
    assert_eq!(town.state("bob/desk", first), Some(CallState::Connected));
    assert_eq!(town.state("bob/desk", second), Some(CallState::Connected), "and the other one");
}

#[test]
fn two_calls_become_one_with_all_three() {
    let (mut town, first, second) = consulting();
    town.wish("bob/desk", Input::Merge { call: second, into: first });
    town.run(SECOND);
    assert!(all_hear(&town, first, &["ann", "bob", "cat"]));
    assert_eq!(ended(&town, "cat/desk", second), Some(EndReason::Transferred));
    assert!(!town.snapshot("bob/desk", first).unwrap().on_hold, "it goes on");
}

/// Seed 5651127: both calls went on with an open microphone.
#[test]
fn a_call_gives_way_to_one_other_only() {
    let (mut town, first, third) = consulting();
    town.wish("bob/desk", Input::Hold { call: third });
    let second = talk(&mut town, "bob/desk", "dan/desk");
    for into in [first, second] {
        let call = third;
        town.wish("bob/desk", Input::Merge { call, into });
    }
    town.run(SECOND * 2);
    assert!(all_hear(&town, first, &["ann", "bob", "cat"]));
    assert_eq!(ended(&town, "cat/desk", third), Some(EndReason::Transferred));
    assert_eq!(status(&town, "cat/desk", second), Some(RecordStatus::Busy));
    assert!(all_hear(&town, second, &["bob", "dan"]), "and that one goes on as before");
}

/// Seed 5780437: it was the fifth.
#[test]
fn a_call_that_takes_the_place_of_another_needs_room_beside_it() {
    let mut town = people(&["ann", "bob", "cat", "dan", "eve", "fay"]);
    let others = ["dan/desk", "eve/desk", "fay/desk"].map(|name| {
        let call = talk(&mut town, "cat/desk", name);
        town.wish("cat/desk", Input::Hold { call });
        call
    });
    let first = talk(&mut town, "ann/desk", "bob/desk");
    town.wish("bob/desk", Input::Hold { call: first });
    town.wish("bob/desk", Input::PolicyChanged(Policy { call_waiting: true, ..Policy::default() }));
    let second = talk(&mut town, "cat/desk", "bob/desk");
    assert_eq!(town.device("cat/desk").phone.snapshot().len(), CALL_LIMIT);
    town.wish("bob/desk", Input::TransferTo { call: first, target: second });
    town.run(SECOND);
    assert!(town.heard("bob/desk", &Notice::TransferFailed(first, user("cat"), EndReason::Busy)));
    assert!(all_hear(&town, second, &["bob", "cat"]), "it goes on as before");
    town.wish("cat/desk", Input::Hangup { call: others[0] });
    town.wish("bob/desk", Input::TransferTo { call: first, target: second });
    town.run(SECOND);
    assert!(all_hear(&town, first, &["ann", "cat"]));
}

#[test]
fn what_can_not_be_joined_is_refused() {
    let (mut town, first, second) = consulting();
    let unknown = town.fresh_id();
    for input in [
        Input::TransferTo { call: first, target: first },
        Input::TransferTo { call: first, target: unknown },
        Input::TransferTo { call: unknown, target: second },
        Input::Merge { call: first, into: first },
        Input::Merge { call: unknown, into: first },
    ] {
        town.wish("bob/desk", input);
    }
    let (wrong, unknown) = (Refusal::WrongState, Refusal::UnknownCall);
    assert_eq!(refusals(&town, "bob/desk"), [wrong, unknown, unknown, wrong, unknown]);
}

#[test]
fn a_transferred_call_can_be_declined_by_its_target_with_words() {
    let (mut town, call) = talking();
    transfer(&mut town, "ann/desk", call, "cat");
    let message = Some("not now".to_owned());
    town.wish("cat/desk", Input::Reject { call, busy: false, message: message.clone() });
    town.run(STEP);
    assert!(town.heard("ann/desk", &Notice::UserRejected(call, user("cat"), message)));
    assert_eq!(town.snapshot("ann/desk", call).unwrap().message, None, "the call keeps its own words");
}
