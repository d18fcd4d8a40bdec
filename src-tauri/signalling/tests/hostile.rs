//! What others may try, with a valid account and without.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Device, Kind, LIFE, Server, Stranger, address, pair, ringing, token};
use peal_signalling::{Client, ClientConfig, ConnectError, DropReason, Notice, PresenceState, Problem};
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
use rumqttc::v5::{AsyncClient, Event, MqttOptions};

on_both_brokers!(
    nobody_writes_in_anothers_name,
    anothers_inbox_is_unreadable,
    garbage_is_dropped_and_counted,
    a_replayed_signal_is_dropped,
    an_account_that_is_no_longer_let_in_ends_the_session,
);

async fn nobody_writes_in_anothers_name(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    let mut mallory = Stranger::login(&server, "mallory").await;
    for (topic, retain) in [
        ("peal/v1/peal/to/bob/from/ann/desk", false),
        ("peal/v1/peal/to/bob/from/bob/phone", false),
        ("peal/v1/peal/presence/ann/desk", true),
        ("peal/v1/peal/presence/bob/new", true),
        ("somewhere/else", false),
    ] {
        assert_eq!(mallory.publish(topic, retain, "{}").await, PubAckReason::NotAuthorized, "{topic}");
    }
    // Nothing of it has reached anybody.
    ann.client.send(bob.address(), &ringing(1), LIFE).await.unwrap();
    assert_eq!(bob.hears().await.1, ringing(1));
    assert!(bob.client.drops().is_empty(), "{:?}", bob.client.drops());
    assert_eq!(bob.client.devices_of(&bob.address().user).len(), 0, "no invented device of bob's");
}

async fn anothers_inbox_is_unreadable(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    let mut mallory = Stranger::login(&server, "mallory").await;
    for filter in [
        "#",
        "peal/#",
        "peal/v1/peal/#",
        "peal/v1/peal/to/#",
        "peal/v1/peal/to/bob/#",
        "peal/v1/peal/to/+/from/ann/desk",
        "peal/v1/+/+/bob/#",
        "$share/g/peal/v1/peal/to/bob/#",
        "peal/v1/peal/to/mallory/#",
    ] {
        // Some brokers say yes to all of these and then deliver nothing.
        mallory.subscribe(filter).await;
    }
    for n in 0..10 {
        ann.client.send(bob.address(), &ringing(n), LIFE).await.unwrap();
        assert_eq!(bob.hears().await.1, ringing(n));
    }
    // Her own inbox works, and comes behind all that.
    let own = "peal/v1/peal/to/mallory/from/mallory/x";
    mallory.client.publish(own, rumqttc::v5::mqttbytes::QoS::AtLeastOnce, false, "the end").await.unwrap();
    let overheard = mallory
        .until(|event| match event {
            Event::Incoming(Packet::Publish(p)) if p.topic.starts_with(b"peal/v1/peal/to/") => Some(p.topic.to_vec()),
            _ => None,
        })
        .await;
    assert_eq!(String::from_utf8(overheard).unwrap(), own);
}

async fn garbage_is_dropped_and_counted(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    let mut mallory = Stranger::login(&server, "mallory").await;
    let inbox = "peal/v1/peal/to/bob/from/mallory/x";
    let id = uuid::Uuid::now_v7();
    let envelope =
        |from: &str, to: &str| format!(r#"{{"v":1,"id":"{id}","from":"{from}","to":"{to}","sealed":"AAAA"}}"#);
    let cases = [
        (DropReason::Malformed, "no json".to_owned()),
        (DropReason::Oversized, "x".repeat(70_000)),
        (DropReason::Version, r#"{"v":2}"#.to_owned()),
        (DropReason::Misaddressed, envelope("mallory/x", "carol/phone")),
        (DropReason::Forged, envelope("ann/desk", "bob/phone")),
        (DropReason::UnknownSender, envelope("mallory/x", "bob/phone")),
    ];
    for (expected, payload) in cases {
        assert_eq!(mallory.publish(inbox, false, payload).await, PubAckReason::Success);
        let (why, from) = bob
            .until("Dropped", |n| match n {
                Notice::Dropped { why, from } => Some((*why, from.clone())),
                _ => None,
            })
            .await;
        assert_eq!((why, from), (expected, Some(address("mallory", "x"))));
        assert_eq!(bob.client.drops().get(&expected), Some(&1));
    }
    // A broken presence is no device; bob goes on hearing ann.
    assert_eq!(mallory.publish("peal/v1/peal/presence/mallory/x", true, "{}").await, PubAckReason::Success);
    ann.client.send(bob.address(), &ringing(1), LIFE).await.unwrap();
    assert_eq!(bob.hears().await.1, ringing(1));
    assert!(bob.client.devices_of(&address("mallory", "x").user).is_empty());
}

async fn a_replayed_signal_is_dropped(kind: Kind) {
    let server = Server::start(kind).await;
    let (ann, mut bob) = pair(&server).await;
    // The broker's owner sees everything pass, and may send anything again.
    let mut tap = Stranger::login(&server, "bob").await;
    tap.subscribe("peal/v1/peal/to/bob/#").await;
    ann.client.send(bob.address(), &ringing(1), LIFE).await.unwrap();
    let topic = "peal/v1/peal/to/bob/from/ann/desk";
    let seen = tap.next(topic).await;
    assert_eq!(bob.hears().await.1, ringing(1));
    let mut owner = Stranger::login(&server, "ann").await;
    for _ in 0..3 {
        owner.publish(topic, false, seen.clone()).await;
        let why = bob
            .until("Dropped", |n| match n {
                Notice::Dropped { why, .. } => Some(*why),
                _ => None,
            })
            .await;
        assert_eq!(why, DropReason::Replayed);
    }
    // In the next run of bob's program, too.
    let mut again = bob.config.clone();
    again.boot_id = uuid::Uuid::now_v7();
    again.replay_guard = bob.client.replay_guard();
    bob.client.disconnect().await;
    let mut bob = Device::with(again).await;
    owner.publish(topic, false, seen).await;
    let why = bob
        .until("Dropped", |n| match n {
            Notice::Dropped { why, .. } => Some(*why),
            Notice::Signal { signal, .. } => panic!("{signal:?} was heard again"),
            _ => None,
        })
        .await;
    assert_eq!(why, DropReason::Replayed);
}

async fn an_account_that_is_no_longer_let_in_ends_the_session(kind: Kind) {
    let mut server = Server::start(kind).await;
    let mut bob = Device::login(&server, "bob", "phone").await;
    server.stop().await;
    bob.until("Disconnected", |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
    server.change_token("bob").await;
    server.resume().await;
    let problem = bob
        .until("SessionEnded", |n| match n {
            Notice::SessionEnded { problem } => Some(problem.clone()),
            _ => None,
        })
        .await;
    assert_eq!(problem, Problem::BadCredentials);
    assert!(bob.notices.recv().await.is_none());
}

#[tokio::test]
async fn the_embedded_broker_guards_client_ids_and_last_wills() {
    let server = Server::start(Kind::Embedded).await;
    let mut ann = Device::login(&server, "ann", "desk").await;
    let bob = Device::login(&server, "bob", "phone").await;
    ann.sees(bob.address(), PresenceState::Online).await;
    let refused = async |id: String, will: Option<&str>| {
        let mut options = MqttOptions::new(id, "127.0.0.1", server.address.port());
        options.set_credentials("mallory", token("mallory"));
        if let Some(topic) = will {
            let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
            options.set_last_will(rumqttc::v5::mqttbytes::v5::LastWill::new(topic, "{}", qos, true, None));
        }
        let (_client, mut events) = AsyncClient::new(options, 4);
        events.poll().await.is_err()
    };
    assert!(refused(bob.config.client_id.clone(), None).await, "another's client id, to steal the queue");
    assert!(refused("mallory".into(), None).await);
    let own = || ClientConfig::new_client_id(&address("mallory", "x").user);
    assert!(refused(own(), Some("peal/v1/peal/presence/bob/phone")).await, "a last will in another's name");
    assert!(!refused(own(), Some("peal/v1/peal/presence/mallory/x")).await);
    // The name is claimed now.
    let mut thief = common::config(&server, "mallory", "y");
    thief.token = "another".into();
    assert_eq!(Client::connect(thief).await.err(), Some(ConnectError::BadCredentials));
    // Bob is still there, unharmed.
    ann.client.send(bob.address(), &ringing(1), LIFE).await.unwrap();
    let mut bob = bob;
    assert_eq!(bob.hears().await.1, ringing(1));
}
