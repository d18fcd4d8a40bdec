//! Calls of two.

use peal_call::{CallState, CancelReason, Candidate, EndReason, Input, Link, Notice, RecordStatus, Refusal, Signal};

use crate::rig::{Town, accept, address, reject};
use crate::{SECOND, STEP, connected, pair, statuses};

#[test]
fn an_answered_call_connects_and_is_completed_in_both_histories() {
    let mut town = pair();
    let call = connected(&mut town);
    town.run(SECOND * 10);
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    assert_eq!(town.state("bob/desk", call), Some(CallState::Ended(EndReason::Hangup)));
    assert_eq!(statuses(&town, "ann/desk"), [RecordStatus::Completed]);
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Completed]);
    assert!(town.device("bob/desk").records[0].duration >= SECOND * 10);
    assert!(town.device("ann/desk").open.is_empty() && town.device("bob/desk").open.is_empty());
    town.run(SECOND * 9);
    assert!(town.snapshot("ann/desk", call).is_none(), "the ended call leaves the screen");
}

#[test]
fn the_caller_sees_that_it_rings() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    assert_eq!(town.state("ann/desk", call), Some(CallState::Calling));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Ringing));
    assert!(town.rings("bob/desk"));
}

#[test]
fn nothing_about_the_callee_leaves_before_the_answer() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    let link = Link { call, peer: address("ann/desk") };
    let candidate = Candidate { candidate: "candidate:1".into(), mid: None, line: Some(0) };
    town.wish("bob/desk", Input::CandidatesGathered { link, candidates: vec![candidate], complete: true });
    let from_bob = |town: &Town| {
        town.sent.iter().filter(|(from, ..)| from.user.as_str() == "bob").map(|it| it.2.clone()).collect::<Vec<_>>()
    };
    assert_eq!(from_bob(&town), [Signal::Ringing { call, generation: 0 }]);
    town.wish("bob/desk", accept(call));
    assert!(matches!(from_bob(&town)[1..], [Signal::Accept { .. }, Signal::Candidates { complete: true, .. }]));
}

#[test]
fn a_declined_call_ends_on_both_sides_with_its_words() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", Input::Reject { call, busy: false, message: Some("later".into()) });
    town.run(STEP);
    let ann = town.snapshot("ann/desk", call).unwrap();
    assert_eq!(ann.state, CallState::Ended(EndReason::Rejected));
    assert_eq!(ann.message.as_deref(), Some("later"));
    assert_eq!(statuses(&town, "ann/desk"), [RecordStatus::Rejected]);
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Rejected]);
}

#[test]
fn a_cancelled_call_stops_ringing_and_both_histories_say_so() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    assert!(!town.rings("bob/desk"));
    assert_eq!(statuses(&town, "ann/desk"), [RecordStatus::Cancelled]);
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Cancelled]);
    assert!(town.device("bob/desk").notices.contains(&Notice::UserCancelled(call, address("ann/desk").user)));
}

#[test]
fn nobody_answers_and_both_histories_say_missed() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(SECOND * 31);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Ended(EndReason::NoResponse)));
    assert_eq!(statuses(&town, "ann/desk"), [RecordStatus::Missed]);
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Missed]);
}

#[test]
fn second_invite_while_ringing_is_answered_busy() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "cat/desk"], 1);
    let first = town.call("ann/desk", "bob");
    town.run(STEP);
    let second = town.call("cat/desk", "bob");
    town.run(STEP);
    assert_eq!(town.state("cat/desk", second), Some(CallState::Ended(EndReason::Busy)));
    assert_eq!(town.state("ann/desk", first), Some(CallState::Ringing));
    assert_eq!(statuses(&town, "cat/desk"), [RecordStatus::Busy]);
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Busy]);
}

#[test]
fn a_call_placed_during_a_call_is_refused() {
    let mut town = pair();
    connected(&mut town);
    town.call("ann/desk", "bob");
    assert_eq!(town.device("ann/desk").refusals, [Refusal::Busy]);
}

#[test]
fn glare_makes_one_call_and_the_smaller_id_survives() {
    let mut town = pair();
    let small = town.fresh_id();
    let large = town.fresh_id();
    for (ann, bob) in [(small, large), (large, small)] {
        let mut town = pair();
        town.call_as(ann, "ann/desk", "bob");
        town.call_as(bob, "bob/desk", "ann");
        town.run(STEP);
        for name in ["ann/desk", "bob/desk"] {
            assert_eq!(town.state(name, small), Some(CallState::Connected), "{name}");
            assert!(town.snapshot(name, large).is_none(), "{name}");
            assert!(!town.device(name).notices.iter().any(|notice| matches!(notice, Notice::Invited(_))));
        }
    }
}

#[test]
fn glare_stops_the_ring_on_every_other_device() {
    let mut town = Town::new(&["ann/desk", "ann/lap", "bob/desk", "bob/lap"], 1);
    let small = town.fresh_id();
    let large = town.fresh_id();
    town.call_as(small, "ann/desk", "bob");
    town.call_as(large, "bob/desk", "ann");
    town.run(STEP);
    assert_eq!(town.state("ann/desk", small), Some(CallState::Connected));
    assert!(!town.rings("ann/lap") && !town.rings("bob/lap"));
}

#[test]
fn the_first_accept_wins_and_the_other_device_says_where() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap"], 1);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    assert!(town.rings("bob/desk") && town.rings("bob/lap"));
    town.wish("bob/desk", accept(call));
    town.wish("bob/lap", accept(call));
    town.run(STEP);
    let states = [town.state("bob/desk", call).unwrap(), town.state("bob/lap", call).unwrap()];
    assert!(states.contains(&CallState::Connected), "{states:?}");
    assert!(states.contains(&CallState::Ended(EndReason::AnsweredElsewhere)), "{states:?}");
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
}

#[test]
fn declined_on_one_device_is_declined_on_all() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap"], 1);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/lap", reject(call));
    town.run(STEP);
    assert!(!town.rings("bob/desk"));
    assert_eq!(town.state("bob/desk", call), Some(CallState::Ended(EndReason::RejectedElsewhere)));
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Rejected]);
}

#[test]
fn a_cancel_that_overtakes_its_invite_leaves_a_record_and_no_ring() {
    let mut town = pair();
    let call = town.fresh_id();
    town.wish(
        "bob/desk",
        Input::SignalReceived {
            from: address("ann/desk"),
            signal: Signal::Cancel { call, generation: 0, reason: CancelReason::Cancelled },
            at: 5,
        },
    );
    town.call_as(call, "ann/desk", "bob");
    town.run(STEP);
    assert!(!town.rings("bob/desk"));
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Cancelled]);
}

#[test]
fn an_invite_in_the_backlog_that_a_cancel_follows_never_rings() {
    let mut town = pair();
    town.wish("bob/desk", Input::CatchUpStarted);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    assert!(!town.rings("bob/desk"));
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    town.wish("bob/desk", Input::CaughtUp);
    assert!(!town.rings("bob/desk"));
    assert!(!town.device("bob/desk").notices.contains(&Notice::Invited(call)));
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Cancelled]);
}

#[test]
fn an_invite_in_the_backlog_that_still_waits_rings_once_the_backlog_is_through() {
    let mut town = pair();
    town.wish("bob/desk", Input::CatchUpStarted);
    town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", Input::CaughtUp);
    assert!(town.rings("bob/desk"));
}

#[test]
fn a_lost_marker_holds_the_ring_back_for_seconds_only() {
    let mut town = pair();
    town.wish("bob/desk", Input::CatchUpStarted);
    town.call("ann/desk", "bob");
    town.run(SECOND * 6);
    assert!(town.rings("bob/desk"));
}

#[test]
fn mute_reaches_the_other_side_and_ends_with_the_call() {
    let mut town = pair();
    let call = connected(&mut town);
    town.wish("ann/desk", Input::SetMuted { muted: true });
    town.run(STEP);
    assert!(town.snapshot("bob/desk", call).unwrap().members[0].muted);
    town.wish("ann/desk", Input::SetMuted { muted: false });
    town.run(STEP);
    assert!(!town.snapshot("bob/desk", call).unwrap().members[0].muted);
    town.wish("ann/desk", Input::SetMuted { muted: true });
    town.wish("ann/desk", Input::Hangup { call });
    assert!(!town.device("ann/desk").phone.is_muted());
}

#[test]
fn an_old_media_state_does_not_undo_a_newer_one() {
    let mut town = pair();
    let call = connected(&mut town);
    for (revision, muted) in [(2, true), (1, false)] {
        let signal = Signal::MediaState { call, revision, muted, on_hold: false, video: false, stream: None };
        town.wish("bob/desk", Input::SignalReceived { from: address("ann/desk"), signal, at: 9 });
    }
    assert!(town.snapshot("bob/desk", call).unwrap().members[0].muted);
}

#[test]
fn lost_media_is_restarted_and_the_call_goes_on() {
    let mut town = pair();
    let call = connected(&mut town);
    town.break_media(call, "ann/desk", "bob/desk");
    assert_eq!(town.state("ann/desk", call), Some(CallState::Reconnecting));
    town.run(SECOND * 3);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
    assert_eq!(town.state("bob/desk", call), Some(CallState::Connected));
    let restarts = town.sent.iter().filter(|(.., signal)| matches!(signal, Signal::Offer { .. })).count();
    assert_eq!(restarts, 1, "one side restarts");
}

#[test]
fn a_killed_program_ends_the_call_on_the_other_side() {
    let mut town = pair();
    let call = connected(&mut town);
    town.media_works = false;
    town.kill("bob/desk");
    town.run(SECOND * 5);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Reconnecting));
    town.run(SECOND * 30);
    assert_eq!(town.device("ann/desk").records[0].reason, EndReason::IceLost);
    assert_eq!(statuses(&town, "ann/desk"), [RecordStatus::Completed]);
}

#[test]
fn a_caller_killed_mid_ring_stops_the_ring() {
    let mut town = pair();
    town.call("ann/desk", "bob");
    town.run(STEP);
    town.kill("ann/desk");
    town.run(SECOND * 5);
    assert!(town.rings("bob/desk"), "a short absence is forgiven");
    town.run(SECOND * 5);
    assert!(!town.rings("bob/desk"));
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Cancelled]);
}

#[test]
fn a_caller_that_comes_back_in_time_rings_on() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", Input::DeviceDisappeared { device: address("ann/desk") });
    town.run(SECOND * 4);
    town.wish("bob/desk", Input::DeviceAppeared { device: address("ann/desk") });
    town.run(SECOND * 10);
    assert!(town.rings("bob/desk"));
    town.wish("bob/desk", accept(call));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
}

#[test]
fn a_callee_killed_mid_ring_times_out_as_unreachable() {
    let mut town = pair();
    town.call("ann/desk", "bob");
    town.run(STEP);
    town.kill("bob/desk");
    town.run(SECOND * 31);
    assert_eq!(town.device("ann/desk").records[0].reason, EndReason::Unreachable);
}

#[test]
fn a_restarted_program_that_calls_again_replaces_the_hanging_call() {
    let mut town = pair();
    let old = connected(&mut town);
    town.run(SECOND * 10);
    town.kill("ann/desk");
    town.revive("ann/desk");
    let new = town.call("ann/desk", "bob");
    town.run(STEP);
    assert!(town.rings("bob/desk"));
    assert!(town.state("bob/desk", old).is_none());
    town.wish("bob/desk", accept(new));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", new), Some(CallState::Connected));
}

#[test]
fn a_device_that_comes_online_mid_ring_rings_too() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap"], 1);
    town.kill("bob/lap");
    let call = town.call("ann/desk", "bob");
    town.run(SECOND);
    town.revive("bob/lap");
    town.run(STEP);
    assert!(town.rings("bob/lap"));
    town.wish("bob/lap", accept(call));
    town.run(STEP);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
    assert!(!town.rings("bob/desk"));
}

#[test]
fn media_that_never_connects_ends_as_ice_failed_on_both_sides() {
    let mut town = pair();
    town.media_works = false;
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(SECOND * 21);
    assert_eq!(town.device("ann/desk").records[0].reason, EndReason::IceFailed);
    assert_eq!(town.device("bob/desk").records[0].reason, EndReason::IceFailed);
}

#[test]
fn an_accept_for_a_call_that_is_over_is_told_so() {
    let mut town = pair();
    town.censor = Some(|_, _, signal| matches!(signal, Signal::Cancel { .. } | Signal::Record { .. }));
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(STEP);
    assert_eq!(town.state("bob/desk", call), Some(CallState::Ended(EndReason::Cancelled)));
}

#[test]
fn a_stranger_can_neither_cancel_nor_accept_nor_hang_up_a_call() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "eve/desk"], 1);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    let eve = |signal: Signal| Input::SignalReceived { from: address("eve/desk"), signal, at: 1 };
    town.wish("bob/desk", eve(Signal::Cancel { call, generation: 0, reason: CancelReason::Cancelled }));
    town.wish(
        "bob/desk",
        eve(Signal::Hangup { call, generation: 0, reason: peal_call::HangupReason::Hangup, everyone: false }),
    );
    assert!(town.rings("bob/desk"));
    let forged = Signal::Accept { call, generation: 0, media: peal_call::MediaKind::Audio, offer: Some(String::new()) };
    town.wish("ann/desk", eve(forged));
    assert_eq!(town.state("ann/desk", call), Some(CallState::Ringing));
    town.wish("bob/desk", accept(call));
    town.run(STEP);
    town.wish(
        "bob/desk",
        eve(Signal::Hangup { call, generation: 0, reason: peal_call::HangupReason::Hangup, everyone: false }),
    );
    assert_eq!(town.state("bob/desk", call), Some(CallState::Connected));
}

#[test]
fn a_media_path_closed_by_the_other_side_is_a_hang_up() {
    let mut town = pair();
    let call = connected(&mut town);
    town.wish("bob/desk", Input::MediaClosed { link: Link { call, peer: address("ann/desk") } });
    assert_eq!(town.state("bob/desk", call), Some(CallState::Ended(EndReason::Hangup)));
}

#[test]
fn logging_out_ends_everything_politely() {
    let mut town = pair();
    let call = connected(&mut town);
    town.wish("ann/desk", Input::LogOut { reason: EndReason::Hangup });
    town.run(STEP);
    assert_eq!(town.state("bob/desk", call), Some(CallState::Ended(EndReason::Hangup)));
}

#[test]
fn a_call_missed_while_away_reaches_the_history_by_its_record() {
    let mut town = pair();
    town.censor = Some(|_, to, signal| to.user.as_str() == "bob" && !matches!(signal, Signal::Record { .. }));
    town.call("ann/desk", "bob");
    town.run(SECOND * 31);
    assert_eq!(statuses(&town, "bob/desk"), [RecordStatus::Missed]);
    assert_eq!(town.device("bob/desk").records[0].peer, address("ann/desk").user);
}

#[test]
fn a_ring_longer_than_the_cap_is_cut_to_it() {
    let mut town = pair();
    let call = town.fresh_id();
    let invite = peal_call::Invite {
        call,
        media: peal_call::MediaKind::Audio,
        invited: vec![],
        group: None,
        message: None,
        lifetime: SECOND * 86_400,
        host: address("ann/desk").user,
        generation: 0,
        roster: vec![],
        transfer: false,
        replaces: None,
        early_media: false,
    };
    let signal = Signal::Invite(invite);
    town.wish("bob/desk", Input::SignalReceived { from: address("ann/desk"), signal, at: 1 });
    assert!(town.rings("bob/desk"));
    town.run(SECOND * 121);
    assert!(!town.rings("bob/desk"));
}

#[test]
fn a_peer_whose_program_started_anew_without_calling_ends_the_call_soon() {
    for restarted in ["ann/desk", "bob/desk"] {
        let other = if restarted == "ann/desk" { "bob/desk" } else { "ann/desk" };
        let mut town = pair();
        let call = connected(&mut town);
        town.run(SECOND * 10);
        town.kill(restarted);
        town.run(SECOND);
        town.revive(restarted);
        town.run(SECOND * 3);
        assert_eq!(town.state(other, call), Some(CallState::Ended(EndReason::IceLost)), "{restarted}");
    }
}
