//! Kit B, `NERTCCallkit` (web).

use std::time::{Duration, Instant};

use peal_engine::api::{
    CallParams, CallState, CancelParams, EndReason, ErrorCode, Event, GroupParams, Media, MemberState,
    OpenCameraParams, PresenceView, RecordStatus, RejectParams,
};
use peal_tests::eyes::{moving, nothing};
use peal_tests::person::{Person, accept, code};

use crate::town::{Town, on_camera, people, three};

/// Ann's call rings at Bob's.
async fn ringing() -> (Town, Person, Person, String) {
    let (town, [ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.calls("bob").await.call_id;
    assert_eq!(bob.rings().await, call);
    (town, ann, bob, call)
}

/// Ann and Bob talk.
async fn talking() -> (Town, Person, Person, String) {
    let (town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    let call = ann.talks_with(&mut bob).await;
    (town, ann, bob, call)
}

#[tokio::test(flavor = "multi_thread")]
async fn b01_login_takes_account_and_token_and_nothing_works_before() {
    let town = Town::new().await;
    let phone = town.phone().await;
    assert_eq!(
        code(phone.call(CallParams { to: vec!["bob".into()], ..CallParams::default() }).await),
        ErrorCode::NotLoggedIn
    );
    let call = "00000000-0000-7000-8000-000000000000";
    assert_eq!(code(phone.accept(call).await), ErrorCode::NotLoggedIn);
    assert_eq!(code(phone.hangup(call).await), ErrorCode::NotLoggedIn);
    assert_eq!(code(phone.set_muted(true).await), ErrorCode::NotLoggedIn);
    phone.login(town.login("ann")).await.unwrap();
    let bob = town.person("bob").await;
    bob.sees_online("ann").await;
    bob.calls("ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b02_no_calls_after_logout() {
    let (_town, [ann, bob]) = people(["ann", "bob"]).await;
    ann.engine.logout().await.unwrap();
    assert_eq!(code(ann.try_call("bob").await), ErrorCode::NotLoggedIn);
    bob.sees("Ann gone", |view| {
        view.contacts.iter().any(|it| it.user_id == "ann" && it.presence == PresenceView::Offline)
    })
    .await;
    bob.calls("ann").await;
    // What is sent to her is answered by nobody; she sees nothing of it.
    assert!(ann.engine.snapshot().calls.is_empty());
    assert_eq!(bob.call().unwrap().state, CallState::Calling);
}

#[tokio::test(flavor = "multi_thread")]
async fn b03_the_ring_ends_after_the_set_time() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    assert_eq!(code(ann.engine.set_call_timeout(999).await), ErrorCode::BadRequest);
    assert_eq!(code(ann.engine.set_call_timeout(120_001).await), ErrorCode::BadRequest);
    ann.engine.set_call_timeout(2_000).await.unwrap();
    let begun = Instant::now();
    ann.calls("bob").await;
    bob.rings().await;
    assert_eq!(ann.ended().await, EndReason::NoResponse);
    let rang = begun.elapsed();
    assert!((Duration::from_millis(1_900)..Duration::from_secs(5)).contains(&rang), "{rang:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b04_an_audio_call_is_created_and_invites_in_one() {
    let (_town, [ann, mut bob]) = people(["ann", "bob"]).await;
    let session = ann.calls("bob").await;
    assert_eq!((session.media, session.inviter.as_str()), (Media::Audio, "ann"));
    assert_eq!(session.inviting_members, ["bob"]);
    let invitation = heard!(bob, Event::Invited(it) => it.clone());
    assert_eq!((invitation.call_id, invitation.media), (session.call_id, Media::Audio));
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_any_json_value_reaches_the_invitee() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    for value in [r#"{"a":[1,null,"é"],"b":{}}"#, "[]", "\"text\"", "17"] {
        let params = CallParams { to: vec!["bob".into()], message: Some(value.into()), ..CallParams::default() };
        let call = ann.engine.call(params).await.unwrap().call_id;
        let message = heard!(bob, Event::Invited(it) if it.call_id == call => it.message.clone());
        assert_eq!(message.as_deref(), Some(value));
        ann.engine.hangup(&call).await.unwrap();
        ann.ended().await;
        bob.ended().await;
    }
    let long = CallParams { to: vec!["bob".into()], message: Some("x".repeat(4_097)), ..CallParams::default() };
    assert_eq!(code(ann.engine.call(long).await), ErrorCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn b07_the_inviter_withdraws() {
    let (_town, mut ann, mut bob, call) = ringing().await;
    ann.engine.cancel(&call).await.unwrap();
    assert_eq!((ann.ended().await, bob.ended().await), (EndReason::Cancelled, EndReason::Cancelled));
    let status = (ann.recorded(&call).await.status, bob.recorded(&call).await.status);
    assert_eq!(status, (RecordStatus::Cancelled, RecordStatus::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn b08_a_call_can_be_withdrawn_without_a_record_message() {
    let town = Town::new().await;
    let mut ann = town.person("ann").await;
    let bob = town.person_with("bob", town.keeping("bob")).await;
    ann.sees_online("bob").await;
    bob.engine.stop().await;
    drop(bob);
    let mut calls = Vec::new();
    for record in [false, true] {
        ann.engine.set_call_timeout(1_000).await.unwrap();
        let call = ann.calls("bob").await.call_id;
        ann.engine.cancel(CancelParams { call_id: call.clone(), record }).await.unwrap();
        ann.ended().await;
        calls.push(call);
    }
    // Longer than the invites live at the broker: what Bob finds is what was sent about them.
    ann.engine.set_call_timeout(2_000).await.unwrap();
    let in_vain = ann.calls("bob").await.call_id;
    ann.ended().await;
    let bob = town.person_with("bob", town.keeping("bob")).await;
    // The later ones' records come after whatever the first one left.
    assert_eq!(bob.recorded(&calls[1]).await.status, RecordStatus::Cancelled);
    assert_eq!(bob.recorded(&in_vain).await.status, RecordStatus::Missed);
    assert!(!bob.engine.snapshot().history.iter().any(|it| it.call_id == calls[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn b09_one_leaves_alone_and_the_others_go_on() {
    let (_town, [mut ann, mut bob, mut cat], call) = three().await;
    cat.engine.leave(&call).await.unwrap();
    assert_eq!(cat.ended().await, EndReason::Hangup);
    for person in [&mut ann, &mut bob] {
        assert_eq!(heard!(person, Event::UserLeft { user_id, .. } => user_id.clone()), "cat");
        assert_eq!(person.call().unwrap().state, CallState::Connected);
    }
    ann.talks_to(&call, &["bob"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b10_the_inviter_ends_it_for_all() {
    let (_town, [mut ann, mut bob, mut cat], call) = three().await;
    ann.engine.hangup(&call).await.unwrap();
    for person in [&mut ann, &mut bob, &mut cat] {
        assert_eq!(person.ended().await, EndReason::Hangup, "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b11_the_invitee_accepts() {
    let (_town, mut ann, mut bob, call) = ringing().await;
    bob.engine.accept(&call).await.unwrap();
    assert_eq!((ann.connected().await, bob.connected().await), (call.clone(), call));
}

#[tokio::test(flavor = "multi_thread")]
async fn b12_the_invitee_rejects() {
    let (_town, mut ann, mut bob, call) = ringing().await;
    let words = Some("in five minutes".to_owned());
    bob.engine.reject(RejectParams { call_id: call, message: words.clone(), busy: false }).await.unwrap();
    assert_eq!(heard!(ann, Event::UserRejected { message, .. } => message.clone()), words);
    assert_eq!((ann.ended().await, bob.ended().await), (EndReason::Rejected, EndReason::Rejected));
}

#[tokio::test(flavor = "multi_thread")]
async fn b13_an_invitation_has_all_its_fields() {
    let (_town, [ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    let group = GroupParams {
        group_id: Some("family".into()),
        name: "Family".into(),
        members: vec!["bob".into(), "cat".into()],
    };
    ann.engine.set_group(group).await.unwrap();
    let params =
        CallParams { group_id: Some("family".into()), message: Some("{\"tea\":true}".into()), ..CallParams::default() };
    let call = ann.engine.call(params).await.unwrap().call_id;
    for person in [&mut bob, &mut cat] {
        let mut invitation = heard!(person, Event::Invited(it) => it.clone());
        invitation.user_ids.sort();
        assert_eq!((invitation.call_id.as_str(), invitation.inviter.as_str()), (call.as_str(), "ann"));
        assert_eq!(invitation.user_ids, ["bob", "cat"]);
        assert_eq!((invitation.is_from_group, invitation.group_id.as_deref()), (true, Some("family")));
        assert_eq!((invitation.message.as_deref(), invitation.media), (Some("{\"tea\":true}"), Media::Audio));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b14_who_is_busy_is_told_with_the_account() {
    let (_town, [mut ann, mut bob, mut cat]) = people(["ann", "bob", "cat"]).await;
    bob.talks_with(&mut cat).await;
    let call = ann.calls("bob").await.call_id;
    let who = heard!(ann, Event::UserBusy(it) => it.clone());
    assert_eq!((who.call_id, who.user_id.as_str()), (call, "bob"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b15_who_withdrew_is_told_with_the_caller() {
    let (_town, ann, mut bob, call) = ringing().await;
    ann.engine.cancel(&call).await.unwrap();
    let who = heard!(bob, Event::UserCancelled(it) => it.clone());
    assert_eq!((who.call_id, who.user_id.as_str()), (call, "ann"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b16_who_accepted_is_told_with_the_account() {
    let (_town, mut ann, bob, call) = ringing().await;
    accept(&bob, &call).await;
    let who = heard!(ann, Event::UserAccepted(it) => it.clone());
    assert_eq!((who.call_id, who.user_id.as_str()), (call, "bob"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b17_who_enters_is_told_on_both_sides() {
    let (_town, mut ann, mut bob, call) = ringing().await;
    accept(&bob, &call).await;
    assert_eq!(heard!(ann, Event::UserEntered(it) => it.user_id.clone()), "bob");
    assert_eq!(heard!(bob, Event::UserEntered(it) => it.user_id.clone()), "ann");
}

#[tokio::test(flavor = "multi_thread")]
async fn b18_who_rejected_is_told_with_the_account() {
    let (_town, mut ann, bob, call) = ringing().await;
    bob.engine.reject(&call).await.unwrap();
    let who = heard!(ann, Event::UserRejected { call_id, user_id, .. } => (call_id.clone(), user_id.clone()));
    assert_eq!(who, (call, "bob".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_who_leaves_is_told_with_the_account() {
    let (_town, mut ann, bob, call) = talking().await;
    bob.engine.leave(&call).await.unwrap();
    assert_eq!(heard!(ann, Event::UserLeft { user_id, .. } => user_id.clone()), "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn b20_who_drops_out_is_told() {
    let town = Town::new().await;
    let mut ann = town.person("ann").await;
    let mut bob = town.program("bob");
    ann.sees_online("bob").await;
    let call = ann.calls("bob").await.call_id;
    ann.connected().await;
    bob.kill().unwrap();
    assert_eq!(heard!(ann, Event::UserDisconnected(it) => it.user_id.clone()), "bob");
    ann.sees_call("that he is gone", &call, |call| {
        call.state == CallState::Reconnecting && call.members[0].state == MemberState::Disconnected
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b21_the_loss_of_my_own_media_is_told() {
    let town = Town::new().await;
    let mut ann = town.person("ann").await;
    let mut bob = town.program("bob");
    ann.sees_online("bob").await;
    let call = ann.calls("bob").await.call_id;
    ann.connected().await;
    bob.kill().unwrap();
    assert_eq!(heard!(ann, Event::MediaDisconnected { call_id } => call_id.clone()), call);
}

#[tokio::test(flavor = "multi_thread")]
async fn b22_a_remote_microphone_goes_on_and_off() {
    let (_town, mut ann, bob, _call) = talking().await;
    let mut seen = Vec::new();
    for muted in [true, false] {
        bob.engine.set_muted(muted).await.unwrap();
        seen.push(heard!(ann, Event::AudioAvailable { user_id, available, .. } if *available != muted =>
            (user_id.clone(), *available)));
    }
    assert_eq!(seen, [("bob".to_owned(), false), ("bob".to_owned(), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn b24_the_end_of_a_call_is_told_with_reason_and_length() {
    let (_town, mut ann, mut bob, call) = talking().await;
    ann.engine.hangup(&call).await.unwrap();
    for person in [&mut ann, &mut bob] {
        let (id, reason, length) = heard!(person, Event::CallEnded { call_id, reason, duration_ms } => (call_id.clone(), *reason, *duration_ms));
        assert_eq!((id, reason), (call.clone(), EndReason::Hangup));
        assert!((0.0..60_000.0).contains(&length), "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b25_a_ring_in_vain_is_told() {
    let (_town, [mut ann, mut bob]) = people(["ann", "bob"]).await;
    ann.engine.set_call_timeout(1_500).await.unwrap();
    let call = ann.calls("bob").await.call_id;
    let told = heard!(bob, Event::CallTimedOut(it) => it.clone());
    assert_eq!((told.call_id, told.user_id.as_str()), (call, "ann"));
    assert_eq!(heard!(ann, Event::UserNoResponse(it) => it.user_id.clone()), "bob");
}

/// Two devices of Bob's ring.
async fn two_devices() -> (Town, Person, Person, Person, String) {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    let mut desk = town.device("bob", "desk").await;
    let mut pocket = town.device("bob", "pocket").await;
    ann.sees_online("bob").await;
    let both = |view: &peal_engine::api::PhoneView| {
        view.contacts.iter().any(|it| {
            it.user_id == "bob" && it.devices.iter().filter(|it| it.presence == PresenceView::Online).count() == 2
        })
    };
    ann.sees("both devices", both).await;
    let call = ann.calls("bob").await.call_id;
    desk.rings().await;
    pocket.rings().await;
    (town, ann, desk, pocket, call)
}

#[tokio::test(flavor = "multi_thread")]
async fn b27_another_device_of_mine_answered() {
    let (_town, _ann, desk, mut pocket, call) = two_devices().await;
    accept(&desk, &call).await;
    let told = heard!(pocket, Event::AcceptedElsewhere { call_id, device, .. } => (call_id.clone(), device.clone()));
    assert_eq!(told, (call, "desk".to_owned()));
    assert_eq!(pocket.ended().await, EndReason::AnsweredElsewhere);
}

#[tokio::test(flavor = "multi_thread")]
async fn b28_another_device_of_mine_declined() {
    let (_town, _ann, mut desk, pocket, call) = two_devices().await;
    pocket.engine.reject(&call).await.unwrap();
    let told = heard!(desk, Event::RejectedElsewhere { call_id, device, .. } => (call_id.clone(), device.clone()));
    assert_eq!(told, (call, "pocket".to_owned()));
    assert_eq!(desk.ended().await, EndReason::RejectedElsewhere);
}

#[tokio::test(flavor = "multi_thread")]
async fn b30_who_mutes_and_unmutes_is_told() {
    let (_town, ann, mut bob, _call) = talking().await;
    for wanted in [true, false] {
        ann.engine.set_muted(wanted).await.unwrap();
        let told = heard!(bob, Event::AudioMuted { user_id, muted, .. } => (user_id.clone(), *muted));
        assert_eq!(told, ("ann".to_owned(), wanted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b31_the_record_of_a_call_is_told_on_both_sides() {
    let (_town, mut ann, mut bob, call) = talking().await;
    ann.engine.hangup(&call).await.unwrap();
    for (person, other) in [(&mut ann, "bob"), (&mut bob, "ann")] {
        let record = heard!(person, Event::CallRecorded(it) => it.clone());
        assert_eq!((record.call_id, record.user_id.as_str()), (call.clone(), other));
        assert_eq!(record.status, RecordStatus::Completed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b32_what_goes_wrong_inside_reaches_the_program() {
    let town = Town::new().await;
    let ann = town.person("ann").await;
    let (mut bob, sound) = town.program_with_sound("bob");
    ann.sees_online("bob").await;
    ann.calls("bob").await;
    bob.event("connected").unwrap();
    // The sound server dies in the middle of the call.
    drop(sound);
    let error = bob.event("error").unwrap().data().clone();
    assert!(["no_microphone", "no_speaker", "device_failed"].contains(&error["code"].as_str().unwrap()), "{error}");
    assert!(!error["message"].as_str().unwrap().is_empty() && !error["hint"].as_str().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_a_video_call_is_made_and_invites_in_one() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    let session = ann.calls_by_video("bob").await;
    assert_eq!(session.media, Media::Video);
    let media = heard!(bob, Event::Invited(it) if it.call_id == session.call_id => it.media);
    assert_eq!(media, Media::Video);
    accept(&bob, &session.call_id).await;
    ann.connected().await;
    bob.connected().await;
    moving(&mut ann.looks_at(&session.call_id, "bob").await, "Bob").await;
    moving(&mut bob.looks_at(&session.call_id, "ann").await, "Ann").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b23_the_other_side_hears_that_a_camera_goes_on_and_off() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    ann.begins_with_camera(false).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    ann.engine.open_camera(OpenCameraParams::default()).await.unwrap();
    let told = |on| {
        move |event: &Event| match event {
            Event::VideoAvailable { call_id, user_id, available } if *available == on => {
                Some((call_id.clone(), user_id.clone()))
            }
            _ => None,
        }
    };
    let from_ann = (call.clone(), "ann".to_owned());
    assert_eq!(bob.hears("Ann's camera on", told(true)).await, from_ann);
    let mut of_ann = bob.looks_at(&call, "ann").await;
    moving(&mut of_ann, "Ann").await;
    ann.engine.close_camera().await.unwrap();
    assert_eq!(bob.hears("Ann's camera off", told(false)).await, from_ann);
    nothing(&mut of_ann).await;
    ann.engine.open_camera(OpenCameraParams::default()).await.unwrap();
    assert_eq!(bob.hears("Ann's camera on again", told(true)).await, from_ann);
}

#[tokio::test(flavor = "multi_thread")]
async fn b26_voice_becomes_picture_and_back() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    let call = ann.talks_with(&mut bob).await;
    ann.engine.switch_media(&call, Media::Video).await.unwrap();
    let asked = heard!(bob, Event::MediaChangeRequested { user_id, media, .. } => (user_id.clone(), *media));
    assert_eq!(asked, ("ann".to_owned(), Media::Video));
    bob.engine.answer_switch(&call, true).await.unwrap();
    for person in [&mut ann, &mut bob] {
        assert_eq!(heard!(person, Event::MediaChanged { media, .. } => *media), Media::Video);
    }
    let mut of_bob = ann.looks_at(&call, "bob").await;
    moving(&mut of_bob, "Bob").await;
    moving(&mut bob.looks_at(&call, "ann").await, "Ann").await;
    bob.engine.switch_media(&call, Media::Audio).await.unwrap();
    for person in [&mut ann, &mut bob] {
        assert_eq!(heard!(person, Event::MediaChanged { media, .. } => *media), Media::Audio);
        person.sees("the camera closed", |view| view.video.source.is_none() && !view.video.on).await;
    }
    nothing(&mut of_bob).await;
    assert!(ann.sees_call("the voice", &call, |call| call.media == Media::Audio).await.reason.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn b29_a_muted_picture_names_its_user() {
    let (_town, [mut ann, mut bob]) = on_camera(["ann", "bob"]).await;
    ann.begins_with_camera(false).await;
    let call = ann.sees_and_talks_with(&mut bob).await;
    bob.sees_call("Ann muted", &call, |call| call.members[0].video_muted).await;
    ann.engine.open_camera(OpenCameraParams::default()).await.unwrap();
    assert_eq!(heard!(bob, Event::VideoMuted { user_id, muted: false, .. } => user_id.clone()), "ann");
    ann.engine.close_camera().await.unwrap();
    assert_eq!(heard!(bob, Event::VideoMuted { user_id, muted: true, .. } => user_id.clone()), "ann");
    bob.sees_call("it", &call, |call| call.members[0].video_muted).await;
    ann.engine.open_camera(OpenCameraParams::default()).await.unwrap();
    assert_eq!(heard!(bob, Event::VideoMuted { user_id, muted: false, .. } => user_id.clone()), "ann");
    assert!(!bob.sees_call("Ann", &call, |_| true).await.members[0].video_muted);
}
