//! What happens besides a call: another one, hold, handing over, bringing together.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use peal_engine::EngineConfig;
use peal_engine::api::{
    AcceptParams, Alert, CallState, EndReason, ErrorCode, Event, Meanwhile, Media, RecordStatus, SettingsPatch,
    TransferParams,
};
use peal_tests::ears::{level_dbfs, read_wav, tone_dbfs};
use peal_tests::person::{Person, accept, code, free_address, hums, quiet, writes};

async fn humming(name: &str, hertz: f32, broker: SocketAddr, place: &Path) -> Person {
    let file = place.join(format!("{name}.wav"));
    Person::new(name, EngineConfig { microphone: Some(hums(hertz)), speaker: Some(writes(file)), ..quiet(broker) })
        .await
}

async fn quiet_people<const N: usize>(names: [&str; N]) -> [Person; N] {
    let broker = free_address();
    let mut people = Vec::new();
    for name in names {
        people.push(Person::new(name, quiet(broker)).await);
    }
    for person in &people {
        for name in names.iter().filter(|it| **it != person.name) {
            person.sees_online(name).await;
        }
    }
    people.try_into().unwrap_or_else(|_| unreachable!("as many as there are names"))
}

async fn waits_calls(person: &Person) {
    person.engine.set_settings(SettingsPatch { call_waiting: Some(true), ..SettingsPatch::default() }).await.unwrap();
}

async fn held(person: &mut Person, on: bool) -> String {
    person
        .hears("hold", |event| match event {
            Event::Held { user_id, on_hold, .. } if *on_hold == on => Some(user_id.clone()),
            _ => None,
        })
        .await
}

/// Waits until this person's speaker file has so much more, and answers how long it is then, in samples.
async fn plays_on(file: &Path, from: usize, more: Duration) -> usize {
    let wanted = from + more.as_millis() as usize * 48;
    loop {
        let length = read_wav(file).len();
        if length >= wanted {
            return length;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits for so many reports of the levels in which this person is heard.
async fn hears(person: &mut Person, other: &str, count: usize) {
    for _ in 0..count {
        person
            .hears(other, |event| match event {
                Event::VoiceVolume(levels) => {
                    levels.iter().any(|it| it.user_id == other && it.dbfs > -35.0).then_some(())
                }
                _ => None,
            })
            .await;
    }
}

/// How loud this pitch is at its loudest, over 100 ms, in dBFS.
fn loudest(samples: &[i16], hertz: f64) -> f64 {
    samples.chunks_exact(4_800).map(|piece| tone_dbfs(piece, hertz)).fold(-100.0, f64::max)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_on_hold_is_silent_both_ways_and_goes_on_when_resumed() {
    let (broker, place) = (free_address(), tempfile::tempdir().unwrap());
    let mut ann = humming("ann", 1_000.0, broker, place.path()).await;
    let mut bob = humming("bob", 2_100.0, broker, place.path()).await;
    bob.engine.set_settings(SettingsPatch { hold_music: Some(false), ..SettingsPatch::default() }).await.unwrap();
    let files = ["ann", "bob"].map(|name| place.path().join(format!("{name}.wav")));
    let call = ann.talks_with(&mut bob).await;
    hears(&mut ann, "bob", 5).await;
    hears(&mut bob, "ann", 5).await;
    ann.engine.hold(&call).await.unwrap();
    assert_eq!(held(&mut bob, true).await, "ann");
    assert!(ann.call().unwrap().on_hold);
    assert!(bob.call().unwrap().members[0].on_hold && !bob.call().unwrap().on_hold);
    let mut marks = [(0, 0); 2];
    for (file, mark) in files.iter().zip(&mut marks) {
        let from = read_wav(file).len();
        // What was on its way, and what is written once a second.
        let from = plays_on(file, from, Duration::from_millis(1_500)).await;
        *mark = (from, plays_on(file, from, Duration::from_millis(1_500)).await);
    }
    ann.engine.resume(&call).await.unwrap();
    assert_eq!(held(&mut bob, false).await, "ann");
    hears(&mut ann, "bob", 5).await;
    hears(&mut bob, "ann", 5).await;
    for file in &files {
        plays_on(file, read_wav(file).len(), Duration::from_millis(1_100)).await;
    }
    ann.engine.hangup(&call).await.unwrap();
    bob.ended().await;
    ann.engine.stop().await;
    bob.engine.stop().await;
    for ((file, (from, until)), pitch) in files.iter().zip(marks).zip([2_100.0, 1_000.0]) {
        let heard = read_wav(file);
        let silence = level_dbfs(&heard[from..until]);
        assert!(silence < -70.0, "{silence} dBFS while on hold at {}", file.display());
        for (when, part) in [("before", &heard[..from]), ("after", &heard[until..])] {
            assert!(loudest(part, pitch) > -25.0, "{pitch} Hz {when}: {} dBFS", loudest(part, pitch));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_on_hold_hears_music() {
    let (broker, place) = (free_address(), tempfile::tempdir().unwrap());
    let mut ann = humming("ann", 400.0, broker, place.path()).await;
    let mut bob = humming("bob", 700.0, broker, place.path()).await;
    let file = place.path().join("bob.wav");
    let call = ann.talks_with(&mut bob).await;
    ann.engine.hold(&call).await.unwrap();
    held(&mut bob, true).await;
    let from = plays_on(&file, read_wav(&file).len(), Duration::from_millis(1_500)).await;
    let until = plays_on(&file, from, Duration::from_secs(3)).await;
    ann.engine.hangup(&call).await.unwrap();
    bob.ended().await;
    bob.engine.stop().await;
    let music = &read_wav(&file)[from..until];
    assert!((-60.0..-25.0).contains(&level_dbfs(music)), "{}", level_dbfs(music));
    assert!(tone_dbfs(music, 400.0) < -50.0, "Ann's microphone is not in it");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_heard_as_loud_as_set_in_this_call_and_the_next() {
    let (broker, place) = (free_address(), tempfile::tempdir().unwrap());
    let mut ann = humming("ann", 1_000.0, broker, place.path()).await;
    let mut bob = humming("bob", 2_100.0, broker, place.path()).await;
    let file = place.path().join("bob.wav");
    assert_eq!(code(bob.engine.set_volume("ann", 13.0).await), ErrorCode::BadRequest);
    let mut loudness = Vec::new();
    for db in [0.0, -20.0] {
        bob.engine.set_volume("ann", db).await.unwrap();
        let call = ann.talks_with(&mut bob).await;
        assert!((bob.call().unwrap().members[0].volume_db - db).abs() < f32::EPSILON);
        hears(&mut bob, "ann", 2).await;
        // The ring, which is written with what comes in its second, is behind.
        let from = plays_on(&file, read_wav(&file).len(), Duration::from_millis(1_100)).await;
        hears(&mut bob, "ann", 6).await;
        plays_on(&file, read_wav(&file).len(), Duration::from_millis(1_100)).await;
        loudness.push(loudest(&read_wav(&file)[from..], 1_000.0));
        ann.engine.hangup(&call).await.unwrap();
        bob.ended().await;
        ann.ended().await;
    }
    let difference = loudness[0] - loudness[1];
    assert!((difference - 20.0).abs() < 3.0, "{loudness:?} dBFS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_call_waits_is_answered_and_the_first_one_held_and_taken_up_again() {
    let [mut ann, mut bob, mut cat] = quiet_people(["ann", "bob", "cat"]).await;
    waits_calls(&bob).await;
    let first = ann.talks_with(&mut bob).await;
    let second = cat.calls("bob").await.call_id;
    assert_eq!(bob.rings().await, second);
    let view = bob.sees_call("a waiting call", &second, |call| call.state == CallState::Ringing).await;
    assert_eq!(view.alert, Some(Alert::CallWaiting));
    accept(&bob, &second).await;
    assert_eq!(held(&mut ann, true).await, "bob");
    cat.connected().await;
    bob.sees_call("the first on hold", &first, |call| call.on_hold && call.state == CallState::Connected).await;
    // A third one is one too many while both are there and one rings.
    bob.engine.resume(&first).await.unwrap();
    assert_eq!(held(&mut cat, true).await, "bob");
    assert_eq!(held(&mut ann, false).await, "bob");
    let calls = bob.engine.snapshot().calls.clone();
    assert_eq!(
        calls.iter().filter(|call| call.on_hold).map(|call| call.call_id.as_str()).collect::<Vec<_>>(),
        [&second]
    );
    bob.engine.hangup(&second).await.unwrap();
    assert_eq!(cat.ended().await, EndReason::Hangup);
    bob.sees_call("the first goes on", &first, |call| call.state == CallState::Connected && !call.on_hold).await;
    ann.engine.hangup(&first).await.unwrap();
    bob.hears("the end", |event| matches!(event, Event::CallEnded { call_id, .. } if *call_id == first).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_call_can_end_the_first_one_or_be_declined() {
    let [mut ann, mut bob, mut cat] = quiet_people(["ann", "bob", "cat"]).await;
    waits_calls(&bob).await;
    let first = ann.talks_with(&mut bob).await;
    let declined = cat.calls("bob").await.call_id;
    bob.rings().await;
    bob.engine.reject(&declined).await.unwrap();
    assert_eq!(cat.ended().await, EndReason::Rejected);
    assert_eq!(bob.sees_call("the first", &first, |_| true).await.state, CallState::Connected);
    let second = cat.calls("bob").await.call_id;
    bob.rings().await;
    let params = AcceptParams { meanwhile: Meanwhile::End, ..AcceptParams::from(&second) };
    bob.engine.accept(params).await.unwrap();
    assert_eq!(ann.ended().await, EndReason::Hangup);
    cat.connected().await;
    assert_eq!(bob.recorded(&first).await.status, RecordStatus::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_call_can_be_made_while_the_first_one_waits() {
    let [mut ann, mut bob, mut cat] = quiet_people(["ann", "bob", "cat"]).await;
    let first = ann.talks_with(&mut bob).await;
    assert_eq!(code(ann.try_call("cat").await), ErrorCode::Busy);
    ann.engine.hold(&first).await.unwrap();
    held(&mut bob, true).await;
    let second = ann.calls("cat").await.call_id;
    cat.rings().await;
    accept(&cat, &second).await;
    ann.sees_call("the second", &second, |call| call.state == CallState::Connected).await;
    assert!(ann.sees_call("the first", &first, |_| true).await.on_hold);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blind_transfer_leaves_the_other_two_together() {
    let [mut ann, mut bob, mut cat] = quiet_people(["ann", "bob", "cat"]).await;
    let call = ann.talks_with(&mut bob).await;
    let params = TransferParams { call_id: call.clone(), to: Some("cat".into()), to_call_id: None };
    ann.engine.transfer(params).await.unwrap();
    assert_eq!(ann.call().unwrap().transfer_to.as_deref(), Some("cat"));
    for person in [&mut ann, &mut bob] {
        let (by, to) = person
            .hears("the transfer", |event| match event {
                Event::Transferring { by, to, .. } => Some((by.clone(), to.clone())),
                _ => None,
            })
            .await;
        assert_eq!((by.as_str(), to.as_str()), ("ann", "cat"), "as {} hears it", person.name);
    }
    cat.rings().await;
    accept(&cat, &call).await;
    assert_eq!(ann.ended().await, EndReason::Transferred);
    bob.talks_to(&call, &["cat"]).await;
    cat.talks_to(&call, &["bob"]).await;
    assert_eq!(ann.recorded(&call).await.status, RecordStatus::Completed);
    bob.engine.hangup(&call).await.unwrap();
    assert_eq!(cat.ended().await, EndReason::Hangup);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_is_declined_leaves_everything_as_it_was() {
    let [mut ann, mut bob, mut cat] = quiet_people(["ann", "bob", "cat"]).await;
    let call = ann.talks_with(&mut bob).await;
    let params = TransferParams { call_id: call.clone(), to: Some("cat".into()), to_call_id: None };
    ann.engine.transfer(params).await.unwrap();
    cat.rings().await;
    cat.engine.reject(&call).await.unwrap();
    let (to, reason) = ann
        .hears("that it failed", |event| match event {
            Event::TransferFailed { to, reason, .. } => Some((to.clone(), *reason)),
            _ => None,
        })
        .await;
    assert_eq!((to.as_str(), reason), ("cat", EndReason::Rejected));
    let view = ann.call().unwrap();
    assert_eq!((view.state, view.transfer_to), (CallState::Connected, None));
    assert_eq!(bob.call().unwrap().state, CallState::Connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attended_transfer_joins_the_other_ends_of_two_calls() {
    let [mut ann, mut bob, mut cat] = quiet_people(["ann", "bob", "cat"]).await;
    let first = ann.talks_with(&mut bob).await;
    ann.engine.hold(&first).await.unwrap();
    held(&mut bob, true).await;
    let second = ann.talks_with(&mut cat).await;
    let params = TransferParams { call_id: first.clone(), to: None, to_call_id: Some(second.clone()) };
    ann.engine.transfer(params).await.unwrap();
    bob.talks_to(&first, &["cat"]).await;
    cat.talks_to(&first, &["bob"]).await;
    for call in [&first, &second] {
        ann.sees("both over", |view| !view.calls.iter().any(|it| it.call_id == **call && it.state != CallState::Ended))
            .await;
        assert_eq!(ann.recorded(call).await.status, RecordStatus::Completed);
    }
    assert_eq!(cat.recorded(&second).await.reason, EndReason::Transferred);
    cat.engine.hangup(&first).await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Hangup);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_become_one_of_three() {
    let [mut ann, mut bob, mut cat] = quiet_people(["ann", "bob", "cat"]).await;
    let first = ann.talks_with(&mut bob).await;
    ann.engine.hold(&first).await.unwrap();
    held(&mut bob, true).await;
    let second = ann.talks_with(&mut cat).await;
    ann.engine.merge(&second, &first).await.unwrap();
    ann.talks_to(&first, &["bob", "cat"]).await;
    bob.talks_to(&first, &["ann", "cat"]).await;
    cat.talks_to(&first, &["ann", "bob"]).await;
    ann.sees_call("nothing on hold", &first, |call| !call.on_hold).await;
    ann.engine.hangup(&first).await.unwrap();
    for person in [&mut bob, &mut cat] {
        person
            .hears("the end", |event| {
                matches!(event, Event::CallEnded { call_id, .. } if *call_id == first).then_some(())
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_are_refused_leave_it_a_voice_call() {
    let [mut ann, mut bob] = quiet_people(["ann", "bob"]).await;
    let call = ann.talks_with(&mut bob).await;
    assert_eq!(code(ann.engine.answer_switch(&call, false).await), ErrorCode::WrongState);
    ann.engine.switch_media(&call, Media::Video).await.unwrap();
    assert_eq!(code(ann.engine.switch_media(&call, Media::Video).await), ErrorCode::WrongState);
    bob.sees_call("the question", &call, |call| call.switch.is_some()).await;
    bob.engine.answer_switch(&call, false).await.unwrap();
    ann.hears("a no", |event| matches!(event, Event::MediaChangeRefused(_)).then_some(())).await;
    for person in [&ann, &bob] {
        let view = person.sees_call("voice", &call, |call| call.switch.is_none()).await;
        assert!(view.media == Media::Audio && !view.my_video);
    }
}
