//! It rings: the incoming-call window, the notification, the keyboard.

use std::time::{Duration, SystemTime};

use peal_tests::desk::page::{id, key};
use peal_tests::desk::process::until;
use peal_tests::desk::screen::{Area, Picture};
use peal_tests::desk::{Desk, Peal};
use peal_tests::headless::{Headless, arguments};
use serde_json::json;

use crate::{ends, turn, two_people};

/// The incoming-call window on the screen of a [`Desk`].
const CARD: Area = Area { x: 1500 - 384 - 16, y: 120, width: 384, height: 196 };
/// Its words and buttons: all but the caller's face, round which a ring pulses.
const STILL: Area = Area { x: 96, y: 0, width: 384 - 96, height: 196 };
/// How long after the order to call the window may take to be painted, whole. It takes 100 ms on a quiet machine.
const PAINTED_LIMIT: Duration = Duration::from_millis(500);

#[test]
fn the_notification_answers() {
    let _turn = turn();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    let bobs = alice.sees_contact("Bob Chen");
    for button in ["Answer", "Decline"] {
        desk.will_pick(button);
        alice.calls(&bobs);
        bob.rings();
        until("the notification", || (desk.runs("dunstctl", &["count", "displayed"]).trim() == "1").then_some(()));
        desk.picture(&format!("notification-{button}"));
        desk.runs("dunstctl", &["context"]);
        if button == "Answer" {
            alice.sees_call("connected");
            bob.stops_ringing();
            bob.sees_call("connected");
            alice.page.click(&id("hang-up"));
            ends(&desk, &mut bob, "hangup");
            ends(&desk, &mut alice, "hangup");
        } else {
            ends(&desk, &mut alice, "rejected");
            bob.stops_ringing();
        }
        let menu = std::fs::read_to_string(desk.file("menu")).unwrap();
        assert!(menu.contains("Answer") && menu.contains("Decline"), "{menu}");
        until("no notification", || (desk.runs("dunstctl", &["count", "displayed"]).trim() == "0").then_some(()));
    }
}

#[test]
fn the_keyboard_alone_makes_a_call() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens("default");
    alice.page.until(&format!("document.activeElement?.matches('{}')", id("name-field")));
    types(&mut alice, "Alice Lindqvist");
    alice.page.press(&[key::ENTER]);
    alice.page.sees(&format!("{}[data-state=\"online\"]", id("connection")));
    let mut bob = desk.opens_as("second", "Bob Chen");
    let bobs = alice.sees_contact("Bob Chen");

    alice.page.chord(&[key::CONTROL], 'k');
    alice.page.until(&format!("document.activeElement?.matches('{}')", id("search")));
    types(&mut alice, "bob");
    alice.page.press(&[key::ENTER]);
    alice.page.until(&format!("document.activeElement?.matches('{}')", id("call-button")));
    assert_eq!(alice.page.attribute(&id("detail"), "data-user-id"), bobs);
    alice.page.press(&[key::ENTER]);

    bob.rings();
    // Enter answers, but not in the first moment, which may belong to somebody who was typing.
    until("an answer", || {
        if !bob.is_rung() {
            return Some(());
        }
        bob.page.press(&[key::ENTER]);
        None
    });
    bob.stops_ringing();
    bob.sees_call("connected");
    alice.sees_call("connected");

    alice.page.press(&['m']);
    alice.page.sees(&format!("{}[data-off=\"true\"]", id("mute")));
    bob.page.until(&format!("document.querySelector('{}').innerText.includes('is muted')", id("call-state")));
    alice.page.press(&['m']);
    alice.page.sees(&format!("{}[data-off=\"false\"]", id("mute")));
    alice.page.chord(&[key::CONTROL, key::SHIFT], 'h');
    for person in [&mut alice, &mut bob] {
        assert_eq!(person.sees_end().0, "hangup");
        person.page.press(&[key::ESCAPE]);
        person.page.misses(&id("ended"));
    }
    // The keyboard is where it was before the call.
    alice.page.until(&format!("document.activeElement?.matches('{}')", id("call-button")));
}

/// Waits until the window is as it stays, and answers when it was so first, and all that was seen since `begun` before.
fn painted(begun: SystemTime, seen: &[(SystemTime, Picture)]) -> (Duration, Vec<&Picture>) {
    let (_, last) = seen.last().unwrap();
    let last = last.part(STILL);
    let after = |time: &SystemTime| time.duration_since(begun).unwrap_or_default();
    let first = seen.iter().position(|(_, it)| it.part(STILL) == last).unwrap();
    (after(&seen[first].0), seen[..first].iter().map(|(_, it)| it).collect())
}

#[test]
fn the_window_is_painted_at_once_and_shows_no_earlier_caller() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let mut callers = ["bob", "carol"].map(|name| {
        let mut arguments = arguments(name, desk.broker, desk.home());
        arguments.extend(["--microphone", "silence", "--speaker", "null"].map(str::to_owned));
        let mut caller = Headless::start(name, arguments).unwrap();
        caller.online().unwrap();
        caller
    });
    let contacts = callers[0].snapshot_where("Alice", |view| view["contacts"].to_string().contains("Alice")).unwrap();
    let is_alice = |it: &&serde_json::Value| it["name"] == "Alice Lindqvist";
    let alices = contacts["contacts"].as_array().unwrap().iter().find(is_alice).unwrap()["user_id"].clone();
    alice.page.place(0, 300, 900, 600);
    for caller in &mut callers {
        caller.sees_online(alices.as_str().unwrap()).unwrap();
    }
    let main = alice.main.clone();
    alice.page.look_at_new_window(&main);
    alice.page.until("document.readyState === 'complete'");
    alice.page.look_at(&main);
    for round in 0..6 {
        let caller = &mut callers[round % 2];
        let watching = desk.screen.watch(CARD);
        let begun = SystemTime::now();
        let session = caller.ask("call", &json!({ "to": [alices], "media": "audio" })).unwrap();
        alice.rings();
        std::thread::sleep(Duration::from_secs(1));
        let seen = watching.done();
        let (time, before) = painted(begun, &seen);
        println!("{round}: painted after {time:?}, {} pictures before", before.len());
        for (at, it) in seen.iter().enumerate().take(before.len() + 3) {
            println!("   {at}: {:?} {}", it.0.duration_since(begun), it.1.part(STILL).is_blank());
            if let Some(directory) = std::env::var_os("PEAL_PICTURES").map(std::path::PathBuf::from) {
                it.1.write(&directory.join(format!("frame-{round}-{at:03}.ppm"))).unwrap();
            }
        }
        caller.ask("cancel", &json!({ "call_id": session["call_id"] })).unwrap();
        alice.stops_ringing();
    }
}

fn types(person: &mut Peal, text: &str) {
    person.page.press(&text.chars().collect::<Vec<_>>());
}
