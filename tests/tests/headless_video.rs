//! The real `peal-headless` with a camera: what it shows, what it films, and what a voice call does not cost.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::time::Instant;

use peal_engine::Frame;
use peal_media::video::pattern::read_time_code;
use peal_tests::headless::{Headless, PATIENCE, arguments};
use peal_tests::person::free_address;
use serde_json::json;

fn online(name: &str, broker: std::net::SocketAddr, place: &Path, more: &[&str]) -> Headless {
    let mut all = arguments(name, broker, place);
    all.extend(["--microphone", "silence", "--speaker", "null"].map(str::to_owned));
    all.extend(more.iter().map(|it| (*it).to_owned()));
    let mut headless = Headless::start(name, all).unwrap();
    headless.online().unwrap();
    headless
}

/// The time codes of a film's pictures; none where a picture has none.
fn time_codes(film: &Path) -> Vec<Option<u64>> {
    let bytes = std::fs::read(film).unwrap();
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let header = std::str::from_utf8(&bytes[..end]).unwrap();
    let side = |letter| header.split(' ').find_map(|it| it.strip_prefix(letter)).unwrap().parse::<u32>().unwrap();
    let (width, height) = (side('W'), side('H'));
    let size = Frame::bytes(width, height).unwrap();
    let frames = bytes[end + 1..].chunks_exact(size + b"FRAME\n".len());
    let code = |frame: &[u8]| {
        let data = frame.strip_prefix(b"FRAME\n").unwrap();
        read_time_code(&Frame::new(width, height, data.to_vec(), Instant::now()).unwrap())
    };
    frames.map(code).collect()
}

#[test]
fn a_doorbell_is_filmed_before_it_is_answered() {
    let (broker, place) = (free_address(), tempfile::tempdir().unwrap());
    let film = place.path().join("seen.y4m");
    let mut bob = online("bob", broker, place.path(), &["--camera", "none", "--record-video", film.to_str().unwrap()]);
    let mut gate = online("gate", broker, place.path(), &["--device", "--camera", "pattern"]);
    bob.sees_online("gate").unwrap();
    bob.ask("add_contact", &json!({ "user_id": "gate" })).unwrap();
    gate.sees_online("bob").unwrap();
    let session = gate.ask("call", &json!({ "to": ["bob"], "media": "video", "message": "\"ding\"" })).unwrap();
    let call = session["call_id"].as_str().unwrap().to_owned();
    let invited = bob.event("invited").unwrap();
    assert_eq!((invited.call_id(), &invited.data()["media"]), (call.as_str(), &json!("video")));
    bob.event_where("video_available", |data| data["user_id"] == "gate" && data["available"] == true).unwrap();
    let seen = |stats: &serde_json::Value| stats["frames_received"].as_f64().unwrap_or_default();
    let mut stats = json!({});
    while seen(&stats) < 40.0 {
        stats = bob.ask("call_stats", &json!({ "call_id": call })).unwrap();
    }
    bob.ask("reject", &json!({ "call_id": call })).unwrap();
    gate.event("call_ended").unwrap();
    bob.event("call_ended").unwrap();
    assert!(bob.close().unwrap().success());
    let codes: Vec<u64> = time_codes(&film).into_iter().flatten().collect();
    assert!(codes.len() >= 20, "{} pictures in the film", codes.len());
    assert!(codes.is_sorted() && codes[0] < codes[codes.len() - 1], "it moves: {codes:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_voice_call_has_no_thread_for_pictures_and_a_video_call_has() {
    let (broker, place) = (free_address(), tempfile::tempdir().unwrap());
    let threads = |phone: &Headless| {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", phone.pid())).unwrap();
        let names = tasks.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("comm")).ok());
        names.filter(|name| name.starts_with("video")).collect::<Vec<_>>()
    };
    let mut bob = online("bob", broker, place.path(), &["--camera", "pattern", "--auto-answer"]);
    let mut ann = online("ann", broker, place.path(), &["--camera", "pattern"]);
    ann.sees_online("bob").unwrap();
    for (media, pictures, first) in [("audio", false, true), ("video", true, false), ("audio", false, false)] {
        let session = ann.ask("call", &json!({ "to": ["bob"], "media": media })).unwrap();
        let call = session["call_id"].as_str().unwrap().to_owned();
        ann.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
        bob.event_where("connected", |data| data["call_id"] == call.as_str()).unwrap();
        if pictures {
            for (looks, at) in [(&mut ann, "bob"), (&mut bob, "ann")] {
                looks.ask("start_remote_view", &json!({ "call_id": call, "user_id": at })).unwrap();
                while looks.ask("call_stats", &json!({ "call_id": call })).unwrap()["frames_received"] == 0.0 {}
            }
        }
        for phone in [&mut ann, &mut bob] {
            // The last call says its farewells before its peer connections and their threads are gone.
            let begun = Instant::now();
            while !first && !pictures && !threads(phone).is_empty() && begun.elapsed() < PATIENCE {
                phone.ask("call_stats", &json!({ "call_id": call })).unwrap();
            }
            assert_eq!(!threads(phone).is_empty(), pictures, "{media}, the first: {first}, {:?}", threads(phone));
        }
        ann.ask("hangup", &json!({ "call_id": call })).unwrap();
        for phone in [&mut ann, &mut bob] {
            phone.event_where("call_ended", |data| data["call_id"] == call.as_str()).unwrap();
            phone.ask("close_camera", &json!({})).unwrap();
        }
    }
}
