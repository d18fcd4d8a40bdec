//! More than one call, and more than two people: waiting, hold, groups, handing over, and not being disturbed.

use peal_tests::desk::page::id;
use peal_tests::desk::{Desk, Peal};
use peal_tests::headless::{Headless, arguments};
use serde_json::json;

use crate::{ends, remembers, turn};

/// Somebody without windows; who `answers` does so at once.
fn friend(desk: &Desk, name: &str, answers: bool) -> Headless {
    let mut options = arguments(name, desk.broker, desk.home());
    options.extend(["--microphone", "silence", "--speaker", "null"].map(str::to_owned));
    options.extend(answers.then(|| "--auto-answer".to_owned()));
    let mut friend = Headless::start(name, options).unwrap();
    friend.online().unwrap();
    friend
}

/// The account behind a name, as `friend` sees it.
fn account(friend: &mut Headless, name: &str) -> String {
    let is_there = |it: &serde_json::Value| it["name"] == name && it["presence"] != "offline";
    let view = friend
        .snapshot_where(name, |view| view["contacts"].as_array().is_some_and(|all| all.iter().any(is_there)))
        .unwrap();
    let contact = view["contacts"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
    contact["user_id"].as_str().unwrap().to_owned()
}

/// A switch in the settings.
fn switches(person: &mut Peal, setting: &str) {
    person.page.click(&id("open-settings"));
    person.page.click(&id(setting));
    person.page.sees(&format!("{}[aria-checked=\"true\"]", id(setting)));
    person.page.click(&id("close-settings"));
    person.page.misses(&id("settings"));
}

/// A row of a list of people.
fn row(user: &str) -> String {
    format!("{}[data-user-id=\"{user}\"]", id("picker-row"))
}

#[test]
fn a_second_call_waits_the_first_is_held_and_both_become_one() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let (mut bob, mut cat) = (friend(&desk, "Bob", true), friend(&desk, "Cat", true));
    let bobs = alice.sees_contact("Bob");
    switches(&mut alice, "call-waiting");
    alice.calls(&bobs);
    alice.sees_call("connected");
    let first = alice.page.attribute(&id("call"), "data-call-id");

    let me = account(&mut cat, "Alice Lindqvist");
    cat.tell("call", &json!({ "to": [me], "message": "Are you coming?" })).unwrap();
    alice.page.sees(&id("main-ringing"));
    assert!(alice.page.text(&id("main-ringing")).contains("Are you coming?"));
    desk.picture("waiting");
    alice.page.click(&id("strip-hold-answer"));
    alice.page.sees(&format!("{}[data-call-id=\"{first}\"]", id("other-call")));
    alice.sees_call("connected");
    assert!(alice.page.text(&id("other-call")).contains("On hold"));
    let held = |it: &serde_json::Value| it["calls"][0]["members"][0]["on_hold"] == true;
    bob.snapshot_where("that he is on hold", held).unwrap();
    desk.picture("held");

    // From one to the other, and back.
    alice.page.click(&id("strip-resume"));
    alice.page.sees(&format!("{}[data-call-id=\"{first}\"][data-on-hold=\"false\"]", id("call")));
    alice.page.until(&format!("document.querySelector('{}')?.dataset.callId !== '{first}'", id("other-call")));

    alice.page.click(&id("strip-merge"));
    alice.page.misses(&id("other-call"));
    alice.page.until(&format!("document.querySelectorAll('{}').length === 3", id("voice")));
    desk.picture("merged");
    for other in [&mut bob, &mut cat] {
        other.snapshot_where("two others in the call", |view| joined(view) == 2).unwrap();
    }
    alice.page.click(&id("hang-up"));
    alice.page.sees(&id("leave-or-end"));
    desk.picture("leave-or-end");
    alice.page.click(&id("leave"));
    ends(&desk, &mut alice, "hangup");
    bob.snapshot_where("only Cat in the call", |view| joined(view) == 1).unwrap();
}

/// How many others are in the only call.
fn joined(view: &serde_json::Value) -> usize {
    let is_open = |call: &&serde_json::Value| call["state"] == "connected";
    let Some(call) = view["calls"].as_array().and_then(|calls| calls.iter().find(is_open)) else { return 0 };
    call["members"].as_array().map_or(0, |all| all.iter().filter(|it| it["state"] == "joined").count())
}

#[test]
fn several_are_called_more_come_and_a_no_is_seen() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let _others = [friend(&desk, "Bob", true), friend(&desk, "Cat", true)];
    let mut dora = friend(&desk, "Dora", false);
    let users = ["Bob", "Cat"].map(|name| alice.sees_contact(name));
    let doras = alice.sees_contact("Dora");
    alice.page.click(&id("add-menu"));
    desk.picture("add-menu");
    alice.page.click(&id("call-several"));
    for user in &users {
        alice.page.click(&format!("{}[data-user-id=\"{user}\"]", id("contact")));
    }
    desk.picture("picking");
    alice.page.click(&id("call-picked"));
    alice.sees_call("connected");
    alice.page.until(&format!("document.querySelectorAll('{}').length === 3", id("voice")));

    alice.page.click(&id("add-people"));
    alice.page.click(&row(&doras));
    desk.picture("add-people");
    alice.page.click(&id("add-dialog-yes"));
    let call = dora.event("invited").unwrap();
    alice.page.until(&format!("document.querySelectorAll('{}').length === 4", id("voice")));
    desk.picture("group-inviting");
    dora.ask("reject", &json!({ "call_id": call.call_id(), "message": "Not now" })).unwrap();
    alice.page.sees(&format!("{}[data-user-id=\"{doras}\"][data-reason=\"rejected\"]", id("gone")));
    assert!(alice.page.text(&id("toast")).contains("Not now"));
    desk.picture("group-declined");
    alice.page.click(&id("hang-up"));
    alice.page.click(&id("end-for-all"));
    ends(&desk, &mut alice, "hangup");
    remembers(&mut alice, "completed", "outgoing");
}

#[test]
fn a_call_is_handed_over() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let (mut bob, mut cat) = (friend(&desk, "Bob", true), friend(&desk, "Cat", true));
    let bobs = alice.sees_contact("Bob");
    let cats = alice.sees_contact("Cat");
    alice.calls(&bobs);
    alice.sees_call("connected");
    alice.page.click(&id("hold"));
    alice.page.sees(&format!("{}[data-on-hold=\"true\"]", id("call")));
    desk.picture("on-hold");
    alice.page.click(&id("hold"));
    alice.page.sees(&format!("{}[data-on-hold=\"false\"]", id("call")));
    alice.page.click(&id("more"));
    alice.page.click(&id("open-transfer"));
    desk.picture("transfer");
    alice.page.click(&row(&cats));
    alice.page.misses(&id("call"));
    assert_eq!(alice.page.text(&id("toast")).trim(), "The call was handed over to Cat");
    desk.picture("handed-over");
    for other in [&mut bob, &mut cat] {
        other.snapshot_where("the two of them in a call", |view| joined(view) == 1).unwrap();
    }
}

#[test]
fn whoever_is_not_to_be_disturbed_is_not_rung_and_sees_it_later() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let mut bob = friend(&desk, "Bob", false);
    alice.sees_contact("Bob");
    alice.page.click(&id("my-menu"));
    alice.page.click(&id("do-not-disturb"));
    alice.page.sees(&format!("{}[data-quiet=\"true\"]", id("connection")));
    desk.picture("not-to-be-disturbed");
    let me = account(&mut bob, "Alice Lindqvist");
    bob.ask("call", &json!({ "to": [me], "timeout_ms": 3_000 })).unwrap();
    let ended = bob.event("call_ended").unwrap();
    assert_eq!(ended.data()["reason"], "no_response");
    alice.page.sees(&id("missed-badge"));
    alice.page.misses(&id("main-ringing"));
    remembers(&mut alice, "missed", "incoming");
    desk.picture("missed");
}
