//! When things are wrong: it is said on the screen, and it passes when they are right again.

use peal_tests::brokers::mosquitto::Mosquitto;
use peal_tests::desk::page::id;
use peal_tests::desk::{Desk, Peal};
use peal_tests::person::free_address;

use crate::{ends, turn};

#[test]
fn a_server_that_is_not_there_a_wrong_token_and_a_lost_server_are_said_on_the_screen() {
    let _turn = turn();
    let desk = Desk::new();
    let mut server = Mosquitto::start(&[("alice", "right")]);
    let address = format!("mqtt://127.0.0.1:{}", server.plain);
    let mut alice = desk.opens("default");
    alice.page.click(&id("use-server"));

    logs_in(&mut alice, &format!("mqtt://{}", free_address()), "right");
    let words = said(&mut alice, "server");
    println!("nothing listens there: {words}");
    assert!(words.contains("does not answer"), "{words}");
    desk.picture("server-unreachable");

    logs_in(&mut alice, &address, "wrong");
    let words = said(&mut alice, "token");
    println!("wrong token: {words}");
    assert!(words.contains("token"), "{words}");
    desk.picture("wrong-token");

    logs_in(&mut alice, &address, "right");
    alice.page.sees(&format!("{}[data-state=\"online\"]", id("connection")));
    alice.chooses_sound("mic_a", "spk_a");
    alice.sees_contact("Echo");

    // The server goes in the middle of a call: the call goes on, and can be ended.
    alice.calls("echo");
    alice.sees_call("connected");
    server.stop();
    alice.page.sees(&format!("{}[data-state=\"reconnecting\"]", id("connection")));
    alice.sees_call("connected");
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut alice, "hangup");
    let words = alice.page.text(&id("connection-problem"));
    println!("lost server: {words}");
    assert!(words.contains("server"), "{words}");
    desk.picture("server-lost");
    server.resume();
    alice.page.sees(&format!("{}[data-state=\"online\"]", id("connection")));
    alice.page.misses(&id("connection-problem"));
}

#[test]
fn without_sound_devices_a_call_says_so_all_the_time_and_can_be_ended() {
    let _turn = turn();
    let desk = Desk::without_sound();
    let mut alice = desk.opens_as("default", "Alice Lindqvist");
    alice.sees_contact("Echo");
    alice.calls("echo");
    alice.sees_call("connected");
    let words = alice.page.text(&format!("{} {}", id("call"), id("audio-problem")));
    println!("in the call: {words}");
    assert!(words.contains("No speaker") || words.contains("No microphone"), "{words}");
    // Once is enough.
    alice.page.misses(&id("toast"));
    desk.picture("no-sound");
    alice.page.click(&id("hang-up"));
    ends(&desk, &mut alice, "hangup");
}

/// Fills in the form for a server, and sends it.
fn logs_in(person: &mut Peal, server: &str, token: &str) {
    person.page.types(&id("server-field"), server);
    person.page.types(&id("account-field"), "alice");
    person.page.types(&id("token-field"), token);
    person.page.click(&id("start-button"));
}

/// Waits for what is said about a field, and answers it.
fn said(person: &mut Peal, field: &str) -> String {
    let input = id(&format!("{field}-field"));
    person.page.sees(&format!("{input}[aria-invalid=\"true\"]"));
    let problem =
        format!("document.getElementById(document.querySelector('{input}').getAttribute('aria-describedby'))");
    person.page.value(&format!("{problem}.innerText")).as_str().unwrap_or_default().to_owned()
}
