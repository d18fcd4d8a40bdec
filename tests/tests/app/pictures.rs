//! Who is called with pictures is seen: tiles that move, a doorbell before the answer, a shared screen, the small window.

use std::time::Duration;

use peal_tests::desk::page::{Page, id};
use peal_tests::desk::screen::Area;
use peal_tests::desk::{Desk, Peal, Plan};
use peal_tests::headless::{Headless, arguments};
use peal_tests::media_server::MediaServer;
use peal_tests::person::free_address;
use serde_json::json;

use crate::{ends, turn, two_people};

/// The small window's label.
const SMALL: &str = "picture-in-picture";
/// As many pictures drawn one after the other are a moving one.
const MOVING: u32 = 20;
/// The same where nine people share a computer that may be busy.
const SHARED: u32 = 5;

#[test]
fn two_people_see_each_other_move() {
    let _turn = turn();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    alice.page.place(0, 0, 900, 600);
    bob.page.place(560, 360, 900, 600);
    in_a_video_call(&mut alice, &mut bob);
    shows_the_pattern(&mut alice);
    shows_the_pattern(&mut bob);
    for person in [&mut alice, &mut bob] {
        moves(&mut person.page, &format!("{} canvas", id("tile")));
        moves(&mut person.page, &format!("{} canvas", id("inset")));
        // Not through the socket: the window reads them from memory that it shares with the phone.
        assert_eq!(person.page.value("document.querySelectorAll('canvas:not([data-shared=true])').length"), 0);
    }
    desk.picture("video-two");
    // On the screen too, not in the page alone.
    let seen = desk.screen.look(Area { x: 100, y: 120, width: 500, height: 300 }).unwrap();
    assert!(!seen.is_blank(), "nothing is drawn");

    // Off with one click; the other side sees a face, and the light is out.
    bob.page.click(&id("camera"));
    bob.page.sees(&format!("{}[data-off=\"true\"]", id("camera")));
    alice.page.misses(&format!("{}[data-video=\"true\"]", id("tile")));
    bob.page.misses(&id("inset"));
    desk.picture("video-one");

    // A window that nobody sees looks at nothing.
    shows_the_pattern(&mut bob);
    moves(&mut alice.page, &format!("{} canvas", id("tile")));
    small_window_shows_and_leads_back(&desk, &mut alice);
    bob.page.click(&id("hang-up"));
    ends(&desk, &mut alice, "hangup");
    ends(&desk, &mut bob, "hangup");
}

#[test]
fn a_call_by_voice_becomes_one_with_pictures_when_both_wish_it() {
    let _turn = turn();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    let bobs = alice.sees_contact("Bob Chen");
    alice.calls(&bobs);
    bob.rings();
    bob.picks("answer");
    for person in [&mut alice, &mut bob] {
        person.sees_call("connected");
    }
    alice.page.click(&id("camera"));
    alice.page.sees(&format!("{}[aria-busy]", id("camera")));
    bob.page.sees(&id("switch-request"));
    desk.picture("video-asked");
    bob.page.click(&id("switch-no"));
    alice.page.sees(&format!("{}[data-media=\"audio\"]", id("call")));
    alice.page.misses(&format!("{}[aria-busy]", id("camera")));

    alice.page.click(&id("camera"));
    bob.page.click(&id("switch-yes"));
    for person in [&mut alice, &mut bob] {
        person.page.sees(&format!("{}[data-media=\"video\"]", id("call")));
    }
    // There is no camera on this desk, and that is said.
    alice.page.sees(&id("video-problem"));
    desk.picture("video-without-camera");
    shows_the_pattern(&mut alice);
    alice.page.misses(&id("video-problem"));
    moves(&mut bob.page, &format!("{} canvas", id("tile")));
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut bob, "hangup");
}

#[test]
fn pictures_are_drawn_by_whoever_is_told_to_draw_them() {
    let _turn = turn();
    for (gpu, context) in [("on", "webgl"), ("off", "2d")] {
        let desk = Desk::with(Plan { gpu, ..Plan::default() });
        let mut alice = desk.opens_as("default", "Alice Lindqvist");
        let _guest = guest(&desk, "guest");
        let guests = alice.sees_contact("guest");
        alice.page.invoke("call", &json!({ "params": { "to": [guests], "media": "video" } }));
        alice.sees_call("connected");
        let canvas = format!("{} canvas", id("tile"));
        shows(&mut alice.page, &canvas, SHARED);
        // A canvas has one kind of context, and refuses any other.
        let drawn = alice.page.value(&format!("!!document.querySelector('{canvas}').getContext('{context}')"));
        assert_eq!(drawn, true, "--gpu {gpu}");
        alice.page.click(&id("hang-up"));
    }
}

#[test]
fn a_shared_screen_is_seen() {
    let _turn = turn();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    in_a_video_call(&mut alice, &mut bob);
    alice.page.click(&id("share"));
    desk.picture("video-sources");
    alice.page.click(&format!("{}[data-kind=\"screen\"]", id("source")));
    alice.page.sees(&format!("{}[data-off=\"true\"]", id("share")));
    moves(&mut bob.page, &format!("{} canvas", id("tile")));
    // The whole desk, in its own shape.
    let shape =
        "(() => { const [w, h] = document.querySelector('[data-testid=\"tile\"] canvas').dataset.size.split('x');
                  return w / h; })()";
    let shape = bob.page.value(shape).as_f64().unwrap();
    assert!((shape - 1.5).abs() < 0.02, "{shape}");
    desk.picture("video-screen");
    alice.page.click(&id("share"));
    bob.page.misses(&format!("{}[data-video=\"true\"]", id("tile")));
    alice.page.sees(&format!("{}[data-off=\"false\"]", id("share")));
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut bob, "hangup");
}

#[test]
fn a_media_server_takes_what_is_sent_from_the_calls_own_screen() {
    let _turn = turn();
    let server = MediaServer::start();
    let desk = Desk::new();
    let (mut alice, mut bob) = two_people(&desk);
    in_a_video_call(&mut alice, &mut bob);
    shows_the_pattern(&mut alice);
    let canvas = format!("{} canvas", id("tile"));
    moves(&mut bob.page, &canvas);
    bob.page.place(860, 420, 640, 560);
    alice.page.place(0, 0, 840, 720);

    // An address that nobody answers at is explained, and can be mended.
    alice.page.click(&id("more"));
    alice.page.click(&id("open-publish"));
    let (nobody, own) = (format!("http://{}/a/whip", free_address()), server.whip("a"));
    alice.page.types(&id("publish-url"), &nobody);
    alice.page.click(&id("publish-start"));
    assert!(alice.page.text(&id("field-problem")).contains("reached"));
    desk.picture("video-publish");
    alice.page.types(&id("publish-url"), &own);
    alice.page.click(&id("publish-start"));
    alice.page.misses(&id("publish"));
    server.has(&["a"], &["a"]);
    moves(&mut bob.page, &canvas);
    assert!(alice.page.text(&id("call-state")).contains("media server"));

    // And back to the call's own path.
    alice.page.click(&id("more"));
    alice.page.click(&id("open-publish"));
    assert_eq!(alice.page.text(&id("play-url")), server.whep("a"));
    alice.page.click(&id("publish-stop"));
    alice.page.misses(&id("publish"));
    server.has(&[], &[]);
    moves(&mut bob.page, &canvas);
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut bob, "hangup");
}

#[test]
fn a_doorbell_is_seen_before_anybody_answers() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    let mut options = arguments("gate", desk.broker, desk.home());
    let more = ["--microphone", "silence", "--speaker", "null", "--device", "--camera", "pattern"];
    options.extend(more.map(str::to_owned));
    let mut gate = Headless::start("gate", options).unwrap();
    let view = gate
        .snapshot_where("Alice online", |view| {
            view["contacts"]
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it["name"] == "Alice Lindqvist" && it["presence"] == "online"))
        })
        .unwrap();
    // Only a device that she knows may show itself before she answers.
    let gates = alice.sees_contact("gate");
    alice.page.invoke("add_contact", &json!({ "userId": gates }));
    let contacts = view["contacts"].as_array().unwrap();
    let alices = contacts.iter().find(|it| it["name"] == "Alice Lindqvist").unwrap()["user_id"].clone();
    let call = gate.ask("call", &json!({ "to": [alices], "media": "video", "message": "Parcel" })).unwrap();
    alice.rings();
    moves(&mut alice.page, &id("live-picture"));
    assert!(alice.page.text(&id("incoming")).contains("Parcel"));
    desk.picture("video-doorbell");
    alice.picks("answer");
    alice.sees_call("connected");
    moves(&mut alice.page, &format!("{} canvas", id("tile")));
    desk.picture("video-doorbell-answered");
    gate.ask("hangup", &json!({ "call_id": call["call_id"] })).unwrap();
    ends(&desk, &mut alice, "hangup");
}

#[test]
fn nine_people_stand_in_nine_tiles() {
    let _turn = turn();
    let desk = Desk::new();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    alice.page.place(100, 60, 1280, 860);
    let mut guests: Vec<Headless> = (1..=8).map(|number| guest(&desk, &format!("guest-{number}"))).collect();
    let users: Vec<String> = (1..=8).map(|number| alice.sees_contact(&format!("guest-{number}"))).collect();
    alice.page.invoke("call", &json!({ "params": { "to": users, "media": "video" } }));
    for guest in &mut guests {
        guest.event("connected").unwrap();
    }
    alice.sees_call("connected");
    shows_the_pattern(&mut alice);
    alice.page.until(&format!("document.querySelectorAll('{}[data-video=\"true\"]').length === 9", id("tile")));
    for user in &users {
        shows(&mut alice.page, &format!("{}[data-user-id=\"{user}\"] canvas", id("tile")), SHARED);
    }
    desk.picture("video-nine");
    alice.page.click(&format!("{}[data-user-id=\"{}\"] {}", id("tile"), users[2], id("pin")));
    alice.page.sees(&format!("{}[data-large=\"{}\"]", id("pictures"), users[2]));
    moves(&mut alice.page, &format!("{}[data-user-id=\"{}\"] canvas", id("tile"), users[2]));
    desk.picture("video-pinned");
    alice.page.click(&id("hang-up"));
    alice.page.click(&id("end-for-all"));
    ends(&desk, &mut alice, "hangup");
}

/// The small window comes, shows what moves, and brings the main one back.
fn small_window_shows_and_leads_back(desk: &Desk, person: &mut Peal) {
    person.page.click(&id("picture-in-picture"));
    person.page.look_at_labelled(SMALL);
    moves(&mut person.page, &id("small-picture"));
    desk.picture("video-small");
    let main = person.main.clone();
    person.page.click_away(&id("small-back"));
    person.page.look_at(&main);
    person.page.sees(&id("call"));
}

/// Somebody without windows who answers at once, and whose picture is small: nine of them share this computer.
fn guest(desk: &Desk, name: &str) -> Headless {
    let mut options = arguments(name, desk.broker, desk.home());
    let more = ["--microphone", "silence", "--speaker", "null", "--camera", "pattern", "--auto-answer"];
    options.extend(more.map(str::to_owned));
    let mut guest = Headless::start(name, options).unwrap();
    guest.online().unwrap();
    guest.ask("set_settings", &json!({ "video_width": 320, "video_height": 180, "frame_rate": 10 })).unwrap();
    guest
}

fn in_a_video_call(alice: &mut Peal, bob: &mut Peal) {
    let bobs = alice.sees_contact("Bob Chen");
    alice.page.click(&format!("{}[data-user-id=\"{bobs}\"]", id("contact")));
    alice.page.sees(&format!("{}[data-user-id=\"{bobs}\"]", id("detail")));
    alice.page.click(&id("video-call-button"));
    bob.rings();
    assert!(bob.page.text(&id("incoming")).contains("Video call"));
    bob.picks("answer");
    for person in [alice, bob] {
        person.sees_call("connected");
        person.page.sees(&format!("{}[data-media=\"video\"]", id("call")));
    }
}

/// There is no camera on the desk: a picture that moves takes its place.
fn shows_the_pattern(person: &mut Peal) {
    person.page.invoke("open_camera", &json!({ "params": { "source": { "kind": "pattern" } } }));
    person.page.sees(&format!("{}[data-off=\"false\"]", id("camera")));
}

/// Waits until a canvas has drawn one picture after the other.
fn moves(page: &mut Page, canvas: &str) {
    shows(page, canvas, MOVING);
}

/// So many pictures come.
fn shows(page: &mut Page, canvas: &str, pictures: u32) {
    let drawn = format!("Number(document.querySelector('{canvas}')?.dataset.frames ?? 0)");
    let begun = page.value(&drawn).as_u64().unwrap_or_default();
    let started = std::time::Instant::now();
    page.until(&format!("{drawn} >= {}", begun + u64::from(pictures)));
    let rate = f64::from(pictures) / started.elapsed().max(Duration::from_millis(1)).as_secs_f64();
    println!("{canvas}: {rate:.1} pictures/s");
}
