//! What a person shows, several devices of one person, keys that change, and somebody who floods.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::{Duration, Instant};

use common::{Device, Kind, LIFE, Line, Server, address, config, pair, ringing};
use peal_call::{CallId, Invite, MediaKind, Signal};
use peal_signalling::{
    AVATAR_LIMIT, Avatar, Birthday, DeviceKey, DeviceKind, DropReason, Gender, Notice, PresenceState, Profile,
    REGION_LIMIT, SIGNATURE_LIMIT, ServerUrl, safety_number,
};
use uuid::Uuid;

on_both_brokers!(
    the_largest_profile_reaches_others_and_outlives_its_owner,
    a_younger_device_of_an_account_that_wants_one_takes_over,
    an_older_device_that_was_away_yields_when_it_returns,
    devices_that_start_at_once_leave_exactly_one,
    who_makes_this_the_only_device_stays,
    a_key_that_changed_is_told_with_each_signal_until_it_is_trusted,
    a_flood_of_one_person_holds_nobody_else_up,
);

/// A PNG by its header, filled up with what nobody here decodes.
fn picture(bytes: usize) -> Avatar {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0".to_vec();
    png.resize(bytes, 0x5a);
    Avatar::new(png).unwrap()
}

async fn the_largest_profile_reaches_others_and_outlives_its_owner(kind: Kind) {
    let mut server = Server::start(kind).await;
    let (mut ann, bob) = pair(&server).await;
    let largest = Profile {
        revision: 7,
        gender: Gender::Female,
        birthday: Birthday::new(Some(1990), 12, 31),
        region: "\u{1f600}".repeat(REGION_LIMIT),
        signature: "\u{1f600}".repeat(SIGNATURE_LIMIT),
        avatar: Some(picture(AVATAR_LIMIT)),
    };
    bob.client.set_profile(largest.clone()).await;
    let seen = ann
        .until("profile", |n| match n {
            Notice::Presence(p) if p.profile != Profile::default() => Some(p.profile.clone()),
            _ => None,
        })
        .await;
    assert_eq!(seen, largest);
    bob.client.set_profile(Profile { signature: " \u{202e}olleh\n".into(), ..Profile::default() }).await;
    let seen = ann
        .until("profile", |n| match n {
            Notice::Presence(p) if p.profile.avatar.is_none() => Some(p.profile.signature.clone()),
            _ => None,
        })
        .await;
    assert_eq!(seen, "olleh");

    // Also as the last will, and after a restart of the broker.
    let mut again = bob.config.clone();
    bob.client.disconnect().await;
    again.profile = largest.clone();
    again.boot_id = Uuid::now_v7();
    let bob = Device::with(again).await;
    ann.sees(bob.address(), PresenceState::Online).await;
    drop(bob);
    ann.sees(&address("bob", "phone"), PresenceState::Offline).await;
    // Both brokers write what is retained within this time, or when they stop.
    tokio::time::sleep(Duration::from_secs(1)).await;
    ann.client.disconnect().await;
    server.stop().await;
    server.resume().await;
    let mut carol = Device::login(&server, "carol", "desk").await;
    let bob = carol.sees(&address("bob", "phone"), PresenceState::Offline).await;
    assert_eq!(bob.profile, largest);
}

async fn kicked_out_by(device: &mut Device) -> peal_call::DeviceAddress {
    device
        .until("KickedOut", |n| match n {
            Notice::KickedOut { by } => Some(by.clone()),
            _ => None,
        })
        .await
}

/// Nothing but the device's own end follows.
async fn is_out(device: &mut Device) {
    while let Some(notice) = device.notices.recv().await {
        assert!(!matches!(notice, Notice::Connected | Notice::KickedOut { .. }), "{notice:?}");
    }
}

async fn a_younger_device_of_an_account_that_wants_one_takes_over(kind: Kind) {
    let server = Server::start(kind).await;
    let mut ann = Device::login(&server, "ann", "desk").await;
    let mut older = Device::login(&server, "bob", "phone").await;
    older.caught_up().await;
    // A device beside it, of no concern to the account's policy.
    let mut echo = config(&server, "bob", "echo");
    echo.kind = DeviceKind::Echo;
    let echo = Device::with(echo).await;
    // The policy is the younger one's; its clock is an hour behind.
    let mut younger = config(&server, "bob", "tablet");
    younger.single = true;
    younger.boot_id = Uuid::from_u128(7);
    let mut younger = Device::with(younger).await;
    assert_eq!(kicked_out_by(&mut older).await, *younger.address());
    is_out(&mut older).await;
    ann.knows(older.address(), PresenceState::Offline).await;
    younger.caught_up().await;
    // A third one.
    let mut third = config(&server, "bob", "laptop");
    third.single = true;
    let mut third = Device::with(third).await;
    assert_eq!(kicked_out_by(&mut younger).await, *third.address());
    third.caught_up().await;
    // The first one again, in the same run of its program.
    let mut again = older.config.clone();
    again.single = true;
    let first = Device::with(again).await;
    assert_eq!(kicked_out_by(&mut third).await, *first.address());
    for device in [first.address(), echo.address()] {
        ann.knows(device, PresenceState::Online).await;
        ann.client.send(device, &ringing(1), LIFE).await.unwrap();
    }
    for mut device in [first, echo] {
        assert_eq!(device.hears().await.1, ringing(1), "still there");
    }
}

async fn an_older_device_that_was_away_yields_when_it_returns(kind: Kind) {
    let server = Server::start(kind).await;
    let line = Line::to(server.address).await;
    let mut ann = Device::login(&server, "ann", "desk").await;
    let mut older = config(&server, "bob", "phone");
    older.server = ServerUrl::local(line.address);
    older.single = true;
    let mut older = Device::with(older).await;
    older.caught_up().await;
    ann.sees(older.address(), PresenceState::Online).await;

    // While it is away another one comes and goes for good: nobody is left to yield to.
    line.cut();
    older.until("Disconnected", |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
    let mut younger = config(&server, "bob", "tablet");
    younger.single = true;
    let passing = Device::with(younger.clone()).await;
    passing.client.disconnect().await;
    ann.sees(&younger.address, PresenceState::Offline).await;
    line.mend();
    older.until("Connected", |n| matches!(n, Notice::Connected).then_some(())).await;
    // Longer than it waits for what is retained: it goes on.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    ann.client.send(older.address(), &ringing(1), LIFE).await.unwrap();
    assert_eq!(older.hears().await.1, ringing(1));

    // And now one that stays.
    line.cut();
    older.until("Disconnected", |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
    younger.boot_id = Uuid::now_v7();
    let mut younger = Device::with(younger).await;
    younger.caught_up().await;
    ann.sees(younger.address(), PresenceState::Online).await;
    // Its queue is its own still: what comes meanwhile waits for its next login.
    ann.client.send(older.address(), &ringing(2), LIFE).await.unwrap();
    line.mend();
    assert_eq!(kicked_out_by(&mut older).await, *younger.address());
    is_out(&mut older).await;
    ann.client.send(younger.address(), &ringing(3), LIFE).await.unwrap();
    assert_eq!(younger.hears().await.1, ringing(3), "the younger one never yields to the older one");
}

async fn devices_that_start_at_once_leave_exactly_one(kind: Kind) {
    let server = Server::start(kind).await;
    let mut ann = Device::login(&server, "ann", "desk").await;
    for round in 0..8 {
        let start = |name: &str| {
            let mut config = config(&server, "bob", &format!("{name}{round}"));
            config.single = true;
            Device::with(config)
        };
        let (one, two, three) = tokio::join!(start("phone"), start("tablet"), start("laptop"));
        let mut devices = [one, two, three];
        // Two of the three end; which two and in what order is chance.
        let mut out = Vec::new();
        while out.len() < 2 {
            let [one, two, three] = &mut devices;
            let gone = |n: &Notice| matches!(n, Notice::KickedOut { .. }).then_some(());
            let place = tokio::select! {
                () = one.until("KickedOut", gone), if !out.contains(&0) => 0,
                () = two.until("KickedOut", gone), if !out.contains(&1) => 1,
                () = three.until("KickedOut", gone), if !out.contains(&2) => 2,
            };
            out.push(place);
            is_out(&mut devices[place]).await;
        }
        for place in out {
            ann.knows(devices[place].address(), PresenceState::Offline).await;
        }
        let mut last = devices.into_iter().find(|device| !device.notices.is_closed()).unwrap();
        ann.knows(last.address(), PresenceState::Online).await;
        ann.client.send(last.address(), &ringing(round), LIFE).await.unwrap();
        assert_eq!(last.hears().await.1, ringing(round));
        last.client.disconnect().await;
    }
}

async fn who_makes_this_the_only_device_stays(kind: Kind) {
    let server = Server::start(kind).await;
    let mut older = Device::login(&server, "bob", "phone").await;
    older.caught_up().await;
    let mut younger = Device::login(&server, "bob", "tablet").await;
    younger.caught_up().await;
    younger.knows(older.address(), PresenceState::Online).await;
    older.knows(younger.address(), PresenceState::Online).await;
    older.client.set_single(true).await;
    assert_eq!(kicked_out_by(&mut younger).await, *older.address());
    is_out(&mut younger).await;
    older.sees(younger.address(), PresenceState::Offline).await;
}

async fn a_key_that_changed_is_told_with_each_signal_until_it_is_trusted(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    ann.client.send(bob.address(), &ringing(1), LIFE).await.unwrap();
    bob.hears().await;
    let (at, old) = (ann.address().clone(), ann.config.keys.public());
    assert_eq!(bob.client.device_key(&at), Some(DeviceKey::Pinned(old)));
    assert_eq!(bob.client.device_key(&address("carol", "desk")), None);
    assert_eq!(bob.client.trust_key(&address("carol", "desk")), None);
    ann.client.disconnect().await;
    let mut ann = Device::login(&server, "ann", "desk").await;
    let new = ann.config.keys.public();
    ann.sees(bob.address(), PresenceState::Online).await;
    let mut told = async || {
        bob.until("KeyChanged", |n| match n {
            Notice::KeyChanged { address, old, new } => Some((address.clone(), *old, *new)),
            Notice::Signal { signal, .. } => panic!("{signal:?} before the key is trusted"),
            _ => None,
        })
        .await
    };
    assert_eq!(told().await, (at.clone(), old, new), "when it shows itself");
    for n in [2, 3] {
        ann.client.send(&address("bob", "phone"), &ringing(n), LIFE).await.unwrap();
        assert_eq!(told().await, (at.clone(), old, new), "and with each signal");
    }
    let key = bob.client.device_key(&at).unwrap();
    assert_eq!((key, key.is_changed()), (DeviceKey::Changed { pinned: old, shown: new }, true));
    // What the two compare is the key that is shown now.
    let read = |mine: &Device, theirs: &Device| {
        let key = mine.client.device_key(theirs.address()).unwrap().now();
        safety_number(&mine.config.keys.public(), mine.address(), &key, theirs.address())
    };
    assert_eq!(read(&bob, &ann), read(&ann, &bob));

    assert_eq!(bob.client.trust_key(&at), Some(new));
    let pinned = bob
        .until("Pinned", |n| match n {
            Notice::Pinned { address, key } => Some((address.clone(), *key)),
            _ => None,
        })
        .await;
    assert_eq!(pinned, (at.clone(), new));
    assert_eq!(bob.hears().await.1, ringing(2));
    assert_eq!(bob.hears().await.1, ringing(3));
    assert_eq!(bob.client.device_key(&at), Some(DeviceKey::Pinned(new)));
    bob.client.send(&at, &ringing(4), LIFE).await.unwrap();
    assert_eq!(ann.hears().await.1, ringing(4));
}

fn invite(n: u128, from: &str) -> Signal {
    Signal::Invite(Invite {
        call: CallId::from_uuid(Uuid::from_u128(n)),
        media: MediaKind::Audio,
        host: from.parse().unwrap(),
        generation: 0,
        invited: vec!["bob".parse().unwrap()],
        roster: Vec::new(),
        group: None,
        message: None,
        lifetime: Duration::from_secs(30),
        transfer: false,
        replaces: None,
        early_media: false,
    })
}

async fn a_flood_of_one_person_holds_nobody_else_up(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    let mut mallory = Device::login(&server, "mallory", "desk").await;
    mallory.sees(bob.address(), PresenceState::Online).await;
    bob.sees(mallory.address(), PresenceState::Online).await;
    for n in 0..1000 {
        mallory.client.send(bob.address(), &invite(n, "mallory"), LIFE).await.unwrap();
    }
    // The flood has begun to arrive.
    assert_eq!(bob.hears().await.0, *mallory.address());
    let sent = Instant::now();
    ann.client.send(bob.address(), &invite(5000, "ann"), LIFE).await.unwrap();
    let (mut theirs, mut took) = (1, None);
    while took.is_none() {
        let (from, signal, _) = bob.hears().await;
        if from == *ann.address() {
            assert_eq!(signal, invite(5000, "ann"));
            took = Some(sent.elapsed());
        } else {
            theirs += 1;
        }
    }
    let took = took.unwrap();
    assert!(took < Duration::from_secs(1), "{took:?} behind {theirs} others");
    // The flood goes on in its own time, in its order, and without loss: it was not more than may wait.
    for n in theirs..1000 {
        assert_eq!(bob.hears().await.1, invite(n, "mallory"));
    }
    assert!(!bob.client.drops().contains_key(&DropReason::Flooded), "{:?}", bob.client.drops());
}
