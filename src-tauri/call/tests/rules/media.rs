//! Voice and picture: switching by consent, the camera, early media.

use peal_call::{CallId, CallState, EndReason, Input, Link, MediaKind, Notice, Policy, Refusal, Signal, Stream};

use crate::rig::{Town, accept, address, user};
use crate::{SECOND, STEP, conference, connected, pair, people, refusals};

fn media(town: &Town, name: &str, call: CallId) -> MediaKind {
    town.snapshot(name, call).unwrap().media
}

fn asks_for_video(town: &mut Town) -> CallId {
    let call = connected(town);
    town.wish("ann/desk", Input::SwitchMedia { call, media: MediaKind::Video });
    town.run(STEP);
    call
}

#[test]
fn a_picture_needs_the_others_consent() {
    let mut town = pair();
    let call = asks_for_video(&mut town);
    assert!(town.heard("bob/desk", &Notice::MediaChangeRequested(call, user("ann"), MediaKind::Video)));
    assert!(town.snapshot("ann/desk", call).unwrap().switch.unwrap().by_me);
    assert!(!town.snapshot("bob/desk", call).unwrap().switch.unwrap().by_me);
    assert_eq!(media(&town, "ann/desk", call), MediaKind::Audio);
    town.wish("bob/desk", Input::AnswerSwitch { call, accept: true });
    town.run(STEP);
    for name in ["ann/desk", "bob/desk"] {
        assert!(town.heard(name, &Notice::MediaChanged(call, MediaKind::Video)), "{name}");
        assert_eq!(media(&town, name, call), MediaKind::Video);
        assert_eq!(town.snapshot(name, call).unwrap().switch, None);
    }
}

#[test]
fn a_no_or_no_answer_leaves_it_voice() {
    for refuses in [true, false] {
        let mut town = pair();
        let call = asks_for_video(&mut town);
        if refuses {
            town.wish("bob/desk", Input::AnswerSwitch { call, accept: false });
            town.run(STEP);
        } else {
            town.run(SECOND * 31);
        }
        assert!(town.heard("ann/desk", &Notice::MediaChangeRefused(call, user("bob"))), "refuses: {refuses}");
        assert_eq!(media(&town, "ann/desk", call), MediaKind::Audio);
        assert_eq!(town.snapshot("bob/desk", call).unwrap().switch, None);
    }
}

#[test]
fn after_a_no_one_may_ask_again() {
    let mut town = pair();
    let call = asks_for_video(&mut town);
    town.wish("bob/desk", Input::AnswerSwitch { call, accept: false });
    town.run(STEP);
    town.wish("ann/desk", Input::SwitchMedia { call, media: MediaKind::Video });
    town.run(STEP);
    assert!(!town.snapshot("bob/desk", call).unwrap().switch.unwrap().by_me);
    // Who asks at the same time has counted otherwise, and still it is one picture.
    town.wish("bob/desk", Input::SwitchMedia { call, media: MediaKind::Video });
    town.run(STEP);
    assert_eq!(media(&town, "ann/desk", call), MediaKind::Video);
    assert_eq!(media(&town, "bob/desk", call), MediaKind::Video);
}

#[test]
fn a_question_and_its_answer_that_are_lost_are_said_again() {
    let mut town = pair();
    town.censor = Some(|_, _, signal| matches!(signal, Signal::MediaRequest { .. }));
    let call = asks_for_video(&mut town);
    town.censor = Some(|_, _, signal| matches!(signal, Signal::MediaReply { .. }));
    town.run(SECOND * 6);
    town.wish("bob/desk", Input::AnswerSwitch { call, accept: true });
    town.run(STEP);
    assert_eq!(media(&town, "ann/desk", call), MediaKind::Audio);
    town.censor = None;
    town.run(SECOND * 6);
    assert_eq!(media(&town, "ann/desk", call), MediaKind::Video);
}

#[test]
fn both_who_ask_at_once_agree() {
    let mut town = pair();
    let call = connected(&mut town);
    for name in ["ann/desk", "bob/desk"] {
        town.wish(name, Input::SwitchMedia { call, media: MediaKind::Video });
    }
    town.run(STEP);
    assert_eq!(media(&town, "ann/desk", call), MediaKind::Video);
    assert_eq!(media(&town, "bob/desk", call), MediaKind::Video);
    town.run(SECOND * 40);
    assert!(!town.heard("ann/desk", &Notice::MediaChangeRefused(call, user("bob"))));
}

#[test]
fn back_to_voice_nobody_is_asked() {
    let mut town = pair();
    let call = asks_for_video(&mut town);
    town.wish("bob/desk", Input::AnswerSwitch { call, accept: true });
    town.run(STEP);
    town.wish("bob/desk", Input::SwitchMedia { call, media: MediaKind::Audio });
    town.run(STEP);
    assert_eq!(media(&town, "ann/desk", call), MediaKind::Audio);
    assert!(town.heard("ann/desk", &Notice::MediaChanged(call, MediaKind::Audio)));
}

#[test]
fn in_a_group_one_decides_and_two_at_once_end_alike() {
    let mut town = people(&["ann", "bob", "cat"]);
    let call = conference(&mut town, "ann/desk", &["bob", "cat"]);
    town.wish("ann/desk", Input::SwitchMedia { call, media: MediaKind::Video });
    town.run(STEP);
    for name in ["ann/desk", "bob/desk", "cat/desk"] {
        assert_eq!(media(&town, name, call), MediaKind::Video, "{name}");
    }
    town.wish("bob/desk", Input::SwitchMedia { call, media: MediaKind::Audio });
    town.wish("cat/desk", Input::SwitchMedia { call, media: MediaKind::Audio });
    town.run(STEP);
    town.wish("cat/desk", Input::SwitchMedia { call, media: MediaKind::Video });
    town.run(STEP);
    let kinds: Vec<_> = ["ann/desk", "bob/desk", "cat/desk"].iter().map(|name| media(&town, name, call)).collect();
    assert_eq!(kinds, [MediaKind::Video; 3]);
}

/// Seed 6128114: it was agreed to as its time ran out, and the path was down.
#[test]
fn an_agreement_made_while_the_path_was_down_is_heard_when_it_is_back() {
    let mut town = pair();
    let call = asks_for_video(&mut town);
    town.run(SECOND * 27);
    town.break_media(call, "ann/desk", "bob/desk");
    town.censor = Some(|_, _, signal| matches!(signal, Signal::MediaReply { .. }));
    town.wish("bob/desk", Input::AnswerSwitch { call, accept: true });
    town.run(SECOND);
    town.censor = None;
    town.run(SECOND * 4);
    assert_eq!(town.state("ann/desk", call), Some(CallState::Connected));
    for name in ["ann/desk", "bob/desk"] {
        assert_eq!(media(&town, name, call), MediaKind::Video, "{name}");
    }
}

#[test]
fn a_decision_made_while_the_path_was_down_is_heard_when_it_is_back() {
    let mut town = people(&["ann", "bob"]);
    let call = asks_for_video(&mut town);
    town.wish("bob/desk", Input::AnswerSwitch { call, accept: true });
    town.run(STEP);
    town.censor = Some(|_, _, signal| matches!(signal, Signal::MediaRequest { .. }));
    town.wish("ann/desk", Input::SwitchMedia { call, media: MediaKind::Audio });
    town.censor = None;
    town.break_media(call, "ann/desk", "bob/desk");
    town.run(SECOND * 5);
    assert_eq!(media(&town, "bob/desk", call), MediaKind::Audio);
}

#[test]
fn a_video_call_may_be_taken_as_voice_but_not_the_other_way_round() {
    let mut town = pair();
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.media = MediaKind::Video;
    town.wish("ann/desk", Input::Call(dial));
    town.run(STEP);
    let as_voice = Input::Accept { call, media: Some(MediaKind::Audio), meanwhile: peal_call::Meanwhile::Hold };
    town.wish("bob/desk", as_voice);
    town.run(STEP);
    assert_eq!(media(&town, "ann/desk", call), MediaKind::Audio);

    let mut town = pair();
    let call = town.call("ann/desk", "bob");
    town.run(STEP);
    let as_video = Input::Accept { call, media: Some(MediaKind::Video), meanwhile: peal_call::Meanwhile::Hold };
    town.wish("bob/desk", as_video);
    assert_eq!(refusals(&town, "bob/desk"), [Refusal::WrongState]);
    assert!(town.rings("bob/desk"));
}

#[test]
fn the_camera_of_the_other_side_is_known() {
    let mut town = pair();
    let call = asks_for_video(&mut town);
    town.wish("bob/desk", Input::AnswerSwitch { call, accept: true });
    town.run(STEP);
    town.wish("ann/desk", Input::SetVideo { on: true });
    town.run(STEP);
    assert!(town.heard("bob/desk", &Notice::VideoMuted(call, user("ann"), false)));
    assert!(town.snapshot("bob/desk", call).unwrap().members[0].video);
    town.wish("ann/desk", Input::SetVideo { on: false });
    town.run(STEP);
    assert!(town.heard("bob/desk", &Notice::VideoMuted(call, user("ann"), true)));
}

/// A doorbell at the gate calls Bob, whose devices let it be heard before the answer.
fn doorbell(devices: &[&str]) -> (Town, CallId) {
    let mut names = vec!["gate/bell"];
    names.extend(devices);
    let mut town = Town::new(&names, 1);
    for name in devices {
        let previewable = [user("gate")].into();
        town.wish(name, Input::PolicyChanged(Policy { previewable, ..Policy::default() }));
    }
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.early_media = true;
    dial.message = Some("\"ding\"".to_owned());
    town.wish("gate/bell", Input::Call(dial));
    town.run(STEP);
    (town, call)
}

#[test]
fn a_doorbell_is_heard_on_every_device_before_anyone_answers() {
    let (town, call) = doorbell(&["bob/desk", "bob/lap"]);
    for name in ["bob/desk", "bob/lap"] {
        assert!(town.heard(name, &Notice::StreamAdded(call, user("gate"))), "{name}");
        let shown = town.snapshot(name, call).unwrap();
        assert!(shown.preview && shown.state == CallState::Ringing);
    }
    assert_eq!(town.state("gate/bell", call), Some(CallState::Ringing));
    assert_eq!(town.device("gate/bell").open.len(), 2);
}

#[test]
fn the_answers_call_uses_the_previews_path_and_the_others_close() {
    let (mut town, call) = doorbell(&["bob/desk", "bob/lap"]);
    town.wish("bob/lap", accept(call));
    town.run(STEP / 40);
    assert_eq!(town.state("bob/lap", call), Some(CallState::Connected), "connected at once");
    assert_eq!(town.state("gate/bell", call), Some(CallState::Connected));
    assert!(!town.snapshot("bob/lap", call).unwrap().preview);
    assert_eq!(town.device("gate/bell").open.len(), 1);
    assert!(town.device("bob/desk").open.is_empty());
    let answers =
        town.sent.iter().filter(|(.., signal)| matches!(signal, Signal::Accept { offer: Some(_), .. })).count();
    assert_eq!(answers, 0);
}

#[test]
fn a_preview_that_nobody_answers_is_closed_on_both_sides() {
    let (mut town, call) = doorbell(&["bob/desk"]);
    town.run(SECOND * 31);
    assert_eq!(town.device("gate/bell").records[0].reason, EndReason::NoResponse);
    assert!(town.device("gate/bell").open.is_empty() && town.device("bob/desk").open.is_empty());
    assert!(town.snapshot("bob/desk", call).is_none_or(|shown| shown.is_over()));
}

#[test]
fn nobody_but_a_known_device_is_heard_before_the_answer() {
    let mut town = pair();
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.early_media = true;
    town.wish("ann/desk", Input::Call(dial));
    town.run(STEP);
    let told = town.sent.iter().filter(|(from, ..)| *from == address("bob/desk")).count();
    assert_eq!(told, 1, "that it rings, and no more");
}

#[test]
fn an_accept_whose_preview_was_lost_connects_all_the_same() {
    let (mut town, call) = doorbell(&["bob/desk"]);
    // The preview's answer is gone with the bell's memory of it: it never came.
    town.wish("gate/bell", Input::MediaFailed { link: Link { call, peer: address("bob/desk") } });
    town.wish("bob/desk", Input::MediaFailed { link: Link { call, peer: address("gate/bell") } });
    town.run(SECOND * 3);
    town.wish("bob/desk", accept(call));
    town.run(SECOND * 25);
    assert_eq!(town.state("bob/desk", call), Some(CallState::Connected));
    assert_eq!(town.state("gate/bell", call), Some(CallState::Connected));
}

#[test]
fn the_answer_may_come_before_the_preview_does() {
    let mut town = Town::new(&["gate/bell", "bob/desk"], 1);
    let previewable = [user("gate")].into();
    town.wish("bob/desk", Input::PolicyChanged(Policy { previewable, ..Policy::default() }));
    town.censor = Some(|_, _, signal| matches!(signal, Signal::Preview { .. }));
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.early_media = true;
    town.wish("gate/bell", Input::Call(dial));
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(STEP);
    assert_eq!(town.state("gate/bell", call), Some(CallState::Connected));
}

/// The gate, whose pictures Bob takes before the answer, rings at his with its camera on.
fn rings_with_camera(town: &mut Town) -> CallId {
    let previewable = [user("gate")].into();
    town.wish("bob/desk", Input::PolicyChanged(Policy { previewable, ..Policy::default() }));
    town.wish("gate/bell", Input::SetVideo { on: true });
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    (dial.early_media, dial.media) = (true, MediaKind::Video);
    town.wish("gate/bell", Input::Call(dial));
    call
}

#[test]
fn a_doorbells_camera_is_known_before_the_answer_and_as_it_changes() {
    let mut town = Town::new(&["gate/bell", "bob/desk"], 1);
    let call = rings_with_camera(&mut town);
    town.run(STEP);
    assert_eq!(town.state("bob/desk", call), Some(CallState::Ringing));
    assert!(town.heard("bob/desk", &Notice::VideoMuted(call, user("gate"), false)));
    assert!(town.snapshot("bob/desk", call).unwrap().members[0].video);
    town.wish("gate/bell", Input::SetVideo { on: false });
    town.run(STEP);
    assert!(!town.snapshot("bob/desk", call).unwrap().members[0].video);
    town.wish("gate/bell", Input::SetVideo { on: true });
    town.run(STEP);
    town.wish("bob/desk", accept(call));
    town.run(STEP);
    assert!(town.snapshot("bob/desk", call).unwrap().members[0].video, "as before the answer");
}

#[test]
fn a_doorbells_camera_is_known_also_if_its_end_of_the_path_is_up_first() {
    let mut town = Town::new(&["gate/bell", "bob/desk"], 1);
    town.offerer_lags = SECOND;
    let call = rings_with_camera(&mut town);
    town.run(SECOND * 2);
    assert!(town.heard("bob/desk", &Notice::StreamAdded(call, user("gate"))));
    assert!(town.snapshot("bob/desk", call).unwrap().members[0].video);
}

#[test]
fn nobody_without_a_preview_says_anything_of_a_camera_while_it_rings() {
    let mut town = pair();
    town.wish("ann/desk", Input::SetVideo { on: true });
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    (dial.early_media, dial.media) = (true, MediaKind::Video);
    town.wish("ann/desk", Input::Call(dial));
    town.run(STEP);
    assert!(town.rings("bob/desk"));
    assert!(!town.snapshot("bob/desk", call).unwrap().members[0].video);
    let told = town.sent.iter().filter(|(.., signal)| matches!(signal, Signal::MediaState { .. })).count();
    assert_eq!(told, 0);
}

#[test]
fn a_camera_shows_in_video_calls_alone() {
    let mut town = pair();
    let call = connected(&mut town);
    town.wish("ann/desk", Input::SetVideo { on: true });
    town.run(STEP);
    assert!(!town.snapshot("bob/desk", call).unwrap().members[0].video, "a voice call");
    assert!(!town.heard("bob/desk", &Notice::VideoMuted(call, user("ann"), false)));
    town.wish("bob/desk", Input::SwitchMedia { call, media: MediaKind::Video });
    town.run(STEP);
    town.wish("ann/desk", Input::AnswerSwitch { call, accept: true });
    town.run(STEP);
    assert!(town.snapshot("bob/desk", call).unwrap().members[0].video);
    assert!(!town.snapshot("ann/desk", call).unwrap().members[0].video, "Bob's is off");
    town.wish("ann/desk", Input::SwitchMedia { call, media: MediaKind::Audio });
    town.run(STEP);
    assert!(town.heard("bob/desk", &Notice::VideoMuted(call, user("ann"), true)));
    assert!(!town.snapshot("bob/desk", call).unwrap().members[0].video);
}

#[test]
fn a_video_call_taken_as_voice_shows_no_camera() {
    let mut town = pair();
    town.wish("ann/desk", Input::SetVideo { on: true });
    let call = town.fresh_id();
    let mut dial = town.dial(call, &["bob"]);
    dial.media = MediaKind::Video;
    town.wish("ann/desk", Input::Call(dial));
    town.run(STEP);
    town.wish("bob/desk", Input::Accept { call, media: Some(MediaKind::Audio), meanwhile: peal_call::Meanwhile::Hold });
    town.run(STEP);
    assert_eq!(town.state("bob/desk", call), Some(CallState::Connected));
    assert!(!town.snapshot("bob/desk", call).unwrap().members[0].video);
    assert!(!town.heard("bob/desk", &Notice::VideoMuted(call, user("ann"), false)));
}

fn stream(name: &str) -> Stream {
    Stream { url: format!("https://media.example/{name}/whep"), token: None }
}

#[test]
fn where_a_stream_can_be_played_is_told_as_it_changes_and_is_gone_with_the_call() {
    let mut town = pair();
    let call = connected(&mut town);
    let shown = |town: &Town| town.snapshot("bob/desk", call).unwrap().members[0].stream.clone();
    for name in ["first", "second"] {
        town.wish("ann/desk", Input::SetStream { stream: Some(stream(name)) });
        town.run(STEP);
        assert!(town.heard("bob/desk", &Notice::StreamPublished(call, user("ann"), stream(name))), "{name}");
        assert_eq!(shown(&town), Some(stream(name)));
    }
    town.wish("ann/desk", Input::SetMuted { muted: true });
    town.run(STEP);
    assert_eq!(shown(&town), Some(stream("second")), "what else changes leaves it");
    town.wish("ann/desk", Input::SetStream { stream: None });
    town.run(STEP);
    assert!(town.heard("bob/desk", &Notice::StreamRemoved(call, user("ann"))));
    assert_eq!(shown(&town), None);
    town.wish("ann/desk", Input::SetStream { stream: Some(stream("third")) });
    town.run(STEP);
    town.wish("ann/desk", Input::Hangup { call });
    town.run(STEP);
    let call = connected(&mut town);
    assert_eq!(town.snapshot("bob/desk", call).unwrap().members[0].stream, None, "the next call begins without");
}

#[test]
fn a_stream_that_was_published_before_the_call_is_told_in_it() {
    let mut town = pair();
    town.wish("ann/desk", Input::SetStream { stream: Some(stream("early")) });
    let call = connected(&mut town);
    town.run(STEP);
    assert!(town.heard("bob/desk", &Notice::StreamPublished(call, user("ann"), stream("early"))));
}
