//! Calls of several people, over a real broker with real peer connections: everyone hears everyone.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::path::Path;

use peal_engine::EngineConfig;
use peal_engine::api::{CallState, EndReason, ErrorCode, Event, InviteParams, MemberState, RecordStatus};
use peal_tests::ears::{longest_gap_ms, read_wav, sharpest_edge, tone_dbfs};
use peal_tests::person::{Person, accept, code, free_address, hums, quiet, writes};

/// Everything below is not heard; a hum arrives at -20 dBFS.
const FLOOR: f64 = -35.0;
/// How often somebody comes and goes.
const ROUNDS: usize = 3;
/// How often the whole is tried.
const ATTEMPTS: usize = 3;

async fn three(broker: SocketAddr) -> (Person, Person, Person) {
    let ann = Person::new("ann", quiet(broker)).await;
    let bob = Person::new("bob", quiet(broker)).await;
    let cat = Person::new("cat", quiet(broker)).await;
    for person in [&ann, &bob] {
        person.sees_online("cat").await;
    }
    ann.sees_online("bob").await;
    (ann, bob, cat)
}

/// One who hums, and whose speaker is written down.
async fn humming(name: &str, hertz: f32, broker: SocketAddr, place: &Path) -> Person {
    let file = place.join(format!("{name}.wav"));
    Person::new(name, EngineConfig { microphone: Some(hums(hertz)), speaker: Some(writes(file)), ..quiet(broker) })
        .await
}

/// Waits for `count` reports of the levels in which all of these are heard.
async fn hears_all(person: &mut Person, others: &[&str], count: usize) {
    for _ in 0..count {
        person
            .hears(&format!("{others:?}"), |event| match event {
                Event::VoiceVolume(levels) => others
                    .iter()
                    .all(|user| levels.iter().any(|it| it.user_id == *user && it.dbfs > -35.0))
                    .then_some(()),
                _ => None,
            })
            .await;
    }
}

/// Where in a recording this pitch is heard: from and until, in samples. What is shorter than 300 ms is no pause.
fn heard(samples: &[i16], hertz: f64) -> Vec<(usize, usize)> {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for (n, piece) in samples.chunks_exact(480).enumerate() {
        let (from, until) = (n * 480, (n + 1) * 480);
        if tone_dbfs(piece, hertz) > FLOOR {
            match parts.last_mut() {
                Some((_, end)) if from - *end < 14_400 => *end = until,
                _ => parts.push((from, until)),
            }
        }
    }
    parts
}

/// What 400 ms on either side of a moment sound like: the longest gap in the pitch that goes on, ms, and the sharpest
/// edge.
fn around(samples: &[i16], moment: usize, stays: f64) -> (usize, f64) {
    let piece = &samples[moment.saturating_sub(19_200)..(moment + 19_200).min(samples.len())];
    (longest_gap_ms(piece, stays, FLOOR), sharpest_edge(piece))
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_hear_each_other_and_one_comes_and_goes_without_a_gap_or_a_click() {
    let mut failures = Vec::new();
    for _ in 0..ATTEMPTS {
        let place = tempfile::tempdir().unwrap();
        comes_and_goes(place.path()).await;
        match is_clean(place.path()) {
            Ok(()) => return,
            Err(failure) => failures.push(failure),
        }
    }
    panic!("{failures:#?}");
}

/// Ann and Bob talk, and Cat comes and goes; each one's speaker is written down.
async fn comes_and_goes(place: &Path) {
    let broker = free_address();
    // Far from what the phone itself sounds like.
    let mut ann = humming("ann", 1_000.0, broker, place).await;
    let mut bob = humming("bob", 2_100.0, broker, place).await;
    let mut cat = humming("cat", 3_000.0, broker, place).await;
    ann.sees_online("bob").await;
    ann.sees_online("cat").await;
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    for callee in [&mut bob, &mut cat] {
        let invitation = callee
            .hears("an invitation", |event| match event {
                Event::Invited(invitation) => Some(invitation.clone()),
                _ => None,
            })
            .await;
        assert_eq!((invitation.call_id.as_str(), invitation.inviter.as_str()), (call.as_str(), "ann"));
        assert!(invitation.is_from_group);
        let mut invited = invitation.user_ids.clone();
        invited.sort();
        assert_eq!(invited, ["bob", "cat"]);
        accept(callee, &call).await;
    }
    for round in 0..ROUNDS {
        ann.talks_to(&call, &["bob", "cat"]).await;
        bob.talks_to(&call, &["ann", "cat"]).await;
        cat.talks_to(&call, &["ann", "bob"]).await;
        hears_all(&mut cat, &["ann", "bob"], 4).await;
        hears_all(&mut ann, &["bob", "cat"], 4).await;
        hears_all(&mut bob, &["ann", "cat"], 4).await;
        cat.engine.leave(&call).await.unwrap();
        assert_eq!(cat.ended().await, EndReason::Hangup);
        for other in [&mut ann, &mut bob] {
            let (who, reason) = other
                .hears("that Cat left", |event| match event {
                    Event::UserLeft { user_id, reason, .. } => Some((user_id.clone(), *reason)),
                    _ => None,
                })
                .await;
            assert_eq!((who.as_str(), reason), ("cat", EndReason::Hangup));
        }
        hears_all(&mut bob, &["ann"], 6).await;
        assert_eq!(ann.call().unwrap().state, CallState::Connected);
        if round + 1 < ROUNDS {
            let params = InviteParams { call_id: call.clone(), to: vec!["cat".into()], ..InviteParams::default() };
            ann.engine.invite(params).await.unwrap();
            assert_eq!(cat.rings().await, call);
            accept(&cat, &call).await;
        }
    }
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Hangup);
    for person in [&ann, &bob, &cat] {
        assert_eq!(person.recorded(&call).await.status, RecordStatus::Completed, "{}", person.name);
        person.engine.stop().await;
    }
}

/// Whether that sounded as it should. A machine that is busy with something else makes gaps of its own, now and then:
/// one clean time of each counts, and what Peal does wrong it does each time.
fn is_clean(place: &Path) -> Result<(), String> {
    let ensure = |right: bool, words: String| if right { Ok(()) } else { Err(words) };
    for (name, own, stays) in [("ann", 1_000.0, 2_100.0), ("bob", 2_100.0, 1_000.0)] {
        let recording = read_wav(&place.join(format!("{name}.wav")));
        let echo = tone_dbfs(&recording, own);
        ensure(echo < -60.0, format!("{name} hears itself at {echo} dBFS"))?;
        let visits = heard(&recording, 3_000.0);
        ensure(visits.len() == ROUNDS, format!("{name} hears Cat's visits as {visits:?}"))?;
        let comes: Vec<_> = visits[1..].iter().map(|(from, _)| around(&recording, *from, stays)).collect();
        let goes: Vec<_> = visits.iter().map(|(_, until)| around(&recording, *until, stays)).collect();
        for (what, times) in [("comes", comes), ("goes", goes)] {
            let gap = times.iter().map(|(gap, _)| *gap).min().unwrap_or(usize::MAX);
            let edge = times.iter().map(|(_, edge)| *edge).fold(f64::MAX, f64::min);
            ensure(gap <= 20, format!("{name}: a gap of {gap} ms when Cat {what}: {times:?}"))?;
            ensure(edge < 0.02, format!("{name}: an edge of {edge} when Cat {what}: {times:?}"))?;
        }
    }
    // Cat's speaker is closed in between, and its recording begins anew.
    let recording = read_wav(&place.join("cat.wav"));
    for pitch in [1_000.0, 2_100.0] {
        let stays = heard(&recording, pitch);
        ensure(stays.len() == 1, format!("Cat hears {pitch} Hz in {stays:?} of the last visit"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_invites_more_people_and_the_host_ends_it_for_all() {
    let (mut ann, mut bob, mut cat) = three(free_address()).await;
    let call = ann.talks_with(&mut bob).await;
    let params = InviteParams { call_id: call.clone(), to: vec!["cat".into()], ..InviteParams::default() };
    bob.engine.invite(params).await.unwrap();
    let (by, who) = ann
        .hears("that Bob invited Cat", |event| match event {
            Event::UsersInvited { from_user, invited_users, .. } => Some((from_user.clone(), invited_users.clone())),
            _ => None,
        })
        .await;
    assert_eq!((by.as_str(), who), ("bob", vec!["cat".to_owned()]));
    let invitation = cat
        .hears("an invitation", |event| match event {
            Event::Invited(invitation) => Some(invitation.clone()),
            _ => None,
        })
        .await;
    assert_eq!(invitation.inviter, "bob");
    let view = cat.call().unwrap();
    assert_eq!((view.host.as_str(), view.inviter.as_deref()), ("ann", Some("bob")));
    accept(&cat, &call).await;
    ann.talks_to(&call, &["bob", "cat"]).await;
    bob.talks_to(&call, &["ann", "cat"]).await;
    cat.talks_to(&call, &["ann", "bob"]).await;
    let view = ann.call().unwrap();
    let third = view.members.iter().find(|it| it.user_id == "cat").unwrap();
    assert_eq!(third.invited_by.as_deref(), Some("bob"));
    ann.engine.hangup(&call).await.unwrap();
    for person in [&mut ann, &mut bob, &mut cat] {
        assert_eq!(person.ended().await, EndReason::Hangup, "{}", person.name);
        assert_eq!(person.recorded(&call).await.status, RecordStatus::Completed, "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_declines_a_group_call_is_told_and_the_others_talk() {
    let (mut ann, mut bob, mut cat) = three(free_address()).await;
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    bob.rings().await;
    cat.rings().await;
    cat.engine.reject(&call).await.unwrap();
    ann.hears("that Cat declined", |event| {
        matches!(event, Event::UserRejected { user_id, .. } if user_id == "cat").then_some(())
    })
    .await;
    let reason = ann
        .hears("that Cat is out", |event| match event {
            Event::UserLeft { user_id, reason, .. } if user_id == "cat" => Some(*reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, EndReason::Rejected);
    accept(&bob, &call).await;
    ann.talks_to(&call, &["bob"]).await;
    let view = bob
        .sees_call("that Cat is out", &call, |call| {
            call.members.iter().any(|it| it.user_id == "cat" && it.state == MemberState::Left)
        })
        .await;
    let out = view.members.iter().find(|it| it.user_id == "cat").unwrap();
    assert_eq!(out.reason, Some(EndReason::Rejected));
    bob.engine.leave(&call).await.unwrap();
    assert_eq!(ann.ended().await, EndReason::Hangup);
    let record = ann.recorded(&call).await;
    let status = |user: &str| record.members.iter().find(|it| it.user_id == user).map(|it| it.status);
    assert_eq!((status("bob"), status("cat")), (Some(RecordStatus::Completed), Some(RecordStatus::Rejected)));
    assert_eq!(cat.recorded(&call).await.status, RecordStatus::Rejected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_a_group_call_and_it_ends_for_all() {
    let (mut ann, mut bob, mut cat) = three(free_address()).await;
    ann.engine.set_call_timeout(2_000).await.unwrap();
    let call = ann.calls_all(&["bob", "cat"]).await.call_id;
    bob.rings().await;
    cat.rings().await;
    for person in [&mut ann, &mut bob, &mut cat] {
        assert_eq!(person.ended().await, EndReason::NoResponse, "{}", person.name);
        assert_eq!(person.recorded(&call).await.status, RecordStatus::Missed, "{}", person.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_people_are_in_one_call_and_there_is_room_for_no_more() {
    let broker = free_address();
    let names: Vec<String> = (1..=16).map(|number| format!("p{number}")).collect();
    let (names, late) = (names[..15].iter().map(String::as_str).collect::<Vec<_>>(), names[15].as_str());
    let host = Person::new("host", quiet(broker)).await;
    let mut guests = Vec::new();
    for name in &names {
        guests.push(Person::new(name, quiet(broker)).await);
        host.sees_online(name).await;
    }
    let call = host.calls_all(&names).await.call_id;
    for guest in &mut guests {
        guest.rings().await;
    }
    // One after the other, as people do: each has a connection with all who are there.
    for (at, guest) in guests.iter().enumerate() {
        accept(guest, &call).await;
        host.talks_to(&call, &names[..=at]).await;
    }
    for guest in &guests {
        let others: Vec<&str> = names.iter().copied().filter(|name| *name != guest.name).chain(["host"]).collect();
        guest.talks_to(&call, &others).await;
    }
    let _late = Person::new(late, quiet(broker)).await;
    host.sees_online(late).await;
    let more = InviteParams { call_id: call.clone(), to: vec![late.into()], message: None, timeout_ms: None };
    assert_eq!(code(host.engine.invite(more).await), ErrorCode::Full);
    host.engine.hangup(&call).await.unwrap();
    for guest in &mut guests {
        assert_eq!(guest.ended().await, EndReason::Hangup, "{}", guest.name);
    }
}
