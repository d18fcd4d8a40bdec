//! How calls end, in words on both screens.

use std::time::SystemTime;

use peal_tests::desk::Desk;
use peal_tests::desk::page::id;

use crate::{ends, milliseconds, remembers, turn, two_people};

#[test]
fn an_unanswered_call_ends_in_words_on_both_screens() {
    let _turn = turn();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    let bobs = alice.sees_contact("Bob Chen");

    // Bob declines.
    alice.calls(&bobs);
    bob.rings();
    bob.picks("decline");
    ends(&desk, &mut alice, "rejected");
    bob.stops_ringing();
    remembers(&mut alice, "rejected", "outgoing");
    remembers(&mut bob, "rejected", "incoming");

    // Bob declines, and says why.
    alice.calls(&bobs);
    bob.rings();
    bob.page.click(&id("decline-with-message"));
    bob.page.types(&id("own-words"), "On the ladder, ten minutes");
    desk.picture("decline-with-message");
    bob.picks("send-decline");
    assert_eq!(alice.page.text(&id("end-message")), "On the ladder, ten minutes");
    ends(&desk, &mut alice, "rejected");
    bob.stops_ringing();

    // Alice gives up.
    alice.calls(&bobs);
    bob.rings();
    alice.sees_call("ringing");
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut alice, "cancelled");
    bob.stops_ringing();
    assert!(!bob.page.text(&id("missed-badge")).is_empty());
    remembers(&mut alice, "cancelled", "outgoing");
    remembers(&mut bob, "cancelled", "incoming");

    // Nobody picks up.
    alice.page.click(&id("open-settings"));
    alice.page.click(&format!("{} option[value=\"15000\"]", id("ring-time")));
    alice.page.click(&id("close-settings"));
    alice.page.misses(&id("settings"));
    alice.calls(&bobs);
    bob.rings();
    ends(&desk, &mut alice, "no_response");
    bob.stops_ringing();
    remembers(&mut alice, "missed", "outgoing");
    remembers(&mut bob, "missed", "incoming");

    // Bob talks to Echo.
    bob.calls("echo");
    bob.sees_call("connected");
    alice.calls(&bobs);
    ends(&desk, &mut alice, "busy");
    bob.sees_call("connected");
    bob.page.click(&id("hang-up"));
    ends(&desk, &mut bob, "hangup");
    remembers(&mut alice, "busy", "outgoing");
    bob.page.click(&id("tab-recent"));
    let missed = format!("{}[data-status=\"busy\"][data-direction=\"incoming\"]", id("record"));
    assert!(bob.page.text(&missed).contains("Missed while in a call"));
}

#[test]
fn a_killed_program_is_missed_and_then_given_up_in_words() {
    let _turn = turn();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    let bobs = alice.sees_contact("Bob Chen");
    alice.calls(&bobs);
    bob.rings();
    bob.picks("answer");
    alice.sees_call("connected");
    bob.sees_call("connected");
    bob.crashes();
    let killed = SystemTime::now();
    alice.sees_call("reconnecting");
    println!("killed to reconnecting: {} ms", milliseconds(killed, SystemTime::now()));
    desk.picture("reconnecting");
    let (reason, words) = alice.sees_end();
    println!("killed to given up: {} ms ({words})", milliseconds(killed, SystemTime::now()));
    assert_eq!(reason, "ice_lost");
    assert_eq!(words, "Connection lost");
    assert!(!alice.page.text(&id("end-hint")).is_empty());
    desk.picture("lost");
    alice.goes_back();
    alice.page.sees(&format!("{}[data-user-id=\"{bobs}\"][data-presence=\"offline\"]", id("contact")));
}
