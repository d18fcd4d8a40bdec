//! A second call during the first: busy, call waiting, hold and resume.

use peal_call::{Alert, CALL_LIMIT, CallState, EndReason, Input, Meanwhile, Notice, Policy, RecordStatus, Refusal};

use crate::rig::{Town, accept, reject, user};
use crate::{SECOND, STEP, ended, people, refusals, status, talk};

fn waits(town: &mut Town, name: &str) {
    town.wish(name, Input::PolicyChanged(Policy { call_waiting: true, ..Policy::default() }));
}

/// Ann talks with Bob, and Cat calls Bob.
fn second_call() -> (Town, peal_call::CallId, peal_call::CallId) {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    waits(&mut town, "bob/desk");
    let first = talk(&mut town, "ann/desk", "bob/desk");
    let second = town.call("cat/desk", "bob");
    town.run(STEP);
    (town, first, second)
}

#[test]
fn without_call_waiting_a_second_call_is_busy() {
    let mut town = people(&["ann", "bob", "cat"]);
    talk(&mut town, "ann/desk", "bob/desk");
    let second = town.call("cat/desk", "bob");
    town.run(STEP);
    assert_eq!(ended(&town, "cat/desk", second), Some(EndReason::Busy));
}

#[test]
fn with_call_waiting_it_rings_softly_and_a_third_is_busy() {
    let (mut town, _, second) = second_call();
    assert_eq!(town.snapshot("bob/desk", second).unwrap().alert, Some(Alert::CallWaiting));
    assert_eq!(town.state("cat/desk", second), Some(CallState::Ringing));
    let third = town.call("dan/desk", "bob");
    town.run(STEP);
    assert_eq!(ended(&town, "dan/desk", third), Some(EndReason::Busy));
}

#[test]
fn hold_and_answer_holds_the_first_and_tells_it() {
    let (mut town, first, second) = second_call();
    town.wish("bob/desk", Input::Accept { call: second, media: None, meanwhile: Meanwhile::Hold });
    town.run(STEP);
    assert!(town.snapshot("bob/desk", first).unwrap().on_hold);
    assert!(!town.snapshot("bob/desk", second).unwrap().on_hold);
    assert!(town.heard("ann/desk", &Notice::Held(first, user("bob"), true)));
    assert!(town.snapshot("ann/desk", first).unwrap().members[0].on_hold);
    assert_eq!(town.state("bob/desk", first), Some(CallState::Connected));
}

#[test]
fn end_and_answer_ends_the_first() {
    let (mut town, first, second) = second_call();
    town.wish("bob/desk", Input::Accept { call: second, media: None, meanwhile: Meanwhile::End });
    town.run(STEP);
    assert_eq!(ended(&town, "ann/desk", first), Some(EndReason::Hangup));
    assert_eq!(town.state("cat/desk", second), Some(CallState::Connected));
}

#[test]
fn declining_the_second_leaves_the_first_alone() {
    let (mut town, first, second) = second_call();
    town.wish("bob/desk", reject(second));
    town.run(STEP);
    assert_eq!(status(&town, "cat/desk", second), Some(RecordStatus::Rejected));
    assert_eq!(town.state("ann/desk", first), Some(CallState::Connected));
    assert!(!town.snapshot("bob/desk", first).unwrap().on_hold);
}

#[test]
fn a_call_is_not_waiting_while_one_is_being_made_or_rings() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    waits(&mut town, "bob/desk");
    town.call("bob/desk", "dan");
    town.run(STEP);
    let call = town.call("cat/desk", "bob");
    town.run(STEP);
    assert_eq!(ended(&town, "cat/desk", call), Some(EndReason::Busy));
}

#[test]
fn resuming_one_holds_the_others() {
    let (mut town, first, second) = second_call();
    town.wish("bob/desk", accept(second));
    town.run(STEP);
    town.wish("bob/desk", Input::Resume { call: first });
    town.run(STEP);
    assert!(!town.snapshot("bob/desk", first).unwrap().on_hold);
    assert!(town.snapshot("bob/desk", second).unwrap().on_hold);
    assert!(town.heard("ann/desk", &Notice::Held(first, user("bob"), false)));
    assert!(town.heard("cat/desk", &Notice::Held(second, user("bob"), true)));
}

#[test]
fn a_new_call_needs_every_other_to_be_on_hold() {
    let mut town = people(&["ann", "bob", "cat"]);
    let first = talk(&mut town, "ann/desk", "bob/desk");
    town.call("ann/desk", "cat");
    assert_eq!(refusals(&town, "ann/desk"), [Refusal::Busy]);
    town.wish("ann/desk", Input::Hold { call: first });
    let second = town.call("ann/desk", "cat");
    town.run(STEP);
    assert_eq!(town.state("ann/desk", second), Some(CallState::Ringing));
    town.wish("cat/desk", accept(second));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", second), Some(CallState::Connected));
    assert!(town.snapshot("ann/desk", first).unwrap().on_hold);
}

#[test]
fn there_are_at_most_four_calls_at_once() {
    let names = ["ann", "bob", "cat", "dan", "eve", "fay"];
    let mut town = people(&names);
    for guest in &names[1..=CALL_LIMIT] {
        let call = talk(&mut town, "ann/desk", &format!("{guest}/desk"));
        town.wish("ann/desk", Input::Hold { call });
    }
    town.call("ann/desk", "fay");
    assert_eq!(refusals(&town, "ann/desk"), [Refusal::CallLimit]);
    waits(&mut town, "ann/desk");
    let call = town.call("fay/desk", "ann");
    town.run(STEP);
    assert_eq!(ended(&town, "fay/desk", call), Some(EndReason::Busy));
}

#[test]
fn what_rings_silently_needs_room_to_be_answered() {
    let mut town = people(&["ann", "bob", "cat", "dan", "eve", "fay"]);
    for guest in ["bob", "cat", "dan", "eve"] {
        let call = talk(&mut town, "ann/desk", &format!("{guest}/desk"));
        town.wish("ann/desk", Input::Hold { call });
    }
    town.wish("ann/desk", Input::PolicyChanged(Policy { do_not_disturb: true, ..Policy::default() }));
    let fifth = town.call("fay/desk", "ann");
    town.run(STEP);
    assert_eq!(town.snapshot("ann/desk", fifth).unwrap().alert, Some(Alert::Silent));
    town.wish("ann/desk", accept(fifth));
    assert_eq!(refusals(&town, "ann/desk"), [Refusal::CallLimit]);
    town.wish("ann/desk", Input::Accept { call: fifth, media: None, meanwhile: Meanwhile::End });
    town.run(SECOND);
    assert_eq!(town.state("ann/desk", fifth), Some(CallState::Connected));
}

#[test]
fn resuming_a_call_while_another_is_being_answered_keeps_one_microphone() {
    let (mut town, first, second) = second_call();
    town.wish("bob/desk", accept(second));
    town.wish("bob/desk", Input::Resume { call: first });
    town.run(SECOND);
    let open = |call| !town.snapshot("bob/desk", call).unwrap().on_hold;
    assert!(open(first) && !open(second));
    assert!(town.snapshot("cat/desk", second).unwrap().members[0].on_hold, "and Cat is told");
}

#[test]
fn glare_of_a_call_on_hold_does_not_open_a_second_microphone() {
    let mut town = people(&["ann", "bob", "cat"]);
    let first = talk(&mut town, "bob/desk", "cat/desk");
    town.wish("bob/desk", Input::Hold { call: first });
    let (small, large) = (town.fresh_id(), town.fresh_id());
    town.call_as(large, "bob/desk", "ann");
    town.wish("bob/desk", Input::Resume { call: first });
    town.call_as(small, "ann/desk", "bob");
    town.run(SECOND);
    assert_eq!(town.state("bob/desk", small), Some(CallState::Connected));
    let open = |call| !town.snapshot("bob/desk", call).unwrap().on_hold;
    assert!(open(first) && !open(small));
}

#[test]
fn hold_is_refused_where_there_is_nothing_to_hold() {
    let mut town = people(&["ann", "bob"]);
    let call = town.call("ann/desk", "bob");
    town.wish("ann/desk", Input::Hold { call });
    town.wish("ann/desk", Input::Resume { call });
    town.run(STEP);
    town.wish("bob/desk", Input::Hold { call });
    assert_eq!(refusals(&town, "ann/desk"), [Refusal::WrongState; 2]);
    assert_eq!(refusals(&town, "bob/desk"), [Refusal::WrongState]);
}

#[test]
fn mute_is_told_to_everyone_in_every_call() {
    let (mut town, first, second) = second_call();
    town.wish("bob/desk", accept(second));
    town.run(STEP);
    town.wish("bob/desk", Input::SetMuted { muted: true });
    town.run(STEP);
    assert!(town.heard("ann/desk", &Notice::AudioMuted(first, user("bob"), true)));
    assert!(town.heard("cat/desk", &Notice::AudioMuted(second, user("bob"), true)));
}
