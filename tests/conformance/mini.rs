//! Kit D, `NeCallKit` (mini-app component).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use peal_engine::EngineConfig;
use peal_engine::api::{AudioQuality, CallParams, ErrorCode, Event, LoginParams, RecordStatus, SettingsPatch};
use peal_tests::eyes::{mean, moving, picture, roughness, sees_file, sees_pattern, write_film};
use peal_tests::person::{Person, code, hums};

use crate::town::{Town, on_camera, people};

async fn set(person: &Person, patch: SettingsPatch) {
    person.engine.set_settings(patch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_a_video_call_starts_with_the_camera_as_set() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    for open in [false, true] {
        set(&ann, SettingsPatch { open_camera: Some(open), ..SettingsPatch::default() }).await;
        let call = ann.sees_and_talks_with(&mut bob).await;
        bob.sees_call("Ann's camera", &call, |call| call.members[0].video == open).await;
        let source = ann.sees("it", |view| view.video.on == open && !view.video.opening).await.video.source.clone();
        assert_eq!(source.is_some(), open);
        if open {
            moving(&mut bob.looks_at(&call, "ann").await, "Ann").await;
        }
        ann.engine.hangup(&call).await.unwrap();
        ann.ended().await;
        bob.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_a_call_starts_with_the_microphone_as_set() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    for open in [false, true] {
        set(&ann, SettingsPatch { open_microphone: Some(open), ..SettingsPatch::default() }).await;
        let call = ann.talks_with(&mut bob).await;
        assert_eq!(ann.engine.is_muted(), !open);
        bob.sees_call("Ann's microphone", &call, |call| call.members[0].muted != open).await;
        ann.engine.hangup(&call).await.unwrap();
        ann.ended().await;
        bob.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_the_sent_picture_has_the_size_that_is_set() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    let size = |width, height| SettingsPatch {
        video_width: Some(width),
        video_height: Some(height),
        ..SettingsPatch::default()
    };
    set(&ann, size(480, 270)).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    picture(&mut of_ann, "480 by 270", |it| (it.width(), it.height()) == (480, 270)).await;
    set(&ann, size(320, 240)).await;
    picture(&mut of_ann, "320 by 240", |it| (it.width(), it.height()) == (320, 240)).await;
    assert_eq!(code(ann.engine.set_settings(size(4_000, 240)).await), ErrorCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_the_bit_rate_follows_the_quality() {
    let town = Town::new().await;
    let config = EngineConfig { microphone: Some(hums(440.0)), ..town.config() };
    let mut ann = town.person_with("ann", config).await;
    let mut bob = town.person("bob").await;
    let call = ann.talks_with(&mut bob).await;
    let mut rates = Vec::new();
    for quality in [AudioQuality::Voice, AudioQuality::High] {
        set(&ann, SettingsPatch { audio_quality: Some(quality), ..SettingsPatch::default() }).await;
        let before = bob.engine.call_stats(&call).await.unwrap();
        let (packets, bytes) = loop {
            heard!(bob, Event::VoiceVolume(_) => ());
            let now = bob.engine.call_stats(&call).await.unwrap();
            let packets = now.packets_received - before.packets_received;
            if packets >= 100.0 {
                break (packets, now.bytes_received - before.bytes_received);
            }
        };
        // 20 ms each (RFC 7587).
        rates.push(bytes * 8.0 / (packets * 0.02));
    }
    assert!(rates[1] > 1.5 * rates[0], "{rates:?} bit/s");
}

#[tokio::test(flavor = "multi_thread")]
async fn d08_in_safe_mode_a_token_is_required_and_checked() {
    let town = Town::new().await;
    let phone = town.phone().await;
    let with = |token: &str| LoginParams { token: Some(token.to_owned()), ..town.login("ann") };
    assert!(phone.snapshot().settings.check_sum, "safe unless told otherwise");
    assert_eq!(code(phone.login(with("")).await), ErrorCode::WrongToken);
    let _ann = town.person("ann").await;
    assert_eq!(code(phone.login(with("another")).await), ErrorCode::WrongToken);
}

#[tokio::test(flavor = "multi_thread")]
async fn d09_the_log_says_more_when_asked() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    assert!(!ann.engine.snapshot().settings.debug);
    set(&ann, SettingsPatch { debug: Some(true), ..SettingsPatch::default() }).await;
    assert!(ann.engine.snapshot().settings.debug);
    // What is written: a program of its own, whose words go to its standard error.
    let mut bob = town.program("bob");
    bob.online().unwrap();
    ann.sees_online("bob").await;
    let quiet = bob.complaints().lines().filter(|line| line.contains("DEBUG")).count();
    bob.ask("set_settings", &serde_json::json!({ "debug": true })).unwrap();
    ann.calls("bob").await;
    bob.event("connected").unwrap();
    let loud = bob.complaints().lines().filter(|line| line.contains("DEBUG")).count();
    assert!(quiet == 0 && loud > 0, "{quiet} before, {loud} after");
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_the_nickname_is_shown_to_the_other_side() {
    let town = Town::new().await;
    let login = LoginParams { display_name: Some("Ann from upstairs".into()), ..town.login("ann") };
    let ann = Person::log_in(town.config(), login).await.unwrap();
    let mut bob = town.person("bob").await;
    let named = |view: &peal_engine::api::PhoneView| {
        view.contacts.iter().any(|it| it.user_id == "ann" && it.name == "Ann from upstairs")
    };
    bob.sees("the name", named).await;
    ann.sees_online("bob").await;
    ann.calls("bob").await;
    bob.rings().await;
    assert_eq!(bob.call().unwrap().members[0].name, "Ann from upstairs");
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_logged_out_no_calls_are_possible() {
    let (town, [ann, bob]) = people(["ann", "bob"]).await;
    ann.engine.logout().await.unwrap();
    assert_eq!(code(ann.try_call("bob").await), ErrorCode::NotLoggedIn);
    ann.engine.login(town.login("ann")).await.unwrap();
    ann.sees_online("bob").await;
    ann.calls("bob").await;
    drop(bob);
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_a_handler_is_put_on_and_taken_off() {
    let (town, [ann, bob]) = people(["ann", "bob"]).await;
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let subscription = bob.engine.on("presence_changed", move |event| {
        if matches!(event, Event::PresenceChanged { user_id, .. } if user_id == "ann") {
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    let subscription = subscription.unwrap();
    ann.engine.logout().await.unwrap();
    while count.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    subscription.off();
    let before = count.load(Ordering::SeqCst);
    ann.engine.login(town.login("ann")).await.unwrap();
    bob.sees_online("ann").await;
    assert_eq!(count.load(Ordering::SeqCst), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_a_call_is_a_promise_that_resolves_or_fails() {
    let (_town, [ann, _bob]) = people(["ann", "bob"]).await;
    assert_eq!(code(ann.try_call("nobody-here").await), ErrorCode::UnknownUser);
    assert_eq!(code(ann.try_call("no/name").await), ErrorCode::BadName);
    assert_eq!(code(ann.engine.call(CallParams::default()).await), ErrorCode::BadRequest);
    let session = ann.try_call("bob").await.unwrap();
    assert_eq!(session.inviting_members, ["bob"]);
}

/// Both histories, and both `call_recorded` events, say the same.
async fn recorded(ann: &mut Person, bob: &mut Person, call: &str, status: RecordStatus) {
    for (person, other) in [(ann, "bob"), (bob, "ann")] {
        let told = heard!(person, Event::CallRecorded(it) if it.call_id == call => it.clone());
        assert_eq!((told.status, told.user_id.as_str()), (status, other), "{}", person.name);
        assert_eq!(person.recorded(call).await.status, status, "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_a_completed_call_is_recorded_on_both_sides() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.talks_with(&mut bob).await;
    bob.engine.hangup(&call).await.unwrap();
    recorded(&mut ann, &mut bob, &call, RecordStatus::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d15_a_cancelled_call_is_recorded_on_both_sides() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    ann.engine.cancel(&call).await.unwrap();
    recorded(&mut ann, &mut bob, &call, RecordStatus::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_a_rejected_call_is_recorded_on_both_sides() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    bob.engine.reject(&call).await.unwrap();
    recorded(&mut ann, &mut bob, &call, RecordStatus::Rejected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_a_missed_call_is_recorded_on_both_sides() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    ann.engine.set_call_timeout(1_500).await.unwrap();
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    recorded(&mut ann, &mut bob, &call, RecordStatus::Missed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_call_to_somebody_busy_is_recorded_on_both_sides() {
    let (_town, [mut ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    bob.talks_with(&mut cat).await;
    let call = ann.calls("bob").await.call_id;
    recorded(&mut ann, &mut bob, &call, RecordStatus::Busy).await;
}

/// What Ann's picture takes, kbit/s, over some seconds.
async fn takes(ann: &mut Person, call: &str) -> f64 {
    let mut rates = Vec::new();
    while rates.len() < 20 {
        heard!(ann, Event::VoiceVolume(_) => ());
        rates.push(ann.engine.call_stats(call).await.unwrap().video_sent_kbps);
    }
    rates.iter().sum::<f64>() / rates.len() as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn d05_the_encoder_stays_between_the_bit_rates() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    let between =
        |min, max| SettingsPatch { min_bitrate: Some(min), max_bitrate: Some(max), ..SettingsPatch::default() };
    set(&ann, between(200, 300)).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_ann, "Ann").await;
    // Its first seconds are those of finding out what the line carries.
    takes(&mut ann, &call).await;
    let low = takes(&mut ann, &call).await;
    assert!((150.0..=330.0).contains(&low), "{low} kbit/s");
    set(&ann, between(600, 900)).await;
    let mut high = 0.0;
    for _ in 0..6 {
        high = takes(&mut ann, &call).await;
        assert!(high <= 990.0, "{high} kbit/s");
        if high > 1.5 * low {
            return;
        }
    }
    panic!("it stays at {high} kbit/s, after {low}");
}

/// Somebody who stands before the camera with rough skin, seen by themselves and by Bob at the level `patch` sets.
async fn skin(patch: impl Fn(u8) -> SettingsPatch, measure: impl Fn(&peal_engine::Frame) -> f64) -> [(f64, f64); 2] {
    let town = Town::new().await;
    let film = town.place().join("skin.y4m");
    // A tone of skin (BT.601), and grain on it.
    let grain = |x: u32, y: u32| if (x * 7 + y * 13) % 5 < 2 { 10 } else { 0 };
    write_film(&film, 320, 180, |x, y| [140 + grain(x, y), 110, 152]).unwrap();
    let size = SettingsPatch { video_width: Some(320), video_height: Some(180), ..SettingsPatch::default() };
    let mut ann = town.person_with("ann", sees_file(town.config(), &film)).await;
    let mut bob = town.person_with("bob", sees_pattern(town.config())).await;
    set(&ann, size).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    let mut own = ann.looks_at_own().await;
    let mut of_ann = bob.looks_at(&call, "ann").await;
    let mut seen = [(0.0, 0.0); 2];
    for (level, seen) in [0, 9].into_iter().zip(&mut seen) {
        set(&ann, patch(level)).await;
        let set_at = std::time::Instant::now();
        // What was on its way is past.
        let later = set_at + std::time::Duration::from_secs(2);
        let at_home = picture(&mut own, "Ann at home", |it| it.captured_at() > later).await;
        let there = picture(&mut of_ann, "Ann at Bob's", |it| it.captured_at() > later).await;
        *seen = (measure(&at_home), measure(&there));
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn d06_whitening_is_off_at_0_and_brightens_for_both_sides_at_9() {
    let patch = |level| SettingsPatch { whiteness_level: Some(level), ..SettingsPatch::default() };
    let [(home, there), (white_home, white_there)] = skin(patch, |it| mean(it, 0)).await;
    assert!((home - 144.0).abs() < 2.0, "as the camera saw it: {home}");
    assert!(white_home > home + 5.0 && white_there > there + 5.0, "{home} {white_home} {there} {white_there}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_smoothing_is_off_at_0_and_evens_skin_for_both_sides_at_9() {
    let patch = |level| SettingsPatch { beauty_level: Some(level), ..SettingsPatch::default() };
    let [(home, there), (smooth_home, smooth_there)] = skin(patch, roughness).await;
    assert!(home > 3.0, "as the camera saw it: {home}");
    assert!(smooth_home < home / 2.0 && smooth_there <= there, "{home} {smooth_home} {there} {smooth_there}");
}
