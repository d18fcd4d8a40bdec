//! Signals between devices: in order, exactly once, through losses of all kinds, over both brokers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Device, Kind, LIFE, Line, Server, address, config, pair, ringing};
use peal_call::Signal;
use peal_signalling::{Client, ConnectError, DropReason, Notice, PresenceState, Problem, SendError, ServerUrl};

on_both_brokers!(
    signals_arrive_in_order_and_exactly_once,
    presence_follows_login_change_and_logout,
    a_cut_line_shows_the_last_will_and_comes_back_by_itself,
    a_dropped_handle_cuts_the_line,
    a_wrong_token_is_bad_credentials,
    a_restarted_broker_is_found_again_and_the_outbox_delivered,
    signals_for_an_away_device_arrive_then_caught_up,
    a_signal_may_come_before_its_senders_presence,
    an_unknown_device_and_an_oversized_signal_are_refused_at_once,
    the_older_of_two_programs_on_one_device_is_kicked_out,
    a_changed_key_waits_for_trust,
);

async fn signals_arrive_in_order_and_exactly_once(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    for n in 0..300 {
        ann.client.send(bob.address(), &ringing(n), LIFE).await.unwrap();
    }
    for n in 0..300 {
        let (from, signal, first) = bob.hears().await;
        assert_eq!((&from, signal, first), (ann.address(), ringing(n), n == 0));
    }
    // The other way; the pins of first contact are there on both sides now.
    bob.client.send(ann.address(), &ringing(999), LIFE).await.unwrap();
    let mut ann = ann;
    let (from, signal, first) = ann.hears().await;
    assert_eq!((&from, signal, first), (bob.address(), ringing(999), false), "ann spoke to bob first");
    assert!(ann.client.drops().is_empty() && bob.client.drops().is_empty());
    // Behind everything that was sent: nothing came twice.
    bob.client.disconnect().await;
    while let Some(notice) = bob.notices.recv().await {
        assert!(!matches!(notice, Notice::Signal { .. }), "{notice:?}");
    }
}

async fn presence_follows_login_change_and_logout(kind: Kind) {
    let server = Server::start(kind).await;
    let (mut ann, mut bob) = pair(&server).await;
    bob.client.set_state(PresenceState::InCall).await;
    let seen = ann.sees(bob.address(), PresenceState::InCall).await;
    assert_eq!((seen.key, seen.boot_id), (bob.config.keys.public(), bob.config.boot_id));
    bob.client.set_display_name("Bob\u{202e} the \nBuilder").await;
    let name = ann
        .until("name", |n| match n {
            Notice::Presence(p) if p.display_name != "bob" => Some(p.display_name.clone()),
            _ => None,
        })
        .await;
    assert_eq!(name, "Bob the Builder");
    let tablet = Device::login(&server, "bob", "tablet").await;
    ann.sees(tablet.address(), PresenceState::Online).await;
    bob.sees(tablet.address(), PresenceState::Online).await;
    let devices: Vec<_> = ann.client.devices_of(&bob.address().user).into_iter().map(|p| p.address).collect();
    assert_eq!(devices, [bob.address().clone(), tablet.address().clone()]);
    tablet.client.disconnect().await;
    ann.sees(&address("bob", "tablet"), PresenceState::Offline).await;
}

async fn a_cut_line_shows_the_last_will_and_comes_back_by_itself(kind: Kind) {
    let server = Server::start(kind).await;
    let line = Line::to(server.address).await;
    let mut ann = Device::login(&server, "ann", "desk").await;
    let mut bob = Device::over(line.address, &server, "bob", "phone").await;
    let online = ann.sees(bob.address(), PresenceState::Online).await;
    let mut ready = (false, false);
    while ready != (true, true) {
        bob.until("presence and CaughtUp", |n| {
            ready.0 |= matches!(n, Notice::Presence(_));
            ready.1 |= matches!(n, Notice::CaughtUp);
            Some(())
        })
        .await;
    }

    line.cut();
    let offline = ann.sees(bob.address(), PresenceState::Offline).await;
    assert_eq!((offline.key, offline.boot_id), (online.key, online.boot_id));
    let problem = bob
        .until("Disconnected", |n| match n {
            Notice::Disconnected { problem, .. } => Some(problem.clone()),
            _ => None,
        })
        .await;
    assert!(matches!(problem, Problem::Lost(_)), "{problem:?}");
    // Both ways while the line is cut.
    bob.client.send(ann.address(), &ringing(1), LIFE).await.unwrap();
    ann.client.send(bob.address(), &ringing(2), LIFE).await.unwrap();

    line.mend();
    bob.until("Connected", |n| matches!(n, Notice::Connected).then_some(())).await;
    assert_eq!(bob.hears().await.1, ringing(2));
    bob.caught_up().await;
    let mut heard = None;
    let mut back = false;
    while heard.is_none() || !back {
        ann.until("signal and presence", |n| match n {
            Notice::Signal { signal, .. } => {
                heard = Some(signal.clone());
                Some(())
            }
            Notice::Presence(p) if p.state == PresenceState::Online => {
                back = true;
                Some(())
            }
            _ => None,
        })
        .await;
    }
    assert_eq!(heard, Some(ringing(1)));
}

async fn a_dropped_handle_cuts_the_line(kind: Kind) {
    let server = Server::start(kind).await;
    let (mut ann, bob) = pair(&server).await;
    let who = bob.address().clone();
    drop(bob);
    ann.sees(&who, PresenceState::Offline).await;
}

async fn a_wrong_token_is_bad_credentials(kind: Kind) {
    let server = Server::start(kind).await;
    let ann = Device::login(&server, "ann", "desk").await;
    let mut wrong = config(&server, "ann", "laptop");
    wrong.token = "guessed".into();
    assert_eq!(Client::connect(wrong).await.err(), Some(ConnectError::BadCredentials));
    let mut foreign = config(&server, "bob", "phone");
    foreign.client_id = ann.config.client_id.clone();
    assert_eq!(Client::connect(foreign).await.err(), Some(ConnectError::ClientId));
}

async fn a_restarted_broker_is_found_again_and_the_outbox_delivered(kind: Kind) {
    let mut server = Server::start(kind).await;
    let (mut ann, mut bob) = pair(&server).await;
    ann.client.send(bob.address(), &ringing(0), LIFE).await.unwrap();
    assert_eq!(bob.hears().await.1, ringing(0));
    server.stop().await;
    ann.until("Disconnected", |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
    bob.until("Disconnected", |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
    for n in 1..=20 {
        ann.client.send(bob.address(), &ringing(n), LIFE).await.unwrap();
    }
    server.resume().await;
    ann.until("Connected", |n| matches!(n, Notice::Connected).then_some(())).await;
    for n in 1..=20 {
        assert_eq!(bob.hears().await.1, ringing(n));
    }
    // A broker that restarts may deliver twice; nothing else may have gone wrong.
    assert!(bob.client.drops().keys().all(|why| *why == DropReason::Replayed), "{:?}", bob.client.drops());
}

async fn signals_for_an_away_device_arrive_then_caught_up(kind: Kind) {
    let mut server = Server::start(kind).await;
    let (mut ann, mut bob) = pair(&server).await;
    let (bob_address, config) = (bob.address().clone(), bob.config.clone());
    ann.client.send(&bob_address, &ringing(100), LIFE).await.unwrap();
    bob.hears().await;
    let guard = bob.client.replay_guard();
    bob.client.disconnect().await;
    ann.sees(&bob_address, PresenceState::Offline).await;
    for n in 0..50 {
        ann.client.send(&bob_address, &ringing(n), LIFE).await.unwrap();
    }
    // Its time is over before Bob comes back.
    ann.client.send(&bob_address, &ringing(77), Duration::from_secs(1)).await.unwrap();
    let ann_address = ann.address().clone();
    // Leaving hands the outbox over; and the queue outlives the broker.
    ann.client.disconnect().await;
    server.stop().await;
    // Brokers count expiry in whole seconds.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    server.resume().await;

    let mut again = config;
    again.boot_id = uuid::Uuid::now_v7();
    again.replay_guard = guard;
    again.pinned.insert(ann_address.clone(), ann.config.keys.public());
    let mut bob = Device::with(again).await;
    let mut heard = Vec::new();
    bob.until("CaughtUp", |n| match n {
        Notice::Signal { from, signal, .. } => {
            assert_eq!(*from, ann_address);
            heard.push(signal.clone());
            None
        }
        Notice::CaughtUp => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(heard, (0..50).map(ringing).collect::<Vec<Signal>>(), "all of them before CaughtUp");
}

async fn a_signal_may_come_before_its_senders_presence(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, bob) = pair(&server).await;
    let config = bob.config.clone();
    bob.client.disconnect().await;
    ann.client.send(&config.address, &ringing(5), LIFE).await.unwrap();
    // A new run that knows nobody: the queue comes at once, presence only after subscribing again.
    let mut again = config;
    again.boot_id = uuid::Uuid::now_v7();
    let mut bob = Device::with(again).await;
    let (from, signal, first) = bob.hears().await;
    assert_eq!((&from, signal, first), (ann.address(), ringing(5), true));
    assert!(bob.client.drops().is_empty());
}

async fn an_unknown_device_and_an_oversized_signal_are_refused_at_once(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, bob) = pair(&server).await;
    let nobody = address("carol", "desk");
    assert_eq!(ann.client.send(&nobody, &ringing(1), LIFE).await.err(), Some(SendError::UnknownDevice));
    let call = ringing(1).call();
    let huge = Signal::Offer { call, attempt: 0, sdp: "x".repeat(64 * 1024) };
    assert_eq!(ann.client.send(bob.address(), &huge, LIFE).await.err(), Some(SendError::TooLarge));
    let large = Signal::Offer { call, attempt: 0, sdp: "x".repeat(40 * 1024) };
    ann.client.send(bob.address(), &large, LIFE).await.unwrap();
    let mut bob = bob;
    assert_eq!(bob.hears().await.1, large);
    let client = ann.client.clone();
    ann.client.disconnect().await;
    assert_eq!(client.send(bob.address(), &ringing(2), LIFE).await.err(), Some(SendError::NotLoggedIn));
}

async fn the_older_of_two_programs_on_one_device_is_kicked_out(kind: Kind) {
    let server = Server::start(kind).await;
    let (mut ann, mut older) = pair(&server).await;
    // The profile was copied: the same client id, another run.
    let mut copied = older.config.clone();
    copied.boot_id = uuid::Uuid::now_v7();
    let mut younger = Device::with(copied).await;
    older.until("KickedOut", |n| matches!(n, Notice::KickedOut { .. }).then_some(())).await;
    while let Some(notice) = older.notices.recv().await {
        assert!(!matches!(notice, Notice::Connected), "it stays out");
    }
    assert_eq!(older.client.send(ann.address(), &ringing(1), LIFE).await.err(), Some(SendError::NotLoggedIn));
    let boot = younger.config.boot_id;
    ann.until("the younger one online", |n| match n {
        Notice::Presence(p) if p.boot_id == boot && p.state == PresenceState::Online => Some(()),
        _ => None,
    })
    .await;
    ann.client.send(younger.address(), &ringing(2), LIFE).await.unwrap();
    assert_eq!(younger.hears().await.1, ringing(2));
}

async fn a_changed_key_waits_for_trust(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    ann.client.send(bob.address(), &ringing(1), LIFE).await.unwrap();
    bob.hears().await;
    let ann_address = ann.address().clone();
    let old = ann.config.keys.public();
    ann.client.disconnect().await;
    // Ann installs anew: the same names, another identity.
    let mut ann = Device::login(&server, "ann", "desk").await;
    let new = ann.config.keys.public();
    let changed = bob
        .until("KeyChanged", |n| match n {
            Notice::KeyChanged { address, old, new } => Some((address.clone(), *old, *new)),
            _ => None,
        })
        .await;
    assert_eq!(changed, (ann_address.clone(), old, new));
    ann.sees(bob.address(), PresenceState::Online).await;
    ann.client.send(bob.address(), &ringing(2), LIFE).await.unwrap();
    ann.client.send(bob.address(), &ringing(3), LIFE).await.unwrap();
    assert_eq!(bob.client.send(&ann_address, &ringing(4), LIFE).await.err(), Some(SendError::UntrustedKey));
    // Carol's signal shows that Ann's have had their time.
    let carol = Device::login(&server, "carol", "desk").await;
    let mut carol = carol;
    carol.sees(bob.address(), PresenceState::Online).await;
    carol.client.send(bob.address(), &ringing(9), LIFE).await.unwrap();
    assert_eq!(bob.hears().await.1, ringing(9), "nothing of Ann's before the new key is trusted");
    bob.client.trust(&ann_address, new);
    assert_eq!(bob.hears().await.1, ringing(2));
    assert_eq!(bob.hears().await.1, ringing(3));
    bob.client.send(&ann_address, &ringing(4), LIFE).await.unwrap();
    assert_eq!(ann.hears().await.1, ringing(4));
}

#[tokio::test]
async fn nobody_there_is_unreachable_at_once() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut config = peal_signalling::ClientConfig::new(
        ServerUrl::local(free),
        address("ann", "desk"),
        "t",
        peal_signalling::DeviceKeys::generate(),
    );
    assert!(matches!(Client::connect(config.clone()).await.err(), Some(ConnectError::Unreachable { .. })));
    config.server = "mqtt://no-such-host.invalid".parse().unwrap();
    let error = Client::connect(config).await.err();
    assert!(matches!(error, Some(ConnectError::Unreachable { .. } | ConnectError::Timeout)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = ServerUrl::local(silent.local_addr().unwrap());
    let keys = peal_signalling::DeviceKeys::generate();
    let config = peal_signalling::ClientConfig::new(server, address("ann", "desk"), "t", keys);
    assert_eq!(Client::connect(config).await.err(), Some(ConnectError::Timeout));
}
