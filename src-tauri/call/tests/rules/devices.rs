//! Several devices of one person.

use peal_call::{CallState, EndReason, Input, Notice, RecordStatus, Signal};

use crate::rig::{Town, accept, address, reject, user};
use crate::{SECOND, STEP, ended, status};

fn three() -> Town {
    Town::new(&["ann/desk", "bob/desk", "bob/lap", "bob/tab"], 1)
}

#[test]
fn all_ring_and_the_rest_stop_at_the_first_answer_and_say_where() {
    let mut town = three();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    assert!(["bob/desk", "bob/lap", "bob/tab"].iter().all(|name| town.rings(name)));
    town.wish("bob/lap", accept(call));
    town.run(std::time::Duration::from_millis(10));
    for name in ["bob/desk", "bob/tab"] {
        assert!(!town.rings(name), "{name}");
        assert!(town.heard(name, &Notice::AcceptedElsewhere(call, address("bob/lap").device)), "{name}");
    }
}

#[test]
fn history_agrees_on_all_devices_and_knows_how_long_they_talked() {
    let mut town = three();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/lap", accept(call));
    town.run(SECOND * 10);
    town.wish("bob/lap", Input::Hangup { call });
    town.run(STEP);
    for name in ["bob/desk", "bob/lap", "bob/tab"] {
        let record = &town.device(name).records[0];
        assert_eq!(record.status, RecordStatus::Completed, "{name}");
        assert!(record.duration >= SECOND * 9, "{name}: {:?}", record.duration);
        assert_eq!(town.device(name).records.len(), 1, "{name}");
    }
}

#[test]
fn a_call_made_on_one_device_is_in_the_history_of_the_others() {
    let mut town = Town::new(&["ann/desk", "ann/lap", "bob/desk"], 1);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", reject(call));
    town.run(STEP);
    assert_eq!(status(&town, "ann/lap", call), Some(RecordStatus::Rejected));
    assert_eq!(town.device("ann/lap").records[0].peer, user("bob"));
}

#[test]
fn a_device_that_was_away_learns_of_the_call_when_it_is_back() {
    let mut town = three();
    town.kill("bob/tab");
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/lap", accept(call));
    town.run(SECOND * 40);
    town.wish("bob/lap", Input::Hangup { call });
    town.run(SECOND * 90);
    town.revive("bob/tab");
    town.run(STEP);
    assert!(!town.rings("bob/tab"));
    assert_eq!(status(&town, "bob/tab", call), Some(RecordStatus::Completed));
}

#[test]
fn declined_on_one_does_not_undo_an_accept_that_came_first() {
    let mut town = three();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(std::time::Duration::from_micros(1_500));
    town.wish("bob/lap", reject(call));
    town.run(SECOND);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
    assert_eq!(town.state("bob/desk", call), Some(CallState::Connected));
    assert_eq!(status(&town, "bob/lap", call), Some(RecordStatus::Completed), "its record follows the caller's word");
}

#[test]
fn two_devices_that_decline_differently_keep_what_the_caller_heard_first() {
    for (first, second) in [("bob/desk", "bob/lap"), ("bob/lap", "bob/desk")] {
        let mut town = three();
        let call = town.call("ann/desk", "bob");
        town.run(STEP);
        town.wish(first, reject(call));
        town.wish(second, Input::Reject { call, busy: true, message: None });
        town.run(STEP);
        for name in ["ann/desk", "bob/desk", "bob/lap", "bob/tab"] {
            assert_eq!(status(&town, name, call), Some(RecordStatus::Rejected), "{name} after {first}");
        }
    }
}

#[test]
fn a_ring_whose_withdrawal_is_lost_ends_by_the_word_of_my_other_device() {
    let mut town = three();
    town.censor = Some(|_, to, signal| to.device.as_str() == "tab" && matches!(signal, Signal::Cancel { .. }));
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/lap", reject(call));
    town.run(STEP);
    assert!(!town.rings("bob/tab"));
    assert_eq!(ended(&town, "bob/tab", call), Some(EndReason::RejectedElsewhere));
    assert!(town.heard("bob/tab", &Notice::RejectedElsewhere(call, address("bob/lap").device)));
}

#[test]
fn nobody_else_can_write_into_my_history() {
    let mut town = three();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    let mut record = town.device("bob/desk").records[0].clone();
    record.status = RecordStatus::Completed;
    let forged = Input::SignalReceived { from: address("ann/desk"), signal: Signal::Shared(record), at: 1 };
    town.wish("bob/desk", forged);
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Cancelled));
}

#[test]
fn a_device_of_mine_does_not_ring_for_a_call_that_another_is_in() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap", "cat/desk"], 1);
    let call = town.call_all("ann/desk", &["bob", "cat"]);
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.wish("cat/desk", accept(call));
    town.run(SECOND);
    let invite = town.sent.iter().find_map(|(_, to, signal)| match signal {
        Signal::Invite(invite) if *to == address("bob/lap") => Some(invite.clone()),
        _ => None,
    });
    let mut invite = invite.unwrap();
    let standing = peal_call::Standing::Joined { device: address("bob/desk").device };
    invite.roster.retain(|entry| entry.user != user("bob"));
    invite.roster.push(peal_call::RosterEntry { user: user("bob"), generation: 1, standing });
    invite.generation = 1;
    let again = Input::SignalReceived { from: address("cat/desk"), signal: Signal::Invite(invite), at: 1 };
    town.wish("bob/lap", again);
    assert!(!town.rings("bob/lap"));
}

#[test]
fn echo_is_called_on_its_own_device_of_my_own_account() {
    let mut town = Town::new(&["ann/desk", "ann/echo"], 1);
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["ann"]);
    dial.to[0].devices.retain(|device| device.as_str() == "echo");
    dial.only = true;
    town.wish("ann/desk", Input::Call(dial));
    town.run(STEP);
    town.wish("ann/echo", accept(call));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
    assert_eq!(town.state("ann/echo", call), Some(CallState::Connected));
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    assert_eq!(ended(&town, "ann/echo", call), Some(EndReason::Hangup));
    assert!(town.device("ann/desk").shared.is_empty(), "a test call is nobody else's business");
}

#[test]
fn a_device_whose_caller_gave_way_to_a_call_of_its_own_that_is_over_stops_ringing() {
    let mut town = Town::new(&["ann/lap", "bob/tab"], 1);
    let (small, large) = (town.fresh_id(), town.fresh_id());
    town.call_as(small, "bob/tab", "ann");
    town.call_as(large, "ann/lap", "bob");
    // Bob puts it down before Ann's invite has come; she has given way to his by then.
    town.censor = Some(|_, _, signal| matches!(signal, Signal::Cancel { .. }));
    town.wish("bob/tab", Input::Hangup { call: small });
    town.run(STEP);
    assert!(!town.rings("bob/tab"));
}
