//! Calls with pictures, between real engines.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use peal_engine::api::{
    CallParams, ContactKind, ErrorCode, Event, LocalViewParams, Media, OpenCameraParams, SettingsPatch,
    StartRemoteViewParams, StopRemoteViewParams, VideoSource,
};
use peal_engine::{CameraChoice, EngineConfig};
use peal_tests::eyes::{age, moving, nothing, now, picture, sees_pattern};
use peal_tests::person::{Person, accept, code, free_address, quiet};

/// Ann and Bob, whose cameras see the pattern.
async fn ann_and_bob() -> (Person, Person) {
    let broker = free_address();
    let ann = Person::new("ann", sees_pattern(quiet(broker))).await;
    let bob = Person::new("bob", sees_pattern(quiet(broker))).await;
    (ann, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_see_each_other_moving_and_the_pictures_end_with_the_call() {
    let (mut ann, mut bob) = ann_and_bob().await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut of_bob = ann.looks_at(&call, "bob").await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_bob, "Bob").await;
    moving(&mut of_ann, "Ann").await;
    for (person, other) in [(&ann, "bob"), (&bob, "ann")] {
        let view = person.sees_call("pictures", &call, |call| call.members[0].video && call.my_video).await;
        assert!(!view.members[0].video_muted, "{other}");
    }
    ann.engine.hangup(&call).await.unwrap();
    nothing(&mut of_bob).await;
    nothing(&mut of_ann).await;
    for person in [&ann, &bob] {
        person.sees("the camera closed", |view| !view.video.on && view.video.source.is_none()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_goes_off_and_on_is_seen_to() {
    let (mut ann, mut bob) = ann_and_bob().await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_ann, "Ann").await;
    ann.engine.close_camera().await.unwrap();
    assert_eq!(ann.engine.snapshot().video.source, None, "the light is off");
    nothing(&mut of_ann).await;
    bob.sees_call("Ann's camera off", &call, |call| !call.members[0].video && call.members[0].video_muted).await;
    ann.engine.open_camera(VideoSource::Pattern).await.unwrap();
    bob.sees_call("Ann's camera on", &call, |call| call.members[0].video).await;
    moving(&mut of_ann, "Ann again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_looks_at_is_not_sent_and_not_decoded() {
    let (mut ann, mut bob) = ann_and_bob().await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_ann, "Ann").await;
    // Ann does not look at Bob.
    assert!(ann.engine.call_stats(&call).await.unwrap().frames_received < 1.0);
    let stop = StopRemoteViewParams { call_id: call.clone(), user_id: "ann".into(), view: None };
    bob.engine.stop_remote_view(stop).await.unwrap();
    nothing(&mut of_ann).await;
    let stopped = std::time::Instant::now();
    // It stops within a second, and then stays so.
    let mut sent = ann.engine.call_stats(&call).await.unwrap().frames_sent;
    let mut still_since = std::time::Instant::now();
    while still_since.elapsed() < Duration::from_secs(1) {
        bob.hears("some time passing", |event| matches!(event, Event::VoiceVolume(_)).then_some(())).await;
        let now = ann.engine.call_stats(&call).await.unwrap().frames_sent;
        if now > sent {
            (sent, still_since) = (now, std::time::Instant::now());
            assert!(stopped.elapsed() < Duration::from_secs(10), "it is sent for ever");
        }
    }
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_ann, "Ann again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doorbells_picture_is_there_before_anyone_answers() {
    let broker = free_address();
    let gate = EngineConfig { kind: ContactKind::Device, ..sees_pattern(quiet(broker)) };
    let mut gate = Person::new("gate", gate).await;
    let mut bob = Person::new("bob", sees_pattern(quiet(broker))).await;
    // Only who is known may show themselves before the answer.
    bob.engine.execute(peal_engine::api::Command::AddContact { user_id: "gate".into() }).await.unwrap();
    bob.sees_online("gate").await;
    gate.sees_online("bob").await;
    let call = gate.calls_by_video("bob").await.call_id;
    assert_eq!(bob.rings().await, call);
    bob.hears_of_camera("gate", true).await;
    let shown = bob.sees_call("the preview", &call, |call| call.preview && call.members[0].video).await;
    assert!(!shown.my_video);
    let mut of_gate = bob.looks_at(&call, "gate").await;
    moving(&mut of_gate, "who is at the gate").await;
    assert_eq!(bob.engine.snapshot().video.source, None, "nothing of Bob is seen");
    assert!(gate.engine.call_stats(&call).await.unwrap().frames_received < 1.0);
    accept(&bob, &call).await;
    gate.connected().await;
    bob.connected().await;
    moving(&mut of_gate, "the gate, answered").await;
    let mut of_bob = gate.looks_at(&call, "bob").await;
    moving(&mut of_bob, "Bob at the gate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_see_each_other() {
    let broker = free_address();
    let ann = Person::new("ann", sees_pattern(quiet(broker))).await;
    let mut bob = Person::new("bob", sees_pattern(quiet(broker))).await;
    let mut cat = Person::new("cat", sees_pattern(quiet(broker))).await;
    for name in ["bob", "cat"] {
        ann.sees_online(name).await;
    }
    let params = CallParams { to: vec!["bob".into(), "cat".into()], media: Media::Video, ..CallParams::default() };
    let call = ann.engine.call(params).await.unwrap().call_id;
    for callee in [&mut bob, &mut cat] {
        callee.rings().await;
        accept(callee, &call).await;
    }
    for (person, others) in [(&ann, ["bob", "cat"]), (&bob, ["ann", "cat"]), (&cat, ["ann", "bob"])] {
        person.talks_to(&call, &others).await;
        for other in others {
            moving(&mut person.looks_at(&call, other).await, &format!("{other} at {}'s", person.name)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_call_opens_no_camera_and_shows_nothing() {
    let (mut ann, mut bob) = ann_and_bob().await;
    let call = ann.talks_with(&mut bob).await;
    for person in [&ann, &bob] {
        let view = person.engine.snapshot();
        assert!(!view.video.on && view.video.source.is_none() && !view.video.opening, "{:?}", view.video);
        assert!(!view.calls[0].my_video && !view.calls[0].members[0].video && !view.calls[0].members[0].video_muted);
    }
    assert_eq!(code(ann.engine.open_camera(VideoSource::Pattern).await), ErrorCode::WrongState);
    let stats = ann.engine.call_stats(&call).await.unwrap();
    assert_eq!((stats.frames_sent, stats.video_sent_kbps), (0.0, 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_camera_still_sees() {
    let broker = free_address();
    let mut ann = Person::new("ann", sees_pattern(quiet(broker))).await;
    let mut bob = Person::new("bob", EngineConfig { camera: CameraChoice::Nothing, ..quiet(broker) }).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    moving(&mut bob.looks_at(&call, "ann").await, "Ann").await;
    let shown = ann.sees_call("that Bob shows nothing", &call, |call| call.members[0].video_muted).await;
    assert!(!shown.members[0].video);
    assert_eq!(code(bob.engine.open_camera(OpenCameraParams::default()).await), ErrorCode::NoCamera);
    bob.engine.open_camera(VideoSource::Pattern).await.unwrap();
    moving(&mut ann.looks_at(&call, "bob").await, "Bob after all").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_hold_nothing_is_seen_and_the_light_is_off() {
    let (mut ann, mut bob) = ann_and_bob().await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    let mut of_bob = ann.looks_at(&call, "bob").await;
    moving(&mut of_ann, "Ann").await;
    moving(&mut of_bob, "Bob").await;
    ann.engine.hold(&call).await.unwrap();
    nothing(&mut of_ann).await;
    nothing(&mut of_bob).await;
    ann.sees("the camera closed", |view| view.video.source.is_none() && view.video.on).await;
    ann.engine.resume(&call).await.unwrap();
    moving(&mut of_ann, "Ann again").await;
    moving(&mut of_bob, "Bob again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_takes_over_while_it_runs_and_one_that_fails_gives_way() {
    let (mut ann, mut bob) = ann_and_bob().await;
    let place = tempfile::tempdir().unwrap();
    let film = place.path().join("grey.y4m");
    peal_tests::eyes::write_film(&film, 320, 180, |_, _| [180, 128, 128]).unwrap();
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_ann, "the pattern").await;
    let grey = VideoSource::File { path: film.display().to_string(), looped: true };
    ann.engine.open_camera(grey.clone()).await.unwrap();
    assert_eq!(ann.engine.snapshot().video.source, Some(grey.clone()));
    picture(&mut of_ann, "the film", |it| (peal_tests::eyes::mean(it, 0) - 180.0).abs() < 8.0).await;
    let missing = VideoSource::File { path: "no/such/film.y4m".into(), looped: false };
    assert_eq!(code(ann.engine.open_camera(missing).await), ErrorCode::SourceFailed);
    ann.sees("the film again", |view| view.video.source == Some(grey.clone()) && view.video.problem.is_none()).await;
    bob.sees_call("Ann", &call, |call| call.members[0].video).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_ends_turns_the_picture_off() {
    let broker = free_address();
    let place = tempfile::tempdir().unwrap();
    let film = place.path().join("grey.y4m");
    peal_tests::eyes::write_film(&film, 320, 180, |_, _| [180, 128, 128]).unwrap();
    let once = VideoSource::File { path: film.display().to_string(), looped: false };
    let config = EngineConfig { camera: CameraChoice::Source(once), ..quiet(broker) };
    let mut ann = Person::new("ann", config).await;
    let mut bob = Person::new("bob", quiet(broker)).await;
    ann.begins_with_camera(false).await;
    ann.sees_and_talks_with(&mut bob).await;
    ann.engine.open_camera(OpenCameraParams::default()).await.unwrap();
    bob.hears_of_camera("ann", true).await;
    bob.hears_of_camera("ann", false).await;
    let view = ann.sees("it off", |view| !view.video.on).await;
    assert!(view.video.problem.is_none() && view.video.source.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_camera_is_told_in_words_and_the_call_goes_on() {
    let broker = free_address();
    let wrong = VideoSource::Camera { id: Some("no such camera".into()) };
    let config = EngineConfig { camera: CameraChoice::Source(wrong), ..quiet(broker) };
    let mut ann = Person::new("ann", config).await;
    let mut bob = Person::new("bob", sees_pattern(quiet(broker))).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let view = ann.sees("the problem", |view| view.video.problem.is_some()).await;
    let problem = view.video.problem.clone().unwrap();
    assert!(matches!(problem.code, ErrorCode::NoCamera | ErrorCode::SourceFailed), "{problem:?}");
    assert!(!problem.message.is_empty() && !problem.hint.is_empty());
    moving(&mut ann.looks_at(&call, "bob").await, "Bob").await;
    assert!(!bob.sees_call("Ann", &call, |_| true).await.members[0].video);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_view_asks_for_no_more_than_it_shows() {
    let (mut ann, mut bob) = ann_and_bob().await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let look = |width, height| StartRemoteViewParams {
        call_id: call.clone(),
        user_id: "ann".into(),
        width: Some(width),
        height: Some(height),
        view: None,
    };
    bob.engine.start_remote_view(look(160, 90)).await.unwrap();
    let mut of_ann = bob.engine.remote_pictures(&call, "ann");
    let small = picture(&mut of_ann, "a small picture", |it| it.width() < 640).await;
    assert!(small.width() >= 160, "{small:?}");
    bob.engine.start_remote_view(look(640, 360)).await.unwrap();
    picture(&mut of_ann, "the whole picture", |it| (it.width(), it.height()) == (640, 360)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_looks_at_oneself_without_a_call() {
    let ann = Person::new("ann", sees_pattern(quiet(free_address()))).await;
    let mut own = ann.engine.local_pictures();
    assert!(now(&own).is_none());
    ann.looks_at_own().await;
    moving(&mut own, "Ann herself").await;
    let frame = picture(&mut own, "a fresh picture", |_| true).await;
    assert_eq!((frame.width(), frame.height()), (640, 360));
    assert!(age(&frame) < Duration::from_secs(5));
    let patch = SettingsPatch { video_width: Some(320), video_height: Some(180), ..SettingsPatch::default() };
    ann.engine.set_settings(patch).await.unwrap();
    picture(&mut own, "the new size", |it| (it.width(), it.height()) == (320, 180)).await;
    // A second place looks too; the camera is open until neither does.
    let tile = LocalViewParams { view: Some("tile".into()) };
    ann.engine.start_local_view(tile.clone()).await.unwrap();
    ann.engine.stop_local_view(LocalViewParams::default()).await.unwrap();
    moving(&mut own, "Ann in the tile").await;
    ann.engine.stop_local_view(tile).await.unwrap();
    assert!(now(&own).is_none());
    assert_eq!(ann.engine.snapshot().video.source, None);
}
