//! When things are wrong: each is told in words, nothing hangs, and what can heal heals.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use peal_engine::api::{CallState, ConnectionState, EndReason, ErrorCode, Event, LoginParams};
use peal_engine::{Engine, EngineConfig, MicrophoneChoice, Profile, SpeakerChoice};
use peal_tests::person::{PATIENCE, Person, code, free_address, quiet};

/// A person on a given server, whose own embedded broker is out of the way.
async fn on_server(name: &str, server: std::net::SocketAddr) -> Person {
    let params =
        LoginParams { account: Some(name.into()), server: Some(format!("mqtt://{server}")), ..LoginParams::default() };
    Person::log_in(quiet(free_address()), params).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_stops_and_starts_in_the_middle_of_a_ring_and_the_call_is_answered() {
    let broker = free_address();
    let directory = tempfile::tempdir().unwrap();
    let host_config =
        || EngineConfig { profile: Profile::At(directory.path().join("host")), resume: false, ..quiet(broker) };
    let host = Person::new("host", host_config()).await;
    let mut ann = on_server("ann", broker).await;
    let mut bob = on_server("bob", broker).await;
    ann.sees_online("bob").await;
    ann.calls("bob").await;
    let call = bob.rings().await;
    host.engine.stop().await;
    for person in [&ann, &bob] {
        person.sees("the loss", |view| view.connection.state == ConnectionState::Reconnecting).await;
    }
    let host = Person::new("host", host_config()).await;
    for person in [&ann, &bob] {
        person.sees("the server again", |view| view.connection.state == ConnectionState::Online).await;
    }
    bob.engine.accept(&call).await.unwrap();
    ann.connected().await;
    bob.connected().await;
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Hangup);
    host.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_login_waits_for_a_server_that_comes_late() {
    let server = free_address();
    let directory = tempfile::tempdir().unwrap();
    let kept = || EngineConfig { profile: Profile::At(directory.path().join("ann")), ..quiet(free_address()) };
    let broker_of =
        |name: &str| EngineConfig { profile: Profile::At(directory.path().join(name)), resume: false, ..quiet(server) };
    let host = Person::new("host", broker_of("host")).await;
    let params =
        LoginParams { account: Some("ann".into()), server: Some(format!("mqtt://{server}")), ..LoginParams::default() };
    let ann = Person::log_in(kept(), params).await.unwrap();
    ann.engine.stop().await;
    host.engine.stop().await;
    drop((ann, host));
    let ann = Engine::start(kept()).await.unwrap();
    let mut view = ann.watch();
    let told = view.wait_for(|view| view.connection.problem.is_some());
    let told = tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap().connection.clone();
    assert_eq!(told.state, ConnectionState::Connecting);
    assert_eq!(told.problem.unwrap().code, ErrorCode::ServerUnreachable);
    let _host = Person::new("host", broker_of("host")).await;
    let online = view.wait_for(|view| view.connection.state == ConnectionState::Online);
    tokio::time::timeout(PATIENCE, online).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_login_of_the_same_device_kicks_the_first_one_out() {
    let broker = free_address();
    let host = Person::new("host", quiet(broker)).await;
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    let params = || LoginParams { account: Some("ann".into()), ..LoginParams::default() };
    let config =
        |path: &std::path::Path| EngineConfig { profile: Profile::At(path.to_owned()), resume: false, ..quiet(broker) };
    let first = Person::log_in(config(&one), params()).await.unwrap();
    first.engine.stop().await;
    drop(first);
    // A profile that was copied: the same device, the same keys.
    std::fs::create_dir(&two).unwrap();
    for entry in std::fs::read_dir(&one).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), two.join(entry.file_name())).unwrap();
        }
    }
    let mut first = Person::log_in(config(&one), params()).await.unwrap();
    let second = Person::log_in(config(&two), params()).await.unwrap();
    first.hears("that it was kicked out", |event| matches!(event, Event::KickedOut).then_some(())).await;
    let view = first.sees("the reason", |view| view.connection.state == ConnectionState::Offline).await;
    assert_eq!(view.connection.problem.as_ref().unwrap().code, ErrorCode::KickedOut);
    assert_eq!(code(first.try_call("host").await), ErrorCode::NotLoggedIn);
    second.sees_online("host").await;
    second.calls("host").await;
    drop(host);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callee_who_is_away_is_tried_and_finds_the_call_in_the_history() {
    let broker = free_address();
    let directory = tempfile::tempdir().unwrap();
    let bob_config =
        || EngineConfig { profile: Profile::At(directory.path().join("bob")), resume: false, ..quiet(broker) };
    let mut ann = Person::new("ann", quiet(broker)).await;
    let bob = Person::new("bob", bob_config()).await;
    ann.sees_online("bob").await;
    bob.engine.stop().await;
    drop(bob);
    ann.sees("that Bob is away", |view| {
        view.contacts.iter().any(|it| it.user_id == "bob" && it.presence == peal_engine::api::PresenceView::Offline)
    })
    .await;
    ann.engine.set_call_timeout(1_000).await.unwrap();
    ann.calls("bob").await;
    assert_eq!(ann.ended().await, EndReason::Unreachable);
    let bob = Person::new("bob", bob_config()).await;
    let view = bob.sees("the missed call", |view| view.missed_count == 1).await;
    assert_eq!(view.history[0].user_id, "ann");
    assert!(view.calls.is_empty(), "a call that is over rings nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_sound_device_a_call_is_refused_in_words_and_an_answered_one_goes_on() {
    let broker = free_address();
    // A device of that name exists nowhere, whatever this machine has.
    let deaf = EngineConfig {
        microphone: Some(MicrophoneChoice::Device("no such microphone".into())),
        speaker: Some(SpeakerChoice::Device("no such speaker".into())),
        ..quiet(broker)
    };
    let mut ann = Person::new("ann", quiet(broker)).await;
    let mut bob = Person::new("bob", deaf).await;
    let call = ann.talks_with(&mut bob).await;
    let view = bob.sees("what is wrong", |view| view.audio.problem.is_some()).await;
    let problem = view.audio.problem.clone().unwrap();
    assert!(
        matches!(problem.code, ErrorCode::NoMicrophone | ErrorCode::DeviceFailed | ErrorCode::NoSpeaker),
        "{problem:?}"
    );
    assert_eq!(bob.call().unwrap().state, CallState::Connected);
    bob.engine.hangup(&call).await.unwrap();
    ann.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_cannot_be_written_is_told_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let config = EngineConfig { profile: Profile::At(file.join("below")), ..quiet(free_address()) };
    let error = Engine::start(config).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::StorageFailed);
    assert!(!error.hint.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_apps_on_one_broker_never_see_each_other() {
    let broker = free_address();
    let ann = Person::new("ann", quiet(broker)).await;
    let bob = Person::new("bob", EngineConfig { app_key: "other".into(), ..quiet(broker) }).await;
    let cat = Person::new("cat", quiet(broker)).await;
    ann.sees_online("cat").await;
    cat.sees_online("ann").await;
    assert!(!ann.engine.snapshot().contacts.iter().any(|it| it.user_id == "bob"));
    assert!(bob.engine.snapshot().contacts.is_empty());
    assert_eq!(code(bob.try_call("ann").await), ErrorCode::UnknownUser);
}
