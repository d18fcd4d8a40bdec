//! Who is there, when the broker's word is late, lost, or too much.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Instant;

use common::{DeafLine, Device, Kind, LIFE, Line, Server, Stranger, pair, ringing};
use peal_signalling::{Notice, PresenceState};

on_both_brokers!(
    who_returns_sees_others_as_they_are_now,
    a_person_who_changes_too_often_is_seen_as_they_are_in_the_end,
    what_the_broker_did_not_tell_in_the_first_moments_is_asked_for,
    a_presence_that_was_overtaken_by_a_later_one_is_not_believed,
    a_device_that_logs_in_again_is_believed,
);

async fn who_returns_sees_others_as_they_are_now(kind: Kind) {
    let server = Server::start(kind).await;
    let line = Line::to(server.address).await;
    let mut ann = Device::over(line.address, &server, "ann", "desk").await;
    let mut bob = Device::login(&server, "bob", "phone").await;
    ann.sees(bob.address(), PresenceState::Online).await;
    bob.sees(ann.address(), PresenceState::Online).await;
    line.cut();
    bob.sees(ann.address(), PresenceState::Offline).await;
    for n in 0..50 {
        bob.client.set_display_name(&format!("Bob {n}")).await;
        bob.client.send(ann.address(), &ringing(n), LIFE).await.unwrap();
    }
    // Behind everything: the broker has had it all.
    let mut carol = Device::login(&server, "carol", "desk").await;
    carol
        .until("the last name", |n| matches!(n, Notice::Presence(p) if p.display_name == "Bob 49").then_some(()))
        .await;
    line.mend();
    let mut heard = Vec::new();
    ann.until("all of it", |n| {
        match n {
            Notice::Presence(p) if p.address == *bob.address() => {
                assert_eq!(p.display_name, "Bob 49", "nothing of what it was meanwhile");
            }
            Notice::Signal { signal, .. } => heard.push(signal.clone()),
            _ => {}
        }
        (heard.len() == 50).then_some(())
    })
    .await;
    assert_eq!(heard, (0..50).map(ringing).collect::<Vec<_>>());
    assert!(ann.client.drops().is_empty());
}

async fn a_person_who_changes_too_often_is_seen_as_they_are_in_the_end(kind: Kind) {
    let server = Server::start(kind).await;
    let (mut ann, bob) = pair(&server).await;
    let began = Instant::now();
    let (mut shown, mut last) = (0, String::new());
    let mut see = |n: &Notice| {
        if let Notice::Presence(p) = n
            && p.address == *bob.address()
        {
            shown += 1;
            last.clone_from(&p.display_name);
        }
        (last == "Bob 399").then_some(())
    };
    for n in 0..400 {
        bob.client.set_display_name(&format!("Bob {n}")).await;
        // Once this is through, the name has been shown: the next one doesn't take its place on the way out.
        bob.client.send(ann.address(), &ringing(n), LIFE).await.unwrap();
        ann.until("signal", |notice| {
            let _ = see(notice);
            matches!(notice, Notice::Signal { signal, .. } if *signal == ringing(n)).then_some(())
        })
        .await;
    }
    let is_there = ann.client.devices_of(&bob.address().user)[0].display_name == "Bob 399";
    if !is_there {
        ann.until("the last name", see).await;
    }
    let allowed = 96 + 4 * began.elapsed().as_secs() + 4;
    assert!(shown <= allowed, "{shown} of 400, {allowed} allowed");
}

async fn what_the_broker_did_not_tell_in_the_first_moments_is_asked_for(kind: Kind) {
    let server = Server::start(kind).await;
    let line = DeafLine::to(server.address).await;
    let mut bob = Device::over(line.address, &server, "bob", "phone").await;
    bob.caught_up().await;
    let ann = Device::login(&server, "ann", "desk").await;
    line.has_swallowed("presence/ann/desk").await;
    bob.sees(ann.address(), PresenceState::Online).await;
}

async fn a_presence_that_was_overtaken_by_a_later_one_is_not_believed(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    let topic = "peal/v1/peal/presence/ann/desk";
    // Of the same account, so the broker lets it write there.
    let mut late = Stranger::login(&server, "ann").await;
    late.subscribe(topic).await;
    let online = late.next(topic).await;
    ann.client.set_state(PresenceState::InCall).await;
    bob.sees(ann.address(), PresenceState::InCall).await;
    late.publish(topic, false, online).await;
    ann.client.set_display_name("Ann is back").await;
    bob.until("what came behind it", |notice| match notice {
        Notice::Presence(shown) if shown.address == *ann.address() => {
            assert_eq!(shown.state, PresenceState::InCall);
            (shown.display_name == "Ann is back").then_some(())
        }
        _ => None,
    })
    .await;
}

async fn a_device_that_logs_in_again_is_believed(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    // The same run of the same program: many words, then a fresh start.
    for n in 0..5 {
        ann.client.set_display_name(&format!("Ann {n}")).await;
        bob.until("the name", |notice| {
            matches!(notice, Notice::Presence(p) if p.display_name == format!("Ann {n}")).then_some(())
        })
        .await;
    }
    let again = ann.config.clone();
    ann.client.disconnect().await;
    bob.sees(&again.address, PresenceState::Offline).await;
    let ann = Device::with(again).await;
    bob.sees(ann.address(), PresenceState::Online).await;
}
