//! Several people in one call.

use peal_call::{
    CallId, CallState, Callee, DeviceId, EndReason, Input, MEMBER_LIMIT, MemberState, Notice, RecordStatus, Refusal,
    RosterEntry, Signal, Standing,
};

use crate::rig::{CALM, Town, Weather, accept, address, reject, user};
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
fn an_offer_that_comes_before_the_news_of_its_sender_is_kept() {
    let mut town = people(&["ann", "bob", "cat"]);
    // Bob hears of Cat by her offer first: no roster comes to him before it.
    town.censor = Some(|_, to, signal| to.user.as_str() == "bob" && matches!(signal, Signal::Roster { .. }));
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    assert!(!all_hear(&town, call, &["bob", "cat"]));
    town.censor = None;
    town.run(SECOND * 4);
    assert!(all_hear(&town, call, &["ann", "bob", "cat"]));
    let offers = town.sent.iter().filter(|(.., signal)| matches!(signal, Signal::Offer { .. })).count();
    assert_eq!(offers, 1, "the kept one was answered");
}

#[test]
fn two_who_miss_each_others_offers_connect_in_the_end() {
    let mut town = people(&["ann", "bob", "cat"]);
    town.censor = Some(|from, to, signal| {
        matches!(signal, Signal::Offer { .. }) && from.user.as_str() == "cat" && to.user.as_str() == "bob"
    });
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.run(SECOND * 30);
    assert!(all_hear(&town, call, &["ann", "bob", "cat"]), "the smaller address offered");
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
fn a_member_whose_program_dies_has_left_by_the_network() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.kill("cat/desk");
    town.run(SECOND * 5);
    assert_eq!(member(&town, "ann/desk", call, "cat"), Some((MemberState::Disconnected, None)));
    town.run(SECOND * 30);
    for name in ["ann/desk", "bob/desk"] {
        assert_eq!(member(&town, name, call, "cat"), Some((MemberState::Left, Some(EndReason::IceLost))), "{name}");
        assert_eq!(town.state(name, call), Some(CallState::Connected));
    }
}

#[test]
fn a_member_whose_program_started_anew_is_gone_at_once() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.kill("cat/desk");
    town.run(SECOND);
    town.revive("cat/desk");
    town.run(SECOND * 10);
    assert_eq!(member(&town, "ann/desk", call, "cat"), Some((MemberState::Left, Some(EndReason::IceLost))));
    assert_eq!(member(&town, "bob/desk", call, "cat"), Some((MemberState::Left, Some(EndReason::IceLost))));
}

#[test]
fn a_pair_without_a_way_does_not_end_the_call_and_finds_one_later() {
    let mut town = people(&["ann", "bob", "cat"]);
    let (bob, cat) = (town.place_of("bob/desk"), town.place_of("cat/desk"));
    town.build_wall(bob, cat);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.run(SECOND * 60);
    assert_eq!(member(&town, "bob/desk", call, "cat"), Some((MemberState::Disconnected, None)));
    assert_eq!(member(&town, "cat/desk", call, "bob"), Some((MemberState::Disconnected, None)));
    assert_eq!(town.state("bob/desk", call), Some(CallState::Connected));
    town.tear_down_wall(bob, cat);
    town.run(SECOND * 45);
    assert!(all_hear(&town, call, &["ann", "bob", "cat"]));
}

#[test]
fn one_who_is_cut_off_from_everyone_is_out_after_half_a_minute() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    let (ann, bob, cat) = (town.place_of("ann/desk"), town.place_of("bob/desk"), town.place_of("cat/desk"));
    town.build_wall(ann, cat);
    town.build_wall(bob, cat);
    town.run(SECOND * 10);
    assert_eq!(town.state("cat/desk", call), Some(CallState::Reconnecting));
    town.run(SECOND * 25);
    assert_eq!(ended(&town, "cat/desk", call), Some(EndReason::IceLost));
    assert!(all_hear(&town, call, &["ann", "bob"]));
}

#[test]
fn one_who_never_connects_to_anyone_is_out_as_ice_failed() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = town.call_all("ann/desk", &["bob", "cat"]);
    town.media_works = false;
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.wish("cat/desk", accept(call));
    town.run(SECOND * 40);
    assert_eq!(ended(&town, "ann/desk", call), Some(EndReason::IceFailed));
}

#[test]
fn one_who_was_taken_for_gone_and_is_not_comes_back() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    let (ann, cat) = (town.place_of("ann/desk"), town.place_of("cat/desk"));
    // Ann neither hears Cat nor sees her program, but Bob does.
    town.build_wall(ann, cat);
    town.wish("ann/desk", Input::DeviceDisappeared { device: address("cat/desk") });
    town.run(SECOND * 33);
    assert!(town.heard("ann/desk", &Notice::UserLeft(call, user("cat"), EndReason::IceLost)));
    town.tear_down_wall(ann, cat);
    town.run(SECOND * 40);
    assert!(all_hear(&town, call, &["ann", "bob", "cat"]));
}

#[test]
fn rosters_converge_over_a_link_that_loses_repeats_and_reorders() {
    for seed in 0..40 {
        let names: Vec<_> = ["ann", "bob", "cat", "dan"].iter().map(|name| address(&format!("{name}/desk"))).collect();
        let mut town = Town::of(names, seed);
        town.weather = Weather { loss: 0.2, repeat: 0.3, delay_ms: (1, 2_000), ..CALM };
        let call = town.call_all("ann/desk", &["bob", "cat", "dan"]);
        for name in ["bob/desk", "cat/desk", "dan/desk"] {
            town.run(SECOND * 2);
            town.wish(name, accept(call));
        }
        town.run(SECOND * 15);
        town.wish("cat/desk", Input::Leave { call });
        town.run(SECOND * 10);
        town.weather = CALM;
        town.run(SECOND * 60);
        let views: Vec<_> = ["ann", "bob", "dan"]
            .iter()
            .filter_map(|me| town.snapshot(&format!("{me}/desk"), call).map(|shown| (me, shown)))
            .filter(|(_, shown)| !shown.is_over())
            .map(|(me, shown)| {
                let mut here: Vec<_> = shown
                    .members
                    .iter()
                    .filter(|member| member.state != MemberState::Left)
                    .map(|member| member.user.to_string())
                    .collect();
                here.push((*me).to_string());
                here.sort_unstable();
                here
            })
            .collect();
        assert!(views.windows(2).all(|pair| pair[0] == pair[1]), "seed {seed}: {views:?}");
    }
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

#[test]
fn a_roster_of_impossible_generations_is_not_believed() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    let tale = |of: &str, standing| RosterEntry { user: user(of), generation: u32::MAX, standing };
    let left = Standing::Left { reason: EndReason::Hangup };
    let entries = vec![tale("cat", left.clone()), tale("dan", left.clone()), tale("bob", left)];
    let signal = Signal::Roster { call, entries, reply: false };
    town.wish("bob/desk", Input::SignalReceived { from: address("ann/desk"), signal, at: 1 });
    assert!(all_hear(&town, call, &["ann", "bob", "cat"]));
    town.invite("bob/desk", call, &["cat", "dan"]);
    town.run(STEP);
    assert!(town.rings("dan/desk"));
}

#[test]
fn an_invitation_whose_inviter_died_is_over_for_the_others_soon() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.invite("ann/desk", call, &["dan"]);
    town.run(STEP);
    town.kill("ann/desk");
    town.kill("dan/desk");
    town.run(SECOND * 45);
    for name in ["bob/desk", "cat/desk"] {
        assert_eq!(member(&town, name, call, "dan"), Some((MemberState::Left, Some(EndReason::Cancelled))), "{name}");
    }
}

#[test]
fn news_reaches_those_whom_its_teller_could_not_reach() {
    let mut town = people(&["ann", "bob", "cat", "dan"]);
    // Nothing that Ann says of the others reaches Cat, but Bob knows.
    town.censor = Some(|from, to, signal| {
        from.user.as_str() == "ann" && to.user.as_str() == "cat" && matches!(signal, Signal::Roster { .. })
    });
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.invite("ann/desk", call, &["dan"]);
    town.run(STEP);
    town.wish("dan/desk", reject(call));
    town.run(SECOND * 10);
    assert_eq!(member(&town, "cat/desk", call, "dan"), Some((MemberState::Left, Some(EndReason::Rejected))));
}
