//! The embedded broker: several in one process, stopped and started, and after a crash.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::net::SocketAddr;

use common::{Device, Kind, LIFE, Server, Stranger, config, pair, ringing, start_error};
use peal_signalling::{Broker, BrokerConfig, BrokerError, Client, ConnectError, Notice, PresenceState};
use rumqttc::v5::mqttbytes::v5::PubAckReason;

const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_brokers_in_one_process_keep_apart() {
    let (one, two) = (Server::start(Kind::Embedded).await, Server::start(Kind::Embedded).await);
    let (ann, mut bob) = pair(&one).await;
    // The same names at another broker are other people.
    let mut elsewhere = config(&two, "ann", "desk");
    elsewhere.token = "another token".into();
    let stranger = Device::with(elsewhere).await;
    ann.client.send(bob.address(), &ringing(1), LIFE).await.unwrap();
    assert_eq!(bob.hears().await.1, ringing(1));
    assert!(stranger.client.everybody().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_broker_frees_its_port_and_its_data_and_remembers() {
    let mut server = Server::start(Kind::Embedded).await;
    let ann = Device::login(&server, "ann", "desk").await;
    ann.client.disconnect().await;
    for _ in 0..3 {
        server.stop().await;
        server.resume().await;
        let mut stranger = config(&server, "ann", "laptop");
        stranger.token = "guessed".into();
        assert_eq!(Client::connect(stranger).await.err(), Some(ConnectError::BadCredentials));
        let mut bob = Device::login(&server, "bob", "phone").await;
        bob.sees(&ann.config.address, PresenceState::Offline).await;
        bob.client.disconnect().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_and_a_taken_directory_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let data = |name: &str| dir.path().join(name);
    let listen = SocketAddr::from(ANY);
    let broker = Broker::start(BrokerConfig { listen, data_dir: data("a") }).await.unwrap();
    let taken = BrokerConfig { listen: broker.address(), data_dir: data("b") };
    assert!(matches!(start_error(taken).await, BrokerError::AddressInUse(at) if at == broker.address()));
    let same_data = BrokerConfig { listen, data_dir: data("a") };
    assert!(matches!(start_error(same_data).await, BrokerError::DataInUse(_)));
    std::fs::write(data("file"), b"").unwrap();
    let no_directory = BrokerConfig { listen, data_dir: data("file") };
    assert!(matches!(start_error(no_directory).await, BrokerError::Data { .. }));
    let (address, data_dir) = (broker.address(), data("a"));
    broker.stop().await;
    Broker::start(BrokerConfig { listen: address, data_dir }).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_vanished_with_a_crash_of_the_broker_is_shown_as_offline() {
    let mut server = Server::start(Kind::Embedded).await;
    let (mut ann, mut bob) = pair(&server).await;
    let (ann_config, bob_address) = (ann.config.clone(), bob.address().clone());
    // The broker's machine fails, and both programs with it; its disk has had its half second.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    server.crash();
    for device in [&mut ann, &mut bob] {
        device.until("Disconnected", |n| matches!(n, Notice::Disconnected { .. }).then_some(())).await;
    }
    drop((ann, bob));
    server.resume().await;
    let mut ann = Device::with(ann_config).await;
    ann.sees(&bob_address, PresenceState::Offline).await;
    assert_eq!(ann.client.devices_of(&bob_address.user)[0].state, PresenceState::Offline);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presence_takes_no_room_among_the_signals_of_a_device_that_is_away() {
    let server = Server::start(Kind::Embedded).await;
    let (ann, bob) = pair(&server).await;
    let (bob_config, bob_address) = (bob.config.clone(), bob.address().clone());
    bob.client.disconnect().await;
    drop(bob.notices);
    for n in 0..10 {
        ann.client.send(&bob_address, &ringing(n), LIFE).await.unwrap();
    }
    // More than would ever be queued for one device.
    let mut carol = Stranger::login(&server, "carol").await;
    for n in 0..1_100 {
        let shown = carol.publish("peal/v1/peal/presence/carol/x", true, format!("{n}")).await;
        assert_eq!(shown, PubAckReason::Success);
    }
    for n in 10..20 {
        ann.client.send(&bob_address, &ringing(n), LIFE).await.unwrap();
    }
    ann.client.disconnect().await;
    let mut bob = Device::with(bob_config).await;
    for n in 0..20 {
        assert_eq!(bob.hears().await.1, ringing(n));
    }
}
