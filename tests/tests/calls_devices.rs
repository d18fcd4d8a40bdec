//! Several devices of one person, and devices that are nobody: all ring, one answers, and their histories agree.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use peal_engine::api::{
    Alert, CallState, ConnectionState, ContactKind, Direction, EndReason, ErrorCode, Event, LoginParams, RecordStatus,
    Settings, SettingsPatch,
};
use peal_engine::{EngineConfig, Profile};
use peal_tests::ears::{read_wav, tone_dbfs};
use peal_tests::person::{Person, accept, free_address, hums, quiet, shared, writes};

/// A device of Bob's.
async fn bobs(device: &str, broker: SocketAddr) -> Person {
    let config = EngineConfig { device_id: Some(device.into()), ..quiet(broker) };
    Person::log_in(config, shared("bob")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_devices_ring_and_when_one_answers_the_others_stop_at_once_and_say_where() {
    let broker = free_address();
    let mut ann = Person::new("ann", quiet(broker)).await;
    let mut desk = bobs("desk", broker).await;
    let mut pocket = bobs("pocket", broker).await;
    ann.sees_online("bob").await;
    let patch = SettingsPatch { device_name: Some(" Kitchen ".into()), ..SettingsPatch::default() };
    desk.engine.set_settings(patch).await.unwrap();
    // The limit is for a machine that has nothing else to do: the best of three tries counts.
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let call = ann.calls("bob").await.call_id;
        assert_eq!(desk.rings().await, call);
        assert_eq!(pocket.rings().await, call);
        let answered = Instant::now();
        accept(&desk, &call).await;
        let device = pocket
            .hears("that another device answered", |event| match event {
                Event::AcceptedElsewhere { device, device_name, .. } => Some((device.clone(), device_name.clone())),
                _ => None,
            })
            .await;
        fastest = fastest.min(answered.elapsed());
        assert_eq!(device, ("desk".into(), "Kitchen".into()));
        assert_eq!(pocket.ended().await, EndReason::AnsweredElsewhere);
        ann.connected().await;
        desk.connected().await;
        ann.engine.hangup(&call).await.unwrap();
        desk.ended().await;
        ann.ended().await;
        if fastest < Duration::from_millis(300) {
            break;
        }
    }
    assert!(fastest < Duration::from_millis(300), "it rang on for {fastest:?}");
    assert_eq!(pocket.engine.snapshot().missed_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn declined_on_one_device_is_declined_on_all() {
    let broker = free_address();
    let mut ann = Person::new("ann", quiet(broker)).await;
    let mut desk = bobs("desk", broker).await;
    let mut pocket = bobs("pocket", broker).await;
    ann.sees_online("bob").await;
    let call = ann.calls("bob").await.call_id;
    desk.rings().await;
    pocket.rings().await;
    pocket.engine.reject(&call).await.unwrap();
    let device = desk
        .hears("that another device declined", |event| match event {
            Event::RejectedElsewhere { device, device_name, .. } => Some((device.clone(), device_name.clone())),
            _ => None,
        })
        .await;
    let unnamed = Settings::default().device_name().to_owned();
    assert_eq!(device, ("pocket".into(), unnamed), "it is called as its system");
    assert_eq!(ann.ended().await, EndReason::Rejected);
    for person in [&ann, &desk, &pocket] {
        assert_eq!(person.recorded(&call).await.status, RecordStatus::Rejected, "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_histories_of_all_devices_agree_also_of_one_that_was_away() {
    let broker = free_address();
    let directory = tempfile::tempdir().unwrap();
    let tablet = || {
        let profile = Profile::At(directory.path().join("tablet"));
        EngineConfig { profile, device_id: Some("tablet".into()), resume: false, ..quiet(broker) }
    };
    let mut ann = Person::new("ann", quiet(broker)).await;
    let mut desk = bobs("desk", broker).await;
    let pocket = bobs("pocket", broker).await;
    let away = Person::log_in(tablet(), shared("bob")).await.unwrap();
    ann.sees_online("bob").await;
    away.engine.stop().await;
    drop(away);
    // One call that is answered, and one that Bob makes.
    let answered = ann.calls("bob").await.call_id;
    desk.rings().await;
    accept(&desk, &answered).await;
    ann.connected().await;
    desk.connected().await;
    ann.engine.hangup(&answered).await.unwrap();
    desk.ended().await;
    desk.sees_online("ann").await;
    let made = desk.calls("ann").await.call_id;
    ann.rings().await;
    ann.engine.reject(&made).await.unwrap();
    assert_eq!(desk.ended().await, EndReason::Rejected);
    let tablet = Person::log_in(tablet(), shared("bob")).await.unwrap();
    let (first, second) = (desk.recorded(&answered).await, desk.recorded(&made).await);
    assert_eq!((first.status, first.direction), (RecordStatus::Completed, Direction::Incoming));
    assert_eq!((second.status, second.direction), (RecordStatus::Rejected, Direction::Outgoing));
    for other in [&pocket, &tablet] {
        for wanted in [&first, &second] {
            other
                .sees("the same line as on the desk", |view| {
                    view.history.iter().any(|it| {
                        it.call_id == wanted.call_id
                            && (it.status, it.direction) == (wanted.status, wanted.direction)
                            && it.user_id == "ann"
                            && (it.duration_ms - wanted.duration_ms).abs() < 1.0
                    })
                })
                .await;
        }
        assert_eq!(other.engine.snapshot().missed_count, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_wants_to_be_the_only_one_kicks_the_others_out() {
    let broker = free_address();
    let mut old = bobs("desk", broker).await;
    // Echo is a device of the same account, and stays.
    let config = EngineConfig { device_id: Some("pocket".into()), echo: true, ..quiet(broker) };
    let params = LoginParams { single_device: Some(true), ..shared("bob") };
    let mut new = Person::log_in(config, params).await.unwrap();
    old.hears("that it was kicked out", |event| matches!(event, Event::KickedOut).then_some(())).await;
    let view = old.sees("the reason", |view| view.connection.state == ConnectionState::Offline).await;
    assert_eq!(view.connection.problem.as_ref().unwrap().code, ErrorCode::KickedOut);
    new.sees_online("echo").await;
    new.calls("echo").await;
    new.connected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doorbell_is_heard_before_anybody_answers_and_hears_nothing_until_then() {
    let broker = free_address();
    let place = tempfile::tempdir().unwrap();
    let (inside, outside) = (place.path().join("inside.wav"), place.path().join("outside.wav"));
    let gate = EngineConfig {
        kind: ContactKind::Device,
        microphone: Some(hums(500.0)),
        speaker: Some(writes(&outside)),
        ..quiet(broker)
    };
    let bob = EngineConfig { microphone: Some(hums(900.0)), speaker: Some(writes(&inside)), ..quiet(broker) };
    let mut bob = Person::new("bob", bob).await;
    let mut gate = Person::new("front-gate", gate).await;
    gate.sees_online("bob").await;
    bob.sees_online("front-gate").await;
    // Only a device that he knows.
    bob.engine.add_contact("front-gate").await.unwrap();
    let call = gate.calls("bob").await.call_id;
    assert_eq!(bob.rings().await, call);
    let (user, url) = bob
        .hears("the doorbell's stream", |event| match event {
            Event::StreamAdded { user_id, play_url, .. } => Some((user_id.clone(), play_url.clone())),
            _ => None,
        })
        .await;
    assert_eq!((user.as_str(), url), ("front-gate", None));
    let view = bob.call().unwrap();
    assert_eq!((view.state, view.alert, view.preview), (CallState::Ringing, Some(Alert::Ring), true));
    let mut before = 0;
    while before < 8 {
        let levels = bob
            .hears("the doorbell", |event| match event {
                Event::VoiceVolume(levels) => Some(levels.clone()),
                _ => None,
            })
            .await;
        before += usize::from(levels.iter().any(|it| it.user_id == "front-gate" && it.dbfs > -35.0));
    }
    assert_eq!(bob.call().unwrap().state, CallState::Ringing);
    let samples_before = read_wav(&outside).len();
    accept(&bob, &call).await;
    gate.connected().await;
    bob.connected().await;
    let mut after = 0;
    while after < 8 {
        let levels = gate
            .hears("Bob", |event| match event {
                Event::VoiceVolume(levels) => Some(levels.clone()),
                _ => None,
            })
            .await;
        after += usize::from(levels.iter().any(|it| it.user_id == "bob" && it.dbfs > -35.0));
    }
    bob.engine.hangup(&call).await.unwrap();
    assert_eq!(gate.ended().await, EndReason::Hangup);
    bob.engine.stop().await;
    gate.engine.stop().await;
    let (inside, outside) = (read_wav(&inside), read_wav(&outside));
    assert!(tone_dbfs(&inside[inside.len() / 4..inside.len() / 2], 500.0) > -40.0, "the doorbell is heard");
    assert!(tone_dbfs(&outside[..samples_before], 900.0) < -70.0, "nothing of Bob leaves before he answers");
    assert!(tone_dbfs(&outside[samples_before..], 900.0) > -40.0, "Bob is heard once he has answered");
}
