//! The real `peal-headless`: its lines, its calls, its ends.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use peal_tests::ears::{likeness, read_wav, speech, write_wav};
use peal_tests::headless::{Headless, HeadlessError, arguments, binary};
use peal_tests::person::free_address;
use peal_tests::undisturbed::undisturbed;
use serde_json::{Value, json};

/// Longer than the 30 s after which a lost media path is given up.
const GIVEN_UP: Duration = Duration::from_secs(90);

/// The arguments of one who is silent, and `more`.
fn quiet(name: &str, broker: SocketAddr, place: &Path, more: &[&str]) -> Vec<String> {
    let mut all = arguments(name, broker, place);
    if !more.contains(&"--microphone") {
        all.extend(["--microphone".to_owned(), "silence".to_owned()]);
    }
    if !more.contains(&"--speaker") {
        all.extend(["--speaker".to_owned(), "null".to_owned()]);
    }
    all.extend(more.iter().map(|it| (*it).to_owned()));
    all
}

/// Starts one, and waits until it is logged in.
fn online(name: &str, broker: SocketAddr, place: &Path, more: &[&str]) -> Headless {
    let mut headless = Headless::start(name, quiet(name, broker, place, more)).unwrap();
    headless.online().unwrap();
    headless
}

/// Starts one that can't get as far as a conversation, and answers its error event and its exit status.
fn fails(arguments: Vec<String>) -> (Value, i32) {
    let mut headless = Headless::start("one that fails", arguments).unwrap();
    let error = headless.event("error").unwrap();
    let status = headless.exit().unwrap();
    (error.data().clone(), status.code().unwrap())
}

/// Calls `to`, and answers the call once it rings there.
fn rings(caller: &mut Headless, to: &str) -> String {
    caller.sees_online(to).unwrap();
    let session = caller.ask("call", &json!({ "to": [to], "media": "audio" })).unwrap();
    let call = session["call_id"].as_str().unwrap().to_owned();
    caller.event_where("ringing", |data| data["call_id"] == call.as_str()).unwrap();
    call
}

fn refused(answer: Result<Value, HeadlessError>) -> Value {
    match answer {
        Err(HeadlessError::Refused(error)) => error,
        other => panic!("this should have been refused: {other:?}"),
    }
}

fn is_explained(error: &Value) -> bool {
    ["message", "hint"].iter().all(|words| error[words].as_str().is_some_and(|it| !it.is_empty()))
}

#[test]
fn help_names_the_options_and_explains_the_lines() {
    let output = Command::new(binary("peal-headless").unwrap()).arg("--help").output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for option in ["account", "token", "server", "app-key", "device-id", "data-dir", "microphone", "speaker", "loop"] {
        assert!(help.contains(&format!("--{option}")), "--{option} is not in the help");
    }
    for word in [
        "--auto-answer",
        "--device ",
        "--single-device",
        "--embedded-broker",
        "set_muted",
        "transfer",
        "call_stats",
        "call_ended",
        "stream_added",
        r#"{"id":1,"command""#,
    ] {
        assert!(help.contains(word), "{word} is not in the help");
    }
}

#[test]
fn bad_options_are_named_and_the_exit_status_is_two() {
    let place = tempfile::tempdir().unwrap();
    for (bad, word) in [("--microphone=tone:x", "tone"), ("--embedded-broker=nowhere", "nowhere"), ("--fly", "fly")] {
        let mut command = Command::new(binary("peal-headless").unwrap());
        let output = command.arg("--data-dir").arg(place.path()).arg(bad).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(word), "{bad}: {output:?}");
    }
}

#[test]
fn lines_that_make_no_sense_are_answered_and_the_next_one_is_read() {
    let place = tempfile::tempdir().unwrap();
    let mut ann = online("ann", free_address(), place.path(), &[]);
    let oversized = format!(r#"{{"id":"big","command":"call","params":{{"to":["{}"]}}}}"#, "x".repeat(70_000));
    for (line, id) in [
        ("hello", Value::Null),
        (r#"{"id":1,"command":"call""#, Value::Null),
        (r#"{"id":2,"command":"fly"}"#, json!(2)),
        (r#"{"id":3,"command":"accept"}"#, json!(3)),
        (oversized.as_str(), Value::Null),
    ] {
        ann.write(line.as_bytes()).unwrap();
        let told = ann.wait("an error", Duration::from_secs(20), |it| it["error"]["code"] == "bad_request").unwrap();
        assert_eq!(told.line["id"], id, "{}", &line[..line.len().min(60)]);
        assert!(is_explained(&told.line["error"]), "{:?}", told.line);
    }
    ann.write(b"\xff\xfe\x00").unwrap();
    ann.wait("an error", Duration::from_secs(20), |it| it["error"]["code"] == "bad_request").unwrap();
    assert_eq!(ann.ask("current_user", &Value::Null).unwrap()["user_id"], "ann");
    let error = refused(ann.ask("call", &json!({ "to": ["nobody"] })));
    assert_eq!(error["code"], "unknown_user");
    assert!(is_explained(&error), "{error}");
}

#[test]
fn a_wrong_token_is_told_and_another_login_may_follow() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let _ann = online("ann", broker, place.path(), &[]);
    let (server, own) = (format!("mqtt://{broker}"), free_address().to_string());
    let thief = place.path().join("thief").display().to_string();
    let mut thief = Headless::start(
        "a thief",
        ["--account", "ann", "--token", "guess", "--server", &server, "--data-dir", &thief, "--embedded-broker", &own],
    )
    .unwrap();
    let error = thief.event("error").unwrap();
    assert_eq!(error.data()["code"], "wrong_token");
    assert!(is_explained(error.data()), "{error:?}");
    let login = json!({ "account": "eve", "token": "mine", "server": server });
    assert_eq!(thief.ask("login", &login).unwrap()["user_id"], "eve");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let place = tempfile::tempdir().unwrap();
    let (server, own) = (format!("mqtt://{}", free_address()), free_address());
    let mut ann = Headless::start("ann", quiet("ann", own, place.path(), &["--server", &server])).unwrap();
    let error = ann.event("error").unwrap();
    assert_eq!(error.data()["code"], "server_unreachable");
    assert!(is_explained(error.data()), "{error:?}");
}

#[test]
fn two_processes_talk_and_the_speech_arrives_both_ways() {
    undisturbed(talk_and_listen);
}

/// One call of two processes; what was heard too badly is told.
fn talk_and_listen() -> Result<(), String> {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let file = |name: &str| place.path().join(name).display().to_string();
    let voices = [("ann", speech(6.0, 21)), ("gate", speech(6.0, 22))];
    for (name, said) in &voices {
        write_wav(file(&format!("said-{name}.wav")).as_ref(), said);
    }
    let sound = |name: &str| {
        let (said, heard) = (file(&format!("said-{name}.wav")), file(&format!("heard-{name}.wav")));
        ["--microphone".to_owned(), said, "--speaker".to_owned(), heard]
    };
    let (ann_sound, gate_sound) = (sound("ann"), sound("gate"));
    let mut ann = online("ann", broker, place.path(), &ann_sound.each_ref().map(String::as_str));
    let mut options = gate_sound.each_ref().map(String::as_str).to_vec();
    options.extend(["--auto-answer", "--device"]);
    let mut gate = online("gate", broker, place.path(), &options);
    let call = rings(&mut ann, "gate");
    let mine = |data: &Value| data["call_id"] == call.as_str();
    gate.event_where("invited", mine).unwrap();
    ann.event_where("connected", mine).unwrap();
    gate.event_where("connected", mine).unwrap();
    // Four seconds of what the gate's speaker plays.
    let mut played = 0.0;
    while played < 4_000.0 {
        gate.event("voice_volume").unwrap();
        let stats = gate.ask("call_stats", &json!({ "call_id": call })).unwrap();
        played = stats["played_ms"].as_f64().unwrap();
    }
    let stats = ann.ask("call_stats", &json!({ "call_id": call })).unwrap();
    assert!(stats["packets_received"].as_f64().unwrap() > 100.0, "{stats}");
    ann.ask("hangup", &json!({ "call_id": call })).unwrap();
    for end in [&mut ann, &mut gate] {
        let ended = end.event_where("call_ended", mine).unwrap();
        assert_eq!(ended.data()["reason"], "hangup");
        let record = end.event_where("call_recorded", mine).unwrap();
        assert_eq!(record.data()["status"], "completed");
        assert!(end.close().unwrap().success());
    }
    for (said, listener) in [(&voices[0].1, "gate"), (&voices[1].1, "ann")] {
        let heard = read_wav(file(&format!("heard-{listener}.wav")).as_ref());
        let found = likeness(&said[48_000..2 * 48_000], &heard, 0..heard.len() as i64);
        if found.correlation <= 0.7 {
            return Err(format!("at {listener}: {found:?}"));
        }
    }
    Ok(())
}

#[test]
fn a_doorbell_is_heard_before_the_answer_and_the_call_is_held_by_lines() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let mut ann = online("ann", broker, place.path(), &[]);
    let mut gate = online("gate", broker, place.path(), &["--device", "--microphone", "tone:440"]);
    ann.event_where("presence_changed", |data| data["user_id"] == "gate" && data["presence"] == "online").unwrap();
    gate.sees_online("ann").unwrap();
    ann.ask("add_contact", &json!({ "user_id": "gate" })).unwrap();
    let message = json!({ "button": 2 }).to_string();
    let session = gate.ask("call", &json!({ "to": ["ann"], "message": message })).unwrap();
    let call = session["call_id"].as_str().unwrap().to_owned();
    let mine = |data: &Value| data["call_id"] == call.as_str();
    let invited = ann.event_where("invited", mine).unwrap();
    assert_eq!((&invited.data()["inviter"], &invited.data()["message"]), (&json!("gate"), &json!(message)));
    let stream = ann.event_where("stream_added", mine).unwrap();
    assert_eq!((&stream.data()["user_id"], &stream.data()["play_url"]), (&json!("gate"), &Value::Null));
    ann.ask("accept", &json!({ "call_id": call, "meanwhile": "hold" })).unwrap();
    for end in [&mut ann, &mut gate] {
        end.event_where("connected", mine).unwrap();
    }
    ann.ask("hold", &json!({ "call_id": call })).unwrap();
    let held = gate.event_where("held", mine).unwrap();
    assert_eq!((&held.data()["user_id"], &held.data()["on_hold"]), (&json!("ann"), &json!(true)));
    ann.ask("resume", &json!({ "call_id": call })).unwrap();
    gate.event_where("held", |data| mine(data) && data["on_hold"] == false).unwrap();
    ann.ask("set_volume", &json!({ "user_id": "gate", "db": -6.0 })).unwrap();
    let view = ann.ask("snapshot", &Value::Null).unwrap();
    assert_eq!(view["calls"][0]["members"][0]["volume_db"], -6.0);
    ann.ask("switch_media", &json!({ "call_id": call, "media": "video" })).unwrap();
    let asked = gate.event_where("media_change_requested", mine).unwrap();
    assert_eq!((&asked.data()["user_id"], &asked.data()["media"]), (&json!("ann"), &json!("video")));
    gate.ask("answer_switch", &json!({ "call_id": call, "accept": false })).unwrap();
    ann.event_where("media_change_refused", mine).unwrap();
    ann.ask("leave", &json!({ "call_id": call })).unwrap();
    let ended = gate.event_where("call_ended", mine).unwrap();
    assert_eq!(ended.data()["reason"], "hangup");
}

#[test]
fn the_log_says_more_while_debug_is_set() {
    let place = tempfile::tempdir().unwrap();
    let mut ann = online("ann", free_address(), place.path(), &[]);
    assert!(!ann.complaints().contains("DEBUG"), "{}", ann.complaints());
    ann.ask("set_settings", &json!({ "debug": true })).unwrap();
    // Nothing tells when a line has been written.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !ann.complaints().contains("DEBUG") {
        assert!(std::time::Instant::now() < deadline, "no word more: {}", ann.complaints());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_caller_killed_while_it_rings_is_a_missed_call() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let mut bob = online("bob", broker, place.path(), &[]);
    let mut ann = online("ann", broker, place.path(), &[]);
    ann.ask("set_call_timeout", &json!({ "ms": 5_000 })).unwrap();
    let call = rings(&mut ann, "bob");
    bob.event_where("invited", |data| data["call_id"] == call.as_str()).unwrap();
    ann.kill().unwrap();
    let ended = bob.event_where("call_ended", |data| data["call_id"] == call.as_str()).unwrap();
    assert!(
        ["no_response", "cancelled", "unreachable"].contains(&ended.data()["reason"].as_str().unwrap()),
        "{ended:?}"
    );
    let record = bob.event_where("call_recorded", |data| data["call_id"] == call.as_str()).unwrap();
    assert_eq!(record.data()["status"], "missed");
}

#[test]
fn a_callee_killed_while_it_rings_ends_the_call_in_time() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let mut ann = online("ann", broker, place.path(), &[]);
    let mut bob = online("bob", broker, place.path(), &[]);
    ann.ask("set_call_timeout", &json!({ "ms": 5_000 })).unwrap();
    let call = rings(&mut ann, "bob");
    bob.kill().unwrap();
    let ended = ann.event_where("call_ended", |data| data["call_id"] == call.as_str()).unwrap();
    assert!(["no_response", "unreachable"].contains(&ended.data()["reason"].as_str().unwrap()), "{ended:?}");
    // The broker tells that Bob is gone, and another call is refused or fails, but does not hang.
    ann.snapshot_where("Bob offline", |view| {
        view["contacts"].as_array().unwrap().iter().any(|it| it["user_id"] == "bob" && it["presence"] == "offline")
    })
    .unwrap();
}

#[test]
fn a_peer_killed_in_the_middle_of_a_call_is_waited_for_and_then_given_up() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let mut ann = online("ann", broker, place.path(), &[]);
    let mut bob = online("bob", broker, place.path(), &["--auto-answer"]);
    let call = rings(&mut ann, "bob");
    let mine = |line: &Value, event: &str| line["event"] == event && line["data"]["call_id"] == call.as_str();
    ann.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
    bob.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
    bob.kill().unwrap();
    ann.wait("the loss", GIVEN_UP, |line| mine(line, "user_disconnected")).unwrap();
    ann.snapshot_where("the call reconnecting", |view| view["calls"][0]["state"] == "reconnecting").unwrap();
    let ended = ann.wait("the end", GIVEN_UP, |line| mine(line, "call_ended")).unwrap();
    assert_eq!(ended.data()["reason"], "ice_lost");
    let record = ann.wait("the record", GIVEN_UP, |line| mine(line, "call_recorded")).unwrap();
    assert_eq!((&record.data()["status"], &record.data()["reason"]), (&json!("completed"), &json!("ice_lost")));
}

#[test]
fn a_second_process_in_the_same_place_is_told_that_it_is_taken() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let mut first = online("ann", broker, place.path(), &[]);
    let (error, status) = fails(quiet("ann", broker, place.path(), &[]));
    assert_eq!((error["code"].as_str(), status), (Some("profile_in_use"), 1));
    assert!(is_explained(&error), "{error}");
    assert_eq!(first.ask("current_user", &Value::Null).unwrap()["user_id"], "ann");
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    // Nobody, not even root, can make a directory beneath a file.
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    std::fs::write(&file, "no directory").unwrap();
    let (error, status) = fails(quiet("ann", free_address(), &file, &[]));
    assert_eq!((error["code"].as_str(), status), (Some("storage_failed"), 1));
    assert!(is_explained(&error), "{error}");
}

#[test]
fn the_end_of_the_input_hangs_up_and_ends_it() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let mut bob = online("bob", broker, place.path(), &["--auto-answer"]);
    let mut ann = online("ann", broker, place.path(), &[]);
    let call = rings(&mut ann, "bob");
    bob.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
    ann.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
    assert_eq!(ann.close().unwrap().code(), Some(0));
    let ended = bob.event_where("call_ended", |data| data["call_id"] == call.as_str()).unwrap();
    assert_eq!(ended.data()["reason"], "hangup");
}

#[cfg(unix)]
#[test]
fn a_request_to_terminate_hangs_up_and_ends_it() {
    let place = tempfile::tempdir().unwrap();
    let broker = free_address();
    let mut bob = online("bob", broker, place.path(), &["--auto-answer"]);
    let mut ann = online("ann", broker, place.path(), &[]);
    let call = rings(&mut ann, "bob");
    bob.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
    ann.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
    assert!(Command::new("kill").args(["-TERM", &ann.pid().to_string()]).status().unwrap().success());
    assert_eq!(ann.exit().unwrap().code(), Some(0));
    let ended = bob.event_where("call_ended", |data| data["call_id"] == call.as_str()).unwrap();
    assert_eq!(ended.data()["reason"], "hangup");
}
