//! Both histories agree, whatever crosses on the wire.

use peal_call::{EndReason, Input, RecordStatus, Signal};

use crate::rig::{CALM, Town, Weather, accept, address, reject, user};
use crate::{SECOND, STEP, ended, pair, people, status, went};

fn slow() -> Town {
    let mut town = pair();
    town.weather = Weather { delay_ms: (100, 100), ..CALM };
    town
}

#[test]
fn a_decline_and_a_cancel_that_cross_are_a_cancel_on_both_sides() {
    let mut town = slow();
    let call = town.call("ann/desk", "bob");
    town.run(SECOND);
    town.wish("bob/desk", reject(call));
    town.wish("ann/desk", Input::Cancel { call, record: true });
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Rejected), "until it knows better");
    town.run(SECOND);
    assert_eq!(status(&town, "ann/desk", call), Some(RecordStatus::Cancelled));
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Cancelled));
}

#[test]
fn an_answer_and_a_cancel_that_cross_are_a_cancel_on_both_sides() {
    let mut town = slow();
    let call = town.call("ann/desk", "bob");
    town.run(SECOND);
    town.wish("bob/desk", accept(call));
    town.run(STEP / 10);
    town.wish("ann/desk", Input::Cancel { call, record: true });
    town.run(SECOND);
    assert_eq!(status(&town, "ann/desk", call), Some(RecordStatus::Cancelled));
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Cancelled));
    assert_eq!(ended(&town, "bob/desk", call), Some(EndReason::Cancelled));
}

#[test]
fn answered_and_put_down_at_once_is_completed_on_both_sides() {
    let mut town = slow();
    let call = town.call("ann/desk", "bob");
    town.run(SECOND);
    town.wish("bob/desk", accept(call));
    town.run(STEP / 10);
    town.wish("bob/desk", Input::Hangup { call });
    town.run(SECOND);
    assert_eq!(status(&town, "ann/desk", call), Some(RecordStatus::Completed));
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Completed));
}

#[test]
fn a_hang_up_that_overtakes_its_accept_is_a_decline_on_both_sides() {
    let mut town = slow();
    let call = town.call("ann/desk", "bob");
    town.run(SECOND);
    town.wish("bob/desk", accept(call));
    town.run(STEP / 10);
    let reason = peal_call::HangupReason::Hangup;
    let signal = Signal::Hangup { call, generation: 0, reason, everyone: false };
    town.wish("ann/desk", Input::SignalReceived { from: address("bob/desk"), signal, at: 1 });
    town.wish("bob/desk", Input::Hangup { call });
    town.run(SECOND);
    assert_eq!(status(&town, "ann/desk", call), Some(RecordStatus::Rejected));
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Rejected));
}

#[test]
fn a_caller_who_hangs_up_before_the_winner_knows_has_talked_on_both_sides() {
    let mut town = slow();
    let call = town.call("ann/desk", "bob");
    town.run(SECOND);
    town.wish("bob/desk", accept(call));
    town.run(STEP / 2 + STEP / 100);
    assert_eq!(town.device("ann/desk").open.len(), 1, "the accept has come");
    town.wish("ann/desk", Input::Hangup { call });
    town.run(SECOND);
    assert_eq!(status(&town, "ann/desk", call), Some(RecordStatus::Completed));
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Completed));
}

#[test]
fn a_select_that_is_lost_is_asked_for_again() {
    let mut town = pair();
    town.censor = Some(|_, _, signal| matches!(signal, Signal::Select { .. }));
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(SECOND);
    town.censor = None;
    town.run(SECOND * 6);
    assert_eq!(town.state("bob/desk", call), Some(peal_call::CallState::Connected));
}

#[test]
fn without_a_record_message_nothing_is_left_with_those_who_were_never_reached() {
    for (record, expected) in [(true, 1), (false, 0)] {
        let mut town = pair();
        town.kill("bob/desk");
        let call = town.call("ann/desk", "bob");
        town.run(SECOND);
        town.wish("ann/desk", Input::Cancel { call, record });
        let sent = town.sent.iter().filter(|(.., signal)| matches!(signal, Signal::Record { .. })).count();
        assert_eq!(sent, expected, "record: {record}");
    }
}

#[test]
fn a_call_missed_while_offline_is_in_the_history_at_the_next_login() {
    let mut town = pair();
    town.kill("bob/desk");
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.message = Some("\"call me\"".to_owned());
    town.wish("ann/desk", Input::Call(dial));
    town.run(SECOND * 3_600);
    town.revive("bob/desk");
    town.run(STEP);
    assert!(!town.rings("bob/desk"));
    let record = &town.device("bob/desk").records[0];
    assert_eq!((record.status, record.message.as_deref()), (RecordStatus::Missed, Some("\"call me\"")));
    assert_eq!(record.peer, user("ann"));
}

#[test]
fn cancel_withdraws_the_open_invitations_of_a_call_that_runs() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = town.call_all("ann/desk", &["bob", "cat"]);
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(SECOND);
    town.wish("ann/desk", Input::Cancel { call, record: true });
    town.run(STEP);
    assert!(!town.rings("cat/desk"));
    assert_eq!(town.state("bob/desk", call), Some(peal_call::CallState::Connected));
    assert_eq!(status(&town, "cat/desk", call), Some(RecordStatus::Cancelled));
    town.wish("ann/desk", Input::Hangup { call });
    assert_eq!(went(&town, "ann/desk", call, "cat"), Some(RecordStatus::Cancelled));
}

#[test]
fn logging_out_in_a_ring_lets_the_other_devices_ring_and_learns_how_it_ended() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap"], 1);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", Input::LogOut { reason: EndReason::Hangup });
    town.run(STEP);
    assert!(town.rings("bob/lap"));
    town.wish("bob/lap", accept(call));
    town.run(STEP);
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Completed));
}

#[test]
fn a_decline_told_by_my_other_device_does_not_undo_the_callers_word() {
    // Found by exploring every order of signals: all of these come before the invite itself.
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap"], 1);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/lap", reject(call));
    let declined = town.device("bob/lap").records[0].clone();
    let invite = town.sent.iter().find_map(|(_, to, signal)| match signal {
        Signal::Invite(_) if *to == address("bob/desk") => Some(signal.clone()),
        _ => None,
    });
    town.kill("bob/desk");
    town.revive("bob/desk");
    town.wish("bob/desk", Input::CaughtUp);
    let hear = |town: &mut Town, from: &str, signal: Signal| {
        town.wish("bob/desk", Input::SignalReceived { from: address(from), signal, at: 1 });
    };
    let mut cancelled = declined.clone();
    (cancelled.status, cancelled.reason) = (RecordStatus::Cancelled, EndReason::Cancelled);
    hear(&mut town, "ann/desk", Signal::Cancel { call, generation: 0, reason: peal_call::CancelReason::Cancelled });
    hear(&mut town, "bob/lap", Signal::Shared(cancelled));
    hear(
        &mut town,
        "ann/desk",
        Signal::Record {
            call,
            generation: 0,
            media: peal_call::MediaKind::Audio,
            status: RecordStatus::Cancelled,
            started_at: 1,
            message: None,
        },
    );
    hear(&mut town, "ann/desk", invite.unwrap());
    hear(&mut town, "bob/lap", Signal::Shared(declined));
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Cancelled));
    assert!(!town.rings("bob/desk"));
}

#[test]
fn devices_that_rang_for_a_call_that_gave_way_agree_on_it() {
    let mut town = Town::new(&["ann/desk", "ann/lap", "bob/desk", "bob/lap"], 1);
    let (small, large) = (town.fresh_id(), town.fresh_id());
    // Bob's call rings at Ann's laptop; her desk has called him by then, and hears of his only after hers is over.
    town.censor = Some(|_, to, signal| *to == address("ann/desk") && matches!(signal, Signal::Invite(_)));
    town.call_as(large, "bob/desk", "ann");
    town.run(STEP);
    town.censor = None;
    town.call_as(small, "ann/desk", "bob");
    town.run(STEP);
    let lines: Vec<_> = ["ann/desk", "ann/lap"].iter().filter_map(|name| status(&town, name, large)).collect();
    assert!(lines.windows(2).all(|pair| pair[0] == pair[1]), "{lines:?}");
    assert_eq!(town.state("ann/desk", small), Some(peal_call::CallState::Connected));
}
