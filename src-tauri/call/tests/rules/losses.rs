//! Groups whose signals, programs and paths are lost.

use peal_call::{CallState, EndReason, Input, MemberState, Notice, RosterEntry, Signal, Standing};

use crate::rig::{CALM, Town, Weather, accept, address, reject, user};
use crate::{SECOND, STEP, all_hear, conference, ended, member, people};

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
