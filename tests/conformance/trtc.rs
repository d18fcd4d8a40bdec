//! Kit E, `TRTCCalling` (web).

use std::time::{Duration, Instant};

use peal_engine::EngineConfig;
use peal_engine::api::{
    AcceptParams, CallParams, CallState, EndReason, ErrorCode, Event, GroupParams, InviteParams, LocalViewParams,
    LoginParams, Media, OpenCameraParams, RecordStatus, RejectParams, StartRemoteViewParams, StopRemoteViewParams,
};
use peal_tests::eyes::{moving, nothing, now, sees_file, write_film};
use peal_tests::person::{PATIENCE, Person, accept, code, hums, writes};

use crate::town::{Town, on_camera, people};

/// Ann's call rings at Bob's.
async fn ringing() -> (Town, Person, Person, String) {
    let (town, [ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    assert_eq!(bob.rings().await, call);
    (town, ann, bob, call)
}

#[tokio::test(flavor = "multi_thread")]
async fn e01_two_apps_on_one_broker_never_hear_each_other() {
    let town = Town::new().await;
    let other = |name: &str| EngineConfig { app_key: "intercom".into(), ..town.keeping(name) };
    let ann = town.person("ann").await;
    let cat = town.person("cat").await;
    let bob = town.person_with("bob", other("bob")).await;
    let dan = town.person_with("dan", other("dan")).await;
    ann.sees_online("cat").await;
    bob.sees_online("dan").await;
    dan.sees_online("bob").await;
    for (one, strangers) in [(&ann, ["bob", "dan"]), (&cat, ["bob", "dan"]), (&bob, ["ann", "cat"])] {
        let contacts = one.engine.snapshot().contacts.clone();
        assert!(!contacts.iter().any(|it| strangers.contains(&it.user_id.as_str())), "{}: {contacts:?}", one.name);
    }
    assert_eq!(code(ann.try_call("bob").await), ErrorCode::UnknownUser);
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_events_come_while_one_listens() {
    let (_town, [ann, mut bob]) = people(["ann", "bob"]).await;
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let subscription = bob.engine.on("invited", move |event| drop(sender.send(event.clone()))).unwrap();
    let call = ann.calls("bob").await.call_id;
    match heard.recv().await {
        Some(Event::Invited(invitation)) => assert_eq!(invitation.call_id, call),
        other => panic!("{other:?}"),
    }
    subscription.off();
    ann.engine.hangup(&call).await.unwrap();
    bob.ended().await;
    ann.calls("bob").await;
    bob.rings().await;
    assert_eq!(heard.recv().await, None, "the handler is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn e03_a_login_takes_a_user_id_of_the_allowed_characters_and_a_signature() {
    let town = Town::new().await;
    let phone = town.phone().await;
    for bad in ["a b", "a/b", "用户"] {
        let params = LoginParams { account: Some(bad.into()), ..town.login("ann") };
        assert_eq!(code(phone.login(params).await), ErrorCode::BadName, "{bad}");
    }
    assert_eq!(phone.login(town.login("front-gate")).await.unwrap().user_id, "front-gate");
    assert_eq!(code(phone.login(town.login("ann")).await), ErrorCode::AlreadyLoggedIn);
}

#[tokio::test(flavor = "multi_thread")]
async fn e04_a_logout_is_final_until_the_next_login() {
    let (town, [ann, bob]) = people(["ann", "bob"]).await;
    ann.engine.logout().await.unwrap();
    assert_eq!(ann.engine.current_user(), None);
    assert_eq!(code(ann.engine.logout().await), ErrorCode::NotLoggedIn);
    ann.engine.login(town.login("ann")).await.unwrap();
    bob.sees_online("ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e05_a_call_takes_user_type_and_timeout() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let params =
        CallParams { to: vec!["bob".into()], media: Media::Audio, timeout_ms: Some(1_500), ..CallParams::default() };
    let begun = Instant::now();
    ann.engine.call(params.clone()).await.unwrap();
    bob.rings().await;
    assert_eq!(ann.ended().await, EndReason::NoResponse);
    assert!((Duration::from_millis(1_400)..Duration::from_secs(5)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    let wrong = CallParams { timeout_ms: Some(0), ..params };
    assert_eq!(code(ann.engine.call(wrong).await), ErrorCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn e06_a_group_is_called_with_its_users_and_its_id() {
    let (_town, [ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let group =
        GroupParams { group_id: Some("team".into()), name: "Team".into(), members: vec!["bob".into(), "cat".into()] };
    ann.engine.set_group(group).await.unwrap();
    let params =
        CallParams { to: vec!["bob".into(), "cat".into()], group_id: Some("team".into()), ..CallParams::default() };
    let call = ann.engine.call(params).await.unwrap().call_id;
    for person in [&mut bob, &mut cat] {
        let group = heard!(person, Event::Invited(it) if it.call_id == call => it.group_id.clone());
        assert_eq!(group.as_deref(), Some("team"));
        accept(person, &call).await;
    }
    ann.talks_to(&call, &["bob", "cat"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e07_a_voice_call_is_taken_as_voice_and_a_video_call_as_either() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    let as_what = |call: &str, media| AcceptParams { media: Some(media), ..AcceptParams::from(call) };
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    assert_eq!(code(bob.engine.accept(as_what(&call, Media::Video)).await), ErrorCode::WrongState);
    bob.engine.accept(as_what(&call, Media::Audio)).await.unwrap();
    ann.connected().await;
    ann.engine.hangup(&call).await.unwrap();
    ann.ended().await;
    bob.ended().await;
    for media in [Media::Audio, Media::Video] {
        let call = ann.calls_by_video("bob").await.call_id;
        bob.rings().await;
        bob.engine.accept(as_what(&call, media)).await.unwrap();
        ann.connected().await;
        let shown = ann.sees_call("what it became", &call, |call| call.media == media).await;
        if media == Media::Video {
            moving(&mut ann.looks_at(&call, "bob").await, "Bob").await;
            moving(&mut bob.looks_at(&call, "ann").await, "Ann").await;
        } else {
            assert!(!shown.my_video && !shown.members[0].video);
            for person in [&ann, &bob] {
                person.sees("no camera", |view| view.video.source.is_none() && !view.video.on).await;
            }
        }
        ann.engine.hangup(&call).await.unwrap();
        ann.ended().await;
        bob.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e08_a_reject_is_a_decline_or_busy_as_told() {
    for (busy, reason) in [(false, EndReason::Rejected), (true, EndReason::Busy)] {
        let (_town, mut ann, bob, call) = ringing().await;
        bob.engine.reject(RejectParams { busy, ..RejectParams::from(&call) }).await.unwrap();
        if busy {
            assert_eq!(heard!(ann, Event::UserBusy(it) => it.user_id.clone()), "bob");
        } else {
            assert_eq!(heard!(ann, Event::UserRejected { user_id, .. } => user_id.clone()), "bob");
        }
        assert_eq!(ann.ended().await, reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e09_a_second_invite_while_one_is_open_is_answered_busy() {
    let (_town, [ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let open = ann.calls("bob").await.call_id;
    bob.rings().await;
    cat.calls("bob").await;
    assert_eq!(heard!(cat, Event::UserBusy(it) => it.user_id.clone()), "bob");
    assert_eq!(cat.ended().await, EndReason::Busy);
    assert_eq!(bob.sees_call("the first", &open, |_| true).await.state, CallState::Ringing);
}

#[tokio::test(flavor = "multi_thread")]
async fn e10_hangup_ends_a_call_or_cancels_it() {
    let (_town, mut ann, mut bob, call) = ringing().await;
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!((ann.ended().await, bob.ended().await), (EndReason::Cancelled, EndReason::Cancelled));
    let call = ann.talks_with(&mut bob).await;
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!((ann.ended().await, bob.ended().await), (EndReason::Hangup, EndReason::Hangup));
}

#[tokio::test(flavor = "multi_thread")]
async fn e11_a_remote_view_is_drawn_and_when_stopped_not_decoded() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    assert!(bob.engine.call_stats(&call).await.unwrap().frames_received < 1.0, "nobody looks yet");
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_ann, "Ann").await;
    assert!(bob.engine.call_stats(&call).await.unwrap().frames_received > 0.0);
    let stop = StopRemoteViewParams { call_id: call.clone(), user_id: "ann".into(), view: None };
    bob.engine.stop_remote_view(stop).await.unwrap();
    nothing(&mut of_ann).await;
    heard!(bob, Event::VoiceVolume(_) => ());
    let decoded = bob.engine.call_stats(&call).await.unwrap().frames_received;
    for _ in 0..5 {
        heard!(bob, Event::VoiceVolume(_) => ());
        assert!(bob.engine.call_stats(&call).await.unwrap().frames_received < decoded + 1.0);
    }
    assert!(now(&of_ann).is_none());
    let wrong = StartRemoteViewParams { call_id: call, user_id: "zoe".into(), ..StartRemoteViewParams::default() };
    assert_eq!(code(bob.engine.start_remote_view(wrong).await), ErrorCode::UnknownUser);
}

#[tokio::test(flavor = "multi_thread")]
async fn e12_the_local_view_starts_and_stops() {
    let (_town, [ann]) = on_camera(["ann"]).await;
    let mut own = ann.looks_at_own().await;
    moving(&mut own, "Ann herself").await;
    ann.engine.stop_local_view(LocalViewParams::default()).await.unwrap();
    assert!(now(&own).is_none());
    assert_eq!(ann.engine.snapshot().video.source, None);
}

/// Whether this program has that file open.
#[cfg(target_os = "linux")]
fn holds(file: &std::path::Path) -> bool {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.filter_map(|it| std::fs::read_link(it.ok()?.path()).ok()).any(|it| it == file)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn e13_the_device_is_really_opened_and_closed() {
    let town = Town::new().await;
    let film = town.place().join("camera.y4m");
    write_film(&film, 320, 180, |x, _| [x as u8, 128, 128]).unwrap();
    let film = film.canonicalize().unwrap();
    let mut ann = town.person_with("ann", sees_file(town.config(), &film)).await;
    let mut bob = town.person("bob").await;
    assert!(!holds(&film));
    for _ in 0..2 {
        ann.engine.open_camera(OpenCameraParams::default()).await.unwrap();
        assert!(holds(&film), "it is open when the command answers");
        ann.engine.close_camera().await.unwrap();
        assert!(!holds(&film), "it is closed when the command answers");
    }
    let call = ann.sees_and_talks_with(&mut bob).await;
    ann.sees("the camera open", |view| view.video.source.is_some()).await;
    assert!(holds(&film));
    ann.engine.hangup(&call).await.unwrap();
    ann.sees("the camera closed", |view| view.video.source.is_none()).await;
    ann.engine.close_camera().await.unwrap();
    assert!(!holds(&film));
}

#[tokio::test(flavor = "multi_thread")]
async fn e14_the_microphone_is_muted() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.talks_with(&mut bob).await;
    ann.engine.set_muted(true).await.unwrap();
    bob.sees_call("that Ann is muted", &call, |call| call.members[0].muted).await;
    assert!(ann.sees_call("my own", &call, |_| true).await.muted);
}

#[tokio::test(flavor = "multi_thread")]
async fn e15_the_inviter_hears_of_a_reject() {
    let (_town, mut ann, bob, call) = ringing().await;
    bob.engine.reject(&call).await.unwrap();
    assert_eq!(heard!(ann, Event::UserRejected { user_id, .. } => user_id.clone()), "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_the_inviter_hears_of_no_response() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    ann.engine.set_call_timeout(1_500).await.unwrap();
    ann.calls("bob").await;
    bob.rings().await;
    assert_eq!(heard!(ann, Event::UserNoResponse(it) => it.user_id.clone()), "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_the_inviter_hears_of_a_busy_line() {
    let (_town, [ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    ann.calls("bob").await;
    bob.rings().await;
    cat.calls("bob").await;
    assert_eq!(heard!(cat, Event::UserBusy(it) => it.user_id.clone()), "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn e18_the_invitee_is_invited() {
    let (_town, [ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    let invitation = heard!(bob, Event::Invited(it) => it.clone());
    assert_eq!((invitation.call_id, invitation.inviter.as_str()), (call, "ann"));
    assert!(!invitation.is_from_group);
}

#[tokio::test(flavor = "multi_thread")]
async fn e19_the_invitee_hears_that_the_call_was_cancelled() {
    let (_town, ann, mut bob, call) = ringing().await;
    ann.engine.cancel(&call).await.unwrap();
    assert_eq!(heard!(bob, Event::UserCancelled(it) => it.user_id.clone()), "ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn e20_the_invitee_hears_that_the_time_is_over() {
    let (_town, [ann, mut bob]) = people(["ann", "bob"]).await;
    ann.engine.set_call_timeout(1_500).await.unwrap();
    ann.calls("bob").await;
    assert_eq!(heard!(bob, Event::CallTimedOut(it) => it.user_id.clone()), "ann");
    assert_eq!(bob.ended().await, EndReason::NoResponse);
}

#[tokio::test(flavor = "multi_thread")]
async fn e21_users_enter_and_leave() {
    let (_town, mut ann, bob, call) = ringing().await;
    accept(&bob, &call).await;
    assert_eq!(heard!(ann, Event::UserEntered(it) => it.user_id.clone()), "bob");
    bob.engine.hangup(&call).await.unwrap();
    assert_eq!(heard!(ann, Event::UserLeft { user_id, .. } => user_id.clone()), "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn e22_the_end_of_the_call_is_told() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.talks_with(&mut bob).await;
    bob.engine.hangup(&call).await.unwrap();
    for person in [&mut ann, &mut bob] {
        assert_eq!(heard!(person, Event::CallEnded { call_id, .. } => call_id.clone()), call);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e23_an_account_that_wants_one_device_kicks_the_older_one_out() {
    let town = Town::new().await;
    let mut old = town.device("bob", "desk").await;
    let params = LoginParams { single_device: Some(true), ..town.login("bob") };
    let config = EngineConfig { device_id: Some("pocket".into()), ..town.config() };
    let new = Person::log_in(config, params).await.unwrap();
    heard!(old, Event::KickedOut => ());
    assert_eq!(code(old.try_call("ann").await), ErrorCode::NotLoggedIn);
    assert!(new.engine.current_user().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn e24_remote_and_local_levels_are_told_several_times_a_second() {
    let town = Town::new().await;
    let loud = |pitch: f32| EngineConfig { microphone: Some(hums(pitch)), ..town.config() };
    let mut ann = town.person_with("ann", loud(400.0)).await;
    let mut bob = town.person_with("bob", loud(700.0)).await;
    ann.talks_with(&mut bob).await;
    heard!(ann, Event::VoiceVolume(levels) if levels.len() == 2 && levels.iter().all(|it| it.dbfs > -45.0) => ());
    let begun = Instant::now();
    for _ in 0..6 {
        let users = heard!(ann, Event::VoiceVolume(levels) =>
            levels.iter().map(|it| it.user_id.clone()).collect::<Vec<_>>());
        assert_eq!(users, [String::new(), "bob".to_owned()], "my own first");
    }
    assert!(begun.elapsed() < Duration::from_secs(6), "six took {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn e25_whether_picture_and_sound_come_is_told() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    ann.begins_with_camera(false).await;
    let mut heard = bob.engine.events();
    let call = ann.sees_and_talks_with(&mut bob).await;
    // Her sound comes with herself, so before the call is said to be connected.
    let sound = async {
        loop {
            if let Event::AudioAvailable { user_id, available: true, .. } = heard.recv().await.unwrap() {
                return user_id;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, sound).await.unwrap(), "ann");
    ann.engine.open_camera(OpenCameraParams::default()).await.unwrap();
    assert_eq!(heard!(bob, Event::VideoAvailable { user_id, available: true, .. } => user_id.clone()), "ann");
    ann.engine.set_muted(true).await.unwrap();
    assert_eq!(heard!(bob, Event::AudioAvailable { call_id, available: false, .. } => call_id.clone()), call);
    ann.engine.close_camera().await.unwrap();
    assert_eq!(heard!(bob, Event::VideoAvailable { call_id, available: false, .. } => call_id.clone()), call);
}

#[tokio::test(flavor = "multi_thread")]
async fn e26_a_changed_list_of_invitees_is_told() {
    let (_town, [mut ann, mut bob, _cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.talks_with(&mut bob).await;
    let params = InviteParams { call_id: call.clone(), to: vec!["cat".into()], ..InviteParams::default() };
    bob.engine.invite(params).await.unwrap();
    let told = heard!(ann, Event::UsersInvited { from_user, invited_users, .. } =>
        (from_user.clone(), invited_users.clone()));
    assert_eq!(told, ("bob".to_owned(), vec!["cat".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn e27_errors_have_a_code_words_and_a_hint() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    let error = ann.try_call("nobody-here").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::UnknownUser);
    assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
    // And without a command: a speaker that can't be written to.
    let broken = town.place().join("no such directory").join("bob.wav");
    let mut bob = town.person_with("bob", EngineConfig { speaker: Some(writes(broken)), ..town.config() }).await;
    ann.sees_online("bob").await;
    ann.calls("bob").await;
    let error = heard!(bob, Event::Error(error) => error.clone());
    assert!(matches!(error.code, ErrorCode::NoSpeaker | ErrorCode::DeviceFailed), "{error:?}");
    assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e28_two_devices_of_one_user_ring_together() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    let mut desk = town.device("bob", "desk").await;
    let mut pocket = town.device("bob", "pocket").await;
    ann.sees("both", |view| view.contacts.iter().any(|it| it.user_id == "bob" && it.devices.len() == 2)).await;
    let call = ann.calls("bob").await.call_id;
    assert_eq!(desk.rings().await, call);
    assert_eq!(pocket.rings().await, call);
}

#[tokio::test(flavor = "multi_thread")]
async fn e29_a_call_missed_offline_is_in_the_history_at_the_next_login() {
    let town = Town::new().await;
    let mut ann = town.person("ann").await;
    let bob = town.person_with("bob", town.keeping("bob")).await;
    ann.sees_online("bob").await;
    bob.engine.stop().await;
    drop(bob);
    let params = CallParams {
        to: vec!["bob".into()],
        message: Some("\"call me\"".into()),
        timeout_ms: Some(1_500),
        ..CallParams::default()
    };
    let call = ann.engine.call(params).await.unwrap().call_id;
    ann.ended().await;
    let mut bob = town.person_with("bob", town.keeping("bob")).await;
    let told = heard!(bob, Event::CallRecorded(it) if it.call_id == call => it.clone());
    assert_eq!((told.status, told.user_id.as_str()), (RecordStatus::Missed, "ann"));
    assert_eq!(told.message.as_deref(), Some("\"call me\""));
    assert!(bob.engine.snapshot().missed_count >= 1);
}
