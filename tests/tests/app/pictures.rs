//! Who is called with pictures is seen: tiles that move, the camera that goes off, the small window.

use std::time::Duration;

use peal_tests::desk::page::{Page, id};
use peal_tests::desk::screen::Area;
use peal_tests::desk::{Desk, Peal};
use serde_json::json;

use crate::{ends, turn, two_people};

/// The small window's label.
const SMALL: &str = "picture-in-picture";
/// As many pictures drawn one after the other are a moving one.
const MOVING: u32 = 20;

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
    let drawn = format!("Number(document.querySelector('{canvas}')?.dataset.frames ?? 0)");
    let begun = page.value(&drawn).as_u64().unwrap_or_default();
    let started = std::time::Instant::now();
    page.until(&format!("{drawn} >= {}", begun + u64::from(MOVING)));
    let rate = f64::from(MOVING) / started.elapsed().max(Duration::from_millis(1)).as_secs_f64();
    println!("{canvas}: {rate:.1} pictures/s");
}
