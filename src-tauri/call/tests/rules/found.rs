//! What storms over simulated towns have found, each with the seed that found it; told again in as few steps as it takes.

use peal_call::{
    CallState, EndReason, HangupReason, Input, MediaKind, MemberState, Policy, RecordStatus, RejectReason, RosterEntry,
    Signal, Standing,
};

use crate::rig::{Town, accept, address, reject, user};
use crate::{SECOND, STEP, all_hear, conference, member, pair, people, status, talk, went};

fn hear(town: &mut Town, name: &str, from: &str, signal: Signal) {
    town.wish(name, Input::SignalReceived { from: address(from), signal, at: 1 });
}

/// Seed 39: each corrected the other, and told it so.
#[test]
fn two_devices_of_mine_do_not_correct_each_other_for_ever() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap", "bob/tab"], 1);
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    for name in ["bob/desk", "bob/lap", "bob/tab"] {
        town.wish(name, accept(call));
        town.wish(name, Input::Hangup { call });
    }
    town.run(SECOND * 60);
    let told = town.sent.iter().filter(|(.., signal)| matches!(signal, Signal::Shared(_))).count();
    assert!(told <= 12, "{told} lines told");
}

/// Seeds 798, 3413, 3773: what was remembered of the call was forgotten.
#[test]
fn a_withdrawal_that_overtakes_a_second_invitation_leaves_the_talk_in_the_history() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.run(SECOND * 10);
    town.wish("cat/desk", Input::Leave { call });
    town.run(STEP);
    town.censor = Some(|_, to, signal| *to == address("cat/desk") && matches!(signal, Signal::Invite(_)));
    town.invite("ann/desk", call, &["cat"]);
    town.wish("ann/desk", Input::Cancel { call, record: true });
    town.run(STEP);
    let late = town.sent.iter().rev().find_map(|(_, _, signal)| match signal {
        Signal::Invite(_) => Some(signal.clone()),
        _ => None,
    });
    hear(&mut town, "cat/desk", "ann/desk", late.unwrap());
    let line = &town.device("cat/desk").records[0];
    assert_eq!(line.status, RecordStatus::Completed);
    assert!(line.duration >= SECOND * 10, "{:?}", line.duration);
    assert!(!town.rings("cat/desk"));
}

/// Seeds 23029, 37395: only the device that declined the second invitation knew of it.
#[test]
fn a_second_invitation_that_is_declined_does_not_undo_that_they_had_talked() {
    let mut town = Town::new(&["ann/desk", "bob/desk", "cat/desk", "cat/lap"], 1);
    let call = town.call_all("ann/desk", &["bob", "cat"]);
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.wish("cat/lap", accept(call));
    town.run(SECOND * 5);
    town.wish("cat/lap", Input::Leave { call });
    town.run(STEP);
    town.invite("ann/desk", call, &["cat"]);
    town.run(STEP);
    town.wish("cat/desk", reject(call));
    town.run(STEP);
    assert_eq!(status(&town, "cat/desk", call), Some(RecordStatus::Completed));
    assert_eq!(status(&town, "cat/lap", call), Some(RecordStatus::Completed));
    town.wish("ann/desk", Input::Hangup { call });
    assert_eq!(went(&town, "ann/desk", call, "cat"), Some(RecordStatus::Completed));
}

/// Seed 1887: their hang-up had overtaken their roster.
#[test]
fn who_has_left_may_still_say_what_became_of_those_whom_they_had_invited() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.invite("bob/desk", call, &["dan"]);
    town.run(STEP);
    town.censor = Some(|from, _, signal| *from == address("bob/desk") && matches!(signal, Signal::Roster { .. }));
    town.wish("bob/desk", Input::Leave { call });
    town.run(STEP);
    assert_eq!(member(&town, "ann/desk", call, "dan"), Some((MemberState::Inviting, None)));
    let late = town.sent.iter().rev().find_map(|(from, to, signal)| match signal {
        Signal::Roster { .. } if *from == address("bob/desk") && *to == address("ann/desk") => Some(signal.clone()),
        _ => None,
    });
    hear(&mut town, "ann/desk", "bob/desk", late.unwrap());
    assert_eq!(member(&town, "ann/desk", call, "dan"), Some((MemberState::Left, Some(EndReason::Cancelled))));
    // But of nobody else, and not of themselves.
    let tale = |of: &str, standing| RosterEntry { user: user(of), generation: 0, standing };
    let entries = vec![
        tale("cat", Standing::Left { reason: EndReason::Hangup }),
        tale("bob", Standing::Joined { device: address("bob/desk").device }),
    ];
    hear(&mut town, "ann/desk", "bob/desk", Signal::Roster { call, entries, reply: false });
    assert!(all_hear(&town, call, &["ann", "cat"]));
    assert_eq!(member(&town, "ann/desk", call, "bob"), Some((MemberState::Left, Some(EndReason::Hangup))));
}

/// Seed 9377: presence had told of its death before the roster told of its life.
#[test]
fn one_who_died_before_i_knew_of_them_is_gone_after_a_minute() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob"]);
    town.kill("cat/desk");
    town.run(STEP);
    let tale = RosterEntry {
        user: user("cat"),
        generation: 0,
        standing: Standing::Joined { device: address("cat/desk").device },
    };
    hear(&mut town, "bob/desk", "ann/desk", Signal::Roster { call, entries: vec![tale], reply: false });
    assert_eq!(member(&town, "bob/desk", call, "cat").unwrap().0, MemberState::Connecting);
    town.run(SECOND * 70);
    assert_eq!(member(&town, "bob/desk", call, "cat"), Some((MemberState::Left, Some(EndReason::IceLost))));
}

/// Seed 9117: the one who had answered did not know yet that they had won.
#[test]
fn a_decision_made_before_the_winner_knows_is_heard() {
    let mut town = pair();
    town.censor = Some(|_, _, signal| matches!(signal, Signal::Select { .. }));
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.media = MediaKind::Video;
    town.wish("ann/desk", Input::Call(dial));
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(STEP);
    town.wish("ann/desk", Input::SwitchMedia { call, media: MediaKind::Audio });
    town.wish("ann/desk", Input::SetMuted { muted: true });
    town.run(STEP);
    town.censor = None;
    town.run(SECOND * 6);
    let bob = town.snapshot("bob/desk", call).unwrap();
    assert_eq!((bob.state, bob.media, bob.members[0].muted), (CallState::Connected, MediaKind::Audio, true));
}

/// Seed 13742: it came late, and was newer than anything said since.
#[test]
fn what_was_said_of_a_microphone_in_an_earlier_stay_is_not_believed_of_this_one() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    for muted in [true, false, true] {
        town.wish("cat/desk", Input::SetMuted { muted });
    }
    town.run(STEP);
    let stale = town.sent.iter().rev().find_map(|(_, to, signal)| match signal {
        Signal::MediaState { .. } if *to == address("ann/desk") => Some(signal.clone()),
        _ => None,
    });
    town.wish("cat/desk", Input::Leave { call });
    town.run(STEP);
    town.invite("ann/desk", call, &["cat"]);
    town.run(STEP);
    town.wish("cat/desk", accept(call));
    town.run(SECOND);
    let heard = |town: &Town| town.snapshot("ann/desk", call).unwrap().member(&user("cat")).unwrap().muted;
    assert!(!heard(&town));
    hear(&mut town, "ann/desk", "cat/desk", stale.unwrap());
    assert!(!heard(&town));
}

/// Seed 5599: both roads lost it, for it was said the moment the path was there.
#[test]
fn what_is_said_when_a_path_comes_up_is_said_twice() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.wish("bob/desk", Input::SetMuted { muted: true });
    town.censor = Some(|_, _, signal| matches!(signal, Signal::MediaState { .. }));
    town.run(SECOND);
    town.censor = None;
    town.run(SECOND * 4);
    assert!(town.snapshot("ann/desk", call).unwrap().members[0].muted);
}

/// Seed 16201: they were not known to be in the call when they said it.
#[test]
fn what_was_said_before_i_was_known_to_be_in_is_said_again() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = talk(&mut town, "ann/desk", "bob/desk");
    town.censor = Some(|from, to, signal| {
        *to == address("bob/desk") && *from != address("bob/desk") && matches!(signal, Signal::Roster { .. })
    });
    town.invite("ann/desk", call, &["cat"]);
    town.run(STEP);
    town.wish("cat/desk", accept(call));
    town.run(STEP);
    town.wish("cat/desk", Input::SetMuted { muted: true });
    town.run(STEP);
    town.censor = None;
    town.run(SECOND * 8);
    assert!(town.snapshot("bob/desk", call).unwrap().member(&user("cat")).unwrap().muted);
}

/// Seeds 9413, 10643: the answer to the question of one was taken for the other's.
#[test]
fn a_roster_that_was_asked_for_and_lost_is_told_again() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob"]);
    town.invite("ann/desk", call, &["cat"]);
    town.run(STEP);
    town.wish("cat/desk", reject(call));
    town.censor = Some(|from, _, signal| *from == address("ann/desk") && matches!(signal, Signal::Roster { .. }));
    town.run(STEP);
    let entries = vec![];
    hear(&mut town, "ann/desk", "bob/desk", Signal::Roster { call, entries, reply: true });
    town.censor = None;
    town.run(SECOND * 10);
    assert_eq!(member(&town, "bob/desk", call, "cat"), Some((MemberState::Left, Some(EndReason::Rejected))));
}

/// Seed 6707: each side of a network that had fallen apart believed the other gone, and one of them was called anew.
#[test]
fn two_halves_of_a_call_find_each_other_again() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat", "dan"]);
    let places: Vec<_> = ["ann", "bob", "cat", "dan"].iter().map(|it| town.place_of(&format!("{it}/desk"))).collect();
    for a in [places[0], places[1]] {
        for b in [places[2], places[3]] {
            town.build_wall(a, b);
        }
    }
    for name in ["cat/desk", "dan/desk"] {
        town.disconnect(town.place_of(name));
    }
    town.run(SECOND * 50);
    assert_eq!(member(&town, "ann/desk", call, "cat"), Some((MemberState::Left, Some(EndReason::IceLost))));
    assert!(all_hear(&town, call, &["ann", "bob"]) && all_hear(&town, call, &["cat", "dan"]));
    for a in [places[0], places[1]] {
        for b in [places[2], places[3]] {
            town.tear_down_wall(a, b);
        }
    }
    for name in ["cat/desk", "dan/desk"] {
        town.connect(town.place_of(name));
    }
    town.run(SECOND * 60);
    assert!(all_hear(&town, call, &["ann", "bob", "cat", "dan"]));
}

/// A doubled accept, answered "gone" because the caller had hung up meanwhile, took the answer back (seed 43999).
#[test]
fn an_accept_that_comes_twice_to_a_call_that_was_put_down_is_still_completed() {
    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    let twice = town.sent.last().unwrap().2.clone();
    town.run(STEP / 160);
    town.wish("ann/desk", Input::Hangup { call });
    hear(&mut town, "ann/desk", "bob/desk", twice);
    let gone = Signal::Hangup { call, generation: 0, reason: HangupReason::Gone, everyone: false };
    hear(&mut town, "bob/desk", "ann/desk", gone);
    town.run(SECOND);
    assert_eq!(status(&town, "ann/desk", call), Some(RecordStatus::Completed));
    assert_eq!(status(&town, "bob/desk", call), Some(RecordStatus::Completed));
}

/// Seed 45639: somebody who blocks the inviter keeps what they wrote of an earlier invitation.
#[test]
fn who_blocks_the_inviter_does_not_hear_of_the_next_invitation() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = town.call_all("ann/desk", &["bob", "cat"]);
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.wish("cat/desk", reject(call));
    town.run(SECOND);
    town.wish("cat/desk", Input::PolicyChanged(Policy { blocked: [user("ann")].into(), ..Policy::default() }));
    town.invite("ann/desk", call, &["cat"]);
    town.run(SECOND * 31);
    assert!(!town.rings("cat/desk"));
    assert_eq!(status(&town, "cat/desk", call), Some(RecordStatus::Rejected));
}

/// Seeds 5296629, 5313539: the one who came in had read of an open invitation whose end nobody told any more.
#[test]
fn who_comes_in_waits_for_nobody_without_end() {
    for comer in ["bob", "eve"] {
        let mut town = people(&["ann", "bob", "cat", "dan", "eve"]);
        let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
        let dan = town.callee("dan");
        town.wish("bob/desk", Input::Transfer { call, callee: dan, lifetime: SECOND * 60 });
        town.run(STEP);
        town.censor = Some(|from, _, signal| *from == address("bob/desk") && matches!(signal, Signal::Roster { .. }));
        town.wish("bob/desk", Input::Leave { call });
        town.run(STEP);
        town.invite("ann/desk", call, &[comer]);
        town.run(STEP);
        let comer = format!("{comer}/desk");
        town.wish(&comer, accept(call));
        town.run(SECOND);
        assert_eq!(member(&town, &comer, call, "dan"), Some((MemberState::Inviting, None)));
        for name in ["ann/desk", "cat/desk"] {
            town.wish(name, Input::Leave { call });
        }
        town.run(SECOND * 11);
        assert_eq!(town.state(&comer, call), Some(CallState::Ended(EndReason::Cancelled)));
    }
}

/// Seed 5615448: of two invitations to one call the first still rang.
#[test]
fn the_end_of_a_later_invitation_overtakes_it_while_an_earlier_one_rings() {
    for earlier_ends in [false, true] {
        let mut town = people(&["ann", "bob", "cat"]);
        let call = town.call_all("bob/desk", &["ann", "cat"]);
        town.run(STEP);
        town.wish("ann/desk", accept(call));
        town.run(STEP);
        town.censor = Some(|_, to, _| *to == address("cat/desk"));
        town.wish("bob/desk", Input::Cancel { call, record: true });
        town.run(STEP);
        town.invite("ann/desk", call, &["cat"]);
        town.wish("ann/desk", Input::Cancel { call, record: true });
        assert!(town.rings("cat/desk"));
        let late = |town: &Town, from: &str, wanted: fn(&Signal) -> bool| {
            let mut sent = town.sent.iter().rev();
            let found =
                sent.find(|(it, to, signal)| *it == address(from) && *to == address("cat/desk") && wanted(signal));
            found.unwrap().2.clone()
        };
        let withdrawal = |signal: &Signal| matches!(signal, Signal::Cancel { .. });
        let (first, second) = (late(&town, "bob/desk", withdrawal), late(&town, "ann/desk", withdrawal));
        let invite = late(&town, "ann/desk", |signal| matches!(signal, Signal::Invite(_)));
        hear(&mut town, "cat/desk", "ann/desk", second);
        if earlier_ends {
            hear(&mut town, "cat/desk", "bob/desk", first);
        }
        hear(&mut town, "cat/desk", "ann/desk", invite);
        assert!(!town.rings("cat/desk"), "the first has ended: {earlier_ends}");
        assert_eq!(status(&town, "cat/desk", call), Some(RecordStatus::Cancelled));
    }
}

/// Seeds 5628783, 5777198, 5930752: they overtook each other on the way to a device that hears of it only from mine.
#[test]
fn a_decline_and_what_the_caller_made_of_it_come_in_any_order() {
    for (busy, settled) in [(false, RecordStatus::Busy), (true, RecordStatus::Rejected)] {
        for swapped in [false, true] {
            let mut town = Town::new(&["ann/desk", "bob/desk", "bob/lap", "bob/tab"], 1);
            town.censor = Some(|_, to, _| *to == address("bob/lap"));
            let call = town.call("ann/desk", "bob");
            town.run(STEP);
            town.wish("bob/desk", Input::Reject { call, busy, message: None });
            let reason = if busy { RejectReason::Declined } else { RejectReason::Busy };
            let first = Signal::Reject { call, generation: 0, reason, message: None };
            hear(&mut town, "ann/desk", "bob/tab", first);
            town.run(STEP);
            let mut lines = town.device("bob/desk").shared.clone();
            assert_eq!(lines.len(), 2, "its own word, and then the caller's");
            if swapped {
                lines.reverse();
            }
            for line in lines {
                hear(&mut town, "bob/lap", "bob/desk", Signal::Shared(line));
            }
            for name in ["ann/desk", "bob/desk", "bob/lap", "bob/tab"] {
                assert_eq!(status(&town, name, call), Some(settled), "{name}, swapped: {swapped}");
            }
        }
    }
}
