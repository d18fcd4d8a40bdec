//! Who may ring, and how.

use peal_call::{Alert, CallState, EndReason, Input, Notice, Policy, RecordStatus, Signal, Unknown};

use crate::rig::{Town, accept, address, user};
use crate::{SECOND, STEP, ended, pair, people, status};

fn with_policy(policy: Policy) -> Town {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    town.wish("bob/desk", Input::PolicyChanged(policy));
    town
}

#[test]
fn do_not_disturb_rings_nowhere_is_recorded_and_the_caller_hears_no_response() {
    let silent = [
        Policy { do_not_disturb: true, ..Policy::default() },
        Policy { silenced: [user("ann")].into(), ..Policy::default() },
        Policy { unknown: Unknown::Silence, ..Policy::default() },
    ];
    for policy in silent {
        let mut town = with_policy(policy);
        let call = town.call("ann/desk", "bob");
        town.run(STEP);
        assert!(!town.rings("bob/desk"));
        assert_eq!(town.snapshot("bob/desk", call).unwrap().alert, Some(Alert::Silent), "it is shown");
        assert_eq!(town.state("ann/desk", call), Some(CallState::Ringing));
        town.run(SECOND * 31);
        assert_eq!(ended(&town, "ann/desk", call), Some(EndReason::NoResponse));
        assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Missed));
    }
}

#[test]
fn a_silent_call_can_be_answered() {
    let mut town = with_policy(Policy { do_not_disturb: true, ..Policy::default() });
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
}

#[test]
fn a_silent_ring_does_not_make_busy() {
    let mut town = with_policy(Policy { silenced: [user("ann")].into(), ..Policy::default() });
    let silent = town.call("ann/desk", "bob");
    town.run(STEP);
    assert!(!town.device("bob/desk").phone.is_busy());
    let loud = town.call("cat/desk", "bob");
    town.run(STEP);
    assert_eq!(town.snapshot("bob/desk", loud).unwrap().alert, Some(Alert::Ring));
    town.wish("bob/desk", crate::rig::reject(loud));
    town.run(STEP);
    let out = town.call("bob/desk", "dan");
    town.run(STEP);
    assert_eq!(town.state("bob/desk", out), Some(CallState::Ringing), "and one may call out");
    assert_eq!(town.state("ann/desk", silent), Some(CallState::Ringing));
}

#[test]
fn blocked_is_as_if_there_were_nobody() {
    let blocking = [
        Policy { blocked: [user("ann")].into(), ..Policy::default() },
        Policy { unknown: Unknown::Block, known: [user("cat")].into(), ..Policy::default() },
    ];
    for policy in blocking {
        let mut town = with_policy(policy);
        let call = town.call("ann/desk", "bob");
        town.run(SECOND * 31);
        assert!(!town.sent.iter().any(|(from, ..)| *from == address("bob/desk")), "not a word");
        assert_eq!(ended(&town, "ann/desk", call), Some(EndReason::Unreachable));
        assert!(!town.heard("bob/desk", &Notice::Invited(call)));
    }
}

#[test]
fn a_blocked_call_leaves_no_record_even_if_the_caller_sends_one() {
    let mut town = with_policy(Policy { blocked: [user("ann")].into(), ..Policy::default() });
    let call = town.call("ann/desk", "bob");
    town.run(SECOND * 31);
    assert_eq!(status(&town, "bob/desk", call), None);
}

#[test]
fn known_callers_ring_whatever_becomes_of_strangers() {
    let known = [user("ann")].into();
    let mut town = with_policy(Policy { unknown: Unknown::Block, known, ..Policy::default() });
    town.call("ann/desk", "bob");
    town.run(STEP);
    assert!(town.rings("bob/desk"));
}

#[test]
fn a_device_that_does_not_ring_leaves_it_to_the_others() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap"], 1);
    town.wish("bob/desk", Input::PolicyChanged(Policy { ring_here: false, ..Policy::default() }));
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    assert!(!town.rings("bob/desk") && town.rings("bob/lap"));
    let told = town.sent.iter().any(|(from, ..)| *from == address("bob/desk"));
    assert!(!told, "the caller does not hear of it");
    town.wish("bob/lap", accept(call));
    town.run(STEP);
    assert_eq!(ended(&town, "bob/desk", call), Some(EndReason::AnsweredElsewhere));
}

#[test]
fn who_is_silenced_or_blocked_in_the_middle_of_a_ring_falls_silent() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", Input::PolicyChanged(Policy { do_not_disturb: true, ..Policy::default() }));
    assert_eq!(town.snapshot("bob/desk", call).unwrap().alert, Some(Alert::Silent));
    town.wish("bob/desk", Input::PolicyChanged(Policy { blocked: [user("ann")].into(), ..Policy::default() }));
    assert_eq!(ended(&town, "bob/desk", call), Some(EndReason::Blocked));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Ringing), "and hears nothing of it");
}

#[test]
fn a_flood_of_invites_is_dropped_without_hurting_others() {
    let mut town = people(&["ann", "bob", "cat"]);
    for _ in 0..200 {
        let call = town.fresh_id();
        let dial = town.dial(call, &["bob"]);
        let invite = peal_call::Invite {
            call,
            media: dial.media,
            host: user("ann"),
            generation: 0,
            invited: vec![user("bob")],
            roster: vec![],
            group: None,
            message: None,
            lifetime: SECOND * 30,
            transfer: false,
            replaces: None,
            early_media: false,
        };
        let from = address("ann/desk");
        town.wish("bob/desk", Input::SignalReceived { from, signal: Signal::Invite(invite), at: 1 });
        town.run(STEP / 100);
    }
    let answered = town.sent.iter().filter(|(from, to, _)| *from == address("bob/desk") && to.user == user("ann"));
    assert!(answered.count() <= 12, "what is too much is not answered");
    assert!(town.device("bob/desk").phone.flooded() >= 188);
    town.run(SECOND * 31);
    let call = town.call("cat/desk", "bob");
    town.run(STEP);
    assert!(town.rings("bob/desk"), "others get through");
    assert_eq!(town.state("cat/desk", call), Some(CallState::Ringing));
}

#[test]
fn at_most_three_calls_of_one_sender_wait_at_once() {
    let mut town = people(&["ann", "bob"]);
    town.wish("bob/desk", Input::PolicyChanged(Policy { do_not_disturb: true, ..Policy::default() }));
    for _ in 0..5 {
        let call = town.call("ann/desk", "bob");
        town.run(STEP / 10);
        // Ann's program forgets it and calls again.
        town.wish(
            "ann/desk",
            Input::SignalReceived {
                from: address("bob/desk"),
                signal: Signal::Reject {
                    call,
                    generation: 0,
                    reason: peal_call::RejectReason::Incompatible,
                    message: None,
                },
                at: 1,
            },
        );
    }
    assert_eq!(town.device("bob/desk").phone.snapshot().len(), 3);
    assert_eq!(town.device("bob/desk").phone.flooded(), 2);
}

#[test]
fn who_was_quiet_again_may_call_again() {
    let mut town = people(&["ann", "bob"]);
    for round in 0..30 {
        let call = town.call("ann/desk", "bob");
        town.run(STEP);
        town.wish("ann/desk", Input::Hangup { call });
        town.run(SECOND * 6);
        assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Cancelled), "round {round}");
    }
    assert_eq!(town.device("bob/desk").phone.flooded(), 0);
}

#[test]
fn calls_that_were_answered_are_no_flood() {
    let mut town = people(&["ann", "bob"]);
    for round in 0..40 {
        let call = town.call("ann/desk", "bob");
        town.run(STEP);
        town.wish("bob/desk", accept(call));
        town.run(STEP);
        town.wish("ann/desk", Input::Hangup { call });
        town.run(STEP);
        assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Completed), "round {round}");
    }
    assert_eq!(town.device("bob/desk").phone.flooded(), 0);
}

#[test]
fn a_blocked_person_can_not_find_out_that_somebody_is_there() {
    let mut town = with_policy(Policy { blocked: [user("ann")].into(), ..Policy::default() });
    let call = town.fresh_id();
    for signal in [
        Signal::Offer { call, attempt: 1, sdp: String::new() },
        Signal::Roster { call, entries: vec![], reply: true },
        Signal::Accept { call, generation: 0, media: peal_call::MediaKind::Audio, offer: None },
    ] {
        for (from, answered) in [("ann/desk", 0), ("cat/desk", 1)] {
            let before = town.sent.len();
            town.wish("bob/desk", Input::SignalReceived { from: address(from), signal: signal.clone(), at: 1 });
            assert_eq!(town.sent.len() - before, answered, "{from}: {signal:?}");
        }
    }
}

#[test]
fn a_flood_of_records_fills_no_history() {
    let mut town = people(&["ann", "bob", "cat"]);
    let tell = |town: &mut Town, from: &str| {
        let call = town.fresh_id();
        let (media, status) = (peal_call::MediaKind::Audio, RecordStatus::Missed);
        let signal = Signal::Record { call, generation: 0, media, status, started_at: 1, message: None };
        town.wish("bob/desk", Input::SignalReceived { from: address(from), signal, at: 1 });
    };
    for _ in 0..1_000 {
        tell(&mut town, "ann/desk");
    }
    assert_eq!(town.device("bob/desk").records.len(), 100);
    tell(&mut town, "cat/desk");
    assert_eq!(town.device("bob/desk").records.len(), 101, "others get through");
}

#[test]
fn strangers_talk_of_calls_that_never_were_pushes_out_nothing() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    let invite = town.sent[0].2.clone();
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    for _ in 0..2_000 {
        let call = town.fresh_id();
        let reason = peal_call::CancelReason::Cancelled;
        let signal = Signal::Cancel { call, generation: 0, reason };
        town.wish("bob/desk", Input::SignalReceived { from: address("eve/desk"), signal, at: 1 });
    }
    town.wish("bob/desk", Input::SignalReceived { from: address("ann/desk"), signal: invite, at: 1 });
    assert!(!town.rings("bob/desk"), "the call is still known to be over");
}
