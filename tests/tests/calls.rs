//! Calls between real engines, over a real embedded broker, with real peer connections.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use peal_engine::EngineConfig;
use peal_engine::api::{
    CallState, ConnectionState, EndReason, ErrorCode, Event, LoginParams, PresenceView, RecordStatus, RejectParams,
};
use peal_tests::ears::{level_dbfs, likeness, read_wav, speech, write_wav};
use peal_tests::person::{Person, code, device, free_address, quiet, says, writes};

async fn pair() -> (Person, Person) {
    let broker = free_address();
    (Person::new("ann", quiet(broker)).await, Person::new("bob", quiet(broker)).await)
}

fn statuses(person: &Person) -> Vec<RecordStatus> {
    person.engine.snapshot().history.iter().map(|record| record.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_and_both_histories_agree() {
    let (mut ann, mut bob) = pair().await;
    let call = ann.talks_with(&mut bob).await;
    assert_eq!(ann.call().unwrap().state, CallState::Connected);
    bob.sees("the caller in a call", |view| view.contacts.iter().any(|it| it.presence == PresenceView::InCall)).await;
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!(ann.ended().await, EndReason::Hangup);
    assert_eq!(bob.ended().await, EndReason::Hangup);
    assert_eq!(statuses(&ann), [RecordStatus::Completed]);
    assert_eq!(statuses(&bob), [RecordStatus::Completed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn speech_arrives_as_it_was_said_and_mute_silences_it() {
    let broker = free_address();
    let directory = tempfile::tempdir().unwrap();
    let (said_file, heard_file) = (directory.path().join("said.wav"), directory.path().join("heard.wav"));
    let said = speech(6.0, 7);
    write_wav(&said_file, &said);
    let mut ann = Person::new("ann", EngineConfig { microphone: Some(says(&said_file)), ..quiet(broker) }).await;
    let mut bob = Person::new("bob", EngineConfig { speaker: Some(writes(&heard_file)), ..quiet(broker) }).await;
    let call = ann.talks_with(&mut bob).await;
    // Bob's meter shows when speech arrives: three seconds of it, then Ann mutes.
    let mut loud = 0;
    while loud < 15 {
        let levels = bob
            .hears("levels", |event| match event {
                Event::VoiceVolume(levels) => Some(levels.clone()),
                _ => None,
            })
            .await;
        loud += usize::from(levels.iter().any(|it| it.user_id == "ann" && it.dbfs > -50.0));
    }
    ann.engine.set_muted(true).await.unwrap();
    assert!(ann.engine.is_muted());
    bob.hears("that Ann muted", |event| matches!(event, Event::AudioMuted { muted: true, .. }).then_some(())).await;
    assert!(bob.call().unwrap().members[0].muted);
    // 20 packets of silence at least, before the call ends.
    let mut quiet_levels = 0;
    while quiet_levels < 5 {
        let levels = bob
            .hears("levels", |event| match event {
                Event::VoiceVolume(levels) => Some(levels.clone()),
                _ => None,
            })
            .await;
        quiet_levels += usize::from(levels.iter().any(|it| it.user_id == "ann" && it.dbfs < -60.0));
    }
    let stats = bob.engine.call_stats(&call).await.unwrap();
    assert!(stats.packets_received > 100.0, "{stats:?}");
    assert!(!stats.srtp_cipher.is_empty(), "voice is encrypted: {stats:?}");
    bob.engine.hangup(&call).await.unwrap();
    ann.ended().await;
    bob.engine.stop().await;
    let heard = read_wav(&heard_file);
    // The second second of speech, wherever it lies in what Bob's speaker played.
    let excerpt = &said[48_000..2 * 48_000];
    let found = likeness(excerpt, &heard, 0..heard.len() as i64);
    assert!(found.correlation > 0.8, "{found:?}");
    let tail = &heard[heard.len().saturating_sub(24_000)..];
    let loudest = level_dbfs(&heard[found.delay as usize..found.delay as usize + 48_000]);
    assert!(loudest > -40.0, "{loudest}");
    assert!(level_dbfs(&tail[..12_000]) < loudest - 25.0, "{}", level_dbfs(tail));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_call_says_so_with_its_words() {
    let (mut ann, mut bob) = pair().await;
    ann.sees_online("bob").await;
    ann.calls("bob").await;
    let call_id = bob.rings().await;
    let params = RejectParams { message: Some("in five minutes".into()), ..RejectParams::from(&call_id) };
    bob.engine.reject(params).await.unwrap();
    assert_eq!(ann.ended().await, EndReason::Rejected);
    assert_eq!(ann.call().unwrap().message.as_deref(), Some("in five minutes"));
    bob.ended().await;
    assert_eq!(statuses(&ann), [RecordStatus::Rejected]);
    assert_eq!(statuses(&bob), [RecordStatus::Rejected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_is_a_missed_one_for_the_callee() {
    let (ann, mut bob) = pair().await;
    ann.sees_online("bob").await;
    let session = ann.calls("bob").await;
    bob.rings().await;
    ann.engine.cancel(&session.call_id).await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Cancelled);
    bob.sees("one missed call", |view| view.missed_count == 1).await;
    bob.engine.mark_history_seen().await.unwrap();
    bob.sees("no missed call", |view| view.missed_count == 0).await;
    assert_eq!(statuses(&ann), statuses(&bob));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_answers_ends_in_time() {
    let (mut ann, mut bob) = pair().await;
    ann.engine.set_call_timeout(1_500).await.unwrap();
    ann.sees_online("bob").await;
    ann.calls("bob").await;
    bob.rings().await;
    assert_eq!(ann.ended().await, EndReason::NoResponse);
    assert_eq!(bob.ended().await, EndReason::NoResponse);
    assert_eq!(statuses(&ann), [RecordStatus::Missed]);
    assert_eq!(statuses(&bob), [RecordStatus::Missed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_person_hears_that_the_line_is_busy() {
    let broker = free_address();
    let mut ann = Person::new("ann", quiet(broker)).await;
    let mut bob = Person::new("bob", quiet(broker)).await;
    let mut cat = Person::new("cat", quiet(broker)).await;
    ann.talks_with(&mut bob).await;
    cat.sees_online("bob").await;
    cat.calls("bob").await;
    assert_eq!(cat.ended().await, EndReason::Busy);
    bob.hears("the record", |event| {
        matches!(event, Event::CallRecorded(record) if record.status == RecordStatus::Busy).then_some(())
    })
    .await;
    assert_eq!(bob.call().unwrap().state, CallState::Connected);
    assert_eq!(code(ann.try_call("cat").await), ErrorCode::Busy);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_call_each_other_get_one_call() {
    let (mut ann, mut bob) = pair().await;
    ann.sees_online("bob").await;
    bob.sees_online("ann").await;
    // On a busy machine one of them may ring before the other's wish: then it is no crossing, and they try again.
    let withdrawn = loop {
        let (one, other) = tokio::join!(ann.try_call("bob"), bob.try_call("ann"));
        let (placed, caller, callee) = match (one, other) {
            (Ok(_), Ok(_)) => break ann.engine.snapshot().history.len(),
            (Ok(session), Err(_)) => (session, &mut ann, &mut bob),
            (Err(_), Ok(session)) => (session, &mut bob, &mut ann),
            (Err(error), Err(_)) => panic!("neither can call: {error:?}"),
        };
        caller.engine.hangup(&placed.call_id).await.unwrap();
        caller.ended().await;
        callee.ended().await;
    };
    let (a, b) = (
        ann.sees("a call", |view| view.calls.iter().any(|it| it.state == CallState::Connected)).await,
        bob.sees("a call", |view| view.calls.iter().any(|it| it.state == CallState::Connected)).await,
    );
    assert_eq!(a.calls[0].call_id, b.calls[0].call_id);
    ann.engine.hangup(&a.calls[0].call_id).await.unwrap();
    ann.ended().await;
    bob.ended().await;
    for person in [&ann, &bob] {
        // Newest first.
        let all = statuses(person);
        assert_eq!((all.len(), all[0]), (withdrawn + 1, RecordStatus::Completed), "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_outlives_the_broker_and_its_hang_up_still_arrives() {
    let broker = free_address();
    // A third program runs the broker, and goes.
    let host = Person::new("host", quiet(broker)).await;
    let elsewhere = |broker| EngineConfig { profile: peal_engine::Profile::Temporary, ..quiet(broker) };
    let server =
        LoginParams { server: Some(format!("mqtt://{broker}")), token: Some("t".into()), ..LoginParams::default() };
    let mut ann =
        Person::log_in(elsewhere(free_address()), LoginParams { account: Some("ann".into()), ..server.clone() })
            .await
            .unwrap();
    let mut bob =
        Person::log_in(elsewhere(free_address()), LoginParams { account: Some("bob".into()), ..server }).await.unwrap();
    let call = ann.talks_with(&mut bob).await;
    host.engine.stop().await;
    for person in [&ann, &bob] {
        person.sees("the loss", |view| view.connection.state == ConnectionState::Reconnecting).await;
        assert_eq!(person.call().unwrap().state, CallState::Connected);
    }
    ann.engine.set_muted(true).await.unwrap();
    bob.hears("the mute", |event| matches!(event, Event::AudioMuted { muted: true, .. }).then_some(())).await;
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Hangup);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_program_with_the_broker_goes_another_takes_over() {
    let broker = free_address();
    let ann = Person::new("ann", quiet(broker)).await;
    let mut bob = Person::new("bob", quiet(broker)).await;
    let mut cat = Person::new("cat", quiet(broker)).await;
    let heals = async |person: &Person| {
        person.sees("the loss", |view| view.connection.state == ConnectionState::Reconnecting).await;
        person.sees("the server again", |view| view.connection.state == ConnectionState::Online).await;
    };
    tokio::join!(ann.engine.stop(), heals(&bob), heals(&cat));
    bob.talks_with(&mut cat).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_answers_and_plays_back_what_it_hears_a_second_later() {
    let broker = free_address();
    let directory = tempfile::tempdir().unwrap();
    let (said_file, heard_file) = (directory.path().join("said.wav"), directory.path().join("heard.wav"));
    let said = speech(4.0, 3);
    write_wav(&said_file, &said);
    let config = EngineConfig {
        microphone: Some(says(&said_file)),
        speaker: Some(writes(&heard_file)),
        echo: true,
        ..quiet(broker)
    };
    let mut ann = Person::new("ann", config).await;
    ann.sees_online("echo").await;
    let session = ann.calls("echo").await;
    ann.connected().await;
    let played = || async { ann.engine.call_stats(&session.call_id).await.map_or(0.0, |stats| stats.played_ms) };
    // Four seconds of speech and the second of delay.
    while played().await < 5_500.0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ann.engine.hangup(&session.call_id).await.unwrap();
    ann.ended().await;
    let history = ann.engine.snapshot().history.clone();
    assert_eq!((history[0].user_id.as_str(), history[0].status), ("echo", RecordStatus::Completed));
    ann.engine.stop().await;
    let heard = read_wav(&heard_file);
    // Twice through Opus and a jitter buffer; what somebody else said scores below 0.3 (see `ears`). A busy machine tears
    // one second or another, but not all.
    let second = |at: usize| likeness(&said[at * 48_000..(at + 1) * 48_000], &heard, 0..heard.len() as i64);
    let found = second(1);
    let best = [found.correlation, second(2).correlation, second(0).correlation].into_iter().fold(0.0, f64::max);
    assert!(best > 0.7 && found.correlation > 0.4, "{found:?}, the best second {best}");
    // What was said in the second second comes back a second later, at the earliest.
    assert!(found.delay > 2 * 48_000, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_answers_by_itself() {
    let broker = free_address();
    let mut ann = Person::new("ann", quiet(broker)).await;
    let _gate = Person::new("front-gate", device(quiet(broker))).await;
    ann.sees_online("front-gate").await;
    ann.calls("front-gate").await;
    ann.connected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_works_before_login_or_after_logout() {
    let broker = free_address();
    let ann = Person::new("ann", quiet(broker)).await;
    ann.engine.logout().await.unwrap();
    assert!(ann.engine.current_user().is_none());
    assert_eq!(code(ann.try_call("bob").await), ErrorCode::NotLoggedIn);
    assert_eq!(code(ann.engine.logout().await), ErrorCode::NotLoggedIn);
    assert_eq!(code(ann.engine.set_muted(true).await), ErrorCode::NotLoggedIn);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_wishes_are_refused_in_words() {
    let ann = Person::new("ann", quiet(free_address())).await;
    assert_eq!(code(ann.try_call("nobody").await), ErrorCode::UnknownUser);
    assert_eq!(code(ann.try_call("a/b").await), ErrorCode::BadName);
    assert_eq!(code(ann.try_call("ann").await), ErrorCode::BadRequest);
    assert_eq!(code(ann.engine.accept("nonsense").await), ErrorCode::BadRequest);
    let unknown = "00000000-0000-7000-8000-000000000000";
    assert_eq!(code(ann.engine.accept(unknown).await), ErrorCode::UnknownCall);
    assert_eq!(code(ann.engine.set_call_timeout(5).await), ErrorCode::BadRequest);
    let error = ann.try_call("nobody").await.unwrap_err();
    assert!(!error.message.is_empty() && !error.hint.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_gets_a_number_and_a_wrong_token_is_refused() {
    let broker = free_address();
    let named = |name: &str| LoginParams { display_name: Some(name.into()), ..LoginParams::default() };
    let one = Person::log_in(quiet(broker), named("Ann Lee")).await.unwrap();
    let two = Person::log_in(quiet(broker), named("Ann Lee")).await.unwrap();
    assert_eq!((one.name.as_str(), two.name.as_str()), ("ann.lee", "ann.lee-2"));
    let wrong = LoginParams {
        account: Some("ann.lee".into()),
        token: Some("guess".into()),
        server: Some(format!("mqtt://{broker}")),
        ..LoginParams::default()
    };
    assert_eq!(code(Person::log_in(quiet(free_address()), wrong).await.map(|it| it.name)), ErrorCode::WrongToken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_in_words() {
    let params = LoginParams {
        account: Some("ann".into()),
        server: Some(format!("mqtt://{}", free_address())),
        ..LoginParams::default()
    };
    assert_eq!(
        code(Person::log_in(quiet(free_address()), params).await.map(|it| it.name)),
        ErrorCode::ServerUnreachable
    );
    let params = LoginParams { account: Some("ann".into()), server: Some("http://x".into()), ..LoginParams::default() };
    assert_eq!(code(Person::log_in(quiet(free_address()), params).await.map(|it| it.name)), ErrorCode::BadServer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_comes_back_with_its_login_and_history() {
    let broker = free_address();
    let directory = tempfile::tempdir().unwrap();
    let kept = || EngineConfig { profile: peal_engine::Profile::At(directory.path().join("ann")), ..quiet(broker) };
    let mut bob = Person::new("bob", quiet(broker)).await;
    let mut ann = Person::new("ann", kept()).await;
    let second = peal_engine::Engine::start(kept()).await;
    assert_eq!(code(second), ErrorCode::ProfileInUse);
    let call = ann.talks_with(&mut bob).await;
    bob.engine.hangup(&call).await.unwrap();
    ann.ended().await;
    ann.engine.stop().await;
    drop(ann);
    let again = peal_engine::Engine::start(kept()).await.unwrap();
    let mut view = again.watch();
    let online = view.wait_for(|view| view.connection.state == ConnectionState::Online);
    let view = tokio::time::timeout(Duration::from_secs(20), online).await.unwrap().unwrap().clone();
    assert_eq!(view.account.as_ref().unwrap().user_id, "ann");
    assert_eq!(view.history.len(), 1);
    again.stop().await;
}
