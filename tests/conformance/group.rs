//! Kit C, JMRTC: group audio.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use peal_engine::api::{
    CallState, ContactPatch, EndReason, ErrorCode, Event, Gender, InviteParams, Media, MemberState, PhoneView,
    ProfilePatch, RecordStatus, RejectParams,
};
use peal_engine::{Engine, EngineConfig, MicrophoneChoice};
use peal_tests::ears::{level_dbfs, read_wav, tone_dbfs};
use peal_tests::headless::Headless;
use peal_tests::person::{Person, accept, code, hums, writes};
use peal_tests::sound_server::SoundServer;
use serde_json::Value;

use crate::town::{Town, people, three};

#[tokio::test(flavor = "multi_thread")]
async fn c01_the_engine_is_warmed_up_or_says_why_not() {
    let town = Town::new().await;
    let config = EngineConfig { microphone: Some(hums(440.0)), ..town.config() };
    let phone = Engine::start(config).await.unwrap();
    phone.init_engine().await.unwrap();
    let loud = || phone.meters().voices.iter().any(|it| it.dbfs > -40.0);
    let heard = async {
        while !loud() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard).await.expect("the microphone is open");
    let nowhere = MicrophoneChoice::Device("no such microphone".into());
    let deaf = Engine::start(EngineConfig { microphone: Some(nowhere), ..town.config() }).await.unwrap();
    let error = deaf.init_engine().await.unwrap_err();
    assert!(matches!(error.code, ErrorCode::NoMicrophone | ErrorCode::DeviceFailed), "{error:?}");
    assert!(!error.hint.is_empty());
}

/// How many streams a phone has at the sound server.
fn streams(server: &SoundServer, kind: &str) -> usize {
    server.pactl(&["list", "short", kind]).unwrap().lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn c02_every_device_is_closed_when_the_engine_is_released() {
    let town = Town::new().await;
    let server = SoundServer::with_room(&["mic", "ear"]).unwrap();
    // The room's own.
    let own = (streams(&server, "source-outputs"), streams(&server, "sink-inputs"));
    let data = town.place().join("phone").display().to_string();
    let arguments = ["--data-dir", &data, "--microphone", "pulseaudio:mic_source", "--speaker", "pulseaudio:ear"];
    let mut phone = Headless::start_in("phone", arguments, &server.environment()).unwrap();
    phone.ask("init_engine", &Value::Null).unwrap();
    let open = (streams(&server, "source-outputs"), streams(&server, "sink-inputs"));
    assert_eq!(open, (own.0 + 1, own.1 + 1));
    phone.ask("release_engine", &Value::Null).unwrap();
    assert_eq!((streams(&server, "source-outputs"), streams(&server, "sink-inputs")), own);
}

#[tokio::test(flavor = "multi_thread")]
async fn c03_several_people_are_called_at_once() {
    let (_town, [ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let session = ann.calls_all(&["bob", "cat"]).await;
    let mut invited = session.inviting_members.clone();
    invited.sort();
    assert_eq!((invited, session.media), (vec!["bob".to_owned(), "cat".to_owned()], Media::Audio));
    assert_eq!(bob.rings().await, session.call_id);
    assert_eq!(cat.rings().await, session.call_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn c04_each_of_several_accepts() {
    let (_town, [ann, bob, cat], call) = three().await;
    for person in [&ann, &bob, &cat] {
        let view = person.sees_call("the call", &call, |call| call.state == CallState::Connected).await;
        assert_eq!(view.members.iter().filter(|it| it.state == MemberState::Joined).count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c05_one_of_several_hangs_up() {
    let (_town, [ann, mut bob, cat], call) = three().await;
    bob.engine.hangup(&call).await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Hangup);
    ann.talks_to(&call, &["cat"]).await;
    cat.talks_to(&call, &["ann"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_one_of_several_refuses() {
    let (_town, [mut ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    bob.rings().await;
    cat.rings().await;
    bob.engine.reject(&call).await.unwrap();
    assert_eq!(heard!(ann, Event::UserRejected { user_id, .. } => user_id.clone()), "bob");
    accept(&cat, &call).await;
    ann.talks_to(&call, &["cat"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_others_are_invited_into_the_running_call() {
    let (_town, [mut ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.talks_with(&mut bob).await;
    let params = InviteParams { call_id: call.clone(), to: vec!["cat".into()], ..InviteParams::default() };
    bob.engine.invite(params).await.unwrap();
    assert_eq!(cat.rings().await, call);
    accept(&cat, &call).await;
    for (person, others) in [(&ann, ["bob", "cat"]), (&bob, ["ann", "cat"]), (&cat, ["ann", "bob"])] {
        person.talks_to(&call, &others).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_whether_one_is_muted_can_be_asked() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    ann.talks_with(&mut bob).await;
    assert!(!ann.engine.is_muted());
    ann.engine.set_muted(true).await.unwrap();
    assert!(ann.engine.is_muted() && !bob.engine.is_muted());
}

/// Waits for reports of the levels in which somebody is this loud (or not).
async fn levels(person: &mut Person, user: &str, loud: bool, reports: usize) {
    for _ in 0..reports {
        heard!(person, Event::VoiceVolume(levels)
            if levels.iter().any(|it| it.user_id == user && (it.dbfs > -45.0) == loud) => ());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_silence_really_leaves_a_muted_microphone() {
    let town = Town::new().await;
    let file = town.place().join("bob.wav");
    let ann = EngineConfig { microphone: Some(hums(700.0)), ..town.config() };
    let mut ann = town.person_with("ann", ann).await;
    let mut bob = town.person_with("bob", EngineConfig { speaker: Some(writes(&file)), ..town.config() }).await;
    ann.talks_with(&mut bob).await;
    levels(&mut bob, "ann", true, 5).await;
    ann.engine.set_muted(true).await.unwrap();
    heard!(bob, Event::AudioMuted { muted: true, .. } => ());
    levels(&mut bob, "ann", false, 12).await;
    bob.engine.stop().await;
    let heard = read_wav(&file);
    let loudest = heard.chunks_exact(4_800).map(|piece| tone_dbfs(piece, 700.0)).fold(-100.0, f64::max);
    assert!(loudest > -35.0, "heard before: {loudest} dBFS");
    // The last 200 ms are the phone's own: the first notes of the tone that says that the call is over.
    let end = &heard[heard.len() - 57_600..heard.len() - 9_600];
    assert!(level_dbfs(end) < -70.0, "{} dBFS of a muted microphone", level_dbfs(end));
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_whether_the_speaker_is_on_can_be_asked() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    assert!(ann.engine.is_speaker_enabled());
    ann.engine.set_speaker_enabled(false).await.unwrap();
    assert!(!ann.engine.is_speaker_enabled());
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_nothing_is_played_by_a_speaker_that_is_off() {
    let town = Town::new().await;
    let file = town.place().join("bob.wav");
    let ann = EngineConfig { microphone: Some(hums(700.0)), ..town.config() };
    let mut ann = town.person_with("ann", ann).await;
    let mut bob = town.person_with("bob", EngineConfig { speaker: Some(writes(&file)), ..town.config() }).await;
    bob.engine.set_speaker_enabled(false).await.unwrap();
    ann.talks_with(&mut bob).await;
    levels(&mut bob, "ann", true, 8).await;
    let length = read_wav(&file).len();
    bob.engine.set_speaker_enabled(true).await.unwrap();
    levels(&mut bob, "ann", true, 12).await;
    bob.engine.stop().await;
    let heard = read_wav(&file);
    assert!(level_dbfs(&heard[..length]) < -80.0, "{} dBFS while off", level_dbfs(&heard[..length]));
    assert!(tone_dbfs(&heard[heard.len() - 48_000..], 700.0) > -35.0, "and it plays once it is on");
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_an_invite_that_has_gone_out_is_told_with_the_session() {
    let (_town, [mut ann, _bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    let session = heard!(ann, Event::Outgoing(it) => it.clone());
    assert_eq!((session.call_id, session.inviter.as_str()), (call, "ann"));
    assert_eq!(session.inviting_members, ["bob"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_an_invite_that_has_come_is_told_with_the_session() {
    let (_town, [ann, mut bob, _cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    let invitation = heard!(bob, Event::Invited(it) => it.clone());
    assert_eq!((invitation.call_id.as_str(), invitation.inviter.as_str()), (call.as_str(), "ann"));
    let view = bob.call().unwrap();
    let mut members: Vec<_> = view.members.iter().map(|it| it.user_id.as_str()).collect();
    members.sort_unstable();
    assert_eq!(members, ["ann", "cat"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_an_answered_call_is_connecting() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    accept(&bob, &call).await;
    for person in [&mut ann, &mut bob] {
        assert_eq!(heard!(person, Event::Connecting(it) => it.call_id.clone()), call);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c15_a_call_whose_media_flows_is_connected() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    accept(&bob, &call).await;
    for person in [&mut ann, &mut bob] {
        let session = heard!(person, Event::Connected(it) => it.clone());
        assert_eq!(session.call_id, call);
        assert!(session.start_time.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c16_each_member_that_joins_is_told() {
    let (_town, [mut ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    for callee in [&mut bob, &mut cat] {
        callee.rings().await;
        accept(callee, &call).await;
        let name = callee.name.clone();
        assert_eq!(heard!(ann, Event::UserEntered(it) => it.user_id.clone()), name);
    }
    assert_eq!(heard!(bob, Event::UserEntered(it) if it.user_id == "cat" => it.call_id.clone()), call);
}

#[tokio::test(flavor = "multi_thread")]
async fn c17_a_call_ends_with_each_of_the_five_reasons() {
    let town = Town::new().await;
    let mut ann = town.person("ann").await;
    let mut bob = town.person("bob").await;
    let mut cat = town.person("cat").await;
    for name in ["bob", "cat"] {
        ann.sees_online(name).await;
    }
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    bob.engine.reject(&call).await.unwrap();
    assert_eq!((ann.ended().await, bob.ended().await), (EndReason::Rejected, EndReason::Rejected));
    let call = ann.talks_with(&mut bob).await;
    bob.engine.hangup(&call).await.unwrap();
    assert_eq!((ann.ended().await, bob.ended().await), (EndReason::Hangup, EndReason::Hangup));
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    ann.engine.cancel(&call).await.unwrap();
    assert_eq!((ann.ended().await, bob.ended().await), (EndReason::Cancelled, EndReason::Cancelled));
    let busy = bob.talks_with(&mut cat).await;
    ann.calls("bob").await;
    assert_eq!(ann.ended().await, EndReason::Busy);
    bob.engine.hangup(&busy).await.unwrap();
    let mut gone = town.program("dan");
    ann.sees_online("dan").await;
    ann.calls("dan").await;
    ann.connected().await;
    gone.kill().unwrap();
    // Given up half a minute after the last sound.
    heard!(ann, Event::UserDisconnected(_) => ());
    let mut view = ann.engine.watch();
    let lost = view.wait_for(|view| view.calls.first().is_some_and(|call| call.reason.is_some()));
    let lost = tokio::time::timeout(Duration::from_secs(60), lost).await.expect("the call is given up").unwrap();
    assert_eq!(lost.calls[0].reason, Some(EndReason::IceLost));
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_members_leave_with_each_of_the_five_reasons() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    let mut bob = town.person("bob").await;
    let mut cat = town.person("cat").await;
    let mut dan = town.program("dan");
    for name in ["bob", "cat", "dan"] {
        ann.sees_online(name).await;
    }
    let left = async |person: &mut Person, name: &str| heard!(person, Event::UserLeft { user_id, reason, .. } if user_id == name => *reason);
    let call = ann.calls_all(&["bob", "dan"]).await.call_id;
    bob.rings().await;
    accept(&bob, &call).await;
    ann.talks_to(&call, &["bob", "dan"]).await;
    let invite = async |timeout_ms: Option<u32>| {
        let to = vec!["cat".to_owned()];
        ann.engine.invite(InviteParams { call_id: call.clone(), to, timeout_ms, message: None }).await.unwrap();
    };
    // Refuses.
    invite(None).await;
    cat.rings().await;
    cat.engine.reject(&call).await.unwrap();
    assert_eq!(left(&mut bob, "cat").await, EndReason::Rejected);
    // Is busy.
    invite(None).await;
    cat.rings().await;
    let busy = RejectParams { busy: true, ..RejectParams::from(&call) };
    cat.engine.reject(busy).await.unwrap();
    assert_eq!(left(&mut bob, "cat").await, EndReason::Busy);
    // Hangs up.
    invite(None).await;
    cat.rings().await;
    accept(&cat, &call).await;
    bob.talks_to(&call, &["cat"]).await;
    cat.engine.leave(&call).await.unwrap();
    assert_eq!(left(&mut bob, "cat").await, EndReason::Hangup);
    // Is lost: half a minute after the last sound.
    dan.kill().unwrap();
    heard!(bob, Event::UserDisconnected(it) if it.user_id == "dan" => ());
    let reason = |view: &PhoneView| {
        view.calls.iter().flat_map(|call| &call.members).find(|it| it.user_id == "dan").and_then(|it| it.reason)
    };
    let mut view = bob.engine.watch();
    let gone = tokio::time::timeout(Duration::from_secs(60), view.wait_for(|view| reason(view).is_some())).await;
    assert_eq!(reason(&gone.expect("Dan is given up").unwrap()), Some(EndReason::IceLost));
    // Is no longer wanted: whoever invited goes.
    invite(None).await;
    cat.rings().await;
    ann.engine.leave(&call).await.unwrap();
    assert_eq!(cat.ended().await, EndReason::Cancelled);
    assert_eq!(left(&mut bob, "ann").await, EndReason::Hangup);
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_who_invited_whom_is_told() {
    let (_town, [mut ann, mut bob, _cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.talks_with(&mut bob).await;
    let params = InviteParams { call_id: call.clone(), to: vec!["cat".into()], ..InviteParams::default() };
    ann.engine.invite(params).await.unwrap();
    let told = heard!(bob, Event::UsersInvited { call_id, from_user, invited_users } =>
        (call_id.clone(), from_user.clone(), invited_users.clone()));
    assert_eq!(told, (call, "ann".to_owned(), vec!["cat".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_an_error_in_a_call_reaches_the_program() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    let nowhere = MicrophoneChoice::Device("no such microphone".into());
    let bob = EngineConfig { microphone: Some(nowhere), ..town.config() };
    let mut bob = town.person_with("bob", bob).await;
    ann.sees_online("bob").await;
    let call = ann.calls("bob").await.call_id;
    bob.rings().await;
    // Told by the command, or by an event where the device fails later.
    let code = match bob.engine.accept(&call).await {
        Err(error) => error.code,
        Ok(()) => heard!(bob, Event::Error(error) => error.code),
    };
    assert!(matches!(code, ErrorCode::NoMicrophone | ErrorCode::DeviceFailed), "{code:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c21_a_listener_is_added_and_removed_for_each_event() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let counts: Vec<_> = peal_engine::api::Event::NAMES.iter().map(|_| Arc::new(AtomicUsize::new(0))).collect();
    let mut subscriptions = Vec::new();
    for (name, count) in Event::NAMES.iter().zip(&counts) {
        let count = Arc::clone(count);
        let subscription = bob.engine.on(name, move |event| {
            assert!(Event::NAMES.contains(&event.name()));
            count.fetch_add(1, Ordering::SeqCst);
        });
        subscriptions.push(subscription.unwrap());
    }
    let count = |name: &str| {
        let at = Event::NAMES.iter().position(|it| *it == name).unwrap();
        counts[at].load(Ordering::SeqCst)
    };
    let call = ann.talks_with(&mut bob).await;
    ann.engine.hangup(&call).await.unwrap();
    bob.recorded(&call).await;
    while ["invited", "connecting", "connected", "user_entered", "call_ended", "call_recorded"]
        .iter()
        .any(|name| count(name) == 0)
    {
        tokio::task::yield_now().await;
    }
    assert_eq!((count("invited"), count("connected"), count("call_ended")), (1, 1, 1));
    for subscription in subscriptions {
        subscription.off();
    }
    let before: Vec<_> = counts.iter().map(|it| it.load(Ordering::SeqCst)).collect();
    ann.calls("bob").await;
    bob.rings().await;
    let after: Vec<_> = counts.iter().map(|it| it.load(Ordering::SeqCst)).collect();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_a_session_says_who_invited_who_is_invited_who_joined_and_since_when() {
    let (_town, [mut ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    bob.rings().await;
    cat.rings().await;
    accept(&bob, &call).await;
    let session = heard!(ann, Event::Connected(it) => it.clone());
    assert_eq!(
        (session.call_id.as_str(), session.media, session.inviter.as_str()),
        (call.as_str(), Media::Audio, "ann")
    );
    assert_eq!(session.inviting_members, ["cat"]);
    let mut joined = session.joined_members.clone();
    joined.sort();
    assert_eq!(joined, ["ann", "bob"]);
    let since = session.start_time.unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as f64;
    assert!((now - since).abs() < 60_000.0, "{since}");
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_the_user_model_is_kept_shown_and_obeyed() {
    let (_town, [mut ann, bob]) = people(["ann", "bob"]).await;
    let profile = ProfilePatch {
        nickname: Some("Bobby".into()),
        gender: Some(Gender::Male),
        birthday: Some("1980-02-29".into()),
        region: Some("Kunming".into()),
        signature: Some("Back at five".into()),
        ..ProfilePatch::default()
    };
    bob.engine.set_profile(profile).await.unwrap();
    let view = ann
        .sees("Bob's profile", |view| view.contacts.iter().any(|it| it.nickname == "Bobby" && !it.signature.is_empty()))
        .await;
    let shown = view.contacts.iter().find(|it| it.user_id == "bob").unwrap();
    assert_eq!((shown.gender, shown.birthday.as_str()), (Gender::Male, "1980-02-29"));
    assert_eq!((shown.region.as_str(), shown.signature.as_str()), ("Kunming", "Back at five"));
    assert_eq!(shown.name, "Bobby");
    let note = ContactPatch {
        user_id: "bob".into(),
        note_name: Some("My brother".into()),
        note_text: Some("Never before nine".into()),
        is_friend: Some(true),
        is_favorite: Some(true),
        ..ContactPatch::default()
    };
    ann.engine.set_contact(note).await.unwrap();
    let view = ann.engine.snapshot();
    let shown = view.contacts.iter().find(|it| it.user_id == "bob").unwrap();
    assert_eq!((shown.name.as_str(), shown.note_text.as_str()), ("My brother", "Never before nine"));
    assert!(shown.is_friend && shown.is_favorite && !shown.is_in_black_list && !shown.is_no_disturb);
    // Not to be disturbed: missed in silence. Blocked: as if there were nobody.
    let quiet = ContactPatch { user_id: "ann".into(), is_no_disturb: Some(true), ..ContactPatch::default() };
    bob.engine.set_contact(quiet).await.unwrap();
    ann.engine.set_call_timeout(1_500).await.unwrap();
    let call = ann.calls("bob").await.call_id;
    assert_eq!(ann.ended().await, EndReason::NoResponse);
    assert_eq!(bob.recorded(&call).await.status, RecordStatus::Missed);
    let blocked = ContactPatch { user_id: "ann".into(), is_in_black_list: Some(true), ..ContactPatch::default() };
    bob.engine.set_contact(blocked).await.unwrap();
    let call = ann.calls("bob").await.call_id;
    assert_eq!(ann.ended().await, EndReason::Unreachable);
    assert!(!bob.engine.snapshot().history.iter().any(|it| it.call_id == call));
    assert_eq!(code(ann.try_call("nobody").await), ErrorCode::UnknownUser);
}
