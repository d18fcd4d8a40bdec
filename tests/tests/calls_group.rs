//! Calls of several people, over a real broker with real peer connections: everyone hears everyone.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::path::Path;

use peal_engine::EngineConfig;
use peal_engine::api::{CallState, EndReason, Event, InviteParams, MemberState, RecordStatus};
use peal_tests::ears::{level_dbfs, longest_gap_ms, loudest_rest_dbfs, read_wav, tone_dbfs};
use peal_tests::person::{Person, accept, free_address, hums, quiet, writes};

/// Everything below is not heard; a hum arrives at -20 dBFS.
const FLOOR: f64 = -35.0;

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

/// The part of a recording from the first to the last moment in which this pitch is heard.
fn with_tone(samples: &[i16], hertz: f64) -> &[i16] {
    let is_heard = |piece: &[i16]| tone_dbfs(piece, hertz) > FLOOR;
    let pieces: Vec<bool> = samples.chunks_exact(480).map(is_heard).collect();
    let first = pieces.iter().position(|it| *it).unwrap_or_else(|| panic!("{hertz} Hz is nowhere"));
    let last = pieces.iter().rposition(|it| *it).unwrap_or(first);
    &samples[first * 480..(last + 1) * 480]
}

#[tokio::test(flavor = "multi_thread")]
async fn three_people_hear_each_other_and_when_one_leaves_the_others_hear_no_gap() {
    let (broker, place) = (free_address(), tempfile::tempdir().unwrap());
    let mut ann = humming("ann", 400.0, broker, place.path()).await;
    let mut bob = humming("bob", 700.0, broker, place.path()).await;
    let mut cat = humming("cat", 1_100.0, broker, place.path()).await;
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
    ann.talks_to(&call, &["bob", "cat"]).await;
    bob.talks_to(&call, &["ann", "cat"]).await;
    cat.talks_to(&call, &["ann", "bob"]).await;
    hears_all(&mut cat, &["ann", "bob"], 8).await;
    hears_all(&mut ann, &["bob", "cat"], 2).await;
    hears_all(&mut bob, &["ann", "cat"], 2).await;
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
    let concealed = ann.engine.call_stats(&call).await.unwrap().concealed_ms;
    assert_eq!(ann.call().unwrap().state, CallState::Connected);
    ann.engine.hangup(&call).await.unwrap();
    assert_eq!(bob.ended().await, EndReason::Hangup);
    let record = ann.recorded(&call).await;
    assert_eq!(record.status, RecordStatus::Completed);
    for person in [&ann, &bob, &cat] {
        person.engine.stop().await;
    }
    let pitches = [400.0, 700.0, 1_100.0];
    for (name, own, stays, goes) in [("ann", 400.0, 700.0, 1_100.0), ("bob", 700.0, 400.0, 1_100.0)] {
        let heard = read_wav(&place.path().join(format!("{name}.wav")));
        assert!(tone_dbfs(&heard, own) < -60.0, "{name} hears no echo of its own");
        let (all, third) = (with_tone(&heard, stays), with_tone(&heard, goes));
        for (part, pitch) in [(all, stays), (third, goes)] {
            let gap = longest_gap_ms(part, pitch, FLOOR);
            assert!(gap <= 60, "{name}: a gap of {gap} ms in {pitch} Hz; {concealed} ms concealed");
        }
        // Where the third one goes: half a second around it.
        let end = third.as_ptr_range().end as usize - heard.as_ptr() as usize;
        let end = end / size_of::<i16>();
        let around = &heard[end.saturating_sub(12_000)..(end + 12_000).min(heard.len())];
        let rest = loudest_rest_dbfs(around, &pitches);
        assert!(rest < -30.0, "{name}: {rest} dBFS of something else when {goes} Hz goes");
        let after = &heard[(end + 4_800).min(heard.len())..(end + 24_000).min(heard.len())];
        assert!(tone_dbfs(after, goes) < -60.0 && tone_dbfs(after, stays) > FLOOR, "{name}");
    }
    let cat = read_wav(&place.path().join("cat.wav"));
    for pitch in [400.0, 700.0] {
        assert!(longest_gap_ms(with_tone(&cat, pitch), pitch, FLOOR) <= 60, "{pitch} Hz at Cat's");
    }
    assert!(level_dbfs(&cat) > -40.0);
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
async fn nine_people_are_in_one_call() {
    let broker = free_address();
    let names = ["p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8"];
    let host = Person::new("host", quiet(broker)).await;
    let mut guests = Vec::new();
    for name in names {
        guests.push(Person::new(name, quiet(broker)).await);
        host.sees_online(name).await;
    }
    let call = host.calls_all(&names).await.call_id;
    for guest in &mut guests {
        guest.rings().await;
        accept(guest, &call).await;
    }
    host.talks_to(&call, &names).await;
    for guest in &guests {
        let others: Vec<&str> = names.iter().copied().filter(|name| *name != guest.name).chain(["host"]).collect();
        guest.talks_to(&call, &others).await;
    }
    host.engine.hangup(&call).await.unwrap();
    for guest in &mut guests {
        assert_eq!(guest.ended().await, EndReason::Hangup, "{}", guest.name);
    }
}
