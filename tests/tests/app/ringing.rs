//! It rings: the incoming-call window, the notification, the keyboard.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use peal_tests::desk::page::{id, key};
use peal_tests::desk::process::{descendant, signal, until};
use peal_tests::desk::screen::{Area, Picture};
use peal_tests::desk::{Desk, Peal};
use peal_tests::headless::{Headless, arguments};
use peal_tests::undisturbed::undisturbed;
use serde_json::{Value, json};

use crate::{ends, turn, two_people};

/// The incoming-call window on the screen of a [`Desk`].
const CARD: Area = Area { x: 1500 - 384 - 16, y: 120, width: 384, height: 186 };
/// Its words and buttons: all but the caller's face, round which a ring pulses.
const STILL: Area = Area { x: 96, y: 0, width: 384 - 96, height: 186 };
/// An empty window of the desk's theme.
const ADWAITA: [u8; 3] = [0xf6, 0xf5, 0xf4];
/// How long after the order to call the window may take to be painted, whole.
const PAINTED_LIMIT: Duration = Duration::from_millis(200);

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

#[test]
fn the_window_is_painted_at_once_and_shows_no_earlier_caller() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let mut callers = ["bob", "carol"].map(|name| caller(&desk, name));
    // Out of the picture.
    alice.page.place(0, 330, 900, 600);
    // It waits since the login.
    let main = alice.main.clone();
    alice.page.look_at_new_window(&main);
    alice.page.until("document.readyState === 'complete'");
    let nothing = desk.screen.look(CARD).unwrap();
    undisturbed(|| {
        let mut delays = Vec::new();
        for round in 0..7 {
            let (caller, alices) = &mut callers[round % 2];
            let watching = desk.screen.watch(CARD);
            let begun = SystemTime::now();
            let session = caller.ask("call", &json!({ "to": [alices], "media": "audio" })).unwrap();
            alice.rings();
            alice.page.rests();
            let seen = watching.done();
            let delay = painted(&seen).duration_since(begun).unwrap();
            println!("ring {round}: painted after {delay:?}");
            delays.push(delay);
            caller.ask("cancel", &json!({ "call_id": session["call_id"] })).unwrap();
            alice.stops_ringing();
            until("no window", || (desk.screen.look(CARD).unwrap() == nothing).then_some(()));
        }
        delays.sort();
        if delays[delays.len() / 2] < PAINTED_LIMIT { Ok(()) } else { Err(format!("painted after {delays:?}")) }
    });
}

#[test]
fn a_page_that_hangs_does_not_hide_a_ring() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let (mut bob, alices) = caller(&desk, "bob");
    alice.page.place(0, 330, 900, 600);
    let before = desk.screen.look(CARD).unwrap();
    let page = descendant(alice.id, "WebKitWebProces").unwrap().to_string();
    signal("STOP", &page);
    bob.ask("call", &json!({ "to": [alices], "media": "audio" })).unwrap();
    until("a window, be it empty", || (desk.screen.look(CARD).unwrap() != before).then_some(()));
    signal("CONT", &page);
    alice.rings();
    alice.picks("answer");
    bob.event("connected").unwrap();
    alice.stops_ringing();
}

/// Somebody without windows who can call Alice, and Alice's account.
fn caller(desk: &Desk, name: &str) -> (Headless, Value) {
    let mut arguments = arguments(name, desk.broker, desk.home());
    arguments.extend(["--microphone", "silence", "--speaker", "null"].map(str::to_owned));
    let mut caller = Headless::start(name, arguments).unwrap();
    let alice = |view: &Value| {
        let contacts = view["contacts"].as_array()?;
        contacts.iter().find(|it| it["name"] == "Alice Lindqvist" && it["presence"] == "online").cloned()
    };
    let view = caller.snapshot_where("Alice online", |view| alice(view).is_some()).unwrap();
    let account = alice(&view).unwrap()["user_id"].clone();
    (caller, account)
}

/// When the window's words and buttons were first as they stayed. Until then there may be parts of it, the empty window, or
/// what lay there before, but no other words.
fn painted(seen: &[(SystemTime, Picture)]) -> SystemTime {
    let (before, last) = (seen[0].1.part(STILL), seen.last().unwrap().1.part(STILL));
    assert!(!last.is_blank(), "nothing was painted");
    let grounds = [last.at(0, 0), ADWAITA];
    for (time, picture) in seen {
        let picture = picture.part(STILL);
        if picture == last {
            return *time;
        }
        let strange = (0..STILL.height)
            .flat_map(|y| (0..STILL.width).map(move |x| (x, y)))
            .filter(|(x, y)| {
                let it = picture.at(*x, *y);
                it != before.at(*x, *y) && it != last.at(*x, *y) && !grounds.contains(&it)
            })
            .count();
        if let Some(directory) = std::env::var_os("PEAL_PICTURES").map(PathBuf::from).filter(|_| strange > 0) {
            picture.write(&directory.join("strange.ppm")).unwrap();
        }
        assert_eq!(strange, 0, "{strange} pixels of something else, such as {:?}", picture.at(0, 0));
    }
    unreachable!("the last picture is like itself")
}

fn types(person: &mut Peal, text: &str) {
    person.page.press(&text.chars().collect::<Vec<_>>());
}
