//! Who may ring, and how: do not disturb, blocked, unknown, quiet devices; and how a call begins.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use peal_engine::EngineConfig;
use peal_engine::api::{
    Alert, AudioQuality, CallParams, CallState, ContactPatch, DoNotDisturb, EndReason, ErrorCode, Event, LoginParams,
    PresenceView, RecordStatus, SettingsPatch, UnknownCallers,
};
use peal_tests::ears::{level_dbfs, read_wav};
use peal_tests::person::{Person, accept, code, free_address, hums, quiet, writes};

async fn pair() -> (Person, Person) {
    let broker = free_address();
    let ann = Person::new("ann", quiet(broker)).await;
    let bob = Person::new("bob", quiet(broker)).await;
    ann.sees_online("bob").await;
    bob.sees_online("ann").await;
    (ann, bob)
}

async fn set(person: &Person, patch: SettingsPatch) {
    person.engine.set_settings(patch).await.unwrap();
}

/// Ann calls, and Bob's phone stays silent: she hears "no response", he finds a missed call.
async fn rings_in_silence(ann: &mut Person, bob: &mut Person) {
    ann.engine.set_call_timeout(3_000).await.unwrap();
    let call = ann.calls("bob").await.call_id;
    let view = bob.sees_call("a silent call", &call, |call| call.state == CallState::Ringing).await;
    assert_eq!(view.alert, Some(Alert::Silent));
    ann.hears("that it rings", |event| matches!(event, Event::Ringing(_)).then_some(())).await;
    assert_eq!(ann.ended().await, EndReason::NoResponse);
    assert_eq!(bob.ended().await, EndReason::NoResponse);
    assert_eq!(bob.recorded(&call).await.status, RecordStatus::Missed);
    assert_eq!(ann.recorded(&call).await.status, RecordStatus::Missed);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_to_be_disturbed_misses_the_call_in_silence() {
    let broker = free_address();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("bob.wav");
    let mut ann = Person::new("ann", quiet(broker)).await;
    let mut bob = Person::new("bob", EngineConfig { speaker: Some(writes(&file)), ..quiet(broker) }).await;
    ann.sees_online("bob").await;
    let quiet = DoNotDisturb { on: true, schedule: Vec::new() };
    set(&bob, SettingsPatch { do_not_disturb: Some(quiet), ..SettingsPatch::default() }).await;
    rings_in_silence(&mut ann, &mut bob).await;
    bob.engine.stop().await;
    assert!(!file.exists() || level_dbfs(&read_wav(&file)) < -90.0, "the speaker was not even opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_alone_may_be_silenced_and_the_silent_call_can_still_be_answered() {
    let (mut ann, mut bob) = pair().await;
    let patch = ContactPatch { user_id: "ann".into(), is_no_disturb: Some(true), ..ContactPatch::default() };
    bob.engine.set_contact(patch).await.unwrap();
    rings_in_silence(&mut ann, &mut bob).await;
    let call = ann.calls("bob").await.call_id;
    bob.sees_call("a silent call", &call, |call| call.state == CallState::Ringing).await;
    accept(&bob, &call).await;
    ann.connected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_somebody_blocked_there_is_nobody() {
    let (mut ann, bob) = pair().await;
    let patch = ContactPatch { user_id: "ann".into(), is_in_black_list: Some(true), ..ContactPatch::default() };
    bob.engine.set_contact(patch).await.unwrap();
    ann.engine.set_call_timeout(2_000).await.unwrap();
    ann.calls("bob").await;
    assert_eq!(ann.ended().await, EndReason::Unreachable);
    let view = bob.engine.snapshot();
    assert!(view.calls.is_empty() && view.history.is_empty(), "{:?}", view.history);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_callers_are_treated_as_the_settings_say() {
    let (mut ann, mut bob) = pair().await;
    set(&bob, SettingsPatch { unknown_callers: Some(UnknownCallers::Silence), ..SettingsPatch::default() }).await;
    rings_in_silence(&mut ann, &mut bob).await;
    set(&bob, SettingsPatch { unknown_callers: Some(UnknownCallers::Block), ..SettingsPatch::default() }).await;
    ann.engine.set_call_timeout(1_500).await.unwrap();
    ann.calls("bob").await;
    assert_eq!(ann.ended().await, EndReason::Unreachable);
    let friend = ContactPatch { user_id: "ann".into(), is_friend: Some(true), ..ContactPatch::default() };
    bob.engine.set_contact(friend).await.unwrap();
    let call = ann.calls("bob").await.call_id;
    let view = bob.sees_call("a ring", &call, |call| call.state == CallState::Ringing).await;
    assert_eq!(view.alert, Some(Alert::Ring));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_does_not_ring_shows_the_call_and_lets_another_one_ring() {
    let broker = free_address();
    let mut ann = Person::new("ann", quiet(broker)).await;
    let desk = EngineConfig { device_id: Some("desk".into()), ..quiet(broker) };
    let desk = Person::log_in(desk, peal_tests::person::shared("bob")).await.unwrap();
    let pocket = EngineConfig { device_id: Some("pocket".into()), ..quiet(broker) };
    let mut pocket = Person::log_in(pocket, peal_tests::person::shared("bob")).await.unwrap();
    set(&desk, SettingsPatch { ring_here: Some(false), ..SettingsPatch::default() }).await;
    ann.sees_online("bob").await;
    let call = ann.calls("bob").await.call_id;
    pocket.rings().await;
    let view = desk.sees_call("a silent call", &call, |call| call.state == CallState::Ringing).await;
    assert_eq!(view.alert, Some(Alert::Silent));
    accept(&pocket, &call).await;
    ann.connected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_begins_with_the_microphone_as_set() {
    let (mut ann, mut bob) = pair().await;
    for person in [&ann, &bob] {
        set(person, SettingsPatch { open_microphone: Some(false), ..SettingsPatch::default() }).await;
    }
    let call = ann.talks_with(&mut bob).await;
    for (person, other) in [(&ann, "bob"), (&bob, "ann")] {
        assert!(person.engine.is_muted(), "{}", person.name);
        person
            .sees_call("that the other is muted", &call, |call| {
                call.members.iter().any(|it| it.user_id == other && it.muted)
            })
            .await;
    }
    ann.engine.set_muted(false).await.unwrap();
    bob.hears("that Ann speaks", |event| matches!(event, Event::AudioMuted { muted: false, .. }).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_voice_takes_as_many_bits_as_set() {
    let broker = free_address();
    let mut ann = Person::new("ann", EngineConfig { microphone: Some(hums(440.0)), ..quiet(broker) }).await;
    let mut bob = Person::new("bob", quiet(broker)).await;
    let call = ann.talks_with(&mut bob).await;
    let mut rates = Vec::new();
    for quality in [AudioQuality::Voice, AudioQuality::High] {
        set(&ann, SettingsPatch { audio_quality: Some(quality), ..SettingsPatch::default() }).await;
        let before = ann.engine.call_stats(&call).await.unwrap();
        loop {
            let now = ann.engine.call_stats(&call).await.unwrap();
            let packets = now.packets_sent - before.packets_sent;
            if packets >= 100.0 {
                // 20 ms each.
                rates.push((now.bytes_sent - before.bytes_sent) * 8.0 / (packets * 0.02));
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    assert!(rates[1] > rates[0] * 1.5, "{rates:?} bit/s");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sound_devices_are_warmed_up_and_released() {
    let broker = free_address();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("ann.wav");
    let config =
        EngineConfig { microphone: Some(hums(440.0)), speaker: Some(writes(&file)), resume: false, ..quiet(broker) };
    let ann = peal_engine::Engine::start(config).await.unwrap();
    // Nobody needs to be logged in.
    ann.init_engine().await.unwrap();
    assert!(file.exists(), "the speaker is open");
    let mut loud = false;
    for _ in 0..100 {
        loud = ann.meters().voices.iter().any(|it| it.dbfs > -30.0);
        if loud {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(loud, "the microphone's level is shown: {:?}", ann.meters());
    ann.release_engine().await.unwrap();
    let written = read_wav(&file).len();
    assert!(written > 0);
    assert!(ann.meters().voices.is_empty());
    let deaf = EngineConfig {
        microphone: Some(peal_engine::MicrophoneChoice::Device("no such microphone".into())),
        resume: false,
        ..quiet(free_address())
    };
    let deaf = peal_engine::Engine::start(deaf).await.unwrap();
    let failure = code(deaf.init_engine().await);
    assert!(matches!(failure, ErrorCode::NoMicrophone | ErrorCode::DeviceFailed), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_safe_mode_a_login_needs_the_right_token_and_without_it_none() {
    let broker = free_address();
    let login =
        |token: &str| LoginParams { account: Some("ann".into()), token: Some(token.into()), ..LoginParams::default() };
    let ann = peal_engine::Engine::start(EngineConfig { resume: false, ..quiet(broker) }).await.unwrap();
    assert_eq!(code(ann.login(login("")).await), ErrorCode::WrongToken);
    ann.login(login("right")).await.unwrap();
    let other = peal_engine::Engine::start(EngineConfig { resume: false, ..quiet(broker) }).await.unwrap();
    assert_eq!(code(other.login(login("wrong")).await), ErrorCode::WrongToken);
    // Whoever runs the broker decides.
    ann.logout().await.unwrap();
    let off = SettingsPatch { check_sum: Some(false), ..SettingsPatch::default() };
    ann.set_settings(off.clone()).await.unwrap();
    ann.login(login("right")).await.unwrap();
    other.set_settings(off).await.unwrap();
    other.login(login("")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_called_by_its_id_and_presence_is_told() {
    let broker = free_address();
    let ann = Person::new("ann", quiet(broker)).await;
    let mut bob = Person::new("bob", quiet(broker)).await;
    let mut cat = Person::new("cat", quiet(broker)).await;
    ann.sees_online("bob").await;
    ann.sees_online("cat").await;
    let params = peal_engine::api::GroupParams {
        group_id: Some("family".into()),
        name: "Family".into(),
        members: vec!["bob".into(), "cat".into()],
    };
    ann.engine.set_group(params).await.unwrap();
    let params = CallParams { group_id: Some("family".into()), ..CallParams::default() };
    let call = ann.engine.call(params).await.unwrap().call_id;
    let invitation = bob
        .hears("an invitation", |event| match event {
            Event::Invited(invitation) => Some(invitation.clone()),
            _ => None,
        })
        .await;
    assert_eq!((invitation.group_id.as_deref(), invitation.is_from_group), (Some("family"), true));
    let view = ann.call().unwrap();
    assert_eq!((view.group_id.as_deref(), view.group_name.as_deref()), (Some("family"), Some("Family")));
    cat.rings().await;
    accept(&bob, &call).await;
    ann.talks_to(&call, &["bob"]).await;
    ann.engine.hangup(&call).await.unwrap();
    cat.hears("that Ann is not in a call any more", |event| match event {
        Event::PresenceChanged { user_id, presence: PresenceView::Online } if user_id == "ann" => Some(()),
        _ => None,
    })
    .await;
    // Whether that or the call's end is told first is open.
    cat.recorded(&call).await;
    let unknown = CallParams { group_id: Some("nobody".into()), ..CallParams::default() };
    assert_eq!(code(cat.engine.call(unknown).await), ErrorCode::BadRequest);
}
